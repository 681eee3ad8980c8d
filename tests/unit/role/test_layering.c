/* The service layer above the network (clause X.1.1): a network that is down changes nothing, no state of it goes into a key or
 * an association, and what the provider demands of provisioning and of associations is a row of the configuration. */
#include "cse_fixture.h"
#include "role/maf/maf.h"
#include "role/mef/mef.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CONF CSE_CONF "[peer maf.example.com]\nkind = maf\n"
#define KC_ID "00112233445566778899AABBCCDDEEFF@maf.example.com"
#define SKR                                                                                                            \
    "{\"m2m:skr\":{\"kv\":\"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\",\"et\":\"20240101T000000\",\"suid\":32,"    \
    "\"cr\":\"//sp.example.com/Sdev\"}}"

static size_t records(struct world_node *n)
{
#define X(name, number, doc) TABLE_##name,
    static const enum store_table tables[] = {
#include "store/table_rows.h"
    };
#undef X
    size_t all = 0;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        all += world_count(n, tables[i]);
    }
    return all;
}

static void a_network_that_is_down_changes_nothing(void **state)
{
    (void)state;
    static const err_t faults[] = {ERR_PEER_UNREACHABLE, ERR_PEER_TIMEOUT};
    struct cse_fixture f;
    struct world_session s;
    cse_fixture_init(&f, CONF);
    f.w.forged = SKR;
    f.w.forged_status = 200;
    size_t before = records(f.cse);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        f.w.away = faults[i];
        assert_int_equal(world_connect(&f.w, f.cse, KC_ID, &f.kpsa, &s), faults[i]); /* refuses R000-03, refuses R003-45 */
        assert_int_equal(records(f.cse), before);
    }
    f.w.away = ERR_OK;
    assert_int_equal(world_connect(&f.w, f.cse, KC_ID, &f.kpsa, &s), ERR_OK);
    assert_true(records(f.cse) > before);
    cse_fixture_free(&f);
}

/* R000-07: the association goes from one network to another; nothing of a network is in it. R000-40: where the network itself
 * protects, none is demanded. */
static void an_association_knows_no_network(void **state)
{
    (void)state;
    static const char *const networks[] = {"10.0.0.1", "192.0.2.7", "2001:db8::1"};
    struct cse_fixture f;
    cse_fixture_init(&f, CONF);
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-in", 2, AE_BODY), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
        const struct cse_call c = {.s = &f.a, .op = OP_RETRIEVE, .to = "Sa", .from = "Sa", .ip = networks[i]};
        assert_int_equal(cse_fixture_call(&f, &c), ERR_OK);
    }
    assert_int_equal(cse_fixture_create(&f, &f.plain, "Cp", "cse-in", 2, AE_BODY), ERR_DENIED_NO_ASSOCIATION); /* refuses R000-40 */
    world_reload(&f.w, f.cse, CSE_CONF "association = optional\n");
    assert_int_equal(cse_fixture_create(&f, &f.plain, "Cp", "cse-in", 2, AE_BODY), ERR_OK);
    cse_fixture_free(&f);
}

#define KPM "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

/* R000-06: MEF, device and store alone, with no network at all: the same handshake gives the same enrolment. */
static void enrolment_needs_no_state_of_a_network(void **state)
{
    (void)state;
    struct world w;
    struct world_reply r;
    struct world_session s;
    struct secret kpm;
    world_init(&w, T0);
    struct world_node *mef = world_add(&w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
    world_secret(KPM, &kpm);
    assert_int_equal(world_ctl(&w, mef, "credential", "add",
                               "{\"kind\":\"kpm\",\"id\":\"d@mef.example.com\",\"target\":\"maf.example.com\",\"key\":\"" KPM "\"}", &r),
                     ERR_OK);
    w.away = ERR_PEER_UNREACHABLE;
    assert_int_equal(world_connect(&w, mef, "d@mef.example.com", &kpm, &s), ERR_OK);
    assert_int_equal(world_count(mef, TABLE_MEF_KE), 1);
    assert_int_equal(w.asked, 0);
    world_free(&w);
}

/* R000-09: provisioning that does not meet the provider's policy is not accepted, before and after it was fetched. */
static void demands_on_provisioning(void **state)
{
    (void)state;
    struct world w;
    struct world_reply r;
    struct world_session s, enrolled;
    struct secret km, kpm;
    world_init(&w, T0);
    struct world_node *maf = world_add(&w, &role_maf, "maf.example.com",
                                       "[maf]\nfqdn = maf.example.com\nprovisioning = remote\n[peer mef.example.com]\nkind = mef\n");
    assert_int_equal(world_ctl(&w, maf, "credential", "add",
                               "{\"kind\":\"km\",\"id\":\"d@maf.example.com\",\"key\":\"" KPM "\"}", &r),
                     ERR_OK);
    world_secret(KPM, &km);
    assert_int_equal(world_connect(&w, maf, "d@maf.example.com", &km, &s), ERR_DENIED_PROVISIONING); /* refuses R000-09 */
    w.forged = "{\"key\":\"not a key\"}";
    w.forged_status = 200;
    world_secret(KPM, &kpm);
    const char *ke_id = "00112233445566778899AABBCCDDEEFF@mef.example.com";
    assert_int_not_equal(world_connect(&w, maf, ke_id, &kpm, &enrolled), ERR_DENIED_PROVISIONING);
    assert_int_equal(w.asked, 1); /* it asks the MEF */
    world_reload(&w, maf, "[maf]\nfqdn = maf.example.com\nprovisioning = pre\n[peer mef.example.com]\nkind = mef\n");
    assert_int_equal(world_connect(&w, maf, "d@maf.example.com", &km, &s), ERR_OK);
    assert_int_equal(world_connect(&w, maf, ke_id, &kpm, &enrolled), ERR_DENIED_PROVISIONING); /* refuses R000-09 */
    assert_int_equal(w.asked, 1);
    world_free(&w);
}

/* R000-10: an association on Mca that does not meet the provider's policy is not accepted, also one that exists already.
 * R000-12, R002-46, R002-58: pre-provisioned keys serve without a MEF, if they are accepted at all. */
static void demands_on_associations(void **state)
{
    (void)state;
    struct cse_fixture f;
    struct world_session s;
    cse_fixture_init(&f, CONF);
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-in", 2, AE_BODY), ERR_OK);
    assert_int_equal(f.w.asked, 0);
    world_reload(&f.w, f.cse, CSE_CONF "frameworks = maf,cert\n[peer maf.example.com]\nkind = maf\n");
    assert_int_equal(cse_fixture_get(&f, &f.a, "Sa", "Sa"), ERR_DENIED_FRAMEWORK); /* refuses R000-10 */
    assert_int_equal(f.rsc, 4107);
    f.w.forged = SKR;
    f.w.forged_status = 200;
    assert_int_equal(world_connect(&f.w, f.cse, KC_ID, &f.kpsa, &s), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &s, "Sdev", "cse-in", 2, AE_BODY), ERR_OK);
    cse_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_that_is_down_changes_nothing), cmocka_unit_test(an_association_knows_no_network),
        cmocka_unit_test(enrolment_needs_no_state_of_a_network),  cmocka_unit_test(demands_on_provisioning),
        cmocka_unit_test(demands_on_associations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
