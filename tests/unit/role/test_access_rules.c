/* Rules of an accessControlPolicy as they are written: what is refused, with the attribute at fault, and how many there may be. */
#include "role/cse/access.h"
#include "role/cse/access_rules.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define R(inner) "{\"acr\":[{" inner "}]}"
#define OK_HEAD "\"acor\":[\"all\"],\"acop\":63"
static const struct {
    const char *pv, *where;
    err_t want;
} refused_rules[] = {
    {"{\"acr\":{}}", "pv", ERR_ATTRIBUTE_TYPE},
    {"{\"x\":1}", "pv", ERR_ATTRIBUTE_TYPE},
    {"{\"acr\":[],\"x\":1}", "pv", ERR_ATTRIBUTE_TYPE},
    {"{\"acr\":[1]}", "pv.acr[0]", ERR_ATTRIBUTE_TYPE},
    {R("\"acop\":1"), "pv.acr[0].acor", ERR_MISSING},
    {R("\"acor\":[\"all\"]"), "pv.acr[0].acop", ERR_MISSING},
    {R("\"acor\":[],\"acop\":1"), "acor", ERR_ATTRIBUTE_TYPE},
    {R("\"acor\":\"all\",\"acop\":1"), "acor", ERR_ATTRIBUTE_TYPE},
    {R("\"acor\":[1],\"acop\":1"), "acor", ERR_ATTRIBUTE_TYPE},
    {R("\"acor\":[\"\"],\"acop\":1"), "acor", ERR_ATTRIBUTE_TYPE},
    {R("\"acor\":[\"/\"],\"acop\":1"), "acor", ERR_ATTRIBUTE_TYPE},
    {R("\"acor\":[\"a b\"],\"acop\":1"), "acor", ERR_ATTRIBUTE_TYPE},
    {R("\"acor\":[\"S\\u00e9\"],\"acop\":1"), "acor", ERR_ATTRIBUTE_TYPE},
    {R("\"acor\":[\"all\"],\"acop\":0"), "acop", ERR_ATTRIBUTE_TYPE},
    {R("\"acor\":[\"all\"],\"acop\":64"), "acop", ERR_ATTRIBUTE_TYPE},
    {R("\"acor\":[\"all\"],\"acop\":\"1\""), "acop", ERR_ATTRIBUTE_TYPE},
    {R("\"acor\":[\"all\"],\"acop\":1.0"), "acop", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acaf\":1"), "acaf", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"nope\":1"), "nope", ERR_UNKNOWN_ATTRIBUTE},
    {R(OK_HEAD ",\"acco\":{}"), "acco", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[]"), "acco", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"nope\":1}]"), "nope", ERR_UNKNOWN_ATTRIBUTE},
    {R(OK_HEAD ",\"acco\":[{\"actw\":[]}]"), "actw", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"actw\":[\"x\"]}]"), "actw", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"actw\":[7]}]"), "actw", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"acip\":{}}]"), "acip", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"acip\":{\"ipv4\":[]}}]"), "acip", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"acip\":{\"ipv4\":[\"::1\"]}}]"), "ipv4", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"acip\":{\"ipv4\":[\"1.2.3\"]}}]"), "ipv4", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"acip\":{\"ipv4\":[\"1.2.3.4/33\"]}}]"), "ipv4", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"acip\":{\"ipv5\":[\"1.2.3.4\"]}}]"), "ipv5", ERR_UNKNOWN_ATTRIBUTE},
    {R(OK_HEAD ",\"acco\":[{\"aclr\":{}}]"), "aclr", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"aclr\":{\"accr\":[],\"accc\":[]}}]"), "aclr", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"aclr\":{\"accr\":[1,2]}}]"), "accr", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"aclr\":{\"accr\":[90.1,2,3]}}]"), "accr", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"aclr\":{\"accr\":[1,-181,3]}}]"), "accr", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"aclr\":{\"accr\":[1,2,-3]}}]"), "accr", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"aclr\":{\"accr\":[1,2,\"3\"]}}]"), "accr", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"aclr\":{\"accc\":[]}}]"), "accc", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"aclr\":{\"accc\":[\"de\"]}}]"), "accc", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acco\":[{\"aclr\":{\"accc\":[\"DEU\"]}}]"), "accc", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acod\":[{}]"), "chty", ERR_MISSING},
    {R(OK_HEAD ",\"acod\":[{\"chty\":[]}]"), "chty", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acod\":[{\"chty\":[\"4\"]}]"), "chty", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acod\":[{\"ty\":0,\"chty\":[4]}]"), "acod.ty", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acod\":[{\"ty\":13,\"chty\":[4]}]"), "spty", ERR_MISSING},
    {R(OK_HEAD ",\"acod\":[{\"ty\":13,\"spty\":-1,\"chty\":[4]}]"), "spty", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acod\":[{\"ty\":3,\"spty\":[],\"chty\":[4]}]"), "spty", ERR_ATTRIBUTE_TYPE},
    {R(OK_HEAD ",\"acod\":[{\"x\":3,\"chty\":[4]}]"), "x", ERR_UNKNOWN_ATTRIBUTE},
};

static void rules_that_are_refused(void **state)
{
    (void)state;
    static uint8_t buf[ACCESS_COMPILED_MAX];
    for (size_t i = 0; i < ARRAY_LEN(refused_rules); i++) {
        json_t *v = NULL;
        char detail[ROLE_DETAIL_MAX] = "";
        struct writer w = WRITER_ARRAY(buf);
        assert_int_equal(json_parse(text_bytes(text_of(refused_rules[i].pv)), &v), ERR_OK);
        assert_int_equal(access_rules_compile(v, "pv", &w, detail), refused_rules[i].want);
        assert_non_null(strstr(detail, refused_rules[i].where));
        json_decref(v);
    }
}

static void bounds_of_rules(void **state)
{
    (void)state;
    static uint8_t buf[ACCESS_COMPILED_MAX];
    static uint8_t small[100];
    for (int n = ACCESS_RULES_MAX - 1; n <= ACCESS_RULES_MAX + 1; n++) {
        json_t *acr = json_array();
        for (int i = 0; i < n; i++) {
            json_array_append_new(acr, json_pack("{s:[s],s:i}", "acor", "all", "acop", 1));
        }
        json_t *pv = json_pack("{s:o}", "acr", acr);
        char detail[ROLE_DETAIL_MAX] = "";
        struct writer w = WRITER_ARRAY(buf);
        assert_int_equal(access_rules_compile(pv, "pv", &w, detail), n > ACCESS_RULES_MAX ? ERR_LIMIT_SIZE : ERR_OK);
        w = WRITER_ARRAY(small);
        assert_int_equal(access_rules_compile(pv, "pv", &w, detail), ERR_LIMIT_SIZE);
        json_decref(pv);
    }
    json_t *acor = json_array();
    for (int i = 0; i <= ACCESS_ORIGINATORS_MAX; i++) {
        json_array_append_new(acor, json_string("Sx"));
    }
    json_t *pv = json_pack("{s:[{s:o,s:i}]}", "acr", "acor", acor, "acop", 1);
    char detail[ROLE_DETAIL_MAX] = "";
    struct writer w = WRITER_ARRAY(buf);
    assert_int_equal(access_rules_compile(pv, "pv", &w, detail), ERR_LIMIT_SIZE);
    json_decref(pv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_that_are_refused),
        cmocka_unit_test(bounds_of_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
