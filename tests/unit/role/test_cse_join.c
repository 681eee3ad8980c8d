/* The registering side as an engine: what is sent when, and what each answer leads to, with an answer of any kind. */
#include "cse_fixture.h"

#include "role/cse/cse_join.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PEER "[peer in.sp.example.com]\nkind = cse\ncsi = /in\n"
#define KNOWN MN PEER
#define UNKNOWN MN "registrar-from = empty\n" PEER
#define US "{\"m2m:csr\":{\"csi\":\"/mn\"}}"
#define US_ABSOLUTE "{\"m2m:csr\":{\"csi\":\"//sp.example.com/mn\"}}"

static struct cse_fixture f;
static struct errand_memory memory;
static struct errand q;

static void begin(const char *conf)
{
    memory = (struct errand_memory){.checked = 0};
    cse_fixture_init(&f, conf);
}

static void next(unsigned step, enum op op)
{
    assert_int_equal(world_errand(&f.w, f.cse, &memory, &q), ERR_OK);
    assert_int_equal(q.op, op);
    assert_int_equal(q.step, step);
}

static err_t answer(err_t err, uint16_t rsc, const char *body)
{
    err_t why = ERR_BUG;
    const struct errand_answer a = {.err = err, .rsc = rsc, .body = text_bytes(text_of(body))};
    assert_int_equal(world_returned(&f.w, f.cse, &q, &a, &why), ERR_OK);
    if (why == ERR_OK) {
        memory = (struct errand_memory){.checked = f.w.now, .mark = q.mark};
    }
    return why;
}

static bool here(void)
{
    assert_int_equal(world_ctl(&f.w, f.cse, "registration", "list", "{}", &f.r), ERR_OK);
    return strstr(f.r.body, "\"CSE-ID\":\"/in\"") != NULL && strstr(f.r.body, "\"over\"") == NULL;
}

static void the_first_step_says_what_is_known(void **state)
{
    (void)state;
    begin(KNOWN);
    next(CSE_JOIN_CREATE, OP_CREATE); /* R002-17 */
    assert_string_equal(q.from, "/mn"); /* R002-18 */
    assert_string_equal(q.peer, "in.sp.example.com");
    assert_string_equal(q.path, "/~/in/-");
    assert_int_equal(q.ty, 16); /* R002-19 */
    assert_non_null(strstr(q.body, "\"csi\":\"/mn\"")); /* R002-20 */
    assert_non_null(strstr(q.body, "\"cb\":\"//sp.example.com/in/-\"")); /* R002-21 */
    assert_non_null(strstr(q.body, "\"cst\":2"));
    cse_fixture_free(&f);
    begin(UNKNOWN);
    next(CSE_JOIN_CREATE, OP_CREATE);
    assert_string_equal(q.from, ""); /* R002-18: unknown, so empty */
    assert_null(strstr(q.body, "csi")); /* R002-20 */
    assert_int_equal(answer(ERR_OK, 2001, US_ABSOLUTE), ERR_OK);
    assert_true(here());
    cse_fixture_free(&f);
}

static void a_failure_leaves_nothing_at_either_end(void **state)
{
    (void)state;
    static const struct {
        err_t err;
        uint16_t rsc;
        const char *body;
        err_t why;
        bool clear; /* there may be one at the other end: it is deleted before the next try */
    } rows[] = {
        {ERR_PEER_UNREACHABLE, 0, "", ERR_PEER_UNREACHABLE, false}, /* refuses R002-11: no association */
        {ERR_PEER_REFUSED, 0, "", ERR_PEER_REFUSED, false},
        {ERR_OK, 4106, "", ERR_PEER_REFUSED, false},
        {ERR_OK, 5000, "", ERR_PEER_REFUSED, false},
        {ERR_OK, 4117, "", ERR_REGISTERED, true},
        {ERR_OK, 2001, "{\"m2m:csr\":{\"csi\":\"/other\"}}", ERR_DENIED_ASSIGNED, true}, /* contradicting identities */
        {ERR_OK, 2001, "{\"m2m:csr\":{}}", ERR_DENIED_ASSIGNED, true},
        {ERR_OK, 2001, "no JSON", ERR_DENIED_ASSIGNED, true},
        {ERR_OK, 2001, "", ERR_DENIED_ASSIGNED, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begin(KNOWN);
        next(CSE_JOIN_CREATE, OP_CREATE);
        assert_int_equal(answer(rows[i].err, rows[i].rsc, rows[i].body), rows[i].why);
        assert_false(here()); /* refuses R002-04 */
        if (rows[i].clear) {
            next(CSE_JOIN_CLEAR, OP_DELETE);
            assert_string_equal(q.path, "/~/in/-/mn");
            assert_int_equal(answer(ERR_OK, 5000, ""), ERR_PEER_REFUSED);
            next(CSE_JOIN_CLEAR, OP_DELETE);
            assert_int_equal(answer(ERR_OK, i % 2 == 0 ? 2002 : 4004, ""), ERR_OK);
        }
        next(CSE_JOIN_CREATE, OP_CREATE);
        assert_int_equal(answer(ERR_OK, 2001, US), ERR_OK);
        assert_true(here()); /* R002-04: two */
        assert_int_equal(world_audited(f.cse, AUDIT_REGISTRAR_JOINED), 1);
        cse_fixture_free(&f);
    }
}

static void it_is_looked_after(void **state)
{
    (void)state;
    begin(KNOWN);
    next(CSE_JOIN_CREATE, OP_CREATE);
    assert_int_equal(answer(ERR_OK, 2001, US), ERR_OK);
    next(CSE_JOIN_NOTHING, OP_NONE);
    f.w.now += 61 * SECOND;
    next(CSE_JOIN_CHECK, OP_RETRIEVE);
    assert_int_equal(answer(ERR_PEER_TIMEOUT, 0, ""), ERR_PEER_TIMEOUT); /* it may be back soon */
    assert_true(here());
    next(CSE_JOIN_CHECK, OP_RETRIEVE);
    assert_int_equal(answer(ERR_OK, 4103, ""), ERR_PEER_REFUSED);
    assert_int_equal(answer(ERR_OK, 2000, US), ERR_OK);
    f.w.now += 200 * DAY; /* of 365 */
    next(CSE_JOIN_CHECK, OP_UPDATE);
    assert_int_equal(answer(ERR_OK, 2004, ""), ERR_OK);
    f.w.now += 200 * DAY; /* the first expirationTime is over */
    assert_true(here());
    memory.checked = 0; /* a new process asks at once */
    next(CSE_JOIN_CHECK, OP_UPDATE);
    assert_int_equal(answer(ERR_OK, 4106, ""), ERR_DENIED_NOT_REGISTERED);
    assert_false(here());
    assert_int_equal(world_audited(f.cse, AUDIT_REGISTRAR_LOST), 1);
    next(CSE_JOIN_CREATE, OP_CREATE);
    assert_int_equal(answer(ERR_OK, 2001, US), ERR_OK);
    f.w.now += 366 * DAY; /* switched off for a year: both are over, the other end goes first */
    next(CSE_JOIN_CLEAR, OP_DELETE);
    assert_int_equal(answer(ERR_OK, 4004, ""), ERR_OK);
    next(CSE_JOIN_CREATE, OP_CREATE);
    cse_fixture_free(&f);
}

static void the_operator_ends_and_begins_it(void **state)
{
    (void)state;
    begin(KNOWN);
    next(CSE_JOIN_CREATE, OP_CREATE);
    assert_int_equal(answer(ERR_OK, 2001, US), ERR_OK);
    assert_int_equal(world_ctl(&f.w, f.cse, "registrar", "leave", "{}", &f.r), ERR_OK);
    next(CSE_JOIN_LEAVE, OP_DELETE);
    assert_int_equal(answer(ERR_PEER_UNREACHABLE, 0, ""), ERR_PEER_UNREACHABLE);
    assert_true(here());
    next(CSE_JOIN_LEAVE, OP_DELETE);
    assert_int_equal(answer(ERR_OK, 2002, ""), ERR_OK);
    assert_false(here());
    assert_int_equal(world_audited(f.cse, AUDIT_REGISTRAR_LEFT), 1);
    next(CSE_JOIN_NOTHING, OP_NONE);
    assert_int_equal(world_ctl(&f.w, f.cse, "registrar", "join", "{}", &f.r), ERR_OK);
    next(CSE_JOIN_CREATE, OP_CREATE);
    cse_fixture_free(&f);
}

static void an_in_cse_registers_nowhere(void **state)
{
    (void)state;
    begin(CSE_CONF);
    assert_int_equal(world_errand(&f.w, f.cse, &memory, &q), ERR_NOT_FOUND); /* R002-05 */
    assert_int_equal(world_ctl(&f.w, f.cse, "registrar", "show", "{}", &f.r), ERR_NOT_FOUND);
    cse_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_step_says_what_is_known), cmocka_unit_test(a_failure_leaves_nothing_at_either_end),
        cmocka_unit_test(it_is_looked_after),                cmocka_unit_test(the_operator_ends_and_begins_it),
        cmocka_unit_test(an_in_cse_registers_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
