/*
 * The device's own engine against MEF, MAF and IN-CSE, all in one process under a virtual clock: enrol, associate, register,
 * write and read, in both profiles; and what each authority refuses on the way. No socket; the e2e tests do the same with processes.
 */
#include "journey.h"
#include "role/mef/mef.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>


static struct journey *start(const char *profile)
{
    struct journey *j = journey_new(profile);
    journey_credential(j, profile);
    return j;
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
    journey_free(*state);
    return 0;
}

static void test_r3(void **state)
{
    struct journey *j = *state;
    journey_whole(j);
    assert_non_null(strstr(j->state.km_id.z, "@maf.example.com"));
}

static void test_seed(void **state)
{
    struct journey *j = *state;
    journey_whole(j);
    assert_string_equal(j->state.km_id.z, j->state.ke_id.z); /* R001-60 */
}

static void test_request(void **state)
{
    struct journey *j = *state;
    journey_whole(j);
    struct device_task foreign = {.goal = DEVICE_REQUEST, .op = OP_RETRIEVE, .path = "/-", .from = "S43"};
    assert_int_not_equal(journey_run(j, &foreign), ERR_OK); /* From is not the association's */
    assert_int_equal(j->r.rsc, 4106);
    assert_int_equal(journey_run(j, &journey_create), ERR_OK);
    assert_int_equal(j->r.rsc, 2001);
}

/* Kc is used again within its lifetime and refused afterwards; a new one takes its place. */
static void test_kc_expiry(void **state)
{
    struct journey *j = *state;
    journey_whole(j);
    struct keyid first = j->state.kc_id;
    j->w.now += 5 * JOURNEY_HOUR;
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    assert_string_equal(j->state.kc_id.z, first.z);
    assert_int_equal(j->w.asked, 2); /* held by the CSE */
    j->w.now += JOURNEY_HOUR;
    struct world_session s;
    assert_int_not_equal(world_connect(&j->w, j->cse, first.z, &j->state.kc.s, &s), ERR_OK);
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    assert_string_not_equal(j->state.kc_id.z, first.z);
}

static void test_not_allowed(void **state)
{
    struct journey *j = *state;
    assert_int_equal(world_ctl(&j->w, j->maf, "client", "remove", "{\"client\":\"//sp.example.com/S42\"}", &j->r), ERR_OK);
    assert_int_equal(journey_run(j, &journey_enrol), ERR_OK);
    assert_int_equal(journey_run(j, &journey_associate), ERR_DENIED_CLIENT);
    assert_string_equal(j->dev.detail, "the peer says: may not register a key for: //sp.example.com/in"); /* not its code again */
}

static void test_authorities_away(void **state)
{
    struct journey *j = *state;
    assert_int_equal(journey_run(j, &journey_associate), ERR_STATE); /* not enrolled */
    assert_int_equal(journey_run(j, &journey_enrol), ERR_OK);
    j->w.away = ERR_PEER_UNREACHABLE;
    assert_int_equal(journey_run(j, &journey_associate), ERR_PEER_UNREACHABLE);
    j->w.away = ERR_OK;
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK); /* goes on where it stood */
}

/* The key is for another CSE: the registrar's MAF does not hand it out. */
static void test_wrong_registrar(void **state)
{
    struct journey *j = *state;
    assert_int_equal(journey_run(j, &journey_enrol), ERR_OK);
    strcpy(j->state.cse_id.z, "//sp.example.com/in2");
    assert_int_equal(journey_run(j, &journey_associate), ERR_DENIED_FETCH);
    assert_int_equal(world_audited(j->maf, AUDIT_REFUSED), 1);
    assert_int_equal(world_audited(j->maf, AUDIT_MAF_KEY_RETRIEVED), 0);
}

/* -- withdrawal (docs/procedures/withdrawal.md) -------------------------------------------------------------- */
static err_t operator(struct journey *j, struct world_node *n, const char *verb, const char *id)
{
    char args[512];
    snprintf(args, sizeof(args), "{\"ID\":\"%s\"}", id);
    return world_ctl(&j->w, n, "credential", verb, args, &j->r);
}

static void hear(struct journey *j) /* once round: the MAF first, so that the CSE hears of it in the same round */
{
    assert_int_equal(world_hear(&j->w, j->maf), ERR_OK);
    assert_int_equal(world_hear(&j->w, j->cse), ERR_OK);
}

static err_t by_kc(struct journey *j, struct world_session *s)
{
    return world_connect(&j->w, j->cse, j->state.kc_id.z, &j->state.kc.s, s);
}

static err_t by_km(struct journey *j, struct world_session *s)
{
    return world_connect(&j->w, j->maf, j->state.km_id.z, &j->state.km.s, s);
}

static void test_revoked_everywhere(void **state)
{
    struct journey *j = *state;
    struct world_session mef, maf, cse;
    journey_whole(j);
    assert_int_equal(world_connect(&j->w, j->mef, j->state.kpm_id.z, &j->state.kpm.s, &mef), ERR_OK);
    assert_int_equal(by_km(j, &maf), ERR_OK);
    assert_int_equal(by_kc(j, &cse), ERR_OK);
    assert_int_equal(operator(j, j->mef, "revoke", j->state.kpm_id.z), ERR_OK);
    assert_int_equal(world_alive(&mef), ERR_DENIED_REVOKED);
    assert_int_equal(world_alive(&maf), ERR_OK); /* not yet heard */
    hear(j);
    assert_int_equal(world_alive(&maf), ERR_DENIED_REVOKED); /* refuses R002-63 */
    assert_int_equal(world_alive(&cse), ERR_DENIED_REVOKED);
    assert_int_equal(by_km(j, &maf), ERR_DENIED_REVOKED);
    assert_int_equal(by_kc(j, &cse), ERR_DENIED_REVOKED);
    size_t told = world_audited(j->maf, AUDIT_KEY_WITHDRAWN);
    size_t lines = world_count(j->maf, TABLE_MAF_WITHDRAWN);
    hear(j); /* nothing new: nothing is written */
    assert_int_equal(world_audited(j->maf, AUDIT_KEY_WITHDRAWN), told);
    assert_int_equal(world_count(j->maf, TABLE_MAF_WITHDRAWN), lines);
    assert_int_equal(operator(j, j->mef, "resume", j->state.kpm_id.z), ERR_DENIED_REVOKED);
    assert_int_equal(journey_run(j, &journey_enrol), ERR_DENIED_REVOKED);
}

/* Who takes its registration at the MAF back, and Km with it, does not keep its Kc from what is withdrawn later. */
static void test_revoked_after_deregistration(void **state)
{
    static const struct device_task deregister = {.goal = DEVICE_MAF_DEREGISTER, .admin_fqdn = "sp.example.com"};
    struct journey *j = *state;
    struct device_state before;
    struct world_session s;
    journey_whole(j);
    assert_int_equal(by_kc(j, &s), ERR_OK);
    before = j->state;
    assert_int_equal(journey_run(j, &deregister), ERR_OK);
    assert_int_equal(world_count(j->maf, TABLE_MAF_KM), 0);
    assert_int_equal(operator(j, j->mef, "revoke", before.kpm_id.z), ERR_OK);
    hear(j);
    assert_int_equal(world_alive(&s), ERR_DENIED_REVOKED); /* refuses R002-63 */
    device_state_wipe(&before);
}

static void test_suspended_and_resumed(void **state)
{
    struct journey *j = *state;
    struct world_session s;
    journey_whole(j);
    assert_int_equal(by_kc(j, &s), ERR_OK);
    assert_int_equal(operator(j, j->mef, "suspend", j->state.kpm_id.z), ERR_OK);
    hear(j);
    assert_int_equal(world_alive(&s), ERR_DENIED_SUSPENDED);
    assert_int_equal(by_kc(j, &s), ERR_DENIED_SUSPENDED);
    assert_int_equal(by_km(j, &s), ERR_DENIED_SUSPENDED);
    assert_int_equal(journey_run(j, &journey_enrol), ERR_DENIED_SUSPENDED);
    assert_int_equal(operator(j, j->cse, "suspend", j->state.kc_id.z), ERR_OK);
    assert_int_equal(operator(j, j->cse, "resume", j->state.kc_id.z), ERR_DENIED_SUSPENDED); /* its authority has it */
    assert_int_equal(operator(j, j->mef, "resume", j->state.kpm_id.z), ERR_OK);
    hear(j);
    assert_int_equal(by_km(j, &s), ERR_OK);
    assert_int_equal(by_kc(j, &s), ERR_DENIED_SUSPENDED); /* the operator of the CSE still has it */
    assert_int_equal(operator(j, j->cse, "resume", j->state.kc_id.z), ERR_OK);
    assert_int_equal(by_kc(j, &s), ERR_OK); /* no enrolment, no fetch */
    assert_int_equal(j->w.asked > 0, 1);
}

/* A registered key that the operator of the MAF takes away is none at the CSE any more; the client has its Km still. */
static void test_key_removed(void **state)
{
    struct journey *j = *state;
    struct world_session s, live;
    char args[512];
    journey_whole(j);
    assert_int_equal(by_kc(j, &live), ERR_OK);
    snprintf(args, sizeof(args), "{\"KEYID\":\"%s\"}", j->state.kc_id.z);
    assert_int_equal(world_ctl(&j->w, j->maf, "key", "remove", args, &j->r), ERR_OK);
    hear(j);
    assert_int_equal(world_alive(&live), ERR_DENIED_REVOKED);
    assert_int_equal(by_kc(j, &s), ERR_DENIED_REVOKED); /* refuses R002-63 */
    assert_int_equal(by_km(j, &s), ERR_OK);
}

/* So is each key of a registration that the operator ends, and what the client itself gives back. */
static void removed(struct journey *j, const struct device_task *by_client)
{
    struct world_session s, live;
    struct device_state before;
    char args[128];
    journey_whole(j);
    before = j->state;
    assert_int_equal(by_kc(j, &live), ERR_OK);
    if (by_client != NULL) {
        assert_int_equal(journey_run(j, by_client), ERR_OK);
    } else {
        snprintf(args, sizeof(args), "{\"RI\":\"%s\"}", before.registration);
        assert_int_equal(world_ctl(&j->w, j->maf, "registration", "remove", args, &j->r), ERR_OK);
    }
    assert_int_equal(world_count(j->maf, TABLE_MAF_KEY), 0);
    assert_int_equal(world_alive(&live), ERR_OK); /* not yet heard */
    hear(j);
    assert_int_equal(world_alive(&live), ERR_DENIED_REVOKED);
    assert_int_equal(world_connect(&j->w, j->cse, before.kc_id.z, &before.kc.s, &s), ERR_DENIED_REVOKED); /* refuses R002-63 */
    assert_int_equal(journey_run(j, &journey_enrol), ERR_OK); /* the device may come again */
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    assert_int_equal(by_kc(j, &s), ERR_OK);
    device_state_wipe(&before);
}

static void test_registration_removed(void **state)
{
    removed(*state, NULL);
}

static void test_key_given_back(void **state)
{
    static const struct device_task key = {.goal = DEVICE_KEY_DEREGISTER, .admin_fqdn = "sp.example.com"};
    removed(*state, &key);
}

static void test_registration_given_back(void **state)
{
    static const struct device_task registration = {.goal = DEVICE_MAF_DEREGISTER, .admin_fqdn = "sp.example.com"};
    removed(*state, &registration);
}

static err_t instruct(struct journey *j, const char *verb)
{
    char args[512];
    snprintf(args, sizeof(args), "{\"ID\":\"%s\",\"target\":\"maf.example.com\",\"enrolee-id\":\"//sp.example.com/S42\"}", j->state.kpm_id.z);
    return world_ctl(&j->w, j->mef, "instruction", verb, args, &j->r);
}

/* A target that is taken from a credential keeps no key of it, nor does who got one in turn; instructed anew, the device
 * enrols again. */
static void test_instruction_removed(void **state)
{
    struct journey *j = *state;
    struct world_session s, live;
    journey_whole(j);
    assert_int_equal(by_kc(j, &live), ERR_OK);
    assert_int_equal(instruct(j, "remove"), ERR_OK);
    hear(j);
    assert_int_equal(world_alive(&live), ERR_DENIED_REVOKED);
    assert_int_equal(by_km(j, &s), ERR_DENIED_REVOKED);
    assert_int_equal(by_kc(j, &s), ERR_DENIED_REVOKED); /* refuses R001-77 */
    assert_int_equal(instruct(j, "add"), ERR_OK);
    assert_int_equal(journey_run(j, &journey_enrol), ERR_OK);
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    hear(j);
    assert_int_equal(by_kc(j, &s), ERR_OK);
}

/* The withdrawal is read before the answer to a fetch is stored: the key that was on its way does not come back. */
static void test_withdrawn_while_fetched(void **state)
{
    struct journey *j = *state;
    journey_whole(j);
    char key_id[KEYID_MAX], said[1024];
    for (int suspended = 1; suspended >= 0; suspended--) {
        snprintf(key_id, sizeof(key_id), "%s@mef.example.com", suspended ? "AB01" : "AB02");
        snprintf(said, sizeof(said),
                 "{\"withdrawn\":[{\"id\":\"%s\",\"state\":\"%s\",\"at\":\"000000000000000%d.ab\"}],"
                 "\"next\":\"000000000000000%d\",\"last\":\"00000000000000ff\"}",
                 key_id, suspended ? "suspended" : "revoked", 2 - suspended, 2 - suspended);
        struct answer a = {.status = 200, .body = text_bytes(text_of(said))};
        assert_int_equal(world_hear_forged(&j->w, j->maf, &a), ERR_OK);
        struct secret key;
        world_secret("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", &key);
        struct world_session s;
        assert_int_equal(world_connect(&j->w, j->maf, key_id, &key, &s), suspended ? ERR_DENIED_SUSPENDED : ERR_DENIED_REVOKED);
    }
    assert_int_equal(world_audited(j->maf, AUDIT_KEY_WITHDRAWN), 2);
}

/* The MEF comes back from a backup with its clock an hour behind: its next numbers lie before what the MAF has read. What is
 * revoked then is heard, before the MAF has noticed and after (docs/operate/recovery.md). */
static void test_restored_with_the_clock_back(void **state)
{
    struct journey *j = *state;
    struct world_session s;
    char args[512];
    journey_whole(j);
    assert_int_equal(operator(j, j->mef, "suspend", j->state.kpm_id.z), ERR_OK);
    assert_int_equal(operator(j, j->mef, "resume", j->state.kpm_id.z), ERR_OK);
    hear(j);
    strcpy(j->mef->fqdn, "gone.example.com"); /* what follows is the same MEF with the store of the backup */
    j->mef = world_add(&j->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
    snprintf(args, sizeof(args), "{\"kind\":\"kpm\",\"id\":\"dev42@mef.example.com\",\"key\":\"" JOURNEY_KPM "\",\"target\":\"maf.example.com\","
             "\"enrolee-id\":\"//sp.example.com/S42\"}");
    assert_int_equal(world_ctl(&j->w, j->mef, "credential", "add", args, &j->r), ERR_OK);
    j->w.now -= JOURNEY_HOUR;
    assert_int_equal(by_kc(j, &s), ERR_OK); /* what was handed out goes on */
    assert_int_equal(journey_run(j, &journey_enrol), ERR_OK);
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    assert_int_equal(operator(j, j->mef, "suspend", j->state.kpm_id.z), ERR_OK);
    hear(j);
    assert_int_equal(world_audited(j->maf, AUDIT_AUTHORITY_BACK), 1);
    hear(j); /* from the start: it stands before what the MAF had read */
    assert_int_equal(by_km(j, &s), ERR_DENIED_SUSPENDED); /* refuses R002-63 */
    assert_int_equal(operator(j, j->mef, "revoke", j->state.kpm_id.z), ERR_OK);
    hear(j);
    assert_int_equal(by_km(j, &s), ERR_DENIED_REVOKED);
    assert_int_equal(by_kc(j, &s), ERR_DENIED_REVOKED);
    assert_int_equal(world_audited(j->maf, AUDIT_AUTHORITY_BACK), 1); /* said once */
}

/* More keys than one answer tells, more than one transaction takes in, and a clock that was set back in between. */
static void test_many_keys(void **state)
{
    enum { KEYS = 150 };
    struct journey *j = *state;
    journey_whole(j);
    struct keyid kc_id[KEYS];
    struct secret kc[KEYS];
    struct world_session s;
    struct device_task again = journey_associate;
    for (size_t i = 0; i < KEYS; i++) {
        j->state.kc_id.z[0] = '\0'; /* asks for another one */
        secret_wipe(&j->state.kc.s);
        assert_int_equal(journey_run(j, &again), ERR_OK);
        kc_id[i] = j->state.kc_id;
        kc[i] = j->state.kc.s;
    }
    assert_int_equal(operator(j, j->maf, "suspend", j->state.km_id.z), ERR_OK);
    j->w.now -= JOURNEY_HOUR;
    assert_int_equal(operator(j, j->maf, "revoke", j->state.km_id.z), ERR_OK);
    for (size_t rounds = 0; rounds < 8; rounds++) {
        assert_int_equal(world_hear(&j->w, j->cse), ERR_OK);
    }
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(world_connect(&j->w, j->cse, kc_id[i].z, &kc[i], &s), ERR_DENIED_REVOKED);
        secret_wipe(&kc[i]);
    }
}

/* An authority that lies, or says nonsense, changes nothing. */
static void test_what_is_not_believed(void **state)
{
#define SAYS(id, st, at, next) "{\"withdrawn\":[{\"id\":\"" id "\",\"state\":\"" st "\",\"at\":\"" at "\"}],\"next\":\"" next \
    "\",\"last\":\"00000000000000ff\"}"
#define N1 "0000000000000001"
    static const char *const nonsense[] = {
        "", "[]", "{}", "{\"withdrawn\":[],\"next\":\"1\",\"last\":\"" N1 "\"}", "{\"withdrawn\":{},\"next\":\"" N1 "\",\"last\":\"" N1 "\"}",
        SAYS("AA@maf.example.com", "revoked", N1 ".aa", N1), /* a key of somebody else */
        SAYS("AA", "revoked", N1 ".aa", N1), SAYS("AA@mef.example.com", "dead", N1 ".aa", N1),
        SAYS("AA@mef.example.com", "revoked", "soon", N1), SAYS("AA@mef.example.com", "revoked", N1 ".aa", N1 ".aa"),
        SAYS("AA@mef.example.com", "revoked", N1 ".xyz", N1)};
    struct journey *j = *state;
    journey_whole(j);
    for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
        struct answer a = {.status = 200, .body = text_bytes(text_of(nonsense[i]))};
        assert_int_equal(world_hear_forged(&j->w, j->maf, &a), ERR_PEER_NONSENSE);
    }
    struct answer none = {.status = 404, .body = bytes_empty()};
    assert_int_equal(world_hear_forged(&j->w, j->maf, &none), ERR_DENIED_FETCH);
    none.status = 403; /* no silence of a minute, and not without a word in the log */
    assert_int_equal(world_hear_forged(&j->w, j->maf, &none), ERR_PEER_REFUSED);
    none.status = 500;
    assert_int_equal(world_hear_forged(&j->w, j->maf, &none), ERR_PEER_NONSENSE);
    none.err = ERR_PEER_TIMEOUT;
    assert_int_equal(world_hear_forged(&j->w, j->maf, &none), ERR_PEER_TIMEOUT);
    assert_int_equal(world_audited(j->maf, AUDIT_KEY_WITHDRAWN), 0);
    assert_int_equal(world_count(j->maf, TABLE_MAF_WITHDRAWN), 0);
}

/* Random lifetimes along the chain: no key and no association outlives what it was derived from, whatever the clock does. */
static void test_nothing_outlives_its_origin(void **state)
{
    uint32_t seed = 20240501; /* xorshift: the same chains in every run */
    (void)state;
    for (int round = 0; round < 60; round++) {
        uint32_t r[4];
        for (size_t i = 0; i < ARRAY_LEN(r); i++) {
            seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
            r[i] = 1 + seed % 40;
        }
        struct journey *j = start("r3");
        char text[512];
        snprintf(text, sizeof(text), "[mef]\nfqdn = mef.example.com\nke-lifetime = %uh\n", r[0]);
        world_reload(&j->w, j->mef, text);
        snprintf(text, sizeof(text), "[maf]\nfqdn = maf.example.com\nkm-lifetime = %uh\nkc-lifetime = %uh\n[peer mef.example.com]\nkind = mef\n", r[1], r[2]);
        world_reload(&j->w, j->maf, text);
        journey_whole(j);
        struct world_session mef, maf, cse;
        assert_int_equal(world_connect(&j->w, j->mef, j->state.kpm_id.z, &j->state.kpm.s, &mef), ERR_OK);
        assert_int_equal(by_km(j, &maf), ERR_OK);
        assert_int_equal(by_kc(j, &cse), ERR_OK);
        usec_t instruction = JOURNEY_T0 + 48 * JOURNEY_HOUR;
        usec_t ke = JOURNEY_T0 + r[0] * JOURNEY_HOUR, km = JOURNEY_T0 + r[1] * JOURNEY_HOUR, kc = JOURNEY_T0 + r[2] * JOURNEY_HOUR;
        ke = ke < instruction ? ke : instruction;
        km = km < ke ? km : ke;
        kc = kc < km ? kc : km;
        assert_true(mef.assoc.not_after <= instruction);
        assert_true(maf.assoc.not_after <= km);
        assert_true(cse.assoc.not_after <= kc && cse.assoc.not_after >= kc - 2 * USEC_PER_SEC); /* whole seconds twice */
        j->w.now = JOURNEY_T0 + r[3] * JOURNEY_HOUR; /* refuses R002-63: after its end nothing serves, before it everything does */
        struct world_session late;
        assert_int_equal(by_kc(j, &late) == ERR_OK, j->w.now < cse.assoc.not_after);
        assert_int_equal(by_km(j, &late) == ERR_OK, j->w.now < maf.assoc.not_after);
        struct world_request rq = {.op = OP_RETRIEVE, .path = "/-/S42", .from = "S42"};
        assert_int_equal(world_request(&cse, &rq, &j->r) == ERR_OK, j->w.now < cse.assoc.not_after);
        j->w.now = JOURNEY_T0 - JOURNEY_HOUR; /* a clock that is set back lengthens nothing */
        if (by_kc(j, &late) == ERR_OK) {
            assert_true(late.assoc.not_after == cse.assoc.not_after);
        }
        journey_free(j);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_revoked_everywhere, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_revoked_after_deregistration, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_revoked_after_deregistration, setup_seed, teardown),
        cmocka_unit_test_setup_teardown(test_suspended_and_resumed, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_key_removed, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_registration_removed, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_key_given_back, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_registration_given_back, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_instruction_removed, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_withdrawn_while_fetched, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_restored_with_the_clock_back, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_many_keys, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_believed, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_revoked_everywhere, setup_seed, teardown),
        cmocka_unit_test(test_nothing_outlives_its_origin),
        cmocka_unit_test_setup_teardown(test_r3, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_seed, setup_seed, teardown),
        cmocka_unit_test_setup_teardown(test_request, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_kc_expiry, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_not_allowed, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_authorities_away, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_registrar, setup_r3, teardown),
    };
    return cmocka_run_group_tests_name("journey", tests, NULL, NULL);
}
