#include "shell/pki_impl.h"

#include "shell/key_source.h"

#include <openssl/rand.h>
#include <string.h>

#define COMMON_NAME_MAX 64 /* ub-common-name of RFC 5280 */
#define SERIAL_LEN 16
#define SAN_MAX 256

void pki_build_free_x509(X509 **p)
{
    X509_free(*p);
}
void pki_build_free_key(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}
void pki_build_free_req(X509_REQ **p)
{
    X509_REQ_free(*p);
}
void pki_build_free_names(GENERAL_NAMES **p)
{
    GENERAL_NAMES_free(*p);
}
void pki_build_free_extension(X509_EXTENSION **p)
{
    X509_EXTENSION_free(*p);
}
void pki_build_free_extensions(X509_EXTENSIONS **p)
{
    sk_X509_EXTENSION_pop_free(*p, X509_EXTENSION_free);
}
void pki_build_free_attribute(X509_ATTRIBUTE **p)
{
    X509_ATTRIBUTE_free(*p);
}
void pki_build_free_pkcs7(PKCS7 **p)
{
    PKCS7_free(*p);
}
void pki_build_free_octets(unsigned char **p)
{
    OPENSSL_free(*p);
}

err_t pki_build_fail(char detail[static ROLE_DETAIL_MAX], err_t e, const char *file, const char *why)
{
    (void)snprintf(detail, ROLE_DETAIL_MAX, "%.100s%s%.80s", file, why[0] == '\0' ? "" : ": ", why);
    ERR_clear_error();
    return e;
}

/* -- the CA ------------------------------------------------------------------------------------------------ */
void pki_build_ca_wipe(struct pki_ca *ca)
{
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
}

err_t pki_build_ca_load(const struct pki_signer *s, struct pki_ca *out, char detail[static ROLE_DETAIL_MAX])
{
    err_t e = x509_key_load(s->key_file, &out->key);
    if (e != ERR_OK) {
        return pki_build_fail(detail, e, s->key_file, e == ERR_CONFIG || e == ERR_IO ? x509_file_fault(s->key_file) : "");
    }
    e = x509_cert_load(s->cert_file, &out->cert);
    if (e != ERR_OK) {
        return pki_build_fail(detail, e, s->cert_file, x509_file_fault(s->cert_file));
    }
    if (X509_check_private_key(out->cert, out->key) != 1) {
        return pki_build_fail(detail, ERR_CONFIG, s->key_file, "not the key of this CA; compare `keystead pki key-id` of both files");
    }
    if (X509_check_ca(out->cert) != 1) {
        return pki_build_fail(detail, ERR_CONFIG, s->cert_file, "not the certificate of a CA");
    }
    e = x509_issuer_check(out->cert);
    return e == ERR_OK ? ERR_OK : pki_build_fail(detail, e, s->cert_file, "");
}

/* -- certificates ------------------------------------------------------------------------------------------ */
static err_t serial_new(ASN1_INTEGER *out)
{
    unsigned char b[SERIAL_LEN];
    if (RAND_bytes(b, sizeof(b)) != 1) {
        return ERR_CRYPTO;
    }
    b[0] = (unsigned char)((b[0] & 0x7F) | 0x40); /* positive, and always of full length (RFC 5280 4.1.2.2) */
    BIGNUM *n = BN_bin2bn(b, sizeof(b), NULL);
    bool ok = n != NULL && BN_to_ASN1_INTEGER(n, out) != NULL;
    BN_free(n);
    return ok ? ERR_OK : ERR_CRYPTO;
}

static bool subject_set(X509_NAME *subject, const char *name)
{
    size_t n = strlen(name);
    return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"Keystead", -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
                                      n > COMMON_NAME_MAX ? COMMON_NAME_MAX : (int)n, -1, 0) == 1;
}

err_t pki_build_cert_begin(const char *name, unsigned days, EVP_PKEY *key, X509 **cert)
{
    if (days == 0 || days > PKI_DAYS_MAX || name == NULL || name[0] == '\0') {
        return ERR_CONFIG;
    }
    *cert = X509_new();
    if (key == NULL || *cert == NULL) {
        return ERR_CRYPTO;
    }
    TRY(serial_new(X509_get_serialNumber(*cert)));
    bool ok = X509_set_version(*cert, X509_VERSION_3) == 1 && subject_set(X509_get_subject_name(*cert), name) &&
              X509_gmtime_adj(X509_getm_notBefore(*cert), -PKI_CLOCK_SKEW_SEC) != NULL &&
              X509_gmtime_adj(X509_getm_notAfter(*cert), (long)days * PKI_DAY_SEC) != NULL &&
              X509_set_pubkey(*cert, key) == 1;
    return ok ? ERR_OK : ERR_CRYPTO;
}

err_t pki_build_extensions_add(X509 *cert, X509 *issuer, const struct pki_extension *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        X509V3_CTX ctx;
        X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
        SCOPED(pki_build_free_extension) X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, list[i].nid, list[i].value);
        if (ext == NULL || X509_add_ext(cert, ext, -1) != 1) {
            ERR_clear_error();
            return ERR_CRYPTO;
        }
    }
    return ERR_OK;
}

err_t pki_build_cert_sign(X509 *cert, X509 *issuer, EVP_PKEY *issuer_key)
{
    bool ok =
        X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 && X509_sign(cert, issuer_key, EVP_sha256()) > 0;
    return ok ? ERR_OK : key_source_fault(ERR_CRYPTO);
}

/* -- names [table 5.4] -------------------------------------------------------------------------------------- */
static err_t plain_name(const struct pki_holder *h, GENERAL_NAME **out)
{
    char value[SAN_MAX];
    struct writer w = WRITER_ARRAY(value);
    bool is_dns = false;
    TRY(cert_id_write(h->flavour, text_of(h->id), &w, &is_dns));
    TRY(writer_finish_z(&w));
    *out = GENERAL_NAME_new();
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();
    if (*out == NULL || s == NULL || ASN1_STRING_set(s, value, (int)w.n) != 1) {
        GENERAL_NAME_free(*out);
        ASN1_IA5STRING_free(s);
        return ERR_CRYPTO;
    }
    GENERAL_NAME_set0_value(*out, is_dns ? GEN_DNS : GEN_URI, s);
    return ERR_OK;
}

err_t pki_build_names_make(const struct pki_holder *h, GENERAL_NAMES **out)
{
    *out = NULL;
    if (h->flavour == CERT_ID_RAW) {
        return ERR_OK;
    }
    GENERAL_NAME *name = NULL;
    TRY(h->flavour == CERT_ID_DEVICE ? x509_device_make(text_of(h->id), text_of(h->arc), &name) : plain_name(h, &name));
    *out = GENERAL_NAMES_new();
    if (*out == NULL || sk_GENERAL_NAME_push(*out, name) <= 0) {
        GENERAL_NAME_free(name);
        return ERR_CRYPTO;
    }
    return ERR_OK;
}

static bool has_dns(const X509 *cert)
{
    SCOPED(pki_build_free_names) GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (sk_GENERAL_NAME_value(names, i)->type == GEN_DNS) {
            return true;
        }
    }
    return false;
}

/* Path validation looks at a common name that is like a host name where there is no dNSName. */
err_t pki_build_limits_check(const X509 *ca, X509 *cert)
{
    NAME_CONSTRAINTS *nc = X509_get_ext_d2i(ca, NID_name_constraints, NULL, NULL);
    (void)X509_check_purpose(cert, -1, 0); /* reads the extensions: without it no subjectAltName is compared */
    bool ok = nc == NULL || (NAME_CONSTRAINTS_check(cert, nc) == X509_V_OK &&
                             (has_dns(cert) || NAME_CONSTRAINTS_check_CN(cert, nc) == X509_V_OK));
    NAME_CONSTRAINTS_free(nc);
    ERR_clear_error();
    return ok ? ERR_OK : ERR_DENIED_CERT_NAME;
}

err_t pki_build_leaf_sign(const struct pki_ca *ca, GENERAL_NAMES *names, X509 *cert)
{
    static const struct pki_extension list[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth,clientAuth"}, /* a MAF is server to devices and client to the MEF */
        {NID_subject_key_identifier, "hash"},
    };
    static const struct pki_extension by_ca[] = {{NID_authority_key_identifier, "keyid:always"}};
    bool raw = names == NULL;
    X509 *issuer = raw ? cert : ca->cert;
    TRY(pki_build_extensions_add(cert, issuer, list, ARRAY_LEN(list)));
    if (!raw) {
        TRY(pki_build_extensions_add(cert, issuer, by_ca, ARRAY_LEN(by_ca)));
        if (X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) != 1) {
            return ERR_CRYPTO;
        }
        if (ASN1_TIME_compare(X509_get0_notAfter(cert), X509_get0_notAfter(ca->cert)) > 0 &&
            X509_set1_notAfter(cert, X509_get0_notAfter(ca->cert)) != 1) { /* nothing outlives its CA */
            return ERR_CRYPTO;
        }
    }
    TRY(pki_build_cert_sign(cert, issuer, ca->key));
    return raw ? ERR_OK : pki_build_limits_check(ca->cert, cert);
}
