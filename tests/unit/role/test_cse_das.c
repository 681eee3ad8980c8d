/* What a dynamic authorization system answers, from an honest one to a hostile one, and the record of a grant. */
#include "role/cse/access_rules.h"
#include "role/cse/cse_das.h"
#include "role/cse/cse_pep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC) /* 20231114T221320 */
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define GP "\"gp\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":2}]}"
#define DAI(inner) "{\"m2m:seci\":{\"sit\":2,\"dres\":{\"dai\":{" inner "}}}}"

static err_t response(const char *body, usec_t *until)
{
    static uint8_t buf[2 * ACCESS_COMPILED_MAX];
    struct writer w = WRITER_ARRAY(buf);
    *until = NOW + HOUR;
    return cse_das_response(text_bytes(text_of(body)), NOW, until, &w);
}

static void answers(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        err_t want;
        usec_t until;
    } rows[] = {
        {DAI(GP), ERR_OK, NOW + HOUR},
        {DAI(GP ",\"pl\":\"20231114T221321\""), ERR_OK, NOW + USEC_PER_SEC},
        {DAI(GP ",\"pl\":\"20991114T221321\""), ERR_OK, NOW + HOUR}, /* the operator's bound holds */
        {DAI(GP ",\"pl\":\"20231114T221320\""), ERR_PEER_NONSENSE, 0},
        {DAI(GP ",\"pl\":\"tomorrow\""), ERR_PEER_NONSENSE, 0},
        {DAI(GP ",\"pl\":7"), ERR_PEER_NONSENSE, 0},
        {DAI(""), ERR_DENIED_DAS, 0},
        {DAI("\"gp\":{\"acr\":[]}"), ERR_DENIED_DAS, 0},
        {DAI("\"gp\":{\"acr\":[{\"acor\":[\"Sa\"]}]}"), ERR_PEER_NONSENSE, 0},
        {DAI("\"gp\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":2,\"nope\":1}]}"), ERR_PEER_NONSENSE, 0},
        {DAI("\"gp\":[]"), ERR_PEER_NONSENSE, 0},
        {"{\"m2m:seci\":{\"sit\":2,\"dres\":{}}}", ERR_DENIED_DAS, 0},
        {"{\"m2m:seci\":{\"sit\":2,\"dres\":{\"dai\":1}}}", ERR_PEER_NONSENSE, 0},
        {"{\"m2m:seci\":{\"sit\":1,\"dres\":{\"dai\":{" GP "}}}}", ERR_PEER_NONSENSE, 0},
        {"{\"m2m:seci\":{\"sit\":\"2\",\"dres\":{\"dai\":{" GP "}}}}", ERR_PEER_NONSENSE, 0},
        {"{\"m2m:seci\":{\"sit\":2}}", ERR_PEER_NONSENSE, 0},
        {"{\"m2m:seci\":[]}", ERR_PEER_NONSENSE, 0},
        {"{}", ERR_PEER_NONSENSE, 0},
        {"", ERR_PEER_NONSENSE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        usec_t until;
        assert_int_equal(response(rows[i].body, &until), rows[i].want);
        assert_true(rows[i].want != ERR_OK || until == rows[i].until);
    }
    const char *whole = DAI(GP);
    for (size_t n = 0; n < strlen(whole); n++) {
        char cut[256];
        usec_t until;
        (void)snprintf(cut, sizeof(cut), "%.*s", (int)n, whole);
        assert_int_equal(response(cut, &until), ERR_PEER_NONSENSE);
    }
}

/* PDP and PRP of another CSE: a yes, a no, "not mine", and nonsense. */
static void points(void **state)
{
    (void)state;
    static const struct {
        bool decision;
        const char *body;
        err_t want;
        int rules; /* -1: not the one to ask */
    } rows[] = {
        {true, "{\"m2m:auds\":{\"dec\":1,\"sus\":1}}", ERR_OK, 1},
        {true, "{\"m2m:auds\":{\"dec\":2,\"sus\":1}}", ERR_OK, 0},
        {true, "{\"m2m:auds\":{\"sus\":2}}", ERR_OK, -1},
        {true, "{\"m2m:auds\":{\"dec\":1,\"sus\":5}}", ERR_PEER_NONSENSE, 0},
        {true, "{\"m2m:auds\":{\"dec\":3,\"sus\":1}}", ERR_PEER_NONSENSE, 0},
        {true, "{\"m2m:auds\":{\"dec\":\"1\",\"sus\":1}}", ERR_PEER_NONSENSE, 0},
        {true, "{\"m2m:auds\":{\"sus\":1}}", ERR_PEER_NONSENSE, 0},
        {true, "{\"m2m:aupy\":{\"dec\":1,\"sus\":1}}", ERR_PEER_NONSENSE, 0},
        {true, "{\"m2m:auds\":[]}", ERR_PEER_NONSENSE, 0},
        {true, "yes", ERR_PEER_NONSENSE, 0},
        {false, "{\"m2m:aupy\":{\"ps\":{\"pv\":[{\"acr\":[{\"acor\":[\"//sp/Sa\"],\"acop\":2}]},{\"acr\":[]},{}]},\"ca\":1,\"sus\":1}}", ERR_OK, 1},
        {false, "{\"m2m:aupy\":{\"ps\":{\"pv\":[]},\"ca\":1,\"sus\":1}}", ERR_OK, 0},
        {false, "{\"m2m:aupy\":{\"sus\":2}}", ERR_OK, -1},
        {false, "{\"m2m:aupy\":{\"ps\":{\"pv\":[]},\"ca\":2,\"sus\":1}}", ERR_PEER_NONSENSE, 0},
        {false, "{\"m2m:aupy\":{\"ps\":{\"pv\":{}},\"ca\":1,\"sus\":1}}", ERR_PEER_NONSENSE, 0},
        {false, "{\"m2m:aupy\":{\"ps\":{\"pv\":[{\"acr\":[{\"acor\":[\"//sp/Sa\"]}]}]},\"ca\":1,\"sus\":1}}", ERR_PEER_NONSENSE, 0},
    };
    static uint8_t buf[2 * ACCESS_COMPILED_MAX];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct writer w = WRITER_ARRAY(buf);
        assert_int_equal(cse_pep_response(text_bytes(text_of(rows[i].body)), rows[i].decision, &w), rows[i].want);
        if (rows[i].want == ERR_OK) {
            assert_int_equal(w.n == 0 ? -1 : (int)access_rules_count(writer_view(&w)), rows[i].rules);
        }
    }
}

/* What a PRP writes relative to itself is nobody here, however it is called. */
static void names_of_another_cse(void **state)
{
    (void)state;
    static const struct {
        const char *acor;
        unsigned rules;
        bool permits; /* //sp.example.com/in/Cdoor, an AE of this CSE */
    } rows[] = {
        {"\"Cdoor\"", 0, false},     {"\"C*\"", 0, false},   {"\"/in/Cdoor\"", 0, false}, {"\"Cdoor\",\"//sp.example.com/mn/Cdoor\"", 1, false},
        {"\"*door\"", 0, false},     {"\"all\"", 1, true},   {"\"*\"", 1, true},          {"\"//sp.example.com/in/Cdoor\"", 1, true},
        {"\"grp\",\"all\"", 1, true}, {"\"reader@sp.example.com\"", 1, false},
    };
    static uint8_t buf[2 * ACCESS_COMPILED_MAX];
    const struct access_query q = {.from = {text_of("//sp.example.com/in/Cdoor"), text_of("/in/Cdoor"), text_of("Cdoor")},
                                   .op = ACCESS_RETRIEVE, .now = NOW, .authenticated = true};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[256];
        struct writer w = WRITER_ARRAY(buf);
        (void)snprintf(body, sizeof(body), "{\"m2m:aupy\":{\"ps\":{\"pv\":[{\"acr\":[{\"acor\":[%s],\"acop\":63}]}]},\"ca\":1,\"sus\":1}}", rows[i].acor);
        assert_int_equal(cse_pep_response(text_bytes(text_of(body)), false, &w), ERR_OK);
        assert_int_equal(access_rules_count(writer_view(&w)), rows[i].rules);
        assert_int_equal(access_decide(writer_view(&w), &q), rows[i].permits);
    }
}

/* More rules than a policy may have are no better for coming from a DAS. */
static void too_many_rules(void **state)
{
    (void)state;
    static char body[16384];
    size_t n = (size_t)snprintf(body, sizeof(body), "{\"m2m:seci\":{\"sit\":2,\"dres\":{\"dai\":{\"gp\":{\"acr\":[");
    for (size_t i = 0; i <= ACCESS_RULES_MAX; i++) {
        n += (size_t)snprintf(body + n, sizeof(body) - n, "%s{\"acor\":[\"all\"],\"acop\":63}", i > 0 ? "," : "");
    }
    (void)snprintf(body + n, sizeof(body) - n, "]}}}}}");
    usec_t until;
    assert_int_equal(response(body, &until), ERR_PEER_NONSENSE);
}

static void status_decides_first(void **state)
{
    (void)state;
    static uint8_t memory[4096];
    struct cse cse = {.dynamic = true};
    struct question q = {.path = "1700003600000000 dac1 //sp.example.com/Sa res1", .suid = CSE_DAS_SUID};
    struct role_psk out = {0};
    static const struct {
        struct answer a;
        err_t want;
    } rows[] = {
        {{.err = ERR_PEER_TIMEOUT}, ERR_PEER_TIMEOUT},
        {{.status = 403}, ERR_DENIED_DAS},
        {{.status = 500}, ERR_PEER_NONSENSE},
        {{.status = 302}, ERR_PEER_NONSENSE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena = arena_of(memory, sizeof(memory));
        struct txn t = {.arena = &arena};
        assert_int_equal(cse_das_answer(&cse, &q, &rows[i].a, &t, NOW, &out), rows[i].want);
    }
    cse.dynamic = false; /* reloaded while it waited */
    struct arena arena = arena_of(memory, sizeof(memory));
    struct txn t = {.arena = &arena};
    assert_int_equal(cse_das_answer(&cse, &q, &(struct answer){.status = 200}, &t, NOW, &out), ERR_DENIED_DAS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(points),
        cmocka_unit_test(names_of_another_cse),
        cmocka_unit_test(too_many_rules),
        cmocka_unit_test(status_decides_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
