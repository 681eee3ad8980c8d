/* Bootstrap instructions: several Enrolment Targets of one credential, each with its Enrolee-ID, SUIDs, profile and end. */
#include "base/base64.h"
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
#define KPM "00112233445566778899aabbccddeeff"
#define DEV "dev@mef.example.com"
#define OF_DEV "\"ID\":\"" DEV "\""
#define CSE "//sp.example.com/in"
#define CSE_HOST "in.sp.example.com"
#define AE "//sp.example.com/Swatcher"

struct fixture {
    struct world w;
    struct world_node *mef;
    struct secret kpm;
    struct world_reply r;
    struct world_session s;
    struct key_ke ke;
    struct keyid ke_id;
};

static err_t ctl(struct fixture *f, const char *noun, const char *verb, const char *args)
{
    return world_ctl(&f->w, f->mef, noun, verb, args, &f->r);
}

/* A credential without a target: the instructions come one by one. */
static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    world_init(&f->w, T0);
    f->mef = world_add(&f->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
    world_secret(KPM, &f->kpm);
    assert_int_equal(ctl(f, "credential", "add", "{\"kind\":\"kpm\",\"id\":\"" DEV "\",\"key\":\"" KPM
                         "\",\"lifetime\":\"90d\",\"enrolee-id\":\"//sp.example.com/Sdev\"}"), ERR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    world_free(&f->w);
    free(f);
    return 0;
}

static err_t instruct(struct fixture *f, const char *verb, const char *target, const char *more)
{
    char args[512];
    snprintf(args, sizeof(args), "{" OF_DEV ",\"target\":\"%s\"%s}", target, more);
    return ctl(f, "instruction", verb, args);
}

/* R001-22: with the credential that both were given */
static void enrol(struct fixture *f)
{
    struct keys_relative rel;
    assert_int_equal(world_connect(&f->w, f->mef, DEV, &f->kpm, &f->s), ERR_OK);
    assert_int_equal(keys_ke_split(&f->s.exported, &f->ke, &rel), ERR_OK);
    assert_int_equal(keyid_of_relative(&rel, text_of("mef.example.com"), &f->ke_id), ERR_OK);
}

/* As the holder of a certificate: a host name, or an AE-ID as its URI (`//...`). */
static err_t fetch_as(struct fixture *f, const char *name, const char *from, const char *suid)
{
    struct world_session s;
    char path[512], uri[256];
    bool ae = name[0] == '/';
    snprintf(uri, sizeof(uri), "m2m:%s", name);
    struct role_cert cert = world_cert(&f->w, ae ? WORLD_URI : WORLD_DNS, ae ? uri : name);
    err_t e = world_connect_names(&f->w, f->mef, &cert, &s);
    if (e != ERR_OK) {
        return e;
    }
    snprintf(path, sizeof(path), "/fetchCredentials/%s%s", f->ke_id.z, suid);
    struct world_request rq = {.op = OP_RETRIEVE, .path = path, .from = from};
    return world_request(&s, &rq, &f->r);
}

static void expect_key(const struct fixture *f, const struct secret *want, const char *enrolee, int64_t lifetime)
{
    json_t *o = NULL;
    uint8_t b[64];
    struct writer w = WRITER_ARRAY(b);
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    assert_int_equal(json_object_size(o), 5); /* status, credential, enroleeID, lifetime, profile: no KmId (R001-43) */
    assert_true(text_eq_z(json_get_text(o, "enroleeID"), enrolee));
    assert_int_equal(json_integer_value(json_object_get(o, "lifetime")), lifetime);
    assert_int_equal(base64_parse(json_get_text(o, "credential"), &w), ERR_OK);
    assert_int_equal(w.n, 32);
    assert_memory_equal(b, want->b, 32);
    json_decref(o);
}

static void expect_usage(struct fixture *f, unsigned suid, const char *host, const char *enrolee, int64_t lifetime)
{
    struct key_usage k;
    assert_int_equal(keys_usage_derive(f->mef->env.crypto, &f->ke, suid, text_of(host), &k), ERR_OK);
    expect_key(f, &k.s, enrolee, lifetime);
}

/* R001-08, R001-24, R001-25, R001-27: a MAF, a CSE and an AE are targets of one enrolment, side by side. */
static void test_targets_of_one_ke(void **state)
{
    struct fixture *f = *state;
    struct key_km km;
    struct key_kpsa kpsa;
    assert_int_equal(world_connect(&f->w, f->mef, DEV, &f->kpm, &f->s), ERR_DENIED_NOT_INSTRUCTED); /* refuses R001-25 */
    assert_int_equal(instruct(f, "add", "maf.example.com", ",\"enrolee-id\":\"//sp.example.com/Sother\""), ERR_OK);
    enrol(f);
    assert_int_equal(instruct(f, "add", CSE, ",\"suid\":\"22,23\",\"lifetime\":\"1d\""), ERR_OK); /* for the Ke there is too */
    assert_int_equal(instruct(f, "add", "maf2.example.com", ",\"profile\":\"seed\""), ERR_OK);
    assert_int_equal(instruct(f, "add", "//sp.example.com/mn", ",\"profile\":\"seed\""), ERR_OK);
    assert_int_equal(world_audited(f->mef, AUDIT_INSTRUCTION_ADDED), 4);
    assert_int_equal(world_count(f->mef, TABLE_MEF_INSTRUCTION), 4);

    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", "/21"), ERR_OK);
    expect_usage(f, 21, "maf.example.com", "//sp.example.com/Sother", 90 * 86400); /* R001-27 */
    assert_int_equal(fetch_as(f, CSE_HOST, CSE, "/22"), ERR_OK);
    expect_usage(f, 22, CSE_HOST, "//sp.example.com/Sdev", 86400); /* the instruction's end, not the credential's */
    assert_int_equal(fetch_as(f, CSE_HOST, CSE, "/23"), ERR_OK);
    expect_usage(f, 23, CSE_HOST, "//sp.example.com/Sdev", 86400);
    assert_int_equal(fetch_as(f, "maf2.example.com", "maf2.example.com", ""), ERR_OK);
    assert_int_equal(keys_km_derive(f->mef->env.crypto, &f->ke, text_of("maf2.example.com"), &km), ERR_OK);
    expect_key(f, &km.s, "//sp.example.com/Sdev", 90 * 86400);
    assert_int_equal(fetch_as(f, "mn.sp.example.com", "//sp.example.com/mn", ""), ERR_OK);
    assert_int_equal(keys_kpsa_derive(f->mef->env.crypto, &f->ke, text_of("//sp.example.com/mn"), &kpsa), ERR_OK);
    expect_key(f, &kpsa.s, "//sp.example.com/Sdev", 90 * 86400);

    assert_int_equal(fetch_as(f, CSE_HOST, CSE, "/24"), ERR_DENIED_SUID); /* not among those of its instruction */
    assert_int_equal(fetch_as(f, CSE_HOST, CSE, ""), ERR_DENIED_SUID);    /* the other profile's form */
    assert_int_equal(fetch_as(f, "maf2.example.com", "maf2.example.com", "/21"), ERR_DENIED_SUID);
    assert_int_equal(fetch_as(f, "maf3.example.com", "maf3.example.com", "/21"), ERR_DENIED_CERT_INSTRUCTION);
    f->w.now += 25 * HOUR; /* one instruction is over, the others are not */
    assert_int_equal(fetch_as(f, CSE_HOST, CSE, "/22"), ERR_DENIED_EXPIRED);
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", "/21"), ERR_OK);
}

/* Each SUID that a MEF provisions, for the kinds of target that take it. */
static void test_each_suid(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(instruct(f, "add", "maf.example.com", ""), ERR_OK);
    assert_int_equal(instruct(f, "add", CSE, ""), ERR_OK);
    enrol(f);
    for (unsigned suid = 10; suid <= 45; suid++) {
        char text[8];
        snprintf(text, sizeof(text), "/%u", suid);
        bool defined = keys_usage_is_suid(suid);
        err_t maf = fetch_as(f, "maf.example.com", "maf.example.com", text);
        assert_int_equal(maf, suid == 21 ? ERR_OK : defined ? ERR_DENIED_SUID : ERR_MALFORMED_SUID);
        bool fits = suid >= 22 && suid <= 25;
        assert_int_equal(fetch_as(f, CSE_HOST, CSE, text), fits ? ERR_OK : defined ? ERR_DENIED_SUID : ERR_MALFORMED_SUID);
        if (fits) {
            expect_usage(f, suid, CSE_HOST, "//sp.example.com/Sdev", 90 * 86400);
        }
    }
}

/* An AE is a target too: with a certificate that names it. */
static void test_ae_target(void **state)
{
    struct fixture *f = *state;
    struct key_kpsa kpsa;
    assert_int_equal(instruct(f, "add", AE, ",\"profile\":\"seed\""), ERR_OK);
    enrol(f);
    assert_int_equal(fetch_as(f, AE, AE, ""), ERR_OK);
    assert_int_equal(keys_kpsa_derive(f->mef->env.crypto, &f->ke, text_of(AE), &kpsa), ERR_OK);
    expect_key(f, &kpsa.s, "//sp.example.com/Sdev", 90 * 86400);
    assert_int_equal(fetch_as(f, "//sp.example.com/Snobody", "//sp.example.com/Snobody", ""), ERR_DENIED_CERT_INSTRUCTION);
}

/* Another Enrolee may be the target, and comes with its own bootstrap credential [8.3.2.1 last part]. */
static void test_enrolee_target(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct secret key;
    char path[512];
    assert_int_equal(instruct(f, "add", AE, ",\"profile\":\"seed\""), ERR_OK);
    enrol(f);
    assert_int_equal(ctl(f, "credential", "add", "{\"kind\":\"kpm\",\"id\":\"b@mef.example.com\",\"enrolee-id\":\"" AE
                         "\",\"target\":\"maf.example.com\",\"key\":\"ffeeddccbbaa99887766554433221100\"}"), ERR_OK);
    world_secret("ffeeddccbbaa99887766554433221100", &key);
    assert_int_equal(world_connect(&f->w, f->mef, "b@mef.example.com", &key, &s), ERR_OK);
    snprintf(path, sizeof(path), "/fetchCredentials/%s", f->ke_id.z);
    struct world_request rq = {.op = OP_RETRIEVE, .path = path, .from = AE};
    assert_int_equal(world_request(&s, &rq, &f->r), ERR_OK);
    rq.from = "//sp.example.com/Sdev";
    assert_int_equal(world_request(&s, &rq, &f->r), ERR_DENIED_FROM);
    struct world_request own = {.op = OP_RETRIEVE, .path = path, .from = "//sp.example.com/Sdev"};
    assert_int_equal(world_request(&f->s, &own, &f->r), ERR_DENIED_TARGET); /* refuses R001-77: not even the Enrolee itself */
}

static void test_remove(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(instruct(f, "add", "maf.example.com", ""), ERR_OK);
    assert_int_equal(instruct(f, "add", CSE, ""), ERR_OK);
    enrol(f);
    assert_int_equal(instruct(f, "remove", "MAF.example.com", ""), ERR_OK);
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", "/21"), ERR_DENIED_TARGET); /* refuses R001-25 */
    assert_int_equal(fetch_as(f, CSE_HOST, CSE, "/22"), ERR_OK);
    assert_int_equal(instruct(f, "remove", "maf.example.com", ""), ERR_NOT_FOUND);
    assert_int_equal(instruct(f, "remove", CSE, ""), ERR_OK);
    assert_int_equal(world_connect(&f->w, f->mef, DEV, &f->kpm, &f->s), ERR_DENIED_NOT_INSTRUCTED);
    assert_int_equal(world_audited(f->mef, AUDIT_INSTRUCTION_REMOVED), 2);
}

/* A credential that was added with its target has one instruction, as every store from before has it. */
static void test_first_in_credential(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ctl(f, "credential", "add", "{\"kind\":\"kpm\",\"id\":\"old@mef.example.com\",\"target\":\"maf.example.com\",\"key\":\"" KPM "\"}"),
                     ERR_OK);
    assert_int_equal(world_count(f->mef, TABLE_MEF_INSTRUCTION), 0);
    assert_int_equal(ctl(f, "instruction", "list", "{\"ID\":\"old@mef.example.com\"}"), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"target\":\"maf.example.com\",\"suids\":[21],\"profile\":\"r3\""));
    const char *args = "{\"ID\":\"old@mef.example.com\",\"target\":\"maf.example.com\"}";
    assert_int_equal(ctl(f, "instruction", "add", args), ERR_EXISTS);
    assert_int_equal(ctl(f, "instruction", "show", args), ERR_OK);
    assert_int_equal(ctl(f, "instruction", "remove", args), ERR_OK);
    assert_int_equal(ctl(f, "instruction", "show", args), ERR_NOT_FOUND);
    assert_int_equal(world_connect(&f->w, f->mef, "old@mef.example.com", &f->kpm, &f->s), ERR_DENIED_NOT_INSTRUCTED);
    assert_int_equal(ctl(f, "instruction", "add", args), ERR_OK);
    assert_int_equal(world_connect(&f->w, f->mef, "old@mef.example.com", &f->kpm, &f->s), ERR_OK);
}

static void test_bad_arguments(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *target, *more;
        err_t want;
    } cases[] = {
        {"", "", ERR_MISSING},
        {"nonsense//", "", ERR_MALFORMED_ID},
        {"maf.example.com", ",\"suid\":\"22\"", ERR_MALFORMED_SUID},
        {CSE, ",\"suid\":\"21\"", ERR_MALFORMED_SUID},
        {CSE, ",\"suid\":\"22,x\"", ERR_MALFORMED_SUID},
        {CSE, ",\"profile\":\"r4\"", ERR_USAGE},
        {CSE, ",\"lifetime\":\"soon\"", ERR_MALFORMED_TIME},
        {CSE, ",\"admin-fqdn\":\"no host\"", ERR_MALFORMED_ID},
        {CSE, ",\"enrolee-id\":\"dev\"", ERR_MALFORMED_ID},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(instruct(f, "add", cases[i].target, cases[i].more), cases[i].want);
    }
    assert_int_equal(ctl(f, "instruction", "add", "{\"ID\":\"none@mef.example.com\",\"target\":\"maf.example.com\"}"), ERR_NOT_FOUND);
    for (unsigned i = 0; i < 16; i++) {
        char target[64];
        snprintf(target, sizeof(target), "maf%u.example.com", i);
        assert_int_equal(instruct(f, "add", target, ""), ERR_OK);
    }
    assert_int_equal(instruct(f, "add", CSE, ""), ERR_LIMIT_CAPACITY);
    assert_int_equal(ctl(f, "credential", "revoke", "{" OF_DEV "}"), ERR_OK);
    assert_int_equal(instruct(f, "add", CSE, ""), ERR_DENIED_REVOKED);
}

/* -- what the Enrolee may register keys for [8.3.5.2.7] -------------------------------------------------- */
static err_t register_key(struct fixture *f, const char *ri, unsigned suid, const char *target)
{
    char body[512];
    snprintf(body, sizeof(body), "{\"m2m:skr\":{\"adfq\":\"sp.example.com\",\"suid\":%u,\"tgis\":[\"%s\"],"
             "\"kv\":\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=\"}}", suid, target);
    struct world_request rq = {.op = OP_CREATE, .ty = 60003, .path = ri, .from = "//sp.example.com/Sdev", .body = body, .media = MEDIA_JSON};
    return world_request(&f->s, &rq, &f->r);
}

static void test_key_registration(void **state)
{
    struct fixture *f = *state;
    char ri[64] = "/";
    assert_int_equal(instruct(f, "add", "maf.example.com", ""), ERR_OK);
    assert_int_equal(instruct(f, "add", CSE, ",\"suid\":\"23\""), ERR_OK);
    assert_int_equal(instruct(f, "add", AE, ",\"profile\":\"seed\",\"admin-fqdn\":\"other.example.com\""), ERR_OK);
    enrol(f);
    struct world_request rq = {.op = OP_CREATE, .ty = 60005, .path = "/-", .from = "//sp.example.com/Sdev",
                               .body = "{\"m2m:mecr\":{\"et\":\"20231116T000000\",\"adfq\":\"sp.example.com\"}}", .media = MEDIA_JSON};
    assert_int_equal(world_request(&f->s, &rq, &f->r), ERR_OK);
    json_t *o = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    struct text got = json_get_text(json_object_get(o, "m2m:mecr"), "ri");
    snprintf(ri, sizeof(ri), "/%.*s", (int)got.n, got.p);
    json_decref(o);
    assert_int_equal(register_key(f, ri, 21, "maf.example.com"), ERR_OK); /* the instruction permits it, no client allow */
    assert_int_equal(register_key(f, ri, 23, CSE), ERR_OK);
    assert_int_equal(register_key(f, ri, 22, CSE), ERR_DENIED_CLIENT);
    assert_int_equal(register_key(f, ri, 21, "maf2.example.com"), ERR_DENIED_CLIENT);
    assert_int_equal(register_key(f, ri, 22, AE), ERR_DENIED_CLIENT); /* another stakeholder's */
    assert_int_equal(ctl(f, "client", "allow", "{\"client\":\"//sp.example.com/Sdev\",\"target\":\"" CSE "\"}"), ERR_OK);
    assert_int_equal(register_key(f, ri, 22, CSE), ERR_OK); /* an operator may permit more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_targets_of_one_ke, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_suid, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ae_target, setup, teardown),
        cmocka_unit_test_setup_teardown(test_enrolee_target, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_first_in_credential, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_registration, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
