/* The device's side of Ub: vectors, the BSF's side in the same process, and each thing that it must not believe. */
#include "aka/aka_gba_u.h"
#include "base/hex.h"
#include "proto/ub.h"
#include "proto/ub_ue.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define IMPI "001010123456789@ims.mnc001.mcc001.3gppnetwork.org"
#define BSF "bsf.mnc001.mcc001.pub.3gppnetwork.org"

struct fixture {
    const struct crypto *c;
    struct ub_bsf bsf;
    struct aka_auc auc;
    struct aka_card card;
    struct aka_vector v;
    struct ub_ue ue;
    struct ub_ue_conf conf;
    char request[2048], header[2048], body[8192];
    size_t body_n;
};

static void hex(const char *z, struct secret *out)
{
    uint8_t b[64];
    size_t n = 0;
    for (; z[2 * n] != '\0'; n++) {
        unsigned v = 0;
        assert_int_equal(sscanf(z + 2 * n, "%2x", &v), 1);
        b[n] = (uint8_t)v;
    }
    assert_int_equal(secret_set(out, bytes_of(b, n)), ERR_OK);
}

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->c = crypto_openssl();
    f->bsf = (struct ub_bsf){f->c, text_of(BSF), DIGEST_AKAV1_MD5};
    struct aka_keys keys = aka_keys_milenage();
    hex("465b5ce8b199b49faa5f0a2ee238a6bc", &keys.k.s);
    hex("cd63cb71954a9f4e48a5994e37a02baf", &keys.opc.s);
    assert_int_equal(aka_auc_init(&f->auc, &keys, (struct aka_amf){{0x80, 0}}, 100), ERR_OK);
    assert_int_equal(aka_card_init(&f->card, &keys), ERR_OK);
    f->conf = (struct ub_ue_conf){.crypto = f->c, .impi = text_of(IMPI), .bsf = text_of(BSF)};
    ub_ue_start(&f->ue, &f->conf);
}

/* -- the BSF, as far as it goes without a store ---------------------------------------------------------- */
static void vector(struct fixture *f)
{
    struct aka_rand rand;
    uint64_t seq = 0;
    assert_int_equal(aka_sqn_counter_want(&f->auc.counter, 1, &seq), ERR_OK);
    aka_sqn_counter_grant(&f->auc.counter, seq);
    assert_int_equal(f->c->random(rand.b, sizeof(rand.b)), ERR_OK);
    assert_int_equal(aka_auc_vector(f->c, &f->auc, &rand, &f->v), ERR_OK);
}

static struct ub_ue_reply challenge(struct fixture *f, bool stale)
{
    struct writer w = WRITER_ARRAY(f->header);
    vector(f);
    if (f->conf.card_keeps_ks) {
        assert_int_equal(aka_gba_u_vector(f->c, &f->v), ERR_OK);
    }
    assert_int_equal(ub_challenge(&f->bsf, &f->v.rand, &f->v.autn, stale, &w), ERR_OK);
    return (struct ub_ue_reply){.status = 401, .challenge = writer_view_text(&w), .now = NOW};
}

static struct text send(struct fixture *f)
{
    struct writer w = WRITER_ARRAY(f->request);
    assert_int_equal(ub_ue_request(&f->ue, &w), ERR_OK);
    assert_int_equal(ub_ue_request(&f->ue, &w), ERR_BUG); /* one at a time */
    return writer_view_text(&w);
}

static err_t card(struct fixture *f)
{
    struct aka_answer a;
    err_t e = f->conf.card_keeps_ks ? aka_card_bootstrap(f->c, &f->card, &f->ue.rand, &f->ue.autn, &a)
                                    : aka_card_authenticate(f->c, &f->card, &f->ue.rand, &f->ue.autn, &a);
    e = ub_ue_card(&f->ue, e, &a);
    aka_card_answer_wipe(&a);
    return e;
}

static void set_body(struct fixture *f, const char *b_tid, const char *lifetime)
{
    int n = snprintf(f->body, sizeof(f->body),
                     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BootstrappingInfo xmlns=\"uri:3gpp-gba\">\n<btid>%s</btid>\n"
                     "<lifetime>%s</lifetime>\n</BootstrappingInfo>\n", b_tid, lifetime);
    f->body_n = (size_t)n;
}

/* What the BSF makes of the last request: checks it and signs f->body. */
static struct ub_ue_reply success(struct fixture *f, struct text authorization)
{
    static char scratch[DIGEST_TEXT_MAX];
    struct writer s = WRITER_ARRAY(scratch);
    struct writer w = WRITER_ARRAY(f->header);
    struct ub_request rq;
    struct ub_expected x = {.autn = f->v.autn, .res = f->v.xres, .ck = f->v.ck, .ik = f->v.ik};
    const struct ub_message m = {authorization, bytes_empty()};
    struct bytes body = bytes_of((const uint8_t *)f->body, f->body_n);
    assert_int_equal(ub_read(&f->bsf, &m, &s, &rq), ERR_OK);
    assert_int_equal(rq.step, UB_ANSWER);
    struct key_ha1 h_a1 = {0};
    assert_int_equal(ub_finish(&f->bsf, &rq, &h_a1, body, &w), ERR_MALFORMED_KEY);
    const struct ub_expected other = {.autn = x.autn, .res = {{{'?'}, 8}}, .ck = x.ck, .ik = x.ik};
    assert_int_equal(ub_check(&f->bsf, &rq, &other, &h_a1), ERR_DENIED_DIGEST);
    assert_false(secret_is_set(&h_a1.s)); /* of a right answer alone */
    assert_int_equal(ub_check(&f->bsf, &rq, &x, &h_a1), ERR_OK);
    assert_int_equal(ub_finish(&f->bsf, &rq, &h_a1, body, &w), ERR_OK);
    return (struct ub_ue_reply){.status = 200, .info = writer_view_text(&w), .body = body, .now = NOW};
}

static void own_body(struct fixture *f, const char *lifetime)
{
    struct b_tid b;
    assert_int_equal(b_tid_of(&f->v.rand, text_of(BSF), &b), ERR_OK);
    set_body(f, b.z, lifetime);
}

static void to_answer(struct fixture *f)
{
    (void)send(f);
    const struct ub_ue_reply r = challenge(f, false);
    assert_int_equal(ub_ue_reply(&f->ue, &r), ERR_OK);
    assert_int_equal(f->ue.step, UB_UE_CARD);
    assert_int_equal(card(f), ERR_OK);
    assert_int_equal(f->ue.step, UB_UE_ANSWER);
}

static void nothing_is_left(const struct fixture *f)
{
    assert_int_equal(f->ue.step, UB_UE_FAILED);
    assert_false(secret_is_set(&f->ue.ks.s));
    assert_false(secret_is_set(&f->ue.candidate.s));
}

/* -- success ----------------------------------------------------------------------------------------------- */
/* R001-125, R001-126, R001-127, R001-129, R001-130 */
static void test_both_sides_share_ks(void **state)
{
    (void)state;
    for (int v2 = 0; v2 < 2; v2++) {
        struct fixture f;
        struct key_ks ks = {0};
        begin(&f);
        f.bsf.algorithm = v2 ? DIGEST_AKAV2_MD5 : DIGEST_AKAV1_MD5;
        to_answer(&f);
        own_body(&f, "2030-01-01T00:00:00Z");
        const struct ub_ue_reply r = success(&f, send(&f));
        assert_int_equal(ub_ue_reply(&f.ue, &r), ERR_OK);
        assert_int_equal(f.ue.step, UB_UE_DONE);
        assert_int_equal(keys_ks_join(&f.v.ck, &f.v.ik, &ks), ERR_OK);
        assert_true(secret_eq(&ks.s, &f.ue.ks.s));
        assert_int_equal(f.ue.not_after, INT64_C(1893456000) * USEC_PER_SEC);
        assert_non_null(strstr(f.ue.b_tid.z, "@" BSF));
        ub_ue_wipe(&f.ue);
        assert_false(secret_is_set(&f.ue.ks.s));
    }
}

/* With GBA_U Ks is in the card and nowhere else; and AKAv2, which would need CK and IK, is refused. */
static void test_a_card_that_keeps_ks(void **state)
{
    (void)state;
    struct fixture f;
    struct key_ks ks = {0};
    begin(&f);
    f.conf.card_keeps_ks = true;
    ub_ue_start(&f.ue, &f.conf);
    to_answer(&f);
    own_body(&f, "2030-01-01T00:00:00Z");
    const struct ub_ue_reply r = success(&f, send(&f));
    assert_int_equal(ub_ue_reply(&f.ue, &r), ERR_OK);
    assert_false(secret_is_set(&f.ue.ks.s));
    assert_int_equal(keys_ks_join(&f.v.ck, &f.v.ik, &ks), ERR_OK);
    assert_true(secret_eq(&ks.s, &f.card.ks.s));
    f.bsf.algorithm = DIGEST_AKAV2_MD5;
    ub_ue_start(&f.ue, &f.conf);
    (void)send(&f);
    const struct ub_ue_reply v2 = challenge(&f, false);
    assert_int_equal(ub_ue_reply(&f.ue, &v2), ERR_DENIED_UB_WEAK);
}

/* The vectors of the Digest lines: Milenage set 1, cnonce 0a4f113b. */
static void test_vectors(void **state)
{
    (void)state;
    struct fixture f;
    struct aka_answer a = {0};
    begin(&f);
    (void)send(&f);
    const struct ub_ue_reply r = {.status = 401, .now = NOW, .challenge = text_of("Digest realm=\"" BSF "\", nonce=\"I1U8vpY3qJ0hiuZNrke/"
        "NVXzKLQ1d7m5Sp/6w1Tfr7M=\", algorithm=AKAv1-MD5, qop=\"auth-int\"")};
    assert_int_equal(ub_ue_reply(&f.ue, &r), ERR_OK);
    hex("a54211d5e3ba50bf", &a.res.s);
    hex("b40ba9a3c58b2a05bbf0d987b21bf8cb", &a.ck.s);
    hex("f769bcd751044604127672711c6d3441", &a.ik.s);
    assert_int_equal(ub_ue_card(&f.ue, ERR_OK, &a), ERR_OK);
    strcpy(f.ue.cnonce, "0a4f113b");
    (void)send(&f);
    assert_non_null(strstr(f.request, "response=\"26d91881d4f34c67c3c171426686ad62\""));
    set_body(&f, "I1U8vpY3qJ0hiuZNrke/NQ==@" BSF, "2030-01-01T00:00:00Z");
    const struct ub_ue_reply ok = {.status = 200, .now = NOW, .body = bytes_of((const uint8_t *)f.body, f.body_n),
        .info = text_of("qop=auth-int, rspauth=\"a490f667d97f42f1e7d7a825ca7d5980\", cnonce=\"0a4f113b\", nc=00000001")};
    assert_int_equal(ub_ue_reply(&f.ue, &ok), ERR_OK);
    struct key_ks ks = {0};
    hex("b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441", &ks.s);
    assert_true(secret_eq(&ks.s, &f.ue.ks.s));
    begin(&f); /* the failed synchronisation of the same card */
    (void)send(&f);
    assert_int_equal(ub_ue_reply(&f.ue, &r), ERR_OK);
    static const uint8_t auts[] = {0xba, 0x85, 0x3f, 0x3c, 0x13, 0x3b, 0x81, 0xe8, 0xd4, 0x02, 0x5b, 0x8e, 0x6c, 0x4a};
    memcpy(a.auts.b, auts, sizeof(auts));
    assert_int_equal(ub_ue_card(&f.ue, ERR_SQN_RANGE, &a), ERR_OK);
    strcpy(f.ue.cnonce, "0a4f113b");
    (void)send(&f);
    assert_non_null(strstr(f.request, "auts=\"uoU/PBM7gejUAluObEo=\""));
    assert_non_null(strstr(f.request, "response=\"9a8bad61a1e6d2b158374c79d9e198ed\""));
}

/* -- sequence numbers ---------------------------------------------------------------------------------------- */
static void test_resynchronisation(void **state)
{
    (void)state;
    static char scratch[DIGEST_TEXT_MAX];
    struct fixture f;
    begin(&f);
    to_answer(&f); /* the card is at 101 now, and the network is put back */
    f.auc.counter = (struct aka_counter){.seq = 10, .reserved = 10};
    ub_ue_start(&f.ue, &f.conf);
    (void)send(&f);
    const struct ub_ue_reply r = challenge(&f, false);
    assert_int_equal(ub_ue_reply(&f.ue, &r), ERR_OK);
    while (card(&f) == ERR_OK && f.ue.step == UB_UE_ANSWER) { /* another IND, whose numbers are still free */
        ub_ue_start(&f.ue, &f.conf);
        (void)send(&f);
        const struct ub_ue_reply again = challenge(&f, false);
        assert_int_equal(ub_ue_reply(&f.ue, &again), ERR_OK);
    }
    assert_int_equal(f.ue.step, UB_UE_RESYNC);
    struct writer s = WRITER_ARRAY(scratch);
    struct ub_request rq;
    const struct ub_expected nothing = {.autn = f.v.autn};
    struct key_ha1 h_a1 = {0};
    const struct ub_message m = {send(&f), bytes_empty()};
    assert_int_equal(ub_read(&f.bsf, &m, &s, &rq), ERR_OK);
    assert_int_equal(rq.step, UB_RESYNC);
    assert_int_equal(ub_check(&f.bsf, &rq, &nothing, &h_a1), ERR_OK);
    assert_int_equal(aka_auc_resync(f.c, &f.auc, &f.v.rand, &rq.auts), ERR_OK);
    const struct ub_ue_reply next = challenge(&f, false);
    assert_int_equal(ub_ue_reply(&f.ue, &next), ERR_OK);
    assert_int_equal(card(&f), ERR_OK);
    own_body(&f, "2030-01-01T00:00:00Z");
    const struct ub_ue_reply ok = success(&f, send(&f));
    assert_int_equal(ub_ue_reply(&f.ue, &ok), ERR_OK);
}

/* A network that does not catch up: no second resynchronisation. */
static void test_sqn_too_old_twice(void **state)
{
    (void)state;
    struct fixture f;
    struct aka_answer a = {0};
    begin(&f);
    for (int i = 0; i < 2; i++) {
        (void)send(&f);
        const struct ub_ue_reply r = challenge(&f, false);
        assert_int_equal(ub_ue_reply(&f.ue, &r), ERR_OK);
        assert_int_equal(ub_ue_card(&f.ue, ERR_SQN_RANGE, &a), i == 0 ? ERR_OK : ERR_SQN_RANGE);
    }
    nothing_is_left(&f);
}

static void test_a_network_without_the_key(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.auc.keys.k.s.b[0] ^= 1;
    (void)send(&f);
    const struct ub_ue_reply r = challenge(&f, false);
    assert_int_equal(ub_ue_reply(&f.ue, &r), ERR_OK);
    assert_int_equal(card(&f), ERR_DENIED_AUTN);
    nothing_is_left(&f);
    struct writer w = WRITER_ARRAY(f.request);
    assert_int_equal(ub_ue_request(&f.ue, &w), ERR_BUG); /* nothing usable goes out */
}

/* -- challenges that are none ---------------------------------------------------------------------------------- */
static void test_challenges(void **state)
{
    (void)state;
#define NONCE "nonce=\"I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M=\""
    static const struct {
        const char *header;
        err_t e;
    } rows[] = {
        {"Digest realm=\"bsf.foreign.example\", " NONCE ", algorithm=AKAv1-MD5, qop=\"auth-int\"", ERR_DENIED_REALM},
        {"Digest realm=\"" BSF "\", " NONCE ", algorithm=MD5, qop=\"auth-int\"", ERR_DENIED_UB_WEAK},
        {"Digest realm=\"" BSF "\", " NONCE ", qop=\"auth-int\"", ERR_DENIED_UB_WEAK},
        {"Digest realm=\"" BSF "\", " NONCE ", algorithm=AKAv1-MD5, qop=\"auth\"", ERR_DENIED_UB_WEAK},
        {"Digest realm=\"" BSF "\", " NONCE ", algorithm=AKAv1-MD5", ERR_DENIED_UB_WEAK},
        {"Digest realm=\"" BSF "\", nonce=\"AAAA\", algorithm=AKAv1-MD5, qop=\"auth-int\"", ERR_MALFORMED_NONCE},
        {"Digest realm=\"" BSF "\", nonce=\"?\", algorithm=AKAv1-MD5, qop=\"auth-int\"", ERR_MALFORMED_NONCE},
        {"Basic realm=\"" BSF "\"", ERR_MALFORMED_DIGEST},
        {"", ERR_MALFORMED_DIGEST},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;
        begin(&f);
        (void)send(&f);
        const struct ub_ue_reply r = {.status = 401, .challenge = text_of(rows[i].header), .now = NOW};
        assert_int_equal(ub_ue_reply(&f.ue, &r), rows[i].e);
        nothing_is_left(&f);
    }
}

static void test_stale(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    to_answer(&f);
    for (int i = 0; i < 3; i++) {
        (void)send(&f);
        const struct ub_ue_reply r = challenge(&f, true);
        assert_int_equal(ub_ue_reply(&f.ue, &r), i < 2 ? ERR_OK : ERR_DENIED_STALE);
        assert_int_equal(i < 2 ? card(&f) : ERR_OK, ERR_OK);
    }
    nothing_is_left(&f);
    begin(&f);
    to_answer(&f);
    (void)send(&f);
    const struct ub_ue_reply r = challenge(&f, false); /* RES was wrong */
    assert_int_equal(ub_ue_reply(&f.ue, &r), ERR_DENIED_DIGEST);
    nothing_is_left(&f);
}

/* -- other answers --------------------------------------------------------------------------------------------- */
static void test_statuses(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        err_t e;
    } rows[] = {{403, ERR_PEER_REFUSED}, {404, ERR_PEER_REFUSED}, {200, ERR_PEER_NONSENSE}, {302, ERR_PEER_NONSENSE},
                {500, ERR_PEER_NONSENSE}, {0, ERR_PEER_NONSENSE}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;
        begin(&f);
        (void)send(&f);
        const struct ub_ue_reply r = {.status = rows[i].status, .now = NOW};
        assert_int_equal(ub_ue_reply(&f.ue, &r), rows[i].e);
        nothing_is_left(&f);
        assert_int_equal(ub_ue_reply(&f.ue, &r), ERR_BUG); /* nothing was sent */
    }
}

/* A TMPI goes first; a BSF that has forgotten it hears the IMPI. */
static void test_tmpi(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.conf.tmpi = text_of("NdfNQvvGWK4SGbs7c17alrZHQXyhEcrW@tmpi.bsf.3gppnetwork.org");
    ub_ue_start(&f.ue, &f.conf);
    (void)send(&f);
    assert_non_null(strstr(f.request, "username=\"NdfNQvvGWK4SGbs7c17alrZHQXyhEcrW@tmpi"));
    assert_null(strstr(f.request, "001010123456789"));
    const struct ub_ue_reply r = {.status = 403, .now = NOW};
    assert_int_equal(ub_ue_reply(&f.ue, &r), ERR_OK);
    (void)send(&f);
    assert_non_null(strstr(f.request, "username=\"" IMPI));
    assert_int_equal(ub_ue_reply(&f.ue, &r), ERR_PEER_REFUSED);
}

/* -- successes that are none ------------------------------------------------------------------------------------- */
static void finish_is(struct fixture *f, err_t e)
{
    const struct ub_ue_reply r = success(f, send(f));
    assert_int_equal(ub_ue_reply(&f->ue, &r), e);
    nothing_is_left(f);
}

static void test_rspauth(void **state)
{
    (void)state;
    struct fixture f;
    for (int i = 0; i < 5; i++) {
        begin(&f);
        to_answer(&f);
        own_body(&f, "2030-01-01T00:00:00Z");
        struct ub_ue_reply r = success(&f, send(&f));
        char *at = strstr(f.header, "rspauth=\"");
        assert_non_null(at);
        switch (i) {
        case 0: at[9] = at[9] == '0' ? '1' : '0'; break;
        case 1: r.info = text_empty(); break;
        case 2: f.body[f.body_n - 1] = ' '; break;                  /* the body was changed */
        case 3: r.info = text_of("qop=auth-int"); break;
        default: strstr(f.header, "nc=0000000")[10] = '2'; break; /* of another answer */
        }
        assert_int_equal(ub_ue_reply(&f.ue, &r), ERR_DENIED_RSPAUTH);
        nothing_is_left(&f);
    }
}

static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *lifetime;
        err_t e;
    } rows[] = {{"2001-01-01T00:00:00Z", ERR_DENIED_KS_LIFETIME}, {"9999-01-01T00:00:00Z", ERR_DENIED_KS_LIFETIME},
                {"2030-01-01T00:00:00+01:00", ERR_MALFORMED_TIME}, {"soon", ERR_MALFORMED_TIME}, {"", ERR_MALFORMED_XML}};
    struct fixture f;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(&f);
        to_answer(&f);
        own_body(&f, rows[i].lifetime);
        finish_is(&f, rows[i].e);
    }
    begin(&f);
    to_answer(&f);
    set_body(&f, "I1U8vpY3qJ0hiuZNrke/NQ==@" BSF, "2030-01-01T00:00:00Z");
    finish_is(&f, ERR_DENIED_B_TID_FOREIGN);
    begin(&f);
    to_answer(&f);
    set_body(&f, "not a B-TID", "2030-01-01T00:00:00Z");
    finish_is(&f, ERR_MALFORMED_KEY_ID);
    begin(&f);
    to_answer(&f);
    f.body_n = (size_t)snprintf(f.body, sizeof(f.body), "<!DOCTYPE x [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>"
                                "<BootstrappingInfo xmlns=\"uri:3gpp-gba\"><btid>&b;</btid></BootstrappingInfo>");
    finish_is(&f, ERR_XML_DOCTYPE);
    begin(&f);
    to_answer(&f);
    memset(f.body, ' ', sizeof(f.body));
    f.body_n = BSF_INFO_MAX + 1;
    finish_is(&f, ERR_LIMIT_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_sides_share_ks), cmocka_unit_test(test_a_card_that_keeps_ks),
        cmocka_unit_test(test_vectors),             cmocka_unit_test(test_resynchronisation),
        cmocka_unit_test(test_sqn_too_old_twice),   cmocka_unit_test(test_a_network_without_the_key),
        cmocka_unit_test(test_challenges),          cmocka_unit_test(test_stale),
        cmocka_unit_test(test_statuses),            cmocka_unit_test(test_tmpi),
        cmocka_unit_test(test_rspauth),             cmocka_unit_test(test_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
