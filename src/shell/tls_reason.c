/* Why OpenSSL gave up, in our words. A table: what is not in it is malformed input. */
#include "shell/tls_impl.h"

#include "shell/key_source.h"
#include "shell/x509.h"

#include <openssl/sslerr.h>

struct reason_row {
    int reason;
    err_t e;
    err_t keyed; /* once a pre-shared key is in use */
};

static const struct reason_row rows[] = {
    /* no common parameters */
    {SSL_R_UNSUPPORTED_PROTOCOL, ERR_DENIED_TLS, ERR_DENIED_TLS},
    {SSL_R_NO_PROTOCOLS_AVAILABLE, ERR_DENIED_TLS, ERR_DENIED_TLS},
    {SSL_R_VERSION_TOO_LOW, ERR_DENIED_TLS, ERR_DENIED_TLS},
    {SSL_R_VERSION_TOO_HIGH, ERR_DENIED_TLS, ERR_DENIED_TLS},
    {SSL_R_WRONG_SSL_VERSION, ERR_DENIED_TLS, ERR_DENIED_TLS},
    {SSL_R_INAPPROPRIATE_FALLBACK, ERR_DENIED_TLS, ERR_DENIED_TLS},
    {SSL_R_NO_SHARED_CIPHER, ERR_DENIED_TLS, ERR_DENIED_TLS},
    {SSL_R_NO_SHARED_GROUPS, ERR_DENIED_TLS, ERR_DENIED_TLS},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, ERR_DENIED_TLS, ERR_DENIED_TLS},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, ERR_DENIED_TLS, ERR_DENIED_TLS},
    {SSL_R_NO_COMPRESSION_SPECIFIED, ERR_DENIED_TLS, ERR_DENIED_TLS},
    {SSL_R_WRONG_SIGNATURE_TYPE, ERR_DENIED_TLS, ERR_DENIED_TLS},
    {SSL_R_WRONG_CURVE, ERR_DENIED_CERT_KEY, ERR_DENIED_CERT_KEY},
    {SSL_R_WRONG_CERTIFICATE_TYPE, ERR_DENIED_CERT_PROFILE, ERR_DENIED_CERT_PROFILE},
    {SSL_R_UNKNOWN_CERTIFICATE_TYPE, ERR_DENIED_CERT_PROFILE, ERR_DENIED_CERT_PROFILE},
    /* certificates; CERTIFICATE_VERIFY_FAILED is looked into further */
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, ERR_DENIED_CERT_MISSING, ERR_DENIED_CERT_MISSING},
    {SSL_R_BAD_SIGNATURE, ERR_DENIED_CERT_PROOF, ERR_DENIED_CERT_PROOF},
    {SSL_R_WRONG_SIGNATURE_SIZE, ERR_DENIED_CERT_PROOF, ERR_DENIED_CERT_PROOF},
    /* the first encrypted record is the client's Finished: with another key it does not open (R001-83) */
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, ERR_MALFORMED, ERR_DENIED_PSK_WRONG},
    {SSL_R_DECRYPTION_FAILED, ERR_MALFORMED, ERR_DENIED_PSK_WRONG},
    {SSL_R_BLOCK_CIPHER_PAD_IS_WRONG, ERR_MALFORMED, ERR_DENIED_PSK_WRONG},
    {SSL_R_DIGEST_CHECK_FAILED, ERR_MALFORMED, ERR_DENIED_PSK_WRONG},
    /* ours */
    {ERR_R_MALLOC_FAILURE, ERR_CRYPTO, ERR_CRYPTO},
    {ERR_R_INTERNAL_ERROR, ERR_CRYPTO, ERR_CRYPTO},
};

/* A client that has chosen the certificate suite and owes its certificate: then that is what is too long. */
err_t tls_reason_size(const struct tls *t)
{
    const SSL_CIPHER *suite = SSL_get_pending_cipher(t->ssl);
    OSSL_HANDSHAKE_STATE at = SSL_get_state(t->ssl);
    bool owes = at == TLS_ST_SW_SRVR_DONE || at == TLS_ST_SR_CERT;
    return owes && suite != NULL && SSL_CIPHER_get_auth_nid(suite) == NID_auth_ecdsa ? ERR_DENIED_CERT_SIZE : ERR_LIMIT_SIZE;
}

static err_t reason_find(int reason, const struct tls *t)
{
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        err_t e = x509_reason((int)SSL_get_verify_result(t->ssl));
        return e == ERR_OK ? ERR_DENIED_CERT_CA : e;
    }
    if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
        return ERR_PEER_REFUSED; /* the peer's own alert */
    }
    if (reason == SSL_R_EXCESSIVE_MESSAGE_SIZE) {
        return tls_reason_size(t);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].reason == reason) {
            return t->keyed && t->state != TLS_OPEN ? rows[i].keyed : rows[i].e;
        }
    }
    return ERR_MALFORMED;
}

err_t tls_reason_take(const struct tls *t)
{
    int reason = 0;
    err_t own = ERR_OK; /* our key could not sign */
    for (unsigned long e = ERR_get_error(); e != 0; e = ERR_get_error()) {
        own = own == ERR_OK ? key_source_reason(e) : own;
        if (ERR_GET_LIB(e) == ERR_LIB_SSL) {
            reason = ERR_GET_REASON(e); /* the last of libssl: below it stand causes, in other libraries */
        }
    }
    if (t->refused != ERR_OK) {
        return t->refused;
    }
    return own != ERR_OK ? own : reason_find(reason, t);
}
