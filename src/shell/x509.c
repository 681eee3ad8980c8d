#include "shell/x509.h"

#include "role/cert_id.h"
#include "shell/key_source.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

/* -- profile [TS-0003 10.1.1.1, 10.1.1.3] --------------------------------------------------------------- */

/* secp256r1 as a named curve, and the point in uncompressed form: 04 || x || y. */
bool x509_key_is_p256(X509_PUBKEY *spki)
{
    static const size_t point_len = 65;
    EVP_PKEY *key = X509_PUBKEY_get0(spki);
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
    if (X509_PUBKEY_get0_param(NULL, &point, &point_n, NULL, spki) != 1) {
        return false;
    }
    return point_n >= 0 && (size_t)point_n == point_len && point[0] == POINT_CONVERSION_UNCOMPRESSED;
}

static bool is_p256(X509 *cert)
{
    return x509_key_is_p256(X509_get_X509_PUBKEY(cert));
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
    if (!is_p256(cert)) {
        return ERR_DENIED_CERT_KEY;
    }
    if (!signs) {
        return ERR_DENIED_CERT_USAGE;
    }
    return is_signed_by_profile(cert) ? ERR_OK : ERR_DENIED_CERT_PROFILE;
}

/* The certificates above the leaf: their keys make the signatures that the profile speaks of. */
err_t x509_issuer_check(X509 *cert)
{
    bool self_signed = (X509_get_extension_flags(cert) & EXFLAG_SS) != 0;
    if (!is_p256(cert)) {
        return ERR_DENIED_CERT_KEY;
    }
    return self_signed || is_signed_by_profile(cert) ? ERR_OK : ERR_DENIED_CERT_PROFILE;
}

err_t x509_key_digest(const X509_PUBKEY *key, uint8_t digest[static CRYPTO_HASH_LEN])
{
    unsigned char *der = NULL;
    unsigned n = 0;
    int der_n = i2d_X509_PUBKEY(key, &der);
    bool ok = der_n > 0 && EVP_Digest(der, (size_t)der_n, digest, &n, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return ok ? ERR_OK : ERR_DENIED_CERT_PROFILE;
}

/* Exact values only [8.1.2.5]: dNSName without case, the rest octet by octet (CHOICE-41); a "*" equals nothing. */
err_t x509_fqdn_check(const struct role_cert *names, struct text fqdn)
{
    return cert_id_check(names, CERT_ID_FQDN, fqdn); /* R001-51, R001-52 */
}

/* -- dates ----------------------------------------------------------------------------------------------- */

bool x509_time(const ASN1_TIME *t, usec_t *out)
{
    struct tm tm = {0};
    if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1) {
        return false;
    }
    *out = (usec_t)timegm(&tm) * USEC_PER_SEC;
    return true;
}

/* -- files ---------------------------------------------------------------------------------------------- */

err_t x509_key_load(const char *name, EVP_PKEY **out)
{
    return key_source_load(name, out);
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

/* -- why a path was refused -------------------------------------------------------------------------------- */

err_t x509_reason(int x509_v_err)
{
    static const struct {
        int code;
        err_t e;
    } rows[] = {
        {X509_V_OK, ERR_OK},
        {X509_V_ERR_CERT_HAS_EXPIRED, ERR_DENIED_CERT_EXPIRED},
        {X509_V_ERR_CERT_NOT_YET_VALID, ERR_DENIED_CERT_EARLY},
        {X509_V_ERR_CERT_REVOKED, ERR_DENIED_CERT_REVOKED},
        {X509_V_ERR_UNABLE_TO_GET_CRL, ERR_DENIED_CERT_STATUS},
        {X509_V_ERR_UNNESTED_RESOURCE, ERR_DENIED_CERT_CONSTRAINTS},
        {X509_V_ERR_CERT_CHAIN_TOO_LONG, ERR_DENIED_CERT_CHAIN},
        {X509_V_ERR_PATH_LENGTH_EXCEEDED, ERR_DENIED_CERT_CHAIN},
        {X509_V_ERR_PERMITTED_VIOLATION, ERR_DENIED_CERT_NAME},
        {X509_V_ERR_EXCLUDED_VIOLATION, ERR_DENIED_CERT_NAME},
        {X509_V_ERR_SUBTREE_MINMAX, ERR_DENIED_CERT_NAME},
        {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, ERR_DENIED_CERT_NAME},
        {X509_V_ERR_HOSTNAME_MISMATCH, ERR_DENIED_CERT_NAME},
        {X509_V_ERR_APPLICATION_VERIFICATION, ERR_DENIED_CERT_PROFILE},
        {X509_V_ERR_INVALID_PURPOSE, ERR_DENIED_CERT_PROFILE},
        {X509_V_ERR_EE_KEY_TOO_SMALL, ERR_DENIED_CERT_KEY},
        {X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE, ERR_DENIED_CERT_USAGE},
        {X509_V_ERR_EMAIL_MISMATCH, ERR_DENIED_CERT_WILD}, /* ours: nobody here asks for an e-mail address */
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
