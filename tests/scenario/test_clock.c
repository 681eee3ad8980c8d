/*
 * The clock of a device jumps while its servers go on (docs/operate/recovery.md): it takes keys for over that are not, or holds
 * on to keys that are; nothing is lost, nothing is taken for longer than its servers gave it, and it finds back by itself.
 */
#include "journey.h"
#include "role/device/device_renew.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MINUTE (JOURNEY_HOUR / 60)
#define DAY (24 * JOURNEY_HOUR)
#define YEARS (INT64_C(20) * 365 * DAY)

static const struct device_task renew = {.goal = DEVICE_ASSOCIATE, .admin_fqdn = "sp.example.com", .renew = true};

static int setup(void **state)
{
    struct journey *j = journey_new("r3");
    journey_credential(j, "r3");
    journey_whole(j);
    *state = j;
    return 0;
}

static int teardown(void **state)
{
    journey_free(*state);
    return 0;
}

static usec_t clock_of(const struct journey *j)
{
    return j->w.now + j->dev.ahead;
}

static bool is_due(const struct journey *j)
{
    return device_renew_next(&j->state, clock_of(j)).at <= clock_of(j);
}

/* Ahead of the end of every key: it refuses by itself, without a word to a server, and all is as before when the clock is right. */
static void forward_and_right_again(void **state)
{
    struct journey *j = *state;
    static const usec_t jumps[] = {6 * JOURNEY_HOUR, 2 * DAY, YEARS};
    struct keyid ke = j->state.ke_id, kc = j->state.kc_id;
    for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
        j->dev.ahead = jumps[i];
        assert_int_equal(journey_run(j, &journey_create), ERR_DENIED_EXPIRED); /* refuses R002-85 */
        assert_string_equal(j->dev.met, "");
        assert_true(is_due(j)); /* `keep` would renew at once */
    }
    j->dev.ahead = 0;
    assert_false(is_due(j));
    assert_int_equal(journey_run(j, &journey_create), ERR_OK);
    assert_string_equal(j->state.ke_id.z, ke.z);
    assert_string_equal(j->state.kc_id.z, kc.z);
}

/* What it makes anew meanwhile has its servers' end, is not renewed again and again, and is good when the clock is right. */
static void renewed_while_ahead(void **state)
{
    struct journey *j = *state;
    struct world_session s;
    j->dev.ahead = 5 * JOURNEY_HOUR + 50 * MINUTE; /* nine tenths of Kc are over by its clock */
    assert_int_equal(device_renew_next(&j->state, clock_of(j)).what, DEVICE_RENEW_KEY);
    assert_int_equal(journey_run(j, &renew), ERR_OK);
    assert_false(is_due(j));
    assert_int_equal(journey_run(j, &journey_create), ERR_OK);
    j->dev.ahead = 0;
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK); /* Kc is used, not asked for */
    assert_string_equal(j->dev.met, "cse ");
    assert_int_equal(world_connect(&j->w, j->cse, j->state.kc_id.z, &j->state.kc.s, &s), ERR_OK);
    assert_true(s.assoc.not_after <= j->w.now + 6 * JOURNEY_HOUR); /* no longer than the MAF gives it */
}

/* What it is given is over by its own clock: it says so, and has what it needs once the clock is right. */
static void ahead_of_what_is_given(void **state)
{
    struct journey *j = *state;
    j->dev.ahead = 7 * JOURNEY_HOUR;
    assert_int_equal(device_renew_next(&j->state, clock_of(j)).what, DEVICE_RENEW_KEY);
    assert_int_equal(journey_run(j, &renew), ERR_PEER_NONSENSE); /* refuses R002-63 */
    assert_string_equal(j->dev.detail, "expirationTime is over by the clock here: look at both clocks");
    assert_int_not_equal(journey_run(j, &journey_create), ERR_OK);
    j->dev.ahead = 0;
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    assert_int_equal(journey_run(j, &journey_create), ERR_OK);
}

/* Years ahead all is over, and the enrolment comes first: the MEF gives one, to which the servers hold by their own clocks. */
static void enrolled_while_years_ahead(void **state)
{
    struct journey *j = *state;
    struct world_session s;
    struct keyid before = j->state.ke_id;
    j->dev.ahead = YEARS;
    assert_int_equal(device_renew_next(&j->state, clock_of(j)).what, DEVICE_RENEW_ENROLMENT);
    assert_int_equal(journey_run(j, &renew), ERR_DENIED_EXPIRED); /* refuses R002-63: no key without an enrolment */
    assert_int_equal(journey_run(j, &journey_enrol), ERR_OK);
    assert_string_not_equal(j->state.ke_id.z, before.z);
    assert_int_equal(journey_run(j, &renew), ERR_PEER_NONSENSE);
    j->dev.ahead = 0;
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    assert_int_equal(world_connect(&j->w, j->maf, j->state.km_id.z, &j->state.km.s, &s), ERR_OK);
    assert_true(s.assoc.not_after <= JOURNEY_T0 + 2 * DAY); /* R002-63 */
    assert_int_equal(journey_run(j, &journey_create), ERR_OK);
    assert_true(j->state.kc_not_after <= JOURNEY_T0 + 6 * JOURNEY_HOUR);
}

/* Behind: it takes keys for good that are over. Its servers refuse them; what it then makes anew works while it is behind. */
static void back(void **state)
{
    struct journey *j = *state;
    static const usec_t jumps[] = {7 * JOURNEY_HOUR, YEARS};
    for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
        j->w.now += 7 * JOURNEY_HOUR; /* Kc is over */
        j->dev.ahead = -jumps[i];
        assert_false(is_due(j)); /* by its clock there is time */
        assert_int_not_equal(journey_run(j, &journey_create), ERR_OK); /* refuses R002-63: the servers count */
        assert_string_equal(j->dev.met, "cse ");
        assert_int_equal(journey_run(j, &renew), ERR_OK); /* what `keep` does after such a refusal */
        assert_int_equal(journey_run(j, &journey_create), i == 0 ? ERR_OK : ERR_EXISTS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(forward_and_right_again, setup, teardown),
        cmocka_unit_test_setup_teardown(renewed_while_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(ahead_of_what_is_given, setup, teardown),
        cmocka_unit_test_setup_teardown(enrolled_while_years_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(back, setup, teardown),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
