/* When a device renews what, under a virtual clock [CHOICE-57]; and that a state of an older program is read. */
#include "role/device/device_renew.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define DAY (INT64_C(86400) * USEC_PER_SEC)

static void give(struct secret *s)
{
    static const uint8_t octets[32] = {1, 2, 3};
    assert_int_equal(secret_set(s, BYTES_ARRAY(octets)), ERR_OK);
}

static struct device_state enrolled(usec_t ke_life)
{
    struct device_state s = {.ke_since = T0, .ke_not_after = T0 + ke_life};
    give(&s.ke.s);
    return s;
}

static void nine_tenths(void **state)
{
    (void)state;
    struct device_state s = enrolled(100 * DAY);
    struct device_due d = device_renew_next(&s, T0);
    assert_true(d.what == DEVICE_RENEW_ENROLMENT && d.at == T0 + 90 * DAY && d.end == T0 + 100 * DAY); /* R000-17 */
    give(&s.kc.s);
    s.kc_since = T0 + 5 * DAY;
    s.kc_not_after = T0 + 15 * DAY;
    d = device_renew_next(&s, T0);
    assert_true(d.what == DEVICE_RENEW_KEY && d.at == T0 + 14 * DAY);
    s.kc_since = T0 + 80 * DAY;
    s.kc_not_after = T0 + 100 * DAY; /* as long as its Ke: at T0 + 98 it would be too late for that */
    assert_int_equal(device_renew_next(&s, T0).what, DEVICE_RENEW_ENROLMENT);
    assert_true(device_renew_next(&s, T0).at == T0 + 90 * DAY);
}

static void what_ends_with_its_ke_is_enrolled_for(void **state)
{
    (void)state;
    struct device_state s = enrolled(10 * DAY);
    give(&s.kc.s);
    s.kc_since = T0;
    s.kc_not_after = T0 + 10 * DAY - USEC_PER_SEC;
    struct device_due d = device_renew_next(&s, T0);
    assert_int_equal(d.what, DEVICE_RENEW_ENROLMENT);
    assert_true(d.at < T0 + 9 * DAY); /* a tenth of a second earlier than that of Ke */
}

/* Switched off for longer than its enrolment: Kc was due first, and cannot be had without Ke. */
static void what_comes_first_when_both_are_due(void **state)
{
    (void)state;
    struct device_state s = enrolled(10 * DAY);
    give(&s.kc.s);
    s.kc_since = T0;
    s.kc_not_after = T0 + DAY;
    assert_int_equal(device_renew_next(&s, T0 + 2 * DAY).what, DEVICE_RENEW_KEY);
    assert_int_equal(device_renew_next(&s, T0 + 9 * DAY - 1).what, DEVICE_RENEW_KEY);
    assert_int_equal(device_renew_next(&s, T0 + 9 * DAY).what, DEVICE_RENEW_ENROLMENT);
    assert_int_equal(device_renew_next(&s, T0 + 20 * DAY).what, DEVICE_RENEW_ENROLMENT);
}

static void what_is_not_renewed(void **state)
{
    (void)state;
    struct device_state none = {.ke_not_after = 0};
    assert_int_equal(device_renew_next(&none, T0).what, DEVICE_RENEW_NOTHING);
    struct device_state old = enrolled(10 * DAY); /* a state of an older program */
    old.ke_since = 0;
    assert_true(device_renew_next(&old, T0).at == T0 + 10 * DAY);
    struct device_state ahead = enrolled(10 * DAY); /* made when the clock was ahead of the end that was told */
    ahead.ke_since = T0 + 11 * DAY;
    assert_true(device_renew_next(&ahead, T0).at == T0 + 10 * DAY);
    struct device_state kpsa = enrolled(10 * DAY); /* a connection key that is not used is not renewed */
    give(&kpsa.kc.s);
    give(&kpsa.kpsa.s);
    kpsa.kc_since = T0;
    kpsa.kc_not_after = T0 + DAY;
    assert_int_equal(device_renew_next(&kpsa, T0).what, DEVICE_RENEW_ENROLMENT);
}

static void an_ae_is_kept(void **state)
{
    (void)state;
    struct device_state s = enrolled(100 * DAY);
    assert_true(device_renew_ae(&s).at == USEC_NEVER); /* nobody registered one */
    (void)strcpy(s.app_id, "Nmade-up");
    assert_true(device_renew_ae(&s).at == USEC_NEVER); /* and there is no way to */
    give(&s.kc.s);
    assert_true(device_renew_ae(&s).at == 0); /* it is gone */
    (void)strcpy(s.ae_stem, "Smade-up");
    assert_true(device_renew_ae(&s).at == USEC_NEVER); /* its end is not known */
    s.ae_since = T0;
    s.ae_not_after = T0 + 10 * DAY;
    assert_true(device_renew_ae(&s).at == T0 + 9 * DAY && device_renew_ae(&s).end == T0 + 10 * DAY);
    s.ae_since = T0 + 11 * DAY; /* the clock was set back since: at its end */
    assert_true(device_renew_ae(&s).at == T0 + 10 * DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nine_tenths),
        cmocka_unit_test(what_ends_with_its_ke_is_enrolled_for),
        cmocka_unit_test(what_comes_first_when_both_are_due),
        cmocka_unit_test(what_is_not_renewed),
        cmocka_unit_test(an_ae_is_kept),
    };
    return cmocka_run_group_tests_name("device-renew", tests, NULL, NULL);
}
