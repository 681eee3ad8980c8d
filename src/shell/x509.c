#include "shell/x509.h"

#include "base/hex.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* -- profile [TS-0003 10.1.1.1, 10.1.1.3] --------------------------------------------------------------- */

/* secp256r1 as a named curve, and the point in uncompressed form: 04 || x || y. */
static bool is_p256(X509 *cert)
{
    static const size_t point_len = 65;
    EVP_PKEY *key = X509_get0_pubkey(cert);
    if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) {
        return false;
    }
    char group[32];
    size_t n = 0;
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), &n) != 1 ||
        OBJ_txt2nid(group) != NID_X9_62_prime256v1) {
        return false;
    }
    const unsigned char *point = NULL;
    int point_n = 0;
    if (X509_PUBKEY_get0_param(NULL, &point, &point_n, NULL, X509_get_X509_PUBKEY(cert)) != 1) {
        return false;
    }
    return point_n >= 0 && (size_t)point_n == point_len && point[0] == POINT_CONVERSION_UNCOMPRESSED;
}

static bool is_signed_by_profile(X509 *cert)
{
    return X509_get_signature_nid(cert) == NID_ecdsa_with_SHA256;
}

err_t x509_profile_check(X509 *cert)
{
    /* X509_get_key_usage gives all ones when the extension is absent; the profile wants it present. */
    bool signs = X509_get_ext_by_NID(cert, NID_key_usage, -1) >= 0 &&
                 (X509_get_key_usage(cert) & X509v3_KU_DIGITAL_SIGNATURE) != 0;
    return is_p256(cert) && is_signed_by_profile(cert) && signs ? ERR_OK : ERR_DENIED_CERT_PROFILE;
}

/* The certificates above the leaf: their keys make the signatures that the profile speaks of. */
static err_t issuer_check(X509 *cert)
{
    bool self_signed = (X509_get_extension_flags(cert) & EXFLAG_SS) != 0;
    return is_p256(cert) && (self_signed || is_signed_by_profile(cert)) ? ERR_OK : ERR_DENIED_CERT_PROFILE;
}

/* -- names ---------------------------------------------------------------------------------------------- */

/* Printable ASCII only: an embedded NUL or a control character could make two names look like one. */
static err_t name_parse(const ASN1_STRING *s, struct text *out)
{
    int n = ASN1_STRING_length(s);
    *out = text_span((const char *)ASN1_STRING_get0_data(s), n > 0 ? (size_t)n : 0);
    for (size_t i = 0; i < out->n; i++) {
        if (out->p[i] <= ' ' || out->p[i] > '~') {
            return ERR_DENIED_CERT_NAME;
        }
    }
    return out->n > 0 ? ERR_OK : ERR_DENIED_CERT_NAME;
}

static err_t name_add(struct text *names, size_t cap, size_t *count, const ASN1_STRING *s)
{
    struct text t;
    TRY(name_parse(s, &t));
    if (*count == cap) {
        return ERR_LIMIT_CAPACITY;
    }
    names[(*count)++] = t;
    return ERR_OK;
}

static err_t names_collect(const GENERAL_NAMES *list, struct role_cert *out)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
        int type = 0;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(list, i), &type);
        if (type == GEN_DNS) {
            TRY(name_add(out->dns, ARRAY_LEN(out->dns), &out->dns_n, value));
        } else if (type == GEN_URI) {
            TRY(name_add(out->uri, ARRAY_LEN(out->uri), &out->uri_n, value));
        }
    }
    return ERR_OK;
}

static err_t not_after_get(X509 *cert, usec_t *out)
{
    struct tm tm = {0};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1) {
        return ERR_DENIED_CERT_PROFILE;
    }
    *out = (usec_t)timegm(&tm) * USEC_PER_SEC;
    return ERR_OK;
}

/* A serial longer than RFC 5280 allows is left out: nothing of ours has one. */
static void serial_get(const X509 *cert, char out[static ASSOCIATION_SERIAL_MAX])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    struct bytes b = bytes_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    struct writer w = writer_of(out, ASSOCIATION_SERIAL_MAX);
    hex_write_lower(&w, b);
    if (writer_finish_z(&w) != ERR_OK) {
        out[0] = '\0';
    }
}

err_t x509_names(X509 *cert, struct role_cert *out, void **store)
{
    *out = (struct role_cert){0};
    *store = NULL;
    int critical = 0;
    GENERAL_NAMES *list = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
    if (list == NULL && critical != -1) { /* twice, or not DER; -1: absent */
        return ERR_DENIED_CERT_NAME;
    }
    serial_get(cert, out->serial);
    err_t e = not_after_get(cert, &out->not_after);
    if (e == ERR_OK && list != NULL) {
        e = names_collect(list, out);
    }
    if (e != ERR_OK) {
        *out = (struct role_cert){0};
        GENERAL_NAMES_free(list);
        return e;
    }
    *store = list;
    return ERR_OK;
}

void x509_names_free(void *store)
{
    GENERAL_NAMES_free(store);
}

/* What stands between "scheme://" and the path. One with user information names nobody: empty. */
static struct text uri_host(struct text uri)
{
    size_t colon = text_find(uri, ':');
    struct text rest = text_skip(uri, colon);
    if (!text_starts(rest, "://")) {
        return text_empty();
    }
    rest = text_skip(rest, strlen("://"));
    rest = text_take(rest, text_find(rest, '/'));
    rest = text_take(rest, text_find(rest, '?'));
    rest = text_take(rest, text_find(rest, '#'));
    if (text_find(rest, '@') != rest.n) {
        return text_empty();
    }
    return text_take(rest, text_find(rest, ':'));
}

/* Exact values only [8.1.2.5]: dNSName without case, the rest octet by octet (CHOICE-41); a "*" equals nothing. */
err_t x509_fqdn_check(const struct role_cert *names, struct text fqdn)
{
    if (fqdn.n == 0 || text_find(fqdn, '*') != fqdn.n) {
        return ERR_DENIED_CERT_NAME;
    }
    for (size_t i = 0; i < names->dns_n; i++) {
        if (text_eq_nocase(names->dns[i], fqdn)) {
            return ERR_OK;
        }
    }
    for (size_t i = 0; i < names->uri_n; i++) {
        if (text_eq(names->uri[i], fqdn) || text_eq(uri_host(names->uri[i]), fqdn)) {
            return ERR_OK;
        }
    }
    return ERR_DENIED_CERT_NAME; /* R001-51, R001-52 */
}

/* -- path ----------------------------------------------------------------------------------------------- */

static err_t leaf_check(X509 *cert)
{
    TRY(x509_profile_check(cert));
    struct role_cert names;
    void *store = NULL;
    TRY(x509_names(cert, &names, &store)); /* names that cannot be read are refused before anybody asks for them */
    x509_names_free(store);
    return ERR_OK;
}

/* OpenSSL has done RFC 5280 6.1 (path, time, name constraints) when ok is 1; here the profile is added. The
 * reason is kept where the library keeps its own: SSL_get_verify_result. (R001-15, R001-106) */
static int on_verify(int ok, X509_STORE_CTX *path)
{
    if (ok != 1) {
        return ok;
    }
    X509 *cert = X509_STORE_CTX_get_current_cert(path);
    bool leaf = X509_STORE_CTX_get_error_depth(path) == 0;
    err_t e = leaf ? leaf_check(cert) : issuer_check(cert);
    if (e == ERR_OK) {
        return 1;
    }
    X509_STORE_CTX_set_error(path, e == ERR_DENIED_CERT_PROFILE ? X509_V_ERR_APPLICATION_VERIFICATION
                                                                : X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
}

err_t x509_trust_install(SSL_CTX *ctx, const char *trust_file)
{
    /* A store of our own: whatever the system or a library put into the context is no trust anchor here [8.1.2.2]. */
    X509_STORE *store = X509_STORE_new();
    if (store == NULL) {
        return ERR_CRYPTO;
    }
    SSL_CTX_set_cert_store(ctx, store);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verify);
    if (trust_file == NULL) {
        return ERR_OK; /* no anchors: every certificate is refused */
    }
    if (X509_STORE_load_file(store, trust_file) != 1) {
        ERR_clear_error();
        return ERR_CONFIG;
    }
    return ERR_OK;
}

err_t x509_reason(int x509_v_err)
{
    static const struct {
        int code;
        err_t e;
    } rows[] = {
        {X509_V_OK, ERR_OK},
        {X509_V_ERR_CERT_HAS_EXPIRED, ERR_DENIED_CERT_EXPIRED},
        {X509_V_ERR_CERT_NOT_YET_VALID, ERR_DENIED_CERT_EXPIRED},
        {X509_V_ERR_PERMITTED_VIOLATION, ERR_DENIED_CERT_NAME},
        {X509_V_ERR_EXCLUDED_VIOLATION, ERR_DENIED_CERT_NAME},
        {X509_V_ERR_SUBTREE_MINMAX, ERR_DENIED_CERT_NAME},
        {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, ERR_DENIED_CERT_NAME},
        {X509_V_ERR_HOSTNAME_MISMATCH, ERR_DENIED_CERT_NAME},
        {X509_V_ERR_APPLICATION_VERIFICATION, ERR_DENIED_CERT_PROFILE},
        {X509_V_ERR_INVALID_PURPOSE, ERR_DENIED_CERT_PROFILE},
        {X509_V_ERR_EE_KEY_TOO_SMALL, ERR_DENIED_CERT_PROFILE},
        {X509_V_ERR_CA_MD_TOO_WEAK, ERR_DENIED_CERT_PROFILE},
        {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, ERR_DENIED_CERT_PROFILE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].code == x509_v_err) {
            return rows[i].e;
        }
    }
    return ERR_DENIED_CERT_CA;
}

/* -- files ---------------------------------------------------------------------------------------------- */

err_t x509_key_load(const char *file, EVP_PKEY **out)
{
    *out = NULL;
    FILE *f = fopen(file, "rbe");
    if (f == NULL) {
        return ERR_IO;
    }
    struct stat st;
    err_t e = ERR_OK;
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
        e = ERR_IO;
    } else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        e = ERR_FILE_MODE;
    } else {
        char no_passphrase[] = ""; /* with NULL the library would ask on the terminal */
        *out = PEM_read_PrivateKey(f, NULL, NULL, no_passphrase);
        e = *out == NULL ? ERR_CONFIG : ERR_OK;
        ERR_clear_error();
    }
    (void)fclose(f);
    return e;
}

err_t x509_cert_load(const char *file, X509 **out)
{
    *out = NULL;
    FILE *f = fopen(file, "rbe");
    if (f == NULL) {
        return ERR_IO;
    }
    *out = PEM_read_X509(f, NULL, NULL, NULL);
    ERR_clear_error();
    (void)fclose(f);
    return *out == NULL ? ERR_CONFIG : ERR_OK;
}
