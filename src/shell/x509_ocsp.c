#include "shell/x509_ocsp.h"

#include <openssl/evp.h>
#include <openssl/ocsp.h>

#define CLOCK_SKEW (300 * USEC_PER_SEC) /* a response made this moment counts where the clock is a little behind */

static void response_freep(OCSP_RESPONSE **p)
{
    OCSP_RESPONSE_free(*p);
}
static void basic_freep(OCSP_BASICRESP **p)
{
    OCSP_BASICRESP_free(*p);
}
static void id_freep(OCSP_CERTID **p)
{
    OCSP_CERTID_free(*p);
}
static void certs_freep(STACK_OF(X509) **p)
{
    sk_X509_free(*p); /* what is in it is borrowed */
}

/* -- who signed ---------------------------------------------------------------------------------------------- */
static bool is_in_force(X509 *cert, usec_t now)
{
    usec_t from;
    usec_t to;
    return x509_time(X509_get0_notBefore(cert), &from) && x509_time(X509_get0_notAfter(cert), &to) && now >= from &&
           now <= to;
}

/* The issuer itself must have appointed it, for this alone (RFC 6960 4.2.2.2): the extended key usage is there and says
 * OCSPSigning; one that is good for anything is not enough. */
static bool is_appointed(X509 *responder, const struct x509_ocsp_ask *ask)
{
    uint32_t flags = X509_get_extension_flags(responder);
    return (flags & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(responder) & XKU_OCSP_SIGN) != 0 &&
           (flags & (EXFLAG_CRITICAL | EXFLAG_INVALID)) == 0 && X509_check_issued(ask->issuer, responder) == X509_V_OK &&
           X509_verify(responder, X509_get0_pubkey(ask->issuer)) == 1 && x509_profile_check(responder) == ERR_OK &&
           is_in_force(responder, ask->now);
}

/* RFC 6960 4.2.2.2.1: ocsp-nocheck says that nobody need ask after the responder; else the lists do, where there are any. */
static bool is_unrevoked(X509 *responder, const struct x509_ocsp_ask *ask)
{
    return X509_get_ext_by_NID(responder, NID_id_pkix_OCSP_noCheck, -1) >= 0 || ask->trust == NULL ||
           x509_trust_status(ask->trust, responder, ask->issuer) == ERR_OK;
}

static bool is_signed_by_profile(const OCSP_BASICRESP *basic)
{
    const ASN1_OBJECT *how = NULL;
    X509_ALGOR_get0(&how, NULL, NULL, OCSP_resp_get0_tbs_sigalg(basic));
    return OBJ_obj2nid(how) == NID_ecdsa_with_SHA256;
}

static err_t signer_check(OCSP_BASICRESP *basic, const struct x509_ocsp_ask *ask)
{
    SCOPED(certs_freep) STACK_OF(X509) *known = sk_X509_new_null();
    X509 *signer = NULL;
    if (known == NULL || sk_X509_push(known, ask->issuer) <= 0) {
        return ERR_LIMIT_CAPACITY;
    }
    /* The signature alone: whether the signer may speak is decided here, not by OpenSSL's wider rules. */
    bool ok = is_signed_by_profile(basic) && OCSP_resp_get0_signer(basic, &signer, known) == 1 &&
              OCSP_basic_verify(basic, known, NULL, OCSP_NOVERIFY) == 1 &&
              (signer == ask->issuer || (is_appointed(signer, ask) && is_unrevoked(signer, ask)));
    return ok ? ERR_OK : ERR_DENIED_OCSP_SIGNER;
}

/* -- what it says -------------------------------------------------------------------------------------------- */
/* Nothing that a critical extension could change about the answer is understood here. */
static bool is_plain(OCSP_BASICRESP *basic)
{
    for (int i = 0; i < OCSP_BASICRESP_get_ext_count(basic); i++) {
        if (X509_EXTENSION_get_critical(OCSP_BASICRESP_get_ext(basic, i)) == 1) {
            return false;
        }
    }
    return true;
}

static bool single_is_plain(OCSP_SINGLERESP *one)
{
    for (int i = 0; i < OCSP_SINGLERESP_get_ext_count(one); i++) {
        if (X509_EXTENSION_get_critical(OCSP_SINGLERESP_get_ext(one, i)) == 1) {
            return false;
        }
    }
    return true;
}

/* Serial number, and issuer by name and key. SHA-1 names here what the signature proves; it protects nothing. */
static bool is_about(const OCSP_SINGLERESP *one, const struct x509_ocsp_ask *ask)
{
    OCSP_CERTID *id = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(one);
    ASN1_OBJECT *digest = NULL;
    if (OCSP_id_get0_info(NULL, &digest, NULL, NULL, id) != 1) {
        return false;
    }
    int nid = OBJ_obj2nid(digest);
    SCOPED(id_freep)
    OCSP_CERTID *mine = nid != NID_sha1 && nid != NID_sha256
                            ? NULL
                            : OCSP_cert_to_id(EVP_get_digestbynid(nid), ask->cert, ask->issuer);
    return mine != NULL && OCSP_id_cmp(mine, id) == 0;
}

static err_t single_check(OCSP_SINGLERESP *one, usec_t now, struct x509_ocsp_span *span)
{
    int reason = 0;
    ASN1_GENERALIZEDTIME *when = NULL;
    ASN1_GENERALIZEDTIME *from = NULL;
    ASN1_GENERALIZEDTIME *to = NULL;
    int status = OCSP_single_get0_status(one, &reason, &when, &from, &to);
    if (!single_is_plain(one)) {
        return ERR_DENIED_OCSP_FORM;
    }
    if (status == V_OCSP_CERTSTATUS_REVOKED) {
        return ERR_DENIED_OCSP_REVOKED; /* stays so, however old the answer is */
    }
    if (status != V_OCSP_CERTSTATUS_GOOD) {
        return ERR_DENIED_OCSP_UNKNOWN;
    }
    *span = (struct x509_ocsp_span){0, 0};
    if (!x509_time(from, &span->from) || (to != NULL && !x509_time(to, &span->to))) {
        return ERR_DENIED_OCSP_FORM;
    }
    return to != NULL && now >= span->from - CLOCK_SKEW && now < span->to ? ERR_OK : ERR_DENIED_OCSP_STALE;
}

/* If it speaks of the certificate more than once, every answer must be good. */
static err_t answer_check(OCSP_BASICRESP *basic, const struct x509_ocsp_ask *ask, struct x509_ocsp_span *span)
{
    err_t e = ERR_DENIED_OCSP_OTHER;
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *one = OCSP_resp_get0(basic, i);
        if (is_about(one, ask)) {
            e = single_check(one, ask->now, span);
            TRY(e);
        }
    }
    return e;
}

/* One encoding of one answer: DER, and nothing that the parser would put right (the signature covers what it made of it). */
static bool is_der(OCSP_BASICRESP *basic, struct bytes in)
{
    SCOPED(response_freep) OCSP_RESPONSE *again = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *der = NULL;
    int n = again == NULL ? -1 : i2d_OCSP_RESPONSE(again, &der);
    bool same = n > 0 && bytes_eq(bytes_of(der, (size_t)n), in);
    OPENSSL_free(der);
    return same;
}

static err_t check(struct bytes in, const struct x509_ocsp_ask *ask, struct x509_ocsp_span *span)
{
    if (in.n == 0 || in.n > X509_OCSP_MAX) {
        return ERR_DENIED_OCSP_FORM;
    }
    const unsigned char *p = in.p;
    SCOPED(response_freep) OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)in.n);
    if (response == NULL || p != in.p + in.n || OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        return ERR_DENIED_OCSP_FORM;
    }
    SCOPED(basic_freep) OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    if (basic == NULL || !is_der(basic, in) || !is_plain(basic)) {
        return ERR_DENIED_OCSP_FORM;
    }
    TRY(signer_check(basic, ask));
    return answer_check(basic, ask, span);
}

err_t x509_ocsp_check(struct bytes response, const struct x509_ocsp_ask *ask, struct x509_ocsp_span *span)
{
    err_t e = check(response, ask, span);
    ERR_clear_error();
    return e;
}
