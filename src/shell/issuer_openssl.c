#include "shell/issuer_openssl.h"

#include "shell/pki_impl.h"

#include <openssl/asn1t.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHAIN_MAX 4

struct state {
    X509 *chain[CHAIN_MAX]; /* the CA's own first */
    size_t chain_n;
    EVP_PKEY *key;
};

/* The library's queue of reasons is thread-wide: nothing of ours stays in it. */
static err_t quiet(err_t e)
{
    ERR_clear_error();
    return e;
}

static err_t put_der(struct writer *w, const unsigned char *der, int n)
{
    if (n <= 0) {
        return quiet(ERR_CRYPTO);
    }
    writer_bytes(w, bytes_of(der, (size_t)n));
    return writer_finish(w);
}

/* -- names ----------------------------------------------------------------------------------------- */
/* Printable ASCII only: an embedded NUL or a control character could make two names look like one. */
static err_t printable(const ASN1_STRING *s, struct text *out)
{
    *out = text_span((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
    for (size_t i = 0; i < out->n; i++) {
        if (out->p[i] <= ' ' || out->p[i] > '~') {
            return ERR_DENIED_CERT_NAME;
        }
    }
    return out->n > 0 ? ERR_OK : ERR_DENIED_CERT_NAME;
}

static err_t names_take(const GENERAL_NAMES *list, struct writer *text, struct issuer_csr *out)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
        int type = 0;
        struct text t;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(list, i), &type);
        if ((type != GEN_DNS && type != GEN_URI) || out->names_n == ISSUER_NAMES_MAX) {
            return ERR_DENIED_CERT_NAME;
        }
        TRY(printable(value, &t));
        size_t at = text->n;
        writer_text(text, t);
        TRY(writer_finish(text));
        out->names[out->names_n++] = (struct issuer_name){type == GEN_DNS ? ISSUER_DNS : ISSUER_URI,
                                                          text_span((const char *)text->buf + at, t.n)};
    }
    return ERR_OK;
}

static GENERAL_NAMES *names_make(const struct issuer_name *names, size_t n)
{
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        GENERAL_NAME *g = GENERAL_NAME_new();
        ASN1_IA5STRING *s = ASN1_IA5STRING_new();
        ok = g != NULL && s != NULL && ASN1_STRING_set(s, names[i].value.p, (int)names[i].value.n) == 1 &&
             sk_GENERAL_NAME_push(list, g) > 0;
        if (!ok) {
            GENERAL_NAME_free(g);
            ASN1_IA5STRING_free(s);
            break;
        }
        GENERAL_NAME_set0_value(g, names[i].kind == ISSUER_DNS ? GEN_DNS : GEN_URI, s);
    }
    if (!ok) {
        GENERAL_NAMES_free(list);
        return NULL;
    }
    return list;
}

/* -- reading a CSR [TS-0003 10.1.4] ------------------------------------------------------------------ */
static err_t challenge_take(const X509_REQ *req, struct issuer_csr *out)
{
    int at = X509_REQ_get_attr_by_NID(req, NID_pkcs9_challengePassword, -1);
    if (at < 0) {
        return ERR_OK;
    }
    X509_ATTRIBUTE *a = X509_REQ_get_attr(req, at);
    ASN1_TYPE *v = X509_ATTRIBUTE_count(a) == 1 ? X509_ATTRIBUTE_get0_type(a, 0) : NULL;
    bool known = v != NULL && (v->type == V_ASN1_PRINTABLESTRING || v->type == V_ASN1_UTF8STRING);
    if (!known || X509_REQ_get_attr_by_NID(req, NID_pkcs9_challengePassword, at) >= 0) {
        return ERR_MALFORMED;
    }
    struct text t;
    return printable(v->value.asn1_string, &t) == ERR_OK && TEXT_COPY(t, out->challenge) == ERR_OK ? ERR_OK
                                                                                                 : ERR_MALFORMED;
}

/* An end entity is all that anybody gets: it signs, and shows itself as client or server. */
static err_t usages_check(const X509_EXTENSIONS *list)
{
    int critical = -1;
    BASIC_CONSTRAINTS *ca = X509V3_get_d2i(list, NID_basic_constraints, &critical, NULL);
    bool bad = ca != NULL ? ca->ca != 0 : critical != -1;
    BASIC_CONSTRAINTS_free(ca);
    EXTENDED_KEY_USAGE *use = X509V3_get_d2i(list, NID_ext_key_usage, &critical, NULL);
    bad = bad || (use == NULL && critical != -1);
    for (int i = 0; i < sk_ASN1_OBJECT_num(use); i++) {
        int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(use, i));
        bad = bad || (nid != NID_client_auth && nid != NID_server_auth);
    }
    EXTENDED_KEY_USAGE_free(use);
    return bad ? ERR_DENIED_CERT_PROFILE : ERR_OK;
}

static err_t extensions_take(X509_REQ *req, struct issuer_csr *out)
{
    SCOPED(pki_build_free_extensions) X509_EXTENSIONS *list = X509_REQ_get_extensions(req);
    if (list == NULL) {
        return ERR_OK;
    }
    TRY(usages_check(list));
    SCOPED(pki_build_free_names) GENERAL_NAMES *names = NULL;
    TRY(pki_csr_names(list, &names));
    struct writer text = WRITER_ARRAY(out->text);
    return names == NULL ? ERR_OK : names_take(names, &text, out);
}

static err_t csr_take(struct bytes csr, struct issuer_csr *out)
{
    SCOPED(pki_build_free_req) X509_REQ *req = NULL;
    TRY(pki_csr_parse(csr, &req));
    TRY(pki_csr_check(req));
    TRY(challenge_take(req, out));
    return extensions_take(req, out);
}

static err_t csr_parse(struct bytes csr, struct issuer_csr *out)
{
    out->names_n = 0;
    out->challenge[0] = '\0';
    return quiet(csr.n > INT32_MAX ? ERR_LIMIT_SIZE : csr_take(csr, out));
}

/* -- what a CSR must hold [RFC 7030 4.5.2] ------------------------------------------------------------- */
static err_t attribute_put(X509_ATTRIBUTE *a, struct writer *w)
{
    SCOPED(pki_build_free_octets) unsigned char *der = NULL;
    return put_der(w, der, a == NULL ? 0 : i2d_X509_ATTRIBUTE(a, &der)) == ERR_OK ? ERR_OK : ERR_CRYPTO;
}

static err_t challenge_put(struct text challenge, struct writer *w)
{
    SCOPED(pki_build_free_attribute) X509_ATTRIBUTE *a =
        X509_ATTRIBUTE_create_by_NID(NULL, NID_pkcs9_challengePassword, V_ASN1_PRINTABLESTRING, challenge.p,
                                     (int)challenge.n);
    return attribute_put(a, w);
}

static err_t curve_put(struct writer *w)
{
    SCOPED(pki_build_free_attribute) X509_ATTRIBUTE *a = X509_ATTRIBUTE_create(
        NID_X9_62_id_ecPublicKey, V_ASN1_OBJECT, OBJ_nid2obj(NID_X9_62_prime256v1));
    return attribute_put(a, w);
}

static err_t names_put(const struct issuer_name *names, size_t n, struct writer *w)
{
    SCOPED(pki_build_free_names) GENERAL_NAMES *san = names_make(names, n);
    SCOPED(pki_build_free_extension) X509_EXTENSION *ext = san == NULL ? NULL : X509V3_EXT_i2d(NID_subject_alt_name, 0, san);
    SCOPED(pki_build_free_extensions) X509_EXTENSIONS *list = NULL;
    if (ext == NULL || X509v3_add_ext(&list, ext, -1) == NULL) {
        return ERR_CRYPTO;
    }
    SCOPED(pki_build_free_octets) unsigned char *der = NULL;
    int der_n = ASN1_item_i2d((ASN1_VALUE *)list, &der, ASN1_ITEM_rptr(X509_EXTENSIONS));
    SCOPED(pki_build_free_attribute) X509_ATTRIBUTE *a =
        der_n <= 0 ? NULL : X509_ATTRIBUTE_create_by_NID(NULL, NID_ext_req, V_ASN1_SEQUENCE, der, der_n);
    return attribute_put(a, w);
}

static err_t oid_put(int nid, struct writer *w)
{
    SCOPED(pki_build_free_octets) unsigned char *der = NULL;
    int n = i2d_ASN1_OBJECT(OBJ_nid2obj(nid), &der);
    return put_der(w, der, n);
}

static err_t csr_attrs(const struct issuer_name *names, size_t n, struct text challenge, struct writer *out)
{
    uint8_t inner[ISSUER_CSR_TEXT_MAX + 512];
    struct writer w = WRITER_ARRAY(inner);
    TRY(quiet(challenge_put(challenge, &w)));
    TRY(quiet(names_put(names, n, &w)));
    TRY(quiet(curve_put(&w)));
    TRY(oid_put(NID_ecdsa_with_SHA256, &w));
    unsigned char head[16];
    unsigned char *p = head;
    ASN1_put_object(&p, 1, (int)w.n, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    writer_bytes(out, bytes_of(head, (size_t)(p - head)));
    writer_bytes(out, writer_view(&w));
    return writer_finish(out);
}

/* -- issuing [TS-0003 10.1.1] ---------------------------------------------------------------------------- */
/* A CSE is a server to others; an AE never is one. */
static const char *usage_of(const struct issuer_order *o)
{
    for (size_t i = 0; i < o->names_n; i++) {
        if (o->names[i].kind == ISSUER_DNS) {
            return "clientAuth,serverAuth";
        }
    }
    return "clientAuth";
}

static err_t extensions_put(X509 *cert, X509 *ca, const struct issuer_order *o)
{
    SCOPED(pki_build_free_names) GENERAL_NAMES *names = names_make(o->names, o->names_n);
    if (names == NULL || X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) != 1) {
        return ERR_CRYPTO;
    }
    const struct pki_extension list[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, usage_of(o)},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid"},
    };
    return pki_build_extensions_add(cert, ca, list, ARRAY_LEN(list));
}

/* The names count; the subject is for people. */
static bool subject_put(X509 *cert, struct text name)
{
    enum { COMMON_NAME_MAX = 64 }; /* ub-common-name of RFC 5280 */
    struct text cn = text_take(name, COMMON_NAME_MAX);
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8, (const unsigned char *)cn.p,
                                      (int)cn.n, -1, 0) == 1;
}

static bool serial_put(X509 *cert, const uint8_t serial[static ISSUER_SERIAL_LEN])
{
    BIGNUM *n = BN_bin2bn(serial, ISSUER_SERIAL_LEN, NULL);
    bool ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
    BN_free(n);
    return ok;
}

static bool time_put(ASN1_TIME *at, usec_t t)
{
    return ASN1_TIME_set(at, (time_t)(t / USEC_PER_SEC)) != NULL;
}

static err_t cert_make(const struct state *s, const struct issuer_order *o, X509_REQ *req, X509 *cert)
{
    bool ok = X509_set_version(cert, X509_VERSION_3) == 1 && serial_put(cert, o->serial) &&
              subject_put(cert, o->names[0].value) && time_put(X509_getm_notBefore(cert), o->not_before) &&
              time_put(X509_getm_notAfter(cert), o->not_after) &&
              X509_set_pubkey(cert, X509_REQ_get0_pubkey(req)) == 1;
    if (!ok) {
        return ERR_CRYPTO;
    }
    TRY(extensions_put(cert, s->chain[0], o));
    TRY(pki_build_cert_sign(cert, s->chain[0], s->key));
    return pki_build_limits_check(s->chain[0], cert);
}

static err_t issue(const struct issuer *self, const struct issuer_order *o, struct writer *out)
{
    const struct state *s = self->state;
    if (o->names_n == 0) {
        return ERR_BUG;
    }
    SCOPED(pki_build_free_req) X509_REQ *req = NULL;
    TRY(quiet(pki_csr_parse(o->csr, &req)));
    SCOPED(pki_build_free_x509) X509 *cert = X509_new();
    TRY(cert == NULL ? ERR_CRYPTO : quiet(cert_make(s, o, req, cert)));
    SCOPED(pki_build_free_octets) unsigned char *der = NULL;
    int n = i2d_X509(cert, &der);
    return put_der(out, der, n);
}

/* -- PKCS#7 without a signature ------------------------------------------------------------------------------ */
static PKCS7 *bundle_new(void)
{
    PKCS7 *p7 = PKCS7_new();
    if (p7 == NULL || PKCS7_set_type(p7, NID_pkcs7_signed) != 1) {
        PKCS7_free(p7);
        return NULL;
    }
    p7->d.sign->contents->type = OBJ_nid2obj(NID_pkcs7_data);
    return p7;
}

static err_t certs_only(const struct issuer *self, struct bytes cert, struct writer *out)
{
    const struct state *s = self->state;
    const unsigned char *p = cert.p;
    SCOPED(pki_build_free_pkcs7) PKCS7 *p7 = bundle_new();
    SCOPED(pki_build_free_x509) X509 *one = cert.n == 0 ? NULL : d2i_X509(NULL, &p, (long)cert.n);
    bool ok = p7 != NULL && (cert.n == 0 || (one != NULL && PKCS7_add_certificate(p7, one) == 1));
    for (size_t i = 0; ok && cert.n == 0 && i < s->chain_n; i++) {
        ok = PKCS7_add_certificate(p7, s->chain[i]) == 1;
    }
    SCOPED(pki_build_free_octets) unsigned char *der = NULL;
    int n = ok ? i2d_PKCS7(p7, &der) : 0;
    return put_der(out, der, n);
}

/* -- life ------------------------------------------------------------------------------------------------- */
static err_t chain_load(const char *file, struct state *s)
{
    FILE *f = fopen(file, "rbe");
    if (f == NULL) {
        return ERR_IO;
    }
    X509 *cert = NULL;
    while (s->chain_n < CHAIN_MAX && (cert = PEM_read_X509(f, NULL, NULL, NULL)) != NULL) {
        s->chain[s->chain_n++] = cert;
    }
    (void)fclose(f);
    return quiet(s->chain_n == 0 ? ERR_CONFIG : ERR_OK);
}

static err_t load(const char *cert_file, const char *key_file, struct issuer *i)
{
    struct state *s = i->state;
    TRY(chain_load(cert_file, s));
    TRY(x509_key_load(key_file, &s->key));
    X509 *ca = s->chain[0];
    struct tm tm = {0};
    if (!x509_key_is_p256(X509_get_X509_PUBKEY(ca))) {
        return ERR_DENIED_CERT_PROFILE; /* 10.1.1.3: what it signs must be ECDSA over P-256 */
    }
    if (X509_check_private_key(ca, s->key) != 1 || X509_check_ca(ca) != 1 ||
        ASN1_TIME_to_tm(X509_get0_notAfter(ca), &tm) != 1) {
        return ERR_CONFIG;
    }
    i->not_after = (usec_t)timegm(&tm) * USEC_PER_SEC;
    return ERR_OK;
}

err_t issuer_openssl_new(const char *cert_file, const char *key_file, struct issuer **out)
{
    *out = NULL;
    struct issuer *i = calloc(1, sizeof(*i));
    struct state *s = calloc(1, sizeof(*s));
    if (i == NULL || s == NULL) {
        free(i);
        free(s);
        return ERR_LIMIT_CAPACITY;
    }
    *i = (struct issuer){csr_parse, csr_attrs, issue, certs_only, 0, s};
    err_t e = quiet(load(cert_file, key_file, i));
    if (e != ERR_OK) {
        issuer_openssl_free(i);
        return e;
    }
    *out = i;
    return ERR_OK;
}

void issuer_openssl_free(struct issuer *i)
{
    if (i == NULL) {
        return;
    }
    struct state *s = i->state;
    for (size_t k = 0; k < s->chain_n; k++) {
        X509_free(s->chain[k]);
    }
    EVP_PKEY_free(s->key);
    free(s);
    free(i);
}
