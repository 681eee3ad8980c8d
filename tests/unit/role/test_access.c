/* The access decision against an independent model (access_model.c). Then the boundaries, by hand. */
#include "access_model.h"
#include "role/cse/access_rules.h"
#include "role/cse/cse_from.h"
#include "role/cse/schedule.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* -- both ------------------------------------------------------------------------------------------------------- */
static struct bytes compile(const json_t *pv, uint8_t *buf)
{
    struct writer w = writer_of(buf, ACCESS_COMPILED_MAX);
    char detail[ROLE_DETAIL_MAX] = "";
    err_t e = access_rules_compile(pv, "pv", &w, detail);
    if (e != ERR_OK) {
        print_error("%s: %s\n", err_code(e), detail);
    }
    assert_int_equal(e, ERR_OK);
    return writer_view(&w);
}

static bool decide(struct bytes rules, const struct access_model_facts *q)
{
    const struct access_query a = access_model_query(q);
    if (access_decide(rules, &a)) {
        return true;
    }
    struct text open[ACCESS_OPEN_MAX]; /* and then, as cse_policy.c does it */
    bool yes = false;
    for (size_t i = 0, n = access_open(rules, &a, open, ARRAY_LEN(open)); i < n; i++) {
        yes = yes || access_model_is_also(open[i].p, open[i].n, q->also);
    }
    return yes;
}

static void agrees_with_the_model(void **state)
{
    (void)state;
    static const int types[] = {2, 3, 5, 13};
    static const char *const definitions[] = {"", "1001", "1002"};
    static uint8_t buf[ACCESS_COMPILED_MAX];
    size_t permits = 0;
    for (int set = 0; set < ACCESS_MODEL_SETS; set++) {
        json_t *pv = access_model_rules();
        struct bytes rules = compile(pv, buf);
        for (int k = 0; k < ACCESS_MODEL_QUERIES; k++) {
            struct access_model_facts q = {
                .who = &access_model_whos[access_model_rnd(ARRAY_LEN(access_model_whos))], .op = 1 << access_model_rnd(6), .ip = access_model_ips[access_model_rnd(ARRAY_LEN(access_model_ips))],
                .now = (time_t)946684800 + (time_t)access_model_rnd(40u * 366 * 1440) * 60 + (time_t)access_model_rnd(60), .authn = access_model_chance(50),
                .target_ty = types[access_model_rnd(ARRAY_LEN(types))], .child_ty = 1 + (int)access_model_rnd(4),
                .definition = definitions[access_model_rnd(ARRAY_LEN(definitions))],
                .place = access_model_chance(80) ? &access_model_places[access_model_rnd(ARRAY_LEN(access_model_places))] : NULL,
                .also = access_model_chance(30) ? 1u << access_model_rnd(ARRAY_LEN(access_model_others)) : 0,
            };
            bool want = access_model_decide(pv, &q);
            if (decide(rules, &q) != want) {
                char *text = json_dumps(pv, JSON_COMPACT);
                print_error("model says %d: %s from %s op %d ip %s at %lld\n", want, text, q.who->absolute, q.op, q.ip,
                            (long long)q.now);
                free(text);
                fail();
            }
            permits += want ? 1 : 0;
        }
        json_decref(pv);
    }
    assert_in_range(permits, ACCESS_MODEL_SETS * ACCESS_MODEL_QUERIES / 20, ACCESS_MODEL_SETS * ACCESS_MODEL_QUERIES / 2); /* both answers were tried often */
}

/* -- by hand ------------------------------------------------------------------------------------------------------ */
static bool permits_text(const char *pv, const struct access_model_facts *q)
{
    static uint8_t buf[ACCESS_COMPILED_MAX];
    json_t *v = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(pv)), &v), ERR_OK);
    bool yes = decide(compile(v, buf), q);
    assert_int_equal(yes, access_model_decide(v, q));
    json_decref(v);
    return yes;
}

static bool originator(const char *pattern, size_t who)
{
    char pv[256];
    snprintf(pv, sizeof(pv), "{\"acr\":[{\"acor\":[\"%s\"],\"acop\":63}]}", pattern);
    struct access_model_facts q = {.who = &access_model_whos[who], .op = 2, .ip = "", .definition = ""};
    return permits_text(pv, &q);
}

/* Checklist 25: `*` must not cross `/`. */
static void wildcards_stay_in_their_segment(void **state)
{
    (void)state;
    assert_true(originator("//*/myCSE*/C9886", 6));
    assert_true(originator("//*/myCSE*/C9886", 10));
    assert_true(originator("/myCSE*/C98*", 6));
    assert_false(originator("/myCSE*/C98*", 10)); /* another SP */
    assert_true(originator("/SmyAE*", 2));
    assert_true(originator("//*", 0)); /* every domain */
    assert_false(originator("/*", 5));
    assert_false(originator("//sp.example.com/*", 5));
    assert_false(originator("//sp*/Sa", 3));
    assert_false(originator("*", 5));
    assert_false(originator("/*/sp.example.com/Sa", 0)); /* a star is no empty segment of // */
    assert_false(originator("C1", 5));                   /* the C1 of another registrar */
    assert_true(originator("C1", 3));
    assert_false(originator("//sp.example.co", 0));
    assert_false(originator("//sp.example.com/S", 0));
    assert_true(originator("//SP.EXAMPLE.COM/Sa", 0));
    assert_false(originator("//sp.example.com/sa", 0));
}

static void operations_one_bit_each(void **state)
{
    (void)state;
    for (int granted = 0; granted < 6; granted++) {
        char pv[128];
        snprintf(pv, sizeof(pv), "{\"acr\":[{\"acor\":[\"all\"],\"acop\":%d}]}", 1 << granted);
        for (int asked = 0; asked < 6; asked++) {
            struct access_model_facts q = {.who = &access_model_whos[0], .op = 1 << asked, .ip = "", .definition = ""};
            assert_int_equal(permits_text(pv, &q), granted == asked);
        }
    }
    assert_int_equal(access_op_bit(OP_RETRIEVE, true), ACCESS_DISCOVERY);
    assert_int_equal(access_op_bit(OP_RETRIEVE, false), ACCESS_RETRIEVE);
    assert_int_equal(access_op_bit(OP_CREATE, true), ACCESS_CREATE);
    assert_int_equal(access_op_bit(OP_NONE, false), 0);
    assert_int_equal(access_op_bit((enum op)77, false), 0);
}

static time_t utc(const char *text)
{
    usec_t t = 0;
    assert_int_equal(timestamp_parse(text_of(text), &t), ERR_OK);
    return (time_t)(t / USEC_PER_SEC);
}

static void schedule_boundaries(void **state)
{
    (void)state;
    static const struct {
        const char *schedule, *at;
        bool want;
    } rows[] = {
        {"* * * * * * *", "20240229T235959", true},
        {"* 0-5 2,6,10 * * * *", "20240101T020000", true},
        {"* 0-5 2,6,10 * * * *", "20240101T020559", true},
        {"* 0-5 2,6,10 * * * *", "20240101T020600", false},
        {"* 0-5 2,6,10 * * * *", "20240101T015959", false},
        {"0 * * * * * *", "20240101T120000", true},
        {"0 * * * * * *", "20240101T120001", false},
        {"59 59 23 31 12 * *", "20231231T235959", true},
        {"59 59 23 31 12 * *", "20240101T000000", false},
        {"* * * 29 2 * *", "20240229T000000", true},
        {"* * * 29 2 * *", "20240301T000000", false},
        {"* * * 31 * * *", "20240430T235959", false},
        {"* * * 31 * * *", "20240531T000000", true},
        {"* * * * * 0 *", "20240107T000000", true}, /* a Sunday */
        {"* * * * * 0 *", "20240106T235959", false},
        {"* * * * * 6 *", "20240106T235959", true},
        {"* * * 13 * 5 *", "20240913T120000", true}, /* ANDed, unlike cron [CHOICE-75]: a Friday 13th */
        {"* * * 13 * 5 *", "20240913T120000", true},
        {"* * * 13 * 5 *", "20240813T120000", false},
        {"* * * 13 * 5 *", "20240906T120000", false},
        {"* * * * * * 2024", "20231231T235959", false},
        {"* * * * * * 2024", "20240101T000000", true},
        {"* * * * * * 2020-2030/2", "20230101T000000", false},
        {"* * * * * * 2020-2030/2", "20240101T000000", true},
        {"*/15 * * * * * *", "20240101T000045", true},
        {"*/15 * * * * * *", "20240101T000046", false},
        {"* * * */10 * * *", "20240111T000000", true}, /* from the first value of the field: 1, 11, 21, 31 */
        {"* * * */10 * * *", "20240110T000000", false},
        {"05 00 * * * * *", "20240101T000005", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char pv[256];
        snprintf(pv, sizeof(pv), "{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acco\":[{\"actw\":[\"%s\"]}]}]}", rows[i].schedule);
        struct access_model_facts q = {.who = &access_model_whos[0], .op = 2, .ip = "", .definition = "", .now = utc(rows[i].at)};
        assert_int_equal(permits_text(pv, &q), rows[i].want);
    }
    static const char *const bad[] = {
        "", "*", "* * * * * *", "* * * * * * * *", "60 * * * * * *", "* 60 * * * * *", "* * 24 * * * *", "* * * 0 * * *",
        "* * * 32 * * *", "* * * * 0 * *", "* * * * 13 * *", "* * * * * 7 *", "* * * * * * 1999", "* * * * * * 10000",
        "5-1 * * * * * *", "1-* * * * * * *", "*/0 * * * * * *", "1/2 * * * * * *", "1, * * * * * *", ",1 * * * * * *",
        "1,,2 * * * * * *", "a * * * * * *", "-1 * * * * * *", "1- * * * * * *", "* * * * * * ", " * * * * * * *",
        "*  * * * * * *", "**  * * * * * *", "+1 * * * * * *", "00001 * * * * * *", "* * * * * * *,", "*-5 * * * * * *",
    };
    struct schedule s;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(schedule_parse(text_of(bad[i]), &s), ERR_ATTRIBUTE_TYPE);
    }
}

static void flag_context_and_objects(void **state)
{
    (void)state;
    struct access_model_facts q = {.who = &access_model_whos[0], .op = 1, .ip = "", .definition = "", .target_ty = 3, .child_ty = 4};
    const char *acaf = "{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acaf\":true}]}";
    assert_false(permits_text(acaf, &q));
    q.authn = true;
    assert_true(permits_text(acaf, &q));
    const char *aclr = "{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acco\":[{\"aclr\":{\"accr\":[52.5,13.4,5000]}}]}]}";
    assert_false(permits_text(aclr, &q)); /* CHOICE-72 */
    q.place = &access_model_places[0]; /* 2,250 m away */
    assert_true(permits_text(aclr, &q));
    assert_false(permits_text("{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acco\":[{\"aclr\":{\"accr\":[52.5,13.4,2000]}}]}]}", &q));
    assert_true(permits_text("{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acco\":[{\"aclr\":{\"accc\":[\"FR\",\"DE\"]}}]}]}", &q));
    q.place = NULL;
    const char *either = "{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acco\":[{\"aclr\":{\"accc\":[\"DE\"]}},{}]}]}";
    assert_true(permits_text(either, &q)); /* OR over contexts; an empty one matches anything */
    const char *acod = "{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acod\":[{\"ty\":3,\"chty\":[4]}]}]}";
    assert_true(permits_text(acod, &q));
    q.child_ty = 3;
    assert_false(permits_text(acod, &q));
    q.child_ty = 4;
    q.target_ty = 2;
    assert_false(permits_text(acod, &q));
    q.op = 2; /* details are for CREATE */
    assert_true(permits_text(acod, &q));
    assert_false(permits_text("{\"acr\":[]}", &q));
    assert_false(permits_text("{}", &q));
}

/* Undeterminable is no [TS-0003 7.1.4]: a rule cut at any octet never permits what the whole one does not. */
static void damaged_rules_deny(void **state)
{
    (void)state;
    static uint8_t buf[ACCESS_COMPILED_MAX];
    json_t *v = NULL;
    const char *pv = "{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":2,\"acco\":[{\"actw\":[\"* * * * * * *\"],\"acip\":{\"ipv4\":[\"0.0.0.0/0\"]}}],"
                     "\"acod\":[{\"ty\":3,\"chty\":[1,2]}]}]}";
    assert_int_equal(json_parse(text_bytes(text_of(pv)), &v), ERR_OK);
    struct bytes whole = compile(v, buf);
    struct access_model_facts q = {.who = &access_model_whos[0], .op = 2, .ip = "192.0.2.7", .definition = "", .now = utc("20240101T000000")};
    assert_true(decide(whole, &q));
    for (size_t n = 0; n < whole.n; n++) {
        assert_false(decide(bytes_of(whole.p, n), &q));
    }
    json_decref(v);
}

/* The forms of an originator [CHOICE-74] as the CSE makes them. */
static void forms_of_an_originator(void **state)
{
    (void)state;
    struct cse cse = {.sp = {"sp.example.com"}, .csi = {"/in"}, .self = {"//sp.example.com/in"}};
    static const struct {
        const char *id;
        struct access_model_who want;
    } rows[] = {
        {"Sa", {"//sp.example.com/Sa", "/Sa", "Sa"}},
        {"C1", {"//sp.example.com/in/C1", "/in/C1", "C1"}},
        {"/mn1/C1", {"//sp.example.com/mn1/C1", "/mn1/C1", ""}},
        {"/mn1", {"//sp.example.com/mn1", "/mn1", ""}},
        {"/in/C1", {"//sp.example.com/in/C1", "/in/C1", "C1"}},
        {"//SP.example.com/Sa", {"//sp.example.com/Sa", "/Sa", "Sa"}},
        {"//other.example.org/Sa", {"//other.example.org/Sa", "", ""}},
        {"//other.example.org/in/C1", {"//other.example.org/in/C1", "", ""}},
        {"/in2/C1", {"//sp.example.com/in2/C1", "/in2/C1", ""}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cse_from f = {0};
        assert_int_equal(cse_from_forms(&cse, text_of(rows[i].id), &f), ERR_OK);
        assert_string_equal(f.absolute.z, rows[i].want.absolute);
        assert_string_equal(f.sp_relative.z, rows[i].want.sp_relative);
        assert_string_equal(f.stem.z, rows[i].want.stem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_model),
        cmocka_unit_test(wildcards_stay_in_their_segment),
        cmocka_unit_test(operations_one_bit_each),
        cmocka_unit_test(schedule_boundaries),
        cmocka_unit_test(flag_context_and_objects),
        cmocka_unit_test(damaged_rules_deny),
        cmocka_unit_test(forms_of_an_originator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
