/* What a <subscription> may say, and what a new one is told of what was before it. */
#include "cse_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LISTED "http://127.0.0.1:8080"

static struct cse_fixture f;

#define must(e) cse_fixture_must(&f, (e))

static void begin(void **state)
{
    (void)state;
    cse_fixture_init(&f, CSE_CONF "admin = Sadmin\n");
    f.w.callable = LISTED;
    must(cse_fixture_create(&f, &f.a, "Sa", "-", 2, AE_NAMED("app-a")));
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"));
}

/* -- what is refused ----------------------------------------------------------------------------------------------------- */
struct row {
    const char *says;
    err_t want;
    const char *names;
};

static void each_is_refused(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char body[512];
        snprintf(body, sizeof(body), "{\"m2m:sub\":{\"rn\":\"bad\",%s}}", rows[i].says);
        err_t e = cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 23, body);
        if (e != rows[i].want || strstr(f.body, rows[i].names) == NULL) {
            fail_msg("%s: %s %s", rows[i].says, err_code(e), f.body);
        }
    }
}

static void who_is_told_is_strict(void **state)
{
    static const struct row rows[] = {
        {"\"exc\":1", ERR_MISSING, "nu"},
        {"\"nu\":[]", ERR_ATTRIBUTE_TYPE, "nu"},
        {"\"nu\":\"Sa\"", ERR_ATTRIBUTE_TYPE, "nu"},
        {"\"nu\":[\"1\",\"2\",\"3\",\"4\",\"5\"]", ERR_ATTRIBUTE_TYPE, "nu"},
        {"\"nu\":[\"Sa\",\"cse-in/app-a\"]", ERR_CONTENTS, "nu"},
        {"\"nu\":[\"Snobody\"]", ERR_CONTENTS, "nu"},
        {"\"nu\":[\"Sa/c\"]", ERR_CONTENTS, "nu"},
        {"\"nu\":[\"//other.example.com/Sa\"]", ERR_NOT_IMPLEMENTED, "nu"},
        {"\"nu\":[\"/mn/Cx\",\"//SP.example.com/mn/Cx\"]", ERR_CONTENTS, "twice"},
        {"\"nu\":[\"/mn/a?b\"]", ERR_CONTENTS, "nu"},
        {"\"nu\":[\"/mn/a//b\"]", ERR_CONTENTS, "nu"},
        {"\"nu\":[\"/mn/../in\"]", ERR_CONTENTS, "nu"},
        {"\"nu\":[\"/mn/a%2fb\"]", ERR_CONTENTS, "nu"},
        {"\"nu\":[\"/mn/\"]", ERR_CONTENTS, "nu"},
        {"\"nu\":[\"http://\"]", ERR_CONTENTS, "nu"},
        {"\"nu\":[\"ftp://127.0.0.1:8080\"]", ERR_CONTENTS, "nu"},
        {"\"nu\":[\"http://u:p@127.0.0.1:8080\"]", ERR_CONTENTS, "nu"},
        {"\"nu\":[\"http://127.0.0.1:22\"]", ERR_DENIED_URL, "nu"}, /* of the operator's network, and not listed */
        {"\"nu\":[\"http://169.254.169.254/latest\"]", ERR_DENIED_URL, "nu"},
        {"\"nu\":[\"http://localhost:8080\"]", ERR_DENIED_URL, "nu"},
        {"\"nu\":[\"http://2130706433:8080\"]", ERR_DENIED_URL, "nu"},
        {"\"nu\":[\"http://[::ffff:127.0.0.1]:8080\"]", ERR_DENIED_URL, "nu"},
        {"\"nu\":[\"https://127.0.0.1:8080\"]", ERR_DENIED_URL, "nu"},
        {"\"nu\":[\"Sa\"],\"su\":\"http://10.0.0.1\"", ERR_DENIED_URL, "su"},
    };
    begin(state);
    each_is_refused(rows, ARRAY_LEN(rows));
    cse_fixture_free(&f);
}

static void what_is_told_is_strict(void **state)
{
    static const struct row rows[] = {
        {"\"nu\":[\"Sa\"],\"psn\":0", ERR_ATTRIBUTE_TYPE, "psn"},
        {"\"nu\":[\"Sa\"],\"exc\":0", ERR_ATTRIBUTE_TYPE, "exc"},
        {"\"nu\":[\"Sa\"],\"pn\":3", ERR_ATTRIBUTE_TYPE, "pn"},
        {"\"nu\":[\"Sa\"],\"nct\":4", ERR_ATTRIBUTE_TYPE, "nct"},
        {"\"nu\":[\"Sa\"],\"ln\":1", ERR_ATTRIBUTE_TYPE, "ln"},
        {"\"nu\":[\"Sa\"],\"enc\":[]", ERR_ATTRIBUTE_TYPE, "enc"},
        {"\"nu\":[\"Sa\"],\"enc\":{\"net\":[9]}", ERR_ATTRIBUTE_TYPE, "enc: net"},
        {"\"nu\":[\"Sa\"],\"enc\":{\"net\":{}}", ERR_ATTRIBUTE_TYPE, "enc: net"},
        {"\"nu\":[\"Sa\"],\"enc\":{\"net\":[6]}", ERR_NOT_IMPLEMENTED, "enc: net"},
        {"\"nu\":[\"Sa\"],\"enc\":{\"crb\":5}", ERR_ATTRIBUTE_TYPE, "enc: crb"},
        {"\"nu\":[\"Sa\"],\"enc\":{\"exa\":\"soon\"}", ERR_ATTRIBUTE_TYPE, "enc: exa"},
        {"\"nu\":[\"Sa\"],\"enc\":{\"sts\":-1}", ERR_ATTRIBUTE_TYPE, "enc: sts"},
        {"\"nu\":[\"Sa\"],\"enc\":{\"sza\":\"1\"}", ERR_ATTRIBUTE_TYPE, "enc: sza"},
        {"\"nu\":[\"Sa\"],\"enc\":{\"atr\":[5]}", ERR_ATTRIBUTE_TYPE, "enc: atr"},
        {"\"nu\":[\"Sa\"],\"enc\":{\"atr\":\"lbl\"}", ERR_ATTRIBUTE_TYPE, "enc: atr"},
        {"\"nu\":[\"Sa\"],\"enc\":{\"chty\":[0]}", ERR_ATTRIBUTE_TYPE, "enc: chty"},
        {"\"nu\":[\"Sa\"],\"enc\":{\"om\":{}}", ERR_NOT_IMPLEMENTED, "enc: om"},
        {"\"nu\":[\"Sa\"],\"enc\":{\"x\":1}", ERR_UNKNOWN_ATTRIBUTE, "enc: x"},
        {"\"nu\":[\"Sa\"],\"bn\":{}", ERR_MISSING, "num"},
        {"\"nu\":[\"Sa\"],\"bn\":3", ERR_ATTRIBUTE_TYPE, "bn"},
        {"\"nu\":[\"Sa\"],\"bn\":{\"num\":0}", ERR_ATTRIBUTE_TYPE, "num"},
        {"\"nu\":[\"Sa\"],\"bn\":{\"num\":2,\"dur\":\"10\"}", ERR_ATTRIBUTE_TYPE, "dur"},
        {"\"nu\":[\"Sa\"],\"bn\":{\"num\":2,\"dur\":\"P1M\"}", ERR_ATTRIBUTE_TYPE, "dur"},
        {"\"nu\":[\"Sa\"],\"bn\":{\"num\":2,\"x\":1}", ERR_UNKNOWN_ATTRIBUTE, "x"},
        {"\"nu\":[\"Sa\"],\"rl\":{\"mnn\":2}", ERR_MISSING, "tww"},
        {"\"nu\":[\"Sa\"],\"rl\":{\"tww\":\"PT1S\"}", ERR_MISSING, "mnn"},
        {"\"nu\":[\"Sa\"],\"rl\":{\"mnn\":-1,\"tww\":\"PT1S\"}", ERR_ATTRIBUTE_TYPE, "mnn"},
        {"\"nu\":[\"Sa\"],\"rl\":{\"mnn\":1,\"tww\":\"PT0S\"}", ERR_ATTRIBUTE_TYPE, "tww"},
        {"\"nu\":[\"Sa\"],\"nsp\":1", ERR_NOT_IMPLEMENTED, "nsp"},
        {"\"nu\":[\"Sa\"],\"nec\":1", ERR_NOT_IMPLEMENTED, "nec"},
        {"\"nu\":[\"Sa\"],\"gpi\":\"x\"", ERR_NOT_IMPLEMENTED, "gpi"},
        {"\"nu\":[\"Sa\"],\"acrs\":[\"x\"]", ERR_NOT_IMPLEMENTED, "acrs"},
        {"\"nu\":[\"Sa\"],\"foo\":1", ERR_UNKNOWN_ATTRIBUTE, "foo"},
    };
    begin(state);
    each_is_refused(rows, ARRAY_LEN(rows));
    cse_fixture_free(&f);
}

/* -- what was before ------------------------------------------------------------------------------------------------------ */
static void put(const char *con)
{
    char body[3072];
    snprintf(body, sizeof(body), "{\"m2m:cin\":{\"con\":\"%s\"}}", con);
    f.w.now += SECOND;
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 4, body));
}

/* All that is told now, by its con. */
static const char *told(void)
{
    static struct cse_told x;
    static char all[1024];
    all[0] = '\0';
    while (cse_fixture_waits(&f, "", &x)) {
        const char *con = strstr(x.body, "\"con\":\"");
        size_t n = strlen(all);
        (void)snprintf(all + n, sizeof(all) - n, "%.*s ", con == NULL ? 1 : (int)strcspn(con + 7, "\""), con == NULL ? "?" : con + 7);
        must(cse_fixture_told(&f, &x, OUTBOX_TOLD));
    }
    return all;
}

static void subscribe(const char *more)
{
    char body[256];
    snprintf(body, sizeof(body), "{\"m2m:sub\":{\"rn\":\"s\",\"nu\":[\"" LISTED "\"],%s}}", more);
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 23, body));
}

static void the_last_events_are_told(void **state)
{
    char large[3000];
    begin(state);
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa/c", "{\"m2m:cnt\":{\"mni\":20}}"));
    subscribe("\"psn\":5,\"enc\":{\"net\":[3],\"chty\":[4]}");
    assert_string_equal(told(), ""); /* there was nothing */
    must(cse_fixture_del(&f, &f.a, "Sa", "Sa/c/s"));
    for (int i = 0; i < 30; i++) {
        snprintf(large, sizeof(large), "%d", i);
        put(large);
    }
    subscribe("\"psn\":3,\"enc\":{\"net\":[3],\"chty\":[4]}");
    put("now");
    assert_string_equal(told(), "27 28 29 now "); /* in order, and before what happens now */
    assert_int_equal(cse_fixture_put(&f, &f.a, "Sa", "Sa/c/s", "{\"m2m:sub\":{\"psn\":4}}"), ERR_NOT_PERMITTED);
    must(cse_fixture_del(&f, &f.a, "Sa", "Sa/c/s"));
    subscribe("\"psn\":4000000000,\"enc\":{\"net\":[3]}"); /* no more than that */
    assert_string_equal(told(), "15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 now ");
    must(cse_fixture_del(&f, &f.a, "Sa", "Sa/c/s"));
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa/c", "{\"m2m:cnt\":{\"mni\":2}}"));
    subscribe("\"psn\":9,\"enc\":{\"net\":[3]}"); /* what is gone is not told */
    assert_string_equal(told(), "29 now ");
    must(cse_fixture_del(&f, &f.a, "Sa", "Sa/c/s"));
    subscribe("\"psn\":9"); /* not what the criteria ask for */
    assert_string_equal(told(), "");
    cse_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_told_is_strict),
        cmocka_unit_test(what_is_told_is_strict),
        cmocka_unit_test(the_last_events_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
