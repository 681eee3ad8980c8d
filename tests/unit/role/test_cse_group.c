/* Groups: what a member may be, fan-out of every operation, circles, members that are gone or elsewhere; nodes. */
#include "cse_fixture.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RULE(who, op) "{\"acr\":[{\"acor\":[\"" who "\"],\"acop\":" op "}]}"
#define ACP(name, pv, pvs) "{\"m2m:acp\":{\"rn\":\"" name "\",\"pv\":" pv ",\"pvs\":" pvs "}}"
#define GROUP(name, more) "{\"m2m:grp\":{\"rn\":\"" name "\",\"mnm\":10," more "}}"

static void make(struct cse_fixture *f, const char *to, uint32_t ty, const char *body)
{
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", to, ty, body), ERR_OK);
    f->w.now += SECOND;
}

static err_t group(struct cse_fixture *f, const char *body)
{
    f->w.now += SECOND;
    return cse_fixture_create(f, &f->a, "Sa", "Sa", 9, body);
}

static int setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, CSE_CONF "admin = Sadmin\n");
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, AE_NAMED("app-a")), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "cse-in", 2, AE_NAMED("app-b")), ERR_OK);
    make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c1\"}}");
    make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c2\"}}");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

/* The status codes of an aggregated response, joined by blanks. */
static const char *codes(struct cse_fixture *f)
{
    static char out[2048];
    json_t *v = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->body)), &v), ERR_OK);
    const json_t *list = json_object_get(json_object_get(v, "m2m:agr"), "m2m:rsp");
    assert_true(json_is_array(list));
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        assert_true(json_is_string(json_object_get(one, "fr")));
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%d", i > 0 ? " " : "",
                              (int)json_integer_value(json_object_get(one, "rsc")));
    }
    json_decref(v);
    return out;
}

static void members_are_checked(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(group(f, GROUP("g", "\"mid\":[\"Sa/c1\",\"cse-in/app-a/c2\"],\"mt\":3")), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "cnm"), "2");
    assert_string_equal(cse_fixture_member(f, "mtv"), "true");
    assert_int_equal(group(f, GROUP("drop", "\"mid\":[\"Sa/c1\",\"Sa\"],\"mt\":3")), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "mid"), "[\"Sa/c1\"]"); /* ABANDON_MEMBER */
    assert_int_equal(group(f, GROUP("mixed", "\"mid\":[\"Sa/c1\",\"Sa\"],\"mt\":3,\"csy\":3")), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "mt"), "0");
    assert_string_equal(cse_fixture_member(f, "cnm"), "2");
    assert_int_equal(group(f, GROUP("far", "\"mid\":[\"/mn1/x\"],\"mt\":3")), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "mtv"), "false");
    static const struct {
        const char *more;
        err_t want;
    } bad[] = {
        {"\"mid\":[\"Sa/c1\",\"Sa\"],\"mt\":3,\"csy\":2", ERR_GROUP_TYPE},
        {"\"mid\":[\"Sa/none\"],\"mt\":3,\"csy\":2", ERR_GROUP_TYPE},
        {"\"mid\":[\"Sb\"],\"mt\":2,\"csy\":2", ERR_GROUP_TYPE}, /* of the right type, but not for his eyes */
        {"\"mid\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]", ERR_GROUP_FULL},
        {"\"mid\":[\"Sa/c1\",\"Sa/c1\"]", ERR_CONTENTS},
        {"\"mid\":[\"Sa//c1\"]", ERR_CONTENTS},
        {"\"mid\":[\"Sa/c1/\"]", ERR_CONTENTS},
        {"\"mid\":[\"/\"]", ERR_CONTENTS},
        {"\"mid\":[\"a b\"]", ERR_CONTENTS},
        {"\"mid\":[\"Sa/none/fopt\"]", ERR_GROUP_CIRCLE},
        {"\"mid\":[\"Sa/c1/fopt\"]", ERR_GROUP_CIRCLE},
        {"\"mid\":[]", ERR_ATTRIBUTE_TYPE},
        {"\"mid\":[1]", ERR_ATTRIBUTE_TYPE},
        {"\"mid\":\"Sa/c1\"", ERR_ATTRIBUTE_TYPE},
        {"\"mid\":[\"Sa\"],\"mt\":65536", ERR_ATTRIBUTE_TYPE},
        {"\"mid\":[\"Sa\"],\"csy\":4", ERR_ATTRIBUTE_TYPE},
        {"\"mid\":[\"Sa\"],\"cnm\":1", ERR_NOT_PERMITTED},
        {"\"mt\":3", ERR_MISSING},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char body[512];
        snprintf(body, sizeof(body), GROUP("bad", "%s"), bad[i].more);
        err_t e = group(f, body);
        if (e != bad[i].want) {
            fail_msg("%s: %s", bad[i].more, err_code(e));
        }
    }
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 9, "{\"m2m:grp\":{\"mid\":[\"Sa\"],\"mnm\":65}}"), ERR_ATTRIBUTE_TYPE);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/g", "{\"m2m:grp\":{\"mnm\":1}}"), ERR_GROUP_FULL);
    assert_int_equal(f->rsc, 6010);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/g", "{\"m2m:grp\":{\"mid\":[\"Sa/c2\",\"Sa\"]}}"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "mid"), "[\"Sa/c2\"]");
    assert_string_equal(cse_fixture_member(f, "cnm"), "1");
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/g", "{\"m2m:grp\":{\"mt\":2}}"), ERR_NOT_PERMITTED);
}

static void every_operation_fans_out(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(group(f, GROUP("g", "\"mid\":[\"Sa/c1\",\"Sa/c2\",\"Sa/none\",\"/mn1/x\",\"Sb\"]")), ERR_OK);
    uint64_t created = world_audited(f->cse, AUDIT_RESOURCE_CREATED);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa/g/fopt", 4, "{\"m2m:cin\":{\"rn\":\"v\",\"con\":\"7\"}}"), ERR_OK);
    assert_int_equal(f->rsc, 2000);
    assert_string_equal(codes(f), "2001 2001 4004 5103 4103");
    assert_int_equal(world_audited(f->cse, AUDIT_RESOURCE_CREATED) - created, 2);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/c2/v"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "con"), "7");
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/g/fopt/la"), ERR_OK);
    assert_string_equal(codes(f), "2000 2000 4004 5103 4004");
    assert_non_null(strstr(f->body, "{\"pc\":{\"m2m:cin\":{\"rn\":\"v\""));
    assert_non_null(strstr(f->body, "\"fr\":\"Sa/c1/la\""));
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/g/fopt", "{\"m2m:cnt\":{\"lbl\":[\"all\"]}}"), ERR_OK);
    assert_string_equal(codes(f), "2004 2004 4004 5103 4103");
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "cse-in/app-a/g/fopt/v"), ERR_OK);
    assert_string_equal(codes(f), "2002 2002 4004 5103 4004");
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/c1/v"), ERR_NOT_FOUND);
    const struct cse_call notify = {.s = &f->a, .op = OP_NOTIFY, .to = "Sa/g/fopt", .from = "Sa", .body = "{\"m2m:sgn\":{}}"};
    assert_int_equal(cse_fixture_call(f, &notify), ERR_OK);
    assert_string_equal(codes(f), "4005 4005 4004 5103 4103");
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/c1/fopt"), ERR_NOT_FOUND);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/none/fopt"), ERR_NOT_FOUND);
    assert_int_equal(group(f, GROUP("empty", "\"mid\":[\"Sa\"],\"mt\":3")), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/empty/fopt"), ERR_GROUP_EMPTY);
    assert_int_equal(f->rsc, 4109);
}

/* The group is entered by macp, else by its own policies; each member then decides for itself. */
static void access_to_group_and_members(void **state)
{
    struct cse_fixture *f = *state;
    make(f, "Sa", 1, ACP("p", RULE("Sb", "2"), RULE("Sa", "63")));
    assert_int_equal(group(f, GROUP("g", "\"mid\":[\"Sa/c1\",\"Sa/c2\"]")), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/g/fopt"), ERR_DENIED_PRIVILEGE); /* refuses R000-48 */
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/g", "{\"m2m:grp\":{\"macp\":[\"Sa/p\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/g"), ERR_DENIED_PRIVILEGE); /* the group itself stays closed */
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/g/fopt"), ERR_OK);
    assert_string_equal(codes(f), "4103 4103");
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/c2", "{\"m2m:cnt\":{\"acpi\":[\"Sa/p\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/g/fopt"), ERR_OK);
    assert_string_equal(codes(f), "4103 2000");
    assert_int_equal(cse_fixture_del(f, &f->b, "Sb", "Sa/g/fopt"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/g/fopt"), ERR_DENIED_PRIVILEGE); /* macp does not name Sa */
}

static void circles_are_refused(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(group(f, GROUP("g1", "\"mid\":[\"Sa/c1\"]")), ERR_OK);
    assert_int_equal(group(f, GROUP("g2", "\"mid\":[\"Sa/g1/fopt\",\"Sa/c2\"]")), ERR_OK);
    assert_int_equal(group(f, GROUP("g3", "\"mid\":[\"/in/Sa/g2/fopt\"]")), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/g3/fopt"), ERR_OK);
    assert_non_null(strstr(f->body, "\"fr\":\"Sa/c1\""));
    static const char *const circles[] = {"Sa/g1/fopt", "Sa/g2/fopt", "cse-in/app-a/g3/fopt", "//sp.example.com/in/-/app-a/g3/fopt"};
    for (size_t i = 0; i < ARRAY_LEN(circles); i++) {
        char body[256];
        snprintf(body, sizeof(body), "{\"m2m:grp\":{\"mid\":[\"Sa/c1\",\"%s\"]}}", circles[i]);
        assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/g1", body), ERR_GROUP_CIRCLE);
        assert_non_null(strstr(f->body, "(mid)"));
    }
    /* nor by making one anew under a name that others still hold */
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "Sa/g1"), ERR_OK);
    assert_int_equal(group(f, GROUP("g1", "\"mid\":[\"Sa/g3/fopt\"]")), ERR_GROUP_CIRCLE);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/g3/fopt"), ERR_OK);
    assert_non_null(strstr(f->body, "4004"));
    /* deeper than four groups is not asked */
    assert_int_equal(group(f, GROUP("d1", "\"mid\":[\"Sa/c1\"]")), ERR_OK);
    for (int i = 2; i <= 5; i++) {
        char body[128];
        snprintf(body, sizeof(body), "{\"m2m:grp\":{\"rn\":\"d%d\",\"mnm\":1,\"mid\":[\"Sa/d%d/fopt\"]}}", i, i - 1);
        assert_int_equal(group(f, body), ERR_OK);
    }
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/d4/fopt"), ERR_OK);
    assert_null(strstr(f->body, "group-circle"));
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/d5/fopt"), ERR_OK);
    assert_non_null(strstr(f->body, "group-circle"));
}

/* As many as there may be: what does not fit into one transaction is refused for that member, the others are done. */
static void large_groups(void **state)
{
    struct cse_fixture *f = *state;
    char body[4096] = "{\"m2m:grp\":{\"rn\":\"all\",\"mnm\":64,\"mid\":[";
    for (int i = 0; i < 64; i++) {
        char one[64];
        snprintf(one, sizeof(one), "{\"m2m:cnt\":{\"rn\":\"m%d\"}}", i);
        make(f, "Sa", 3, one);
        snprintf(one, sizeof(one), "%s\"Sa/m%d\"", i > 0 ? "," : "", i);
        strcat(body, one);
    }
    strcat(body, "]}}");
    assert_int_equal(group(f, body), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/all/fopt"), ERR_OK);
    assert_int_equal(strlen(codes(f)), 64 * 5 - 1);
    assert_null(strstr(codes(f), "4"));
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa/all/fopt", 4, "{\"m2m:cin\":{\"con\":\"x\"}}"), ERR_OK);
    size_t made = 0;
    for (int i = 0; i < 64; i++) {
        char to[32];
        bool said = strncmp(codes(f) + 5 * i, "2001", 4) == 0;
        snprintf(to, sizeof(to), "Sa/m%d/la", i);
        char kept[BODY_MAX / 16];
        snprintf(kept, sizeof(kept), "%s", f->body);
        assert_int_equal(cse_fixture_get(f, &f->a, "Sa", to) == ERR_OK, said); /* what is said is what is */
        snprintf(f->body, BODY_MAX, "%s", kept);
        made += said ? 1 : 0;
    }
    assert_in_range(made, 32, 64);
}

static void nodes(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(cse_fixture_create(f, &f->admin, "Sadmin", "cse-in", 14, "{\"m2m:nod\":{\"rn\":\"n\",\"ni\":\"urn:dev:1\"}}"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "ni"), "urn:dev:1");
    assert_int_equal(cse_fixture_put(f, &f->admin, "Sadmin", "cse-in/n", "{\"m2m:nod\":{\"hael\":[\"Sa\"],\"rms\":true}}"), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &f->admin, "Sadmin", "cse-in/n", "{\"m2m:nod\":{\"ni\":\"x\"}}"), ERR_NOT_PERMITTED);
    assert_int_equal(cse_fixture_create(f, &f->admin, "Sadmin", "cse-in", 14, "{\"m2m:nod\":{}}"), ERR_MISSING);
    assert_non_null(strstr(f->body, "ni"));
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 14, "{\"m2m:nod\":{\"ni\":\"x\"}}"), ERR_CHILD_TYPE);
}

/* A group in a rule names its members (12.6.1): by identifier or by the address of their registration. */
static void a_rule_names_a_group(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(group(f, GROUP("in-id", "\"mid\":[\"Sb\"]")), ERR_OK);
    assert_int_equal(group(f, GROUP("in-name", "\"mid\":[\"cse-in/app-b\"]")), ERR_OK);
    assert_int_equal(group(f, GROUP("out", "\"mid\":[\"Sc\",\"cse-in/app-b/none\",\"cse-in/app-a\",\"/mn1/x\"]")), ERR_OK);
    static const struct {
        const char *acor;
        err_t want;
    } rows[] = {
        {"Sa/in-id", ERR_OK}, {"cse-in/app-a/in-name", ERR_OK}, {"/in/Sa/in-id", ERR_OK},
        {"Sa/out", ERR_DENIED_PRIVILEGE}, {"Sa/in-*", ERR_DENIED_PRIVILEGE}, {"Sa/c1", ERR_DENIED_PRIVILEGE},
        {"Sa/none", ERR_DENIED_PRIVILEGE}, {"/mn1/Sa/in-id", ERR_DENIED_PRIVILEGE}, {"role@issuer.example.com", ERR_DENIED_PRIVILEGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[400];
        snprintf(body, sizeof(body), "{\"m2m:acp\":{\"rn\":\"by%zu\",\"pv\":{\"acr\":[{\"acor\":[\"%s\"],\"acop\":2}]},\"pvs\":%s}}", i,
                 rows[i].acor, RULE("Sa", "63"));
        make(f, "Sa", 1, body);
        snprintf(body, sizeof(body), "{\"m2m:cnt\":{\"rn\":\"for%zu\",\"acpi\":[\"Sa/by%zu\"]}}", i, i);
        make(f, "Sa", 3, body);
        snprintf(body, sizeof(body), "Sa/for%zu", i);
        assert_int_equal(cse_fixture_get(f, &f->b, "Sb", body), rows[i].want);
    }
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/in-id", "{\"m2m:grp\":{\"mid\":[\"Sa\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/for0"), ERR_DENIED_PRIVILEGE); /* no longer a member */
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "Sa/in-name"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/for1"), ERR_DENIED_PRIVILEGE);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(members_are_checked), T(a_rule_names_a_group), T(every_operation_fans_out), T(access_to_group_and_members), T(circles_are_refused),
        T(large_groups), T(nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
