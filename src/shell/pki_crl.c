/* Revocation lists [RFC 5280 5]: whole lists, made anew each time from the one that is there. */
#include "shell/pki_impl.h"

#include "base/hex.h"

#include <openssl/pem.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SERIAL_HEX_MAX 40

struct work {
    struct pki_ca ca;
    X509_CRL *old; /* or NULL: the first list */
    X509_CRL *fresh;
};
static void work_wipe(struct work *w)
{
    pki_build_ca_wipe(&w->ca);
    X509_CRL_free(w->old);
    X509_CRL_free(w->fresh);
}
static void revoked_freep(X509_REVOKED **p)
{
    X509_REVOKED_free(*p);
}
static void integer_freep(ASN1_INTEGER **p)
{
    ASN1_INTEGER_free(*p);
}
static void time_freep(ASN1_TIME **p)
{
    ASN1_TIME_free(*p);
}

err_t pki_crl_read(const char *file, X509 *ca, X509_CRL **out)
{
    FILE *f = fopen(file, "rbe");
    if (f == NULL) {
        return ERR_IO;
    }
    *out = PEM_read_X509_CRL(f, NULL, NULL, NULL);
    (void)fclose(f);
    TRY(*out == NULL ? ERR_CONFIG : ERR_OK);
    bool ours = X509_NAME_cmp(X509_CRL_get_issuer(*out), X509_get_subject_name(ca)) == 0 &&
                X509_CRL_verify(*out, X509_get0_pubkey(ca)) == 1;
    return ours ? ERR_OK : ERR_DENIED_CERT_CA;
}

static err_t old_read(const char *file, struct work *w)
{
    return access(file, F_OK) != 0 ? ERR_OK : pki_crl_read(file, w->ca.cert, &w->old);
}

/* One more than the list before (RFC 5280 5.2.3). */
static err_t number_set(struct work *w)
{
    ASN1_INTEGER *before = w->old == NULL ? NULL : X509_CRL_get_ext_d2i(w->old, NID_crl_number, NULL, NULL);
    int64_t last = 0;
    bool ok = before == NULL || ASN1_INTEGER_get_int64(&last, before) == 1;
    ASN1_INTEGER_free(before);
    SCOPED(integer_freep) ASN1_INTEGER *number = ASN1_INTEGER_new();
    ok = ok && number != NULL && last >= 0 && last < INT64_MAX && ASN1_INTEGER_set_int64(number, last + 1) == 1 &&
         X509_CRL_add1_ext_i2d(w->fresh, NID_crl_number, number, 0, X509V3_ADD_DEFAULT) == 1;
    return ok ? ERR_OK : ERR_CONFIG;
}

static err_t begin(struct work *w, unsigned days)
{
    time_t now = time(NULL);
    w->fresh = X509_CRL_new();
    SCOPED(time_freep) ASN1_TIME *from = ASN1_TIME_set(NULL, now - PKI_CLOCK_SKEW_SEC);
    SCOPED(time_freep) ASN1_TIME *to = ASN1_TIME_set(NULL, now + (time_t)days * PKI_DAY_SEC);
    bool ok = w->fresh != NULL && from != NULL && to != NULL && X509_CRL_set_version(w->fresh, X509_CRL_VERSION_2) == 1 &&
              X509_CRL_set_issuer_name(w->fresh, X509_get_subject_name(w->ca.cert)) == 1 &&
              X509_CRL_set1_lastUpdate(w->fresh, from) == 1 && X509_CRL_set1_nextUpdate(w->fresh, to) == 1;
    TRY(ok ? ERR_OK : ERR_CRYPTO);
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, w->ca.cert, NULL, NULL, w->fresh, 0);
    X509_EXTENSION *aki = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    ok = aki != NULL && X509_CRL_add_ext(w->fresh, aki, -1) == 1;
    X509_EXTENSION_free(aki);
    return ok ? number_set(w) : ERR_CRYPTO;
}

static err_t old_keep(struct work *w)
{
    STACK_OF(X509_REVOKED) *list = w->old == NULL ? NULL : X509_CRL_get_REVOKED(w->old);
    for (int i = 0; i < sk_X509_REVOKED_num(list); i++) {
        X509_REVOKED *copy = X509_REVOKED_dup(sk_X509_REVOKED_value(list, i));
        if (copy == NULL || X509_CRL_add0_revoked(w->fresh, copy) != 1) {
            X509_REVOKED_free(copy);
            return ERR_CRYPTO;
        }
    }
    return ERR_OK;
}

/* -- what is revoked -------------------------------------------------------------------------------------------- */
static err_t serial_parse(struct text t, ASN1_INTEGER **out)
{
    uint8_t b[SERIAL_HEX_MAX / 2];
    struct writer w = WRITER_ARRAY(b);
    TRY(hex_parse(t, &w));
    BIGNUM *n = BN_bin2bn(b, (int)w.n, NULL);
    *out = n == NULL ? NULL : BN_to_ASN1_INTEGER(n, NULL);
    BN_free(n);
    return *out == NULL ? ERR_CRYPTO : ERR_OK;
}

/* A certificate of another CA in this list would revoke a stranger that has the same number. */
static err_t serial_of_file(const struct pki_ca *ca, const char *file, ASN1_INTEGER **out)
{
    SCOPED(pki_build_free_x509) X509 *cert = NULL;
    TRY(x509_cert_load(file, &cert));
    if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(ca->cert)) != 0 ||
        X509_verify(cert, X509_get0_pubkey(ca->cert)) != 1) {
        return ERR_DENIED_CERT_CA;
    }
    *out = ASN1_INTEGER_dup(X509_get0_serialNumber(cert));
    return *out == NULL ? ERR_CRYPTO : ERR_OK;
}

static bool is_serial(struct text t)
{
    return t.n <= SERIAL_HEX_MAX && hex_is_text(t) && access(t.p, F_OK) != 0;
}

static err_t revoke_one(struct work *w, const char *what)
{
    SCOPED(integer_freep) ASN1_INTEGER *serial = NULL;
    struct text t = text_of(what);
    TRY(is_serial(t) ? serial_parse(t, &serial) : serial_of_file(&w->ca, what, &serial));
    X509_REVOKED *there = NULL;
    if (X509_CRL_get0_by_serial(w->fresh, &there, serial) == 1) {
        return ERR_OK; /* revoked already, with its date */
    }
    SCOPED(revoked_freep) X509_REVOKED *r = X509_REVOKED_new();
    SCOPED(time_freep) ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL));
    if (r == NULL || now == NULL || X509_REVOKED_set_serialNumber(r, serial) != 1 ||
        X509_REVOKED_set_revocationDate(r, now) != 1 || X509_CRL_add0_revoked(w->fresh, r) != 1) {
        return ERR_CRYPTO;
    }
    r = NULL;
    return ERR_OK;
}

static err_t list_make(struct work *w, const struct pki_revocation *rq, char detail[static ROLE_DETAIL_MAX])
{
    TRY(begin(w, rq->days));
    TRY(old_keep(w));
    for (size_t i = 0; i < rq->revoke_n; i++) {
        err_t e = revoke_one(w, rq->revoke[i]);
        if (e != ERR_OK) {
            return pki_build_fail(detail, e, rq->revoke[i], "neither a certificate of this CA nor a serial number");
        }
    }
    bool ok = X509_CRL_sort(w->fresh) == 1 && X509_CRL_sign(w->fresh, w->ca.key, EVP_sha256()) > 0;
    return ok ? ERR_OK : ERR_CRYPTO;
}

err_t pki_crl_make(const struct pki_revocation *rq, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(work_wipe) struct work w = {.old = NULL};
    detail[0] = '\0';
    if (rq->days == 0 || rq->days > PKI_DAYS_MAX) {
        return pki_build_fail(detail, ERR_USAGE, "days", "1 to 36500");
    }
    TRY(pki_build_ca_load(&rq->ca, &w.ca, detail));
    err_t e = old_read(rq->crl_file, &w);
    if (e != ERR_OK) {
        return pki_build_fail(detail, e, rq->crl_file, "there is something else than a list of this CA");
    }
    TRY(list_make(&w, rq, detail));
    e = pki_file_replace(rq->crl_file, 0644, pki_file_pem_crl, w.fresh);
    return e == ERR_OK ? ERR_OK : pki_build_fail(detail, e, rq->crl_file, "");
}
