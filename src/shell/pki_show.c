/* What a certificate, a request or a revocation list says, for people. */
#include "shell/pki_impl.h"

#include "base/hex.h"

#include <openssl/pem.h>
#include <string.h>
#include <time.h>

#define VALUE_MAX 4096
#define SERIALS_SHOWN 32

struct page {
    pki_teller *tell;
    void *ctx;
};

static void tell_z(const struct page *p, const char *name, const char *value)
{
    p->tell(p->ctx, name, text_of(value));
}

static void tell_number(const struct page *p, const char *name, long v)
{
    char z[24];
    (void)snprintf(z, sizeof(z), "%ld", v);
    tell_z(p, name, z);
}

static void tell_list(const struct page *p, const char *name, const struct text *list, size_t n)
{
    char z[VALUE_MAX];
    struct writer w = WRITER_ARRAY(z);
    for (size_t i = 0; i < n; i++) {
        writer_z(&w, i > 0 ? "," : "");
        writer_text(&w, list[i]);
    }
    if (n > 0 && writer_finish(&w) == ERR_OK) {
        p->tell(p->ctx, name, writer_view_text(&w));
    }
}

static void tell_time(const struct page *p, const char *name, const ASN1_TIME *t)
{
    struct tm tm = {0};
    char z[40] = "";
    if (t != NULL && ASN1_TIME_to_tm(t, &tm) == 1 && strftime(z, sizeof(z), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0) {
        tell_z(p, name, z);
    }
}

static void tell_name(const struct page *p, const char *name, const X509_NAME *n)
{
    BIO *b = BIO_new(BIO_s_mem());
    char *z = NULL;
    if (b != NULL && X509_NAME_print_ex(b, n, 0, XN_FLAG_RFC2253) >= 0) {
        long len = BIO_get_mem_data(b, &z);
        p->tell(p->ctx, name, text_span(z, len > 0 ? (size_t)len : 0));
    }
    BIO_free(b);
}

static void tell_serial(const struct page *p, const char *name, const ASN1_INTEGER *i)
{
    char z[2 * 64 + 1];
    struct writer w = WRITER_ARRAY(z);
    hex_write_lower(&w, bytes_of(ASN1_STRING_get0_data(i), (size_t)ASN1_STRING_length(i)));
    tell_z(p, name, writer_finish_z(&w) == ERR_OK ? z : "too long");
}

static void tell_key(const struct page *p, const X509_PUBKEY *key)
{
    uint8_t digest[CRYPTO_HASH_LEN];
    char z[80];
    struct writer w = WRITER_ARRAY(z);
    writer_z(&w, "ni:///"); /* CHOICE-36 */
    if (x509_key_digest(key, digest) == ERR_OK) {
        cert_id_key_write(&w, digest, 256);
        p->tell(p->ctx, "key_id", writer_view_text(&w));
    }
}

/* -- names ----------------------------------------------------------------------------------------------------- */
static const char *flavour_of(const struct role_cert *n, bool self_signed)
{
    enum cert_id_flavour f;
    struct text id;
    if (n->device_n > 0) {
        return cert_id_name(CERT_ID_DEVICE);
    }
    for (size_t i = 0; i < n->uri_n; i++) {
        if (cert_id_of_uri(n->uri[i], &f, &id) == ERR_OK) {
            return cert_id_name(f);
        }
    }
    if (n->dns_n > 0) {
        return "fqdn or cse-id"; /* both are a dNSName: configuration says which is meant */
    }
    return self_signed ? cert_id_name(CERT_ID_RAW) : "none";
}

static void tell_names(const struct page *p, const struct role_cert *n)
{
    tell_list(p, "dns", n->dns, n->dns_n);
    tell_list(p, "uri", n->uri, n->uri_n);
    tell_list(p, "device", n->device, n->device_n);
}

/* -- certificates ------------------------------------------------------------------------------------------------ */
static void tell_subtrees(const struct page *p, STACK_OF(GENERAL_SUBTREE) *list, int type, const char *name)
{
    struct text found[32];
    size_t n = 0;
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(list) && n < ARRAY_LEN(found); i++) {
        int kind = 0;
        const void *v = GENERAL_NAME_get0_value(sk_GENERAL_SUBTREE_value(list, i)->base, &kind);
        if (kind == type) {
            found[n++] = text_span((const char *)ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v));
        }
    }
    tell_list(p, name, found, n);
}

static void tell_ca(const struct page *p, X509 *cert)
{
    NAME_CONSTRAINTS *nc = X509_get_ext_d2i(cert, NID_name_constraints, NULL, NULL);
    if (X509_get_pathlen(cert) >= 0) {
        tell_number(p, "path_length", X509_get_pathlen(cert));
    }
    if (nc == NULL) {
        tell_z(p, "warning", "no name constraints: no certificate of an AE-ID counts, and others only where a listener or peer says so");
    } else {
        tell_subtrees(p, nc->permittedSubtrees, GEN_DNS, "permit_dns");
        tell_subtrees(p, nc->permittedSubtrees, GEN_URI, "permit_uri_host");
    }
    NAME_CONSTRAINTS_free(nc);
}

static err_t dates_check(X509 *cert)
{
    if (X509_cmp_current_time(X509_get0_notBefore(cert)) >= 0) {
        return ERR_DENIED_CERT_EARLY;
    }
    return X509_cmp_current_time(X509_get0_notAfter(cert)) > 0 ? ERR_OK : ERR_DENIED_CERT_EXPIRED;
}

static err_t show_cert(const struct page *p, X509 *cert)
{
    struct role_cert names;
    void *store = NULL;
    err_t e = x509_names(cert, &names, &store);
    bool ca = X509_check_ca(cert) == 1;
    bool self = (X509_get_extension_flags(cert) & EXFLAG_SS) != 0;
    tell_z(p, "type", "certificate");
    tell_z(p, "flavour", ca ? "ca" : flavour_of(&names, self));
    tell_names(p, &names);
    tell_key(p, X509_get_X509_PUBKEY(cert));
    tell_name(p, "subject", X509_get_subject_name(cert));
    tell_name(p, "issuer", X509_get_issuer_name(cert));
    tell_serial(p, "serial", X509_get0_serialNumber(cert));
    tell_time(p, "not_before", X509_get0_notBefore(cert));
    tell_time(p, "not_after", X509_get0_notAfter(cert));
    tell_z(p, "self_signed", self ? "yes" : "no");
    if (ca) {
        tell_ca(p, cert);
    }
    e = e == ERR_OK && x509_names_wild(&names) ? ERR_DENIED_CERT_WILD : e;
    x509_names_free(store);
    TRY(e);
    TRY(x509_profile_check(cert));
    return dates_check(cert);
}

/* -- requests: their names are read as a certificate's ------------------------------------------------------------ */
static err_t show_request(const struct page *p, X509_REQ *req)
{
    SCOPED(pki_build_free_x509) X509 *shape = X509_new();
    X509_EXTENSIONS *list = X509_REQ_get_extensions(req);
    bool ok = shape != NULL && X509_set_pubkey(shape, X509_REQ_get0_pubkey(req)) == 1 &&
              X509_gmtime_adj(X509_getm_notAfter(shape), 0) != NULL;
    int n = sk_X509_EXTENSION_num(list);
    for (int i = 0; ok && i < n; i++) {
        ok = X509_add_ext(shape, sk_X509_EXTENSION_value(list, i), -1) == 1;
    }
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    struct role_cert names = {.dns_n = 0};
    void *store = NULL;
    err_t e = ok ? x509_names(shape, &names, &store) : ERR_MALFORMED;
    bool proved = pki_csr_is_proved(req);
    tell_z(p, "type", "request");
    tell_z(p, "flavour", flavour_of(&names, true));
    tell_names(p, &names);
    tell_key(p, X509_REQ_get_X509_PUBKEY(req));
    tell_name(p, "subject", X509_REQ_get_subject_name(req));
    x509_names_free(store);
    if (e == ERR_OK && !proved) {
        return ERR_DENIED_CERT_PROOF;
    }
    bool profile = pki_csr_is_profile(req);
    return e != ERR_OK ? e : profile ? ERR_OK : ERR_DENIED_CERT_PROFILE;
}

/* -- revocation lists ------------------------------------------------------------------------------------------------ */
static err_t show_crl(const struct page *p, X509_CRL *crl)
{
    STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);
    int n = list == NULL ? 0 : sk_X509_REVOKED_num(list);
    char z[VALUE_MAX];
    struct writer w = WRITER_ARRAY(z);
    tell_z(p, "type", "crl");
    tell_name(p, "issuer", X509_CRL_get_issuer(crl));
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    if (number != NULL) {
        tell_number(p, "number", ASN1_INTEGER_get(number));
    }
    ASN1_INTEGER_free(number);
    tell_time(p, "this_update", X509_CRL_get0_lastUpdate(crl));
    tell_time(p, "next_update", X509_CRL_get0_nextUpdate(crl));
    tell_number(p, "revoked", n);
    for (int i = 0; i < n && i < SERIALS_SHOWN; i++) {
        const ASN1_INTEGER *s = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(list, i));
        writer_z(&w, i > 0 ? "," : "");
        hex_write_lower(&w, bytes_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)));
    }
    if (n > 0 && writer_finish(&w) == ERR_OK) {
        p->tell(p->ctx, n > SERIALS_SHOWN ? "first_serials" : "serials", writer_view_text(&w));
    }
    if (X509_CRL_get_signature_nid(crl) != NID_ecdsa_with_SHA256) {
        return ERR_DENIED_CERT_PROFILE;
    }
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    return next != NULL && X509_cmp_current_time(next) > 0 ? ERR_OK : ERR_DENIED_CERT_STATUS;
}

/* -- files ------------------------------------------------------------------------------------------------------------- */
struct content {
    X509 *cert;
    X509_REQ *req;
    X509_CRL *crl;
    EVP_PKEY *key;
};
static void content_wipe(struct content *c)
{
    X509_free(c->cert);
    X509_REQ_free(c->req);
    X509_CRL_free(c->crl);
    EVP_PKEY_free(c->key);
}

/* The first of what the file holds: a file with a chain begins with the certificate it is about. */
static err_t content_read(const char *file, struct content *out)
{
    FILE *f = fopen(file, "rbe");
    char no_passphrase[] = "";
    if (f == NULL) {
        return ERR_IO;
    }
    out->cert = PEM_read_X509(f, NULL, NULL, NULL);
    rewind(f);
    out->req = out->cert != NULL ? NULL : PEM_read_X509_REQ(f, NULL, NULL, NULL);
    rewind(f);
    out->crl = out->cert != NULL || out->req != NULL ? NULL : PEM_read_X509_CRL(f, NULL, NULL, NULL);
    rewind(f);
    bool other = out->cert != NULL || out->req != NULL || out->crl != NULL;
    out->key = other ? NULL : PEM_read_PrivateKey(f, NULL, NULL, no_passphrase);
    (void)fclose(f);
    ERR_clear_error();
    return other || out->key != NULL ? ERR_OK : ERR_MALFORMED;
}

err_t pki_show(const char *file, pki_teller *tell, void *ctx, err_t *verdict)
{
    SCOPED(content_wipe) struct content c = {.cert = NULL};
    const struct page p = {tell, ctx};
    TRY(content_read(file, &c));
    if (c.cert != NULL) {
        *verdict = show_cert(&p, c.cert);
    } else if (c.req != NULL) {
        *verdict = show_request(&p, c.req);
    } else if (c.crl != NULL) {
        *verdict = show_crl(&p, c.crl);
    } else {
        return ERR_MALFORMED; /* a private key is not shown */
    }
    ERR_clear_error();
    return ERR_OK;
}

err_t pki_show_key_id(const char *file, unsigned bits, struct writer *out)
{
    SCOPED(content_wipe) struct content c = {.cert = NULL};
    uint8_t digest[CRYPTO_HASH_LEN];
    TRY(content_read(file, &c));
    if (c.crl != NULL) {
        return ERR_MALFORMED; /* has no key */
    }
    X509_PUBKEY *made = NULL;
    if (c.key != NULL && X509_PUBKEY_set(&made, c.key) != 1) {
        return ERR_CRYPTO;
    }
    const X509_PUBKEY *key = made != NULL ? made : c.cert != NULL ? X509_get_X509_PUBKEY(c.cert)
                                                                  : X509_REQ_get_X509_PUBKEY(c.req);
    err_t e = x509_key_digest(key, digest);
    X509_PUBKEY_free(made);
    TRY(e);
    cert_id_key_write(out, digest, bits);
    return writer_finish(out);
}
