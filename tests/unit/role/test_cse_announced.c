/* Announced resources at the IN-CSE: what it takes from whom, and where an AE is [R002-32]. */
#include "cse_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SP "//sp.example.com"
#define AEA(lnk, more) "{\"m2m:aeA\":{\"lnk\":\"" lnk "\",\"api\":\"Napp\"" more "}}"
#define CRED(id) ",\"lbl\":[\"Credential-ID:" id "\"]"
#define CSR "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"]}}"

static struct cse_fixture f;

static struct world_session mn, mn2;

static struct world_session come(const char *name)
{
    struct world_session s;
    char id[64], who[64], from[32];
    (void)snprintf(id, sizeof(id), "k%s@sp.example.com", name);
    (void)snprintf(who, sizeof(who), SP "/%s", name);
    (void)snprintf(from, sizeof(from), "/%s", name);
    assert_int_equal(cse_fixture_add_key(&f, id, who, ""), ERR_OK);
    cse_fixture_connect(&f, id, &s);
    assert_int_equal(cse_fixture_create(&f, &s, from, "-", 16, CSR), ERR_OK);
    return s;
}

static void begin_in(const char *more)
{
    char conf[512];
    (void)snprintf(conf, sizeof(conf), CSE_CONF "admin = Sadmin\n%s", more);
    cse_fixture_init(&f, conf);
    mn = come("mn");
    mn2 = come("mn2");
}

static void the_provider_knows_where_an_ae_is(void **state)
{
    (void)state;
    begin_in("");
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/Sx", CRED("12-x"))), ERR_OK); /* R002-32 */
    assert_string_equal(f.location, "/in/Sx");
    assert_int_equal(cse_fixture_create(&f, &f.admin, "Sadmin", "-", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_get(&f, &f.admin, "Sadmin", "Sx"), ERR_OK);
    assert_int_equal(cse_fixture_get(&f, &mn2, "/mn2", "Sx"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_get(&f, &mn, "/mn", "Sx"), ERR_OK);
    assert_string_equal(cse_fixture_member(&f, "lnk"), "/mn/Sx");
    /* From of the AE comes through the CSE that has it, and through no other one */
    assert_int_equal(cse_fixture_get(&f, &mn, "/Sx", "-"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_get(&f, &mn2, "/Sx", "-"), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_get(&f, &mn2, "/Sy", "-"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "Sx", 10003, "{\"m2m:cntA\":{\"lnk\":\"/mn/box\",\"rn\":\"b\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn2, "/mn2", "Sx", 10003, "{\"m2m:cntA\":{\"lnk\":\"/mn2/box\"}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_put(&f, &mn, "/mn", "Sx", "{\"m2m:aeA\":{\"apn\":\"lamp\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sx", "{\"m2m:aeA\":{\"apn\":\"evil\"}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_del(&f, &mn2, "/mn2", "Sx"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_del(&f, &mn, "/mn", "Sx"), ERR_OK);
    assert_int_equal(cse_fixture_get(&f, &mn, "/mn", "Sx"), ERR_NOT_FOUND);
    cse_fixture_free(&f);
}

static void what_is_not_theirs_is_refused(void **state) /* refuses R002-32 */
{
    (void)state;
    begin_in("");
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "-", 2, AE_BODY), ERR_OK);
    const struct {
        struct world_session *s;
        const char *from, *to;
        uint32_t ty;
        const char *body;
        err_t want;
    } rows[] = {
        {&mn, "/mn", "-", 10002, AEA("/mn2/Sx", ""), ERR_DENIED_FROM},      /* of another CSE */
        {&mn, "/mn2", "-", 10002, AEA("/mn2/Sx", ""), ERR_DENIED_FROM},
        {&mn, "/mn", "-", 10002, AEA(SP "/mn2/Sx", ""), ERR_DENIED_FROM},
        {&mn, "/mn", "-", 10002, AEA("/Sx", ""), ERR_CONTENTS},             /* no address */
        {&mn, "/mn", "-", 10002, AEA("Sx", ""), ERR_CONTENTS},
        {&mn, "/mn", "-", 10002, AEA("/mn/Cx", ""), ERR_CONTENTS},          /* not the provider's */
        {&mn, "/mn", "-", 10002, AEA("/mn/S", ""), ERR_CONTENTS},
        {&mn, "/mn", "-", 10002, AEA("/mn", ""), ERR_CONTENTS},
        {&mn, "/mn", "-", 10002, AEA("/mn/Sadmin", ""), ERR_DENIED_FROM},
        {&mn, "/mn", "-", 10002, AEA("/mn/Sb", ""), ERR_DENIED_FROM},       /* a credential of here has it */
        {&mn, "/mn", "-", 10002, AEA("/mn/Sb", CRED(SP "/Sb")), ERR_DENIED_FROM}, /* an identity is no Credential-ID */
        {&mn, "/mn", "-", 10002, AEA("/mn/Sa", ""), ERR_REGISTERED},        /* here itself */
        {&mn, "/mn", "-", 10002, AEA("/mn/Sx", ",\"rr\":true,\"at\":[\"/mn2\"]"), ERR_UNKNOWN_ATTRIBUTE},
        {&mn, "/mn", "-", 10003, "{\"m2m:cntA\":{\"lnk\":\"/mn/x\"}}", ERR_CHILD_TYPE},
        {&mn, "/mn", "Sa", 10003, "{\"m2m:cntA\":{\"lnk\":\"/mn/x\"}}", ERR_CHILD_TYPE},
        {&f.a, "Sa", "-", 10002, AEA("/in/Sx", ""), ERR_OPERATION},         /* an AE announces nothing */
        {&f.a, "Sa", "-", 10005, "{\"m2m:cbA\":{\"lnk\":\"/mn/-\"}}", ERR_OPERATION},
        {&mn, "/mn", "-", 10005, "{\"m2m:cbA\":{\"lnk\":\"/mn2/mn2\"}}", ERR_DENIED_FROM},
        {&mn, "/mn", "-", 10005, "{\"m2m:cbA\":{}}", ERR_MISSING},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err_t e = cse_fixture_create(&f, rows[i].s, rows[i].from, rows[i].to, rows[i].ty, rows[i].body);
        if (e != rows[i].want) {
            print_message("%s: %s\n", rows[i].body, err_code(e));
        }
        assert_int_equal(e, rows[i].want);
    }
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10005, "{\"m2m:cbA\":{\"lnk\":\"/mn/mn\",\"csi\":\"/mn\",\"cst\":2}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10005, "{\"m2m:cbA\":{\"lnk\":\"/mn/mn\"}}"), ERR_EXISTS);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "annc-mn", 10002, AEA("/mn/Cx", ",\"rn\":\"one\"")), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn2, "/mn2", "annc-mn", 10002, AEA("/mn2/Cx", "")), ERR_DENIED_PRIVILEGE);
    cse_fixture_free(&f);
}

/* So many names a CSE, whoever uses them; what is past its time, deleted or elsewhere counts no more. */
static void a_cse_announces_no_more_than_its_share(void **state)
{
    (void)state;
    begin_in("announced-per-cse = 3\n");
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S1", ",\"et\":\"20231115T000000\"")), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S2", CRED("12-x"))), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S3", "")), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S4", "")), ERR_ANNOUNCED_FULL);
    assert_non_null(strstr(f.body, SP "/mn"));
    assert_int_equal(cse_fixture_create(&f, &mn2, "/mn2", "-", 10002, AEA("/mn2/S4", "")), ERR_OK); /* of another one */
    assert_int_equal(cse_fixture_del(&f, &mn, "/mn", "S3"), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S5", "")), ERR_OK);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "S2", AEA("/mn2/S2", CRED("12-x"))), ERR_OK); /* it moves */
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S6", "")), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn2, "/mn2", "-", 10002, AEA("/mn2/S7", "")), ERR_OK);
    assert_int_equal(cse_fixture_put(&f, &mn, "/mn", "S2", AEA("/mn/S2", CRED("12-x"))), ERR_ANNOUNCED_FULL); /* not back */
    f.w.now += DAY; /* S1 is past its time: the announcement that looks at it makes room for itself */
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S8", "")), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S9", "")), ERR_ANNOUNCED_FULL);
    cse_fixture_free(&f);
}

/* Case vi of part 11.3: with its credential, and with nothing else. */
static void an_ae_moves(void **state)
{
    (void)state;
    begin_in("");
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/Sx", CRED("12-x"))), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn2, "/mn2", "-", 10002, AEA("/mn2/Sx", CRED("12-x"))), ERR_EXISTS);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sx", AEA("/mn2/Sx", CRED("12-other"))), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sx", AEA("/mn2/Sx", "")), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sx", AEA("/mn/Sx", CRED("12-x"))), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sx", AEA("/mn2/Sy", CRED("12-x"))), ERR_CONTENTS);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sx", AEA("/mn2/Sx", CRED("12-x"))), ERR_OK);
    assert_int_equal(world_audited(f.cse, AUDIT_AE_MOVED), 1);
    assert_int_equal(cse_fixture_get(&f, &mn2, "/Sx", "-"), ERR_DENIED_PRIVILEGE); /* served, and the policies say no */
    assert_int_equal(cse_fixture_get(&f, &mn, "/Sx", "-"), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_del(&f, &mn, "/mn", "Sx"), ERR_DENIED_PRIVILEGE); /* not his any more */
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/Sz", CRED("") ",\"et\":\"20231116T000000\"")), ERR_OK); /* without an association */
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sz", AEA("/mn2/Sz", CRED(""))), ERR_DENIED_FROM);
    f.w.now += 2 * DAY;
    assert_int_equal(cse_fixture_create(&f, &mn2, "/mn2", "-", 10002, AEA("/mn2/Sz", CRED("12-z"))), ERR_OK); /* when it has ended */
    cse_fixture_free(&f);
}

/* An announcement says by its Credential-ID who may take its name over: whatever a policy permits, its CSE alone says that. */
static void nobody_else_says_whose_it_is(void **state) /* refuses R002-32 */
{
    (void)state;
    struct world_session y;
    begin_in("");
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/Sx", CRED("12-x@sp.example.com"))), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.admin, "Sadmin", "-", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.b, "Sb", "-", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.admin, "Sadmin", "-", 1, "{\"m2m:acp\":{\"rn\":\"open\",\"pv\":{\"acr\":[{\"acor\":[\"Sb\",\"Sadmin\"],\"acop\":63}]},"
                                        "\"pvs\":{\"acr\":[{\"acor\":[\"Sadmin\"],\"acop\":63}]}}}"), ERR_OK);
    assert_int_equal(cse_fixture_put(&f, &f.admin, "Sadmin", "Sx", "{\"m2m:aeA\":{\"acpi\":[\"cse-in/open\"]}}"), ERR_OK); /* who may see it */
    assert_int_equal(cse_fixture_get(&f, &f.b, "Sb", "Sx"), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.b, "Sb", "Sx", 23, "{\"m2m:sub\":{\"rn\":\"watch\",\"nu\":[\"Sb\"],\"enc\":{\"net\":[1]}}}"), ERR_OK);
    static const char mine[] = "{\"m2m:aeA\":{\"lbl\":[\"Credential-ID:12-y@sp.example.com\"]}}";
    assert_int_equal(cse_fixture_put(&f, &f.b, "Sb", "Sx", mine), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_put(&f, &f.admin, "Sadmin", "Sx", mine), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_put(&f, &f.b, "Sb", "Sx", "{\"m2m:aeA\":{\"apn\":\"evil\"}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_create(&f, &f.b, "Sb", "Sx", 10003, "{\"m2m:cntA\":{\"lnk\":\"/in/Sb/box\"}}"), ERR_OPERATION);
    assert_int_equal(cse_fixture_del(&f, &f.b, "Sb", "Sx"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_add_key(&f, "y@sp.example.com", NULL, ""), ERR_OK);
    cse_fixture_connect(&f, "y@sp.example.com", &y);
    assert_int_equal(cse_fixture_create(&f, &y, "Sx", "-", 2, AE_BODY), ERR_REGISTERED);
    assert_int_equal(cse_fixture_get(&f, &mn, "/Sx", "-"), ERR_DENIED_PRIVILEGE); /* it is served where it was */
    assert_int_equal(cse_fixture_put(&f, &mn, "/mn", "Sx", mine), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &y, "Sx", "-", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/Sz", "")), ERR_OK);
    assert_int_equal(cse_fixture_del(&f, &f.admin, "Sadmin", "Sz"), ERR_OK); /* the operator may end one that its CSE forgot */
    cse_fixture_free(&f);
}

/* To the IN-CSE itself: over the association that it had. */
static void an_ae_comes_to_the_in_cse(void **state)
{
    (void)state;
    begin_in("");
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/Sx", CRED("12-x@sp.example.com"))), ERR_OK);
    struct world_session x, y;
    assert_int_equal(cse_fixture_add_key(&f, "x@sp.example.com", NULL, ""), ERR_OK);
    assert_int_equal(cse_fixture_add_key(&f, "y@sp.example.com", NULL, ""), ERR_OK);
    cse_fixture_connect(&f, "x@sp.example.com", &x);
    cse_fixture_connect(&f, "y@sp.example.com", &y);
    assert_int_equal(cse_fixture_create(&f, &y, "Sx", "-", 2, AE_BODY), ERR_REGISTERED);
    assert_int_equal(cse_fixture_create(&f, &x, "Sx", "-", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_put(&f, &mn, "/mn", "Sx", "{\"m2m:aeA\":{\"apn\":\"evil\"}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_get(&f, &x, "Sx", "Sx"), ERR_OK);
    assert_string_equal(cse_fixture_member(&f, "aei"), "Sx");
    cse_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cse_announces_no_more_than_its_share),
        cmocka_unit_test(the_provider_knows_where_an_ae_is),
        cmocka_unit_test(what_is_not_theirs_is_refused),
        cmocka_unit_test(an_ae_moves),
        cmocka_unit_test(nobody_else_says_whose_it_is),
        cmocka_unit_test(an_ae_comes_to_the_in_cse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
