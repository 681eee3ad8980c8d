/* The CSE against an AE with one valid credential that reaches for another's name. */
#include "cse_fixture.h"
#include "role/cse/cse_ctx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, CSE_CONF "admin = Sadmin\nassociation = optional\n[peer maf.example.com]\nkind = maf\n");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

static void connect_new(struct cse_fixture *f, const char *id, struct world_session *s)
{
    assert_int_equal(cse_fixture_add_key(f, id, NULL, ""), ERR_OK);
    cse_fixture_connect(f, id, s);
}

static err_t reg(struct cse_fixture *f, struct world_session *s, const char *from)
{
    return cse_fixture_create(f, s, from, "cse-in", 2, AE_BODY);
}

/* -- names -------------------------------------------------------------------------------------------------- */
/* cse-in/Sb would lead to the stranger's AE, with the policies of the stranger's choice. */
static void name_of_a_configured_ae_is_kept_for_it(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session x;
    connect_new(f, "kx@sp.example.com", &x);
    assert_int_equal(cse_fixture_create(f, &x, "Sx", "cse-in", 2, AE_NAMED("Sb")), ERR_EXISTS);
    assert_int_equal(cse_fixture_create(f, &x, "Sx", "cse-in", 2, AE_NAMED("Sx")), ERR_OK); /* its own */
    assert_int_equal(reg(f, &f->b, "Sb"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "rn"), "Sb");
}

static void two_children_never_share_a_name(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session x, y;
    char rn[64];
    connect_new(f, "kx@sp.example.com", &x);
    connect_new(f, "ky@sp.example.com", &y);
    assert_int_equal(cse_fixture_create(f, &x, "Sx", "cse-in", 2, AE_NAMED("Sy")), ERR_OK);
    assert_int_equal(reg(f, &y, "Sy"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "ri"), "Sy");
    snprintf(rn, sizeof(rn), "cse-in/%s", cse_fixture_member(f, "rn"));
    assert_string_not_equal(rn, "cse-in/Sy");
    assert_int_equal(cse_fixture_get(f, &y, "Sy", rn), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "ri"), "Sy");
    assert_int_equal(cse_fixture_get(f, &y, "Sy", "Sy"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &x, "Sx", "cse-in/Sy"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "ri"), "Sx");
    assert_int_equal(cse_fixture_del(f, &y, "Sy", rn), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &y, "Sy", rn), ERR_DENIED_NOT_REGISTERED);
}

/* -- AE-IDs -------------------------------------------------------------------------------------------------- */
/* Policies name AE-IDs: one that a credential had is not given to another credential when it becomes free. */
static void freed_ae_id_goes_back_to_its_credential_only(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session x, y;
    connect_new(f, "kx@sp.example.com", &x);
    connect_new(f, "ky@sp.example.com", &y);
    assert_int_equal(reg(f, &x, "Spre"), ERR_OK);
    assert_int_equal(cse_fixture_del(f, &x, "Spre", "Spre"), ERR_OK);
    assert_int_equal(reg(f, &y, "Spre"), ERR_DENIED_FROM);
    assert_int_equal(f->rsc, 4106);
    assert_int_equal(reg(f, &f->plain, "Spre"), ERR_DENIED_FROM);
    const char *hour = "{\"m2m:ae\":{\"api\":\"Napp\",\"rr\":false,\"srv\":[\"3\"],\"et\":\"20231115T000000\"}}";
    assert_int_equal(cse_fixture_create(f, &x, "Spre", "cse-in", 2, hour), ERR_OK);
    f->w.now += DAY; /* it expired */
    assert_int_equal(reg(f, &y, "Spre"), ERR_DENIED_FROM);
    assert_int_equal(reg(f, &x, "Spre"), ERR_OK);
}

static void ae_id_configured_later_leaves_the_credential_that_had_it(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session x, y;
    connect_new(f, "kx@sp.example.com", &x);
    assert_int_equal(reg(f, &x, "Spre"), ERR_OK);
    assert_int_equal(cse_fixture_del(f, &x, "Spre", "Spre"), ERR_OK);
    assert_int_equal(cse_fixture_add_key(f, "ky@sp.example.com", "//sp.example.com/Spre", ""), ERR_OK);
    cse_fixture_connect(f, "ky@sp.example.com", &y);
    assert_int_equal(reg(f, &x, "Spre"), ERR_DENIED_FROM);
    assert_int_equal(reg(f, &y, "Spre"), ERR_OK);
}

/* -- growth -------------------------------------------------------------------------------------------------- */
static void expired_connection_keys_do_not_pile_up(void **state)
{
    struct cse_fixture *f = *state;
    enum { DAYS = 16, A_DAY = 50 };
    char body[256], id[64];
    struct world_session s;
    size_t own = world_count(f->cse, TABLE_CSE_KEY);
    f->w.forged = body;
    f->w.forged_status = 200;
    for (unsigned day = 0; day < DAYS; day++) {
        snprintf(body, sizeof(body),
                 "{\"m2m:skr\":{\"kv\":\"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\",\"et\":\"202311%02uT000000\",\"suid\":32}}",
                 15 + day);
        for (unsigned i = 0; i < A_DAY; i++) {
            snprintf(id, sizeof(id), "%030X%02X@maf.example.com", day, i);
            assert_int_equal(world_connect(&f->w, f->cse, id, &f->kpsa, &s), ERR_OK);
        }
        f->w.now += DAY;
    }
    assert_true(world_count(f->cse, TABLE_CSE_KEY) < own + 6 * A_DAY);
    cse_fixture_connect(f, "ka@sp.example.com", &s); /* what an operator added stays, expired or not */
    assert_true(world_count(f->cse, TABLE_CSE_KEY) >= own + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(name_of_a_configured_ae_is_kept_for_it, setup, teardown),
        cmocka_unit_test_setup_teardown(two_children_never_share_a_name, setup, teardown),
        cmocka_unit_test_setup_teardown(freed_ae_id_goes_back_to_its_credential_only, setup, teardown),
        cmocka_unit_test_setup_teardown(ae_id_configured_later_leaves_the_credential_that_had_it, setup, teardown),
        cmocka_unit_test_setup_teardown(expired_connection_keys_do_not_pile_up, setup, teardown),
    };
    return cmocka_run_group_tests_name("role.review-cse", tests, NULL, NULL);
}
