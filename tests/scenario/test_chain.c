/*
 * The whole way of a key, MEF and MAF as roles in one process under a virtual clock: enrol, fetch in the middle of the
 * MAF handshake, client registration, key registration, retrieval by the target; in both profiles (design section 12), with
 * each refusal on the way. The device's side of every derivation is done here, from what it would hold itself.
 */
#include "base/base64.h"
#include "base/hex.h"
#include "role/maf/maf.h"
#include "role/mef/mef.h"
#include "wire/json.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define DAY (24 * HOUR)
#define KPM "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
#define MEF_CONF "[mef]\nfqdn = mef.example.com\n"
#define MAF_CONF_OF(fqdn, profile)                                                                                     \
    "[maf]\nfqdn = " fqdn "\nkc-lifetime = 6h\n[peer mef.example.com]\nkind = mef\nprofile = " profile "\n"

struct story {
    struct world w;
    struct world_node *mef, *maf;
    struct world_session s;
    struct world_reply r;
    /* what the device holds */
    struct secret kpm;
    struct key_ke ke;
    struct keyid ke_id;
    struct secret km;
    char km_id[KEYID_MAX];
    char ri[64];
    struct key_kc kc;
    char kc_path[64];
};

static struct story *start(const char *profile)
{
    struct story *t = calloc(1, sizeof(*t));
    bool seed = strcmp(profile, "seed") == 0;
    world_init(&t->w, T0);
    /* Two authorities, each with its own store and root secret (R000-22, R000-68, R000-69). */
    t->mef = world_add(&t->w, &role_mef, "mef.example.com", MEF_CONF);
    t->maf = world_add(&t->w, &role_maf, "maf.example.com",
                       seed ? MAF_CONF_OF("maf.example.com", "seed") : MAF_CONF_OF("maf.example.com", "r3"));
    world_secret(KPM, &t->kpm);
    char args[512];
    snprintf(args, sizeof(args),
             "{\"kind\":\"kpm\",\"id\":\"dev42@mef.example.com\",\"key\":\"" KPM "\",\"enrolee-id\":\"//sp.example.com/S42\","
             "\"target\":\"maf.example.com\",\"profile\":\"%s\",\"lifetime\":\"2d\"}",
             profile);
    assert_int_equal(world_ctl(&t->w, t->mef, "credential", "add", args, &t->r), ERR_OK);
    assert_int_equal(world_ctl(&t->w, t->maf, "client", "allow",
                               "{\"client\":\"//sp.example.com/S42\",\"target\":\"//sp.example.com/in\"}", &t->r),
                     ERR_OK);
    return t;
}

static int setup_r3(void **state)
{
    *state = start("r3");
    return 0;
}

static int setup_seed(void **state)
{
    *state = start("seed");
    return 0;
}

static int teardown(void **state)
{
    struct story *t = *state;
    world_free(&t->w);
    free(t);
    return 0;
}

/* -- the steps of the device ------------------------------------------------------------------------------ */
static void enrol(struct story *t, bool seed)
{
    struct keys_relative rel;
    assert_int_equal(world_connect(&t->w, t->mef, "dev42@mef.example.com", &t->kpm, &t->s), ERR_OK);
    assert_int_equal(keys_ke_split(&t->s.exported, &t->ke, &rel), ERR_OK);
    assert_int_equal(keyid_of_relative(&rel, text_of("mef.example.com"), &t->ke_id), ERR_OK);
    struct text maf_id = text_of("maf.example.com");
    if (seed) { /* R001-37 */
        struct key_km km;
        assert_int_equal(keys_km_derive(t->mef->env.crypto, &t->ke, maf_id, &km), ERR_OK);
        t->km = km.s;
    } else {
        struct key_usage k;
        assert_int_equal(keys_usage_derive(t->mef->env.crypto, &t->ke, 21, maf_id, &k), ERR_OK);
        t->km = k.s;
    }
    strcpy(t->km_id, t->ke_id.z);
}

static err_t to_maf(struct story *t)
{
    return world_connect(&t->w, t->maf, t->km_id, &t->km, &t->s);
}

static void text_member(struct story *t, const char *root, const char *name, char *out, size_t cap)
{
    json_t *o = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(t->r.body)), &o), ERR_OK);
    assert_int_equal(text_copy(json_get_text(json_object_get(o, root), name), out, cap), ERR_OK);
    json_decref(o);
}

static void register_client(struct story *t)
{
    struct world_request rq = {.op = OP_CREATE,
                               .ty = 60002,
                               .path = "/-",
                               .from = "//sp.example.com/S42",
                               .body = "{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\"}}"};
    assert_int_equal(world_request(&t->s, &rq, &t->r), ERR_OK);
    char aski[KEYID_MAX];
    t->ri[0] = '/';
    text_member(t, "m2m:macr", "ri", t->ri + 1, sizeof(t->ri) - 1);
    text_member(t, "m2m:macr", "aski", aski, sizeof(aski));
    if (aski[0] != '\0') {
        strcpy(t->km_id, aski); /* 8.8.2.3 step 5 */
    }
}

static err_t register_key(struct story *t)
{
    struct world_request rq = {
        .op = OP_CREATE,
        .ty = 60003,
        .path = t->ri,
        .from = "//sp.example.com/S42",
        .body = "{\"m2m:skr\":{\"adfq\":\"sp.example.com\",\"suid\":32,\"tgis\":[\"//sp.example.com/in\"]}}"};
    err_t e = world_request(&t->s, &rq, &t->r);
    if (e == ERR_OK) {
        struct keys_relative rel;
        assert_int_equal(keys_kc_split(&t->s.exported, &t->kc, &rel), ERR_OK);
        struct writer w = WRITER_ARRAY(t->kc_path);
        writer_z(&w, "/-/");
        hex_write_upper(&w, BYTES_ARRAY(rel.b));
        assert_int_equal(writer_finish_z(&w), ERR_OK);
        assert_non_null(strstr(t->r.body, t->kc_path + 3)); /* both sides made the same RelativeKeyID */
    }
    return e;
}

static err_t retrieve_as(struct story *t, const char *dns, const char *from)
{
    struct world_session s;
    assert_int_equal(world_connect_cert(&t->w, t->maf, dns, &s), ERR_OK);
    struct world_request rq = {.op = OP_RETRIEVE, .path = t->kc_path, .from = from};
    return world_request(&s, &rq, &t->r);
}

static void expect_kc(struct story *t)
{
    char kv[64];
    uint8_t b[48];
    struct writer w = WRITER_ARRAY(b);
    text_member(t, "m2m:skr", "kv", kv, sizeof(kv));
    assert_int_equal(base64_parse(text_of(kv), &w), ERR_OK);
    assert_true(w.n == 32 && memcmp(b, t->kc.s.b, 32) == 0);
}

/* -- chains -------------------------------------------------------------------------------------------------- */
static void chain(struct story *t, bool seed)
{
    enrol(t, seed); /* R000-21, R002-50, R002-51 */
    assert_int_equal(to_maf(t), ERR_OK); /* R000-87, R001-36, R001-58, R001-90, R002-56 */
    assert_int_equal(t->w.asked, 1);
    register_client(t);
    assert_true(seed ? strcmp(t->km_id, t->ke_id.z) == 0 : strstr(t->km_id, "@maf.example.com") != NULL);
    assert_int_equal(to_maf(t), ERR_OK); /* under its lasting name */
    assert_int_equal(register_key(t), ERR_OK); /* R001-02 */
    assert_int_equal(register_key(t), ERR_EXPORT_USED); /* checklist 18 */
    assert_int_equal(retrieve_as(t, "in.sp.example.com", "//sp.example.com/in"), ERR_OK);
    expect_kc(t);
    char text[KEYID_MAX];
    text_member(t, "m2m:skr", "cr", text, sizeof(text));
    assert_string_equal(text, "//sp.example.com/S42");
    text_member(t, "m2m:skr", "aski", text, sizeof(text));
    assert_string_equal(text, t->km_id);
    assert_int_equal(t->w.asked, 1); /* R001-45: one fetch for all of it */
    assert_int_equal(world_audited(t->mef, AUDIT_KE_ISSUED), 1);
    assert_int_equal(world_audited(t->mef, AUDIT_KEY_RELEASED), 1);
    assert_int_equal(world_audited(t->maf, AUDIT_KM_STORED), 1);
    assert_int_equal(world_audited(t->maf, AUDIT_MAF_CLIENT_REGISTERED), 1);
    assert_int_equal(world_audited(t->maf, AUDIT_MAF_KEY_REGISTERED), 1);
    assert_int_equal(world_audited(t->maf, AUDIT_MAF_KEY_RETRIEVED), 1);
}

static void test_chain_r3(void **state)
{
    chain(*state, false);
}

static void test_chain_seed(void **state)
{
    chain(*state, true);
}

/* Km is a key that the Enrolee registered at the MEF, by export of its session (8.3.5.2.7, 8.8.2.3 step 1). */
static void test_chain_by_registered_key(void **state)
{
    struct story *t = *state;
    char ri[64] = "/";
    assert_int_equal(world_ctl(&t->w, t->mef, "client", "allow",
                               "{\"client\":\"//sp.example.com/S42\",\"target\":\"maf.example.com\"}", &t->r), ERR_OK);
    enrol(t, false);
    struct world_request rq = {.op = OP_CREATE, .ty = 60005, .path = "/-", .from = "//sp.example.com/S42",
                               .body = "{\"m2m:mecr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\"}}"};
    assert_int_equal(world_request(&t->s, &rq, &t->r), ERR_OK);
    text_member(t, "m2m:mecr", "ri", ri + 1, sizeof(ri) - 1);
    rq.ty = 60003;
    rq.path = ri;
    rq.body = "{\"m2m:skr\":{\"adfq\":\"sp.example.com\",\"suid\":21,\"tgis\":[\"maf.example.com\"]}}";
    assert_int_equal(world_request(&t->s, &rq, &t->r), ERR_OK);
    struct secret derived = t->km;
    assert_int_equal(to_maf(t), ERR_DENIED_PSK_WRONG); /* nothing is derived from it any more */
    t->km = t->ke.s;
    assert_int_equal(to_maf(t), ERR_OK);
    register_client(t);
    assert_non_null(strstr(t->km_id, "@maf.example.com"));
    assert_int_equal(to_maf(t), ERR_OK);
    assert_int_equal(register_key(t), ERR_OK);
    assert_int_equal(retrieve_as(t, "in.sp.example.com", "//sp.example.com/in"), ERR_OK);
    expect_kc(t);
    t->km = derived;
    assert_int_equal(to_maf(t), ERR_DENIED_PSK_WRONG);
    assert_int_equal(world_audited(t->mef, AUDIT_MEF_KEY_RETRIEVED), 1);
    assert_int_equal(world_audited(t->mef, AUDIT_KEY_RELEASED), 0);
}

/* R000-16: an enrolment in later life gives other credentials and identifiers; the registration goes on under them. */
static void test_enrolled_again(void **state)
{
    struct story *t = *state;
    char first_ke[KEYID_MAX], first_km[KEYID_MAX];
    chain(t, false);
    strcpy(first_ke, t->ke_id.z);
    strcpy(first_km, t->km_id);
    struct secret old = t->km;
    enrol(t, false);
    assert_string_not_equal(first_ke, t->ke_id.z);
    assert_false(secret_eq(&old, &t->km));
    assert_int_equal(to_maf(t), ERR_OK);
    struct world_request rq = {.op = OP_UPDATE, .path = t->ri, .from = "//sp.example.com/S42",
                               .body = "{\"m2m:macr\":{\"et\":\"20991231T000000\"}}"};
    assert_int_equal(world_request(&t->s, &rq, &t->r), ERR_OK);
    text_member(t, "m2m:macr", "aski", t->km_id, sizeof(t->km_id)); /* R000-84 */
    assert_string_not_equal(first_km, t->km_id);
    assert_int_equal(to_maf(t), ERR_OK);
    assert_int_equal(retrieve_as(t, "in.sp.example.com", "//sp.example.com/in"), ERR_OK);
    expect_kc(t);
    /* de-registration ends all of it; under KeId it begins again */
    rq.op = OP_DELETE;
    rq.body = NULL;
    assert_int_equal(world_request(&t->s, &rq, &t->r), ERR_OK);
    assert_int_equal(retrieve_as(t, "in.sp.example.com", "//sp.example.com/in"), ERR_NOT_FOUND);
    assert_int_equal(to_maf(t), ERR_DENIED_PSK_UNKNOWN);
    strcpy(t->km_id, t->ke_id.z);
    assert_int_equal(to_maf(t), ERR_OK);
    register_client(t);
    assert_int_equal(to_maf(t), ERR_OK);
}

/* -- refusals on the way --------------------------------------------------------------------------------------- */
static void test_wrong_keys(void **state)
{
    struct story *t = *state;
    struct secret wrong;
    world_secret("00000000000000000000000000000001", &wrong);
    assert_int_equal(world_connect(&t->w, t->mef, "dev42@mef.example.com", &wrong, &t->s), ERR_DENIED_PSK_WRONG);
    assert_int_equal(world_count(t->mef, TABLE_MEF_KE), 0); /* refuses R001-81 */
    enrol(t, false);
    /* Ke itself is no key for the MAF, nor is the Km of the other profile */
    assert_int_equal(world_connect(&t->w, t->maf, t->ke_id.z, &t->ke.s, &t->s), ERR_DENIED_PSK_WRONG);
    struct key_km km;
    assert_int_equal(keys_km_derive(t->mef->env.crypto, &t->ke, text_of("maf.example.com"), &km), ERR_OK);
    assert_int_equal(world_connect(&t->w, t->maf, t->ke_id.z, &km.s, &t->s), ERR_DENIED_PSK_WRONG);
    assert_int_equal(to_maf(t), ERR_OK);
}

static void test_not_the_target(void **state)
{
    struct story *t = *state;
    enrol(t, false);
    struct world_node *other = world_add(&t->w, &role_maf, "maf2.example.com", MAF_CONF_OF("maf2.example.com", "r3"));
    /* nobody's target is not let in at all; one that is another's gets no key of this one */
    assert_int_equal(world_connect(&t->w, other, t->ke_id.z, &t->km, &t->s), ERR_DENIED_FETCH); /* refuses R001-77, R001-100 */
    assert_int_equal(world_audited(t->mef, AUDIT_REFUSED), 0);
    static const char another[] = "{\"kind\":\"cert\",\"id\":\"node_2\",\"target\":\"maf2.example.com\"}";
    assert_int_equal(world_ctl(&t->w, t->mef, "credential", "add", another, &t->r), ERR_OK);
    assert_int_equal(world_connect(&t->w, other, t->ke_id.z, &t->km, &t->s), ERR_DENIED_FETCH); /* refuses R001-77 */
    assert_int_equal(world_count(other, TABLE_MAF_KM), 0);
    assert_int_equal(world_audited(t->mef, AUDIT_REFUSED), 1); /* an authenticated peer asked: the MEF keeps that */
    assert_int_equal(world_audited(t->mef, AUDIT_KEY_RELEASED), 0);
}

static void test_profiles_differ(void **state)
{
    struct story *t = *state;
    enrol(t, false);
    world_reload(&t->w, t->maf, MAF_CONF_OF("maf.example.com", "seed")); /* the MAF asks in the wrong form */
    assert_int_equal(to_maf(t), ERR_DENIED_FETCH);
    world_reload(&t->w, t->maf, MAF_CONF_OF("maf.example.com", "r3"));
    assert_int_equal(to_maf(t), ERR_OK);
}

static void test_expired_ke(void **state)
{
    struct story *t = *state;
    enrol(t, false);
    t->w.now = T0 + 2 * DAY;
    assert_int_equal(to_maf(t), ERR_DENIED_FETCH); /* the MEF says so: CHOICE-48 */
    t->w.now = T0 + 2 * DAY - HOUR;
    assert_int_equal(to_maf(t), ERR_OK);
    t->w.now = T0 + 2 * DAY;
    assert_int_equal(to_maf(t), ERR_DENIED_EXPIRED); /* Km dies with Ke [10.7] */
    assert_int_equal(world_connect(&t->w, t->mef, "dev42@mef.example.com", &t->kpm, &t->s), ERR_DENIED_EXPIRED);
}

static void test_mef_away(void **state)
{
    struct story *t = *state;
    enrol(t, false);
    t->w.away = ERR_PEER_UNREACHABLE;
    assert_int_equal(to_maf(t), ERR_PEER_UNREACHABLE);
    assert_int_equal(world_count(t->maf, TABLE_MAF_KM), 0);
    t->w.away = ERR_OK;
    t->w.forged = "{\"status\":true}";
    t->w.forged_status = 200;
    assert_int_equal(to_maf(t), ERR_PEER_NONSENSE);
    t->w.forged = NULL;
    assert_int_equal(to_maf(t), ERR_OK);
    t->w.away = ERR_PEER_TIMEOUT;
    assert_int_equal(to_maf(t), ERR_OK); /* held: the MEF is not needed (R001-47) */
}

static void test_dropped_ke(void **state)
{
    struct story *t = *state;
    enrol(t, false);
    char first[KEYID_MAX];
    struct secret km = t->km;
    strcpy(first, t->ke_id.z);
    for (int i = 0; i < 8; i++) {
        enrol(t, false);
    }
    assert_int_equal(world_connect(&t->w, t->maf, first, &km, &t->s), ERR_DENIED_FETCH); /* the oldest is gone */
    assert_int_equal(to_maf(t), ERR_OK);
}

static void test_retrieval(void **state)
{
    struct story *t = *state;
    enrol(t, false);
    assert_int_equal(to_maf(t), ERR_OK);
    register_client(t);
    assert_int_equal(to_maf(t), ERR_OK);
    assert_int_equal(register_key(t), ERR_OK);
    assert_int_equal(retrieve_as(t, "in2.sp.example.com", "//sp.example.com/in2"), ERR_DENIED_TARGET); /* checklist 16 */
    assert_int_equal(t->r.rsc, 4103);
    assert_int_equal(world_audited(t->maf, AUDIT_REFUSED), 1);
    /* reuse within the lifetime, refusal after expiry: checklist 7 */
    for (int i = 0; i < 3; i++) {
        t->w.now += HOUR;
        assert_int_equal(retrieve_as(t, "in.sp.example.com", "//sp.example.com/in"), ERR_OK);
        expect_kc(t);
    }
    t->w.now = T0 + 6 * HOUR - 1;
    assert_int_equal(retrieve_as(t, "in.sp.example.com", "//sp.example.com/in"), ERR_OK);
    t->w.now = T0 + 6 * HOUR;
    assert_int_equal(retrieve_as(t, "in.sp.example.com", "//sp.example.com/in"), ERR_DENIED_EXPIRED);
    assert_int_equal(t->r.rsc, 4004);
    /* a new session gives a new key */
    struct key_kc old = t->kc;
    assert_int_equal(to_maf(t), ERR_OK);
    assert_int_equal(register_key(t), ERR_OK);
    assert_false(secret_eq(&old.s, &t->kc.s));
    assert_int_equal(retrieve_as(t, "in.sp.example.com", "//sp.example.com/in"), ERR_OK);
    expect_kc(t);
}

static void test_clock_jumps(void **state)
{
    struct story *t = *state;
    enrol(t, false);
    assert_int_equal(to_maf(t), ERR_OK);
    register_client(t);
    t->w.now = T0 - 100 * DAY; /* both clocks are set back: nothing is lost, nothing lives for ever */
    assert_int_equal(to_maf(t), ERR_OK);
    assert_int_equal(register_key(t), ERR_OK);
    assert_int_equal(retrieve_as(t, "in.sp.example.com", "//sp.example.com/in"), ERR_OK);
    t->w.now = T0 - 100 * DAY + 6 * HOUR;
    assert_int_equal(retrieve_as(t, "in.sp.example.com", "//sp.example.com/in"), ERR_DENIED_EXPIRED);
    t->w.now = T0 + 1000 * DAY;
    assert_int_equal(to_maf(t), ERR_DENIED_EXPIRED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_chain_r3, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_chain_seed, setup_seed, teardown),
        cmocka_unit_test_setup_teardown(test_chain_by_registered_key, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_enrolled_again, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_keys, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_not_the_target, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_profiles_differ, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_expired_ke, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_mef_away, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_dropped_ke, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_retrieval, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_clock_jumps, setup_r3, teardown),
    };
    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
