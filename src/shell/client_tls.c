#include "shell/client_tls.h"

#include "base/reader.h"
#include "shell/clock.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

/* R000-32, R000-33, R002-82, R002-83: each gives session keys, and with them confidentiality and integrity of a secure channel. */
#define SUITE_PSK "PSK-AES128-CBC-SHA256"             /* TS-0003 10.2.2 */
#define SUITE_CERTIFICATE "ECDHE-ECDSA-AES128-SHA256" /* TS-0003 10.2.3; the server signs first, then we (R001-16) */
#define SUITE_DTLS_PSK "PSK-AES128-CCM8"
#define SUITE_DTLS_CERTIFICATE "ECDHE-ECDSA-AES128-CCM8"

static int slot(void)
{
    static int index = -1; /* of our pointer in an SSL_CTX; the processes here have one thread that does TLS */
    if (index < 0) {
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    }
    return index;
}

static struct client_tls *of(const SSL *ssl)
{
    return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot());
}

static void fail(struct client_tls *c, err_t e)
{
    c->reason = c->reason == ERR_OK ? e : c->reason; /* the first reason is the cause */
}

/* -- callbacks of OpenSSL ------------------------------------------------------------------------------ */
struct psk_room {
    char *identity;
    size_t identity_max;
    unsigned char *psk;
    size_t psk_max;
};

static unsigned psk_put(const struct psk_room *r, struct text identity, const struct secret *psk)
{
    const struct bytes key = secret_view(psk);
    if (key.n > r->psk_max || text_copy(identity, r->identity, r->identity_max) != ERR_OK) {
        return 0;
    }
    memcpy(r->psk, key.p, key.n);
    return (unsigned)key.n;
}

/* The ServerHello has come: the suite is known. */
static unsigned psk_ask(SSL *ssl, struct client_tls *c, const char *hint, const struct psk_room *r)
{
    const SSL_CIPHER *suite = SSL_get_pending_cipher(ssl);
    char identity[KEYID_MAX] = "";
    SCOPED(secret_wipe) struct secret psk = {0};
    err_t e = suite == NULL ? ERR_BUG
                            : c->psk_of(c->psk_arg, text_of(hint), SSL_CIPHER_get_protocol_id(suite), identity, &psk);
    if (e != ERR_OK) {
        fail(c, e);
        return 0;
    }
    return psk_put(r, text_of(identity), &psk);
}

static unsigned psk_cb(SSL *ssl, const char *hint, char *identity, unsigned identity_max, unsigned char *psk,
                       unsigned psk_max)
{
    struct client_tls *c = of(ssl);
    const struct psk_room r = {identity, identity_max, psk, psk_max};
    if (c == NULL || !client_tls_by_psk(c)) {
        return 0;
    }
    return c->psk_of != NULL ? psk_ask(ssl, c, hint, &r) : psk_put(&r, c->psk_identity, c->psk);
}

static err_t name_check(X509 *leaf, const char *fqdn)
{
    struct role_cert names;
    void *store = NULL;
    TRY(x509_names(leaf, &names, &store));
    err_t e = x509_fqdn_check(&names, text_of(fqdn));
    x509_names_free(store);
    return e;
}

static int verify_cb(X509_STORE_CTX *x, void *arg)
{
    struct client_tls *c = arg;
    if (X509_verify_cert(x) != 1) {
        fail(c, x509_reason(X509_STORE_CTX_get_error(x)));
        return 0;
    }
    X509 *leaf = X509_STORE_CTX_get0_cert(x);
    err_t e = leaf == NULL ? ERR_DENIED_CERT_MISSING : name_check(leaf, c->fqdn);
    if (e != ERR_OK) {
        fail(c, e);
        X509_STORE_CTX_set_error(x, X509_V_ERR_HOSTNAME_MISMATCH);
        return 0;
    }
    return 1;
}

/* The staple of a new connection, after path and name were found good [8.1.2.2]. OpenSSL answers all that is wrong with
 * bad_certificate_status_response (RFC 6066 8). */
static err_t staple_check(SSL *ssl, const struct client_tls *c)
{
    const unsigned char *der = NULL;
    long n = SSL_get_tlsext_status_ocsp_resp(ssl, &der);
    if (der == NULL || n < 0) {
        return c->ocsp == X509_OCSP_REQUIRED ? ERR_DENIED_OCSP_MISSING : ERR_OK;
    }
    STACK_OF(X509) *path = SSL_get0_verified_chain(ssl);
    int last = sk_X509_num(path) - 1;
    if (last < 0) {
        return ERR_DENIED_CERT_MISSING;
    }
    const struct x509_ocsp_ask ask = {
        .cert = sk_X509_value(path, 0),
        .issuer = sk_X509_value(path, last > 0 ? 1 : 0), /* a certificate that is itself an anchor speaks for itself */
        .trust = c->trust_store,
        .now = clock_now(),
    };
    struct x509_ocsp_span span;
    return x509_ocsp_check(bytes_of(der, (size_t)n), &ask, &span);
}

static int status_cb(SSL *ssl, void *arg)
{
    struct client_tls *c = arg;
    err_t e = staple_check(ssl, c);
    if (e != ERR_OK) {
        fail(c, e);
    }
    return e == ERR_OK;
}

static void take_export(const SSL *ssl, struct client_tls *c)
{
    if (c->export_label == NULL || c->exported->set) {
        return;
    }
    if (!c->extended_master_secret) { /* CHOICE-09 */
        fail(c, ERR_DENIED_TLS);
        return;
    }
    struct keys_export *x = c->exported;
    x->set = SSL_export_keying_material((SSL *)(uintptr_t)ssl, x->b, sizeof(x->b), c->export_label,
                                        strlen(c->export_label), NULL, 0, 0) == 1;
    if (!x->set) {
        fail(c, ERR_CRYPTO);
    }
}

/* Did the ServerHello accept the extended master secret? OpenSSL tells only when the handshake is over, which is too
 * late for an exporter that must be taken while libcurl still holds the session. */
static bool hello_has_ems(struct bytes hello, bool datagram)
{
    enum { RANDOM = 34, AFTER_SESSION_ID = 3, EXTENDED_MASTER_SECRET = 23 };
    struct reader r = reader_of(hello);
    (void)reader_u8(&r);
    uint32_t length = reader_u24(&r);
    (void)reader_take(&r, datagram ? 8 : 0); /* message_seq, and the fragment: the whole of it */
    struct reader body = reader_of(reader_take(&r, length));
    (void)reader_take(&body, RANDOM);
    (void)reader_block8(&body);
    (void)reader_take(&body, AFTER_SESSION_ID);
    struct reader extensions = reader_of(reader_block16(&body));
    while (reader_left(&extensions) > 0) {
        uint16_t type = reader_u16(&extensions);
        (void)reader_block16(&extensions);
        if (type == EXTENDED_MASTER_SECRET && !reader_failed(&extensions)) {
            return true;
        }
    }
    return false;
}

static void on_message(int sent, int version, int type, const void *octets, size_t n, SSL *ssl, void *arg)
{
    struct client_tls *c = of(ssl);
    (void)version;
    (void)arg;
    if (c != NULL && !sent && type == SSL3_RT_HANDSHAKE && n > 0 && *(const uint8_t *)octets == SSL3_MT_SERVER_HELLO) {
        c->extended_master_secret = hello_has_ems(bytes_of(octets, n), c->datagram);
    }
}

static void info_cb(const SSL *ssl, int where, int ret)
{
    struct client_tls *c = of(ssl);
    if (c == NULL) {
        return;
    }
    if ((where & SSL_CB_HANDSHAKE_DONE) != 0) {
        const SSL_CIPHER *suite = SSL_get_current_cipher(ssl);
        c->done = true;
        c->version = (uint16_t)SSL_version(ssl);
        c->suite = suite == NULL ? 0 : SSL_CIPHER_get_protocol_id(suite);
        take_export(ssl, c);
        (void)SSL_CTX_set_ex_data(SSL_get_SSL_CTX(ssl), slot(), NULL); /* a kept connection outlives the transfer */
        return;
    }
    if ((where & SSL_CB_ALERT) != 0 && (where & SSL_CB_WRITE) != 0 && (ret & 0xff) == SSL_AD_DECRYPT_ERROR) {
        fail(c, client_tls_by_psk(c) ? ERR_DENIED_PSK_WRONG : ERR_DENIED_CERT_PROOF); /* R001-16: not its signature */
    }
    if ((where & SSL_CB_ALERT) != 0 && (where & SSL_CB_READ) != 0 && (ret >> 8) == SSL3_AL_FATAL) {
        c->alert = (uint8_t)(ret & 0xff);
    }
}

/* -- the context --------------------------------------------------------------------------------------- */
/* With the chain that stands behind it in the file (R000-63, R001-146); its key proves that it is ours (R000-24, R000-25,
 * R001-107). */
static err_t own_certificate(SSL_CTX *ctx, const struct client_tls *c)
{
    if (c->certificate == NULL) {
        return ERR_OK;
    }
    EVP_PKEY *key = NULL;
    TRY(x509_key_load(c->key, &key));
    bool ok = SSL_CTX_use_certificate_chain_file(ctx, c->certificate) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
              SSL_CTX_check_private_key(ctx) == 1;
    EVP_PKEY_free(key);
    return ok ? ERR_OK : ERR_CONFIG;
}

bool client_tls_by_psk(const struct client_tls *c)
{
    return c->psk != NULL || c->psk_of != NULL;
}

err_t client_tls_context(void *ssl_ctx, struct client_tls *c)
{
    static const char *const suites[2][2] = {{SUITE_CERTIFICATE, SUITE_PSK}, {SUITE_DTLS_CERTIFICATE, SUITE_DTLS_PSK}};
    SSL_CTX *ctx = ssl_ctx;
    const char *suite = suites[c->datagram][client_tls_by_psk(c)];
    const int version = c->datagram ? DTLS1_2_VERSION : TLS1_2_VERSION;
    if (c->datagram) {
        SSL_CTX_set_security_level(ctx, 0); /* newer OpenSSL wants it for tags of eight octets */
    }
    bool ok = SSL_CTX_set_ex_data(ctx, slot(), c) == 1 && SSL_CTX_set_min_proto_version(ctx, version) == 1 &&
              SSL_CTX_set_max_proto_version(ctx, version) == 1 && SSL_CTX_set_cipher_list(ctx, suite) == 1 &&
              SSL_CTX_set1_groups_list(ctx, "P-256") == 1 && SSL_CTX_set1_sigalgs_list(ctx, "ECDSA+SHA256") == 1;
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CLEANSE_PLAINTEXT); /* keys come this way */
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* CHOICE-11 */
    SSL_CTX_set_info_callback(ctx, info_cb);
    SSL_CTX_set_msg_callback(ctx, on_message);
    if (!ok) {
        return ERR_CRYPTO;
    }
    if (client_tls_by_psk(c)) {
        SSL_CTX_set_psk_client_callback(ctx, psk_cb);
        return ERR_OK;
    }
    TRY(c->trust_store != NULL ? x509_trust_use(ctx, c->trust_store) : x509_trust_install(ctx, c->trust));
    SSL_CTX_set_cert_verify_callback(ctx, verify_cb, c);
    if (c->ocsp != X509_OCSP_OFF) {
        (void)SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp);
        (void)SSL_CTX_set_tlsext_status_cb(ctx, status_cb);
        (void)SSL_CTX_set_tlsext_status_arg(ctx, c);
    }
    return own_certificate(ctx, c);
}

static CURLcode context_cb(CURL *easy, void *ctx, void *arg)
{
    (void)easy;
    struct client_tls *c = arg;
    err_t e = client_tls_context(ctx, c);
    ERR_clear_error();
    if (e != ERR_OK) {
        fail(c, e);
        return CURLE_SSL_CERTPROBLEM;
    }
    return CURLE_OK;
}

/* -- libcurl ------------------------------------------------------------------------------------------- */
static struct curl_slist *connect_to(const struct client_tls *c)
{
    char line[512];
    int n = snprintf(line, sizeof(line), "::%s", c->address); /* whatever the URL names, the connection goes there */
    return n < 0 || (size_t)n >= sizeof(line) ? NULL : curl_slist_append(NULL, line);
}

err_t client_tls_apply(void *easy, struct client_tls *c)
{
    struct curl_slist *to = connect_to(c);
    bool certified = !client_tls_by_psk(c);
    c->done = false;
    c->reason = ERR_OK;
    c->alert = 0;
    c->version = c->suite = 0;
    c->extended_master_secret = false;
    c->connect_to = to;
    bool ok = to != NULL && curl_easy_setopt(easy, CURLOPT_CONNECT_TO, to) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2) ==
                  CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_CAINFO, NULL) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, certified ? 1L : 0L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, context_cb) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, c) == CURLE_OK;
    return ok ? ERR_OK : ERR_LIMIT_CAPACITY;
}

void client_tls_forget(struct client_tls *c)
{
    curl_slist_free_all(c->connect_to);
    c->connect_to = NULL;
}

err_t client_tls_limit(void *easy, usec_t until)
{
    usec_t ms = (until - clock_monotonic()) / (USEC_PER_SEC / 1000);
    if (ms <= 0) { /* 0 would be for ever */
        return ERR_PEER_TIMEOUT;
    }
    return curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ms) == CURLE_OK ? ERR_OK : ERR_LIMIT_CAPACITY;
}

err_t client_tls_refusal(const struct client_tls *c)
{
    static const struct {
        uint8_t alert;
        err_t e;
    } alerts[] = {
        {SSL3_AD_HANDSHAKE_FAILURE, ERR_DENIED_TLS},
        {SSL_AD_UNKNOWN_PSK_IDENTITY, ERR_DENIED_PSK_UNKNOWN},
        {SSL_AD_DECRYPT_ERROR, ERR_DENIED_PSK_WRONG},
        {SSL_AD_BAD_RECORD_MAC, ERR_DENIED_PSK_WRONG},
        {SSL_AD_UNRECOGNIZED_NAME, ERR_DENIED_SNI},
        {SSL_AD_UNKNOWN_CA, ERR_DENIED_CERT_CA},
        {SSL_AD_CERTIFICATE_EXPIRED, ERR_DENIED_CERT_EXPIRED},
        {SSL_AD_BAD_CERTIFICATE, ERR_DENIED_CERT_NAME},
        {SSL_AD_UNSUPPORTED_CERTIFICATE, ERR_DENIED_CERT_PROFILE},
        {SSL_AD_CERTIFICATE_REVOKED, ERR_DENIED_CERT_REVOKED},
        {SSL_AD_CERTIFICATE_UNKNOWN, ERR_DENIED_CERT_STATUS},
        {SSL_AD_INTERNAL_ERROR, ERR_PEER_FAILING}, /* "unrelated to the peer": its writer died, say. Not our key's fault */
    };
    if (c->reason != ERR_OK) {
        return c->reason;
    }
    if (!client_tls_by_psk(c) && (c->alert == SSL_AD_ACCESS_DENIED || c->alert == SSL_AD_UNKNOWN_PSK_IDENTITY)) {
        return ERR_DENIED_CERT_INSTRUCTION; /* it showed no identity but that of its certificate (R001-100) */
    }
    for (size_t i = 0; i < ARRAY_LEN(alerts); i++) {
        if (alerts[i].alert == c->alert) {
            return alerts[i].e;
        }
    }
    return c->alert != 0 ? ERR_PEER_REFUSED : ERR_OK;
}

const char *client_tls_alert_name(const struct client_tls *c)
{
    return SSL_alert_desc_string_long(c->alert);
}

err_t client_tls_outcome(const struct client_tls *c, int code)
{
    if (c->reason != ERR_OK || code == CURLE_OK) {
        return c->reason;
    }
    TRY(client_tls_refusal(c));
    return code == CURLE_OPERATION_TIMEDOUT ? ERR_PEER_TIMEOUT : ERR_PEER_UNREACHABLE;
}
