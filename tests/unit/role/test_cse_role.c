/* Roles: who gives them, whom a Role-ID in a rule stands for, and when it no longer does. */
#include "cse_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define READER "reader@sp.example.com"
#define TIMES "\"tknb\":\"20231114T221320\",\"tkna\":\"20231114T231320\"" /* T0, an hour */
#define ROL(name, id, from, to, more) \
    "{\"m2m:rol\":{\"rn\":\"" name "\",\"rlid\":\"" id "\",\"tkis\":\"" from "\",\"tkhd\":\"" to "\"," more "}}"
#define CONF CSE_CONF "admin = Sadmin\n"

static int setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, CONF "role-issuers = Sa\n");
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, AE_NAMED("app-a")), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "cse-in", 2, AE_NAMED("app-b")), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 1,
                                        "{\"m2m:acp\":{\"rn\":\"p\",\"pv\":{\"acr\":[{\"acor\":[\"" READER "\"],\"acop\":2}]},"
                                        "\"pvs\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":63}]}}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"acpi\":[\"Sa/p\"]}}"), ERR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

static err_t read_as(struct cse_fixture *f, const char *role)
{
    return cse_fixture_call(f, &(struct cse_call){&f->b, OP_RETRIEVE, .to = "Sa/c", .from = "Sb", .role = role});
}

static void a_role_is_given_and_used(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(read_as(f, READER), ERR_DENIED_PRIVILEGE); /* claimed, not held */
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sb", 31, ROL("r", READER, "Sa", "Sb", TIMES)), ERR_OK);
    assert_int_equal(read_as(f, READER), ERR_OK);
    assert_int_equal(read_as(f, NULL), ERR_DENIED_PRIVILEGE); /* held, not claimed */
    assert_int_equal(read_as(f, "writer@sp.example.com"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_put(f, &f->b, "Sb", "Sa/c", "{\"m2m:cnt\":{\"mni\":3}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sb/r", "{\"m2m:rol\":{\"rlnm\":\"x\"}}"), ERR_OPERATION);
    f->w.now += HOUR - SECOND;
    assert_int_equal(read_as(f, READER), ERR_OK);
    f->w.now += SECOND;
    assert_int_equal(read_as(f, READER), ERR_DENIED_PRIVILEGE); /* its end */
}

static void a_role_is_taken_back(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sb", 31, ROL("r", READER, "Sa", "Sb", TIMES)), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->admin, "Sadmin", "Sb", 31, ROL("s", "x@sp.example.com", "Sadmin", "Sb", TIMES)), ERR_OK);
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "Sb/s"), ERR_DENIED_PRIVILEGE); /* another issuer's */
    world_reload(&f->w, f->cse, CONF);
    assert_int_equal(read_as(f, READER), ERR_DENIED_PRIVILEGE); /* no issuer any more */
    world_reload(&f->w, f->cse, CONF "role-issuers = Sa\n");
    assert_int_equal(read_as(f, READER), ERR_OK);
    world_reload(&f->w, f->cse, CONF "role-issuers = Sa\nservice-subscription = on\n");
    assert_int_not_equal(read_as(f, READER), ERR_OK);
    world_reload(&f->w, f->cse, CONF "role-issuers = Sa\n");
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "Sb/r"), ERR_OK);
    assert_int_equal(read_as(f, READER), ERR_DENIED_PRIVILEGE);
}

static void nobody_promotes_himself(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "Sb", 31, ROL("r", READER, "Sb", "Sb", TIMES)), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "Sb", 31, ROL("r", READER, "Sa", "Sb", TIMES)), ERR_DENIED_PRIVILEGE);
    static const struct {
        const char *body;
        err_t want;
    } rows[] = {
        {ROL("r", READER, "Sb", "Sb", TIMES), ERR_CONTENTS},
        {ROL("r", READER, "Sa", "Sa", TIMES), ERR_CONTENTS},
        {ROL("r", "reader", "Sa", "Sb", TIMES), ERR_CONTENTS},
        {ROL("r", READER, "Sa", "Sb", "\"tknb\":\"20231114T231320\",\"tkna\":\"20231114T231320\""), ERR_CONTENTS},
        {ROL("r", READER, "Sa", "Sb", "\"tknb\":\"yesterday-or-so\",\"tkna\":\"20231114T231320\""), ERR_CONTENTS},
        {ROL("r", READER, "Sa", "Sb", "\"tknb\":\"20231114T221320\""), ERR_MISSING},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sb", 31, rows[i].body), rows[i].want);
    }
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa/c", 31, ROL("r", READER, "Sa", "Sb", TIMES)), ERR_CHILD_TYPE);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sb", 31,
                                        ROL("later", READER, "Sa", "Sb", "\"tknb\":\"20231114T224320\",\"tkna\":\"20231114T231320\"")), ERR_OK);
    assert_int_equal(read_as(f, READER), ERR_DENIED_PRIVILEGE); /* not yet */
    f->w.now += HOUR / 2;
    assert_int_equal(read_as(f, READER), ERR_OK);
}

/* Below the CSEBase it needs no registration; who made it, its end and its holder decide as elsewhere. */
static void a_role_below_the_csebase(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "cse-in", 31, ROL("r", READER, "Sb", "Sb", TIMES)), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 31, ROL("r", READER, "Sb", "Sb", TIMES)), ERR_CONTENTS);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 31, ROL("r", READER, "Sa", "not an id", TIMES)), ERR_CONTENTS);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 31, ROL("x", READER, "Sa", "Sx", TIMES)), ERR_OK);
    assert_int_equal(read_as(f, READER), ERR_DENIED_PRIVILEGE); /* another's */
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 31, ROL("r", READER, "Sa", "//SP.example.com/Sb", TIMES)), ERR_OK);
    assert_int_equal(read_as(f, READER), ERR_OK);
    assert_int_equal(read_as(f, NULL), ERR_DENIED_PRIVILEGE);
    world_reload(&f->w, f->cse, CONF);
    assert_int_equal(read_as(f, READER), ERR_DENIED_PRIVILEGE); /* no issuer any more */
    world_reload(&f->w, f->cse, CONF "role-issuers = Sa\n");
    assert_int_equal(cse_fixture_del(f, &f->b, "Sb", "cse-in/r"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "cse-in/r"), ERR_OK);
    assert_int_equal(read_as(f, READER), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 31, ROL("r", READER, "Sa", "Sb", TIMES)), ERR_OK);
    f->w.now += HOUR - SECOND;
    assert_int_equal(read_as(f, READER), ERR_OK);
    f->w.now += SECOND;
    assert_int_equal(read_as(f, READER), ERR_DENIED_PRIVILEGE); /* its end */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(a_role_is_given_and_used), T(a_role_is_taken_back), T(nobody_promotes_himself), T(a_role_below_the_csebase)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
