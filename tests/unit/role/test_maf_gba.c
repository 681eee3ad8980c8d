/* The MAF as a NAF: what it keeps of an answer of the BSF, and that who cannot prove the key makes it write nothing. */
#include "authority.h"

#include "role/maf/maf.h"
#include "role/maf/rec_km.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define B_TID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.example.com"
#define CONF "[maf]\nfqdn = maf.example.com\nkm-lifetime = 2h\n[peer bsf.example.com]\nkind = bsf\n"
#define K43 "Q0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0M=" /* 32 octets of 0x43 */
#define SAID(key, end, who) "{\"meKeyMaterial\":\"" key "\",\"keyExpiryTime\":\"" end "\",\"enroleeID\":\"//sp.example.com/" who "\"}"
#define LONG_END "2023-11-16T00:00:00Z"  /* later than km-lifetime lets it be */
#define SHORT_END "2023-11-14T23:00:00Z"

static void fill(struct secret *s, uint8_t octet)
{
    uint8_t b[32];
    memset(b, octet, sizeof(b));
    assert_int_equal(secret_set(s, BYTES_ARRAY(b)), ERR_OK);
}

static int setup(void **state)
{
    struct authority *f = authority_new(&role_maf, "maf.example.com", CONF);
    fill(&f->key, 0x42);
    fill(&f->other, 0x43);
    f->w.forged_status = 200;
    *state = f;
    return 0;
}

static err_t connect_with(struct authority *f, const char *said, const struct secret *key)
{
    f->w.forged = said;
    return world_connect(&f->w, f->n, B_TID, key, &f->s);
}

/* When the record was written last. */
static usec_t stored(struct authority *f)
{
    char memory[4096];
    struct arena arena = arena_of(memory, sizeof(memory));
    struct txn t;
    struct rec_km k;
    assert_int_equal(store_begin(f->n->store, false), ERR_OK);
    txn_init(&t, f->n->store, &arena, false);
    assert_int_equal(rec_km_get(&t, text_of(B_TID), &k), ERR_OK);
    store_rollback(f->n->store);
    return k.stored;
}

/* The key is another with each suite: whoever has seen a B-TID may ask for any of them, and change nothing. */
static void test_a_handshake_without_proof_writes_nothing(void **state)
{
    struct authority *f = *state;
    assert_int_equal(connect_with(f, SAID(K42, SHORT_END, "S1"), &f->key), ERR_OK);
    assert_int_equal(stored(f), T0);
    f->w.now += MINUTE;
    assert_int_equal(connect_with(f, SAID(K43, SHORT_END, "S1"), &f->key), ERR_DENIED_PSK_WRONG);
    assert_int_equal(stored(f), T0);
    assert_int_equal(connect_with(f, SAID(K43, SHORT_END, "S1"), &f->other), ERR_OK); /* R001-142: the key of this handshake */
    assert_string_equal(f->s.assoc.ids[0].z, "//sp.example.com/S1");
    assert_int_equal(stored(f), T0);
    assert_int_equal(world_audited(f->n, AUDIT_KM_STORED), 1);
}

static void test_what_has_changed_is_kept(void **state)
{
    struct authority *f = *state;
    assert_int_equal(connect_with(f, SAID(K42, SHORT_END, "S1"), &f->key), ERR_OK);
    f->w.now += MINUTE;
    assert_int_equal(connect_with(f, SAID(K42, SHORT_END, "S2"), &f->key), ERR_OK);
    assert_string_equal(f->s.assoc.ids[0].z, "//sp.example.com/S2");
    assert_int_equal(stored(f), f->w.now);
}

static void assert_ends(struct authority *f, usec_t want)
{
    assert_in_range(want - f->s.assoc.not_after, 0, 1); /* an association ends before the key does */
}

/* km-lifetime, where that is the shorter one, begins anew when half of it is over: R001-134 holds at any time. */
static void test_the_end(void **state)
{
    struct authority *f = *state;
    assert_int_equal(connect_with(f, SAID(K42, LONG_END, "S1"), &f->key), ERR_OK);
    assert_ends(f, T0 + 120 * MINUTE);
    f->w.now += 50 * MINUTE;
    assert_int_equal(connect_with(f, SAID(K42, LONG_END, "S1"), &f->key), ERR_OK);
    assert_ends(f, T0 + 120 * MINUTE);
    f->w.now += 20 * MINUTE;
    assert_int_equal(connect_with(f, SAID(K42, LONG_END, "S1"), &f->key), ERR_OK);
    assert_ends(f, f->w.now + 120 * MINUTE);
    assert_int_equal(connect_with(f, SAID(K42, "2023-11-14T23:30:00Z", "S1"), &f->key), ERR_OK);
    assert_true(f->s.assoc.not_after < T0 + 120 * MINUTE); /* never beyond what the BSF says now */
    assert_int_equal(connect_with(f, SAID(K42, SHORT_END, "S1"), &f->key), ERR_DENIED_EXPIRED); /* refuses R001-134 */
}

static void test_what_is_withdrawn_stays_so(void **state)
{
    struct authority *f = *state;
    assert_int_equal(connect_with(f, SAID(K42, SHORT_END, "S1"), &f->key), ERR_OK);
    assert_int_equal(world_ctl(&f->w, f->n, "credential", "revoke", "{\"ID\":\"" B_TID "\"}", &f->r), ERR_OK);
    assert_int_equal(connect_with(f, SAID(K42, SHORT_END, "S1"), &f->key), ERR_DENIED_REVOKED);
    assert_int_equal(connect_with(f, SAID(K43, SHORT_END, "S2"), &f->other), ERR_DENIED_REVOKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_handshake_without_proof_writes_nothing, setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_what_has_changed_is_kept, setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_the_end, setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_withdrawn_stays_so, setup, authority_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
