/* The MAF as a NAF: what it keeps of an answer of the BSF, and that who cannot prove the key makes it write nothing. */
#include "role/maf/maf.h"
#include "role/maf/rec_km.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC) /* 2023-11-14T22:13:20Z */
#define MINUTE (INT64_C(60) * USEC_PER_SEC)
#define B_TID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.example.com"
#define CONF "[maf]\nfqdn = maf.example.com\nkm-lifetime = 2h\n[peer bsf.example.com]\nkind = bsf\n"
#define K42 "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=" /* 32 octets of 0x42, and of 0x43 */
#define K43 "Q0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0M="
#define SAID(key, end, who) "{\"meKeyMaterial\":\"" key "\",\"keyExpiryTime\":\"" end "\",\"enroleeID\":\"//sp.example.com/" who "\"}"
#define LONG_END "2023-11-16T00:00:00Z"  /* later than km-lifetime lets it be */
#define SHORT_END "2023-11-14T23:00:00Z"

struct fixture {
    struct world w;
    struct world_node *maf;
    struct secret k42, k43;
    struct world_session s;
    struct world_reply r;
};

static void fill(struct secret *s, uint8_t octet)
{
    uint8_t b[32];
    memset(b, octet, sizeof(b));
    assert_int_equal(secret_set(s, BYTES_ARRAY(b)), ERR_OK);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    world_init(&f->w, T0);
    f->maf = world_add(&f->w, &role_maf, "maf.example.com", CONF);
    fill(&f->k42, 0x42);
    fill(&f->k43, 0x43);
    f->w.forged_status = 200;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    world_free(&f->w);
    free(f);
    return 0;
}

static err_t connect_with(struct fixture *f, const char *said, const struct secret *key)
{
    f->w.forged = said;
    return world_connect(&f->w, f->maf, B_TID, key, &f->s);
}

/* When the record was written last. */
static usec_t stored(struct fixture *f)
{
    char memory[4096];
    struct arena arena = arena_of(memory, sizeof(memory));
    struct txn t;
    struct rec_km k;
    assert_int_equal(store_begin(f->maf->store, false), ERR_OK);
    txn_init(&t, f->maf->store, &arena, false);
    assert_int_equal(rec_km_get(&t, text_of(B_TID), &k), ERR_OK);
    store_rollback(f->maf->store);
    return k.stored;
}

/* The key is another with each suite: whoever has seen a B-TID may ask for any of them, and change nothing. */
static void test_a_handshake_without_proof_writes_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(connect_with(f, SAID(K42, SHORT_END, "S1"), &f->k42), ERR_OK);
    assert_int_equal(stored(f), T0);
    f->w.now += MINUTE;
    assert_int_equal(connect_with(f, SAID(K43, SHORT_END, "S1"), &f->k42), ERR_DENIED_PSK_WRONG);
    assert_int_equal(stored(f), T0);
    assert_int_equal(connect_with(f, SAID(K43, SHORT_END, "S1"), &f->k43), ERR_OK); /* R001-142: the key of this handshake */
    assert_string_equal(f->s.assoc.ids[0].z, "//sp.example.com/S1");
    assert_int_equal(stored(f), T0);
    assert_int_equal(world_audited(f->maf, AUDIT_KM_STORED), 1);
}

static void test_what_has_changed_is_kept(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(connect_with(f, SAID(K42, SHORT_END, "S1"), &f->k42), ERR_OK);
    f->w.now += MINUTE;
    assert_int_equal(connect_with(f, SAID(K42, SHORT_END, "S2"), &f->k42), ERR_OK);
    assert_string_equal(f->s.assoc.ids[0].z, "//sp.example.com/S2");
    assert_int_equal(stored(f), f->w.now);
}

static void assert_ends(struct fixture *f, usec_t want)
{
    assert_in_range(want - f->s.assoc.not_after, 0, 1); /* an association ends before the key does */
}

/* km-lifetime, where that is the shorter one, begins anew when half of it is over: R001-134 holds at any time. */
static void test_the_end(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(connect_with(f, SAID(K42, LONG_END, "S1"), &f->k42), ERR_OK);
    assert_ends(f, T0 + 120 * MINUTE);
    f->w.now += 50 * MINUTE;
    assert_int_equal(connect_with(f, SAID(K42, LONG_END, "S1"), &f->k42), ERR_OK);
    assert_ends(f, T0 + 120 * MINUTE);
    f->w.now += 20 * MINUTE;
    assert_int_equal(connect_with(f, SAID(K42, LONG_END, "S1"), &f->k42), ERR_OK);
    assert_ends(f, f->w.now + 120 * MINUTE);
    assert_int_equal(connect_with(f, SAID(K42, "2023-11-14T23:30:00Z", "S1"), &f->k42), ERR_OK);
    assert_true(f->s.assoc.not_after < T0 + 120 * MINUTE); /* never beyond what the BSF says now */
    assert_int_equal(connect_with(f, SAID(K42, SHORT_END, "S1"), &f->k42), ERR_DENIED_EXPIRED); /* refuses R001-134 */
}

static void test_what_is_withdrawn_stays_so(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(connect_with(f, SAID(K42, SHORT_END, "S1"), &f->k42), ERR_OK);
    assert_int_equal(world_ctl(&f->w, f->maf, "credential", "revoke", "{\"ID\":\"" B_TID "\"}", &f->r), ERR_OK);
    assert_int_equal(connect_with(f, SAID(K42, SHORT_END, "S1"), &f->k42), ERR_DENIED_REVOKED);
    assert_int_equal(connect_with(f, SAID(K43, SHORT_END, "S2"), &f->k43), ERR_DENIED_REVOKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_handshake_without_proof_writes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_has_changed_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_withdrawn_stays_so, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
