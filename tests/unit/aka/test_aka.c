/* Card and network against each other: who takes what, who refuses what, and that no sequence number counts twice. */
#include "aka/aka_card.h"
#include "aka/aka_gba_u.h"
#include "aka/aka_selftest.h"
#include "aka/keccak.h"
#include "base/hex.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IMPI "001010123456789@ims.mnc001.mcc001.3gppnetwork.org"

/* A generator of its own, so that a run can be repeated (xorshift64). */
static uint64_t next_random(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static struct aka_keys made_up(enum aka_algorithm algorithm)
{
    struct aka_keys k = algorithm == AKA_TUAK ? aka_keys_tuak() : aka_keys_milenage();
    uint8_t b[32];
    memset(b, 0x4b, sizeof(b));
    assert_int_equal(secret_set(&k.k.s, bytes_of(b, 16)), ERR_OK);
    memset(b, 0x4f, sizeof(b));
    assert_int_equal(secret_set(&k.opc.s, bytes_of(b, algorithm == AKA_TUAK ? 32 : 16)), ERR_OK);
    return k;
}

struct pair {
    const struct crypto *c;
    struct aka_auc auc;
    struct aka_card card;
    struct aka_rand rand;
    struct aka_vector v;
    struct aka_answer a;
};

static struct pair pair_of(enum aka_algorithm algorithm)
{
    struct pair p = {.c = crypto_openssl()};
    const struct aka_keys k = made_up(algorithm);
    assert_int_equal(aka_auc_init(&p.auc, &k, (struct aka_amf){{0, 0}}, 0), ERR_OK);
    assert_int_equal(aka_card_init(&p.card, &k), ERR_OK);
    return p;
}

static void grant(struct pair *p, uint64_t n)
{
    uint64_t store = 0;
    assert_int_equal(aka_sqn_counter_want(&p->auc.counter, n, &store), ERR_OK);
    aka_sqn_counter_grant(&p->auc.counter, store);
}

static void challenge(struct pair *p)
{
    if (p->auc.counter.seq >= p->auc.counter.reserved) {
        grant(p, 16);
    }
    p->rand.b[0]++;
    assert_int_equal(aka_auc_vector(p->c, &p->auc, &p->rand, &p->v), ERR_OK);
}

static err_t respond(struct pair *p)
{
    return aka_card_authenticate(p->c, &p->card, &p->v.rand, &p->v.autn, &p->a);
}

static void both_sides_agree(void **state)
{
    (void)state;
    for (unsigned algorithm = 0; algorithm < AKA_ALGORITHMS; algorithm++) {
        struct pair p = pair_of((enum aka_algorithm)algorithm);
        for (unsigned i = 0; i < 100; i++) {
            challenge(&p);
            assert_int_equal(respond(&p), ERR_OK);
            assert_true(secret_eq(&p.a.res.s, &p.v.xres.s));
            assert_true(secret_eq(&p.a.ck.s, &p.v.ck.s));
            assert_true(secret_eq(&p.a.ik.s, &p.v.ik.s));
        }
    }
}

/* All of one RAND at once is what each function gives, and a key of another length gives nothing of them. */
static void functions_of_one_rand_agree(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    uint64_t seed = 7;
    for (unsigned i = 0; i < 40; i++) {
        struct aka_keys k = made_up((enum aka_algorithm)(i % AKA_ALGORITHMS));
        struct aka_rand rand;
        const struct aka_f1_input in = {i % 4 > 1, &rand, next_random(&seed) >> 16, {{(uint8_t)i, 0x80}}};
        struct aka_mac mac, mac_alone;
        struct aka_output o = {0}, o_alone = {0};
        for (size_t at = 0; at < sizeof(rand.b); at++) {
            rand.b[at] = (uint8_t)next_random(&seed);
        }
        assert_int_equal(aka_f1(c, &k, &in, &mac_alone), ERR_OK);
        assert_int_equal(aka_f2345(c, &k, &rand, &o_alone), ERR_OK);
        assert_int_equal(aka_f12345(c, &k, &in, &mac, &o), ERR_OK);
        assert_memory_equal(&mac, &mac_alone, sizeof(mac));
        assert_memory_equal(&o, &o_alone, sizeof(o));
        k.k.s.n = 15;
        assert_int_equal(aka_f12345(c, &k, &in, &mac, &o), ERR_MALFORMED_KEY);
        assert_int_equal(mac.n, 0);
        assert_false(secret_is_set(&o.res.s) || secret_is_set(&o.ck.s) || secret_is_set(&o.ik.s) || secret_is_set(&o.ak.s));
    }
}

static void autn_that_is_not_the_networks_is_refused(void **state)
{
    (void)state;
    struct pair p = pair_of(AKA_MILENAGE);
    challenge(&p);
    const struct aka_window before = p.card.window;
    static const struct aka_answer nothing;
    for (size_t bit = 0; bit < 8 * AKA_AUTN_LEN; bit++) {
        struct aka_autn wrong = p.v.autn;
        wrong.b[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(aka_card_authenticate(p.c, &p.card, &p.rand, &wrong, &p.a), ERR_DENIED_AUTN);
        assert_memory_equal(&p.a, &nothing, sizeof(nothing)); /* no RES, and no AUTS that would tell of the window */
        assert_memory_equal(&p.card.window, &before, sizeof(before));
    }
    assert_int_equal(respond(&p), ERR_OK);
}

static void a_challenge_is_taken_once(void **state)
{
    (void)state;
    struct pair p = pair_of(AKA_TUAK);
    challenge(&p);
    assert_int_equal(respond(&p), ERR_OK);
    assert_int_equal(respond(&p), ERR_SQN_RANGE);
    assert_false(secret_is_set(&p.a.res.s));
    assert_false(secret_is_set(&p.a.ck.s));
}

static void auts_brings_the_network_up(void **state)
{
    (void)state;
    for (unsigned algorithm = 0; algorithm < AKA_ALGORITHMS; algorithm++) {
        struct pair p = pair_of((enum aka_algorithm)algorithm);
        aka_sqn_accept(&p.card.window, aka_sqn_make(5000, 7)); /* another network's, or a restored backup */
        challenge(&p);
        for (unsigned i = 0; i < AKA_WINDOW && respond(&p) == ERR_OK; i++) {
            challenge(&p); /* its own IND was free; until IND 7 comes round */
        }
        assert_int_equal(respond(&p), ERR_SQN_RANGE);
        const uint64_t before = p.auc.counter.seq;
        const struct aka_auts auts = p.a.auts;
        const struct aka_rand challenged = p.rand;
        for (size_t bit = 0; bit < 8 * AKA_AUTS_LEN; bit++) {
            struct aka_auts wrong = p.a.auts;
            wrong.b[bit / 8] ^= (uint8_t)(1U << bit % 8);
            assert_int_equal(aka_auc_resync(p.c, &p.auc, &p.rand, &wrong), ERR_DENIED_AUTS);
        }
        struct aka_rand other = p.rand;
        other.b[3] ^= 1;
        assert_int_equal(aka_auc_resync(p.c, &p.auc, &other, &p.a.auts), ERR_DENIED_AUTS);
        assert_int_equal(p.auc.counter.seq, before); /* a refusal changes nothing */
        assert_int_equal(aka_auc_resync(p.c, &p.auc, &p.rand, &p.a.auts), ERR_OK);
        assert_int_equal(p.auc.counter.seq, 5000);
        assert_int_equal(aka_auc_vector(p.c, &p.auc, &p.rand, &p.v), ERR_SQN_UNRESERVED); /* nothing above is stored yet */
        challenge(&p);
        assert_int_equal(respond(&p), ERR_OK);
        /* The same AUTS again, replayed: nothing goes back. */
        const uint64_t seq = p.auc.counter.seq;
        assert_int_equal(aka_auc_resync(p.c, &p.auc, &challenged, &auts), ERR_OK);
        assert_int_equal(p.auc.counter.seq, seq);
    }
}

static void a_network_too_far_ahead_does_not_go_back(void **state)
{
    (void)state;
    struct aka_counter n;
    aka_sqn_counter_init(&n, 100 + AKA_SEQ_DELTA);
    assert_int_equal(aka_sqn_counter_catch_up(&n, aka_sqn_make(100, 3)), ERR_SQN_AHEAD);
    assert_int_equal(aka_sqn_counter_catch_up(&n, aka_sqn_make(101, 3)), ERR_OK);
    assert_int_equal(n.seq, 100 + AKA_SEQ_DELTA);
}

static void window_edges(void **state)
{
    (void)state;
    struct aka_window w = {{0}};
    assert_int_equal(aka_sqn_check(&w, aka_sqn_make(0, 0)), ERR_SQN_RANGE);
    assert_int_equal(aka_sqn_check(&w, aka_sqn_make(AKA_SEQ_DELTA, 0)), ERR_OK);
    assert_int_equal(aka_sqn_check(&w, aka_sqn_make(AKA_SEQ_DELTA + 1, 0)), ERR_SQN_RANGE); /* no jump to the end */
    aka_sqn_accept(&w, aka_sqn_make(40, 8));
    assert_int_equal(aka_sqn_check(&w, aka_sqn_make(40, 8)), ERR_SQN_RANGE);
    assert_int_equal(aka_sqn_check(&w, aka_sqn_make(39, 8)), ERR_SQN_RANGE);
    assert_int_equal(aka_sqn_check(&w, aka_sqn_make(39, 7)), ERR_OK); /* late, but new */
    assert_int_equal(aka_sqn_highest(&w), aka_sqn_make(40, 8));
    assert_int_equal(aka_sqn_seq(UINT64_MAX), AKA_SEQ_MAX);
}

/* Property: of any sequence of numbers, each is taken at most once, and the highest never falls. */
static void no_number_is_taken_twice(void **state)
{
    (void)state;
    uint64_t seed = 0x9e3779b97f4a7c15;
    static bool taken[4096 * AKA_WINDOW];
    for (unsigned round = 0; round < 50; round++) {
        struct aka_window w = {{0}};
        memset(taken, 0, sizeof(taken));
        for (unsigned i = 0; i < 4000; i++) {
            const uint64_t sqn = next_random(&seed) % ARRAY_LEN(taken);
            const uint64_t highest = aka_sqn_seq(aka_sqn_highest(&w));
            if (aka_sqn_check(&w, sqn) == ERR_OK) {
                assert_false(taken[sqn]);
                taken[sqn] = true;
                aka_sqn_accept(&w, sqn);
            }
            assert_true(aka_sqn_seq(aka_sqn_highest(&w)) >= highest);
        }
    }
}

/* Property: 32 vectors under way arrive in any order and all count. */
static void a_window_of_vectors_in_any_order(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (unsigned round = 0; round < 200; round++) {
        struct aka_window w = {{0}};
        struct aka_counter n;
        uint64_t sqn[AKA_WINDOW];
        aka_sqn_counter_init(&n, next_random(&seed) % 1000);
        aka_sqn_counter_grant(&n, n.seq + AKA_WINDOW);
        for (size_t i = 0; i < AKA_WINDOW; i++) {
            assert_int_equal(aka_sqn_counter_next(&n, &sqn[i]), ERR_OK);
        }
        for (size_t i = AKA_WINDOW; i > 0; i--) {
            const size_t k = (size_t)(next_random(&seed) % i);
            assert_int_equal(aka_sqn_check(&w, sqn[k]), ERR_OK);
            aka_sqn_accept(&w, sqn[k]);
            sqn[k] = sqn[i - 1];
        }
    }
}

/* Property: through crashes at any time, grants that were stored and were not, and resynchronisations, every number is above
 * all before it. */
static void no_number_is_given_twice(void **state)
{
    (void)state;
    uint64_t seed = 7, stored = 0, last = 0, sqn = 0, want = 0;
    struct aka_counter n;
    aka_sqn_counter_init(&n, stored);
    for (unsigned i = 0; i < 200000; i++) {
        const uint64_t dice = next_random(&seed) % 100;
        if (dice == 0) {
            aka_sqn_counter_init(&n, stored); /* killed: only what was stored is left */
        } else if (dice < 10) {
            assert_int_equal(aka_sqn_counter_want(&n, 1 + next_random(&seed) % 20, &want), ERR_OK);
            if (next_random(&seed) % 4 != 0) {
                stored = want;
                aka_sqn_counter_grant(&n, want);
            }
        } else if (dice == 10) {
            const uint64_t ms = aka_sqn_make(n.seq + next_random(&seed) % 50 - (n.seq > 25 ? 25 : 0), 1);
            assert_int_equal(aka_sqn_counter_catch_up(&n, ms), ERR_OK);
        } else if (aka_sqn_counter_next(&n, &sqn) == ERR_OK) {
            assert_true(aka_sqn_seq(sqn) > last);
            assert_true(aka_sqn_seq(sqn) <= stored);
            last = aka_sqn_seq(sqn);
        }
    }
    assert_true(last > 10000);
}

static void numbers_end(void **state)
{
    (void)state;
    struct aka_counter n;
    uint64_t store = 0, sqn = 0;
    aka_sqn_counter_init(&n, AKA_SEQ_MAX - 1);
    assert_int_equal(aka_sqn_counter_want(&n, 2, &store), ERR_LIMIT_CAPACITY);
    assert_int_equal(aka_sqn_counter_want(&n, 1, &store), ERR_OK);
    aka_sqn_counter_grant(&n, UINT64_MAX); /* no such number */
    assert_int_equal(aka_sqn_counter_next(&n, &sqn), ERR_SQN_UNRESERVED);
    aka_sqn_counter_grant(&n, store);
    assert_int_equal(aka_sqn_counter_next(&n, &sqn), ERR_OK);
    assert_int_equal(aka_sqn_seq(sqn), AKA_SEQ_MAX);
    assert_int_equal(aka_sqn_counter_next(&n, &sqn), ERR_SQN_UNRESERVED);
    assert_int_equal(aka_sqn_counter_want(&n, 1, &store), ERR_LIMIT_CAPACITY);
}

/* -- GBA_U ------------------------------------------------------------------------------------------------- */

static bool holds(const void *where, size_t n, const struct secret *s)
{
    return memmem(where, n, secret_view(s).p, s->n) != NULL;
}

static void a_gba_u_card_keeps_ks_and_ks_int_naf(void **state)
{
    (void)state;
    struct pair p = pair_of(AKA_MILENAGE);
    struct naf_id id;
    struct key_ks ks = {{{0}, 0}};
    struct key_ks_ext_naf ext = {{{0}, 0}}, want_ext = {{{0}, 0}};
    struct key_ks_int_naf want_int = {{{0}, 0}};
    assert_int_equal(naf_id_of(text_of("mef.example.com"), naf_id_ua_digest(), &id), ERR_OK);
    assert_int_equal(aka_card_derive(p.c, &p.card, text_of(IMPI), &id, &ext), ERR_STATE);
    challenge(&p);
    assert_int_equal(keys_ks_join(&p.v.ck, &p.v.ik, &ks), ERR_OK);
    assert_int_equal(aka_gba_u_vector(p.c, &p.v), ERR_OK);
    assert_int_equal(aka_card_bootstrap(p.c, &p.card, &p.v.rand, &p.v.autn, &p.a), ERR_OK);
    assert_true(secret_eq(&p.a.res.s, &p.v.xres.s));
    assert_false(secret_is_set(&p.a.ck.s));
    assert_false(secret_is_set(&p.a.ik.s));
    assert_false(holds(&p.a, sizeof(p.a), &p.v.ck.s));
    assert_int_equal(aka_card_derive(p.c, &p.card, text_of(IMPI), &id, &ext), ERR_OK);
    const struct keys_ks_context x = {&p.v.rand, text_of(IMPI), &id};
    assert_int_equal(keys_ks_ext_naf(p.c, &ks, &x, &want_ext), ERR_OK);
    assert_int_equal(keys_ks_int_naf(p.c, &ks, &x, &want_int), ERR_OK);
    assert_true(secret_eq(&ext.s, &want_ext.s));
    assert_false(secret_eq(&ext.s, &want_int.s));
    /* The card answers on Ua with the key that it keeps. */
    struct key_password pw = {{{0}, 0}};
    struct key_ha1 h_a1 = {{{0}, 0}};
    char response[KEYS_DIGEST_CAP];
    const struct aka_card_ua ua = {
        &id, text_of("b-tid"), text_of("3GPP-bootstrapping-uicc@mef.example.com"),
        {CRYPTO_MD5, false, text_of("n"), text_of("00000001"), text_of("c"), text_of("/"), text_of("GET"), bytes_empty()}};
    assert_int_equal(keys_password_naf(&want_int.s, &pw), ERR_OK);
    assert_int_equal(keys_digest_ha1(p.c, CRYPTO_MD5, ua.username, ua.realm, &pw, &h_a1), ERR_OK);
    assert_int_equal(aka_card_int_response(p.c, &p.card, &ua, response), ERR_OK);
    assert_int_equal(keys_digest_check(p.c, &ua.digest, &h_a1, text_of(response)), ERR_OK);
}

static void gba_u_and_gba_me_do_not_mix(void **state)
{
    (void)state;
    struct pair p = pair_of(AKA_MILENAGE);
    challenge(&p);
    assert_int_equal(aka_card_bootstrap(p.c, &p.card, &p.v.rand, &p.v.autn, &p.a), ERR_DENIED_AUTN);
    assert_false(secret_is_set(&p.card.ks.s));
    assert_int_equal(aka_gba_u_vector(p.c, &p.v), ERR_OK);
    assert_int_equal(respond(&p), ERR_DENIED_AUTN);
    assert_int_equal(aka_card_bootstrap(p.c, &p.card, &p.v.rand, &p.v.autn, &p.a), ERR_OK);
    assert_int_equal(aka_card_bootstrap(p.c, &p.card, &p.v.rand, &p.v.autn, &p.a), ERR_SQN_RANGE);
    assert_true(secret_is_set(&p.card.ks.s)); /* the former Ks stays */
    assert_int_equal(aka_auc_resync(p.c, &p.auc, &p.v.rand, &p.a.auts), ERR_OK);
}

static void the_naf_used_longest_ago_makes_room(void **state)
{
    (void)state;
    struct pair p = pair_of(AKA_MILENAGE);
    struct key_ks_ext_naf ext = {{{0}, 0}};
    struct naf_id id[AKA_CARD_NAFS + 1];
    char response[KEYS_DIGEST_CAP];
    challenge(&p);
    assert_int_equal(aka_gba_u_vector(p.c, &p.v), ERR_OK);
    assert_int_equal(aka_card_bootstrap(p.c, &p.card, &p.v.rand, &p.v.autn, &p.a), ERR_OK);
    struct aka_card_ua ua = {.id = &id[0], .digest = {.hash = CRYPTO_MD5}};
    for (size_t i = 0; i <= AKA_CARD_NAFS; i++) {
        assert_int_equal(naf_id_of(text_of("mef.example.com"), naf_id_ua_tls((uint16_t)i), &id[i]), ERR_OK);
        if (i == AKA_CARD_NAFS) { /* the first was used just now: the second goes */
            assert_int_equal(aka_card_int_response(p.c, &p.card, &ua, response), ERR_OK);
        }
        assert_int_equal(aka_card_derive(p.c, &p.card, text_of(IMPI), &id[i], &ext), ERR_OK);
    }
    for (size_t i = 0; i <= AKA_CARD_NAFS; i++) {
        ua.id = &id[i];
        assert_int_equal(aka_card_int_response(p.c, &p.card, &ua, response), i == 1 ? ERR_STATE : ERR_OK);
    }
    assert_int_equal(aka_card_derive(p.c, &p.card, text_of("nobody"), &id[0], &ext), ERR_MALFORMED_ID);
    assert_false(secret_is_set(&ext.s));
    challenge(&p); /* with the next Ks the keys of the one before are gone */
    assert_int_equal(aka_gba_u_vector(p.c, &p.v), ERR_OK);
    assert_int_equal(aka_card_bootstrap(p.c, &p.card, &p.v.rand, &p.v.autn, &p.a), ERR_OK);
    ua.id = &id[2];
    assert_int_equal(aka_card_int_response(p.c, &p.card, &ua, response), ERR_STATE);
}

/* -- keys and identifiers ------------------------------------------------------------------------------------ */

static void keys_of_a_wrong_length_are_refused(void **state)
{
    (void)state;
    struct aka_auc auc;
    struct aka_card card;
    struct aka_keys k = made_up(AKA_TUAK);
    k.lengths.mac = 16; /* right for TUAK, but AUTN has eight octets */
    assert_int_equal(aka_check_keys(&k), ERR_OK);
    assert_int_equal(aka_auc_init(&auc, &k, (struct aka_amf){{0, 0}}, 0), ERR_MALFORMED_KEY);
    assert_int_equal(aka_card_init(&card, &k), ERR_MALFORMED_KEY);
    k = made_up(AKA_MILENAGE);
    k.opc.s.n = 0;
    assert_int_equal(aka_card_init(&card, &k), ERR_MALFORMED_KEY);
    k.algorithm = AKA_ALGORITHMS;
    assert_int_equal(aka_check_keys(&k), ERR_MALFORMED_KEY);
    struct key_ak ak = {{{1}, 1}};
    struct aka_rand rand = {{0}};
    assert_int_equal(aka_f5_star(crypto_openssl(), &k, &rand, &ak), ERR_MALFORMED_KEY);
    assert_false(secret_is_set(&ak.s));
}

static void b_tids(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "@", "I1U8vpY3qJ0hiuZNrke/NQ==", "I1U8vpY3qJ0hiuZNrke/NQ==@", "I1U8vpY3qJ0hiuZNrke/NR==@bsf.example.com",
        "I1U8vpY3qJ0hiuZNrke/N===@bsf.example.com", "I1U8vpY3qJ0hiuZNrke/NQAA@bsf.example.com",
        "I1U8vpY3qJ0hiuZNrke/NQ==@bsf@example.com", " I1U8vpY3qJ0hiuZNrke/NQ=@bsf.example.com"};
    struct b_tid_parts parts;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(b_tid_parse(text_of(wrong[i]), &parts), ERR_MALFORMED_KEY_ID);
    }
    struct text bare = text_of("I1U8vpY3qJ0hiuZNrke/NQ==@bsf.example.com");
    assert_int_equal(b_tid_parse(bare, &parts), ERR_OK);
    assert_true(text_eq(b_tid_of_psk_identity(bare), bare));
    assert_true(text_eq(
        b_tid_of_psk_identity(text_of("3GPP-bootstrapping;I1U8vpY3qJ0hiuZNrke/NQ==@bsf.example.com")), bare));
}

static void impis(void **state)
{
    (void)state;
    char bsf[32];
    static const char *const wrong[] = {"", "a", "@b", "a@", "a:b@c", "a b@c", "a\"@c", "a\\@c", "a@b@c", "a@b_c", "\x7f@c"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_false(impi_is(text_of(wrong[i])));
        assert_int_equal(impi_bsf(text_of(wrong[i]), bsf, sizeof(bsf)), ERR_MALFORMED_ID);
    }
    struct impi spelled = {"Device7@SP.Example"}; /* the user keeps its case */
    impi_fold(&spelled);
    assert_string_equal(spelled.z, "Device7@sp.example");
    assert_int_equal(impi_bsf(text_of("device7@sp.example"), bsf, sizeof(bsf)), ERR_OK);
    assert_string_equal(bsf, "bsf.sp.example");
    assert_int_equal(impi_bsf(text_of(IMPI), bsf, sizeof(bsf)), ERR_LIMIT_SIZE);
}

static void naf_ids_come_apart_again(void **state)
{
    (void)state;
    struct naf_id id, back;
    assert_int_equal(naf_id_of(text_of("mef.example.com"), naf_id_ua_tls(0xc037), &id), ERR_OK);
    assert_int_equal(naf_id_parse(naf_id_view(&id), &back), ERR_OK);
    assert_true(text_eq_z(naf_id_fqdn(&back), "mef.example.com"));
    assert_memory_equal(naf_id_ua(&back).b, "\x01\x00\x01\xc0\x37", 5);
    assert_int_equal(naf_id_parse(bytes_of(id.b, GBA_UA_LEN), &back), ERR_MALFORMED_ID);
    assert_true(naf_id_fqdn(&back).n == 0);
}

/* FIPS 202: SHA3-256 of nothing is the permutation of the padding. */
static void keccak_of_nothing_is_that_of_sha3(void **state)
{
    (void)state;
    uint8_t s[KECCAK_LEN] = {0};
    char hex[2 * 32 + 1];
    struct writer w = WRITER_ARRAY(hex);
    s[0] = 0x06;
    s[135] = 0x80;
    keccak_f1600(s);
    hex_write_lower(&w, bytes_of(s, 32));
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_string_equal(hex, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
}

static err_t bad_aes(struct crypto_aes *k, struct bytes in, uint8_t *out)
{
    err_t e = crypto_openssl()->aes_blocks(k, in, out);
    out[0] ^= in.n > CRYPTO_BLOCK_LEN && in.n != 2 * CRYPTO_BLOCK_LEN; /* the self-test of the provider asks for two */
    return e;
}

static void selftest_passes_and_notices(void **state)
{
    (void)state;
    struct crypto c = *crypto_openssl();
    const char *failed = "?";
    assert_int_equal(aka_selftest_run(&c, &failed), ERR_OK);
    assert_null(failed);
    c.aes_blocks = bad_aes;
    assert_int_equal(aka_selftest_run(&c, &failed), ERR_CRYPTO_SELFTEST);
    assert_string_equal(failed, "milenage");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_agree),
        cmocka_unit_test(functions_of_one_rand_agree),
        cmocka_unit_test(autn_that_is_not_the_networks_is_refused),
        cmocka_unit_test(a_challenge_is_taken_once),
        cmocka_unit_test(auts_brings_the_network_up),
        cmocka_unit_test(a_network_too_far_ahead_does_not_go_back),
        cmocka_unit_test(window_edges),
        cmocka_unit_test(no_number_is_taken_twice),
        cmocka_unit_test(a_window_of_vectors_in_any_order),
        cmocka_unit_test(no_number_is_given_twice),
        cmocka_unit_test(numbers_end),
        cmocka_unit_test(a_gba_u_card_keeps_ks_and_ks_int_naf),
        cmocka_unit_test(gba_u_and_gba_me_do_not_mix),
        cmocka_unit_test(the_naf_used_longest_ago_makes_room),
        cmocka_unit_test(keys_of_a_wrong_length_are_refused),
        cmocka_unit_test(b_tids),
        cmocka_unit_test(impis),
        cmocka_unit_test(naf_ids_come_apart_again),
        cmocka_unit_test(keccak_of_nothing_is_that_of_sha3),
        cmocka_unit_test(selftest_passes_and_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
