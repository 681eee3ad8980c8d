/*
 * One enrolment, several Enrolment Targets: two MAFs and a CSE fetch their keys in the middle of the Enrolee's first handshake with
 * each, from one Ke. In both profiles; and what each refuses.
 */
#include "role/cse/cse.h"
#include "role/maf/maf.h"
#include "role/mef/mef.h"
#include "shell/crypto_openssl.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define KPM "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
#define DEV "dev42@mef.example.com"
#define AE "//sp.example.com/S42"
#define CSE "//sp.example.com/in"
#define CSE_CONF "[cse]\nsp = sp.example.com\ncsi = /in\nname = cse-in\n[peer mef.example.com]\nkind = mef\nprofile = "

struct story {
    struct world w;
    struct world_node *mef, *a, *b, *cse;
    bool seed;
    struct secret kpm;
    struct key_ke ke;
    struct keyid ke_id;
    struct world_reply r;
};

static struct world_node *maf(struct story *s, const char *fqdn, const char *profile)
{
    char text[256];
    snprintf(text, sizeof(text), "[maf]\nfqdn = %s\n[peer mef.example.com]\nkind = mef\nprofile = %s\n", fqdn, profile);
    return world_add(&s->w, &role_maf, fqdn, text);
}

static err_t mef_ctl(struct story *s, const char *noun, const char *verb, const char *who, const char *target, const char *profile)
{
    char args[512];
    snprintf(args, sizeof(args), "{%s,\"target\":\"%s\",\"profile\":\"%s\"}", who, target, profile);
    return world_ctl(&s->w, s->mef, noun, verb, args, &s->r);
}

#define ADD "\"kind\":\"kpm\",\"id\":\"" DEV "\",\"key\":\"" KPM "\",\"enrolee-id\":\"" AE "\",\"lifetime\":\"2d\""
#define INSTRUCT "\"ID\":\"" DEV "\""

static struct story *start(const char *profile)
{
    struct story *s = calloc(1, sizeof(*s));
    char text[512];
    world_init(&s->w, T0);
    s->seed = strcmp(profile, "seed") == 0;
    s->mef = world_add(&s->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
    s->a = maf(s, "maf-a.example.com", profile);
    s->b = maf(s, "maf-b.example.com", profile);
    snprintf(text, sizeof(text), CSE_CONF "%s\n", profile);
    s->cse = world_add(&s->w, &role_cse, "in.sp.example.com", text);
    assert_int_equal(mef_ctl(s, "credential", "add", ADD, "maf-a.example.com", profile), ERR_OK);
    assert_int_equal(mef_ctl(s, "instruction", "add", INSTRUCT, "maf-b.example.com", profile), ERR_OK);
    assert_int_equal(mef_ctl(s, "instruction", "add", INSTRUCT, CSE, profile), ERR_OK);
    world_secret(KPM, &s->kpm);
    struct world_session session;
    struct keys_relative rel;
    assert_int_equal(world_connect(&s->w, s->mef, DEV, &s->kpm, &session), ERR_OK); /* R001-33 */
    assert_int_equal(keys_ke_split(&session.exported, &s->ke, &rel), ERR_OK);
    assert_int_equal(keyid_of_relative(&rel, text_of("mef.example.com"), &s->ke_id), ERR_OK);
    return s;
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
    struct story *s = *state;
    world_free(&s->w);
    free(s);
    return 0;
}

static void km_of(const struct story *s, const char *maf_id, struct key_km *km)
{
    const struct crypto *c = crypto_openssl();
    assert_int_equal(s->seed ? keys_km_derive(c, &s->ke, text_of(maf_id), km) : keys_km_usage(c, &s->ke, text_of(maf_id), km),
                     ERR_OK);
}

static void kpsa_of(const struct story *s, struct secret *out)
{
    const struct crypto *c = crypto_openssl();
    if (s->seed) {
        struct key_kpsa k;
        assert_int_equal(keys_kpsa_derive(c, &s->ke, text_of(CSE), &k), ERR_OK);
        *out = k.s;
    } else {
        struct key_usage k;
        assert_int_equal(keys_usage_derive(c, &s->ke, 22, text_of("in.sp.example.com"), &k), ERR_OK);
        *out = k.s;
    }
}

/* Two MAFs and a CSE, each with a key of its own from the one Ke; each asks the MEF once. */
static void each_target_has_its_key(void **state)
{
    struct story *s = *state;
    struct world_session x;
    struct key_km a, b;
    struct secret kpsa;
    km_of(s, "maf-a.example.com", &a);
    km_of(s, "maf-b.example.com", &b);
    kpsa_of(s, &kpsa);
    assert_false(secret_eq(&a.s, &b.s));
    assert_int_equal(world_connect(&s->w, s->a, s->ke_id.z, &a.s, &x), ERR_OK); /* R001-36: no exchange but the handshake */
    assert_true(association_is_bound_to(&x.assoc, text_of(AE)));
    assert_int_equal(world_connect(&s->w, s->b, s->ke_id.z, &b.s, &x), ERR_OK);
    assert_int_equal(world_connect(&s->w, s->b, s->ke_id.z, &a.s, &x), ERR_DENIED_PSK_WRONG); /* another target's key */
    assert_int_equal(world_connect(&s->w, s->cse, s->ke_id.z, &kpsa, &x), ERR_OK); /* R001-08, R001-35, R001-63, R002-55 */
    assert_int_equal(x.assoc.framework, ASSOCIATION_PSK);
    assert_int_equal(x.assoc.peer, PEER_AE);
    assert_true(association_is_bound_to(&x.assoc, text_of(AE))); /* R001-55 */
    char want[300];
    snprintf(want, sizeof(want), "12-%s", s->ke_id.z);
    assert_string_equal(x.assoc.credential_id, want);
    assert_true(x.assoc.not_after <= T0 + 48 * HOUR && x.assoc.not_after > T0 + 47 * HOUR); /* not longer than Ke */
    assert_int_equal(world_audited(s->cse, AUDIT_KPSA_STORED), 1);
    assert_int_equal(s->w.asked, 3);
    s->w.away = ERR_PEER_UNREACHABLE; /* what is held is durable and needs no MEF any more */
    assert_int_equal(world_connect(&s->w, s->cse, s->ke_id.z, &kpsa, &x), ERR_OK);
    assert_int_equal(s->w.asked, 3);
}

/* An AE registers over the association that its Kpsa made. */
static void the_kpsa_carries_a_registration(void **state)
{
    struct story *s = *state;
    struct world_session x;
    struct secret kpsa;
    kpsa_of(s, &kpsa);
    assert_int_equal(world_connect(&s->w, s->cse, s->ke_id.z, &kpsa, &x), ERR_OK);
    struct world_request rq = {.op = OP_CREATE, .ty = 2, .path = "/-", .from = "S42",
                               .body = "{\"m2m:ae\":{\"api\":\"Ntest\",\"rr\":true,\"srv\":[\"3\"]}}", .media = MEDIA_JSON};
    assert_int_equal(world_request(&x, &rq, &s->r), ERR_OK);
    rq.from = "S43"; /* another's name */
    assert_int_not_equal(world_request(&x, &rq, &s->r), ERR_OK);
}

static void refusals(void **state)
{
    struct story *s = *state;
    struct world_session x;
    struct secret kpsa, wrong;
    kpsa_of(s, &kpsa);
    world_secret(KPM, &wrong);
    assert_int_equal(world_connect(&s->w, s->cse, s->ke_id.z, &wrong, &x), ERR_DENIED_PSK_WRONG);
    assert_int_equal(world_connect(&s->w, s->cse, "00112233445566778899AABBCCDDEEFF@mef.example.com", &kpsa, &x), ERR_DENIED_FETCH);
    assert_int_equal(world_connect(&s->w, s->cse, "00112233445566778899AABBCCDDEEFF@mef2.example.com", &kpsa, &x), ERR_DENIED_PEER);
    /* an operator revokes it at the CSE: it is not fetched again */
    char args[400];
    snprintf(args, sizeof(args), "{\"ID\":\"%s\"}", s->ke_id.z);
    assert_int_equal(world_ctl(&s->w, s->cse, "credential", "revoke", args, &s->r), ERR_OK);
    assert_int_equal(world_connect(&s->w, s->cse, s->ke_id.z, &kpsa, &x), ERR_DENIED_REVOKED);
    /* the MEF takes the target back before it has come: refused there, and nothing is kept */
    assert_int_equal(mef_ctl(s, "instruction", "remove", INSTRUCT, "maf-b.example.com", "r3"), ERR_OK);
    struct key_km b;
    km_of(s, "maf-b.example.com", &b);
    assert_int_equal(world_connect(&s->w, s->b, s->ke_id.z, &b.s, &x), ERR_DENIED_FETCH);
    assert_int_equal(world_count(s->b, TABLE_MAF_KM), 0);
}

/* The MEF is on the CSE's side but may be wrong, or somebody else's: no answer of it makes a key that it should not. */
static void hostile_answers(void **state)
{
    struct story *s = *state;
    struct world_session x;
    struct secret kpsa;
    kpsa_of(s, &kpsa);
#define K32 "\"credential\":\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=\""
    static const struct {
        unsigned status;
        const char *body;
        err_t want;
    } cases[] = {
        {200, "{\"status\":true}", ERR_PEER_NONSENSE},
        {200, "{\"status\":true," K32 "}", ERR_PEER_NONSENSE},
        {200, "{\"status\":true," K32 ",\"lifetime\":0}", ERR_PEER_NONSENSE},
        {200, "{\"status\":true," K32 ",\"lifetime\":10,\"enroleeID\":\"" CSE "\"}", ERR_PEER_NONSENSE}, /* itself */
        {200, "{\"status\":true," K32 ",\"lifetime\":10,\"enroleeID\":\"S42\"}", ERR_PEER_NONSENSE},
        {404, "{\"status\":true," K32 ",\"lifetime\":10}", ERR_PEER_NONSENSE},
        {403, "{\"status\":false,\"errorString\":\"no\"}", ERR_DENIED_FETCH},
        {500, "{\"status\":false}", ERR_PEER_NONSENSE},
        {200, "{\"m2m:skr\":{}}", ERR_PEER_NONSENSE}, /* a MAF's answer */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        s->w.forged = cases[i].body;
        s->w.forged_status = cases[i].status;
        assert_int_equal(world_connect(&s->w, s->cse, s->ke_id.z, &kpsa, &x), cases[i].want);
        assert_int_equal(world_count(s->cse, TABLE_CSE_KEY), 0);
    }
    s->w.forged = NULL;
    s->w.away = ERR_PEER_UNREACHABLE;
    assert_int_equal(world_connect(&s->w, s->cse, s->ke_id.z, &kpsa, &x), ERR_PEER_UNREACHABLE);
}

/* A peer whose section has the other profile than the instruction gets no key, rather than a key that does not fit. */
static void profiles_must_agree(void **state)
{
    struct story *s = *state;
    struct world_session x;
    struct secret kpsa;
    char conf[512];
    kpsa_of(s, &kpsa);
    snprintf(conf, sizeof(conf), CSE_CONF "%s\n", s->seed ? "r3" : "seed");
    world_reload(&s->w, s->cse, conf);
    assert_int_equal(world_connect(&s->w, s->cse, s->ke_id.z, &kpsa, &x), ERR_DENIED_FETCH);
}

static void the_kpsa_ends_with_ke(void **state)
{
    struct story *s = *state;
    struct world_session x;
    struct secret kpsa;
    kpsa_of(s, &kpsa);
    assert_int_equal(world_connect(&s->w, s->cse, s->ke_id.z, &kpsa, &x), ERR_OK);
    s->w.now += 48 * HOUR;
    assert_int_equal(world_connect(&s->w, s->cse, s->ke_id.z, &kpsa, &x), ERR_DENIED_EXPIRED);
}

#define BOTH(f) cmocka_unit_test_setup_teardown(f, setup_r3, teardown), cmocka_unit_test_setup_teardown(f, setup_seed, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(each_target_has_its_key), BOTH(the_kpsa_carries_a_registration), BOTH(refusals),
        BOTH(hostile_answers),         BOTH(profiles_must_agree),             BOTH(the_kpsa_ends_with_ke),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
