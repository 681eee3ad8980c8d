/*
 * M2M service provisioning of a node in the field (seed 002 clause 11.2.1), MEF and MAF as roles under a virtual clock: a
 * record that authorises the enrolment, security provisioning, and only then the other parameters of the service.
 */
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
#define KPM "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
#define CREDENTIAL(name, more)                                                                                         \
    "{\"kind\":\"kpm\",\"id\":\"" name "@mef.example.com\",\"key\":\"" KPM "\",\"enrolee-id\":\"//sp.example.com/S" name   \
    "\"" more "}"
#define INSTRUCTED ",\"target\":\"maf.example.com\",\"lifetime\":\"2d\""

struct story {
    struct world w;
    struct world_node *mef, *maf;
    struct world_session s;
    struct world_reply r;
    struct secret kpm;
    struct keyid ke_id; /* what the node holds after its enrolment */
    struct secret km;
    char ri[64];
};

static int setup(void **state)
{
    struct story *t = calloc(1, sizeof(*t));
    world_init(&t->w, T0);
    t->mef = world_add(&t->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
    t->maf = world_add(&t->w, &role_maf, "maf.example.com",
                       "[maf]\nfqdn = maf.example.com\n[peer mef.example.com]\nkind = mef\nprofile = r3\n");
    world_secret(KPM, &t->kpm);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct story *t = *state;
    world_free(&t->w);
    free(t);
    return 0;
}

static err_t enrol(struct story *t, const char *kpm_id)
{
    err_t e = world_connect(&t->w, t->mef, kpm_id, &t->kpm, &t->s);
    if (e != ERR_OK) {
        return e;
    }
    struct keys_relative rel;
    struct key_ke ke;
    struct key_usage k;
    assert_int_equal(keys_ke_split(&t->s.exported, &ke, &rel), ERR_OK);
    assert_int_equal(keyid_of_relative(&rel, text_of("mef.example.com"), &t->ke_id), ERR_OK);
    assert_int_equal(keys_usage_derive(t->mef->env.crypto, &ke, 21, text_of("maf.example.com"), &k), ERR_OK);
    t->km = k.s;
    return ERR_OK;
}

/* R000-82: the subscriber record is there after success and not before. R002-45, R002-48: none without the instruction that says
 * for which service provider the node is enrolled. R002-52: afterwards the node holds what it needs. */
static void no_enrolment_without_a_record_that_authorises_it(void **state)
{
    struct story *t = *state;
    assert_int_equal(enrol(t, "a@mef.example.com"), ERR_DENIED_PSK_UNKNOWN); /* refuses R002-48 */
    assert_int_equal(world_ctl(&t->w, t->mef, "credential", "add", CREDENTIAL("a", ""), &t->r), ERR_OK);
    assert_int_equal(enrol(t, "a@mef.example.com"), ERR_DENIED_NOT_INSTRUCTED); /* refuses R002-45, R002-48 and R000-82 */
    assert_int_equal(world_count(t->mef, TABLE_MEF_KE), 0);
    assert_int_equal(world_ctl(&t->w, t->mef, "credential", "add", CREDENTIAL("b", INSTRUCTED), &t->r), ERR_OK);
    assert_int_equal(world_count(t->mef, TABLE_MEF_KE), 0);
    assert_int_equal(enrol(t, "b@mef.example.com"), ERR_OK);
    assert_int_equal(world_count(t->mef, TABLE_MEF_KE), 1);
    assert_int_equal(world_connect(&t->w, t->maf, t->ke_id.z, &t->km, &t->s), ERR_OK);
    t->w.now += INT64_C(3) * 86400 * USEC_PER_SEC;
    assert_int_equal(enrol(t, "b@mef.example.com"), ERR_DENIED_EXPIRED); /* the contract is over */
}

static err_t configuration(struct story *t)
{
    char path[80];
    snprintf(path, sizeof(path), "/%s/cfg", t->ri);
    struct world_request rq = {.op = OP_RETRIEVE, .path = path, .from = "//sp.example.com/Sb"};
    return world_request(&t->s, &rq, &t->r);
}

static void configure(struct story *t, const char *subscription)
{
    char args[256];
    snprintf(args, sizeof(args),
             "{\"RI\":\"%s\",\"configuration\":\"{\\\"cseId\\\":\\\"/in\\\",\\\"m2mSubId\\\":\\\"%s\\\"}\"}", t->ri,
             subscription);
    assert_int_equal(world_ctl(&t->w, t->maf, "registration", "configure", args, &t->r), ERR_OK);
}

static void register_client(struct story *t)
{
    struct world_request rq = {.op = OP_CREATE, .ty = 60002, .path = "/-", .from = "//sp.example.com/Sb",
                               .body = "{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\"}}"};
    json_t *o = NULL;
    assert_int_equal(world_request(&t->s, &rq, &t->r), ERR_OK);
    assert_int_equal(json_parse(text_bytes(text_of(t->r.body)), &o), ERR_OK);
    assert_int_equal(text_copy(json_get_text(json_object_get(o, "m2m:macr"), "ri"), t->ri, sizeof(t->ri)), ERR_OK);
    json_decref(o);
}

/* R002-54: security provisioning comes first. R002-36, R002-47, R002-53, R002-59: then the node is given CSE-ID and M2M-Sub-ID
 * over the session that it makes possible. R002-60: and others later, while it is in operation. */
static void parameters_follow_security(void **state)
{
    struct story *t = *state;
    assert_int_equal(world_ctl(&t->w, t->mef, "credential", "add", CREDENTIAL("b", INSTRUCTED), &t->r), ERR_OK);
    const char *guess = "00112233445566778899AABBCCDDEEFF@mef.example.com";
    assert_int_not_equal(world_connect(&t->w, t->maf, guess, &t->kpm, &t->s), ERR_OK); /* refuses R002-54, R002-59 */
    assert_int_equal(world_count(t->maf, TABLE_MAF_CLIENT), 0);
    assert_int_equal(enrol(t, "b@mef.example.com"), ERR_OK);
    assert_int_equal(world_connect(&t->w, t->maf, t->ke_id.z, &t->km, &t->s), ERR_OK);
    register_client(t);
    assert_int_equal(configuration(t), ERR_NOT_FOUND);
    configure(t, "home-4711");
    assert_int_equal(configuration(t), ERR_OK);
    assert_non_null(strstr(t->r.body, "\"cseId\":\"/in\",\"m2mSubId\":\"home-4711\""));
    configure(t, "office-12");
    assert_int_equal(configuration(t), ERR_OK);
    assert_non_null(strstr(t->r.body, "office-12"));
    struct world_session stranger;
    assert_int_equal(world_connect_cert(&t->w, t->maf, "other.example.com", &stranger), ERR_OK);
    t->s = stranger;
    assert_int_not_equal(configuration(t), ERR_OK); /* refuses R002-53: it is nobody else's */
    assert_null(strstr(t->r.body, "office-12"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_enrolment_without_a_record_that_authorises_it, setup, teardown),
        cmocka_unit_test_setup_teardown(parameters_follow_security, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
