/* OCSP responses [RFC 6960] that a server staples: what the CA's revocation list knows of one certificate, signed by the CA. */
#include "shell/pki_impl.h"

#include <openssl/ocsp.h>
#include <time.h>

struct work {
    struct pki_ca ca;
    X509 *cert;
    X509_CRL *crl;
    OCSP_BASICRESP *basic;
    OCSP_RESPONSE *response;
    ASN1_TIME *from, *to;
};
static void work_wipe(struct work *w)
{
    pki_build_ca_wipe(&w->ca);
    X509_free(w->cert);
    X509_CRL_free(w->crl);
    OCSP_BASICRESP_free(w->basic);
    OCSP_RESPONSE_free(w->response);
    ASN1_TIME_free(w->from);
    ASN1_TIME_free(w->to);
}

/* The answer ends with the list that it is taken from. */
static err_t dates_set(struct work *w, unsigned days)
{
    time_t now = time(NULL);
    const ASN1_TIME *end = X509_CRL_get0_nextUpdate(w->crl);
    if (end == NULL || X509_cmp_time(end, &now) <= 0) {
        return ERR_DENIED_CERT_STATUS;
    }
    w->from = ASN1_TIME_set(NULL, now);
    w->to = ASN1_TIME_set(NULL, now + (time_t)days * PKI_DAY_SEC);
    if (w->to != NULL && ASN1_TIME_compare(w->to, end) > 0) {
        ASN1_TIME_free(w->to);
        w->to = ASN1_STRING_dup(end);
    }
    return w->from != NULL && w->to != NULL ? ERR_OK : ERR_CRYPTO;
}

static err_t status_add(struct work *w)
{
    X509_REVOKED *entry = NULL;
    bool revoked = X509_CRL_get0_by_cert(w->crl, &entry, w->cert) == 1;
    ASN1_TIME *when = revoked ? ASN1_STRING_dup(X509_REVOKED_get0_revocationDate(entry)) : NULL;
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), w->cert, w->ca.cert); /* a name, not a protection; curl knows no other */
    w->basic = OCSP_BASICRESP_new();
    bool ok = id != NULL && w->basic != NULL && (when != NULL || !revoked) &&
              OCSP_basic_add1_status(w->basic, id, revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD,
                                     OCSP_REVOKED_STATUS_NOSTATUS, when, w->from, w->to) != NULL;
    OCSP_CERTID_free(id);
    ASN1_TIME_free(when);
    return ok ? ERR_OK : ERR_CRYPTO;
}

static err_t response_make(struct work *w)
{
    TRY(status_add(w));
    /* With the certificate of the CA in it: GnuTLS does not find the signer elsewhere (docs/decisions/0012-ocsp.md). */
    bool ok = OCSP_basic_sign(w->basic, w->ca.cert, w->ca.key, EVP_sha256(), NULL, OCSP_RESPID_KEY) == 1;
    w->response = ok ? OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, w->basic) : NULL;
    return w->response == NULL ? ERR_CRYPTO : ERR_OK;
}

static int response_put(FILE *f, const void *what)
{
    unsigned char *der = NULL;
    int n = i2d_OCSP_RESPONSE(what, &der);
    bool ok = n > 0 && fwrite(der, (size_t)n, 1, f) == 1;
    OPENSSL_free(der);
    return ok;
}

static err_t cert_take(struct work *w, const char *file)
{
    TRY(x509_cert_load(file, &w->cert));
    bool ours = X509_check_issued(w->ca.cert, w->cert) == X509_V_OK && X509_verify(w->cert, X509_get0_pubkey(w->ca.cert)) == 1;
    return ours ? ERR_OK : ERR_DENIED_CERT_CA;
}

err_t pki_ocsp_make(const struct pki_ocsp *rq, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(work_wipe) struct work w = {.cert = NULL};
    detail[0] = '\0';
    if (rq->days == 0 || rq->days > PKI_DAYS_MAX) {
        return pki_build_fail(detail, ERR_USAGE, "days", "1 to 36500");
    }
    TRY(pki_build_ca_load(&rq->ca, &w.ca, detail));
    err_t e = cert_take(&w, rq->cert_file);
    if (e != ERR_OK) {
        return pki_build_fail(detail, e, rq->cert_file, "not a certificate of this CA");
    }
    e = pki_crl_read(rq->crl_file, w.ca.cert, &w.crl);
    if (e != ERR_OK) {
        return pki_build_fail(detail, e, rq->crl_file, "not a revocation list of this CA");
    }
    e = dates_set(&w, rq->days);
    if (e != ERR_OK) {
        return pki_build_fail(detail, e, rq->crl_file, "the list is past its nextUpdate: renew it first (pki crl)");
    }
    TRY(response_make(&w));
    e = pki_file_replace(rq->response_file, 0644, response_put, w.response);
    return e == ERR_OK ? ERR_OK : pki_build_fail(detail, e, rq->response_file, "");
}
