#include "shell/key_source.h"
#include "shell/pki_impl.h"

#include <string.h>
#include <unistd.h>

#define DNS_MAX 253
#define CONSTRAINTS_MAX 2048
#define CN_RAW "raw public key"
#define SUBJECT_MAX 256

/* -- authorities -------------------------------------------------------------------------------------------- */

/* Also keeps commas and colons out of the extension texts that names are put into. */
static err_t domain_check(struct text t)
{
    if (t.n == 0 || t.n > DNS_MAX) {
        return ERR_MALFORMED_ID;
    }
    for (size_t i = 0; i < t.n; i++) {
        char c = text_lower(t.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-')) {
            return ERR_MALFORMED_ID;
        }
    }
    return ERR_OK;
}

static err_t subtrees_write(struct writer *w, const char *kind, const char *list)
{
    struct text rest = text_of(list);
    struct text part;
    while (text_next(&rest, ',', &part)) {
        TRY(domain_check(part));
        writer_z(w, ",permitted;");
        writer_z(w, kind);
        writer_z(w, ":");
        writer_text(w, part);
    }
    return ERR_OK;
}

struct making {
    struct pki_ca parent;
    X509 *cert;
    EVP_PKEY *key;
};
static void making_wipe(struct making *m)
{
    pki_build_ca_wipe(&m->parent);
    X509_free(m->cert);
    EVP_PKEY_free(m->key);
}

static err_t ca_extensions(const struct pki_authority *rq, X509 *cert, X509 *issuer, const char *constraints)
{
    char basic[48] = "critical,CA:TRUE";
    if (rq->path_length >= 0) {
        (void)snprintf(basic, sizeof(basic), "critical,CA:TRUE,pathlen:%d", rq->path_length);
    }
    const struct pki_extension list[] = {
        {NID_basic_constraints, basic},
        {NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature"}, /* the last by 10.1.1.1: every certificate */
        {NID_subject_key_identifier, "hash"},
    };
    const struct pki_extension limits[] = {{NID_name_constraints, constraints}}; /* [8.1.2.2, CHOICE-40] */
    const struct pki_extension below[] = {{NID_authority_key_identifier, "keyid:always"}};
    TRY(pki_build_extensions_add(cert, issuer, list, ARRAY_LEN(list)));
    TRY(constraints[0] == '\0' ? ERR_OK : pki_build_extensions_add(cert, issuer, limits, ARRAY_LEN(limits)));
    return rq->parent == NULL ? ERR_OK : pki_build_extensions_add(cert, issuer, below, ARRAY_LEN(below));
}

static err_t parent_take(const struct pki_authority *rq, struct making *m, char detail[static ROLE_DETAIL_MAX])
{
    TRY(pki_build_ca_load(rq->parent, &m->parent, detail));
    long below = X509_get_pathlen(m->parent.cert); /* -1: no limit */
    if (below == 0 || (below > 0 && rq->path_length >= below)) {
        return pki_build_fail(detail, ERR_DENIED_CERT_CHAIN, rq->parent->cert_file, "its path length forbids this CA below it");
    }
    return ERR_OK;
}

err_t pki_authority_make(const struct pki_authority *rq, char detail[static ROLE_DETAIL_MAX])
{
    char constraints[CONSTRAINTS_MAX];
    struct writer w = WRITER_ARRAY(constraints);
    detail[0] = '\0';
    writer_z(&w, rq->permit_dns == NULL && rq->permit_uri == NULL ? "" : "critical");
    if (subtrees_write(&w, "DNS", rq->permit_dns) != ERR_OK || subtrees_write(&w, "URI", rq->permit_uri) != ERR_OK) {
        return pki_build_fail(detail, ERR_MALFORMED_ID, "a permitted name", "labels of letters, digits and '-'");
    }
    TRY(writer_finish_z(&w));
    SCOPED(making_wipe) struct making m = {.key = EVP_EC_gen("P-256")};
    TRY(rq->parent == NULL ? ERR_OK : parent_take(rq, &m, detail));
    TRY(pki_build_cert_begin(rq->name, rq->days, m.key, &m.cert));
    X509 *issuer = rq->parent == NULL ? m.cert : m.parent.cert;
    TRY(ca_extensions(rq, m.cert, issuer, constraints));
    TRY(pki_build_cert_sign(m.cert, issuer, rq->parent == NULL ? m.key : m.parent.key));
    const struct pki_chain chain = {m.cert, rq->parent == NULL ? NULL : rq->parent->cert_file};
    err_t e = pki_file_pair(rq->key_file, m.key, rq->cert_file, &chain);
    return e == ERR_OK ? ERR_OK : pki_build_fail(detail, e, rq->cert_file, rq->key_file);
}

/* The authority of one service provider: host names under its domain and the AE-IDs of it. */
err_t pki_ca_make(const struct pki_ca_request *rq)
{
    char uri[2 * DNS_MAX + 8];
    char detail[ROLE_DETAIL_MAX];
    TRY(domain_check(text_of(rq->permitted_dns)));
    (void)snprintf(uri, sizeof(uri), "%s,.%s", rq->permitted_dns, rq->permitted_dns);
    const struct pki_authority a = {.name = rq->name, .permit_dns = rq->permitted_dns, .permit_uri = uri,
                                    .path_length = -1, .cert_file = rq->cert_file, .key_file = rq->key_file,
                                    .days = rq->days};
    return pki_authority_make(&a, detail);
}

/* For people, and never like a host name unless it is the very dNSName: name constraints are held against a common name
 * that looks like one, too. */
static void subject_of(const GENERAL_NAMES *names, char out[static SUBJECT_MAX])
{
    int type = 0;
    const GENERAL_NAME *first = sk_GENERAL_NAME_value(names, 0);
    const void *value = first == NULL ? NULL : GENERAL_NAME_get0_value(first, &type);
    struct writer w = writer_of(out, SUBJECT_MAX);
    if (value != NULL && (type == GEN_DNS || type == GEN_URI)) {
        const ASN1_STRING *s = value;
        writer_text(&w, text_span((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)));
    } else if (value != NULL && type == GEN_OTHERNAME) {
        writer_z(&w, "device ");
        if (x509_device_parse(value, &w) != ERR_OK) {
            w.n = 0;
        }
    }
    if (w.n == 0 || writer_finish_z(&w) != ERR_OK) {
        (void)snprintf(out, SUBJECT_MAX, "%s", CN_RAW);
    }
}

/* -- key and certificate -------------------------------------------------------------------------------------- */
err_t pki_issue(const struct pki_signer *ca, const struct pki_holder *to, const char *key_file, const char *cert_file,
                unsigned days, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(making_wipe) struct making m = {.key = EVP_EC_gen("P-256")};
    SCOPED(pki_build_free_names) GENERAL_NAMES *names = NULL;
    bool raw = to->flavour == CERT_ID_RAW;
    detail[0] = '\0';
    err_t e = pki_build_names_make(to, &names);
    if (e != ERR_OK) {
        return pki_build_fail(detail, e, to->id == NULL ? "--id" : to->id, "no identity of this flavour");
    }
    TRY(raw ? ERR_OK : pki_build_ca_load(ca, &m.parent, detail));
    char subject[SUBJECT_MAX];
    subject_of(names, subject);
    TRY(pki_build_cert_begin(subject, days, m.key, &m.cert));
    const struct pki_ca self = {m.cert, m.key};
    e = pki_build_leaf_sign(raw ? &self : &m.parent, names, m.cert);
    if (e != ERR_OK) {
        return pki_build_fail(detail, e, raw ? cert_file : ca->cert_file, "its name constraints do not permit this identity");
    }
    const struct pki_chain chain = {m.cert, raw ? NULL : ca->cert_file};
    e = pki_file_pair(key_file, m.key, cert_file, &chain);
    return e == ERR_OK ? ERR_OK : pki_build_fail(detail, e, cert_file, key_file);
}

err_t pki_leaf_make(const struct pki_leaf_request *rq)
{
    char detail[ROLE_DETAIL_MAX];
    const struct pki_signer ca = {rq->ca_cert_file, rq->ca_key_file};
    const struct pki_holder to = {CERT_ID_FQDN, rq->dns, NULL};
    return pki_issue(&ca, &to, rq->key_file, rq->cert_file, rq->days, detail);
}

/* -- requests [10.1.4] ------------------------------------------------------------------------------------------ */
static err_t request_fill(GENERAL_NAMES *names, EVP_PKEY *key, X509_REQ *req)
{
    char name[SUBJECT_MAX];
    subject_of(names, name);
    size_t n = strlen(name);
    X509_NAME *subject = X509_REQ_get_subject_name(req);
    SCOPED(pki_build_free_extensions) X509_EXTENSIONS *list = NULL;
    bool ok = X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
              X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
                                         n > 64 ? 64 : (int)n, -1, 0) == 1 &&
              X509_REQ_set_pubkey(req, key) == 1 &&
              (names == NULL || (X509V3_add1_i2d(&list, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
                                 X509_REQ_add_extensions(req, list) == 1)) &&
              X509_REQ_sign(req, key, EVP_sha256()) > 0;
    return ok ? ERR_OK : key_source_fault(ERR_CRYPTO);
}

err_t pki_request_make(const struct pki_holder *of, const char *key_file, const char *csr_file,
                       char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(pki_build_free_names) GENERAL_NAMES *names = NULL;
    SCOPED(pki_build_free_key) EVP_PKEY *key = NULL;
    SCOPED(pki_build_free_req) X509_REQ *req = X509_REQ_new();
    bool made = false;
    detail[0] = '\0';
    err_t e = pki_build_names_make(of, &names);
    if (e != ERR_OK) {
        return pki_build_fail(detail, e, of->id == NULL ? "--id" : of->id, "no identity of this flavour");
    }
    e = pki_file_key_take(key_file, &key, &made);
    if (e != ERR_OK) {
        return pki_build_fail(detail, e, key_file, "");
    }
    e = req == NULL ? ERR_CRYPTO : request_fill(names, key, req);
    if (e == ERR_OK && !x509_key_is_p256(X509_REQ_get_X509_PUBKEY(req))) {
        e = ERR_DENIED_CERT_PROFILE;
    }
    e = e == ERR_OK ? pki_file_create(csr_file, 0644, pki_file_pem_request, req) : e;
    if (e != ERR_OK && made) {
        (void)unlink(key_file);
    }
    return e == ERR_OK ? ERR_OK : pki_build_fail(detail, e, csr_file, "");
}

/* -- signing requests ---------------------------------------------------------------------------------------------- */
static err_t request_read(const char *file, X509_REQ **req, GENERAL_NAMES **names)
{
    TRY(pki_csr_read(file, req));
    TRY(pki_csr_check(*req));
    SCOPED(pki_build_free_extensions) X509_EXTENSIONS *list = X509_REQ_get_extensions(*req);
    err_t e = pki_csr_names(list, names);
    return e == ERR_OK && *names != NULL ? ERR_OK : ERR_DENIED_CERT_NAME;
}

/* One name, of a kind that the standard knows; host names without wildcards. */
static err_t holder_check(X509 *cert, const GENERAL_NAMES *asked, const struct pki_holder *expected)
{
    struct role_cert names;
    void *store = NULL;
    TRY(x509_names(cert, &names, &store));
    enum cert_id_flavour f;
    struct text id;
    bool one = sk_GENERAL_NAME_num(asked) == 1 && names.dns_n + names.uri_n + names.device_n == 1;
    bool known = names.device_n == 1 || (names.dns_n == 1 && keyid_is_fqdn(names.dns[0])) ||
                 (names.uri_n == 1 && cert_id_of_uri(names.uri[0], &f, &id) == ERR_OK);
    err_t e = one && known ? ERR_OK : ERR_DENIED_CERT_NAME;
    if (e == ERR_OK && expected != NULL) {
        e = cert_id_check(&names, expected->flavour, text_of(expected->id));
    }
    x509_names_free(store);
    return e;
}

err_t pki_sign(const struct pki_signer *ca, const char *csr_file, const struct pki_holder *expected,
               const char *cert_file, unsigned days, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(making_wipe) struct making m = {.key = NULL};
    SCOPED(pki_build_free_req) X509_REQ *req = NULL;
    SCOPED(pki_build_free_names) GENERAL_NAMES *names = NULL;
    detail[0] = '\0';
    err_t e = request_read(csr_file, &req, &names);
    if (e != ERR_OK) {
        return pki_build_fail(detail, e, csr_file, "");
    }
    TRY(pki_build_ca_load(ca, &m.parent, detail));
    char subject[SUBJECT_MAX];
    subject_of(names, subject);
    TRY(pki_build_cert_begin(subject, days, X509_REQ_get0_pubkey(req), &m.cert));
    e = pki_build_leaf_sign(&m.parent, names, m.cert);
    e = e == ERR_OK ? holder_check(m.cert, names, expected) : e;
    if (e != ERR_OK) {
        return pki_build_fail(detail, e, csr_file, expected == NULL ? "its name" : expected->id);
    }
    const struct pki_chain chain = {m.cert, ca->cert_file};
    e = pki_file_chain(cert_file, &chain);
    return e == ERR_OK ? ERR_OK : pki_build_fail(detail, e, cert_file, "");
}
