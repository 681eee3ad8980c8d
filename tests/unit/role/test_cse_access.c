/* Access to resources: every operation, policies and their changes, the administrator, windows, addresses and children. */
#include "cse_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RULE(who, op) "{\"acr\":[{\"acor\":[\"" who "\"],\"acop\":" op "}]}"
#define ACP(name, pv, pvs) "{\"m2m:acp\":{\"rn\":\"" name "\",\"pv\":" pv ",\"pvs\":" pvs "}}"

/* R000-48: being let in opens nothing; refuses R000-48 wherever no rule permits. R002-34: who owns sets the policies. */
static void access_is_decided_for_every_operation(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "Sa", 1, ACP("p", RULE("Sb", "3"), RULE("Sa", "63")));
    cse_fixture_make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"mine\"}}");
    cse_fixture_make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"acpi\":[\"cse-in/app-a/p\"]}}");
    static const struct {
        enum op op;
        const char *to;
        const char *body;
        uint32_t ty;
    } denied[] = {
        {OP_RETRIEVE, "Sa", NULL, 0},      {OP_RETRIEVE, "Sa/mine", NULL, 0}, {OP_RETRIEVE, "Sa/p", NULL, 0},
        {OP_RETRIEVE, "cse-in", NULL, 0},  {OP_DELETE, "Sa/c", NULL, 0},      {OP_DELETE, "Sa/p", NULL, 0},
        {OP_UPDATE, "Sa/c", "{\"m2m:cnt\":{\"mni\":1}}", 0},
        {OP_UPDATE, "Sa/c", "{\"m2m:cnt\":{\"acpi\":null}}", 0},
        {OP_UPDATE, "Sa/p", "{\"m2m:acp\":{\"pv\":{}}}", 0},
        {OP_CREATE, "Sa", "{\"m2m:cnt\":{}}", 3},
        {OP_CREATE, "Sa/mine", "{\"m2m:cin\":{\"con\":1}}", 4},
        {OP_CREATE, "cse-in", "{\"m2m:cnt\":{}}", 3},
        {OP_CREATE, "cse-in", ACP("q", "{}", RULE("all", "63")), 1},
    };
    size_t refused = world_audited(f->cse, AUDIT_REFUSED);
    for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
        struct cse_call c = {.s = &f->b, .op = denied[i].op, .ty = denied[i].ty, .to = denied[i].to, .from = "Sb",
                             .body = denied[i].body};
        assert_int_equal(cse_fixture_call(f, &c), ERR_DENIED_PRIVILEGE);
        assert_int_equal(f->rsc, 4103);
    }
    assert_int_equal(world_audited(f->cse, AUDIT_REFUSED), refused + ARRAY_LEN(denied));
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "Sa/c", 4, "{\"m2m:cin\":{\"con\":\"from b\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/c"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/c/la"), ERR_OK); /* an instance has its container's policies */
    assert_int_equal(cse_fixture_del(f, &f->b, "Sb", "Sa/c/la"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/c"), ERR_DENIED_PRIVILEGE); /* the creator has no rule there */
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/mine"), ERR_OK);            /* and the default here */
}

static void policies_change(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "Sa", 1, ACP("p", RULE("Sb", "2"), RULE("Sa", "63")));
    cse_fixture_make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"acpi\":[\"Sa/p\"]}}");
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/c"), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/p", "{\"m2m:acp\":{\"pv\":" RULE("Sa", "63") "}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/c"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/c"), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/c", "{\"m2m:cnt\":{\"acpi\":null}}"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "acpi"), "");
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/c"), ERR_OK); /* creator again */
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/c", "{\"m2m:cnt\":{\"acpi\":[\"Sa/none\"]}}"), ERR_CONTENTS);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/p", "{\"m2m:acp\":{\"pvs\":{\"acr\":[]}}}"), ERR_CONTENTS);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 1, ACP("q", "{}", "{}")), ERR_CONTENTS);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 1, ACP("q", "{\"acr\":[{\"acop\":1}]}", RULE("Sa", "63"))), ERR_MISSING);
    assert_non_null(strstr(f->body, "pv.acr[0].acor"));
    /* who loses his own selfPrivileges has lost the policy */
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/p", "{\"m2m:acp\":{\"pvs\":" RULE("Sb", "63") "}}"), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/p", "{\"m2m:acp\":{\"lbl\":[\"x\"]}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_put(f, &f->b, "Sb", "Sa/p", "{\"m2m:acp\":{\"lbl\":[\"x\"]}}"), ERR_OK);
    /* an expired policy grants nothing */
    assert_int_equal(cse_fixture_put(f, &f->b, "Sb", "Sa/p", "{\"m2m:acp\":{\"et\":\"20231114T230000\",\"pv\":" RULE("Sb", "63") "}}"), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/c", "{\"m2m:cnt\":{\"acpi\":[\"Sa/p\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/c"), ERR_OK);
    f->w.now += HOUR;
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/c"), ERR_DENIED_PRIVILEGE);
}

/* Nobody is administrator unless configured; he stands where no policy can stand yet. */
static void administrator(void **state)
{
    struct cse_fixture *f = *state;
    const char *acp = ACP("base", RULE("all", "34"), RULE("Sa", "2"));
    assert_int_equal(cse_fixture_create(f, &f->admin, "Sadmin", "cse-in", 1, acp), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &f->admin, "Sadmin", "cse-in", "{\"m2m:cb\":{\"acpi\":[\"cse-in/base\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "cse-in"), ERR_OK); /* by rule: all */
    assert_int_equal(cse_fixture_get(f, &f->admin, "Sadmin", "Sa"), ERR_DENIED_PRIVILEGE); /* no rights elsewhere */
    assert_int_equal(cse_fixture_put(f, &f->admin, "Sadmin", "cse-in/base", "{\"m2m:acp\":{\"lbl\":[\"x\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "cse-in/base", "{\"m2m:acp\":{\"lbl\":[\"x\"]}}"), ERR_DENIED_PRIVILEGE);
    world_reload(&f->w, f->cse, CSE_CONF);
    assert_int_equal(cse_fixture_create(f, &f->admin, "Sadmin", "cse-in", 3, "{\"m2m:cnt\":{}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_put(f, &f->admin, "Sadmin", "cse-in/base", "{\"m2m:acp\":{\"lbl\":[\"x\"]}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_get(f, &f->admin, "Sadmin", "cse-in"), ERR_OK); /* like anybody, by the rule */
}

static void windows_addresses_and_children(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "Sa", 1,
         ACP("p",
             "{\"acr\":[{\"acor\":[\"Sb\"],\"acop\":2,\"acco\":[{\"actw\":[\"* * 22 * * 2 2023\"],"
             "\"acip\":{\"ipv4\":[\"192.0.2.0/24\"],\"ipv6\":[\"2001:db8::/32\"]}}]},"
             "{\"acor\":[\"/S*\"],\"acop\":1,\"acod\":[{\"ty\":3,\"chty\":[4]}],\"acaf\":true}]}",
             RULE("Sa", "63")));
    cse_fixture_make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"acpi\":[\"Sa/p\"]}}");
    struct cse_call c = {.s = &f->b, .op = OP_RETRIEVE, .to = "Sa/c", .from = "Sb", .ip = "192.0.2.77"};
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK); /* Tuesday 22:13 UTC */
    c.ip = "192.0.3.1";
    assert_int_equal(cse_fixture_call(f, &c), ERR_DENIED_PRIVILEGE);
    c.ip = "2001:db8::1";
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    c.ip = "::ffff:192.0.2.1"; /* CHOICE-76 */
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    c.ip = NULL; /* unknown: matches nothing */
    assert_int_equal(cse_fixture_call(f, &c), ERR_DENIED_PRIVILEGE);
    c.ip = "192.0.2.77";
    f->w.now = T0 + 46 * 60 * SECOND + 40 * SECOND - 1; /* 22:59:59.999999 */
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    f->w.now += 1;
    assert_int_equal(cse_fixture_call(f, &c), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "Sa/c", 4, "{\"m2m:cin\":{\"con\":1}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "Sa/c", 3, "{\"m2m:cnt\":{}}"), ERR_DENIED_PRIVILEGE);
}

static void references_need_a_right_each(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "Sa", 1, ACP("p", RULE("Sb", "2"), RULE("Sa", "63")));
    cse_fixture_make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"acpi\":[\"Sa/p\"]}}");
    cse_fixture_make(f, "Sa", 1, ACP("q", RULE("Sb", "1"), RULE("Sa", "63")));
    cse_fixture_make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"open\",\"acpi\":[\"Sa/p\",\"Sa/q\"]}}");
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "Sa/open", 3, "{\"m2m:cnt\":{\"rn\":\"bs\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "Sa/open", 3, "{\"m2m:cnt\":{\"rn\":\"shared\",\"acpi\":[\"Sa/p\"]}}"), ERR_OK);
    struct cse_call c = {.s = &f->b, .op = OP_RETRIEVE, .to = "Sa/open", .from = "Sb", .rcn = 6 + 1};
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_non_null(strstr(f->body, "shared"));
    assert_non_null(strstr(f->body, "bs"));
    assert_int_equal(cse_fixture_put(f, &f->b, "Sb", "Sa/open/bs", "{\"m2m:cnt\":{\"acpi\":[\"Sa/q\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_null(strstr(f->body, "\"bs\""));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, cse_fixture_setup, cse_fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(access_is_decided_for_every_operation),
        T(policies_change),
        T(administrator),
        T(windows_addresses_and_children),
        T(references_need_a_right_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
