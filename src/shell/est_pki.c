#include "shell/est_pki.h"

#include "shell/key_source.h"
#include "shell/pki_impl.h"

#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MODE_PUBLIC (S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)
#define ANCHORS_MAX 8

static err_t quiet(err_t e)
{
    ERR_clear_error(); /* the library's queue of reasons is thread-wide */
    return e;
}

/* -- the key ------------------------------------------------------------------------------------------- */
err_t est_pki_key(const char *file, EVP_PKEY **out)
{
    bool made = false;
    err_t e = pki_file_key_take(file, out, &made);
    if (e != ERR_OK) {
        EVP_PKEY_free(*out);
        *out = NULL;
    }
    return quiet(e);
}

/* -- /csrattrs [RFC 7030 4.5.2] -------------------------------------------------------------------------- */
static void list_freep(ASN1_SEQUENCE_ANY **p)
{
    sk_ASN1_TYPE_pop_free(*p, ASN1_TYPE_free);
}
static void store_freep(X509_STORE **p)
{
    X509_STORE_free(*p);
}

void est_pki_attrs_wipe(struct est_attrs *a)
{
    GENERAL_NAMES_free(a->names);
    a->names = NULL;
}

static err_t take_challenge(const ASN1_TYPE *v, struct est_attrs *out)
{
    if (v->type != V_ASN1_PRINTABLESTRING && v->type != V_ASN1_UTF8STRING) {
        return ERR_PEER_NONSENSE;
    }
    const ASN1_STRING *s = v->value.asn1_string;
    struct text t = text_span((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
    return TEXT_COPY(t, out->challenge) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE;
}

static err_t take_names(const ASN1_TYPE *v, struct est_attrs *out)
{
    if (v->type != V_ASN1_SEQUENCE || out->names != NULL) {
        return ERR_PEER_NONSENSE;
    }
    const unsigned char *p = ASN1_STRING_get0_data(v->value.sequence);
    SCOPED(pki_build_free_extensions) X509_EXTENSIONS *x = d2i_X509_EXTENSIONS(NULL, &p, ASN1_STRING_length(v->value.sequence));
    out->names = x == NULL ? NULL : X509V3_get_d2i(x, NID_subject_alt_name, NULL, NULL);
    return out->names == NULL ? ERR_PEER_NONSENSE : ERR_OK;
}

/* What is no attribute with one value (an OID alone, an attribute of another kind) tells nothing that we need. */
static err_t take_attribute(const ASN1_TYPE *t, struct est_attrs *out)
{
    if (t->type != V_ASN1_SEQUENCE) {
        return ERR_OK;
    }
    const unsigned char *p = ASN1_STRING_get0_data(t->value.sequence);
    SCOPED(pki_build_free_attribute) X509_ATTRIBUTE *a = d2i_X509_ATTRIBUTE(NULL, &p, ASN1_STRING_length(t->value.sequence));
    const ASN1_TYPE *v = a == NULL || X509_ATTRIBUTE_count(a) != 1 ? NULL : X509_ATTRIBUTE_get0_type(a, 0);
    if (v == NULL) {
        return a == NULL ? ERR_PEER_NONSENSE : ERR_OK;
    }
    int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(a));
    if (nid == NID_pkcs9_challengePassword) {
        return take_challenge(v, out);
    }
    return nid == NID_ext_req ? take_names(v, out) : ERR_OK;
}

err_t est_pki_attrs(struct bytes der, struct est_attrs *out)
{
    *out = (struct est_attrs){.names = NULL};
    const unsigned char *p = der.p;
    SCOPED(list_freep) ASN1_SEQUENCE_ANY *list = d2i_ASN1_SEQUENCE_ANY(NULL, &p, (long)der.n);
    err_t e = list == NULL || p != der.p + der.n ? ERR_PEER_NONSENSE : ERR_OK;
    for (int i = 0; e == ERR_OK && i < sk_ASN1_TYPE_num(list); i++) {
        e = take_attribute(sk_ASN1_TYPE_value(list, i), out);
    }
    if (e == ERR_OK && (out->names == NULL || out->challenge[0] == '\0')) {
        e = ERR_PEER_NONSENSE;
    }
    if (e != ERR_OK) {
        est_pki_attrs_wipe(out);
    }
    return quiet(e);
}

static bool same_names(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
    bool same = sk_GENERAL_NAME_num(a) == sk_GENERAL_NAME_num(b);
    for (int i = 0; same && i < sk_GENERAL_NAME_num(a); i++) {
        same = GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i), sk_GENERAL_NAME_value(b, i)) == 0;
    }
    return same;
}

err_t est_pki_identity(const struct est_attrs *a, const char *id)
{
    bool ae = m2mid_is_ae(m2mid_kind(text_of(id)));
    const struct pki_holder h = {.flavour = ae ? CERT_ID_AE : CERT_ID_CSE, .id = id};
    SCOPED(pki_build_free_names) GENERAL_NAMES *want = NULL;
    TRY(quiet(pki_build_names_make(&h, &want)));
    return same_names(a->names, want) ? ERR_OK : ERR_DENIED_CSR_NAME;
}

/* -- the request [TS-0003 10.1.4] ---------------------------------------------------------------------------- */
static bool request_fill(X509_REQ *req, EVP_PKEY *key, const struct est_attrs *a)
{
    SCOPED(pki_build_free_extensions) X509_EXTENSIONS *list = NULL;
    return X509_REQ_set_pubkey(req, key) == 1 &&
           X509V3_add1_i2d(&list, NID_subject_alt_name, a->names, 0, X509V3_ADD_DEFAULT) == 1 &&
           X509_REQ_add_extensions(req, list) == 1 &&
           X509_REQ_add1_attr_by_NID(req, NID_pkcs9_challengePassword, V_ASN1_PRINTABLESTRING,
                                     (const unsigned char *)a->challenge, (int)strlen(a->challenge)) == 1 &&
           X509_REQ_sign(req, key, EVP_sha256()) > 0;
}

err_t est_pki_request(EVP_PKEY *key, const struct est_attrs *a, struct writer *der)
{
    SCOPED(pki_build_free_req) X509_REQ *req = X509_REQ_new();
    SCOPED(pki_build_free_octets) unsigned char *octets = NULL;
    int n = req != NULL && request_fill(req, key, a) ? i2d_X509_REQ(req, &octets) : 0;
    if (n <= 0) {
        return key_source_fault(ERR_CRYPTO);
    }
    writer_bytes(der, bytes_of(octets, (size_t)n));
    return writer_finish(der);
}

/* -- what came back ------------------------------------------------------------------------------------------ */
static err_t certs_of(struct bytes der, PKCS7 **out)
{
    const unsigned char *p = der.p;
    *out = d2i_PKCS7(NULL, &p, (long)der.n);
    bool ok = *out != NULL && p == der.p + der.n && PKCS7_type_is_signed(*out) && (*out)->d.sign != NULL &&
              sk_X509_num((*out)->d.sign->cert) > 0;
    return quiet(ok ? ERR_OK : ERR_PEER_NONSENSE);
}

/* One that a crash left half written must not stop the next. */
static err_t replace(const char *file, pki_file_pem_writer *put, const void *what)
{
    char stale[4096];
    int n = snprintf(stale, sizeof(stale), "%s.new", file);
    if (n < 0 || (size_t)n >= sizeof(stale)) {
        return ERR_IO;
    }
    (void)unlink(stale);
    return pki_file_replace(file, MODE_PUBLIC, put, what);
}

static int put_all(FILE *f, const void *what)
{
    const STACK_OF(X509) *list = what;
    int ok = 1;
    for (int i = 0; ok == 1 && i < sk_X509_num(list); i++) {
        ok = pki_file_pem_cert(f, sk_X509_value(list, i));
    }
    return ok;
}

err_t est_pki_anchors(struct bytes der, const char *file)
{
    SCOPED(pki_build_free_pkcs7) PKCS7 *p7 = NULL;
    TRY(certs_of(der, &p7));
    const STACK_OF(X509) *list = p7->d.sign->cert;
    for (int i = 0; i < sk_X509_num(list); i++) { /* 8.1.2.2: whatever is no CA is no anchor */
        if (i == ANCHORS_MAX || X509_check_ca(sk_X509_value(list, i)) != 1) {
            return quiet(ERR_PEER_NONSENSE);
        }
    }
    return replace(file, put_all, list);
}

err_t est_pki_accept(struct bytes der, const struct est_expected *x, const char *file)
{
    char detail[ROLE_DETAIL_MAX];
    SCOPED(pki_build_free_pkcs7) PKCS7 *p7 = NULL;
    TRY(certs_of(der, &p7));
    X509 *cert = sk_X509_value(p7->d.sign->cert, 0);
    SCOPED(pki_build_free_names) GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool ours = sk_X509_num(p7->d.sign->cert) == 1 && EVP_PKEY_eq(X509_get0_pubkey(cert), x->key) == 1 &&
                names != NULL && same_names(names, x->attrs->names);
    if (!ours) {
        return quiet(ERR_PEER_NONSENSE);
    }
    SCOPED(store_freep) X509_STORE *store = NULL;
    const struct x509_trust trust = {.anchors = x->anchors};
    TRY(quiet(x509_trust_load(&trust, &store, detail)));
    TRY(quiet(x509_trust_check(store, cert, NULL)));
    return replace(file, pki_file_pem_cert, cert);
}

/* -- what is there ------------------------------------------------------------------------------------------- */
static err_t time_of(const ASN1_TIME *t, usec_t *out)
{
    struct tm tm = {0};
    if (ASN1_TIME_to_tm(t, &tm) != 1) {
        return ERR_MALFORMED;
    }
    *out = (usec_t)timegm(&tm) * USEC_PER_SEC;
    return ERR_OK;
}

static err_t status_of(X509 *cert, struct est_status *out)
{
    struct role_cert names;
    void *store = NULL;
    TRY(time_of(X509_get0_notBefore(cert), &out->not_before));
    TRY(time_of(X509_get0_notAfter(cert), &out->not_after));
    TRY(x509_names(cert, &names, &store));
    struct text name = names.uri_n > 0 ? names.uri[0] : names.dns_n > 0 ? names.dns[0] : text_of("-");
    memcpy(out->serial, names.serial, sizeof(out->serial));
    err_t e = TEXT_COPY(name, out->name);
    x509_names_free(store);
    return e;
}

err_t est_pki_status(const char *file, struct est_status *out)
{
    SCOPED(pki_build_free_x509) X509 *cert = NULL;
    TRY(x509_cert_load(file, &cert));
    return quiet(status_of(cert, out));
}
