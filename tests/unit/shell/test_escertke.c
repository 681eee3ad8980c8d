/* ESCertKE between two end points, and with openssl's own SSL as the other one: four messages, one key, every refusal. */
#include "shell/crypto_openssl.h"
#include "shell/escertke.h"
#include "tls_fixture.h"

#define AE_A "//keystead.test/Sdev1"
#define AE_B "//keystead.test/Sdev2"
#define DAY (INT64_C(86400) * USEC_PER_SEC)
#define NOW ((usec_t)time(NULL) * USEC_PER_SEC)

struct messages {
    uint8_t b[4][ESCERTKE_MESSAGE_MAX];
    struct writer w[4];
};

static void issue(const char *ca, enum cert_id_flavour f, const char *id, const char *name)
{
    char detail[ROLE_DETAIL_MAX] = "", cert[64], key[64], ca_cert[64], ca_key[64];
    (void)snprintf(cert, sizeof(cert), "%s.pem", name);
    (void)snprintf(key, sizeof(key), "%s.key", name);
    (void)snprintf(ca_cert, sizeof(ca_cert), "%s.pem", ca);
    (void)snprintf(ca_key, sizeof(ca_key), "%s.key", ca);
    const struct pki_signer signer = {fixture_path(ca_cert), fixture_path(ca_key)};
    const struct pki_holder to = {f, id, NULL};
    assert_int_equal(pki_issue(f == CERT_ID_RAW ? NULL : &signer, &to, fixture_path(key), fixture_path(cert), 30, detail), ERR_OK);
}

static int setup(void **state)
{
    int rc = fixture_setup(state);
    struct pki_ca_request rq = {.name = "made-up other CA", .permitted_dns = "keystead.test", .days = 60,
                                .cert_file = fixture_path("foreign.pem"), .key_file = fixture_path("foreign.key")};
    assert_int_equal(pki_ca_make(&rq), ERR_OK);
    issue("ca", CERT_ID_AE, AE_A, "a");
    issue("ca", CERT_ID_AE, AE_B, "b");
    issue("foreign", CERT_ID_AE, AE_B, "stranger");
    issue("ca", CERT_ID_RAW, NULL, "raw");
    return rc;
}

static struct escertke *end_of(const char *own, enum cert_id_flavour f, const char *peer, bool initiator)
{
    char cert[64], key[64], detail[ROLE_DETAIL_MAX] = "";
    (void)snprintf(cert, sizeof(cert), "%s.pem", own);
    (void)snprintf(key, sizeof(key), "%s.key", own);
    const struct escertke_config cfg = {.cert_file = fixture_path(cert), .key_file = fixture_path(key),
                                        .trust_file = fixture_path("ca.pem"), .flavour = f, .peer = peer, .lifetime = DAY};
    struct escertke *e = NULL;
    assert_int_equal(escertke_new(&cfg, initiator, &e, detail), ERR_OK);
    return e;
}

static struct messages *messages_new(void)
{
    struct messages *m = calloc(1, sizeof(*m));
    for (size_t i = 0; i < 4; i++) {
        m->w[i] = WRITER_ARRAY(m->b[i]);
    }
    return m;
}

/* Runs until somebody refuses. */
static err_t run(struct escertke *i, struct escertke *t, struct messages *m)
{
    TRY(escertke_start(i, &m->w[0]));
    TRY(escertke_recv(t, writer_view(&m->w[0]), &m->w[1]));
    TRY(escertke_recv(i, writer_view(&m->w[1]), &m->w[2]));
    TRY(escertke_recv(t, writer_view(&m->w[2]), &m->w[3]));
    struct writer none = writer_of(NULL, 0);
    return escertke_recv(i, writer_view(&m->w[3]), &none);
}

static err_t try_with(const char *a, const char *b, enum cert_id_flavour f, const char *a_wants, const char *b_wants)
{
    struct escertke *i = end_of(a, f, a_wants, true);
    struct escertke *t = end_of(b, f, b_wants, false);
    struct messages *m = messages_new();
    err_t e = run(i, t, m);
    struct esprim_key k;
    assert_int_equal(escertke_is_done(i), e == ERR_OK);
    if (e != ERR_OK) {
        assert_int_equal(escertke_key(i, NOW, &k), ERR_STATE);
    }
    escertke_free(i);
    escertke_free(t);
    free(m);
    return e;
}

static void four_messages_make_one_key(void **state)
{
    (void)state;
    struct escertke *i = end_of("a", CERT_ID_AE, AE_B, true);
    struct escertke *t = end_of("b", CERT_ID_AE, AE_A, false);
    struct messages *m = messages_new();
    struct esprim_key ki, kt;
    assert_int_equal(escertke_key(i, NOW, &ki), ERR_STATE); /* not before the end */
    assert_int_equal(run(i, t, m), ERR_OK);
    assert_true(escertke_is_done(i) && escertke_is_done(t));
    for (size_t n = 0; n < 4; n++) {
        assert_true(m->w[n].n > 0);
    }
    assert_int_equal(escertke_key(i, NOW, &ki), ERR_OK);
    assert_int_equal(escertke_key(t, NOW, &kt), ERR_OK);
    assert_true(secret_eq(&ki.k.s, &kt.k.s));
    assert_string_equal(ki.id, kt.id);
    assert_int_equal(strlen(ki.id), 32);
    assert_int_equal(ki.suid, 43);
    assert_string_equal(ki.peer, AE_B);
    assert_string_equal(kt.peer, AE_A);
    assert_true(ki.not_after <= NOW + DAY && ki.not_after > NOW + DAY - 60 * USEC_PER_SEC);
    assert_int_equal(escertke_key(i, NOW, &ki), ERR_STATE); /* one key a handshake */
    struct writer none = writer_of(NULL, 0);
    assert_int_equal(escertke_recv(t, writer_view(&m->w[2]), &none), ERR_STATE); /* nor a fifth message */
    assert_int_equal(esprim_box_key_check(&kt, NOW), ERR_OK);
    esprim_box_key_wipe(&ki);
    esprim_box_key_wipe(&kt);
    escertke_free(i);
    escertke_free(t);
    free(m);
}

static void two_runs_make_two_keys(void **state)
{
    (void)state;
    struct esprim_key k[2];
    for (size_t n = 0; n < 2; n++) {
        struct escertke *i = end_of("a", CERT_ID_AE, AE_B, true);
        struct escertke *t = end_of("b", CERT_ID_AE, AE_A, false);
        struct messages *m = messages_new();
        assert_int_equal(run(i, t, m), ERR_OK);
        assert_int_equal(escertke_key(i, NOW, &k[n]), ERR_OK);
        escertke_free(i);
        escertke_free(t);
        free(m);
    }
    assert_false(secret_eq(&k[0].k.s, &k[1].k.s));
    assert_string_not_equal(k[0].id, k[1].id);
}

static void the_identity_is_compared_exactly(void **state)
{
    (void)state;
    assert_int_equal(try_with("a", "b", CERT_ID_AE, AE_B, AE_A), ERR_OK);
    assert_int_equal(try_with("a", "b", CERT_ID_AE, AE_A, AE_A), ERR_DENIED_CERT_NAME);        /* the initiator refuses */
    assert_int_equal(try_with("a", "b", CERT_ID_AE, AE_B, AE_B), ERR_DENIED_CERT_NAME);        /* the target refuses */
    assert_int_equal(try_with("a", "b", CERT_ID_AE, "//keystead.test/Sdev", AE_A), ERR_DENIED_CERT_NAME);
    assert_int_equal(try_with("a", "server", CERT_ID_AE, AE_B, AE_A), ERR_DENIED_CERT_NAME);   /* another flavour */
    assert_int_equal(try_with("a", "stranger", CERT_ID_AE, AE_B, AE_A), ERR_DENIED_CERT_CA);
    assert_int_equal(try_with("stranger", "b", CERT_ID_AE, AE_B, AE_B), ERR_DENIED_CERT_CA);
    assert_int_equal(try_with("a", "raw", CERT_ID_AE, AE_B, AE_A), ERR_DENIED_CERT_CA);
}

static void raw_keys_by_their_identifier(void **state)
{
    (void)state;
    char id[2][128];
    static const char *const files[] = {"raw.pem", "a.pem"};
    for (size_t i = 0; i < 2; i++) {
        struct writer w = WRITER_ARRAY(id[i]);
        assert_int_equal(pki_show_key_id(fixture_path(files[i]), 256, &w), ERR_OK);
        assert_int_equal(writer_finish_z(&w), ERR_OK);
    }
    struct escertke *i = end_of("a", CERT_ID_RAW, id[0], true);
    struct escertke *t = end_of("raw", CERT_ID_AE, AE_A, false);
    struct messages *m = messages_new();
    assert_int_equal(run(i, t, m), ERR_OK);
    escertke_free(i);
    escertke_free(t);
    free(m);
    assert_int_equal(try_with("a", "raw", CERT_ID_RAW, id[1], id[1]), ERR_DENIED_CERT_NAME);
}

static void each_message_changed_cut_or_repeated(void **state)
{
    (void)state;
    for (size_t which = 0; which < 4; which++) {
        for (size_t cut = 0; cut < 3; cut++) {
            struct escertke *e[2] = {end_of("a", CERT_ID_AE, AE_B, true), end_of("b", CERT_ID_AE, AE_A, false)};
            struct messages *m = messages_new();
            err_t r = escertke_start(e[0], &m->w[0]);
            for (size_t n = 0; n < 4 && r == ERR_OK; n++) {
                struct bytes msg = writer_view(&m->w[n]);
                if (n == which) {
                    msg.n -= cut == 0 ? 1 : 0;
                    m->b[n][msg.n / 2] ^= cut == 1;
                    m->w[n].n += cut == 2;
                    msg = cut == 2 ? writer_view(&m->w[n]) : msg; /* an octet more */
                }
                struct writer none = writer_of(NULL, 0);
                r = escertke_recv(e[1 - n % 2], msg, n < 3 ? &m->w[n + 1] : &none);
            }
            assert_false(escertke_is_done(e[0]) && escertke_is_done(e[1]) && r == ERR_OK);
            escertke_free(e[0]);
            escertke_free(e[1]);
            free(m);
        }
    }
    struct escertke *t = end_of("b", CERT_ID_AE, AE_A, false);
    uint8_t out[1024];
    struct writer w = WRITER_ARRAY(out);
    assert_int_equal(escertke_start(t, &w), ERR_STATE);
    assert_int_equal(escertke_recv(t, bytes_empty(), &w), ERR_OBJECT_MALFORMED);
    assert_int_equal(escertke_recv(t, bytes_empty(), &w), ERR_STATE); /* dead after an error */
    escertke_free(t);
}

/* Another party's TLS without the extended master secret: its key could be made to agree with a third one's. */
static void what_the_other_side_must_offer(void **state)
{
    (void)state;
    static const struct { const char *suites; uint64_t options; err_t expected; } rows[] = {
        {"ECDHE-ECDSA-AES128-SHA256", 0, ERR_OK},
        {"ECDHE-ECDSA-AES128-SHA256", SSL_OP_NO_EXTENDED_MASTER_SECRET, ERR_DENIED_TLS},
        {"ECDHE-ECDSA-AES256-GCM-SHA384", 0, ERR_DENIED_TLS},
    };
    for (size_t n = 0; n < ARRAY_LEN(rows); n++) {
        struct escertke *t = end_of("b", CERT_ID_AE, AE_A, false);
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
        assert_int_equal(SSL_CTX_set_cipher_list(ctx, rows[n].suites), 1);
        (void)SSL_CTX_set_options(ctx, rows[n].options);
        assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, fixture_path("a.pem")), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, fixture_path("a.key"), SSL_FILETYPE_PEM), 1);
        SSL *ssl = SSL_new(ctx);
        BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl, in, out);
        SSL_set_connect_state(ssl);
        err_t r = ERR_OK;
        for (int step = 0; step < 2 && r == ERR_OK; step++) {
            uint8_t b[ESCERTKE_MESSAGE_MAX], back[ESCERTKE_MESSAGE_MAX];
            struct writer w = WRITER_ARRAY(back);
            (void)SSL_do_handshake(ssl);
            int got = BIO_read(out, b, sizeof(b));
            r = escertke_recv(t, bytes_of(b, got > 0 ? (size_t)got : 0), &w);
            (void)BIO_write(in, back, (int)w.n);
        }
        assert_int_equal(r, rows[n].expected);
        if (r == ERR_OK) { /* the same 48 octets on a stack that is not ours to drive */
            struct esprim_key k;
            uint8_t x[KEYS_EXPORT_LEN];
            assert_int_equal(SSL_do_handshake(ssl), 1);
            assert_int_equal(SSL_export_keying_material(ssl, x, sizeof(x), KEYS_LABEL_ESCERTKE, strlen(KEYS_LABEL_ESCERTKE), NULL, 0, 0), 1);
            assert_int_equal(escertke_key(t, NOW, &k), ERR_OK);
            assert_memory_equal(secret_view(&k.k.s).p, x + 16, 32);
        }
        SSL_free(ssl);
        SSL_CTX_free(ctx);
        escertke_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_messages_make_one_key),
        cmocka_unit_test(two_runs_make_two_keys),
        cmocka_unit_test(the_identity_is_compared_exactly),
        cmocka_unit_test(raw_keys_by_their_identifier),
        cmocka_unit_test(each_message_changed_cut_or_repeated),
        cmocka_unit_test(what_the_other_side_must_offer),
    };
    return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
