#include "shell/pki.h"

#include "shell/x509.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DNS_MAX 253
#define COMMON_NAME_MAX 64 /* ub-common-name of RFC 5280 */
#define SERIAL_LEN 16
#define CLOCK_SKEW_SEC 300 /* a device whose clock is a little behind accepts a new certificate */
#define DAY_SEC 86400L
#define DAYS_MAX 36500

static void x509_freep(X509 **p)
{
    X509_free(*p);
}
static void key_freep(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}
static void ext_freep(X509_EXTENSION **p)
{
    X509_EXTENSION_free(*p);
}

/* -- files: never overwritten, and taken away again when the work fails half way ------------------------- */

typedef int pem_writer(FILE *f, const void *what);

static int key_pem(FILE *f, const void *key)
{
    return PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
}

static int cert_pem(FILE *f, const void *cert)
{
    return PEM_write_X509(f, cert);
}

static err_t pem_create(const char *path, mode_t mode, pem_writer *write_pem, const void *what)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) {
        return errno == EEXIST ? ERR_EXISTS : ERR_IO;
    }
    FILE *f = fdopen(fd, "wb");
    if (f == NULL) {
        (void)close(fd);
        (void)unlink(path);
        return ERR_IO;
    }
    bool ok = write_pem(f, what) == 1 && fflush(f) == 0 && fsync(fd) == 0;
    ok = fclose(f) == 0 && ok;
    if (!ok) {
        (void)unlink(path);
        ERR_clear_error();
        return ERR_IO;
    }
    return ERR_OK;
}

static err_t pair_create(const char *key_file, const EVP_PKEY *key, const char *cert_file, const X509 *cert)
{
    TRY(pem_create(key_file, S_IRUSR | S_IWUSR, key_pem, key));
    err_t e = pem_create(cert_file, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, cert_pem, cert);
    if (e != ERR_OK) {
        (void)unlink(key_file);
    }
    return e;
}

/* -- certificates --------------------------------------------------------------------------------------- */

/* Also keeps commas and colons out of the extension texts that names are put into. */
static err_t dns_check(const char *dns)
{
    size_t n = dns == NULL ? 0 : strlen(dns);
    if (n == 0 || n > DNS_MAX || strspn(dns, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != n) {
        return ERR_MALFORMED_ID;
    }
    return ERR_OK;
}

static bool serial_set(X509 *cert)
{
    unsigned char b[SERIAL_LEN];
    if (RAND_bytes(b, sizeof(b)) != 1) {
        return false;
    }
    b[0] = (unsigned char)((b[0] & 0x7F) | 0x40); /* positive, and always of full length (RFC 5280 4.1.2.2) */
    BIGNUM *n = BN_bin2bn(b, sizeof(b), NULL);
    bool ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
    BN_free(n);
    return ok;
}

static bool subject_set(X509 *cert, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    size_t n = strlen(name);
    return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"Keystead", -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
                                      n > COMMON_NAME_MAX ? COMMON_NAME_MAX : (int)n, -1, 0) == 1;
}

static err_t cert_begin(const char *name, unsigned days, EVP_PKEY **key, X509 **cert)
{
    if (days == 0 || days > DAYS_MAX) {
        return ERR_CONFIG;
    }
    *key = EVP_EC_gen("P-256");
    *cert = X509_new();
    if (*key == NULL || *cert == NULL) {
        return ERR_CRYPTO;
    }
    bool ok = X509_set_version(*cert, X509_VERSION_3) == 1 && serial_set(*cert) && subject_set(*cert, name) &&
              X509_gmtime_adj(X509_getm_notBefore(*cert), -CLOCK_SKEW_SEC) != NULL &&
              X509_gmtime_adj(X509_getm_notAfter(*cert), (long)days * DAY_SEC) != NULL &&
              X509_set_pubkey(*cert, *key) == 1;
    return ok ? ERR_OK : ERR_CRYPTO;
}

struct extension {
    int nid;
    const char *value; /* in the notation of x509v3_config(5) */
};

static err_t extensions_add(X509 *cert, X509 *issuer, const struct extension *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        X509V3_CTX ctx;
        X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
        SCOPED(ext_freep) X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, list[i].nid, list[i].value);
        if (ext == NULL || X509_add_ext(cert, ext, -1) != 1) {
            return ERR_CRYPTO;
        }
    }
    return ERR_OK;
}

static err_t cert_sign(X509 *cert, X509 *issuer, EVP_PKEY *issuer_key)
{
    bool ok =
        X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 && X509_sign(cert, issuer_key, EVP_sha256()) > 0;
    return ok ? ERR_OK : ERR_CRYPTO;
}

err_t pki_ca_make(const struct pki_ca_request *rq)
{
    TRY(dns_check(rq->permitted_dns));
    char constraints[DNS_MAX + 32];
    (void)snprintf(constraints, sizeof(constraints), "critical,permitted;DNS:%s", rq->permitted_dns);
    SCOPED(key_freep) EVP_PKEY *key = NULL;
    SCOPED(x509_freep) X509 *cert = NULL;
    TRY(cert_begin(rq->name, rq->days, &key, &cert));
    const struct extension list[] = {
        {NID_basic_constraints, "critical,CA:TRUE"},
        {NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature"}, /* the last by 10.1.1.1: every certificate */
        {NID_subject_key_identifier, "hash"},
        {NID_name_constraints, constraints}, /* [8.1.2.2, CHOICE-40] */
    };
    TRY(extensions_add(cert, cert, list, ARRAY_LEN(list)));
    TRY(cert_sign(cert, cert, key));
    return pair_create(rq->key_file, key, rq->cert_file, cert);
}

err_t pki_leaf_make(const struct pki_leaf_request *rq)
{
    TRY(dns_check(rq->dns));
    char san[DNS_MAX + 8];
    (void)snprintf(san, sizeof(san), "DNS:%s", rq->dns);
    SCOPED(key_freep) EVP_PKEY *ca_key = NULL;
    SCOPED(x509_freep) X509 *ca = NULL;
    TRY(x509_key_load(rq->ca_key_file, &ca_key));
    TRY(x509_cert_load(rq->ca_cert_file, &ca));
    if (X509_check_private_key(ca, ca_key) != 1) {
        ERR_clear_error();
        return ERR_CONFIG;
    }
    SCOPED(key_freep) EVP_PKEY *key = NULL;
    SCOPED(x509_freep) X509 *cert = NULL;
    TRY(cert_begin(rq->dns, rq->days, &key, &cert));
    const struct extension list[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth,clientAuth"}, /* a MAF is server to devices and client to the MEF */
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {NID_subject_alt_name, san},
    };
    TRY(extensions_add(cert, ca, list, ARRAY_LEN(list)));
    TRY(cert_sign(cert, ca, ca_key));
    return pair_create(rq->key_file, key, rq->cert_file, cert);
}
