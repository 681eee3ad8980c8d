#include "tls_fixture.h"

#include "shell/tls_impl.h" /* the queue of datagrams, for the client too */

#include <dirent.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

const struct peer_options fixture_good = {.identity = FIXTURE_IDENTITY, .key = FIXTURE_KEY, .sni = FIXTURE_FQDN};

static char folder[64];

/* -- files ---------------------------------------------------------------------------------------------- */

const char *fixture_path(const char *name)
{
    static char paths[8][384];
    static unsigned next;
    char *p = paths[next++ % ARRAY_LEN(paths)];
    (void)snprintf(p, sizeof(paths[0]), "%s/%s", folder, name);
    return p;
}

const char *fixture_file(const char *name, const char *suffix)
{
    char file[96];
    (void)snprintf(file, sizeof(file), "%s.%s", name, suffix);
    return fixture_path(file);
}

static void leaf_make(const char *name, const char *dns)
{
    struct pki_leaf_request rq = {.ca_cert_file = fixture_path("ca.pem"),
                                  .ca_key_file = fixture_path("ca.key"),
                                  .dns = dns,
                                  .cert_file = fixture_file(name, "pem"),
                                  .key_file = fixture_file(name, "key"),
                                  .days = 30};
    assert_int_equal(pki_leaf_make(&rq), ERR_OK);
}

int fixture_setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "%s/keystead-test-XXXXXX", P_tmpdir);
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    struct pki_ca_request rq = {.name = "made-up CA",
                                .permitted_dns = "keystead.test",
                                .cert_file = fixture_path("ca.pem"),
                                .key_file = fixture_path("ca.key"),
                                .days = 60};
    assert_int_equal(pki_ca_make(&rq), ERR_OK);
    leaf_make("server", FIXTURE_FQDN);
    leaf_make("client", "maf.keystead.test");
    return tls_thread_init(0) == ERR_OK ? 0 : -1;
}

int fixture_teardown(void **state)
{
    (void)state;
    tls_thread_cleanup();
    DIR *d = opendir(folder);
    for (struct dirent *f = d == NULL ? NULL : readdir(d); f != NULL; f = readdir(d)) {
        (void)unlink(fixture_path(f->d_name)); /* fails for . and .., as it should */
    }
    (void)closedir(d);
    return rmdir(folder);
}

/* -- certificates that pki would never make ------------------------------------------------------------- */

static void extension_add(X509 *cert, X509 *ca, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, ca, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(ext);
    assert_int_equal(X509_add_ext(cert, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

static void san_raw_add(X509 *cert, const uint8_t *der, int n)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    assert_int_equal(ASN1_OCTET_STRING_set(value, der, n), 1);
    X509_EXTENSION *ext = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value);
    assert_int_equal(X509_add_ext(cert, ext, -1), 1);
    X509_EXTENSION_free(ext);
    ASN1_OCTET_STRING_free(value);
}

void fixture_pem_put(const char *name, EVP_PKEY *key, X509 *cert)
{
    FILE *f = fopen(fixture_file(name, "key"), "w");
    assert_non_null(f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    assert_int_equal(PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(f);
    f = fopen(fixture_file(name, "pem"), "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, cert), 1);
    (void)fclose(f);
}

void fixture_cert_make(const struct fixture_cert *c)
{
    X509 *ca = NULL;
    EVP_PKEY *ca_key = NULL;
    assert_int_equal(x509_cert_load(fixture_file(c->ca, "pem"), &ca), ERR_OK);
    assert_int_equal(x509_key_load(fixture_file(c->ca, "key"), &ca_key), ERR_OK);
    EVP_PKEY *key = c->group == NULL ? EVP_RSA_gen(2048) : EVP_EC_gen(c->group);
    X509 *cert = X509_new();
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 4711), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), c->from_day * 86400));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), c->to_day * 86400));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    X509_NAME *subject = X509_get_subject_name(cert);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const unsigned char *)"made-up", -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(ca)), 1);
    if (c->key_usage != NULL) {
        extension_add(cert, ca, NID_key_usage, c->key_usage);
    }
    if (c->san != NULL) {
        extension_add(cert, ca, NID_subject_alt_name, c->san);
    }
    if (c->san_raw != NULL) {
        san_raw_add(cert, c->san_raw, c->san_raw_n);
    }
    assert_true(X509_sign(cert, ca_key, EVP_sha256()) > 0);
    fixture_pem_put(c->name, key, cert);
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

/* -- servers -------------------------------------------------------------------------------------------- */

static struct tls_ctx *ctx_make(bool psk, bool cert, bool datagram)
{
    static const char *const names[] = {FIXTURE_FQDN, "localhost", NULL};
    struct tls_ctx_config cfg = {
        .names = names, .psk = psk, .require_ems = true, .datagram = datagram, .retransmit = FIXTURE_RETRANSMIT};
    if (cert) {
        cfg.cert_file = fixture_path("server.pem");
        cfg.key_file = fixture_path("server.key");
        cfg.trust_file = fixture_path("ca.pem");
    }
    struct tls_ctx *ctx = NULL;
    char detail[ROLE_DETAIL_MAX];
    assert_int_equal(tls_ctx_new(&cfg, &ctx, detail), ERR_OK);
    return ctx;
}

struct tls_ctx *fixture_ctx_psk(void)
{
    return ctx_make(true, false, false);
}

struct tls_ctx *fixture_ctx_cert(void)
{
    return ctx_make(true, true, false);
}

struct tls_ctx *fixture_ctx_datagram(bool cert)
{
    return ctx_make(true, cert, true);
}

struct tls *server_new(struct tls_ctx *ctx)
{
    struct tls *t = NULL;
    assert_int_equal(tls_new(ctx, &t), ERR_OK);
    return t;
}

/* -- the client ----------------------------------------------------------------------------------------- */

static unsigned client_psk(SSL *ssl, const char *hint, char *identity, unsigned id_cap, unsigned char *psk,
                           unsigned cap)
{
    (void)hint;
    const struct peer *p = SSL_get_app_data(ssl);
    size_t n = strlen(p->opt.key);
    if (strlen(p->opt.identity) >= id_cap || n > cap) {
        return 0;
    }
    memcpy(identity, p->opt.identity, strlen(p->opt.identity) + 1);
    memcpy(psk, p->opt.key, n);
    return (unsigned)n;
}

static void client_message(int out, int version, int type, const void *buf, size_t n, SSL *ssl, void *arg)
{
    (void)version;
    (void)ssl;
    struct peer *p = arg;
    const uint8_t *b = buf;
    if (type == SSL3_RT_ALERT && out == 0 && n == 2 && b[0] == SSL3_AL_FATAL) {
        p->alert = b[1];
    }
}

static unsigned client_wait(SSL *ssl, unsigned us)
{
    (void)ssl;
    return us == 0 ? FIXTURE_RETRANSMIT : us * 2U;
}

void peer_open(struct peer *p, const struct peer_options *opt)
{
    *p = (struct peer){.opt = *opt, .alert = -1};
    const int version = opt->datagram ? DTLS1_2_VERSION : TLS1_2_VERSION;
    p->ctx = SSL_CTX_new(opt->datagram ? DTLS_client_method() : TLS_client_method());
    (void)SSL_CTX_set_min_proto_version(p->ctx, opt->version_min == 0 ? version : opt->version_min);
    (void)SSL_CTX_set_max_proto_version(p->ctx, opt->version_max == 0 ? version : opt->version_max);
    (void)SSL_CTX_set_options(p->ctx, opt->options);
    SSL_CTX_set_security_level(p->ctx, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(p->ctx, opt->identity == NULL ? "ALL" : "ALL:PSK-AES128-CBC-SHA256:PSK-AES128-CCM8"), 1);
    if (opt->identity != NULL) {
        SSL_CTX_set_psk_client_callback(p->ctx, client_psk);
    }
    if (opt->cert != NULL) {
        assert_int_equal(SSL_CTX_use_certificate_file(p->ctx, fixture_file(opt->cert, "pem"), SSL_FILETYPE_PEM), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(p->ctx, fixture_file(opt->cert, "key"), SSL_FILETYPE_PEM), 1);
    }
    p->ssl = SSL_new(p->ctx);
    p->method = opt->datagram ? tls_datagram_method() : NULL;
    p->in = BIO_new(opt->datagram ? p->method : BIO_s_mem());
    p->out = BIO_new(opt->datagram ? p->method : BIO_s_mem());
    if (opt->datagram) {
        (void)SSL_set_options(p->ssl, SSL_OP_NO_QUERY_MTU);
        (void)SSL_set_mtu(p->ssl, TLS_DATAGRAM_MTU);
        DTLS_set_timer_cb(p->ssl, client_wait);
    }
    SSL_set_bio(p->ssl, p->in, p->out);
    SSL_set_app_data(p->ssl, p);
    SSL_set_msg_callback(p->ssl, client_message);
    SSL_set_msg_callback_arg(p->ssl, p);
    if (opt->sni != NULL) {
        assert_int_equal(SSL_set_tlsext_host_name(p->ssl, opt->sni), 1);
    }
    SSL_set_connect_state(p->ssl);
}

void peer_close(struct peer *p)
{
    SSL_free(p->ssl);
    SSL_CTX_free(p->ctx);
    BIO_meth_free(p->method);
}

size_t peer_step(struct peer *p, uint8_t *out, size_t cap)
{
    if (!p->done) {
        ERR_clear_error();
        p->done = SSL_do_handshake(p->ssl) == 1;
        ERR_clear_error();
    }
    int n = BIO_read(p->out, out, (int)cap);
    return n > 0 ? (size_t)n : 0;
}

void peer_feed(struct peer *p, struct bytes in)
{
    assert_int_equal(BIO_write(p->in, in.p, (int)in.n), (int)in.n);
}

enum tls_state pump(struct tls *t, struct peer *p)
{
    uint8_t buf[2048]; /* a whole datagram */
    enum tls_state s = tls_step(t);
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t n = peer_step(p, buf, sizeof(buf)); n > 0; n = peer_step(p, buf, sizeof(buf))) {
            assert_int_equal(tls_feed(t, bytes_of(buf, n)), ERR_OK);
            moved = true;
        }
        s = tls_step(t);
        for (size_t n = tls_drain(t, buf, sizeof(buf)); n > 0; n = tls_drain(t, buf, sizeof(buf))) {
            peer_feed(p, bytes_of(buf, n));
            moved = true;
        }
    }
    return s;
}

enum tls_state pump_answer(struct tls *t, struct peer *p, const char *key)
{
    SCOPED(secret_wipe) struct secret s = {0};
    assert_int_equal(secret_set(&s, text_bytes(text_of(key))), ERR_OK);
    tls_answer(t, &s);
    return pump(t, p);
}
