/* What a token permits, against the model of access_model.c and one of its own for names of resources; claims, by hand. */
#include "access_model.h"
#include "role/cse/access_token.h"
#include "role/cse/cse_token.h"
#include "wire/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* -- tokens: the same facts, and another 500,000 decisions --------------------------------------------------------- */
static const char *const spellings[][6] = { /* of one resource a row; every one with each prefix */
    {"cnt1", "cse-in/Sa/box", "-/Sa/box", "Sa/box", "", ""}, {"cnt2", "cse-in/Sa/box/in", "-/Sa/box/in", "Sa/box/in", "", ""},
    {"in", "cse-in", "-", "", "", ""}, {"Sa", "cse-in/Sa", "-/Sa", "Sa", "", ""},
};
static const char *const prefixes[] = {"", "/in/", "//sp.example.com/in/", "/mn1/", "//other.example.org/in/"};

static bool model_is_there(const json_t *ris, size_t place)
{
    size_t i;
    json_t *v;
    json_array_foreach(ris, i, v) {
        for (size_t k = 0; k < 6; k++) {
            for (size_t p = 0; p < 3; p++) { /* the access_model_others are not of this CSE */
                char s[128];
                snprintf(s, sizeof(s), "%s%s", prefixes[p], spellings[place][k]);
                if (spellings[place][k][0] != '\0' && strcmp(s, json_string_value(v)) == 0) {
                    return true;
                }
            }
        }
    }
    return ris == NULL;
}

static json_t *random_token(void)
{
    json_t *pm = json_array();
    for (uint32_t i = 0, n = access_model_rnd(4); i < n; i++) {
        json_t *ris = json_array();
        json_t *p = json_pack("{s:o}", "rids", access_model_texts(access_model_others, 2, 2));
        for (uint32_t k = 0, m = 1 + access_model_rnd(3); k < m; k++) {
            const char *name = spellings[access_model_rnd(4)][access_model_rnd(3)];
            json_array_append_new(ris, json_sprintf("%s%s", prefixes[access_model_rnd(5)], name));
        }
        if (access_model_chance(70)) {
            json_object_set(p, "ris", ris);
            json_object_set_new(p, "pv", access_model_rules());
        }
        json_decref(ris);
        json_array_append_new(pm, p);
    }
    return json_pack("{s:o}", "pm", pm);
}

static void tokens_agree_with_the_model(void **state)
{
    (void)state;
    static uint8_t buf[ACCESS_TOKEN_COMPILED_MAX];
    size_t permits = 0, roles = 0;
    for (int set = 0; set < ACCESS_MODEL_SETS; set++) {
        json_t *tkps = random_token(), *pm = NULL;
        struct writer w = WRITER_ARRAY(buf);
        char detail[ROLE_DETAIL_MAX] = "";
        assert_int_equal(access_token_compile(tkps, &w, detail), ERR_OK);
        for (size_t k = 0; k < ACCESS_MODEL_QUERIES; k++) {
            const size_t place = access_model_rnd(4);
            const struct access_model_facts q = {.who = &access_model_whos[access_model_rnd(ARRAY_LEN(access_model_whos))], .op = 1 << access_model_rnd(6), .ip = "", .definition = "", .authn = access_model_chance(50),
                                    .now = (time_t)946684800 + (time_t)access_model_rnd(40u * 366 * 1440) * 60, .target_ty = 3, .child_ty = 1 + (int)access_model_rnd(4)};
            const struct access_place at = {.self = text_of("//sp.example.com/in"), .base = text_of("cse-in"), .n = 2,
                                            .name = {text_of(spellings[place][0]), text_of(spellings[place][1])}};
            const char *role = access_model_others[access_model_rnd(2)];
            bool want = false, want_role = false;
            size_t i;
            json_array_foreach(json_object_get(tkps, "pm"), i, pm) {
                bool there = model_is_there(json_object_get(pm, "ris"), place);
                const json_t *rids = json_object_get(pm, "rids");
                want = want || (there && json_object_get(pm, "pv") != NULL && access_model_decide(json_object_get(pm, "pv"), &q));
                for (size_t r = 0; r < json_array_size(rids); r++) {
                    want_role = want_role || (there && strcmp(json_string_value(json_array_get(rids, r)), role) == 0);
                }
            }
            const struct access_query a = access_model_query(&q);
            assert_int_equal(access_token_permits(writer_view(&w), &at, &a), want);
            assert_int_equal(access_token_holds(writer_view(&w), &at, text_of(role)), want_role);
            permits += want ? 1 : 0;
            roles += want_role ? 1 : 0;
        }
        json_decref(tkps);
    }
    assert_in_range(permits, ACCESS_MODEL_SETS * ACCESS_MODEL_QUERIES / 50, ACCESS_MODEL_SETS * ACCESS_MODEL_QUERIES / 2);
    assert_in_range(roles, ACCESS_MODEL_SETS * ACCESS_MODEL_QUERIES / 10, ACCESS_MODEL_SETS * ACCESS_MODEL_QUERIES * 9 / 10);
}

/* -- by hand ------------------------------------------------------------------------------------------------------ */
#define GOOD "\"tkvr\":\"1\",\"jti\":\"a@das.example.com\",\"iss\":\"//sp/Sdas\",\"azp\":\"//sp/Sa\",\"nbf\":1700000000,\"exp\":1700000600.5"

#define ID(jti) "{\"tkvr\":\"1\",\"jti\":\"" jti "\",\"iss\":\"//sp/Sdas\",\"azp\":\"//sp/Sa\",\"nbf\":1,\"exp\":2}"

static err_t claims(const char *text, struct jwt *out, const char **fault)
{
    return jwt_parse(text_bytes(text_of(text)), out, fault);
}

static void claims_of_the_profile(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } bad[] = {
        {"{}", "tkvr"}, {"[]", "claims"}, {"{" GOOD ",\"jti\":\"b\"}", "claims"}, {"{" GOOD ",\"aud\":\"//sp/in\"}", "aud"},
        {"{" GOOD ",\"aud\":[1]}", "aud"}, {"{" GOOD ",\"tkps\":[]}", "tkps"}, {"{" GOOD ",\"tknm\":\"\"}", "tknm"},
        {ID("das.example.com"), "jti"},
        {ID("@das.example.com"), "jti"},
        {ID("a@"), "jti"},
        {ID("a@b@das.example.com"), "jti"},
        {ID("a:b@das.example.com"), "jti"},
        {ID("a b@das.example.com"), "jti"},
        {ID("a\\r\\nX: y@das.example.com"), "jti"},
        {ID("a@das.example.com\\r\\n"), "jti"},
        {"{\"tkvr\":\"1\",\"jti\":\"a@b.com\",\"iss\":\"b\",\"azp\":\"c\",\"nbf\":-1,\"exp\":1}", "nbf"},
        {"{\"tkvr\":\"1\",\"jti\":\"a@b.com\",\"iss\":\"b\",\"azp\":\"c\",\"nbf\":1,\"exp\":\"20300101T000000\"}", "exp"},
        {"{\"tkvr\":\"1\",\"jti\":\"a@b.com\",\"iss\":\"b\",\"azp\":\"c\",\"nbf\":1,\"exp\":1e300}", "exp"},
    };
    const char *fault = NULL;
    struct jwt j;
    assert_int_equal(claims("{" GOOD ",\"aud\":[\"//sp/in\"],\"iat\":1,\"tkps\":{\"pm\":[]}}", &j, &fault), ERR_OK);
    assert_true(j.not_before == INT64_C(1700000000) * USEC_PER_SEC && j.not_after == INT64_C(1700000600500000));
    assert_true(text_eq_z(j.holder, "//sp/Sa") && json_array_size(j.audience) == 1 && j.permissions != NULL);
    jwt_wipe(&j);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(claims(bad[i].text, &j, &fault), ERR_TOKEN_FORM);
        assert_string_equal(fault, bad[i].fault);
        jwt_wipe(&j);
    }
    const char *whole = "{" GOOD "}";
    for (size_t n = 0; n < strlen(whole); n++) {
        assert_int_equal(jwt_parse(bytes_of(whole, n), &j, &fault), ERR_TOKEN_FORM);
        jwt_wipe(&j);
    }
}

/* What is not understood may be a restriction, and a cut record is none. */
static void permissions_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        err_t want;
    } rows[] = {
        {"{\"pm\":[{\"pv\":{\"acr\":[{\"acor\":[\"all\"],\"acop\":63}]}}]}", ERR_TOKEN_FORM},
        {"{\"pm\":[{\"ris\":[],\"rids\":[\"r@x\"]}]}", ERR_TOKEN_FORM},
        {"{\"pm\":[{\"ris\":\"cnt1\"}]}", ERR_TOKEN_FORM},
        {"{\"pm\":[{\"rids\":[7]}]}", ERR_TOKEN_FORM},
        {"{\"pm\":[{\"only\":1}]}", ERR_TOKEN_FORM},
        {"{\"pm\":[[]]}", ERR_TOKEN_FORM},
        {"{\"pm\":{}}", ERR_TOKEN_FORM},
        {"{\"pm\":[],\"x\":1}", ERR_TOKEN_FORM},
        {"{\"pm\":[{\"ris\":[\"a\"],\"pv\":{\"acr\":[{\"acor\":[\"all\"],\"acop\":99}]}}]}", ERR_TOKEN_FORM},
        {"{\"pm\":[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}", ERR_TOKEN_SIZE},
        {"{\"pm\":[{}]}", ERR_OK},
        {"{}", ERR_OK},
    };
    static uint8_t buf[ACCESS_TOKEN_COMPILED_MAX];
    char detail[ROLE_DETAIL_MAX];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct writer w = WRITER_ARRAY(buf);
        json_t *v = NULL;
        assert_int_equal(json_parse(text_bytes(text_of(rows[i].text)), &v), ERR_OK);
        assert_int_equal(access_token_compile(v, &w, detail), rows[i].want);
        json_decref(v);
    }
    struct writer w = WRITER_ARRAY(buf);
    assert_int_equal(access_token_compile(NULL, &w, detail), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_agree_with_the_model),
        cmocka_unit_test(claims_of_the_profile),
        cmocka_unit_test(permissions_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
