#include "shell/pki_impl.h"

#include "shell/key_source.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE_PUBLIC (S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)
#define PATH_OCTETS 4096

static int pem_key(FILE *f, const void *key)
{
    return PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
}

int pki_file_pem_cert(FILE *f, const void *cert)
{
    return PEM_write_X509(f, cert);
}

int pki_file_pem_request(FILE *f, const void *req)
{
    return PEM_write_X509_REQ(f, req);
}

int pki_file_pem_crl(FILE *f, const void *crl)
{
    return PEM_write_X509_CRL(f, crl);
}

/* The anchor is configured at the other side: it is not part of the chain. */
static int chain_pem(FILE *f, const void *what)
{
    const struct pki_chain *c = what;
    bool ok = PEM_write_X509(f, c->cert) == 1;
    FILE *above = c->ca_file == NULL ? NULL : fopen(c->ca_file, "rbe");
    X509 *ca = NULL;
    while (ok && above != NULL && (ca = PEM_read_X509(above, NULL, NULL, NULL)) != NULL) {
        ok = (X509_get_extension_flags(ca) & EXFLAG_SS) != 0 || PEM_write_X509(f, ca) == 1;
        X509_free(ca);
    }
    if (above != NULL) {
        (void)fclose(above);
    }
    ERR_clear_error();
    return ok;
}

err_t pki_file_create(const char *path, mode_t mode, pki_file_pem_writer *put, const void *what)
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
    bool ok = put(f, what) == 1 && fflush(f) == 0 && fsync(fd) == 0;
    ok = fclose(f) == 0 && ok;
    if (!ok) {
        (void)unlink(path);
        ERR_clear_error();
        return ERR_IO;
    }
    return ERR_OK;
}

/* Readers see the old file or the new one. */
err_t pki_file_replace(const char *path, mode_t mode, pki_file_pem_writer *put, const void *what)
{
    char fresh[PATH_OCTETS];
    int n = snprintf(fresh, sizeof(fresh), "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof(fresh)) {
        return ERR_IO;
    }
    TRY(pki_file_create(fresh, mode, put, what));
    if (rename(fresh, path) != 0) {
        (void)unlink(fresh);
        return ERR_IO;
    }
    return ERR_OK;
}

err_t pki_file_chain(const char *cert_file, const struct pki_chain *chain)
{
    return pki_file_create(cert_file, MODE_PUBLIC, chain_pem, chain);
}

err_t pki_file_pair(const char *key_file, const EVP_PKEY *key, const char *cert_file, const struct pki_chain *chain)
{
    TRY(pki_file_create(key_file, S_IRUSR | S_IWUSR, pem_key, key));
    err_t e = pki_file_chain(cert_file, chain);
    if (e != ERR_OK) {
        (void)unlink(key_file);
    }
    return e;
}

/* A key that is there is used: renewal with the same key, or a key that another tool made. */
err_t pki_file_key_take(const char *name, EVP_PKEY **key, bool *made)
{
    *made = key_source_is_file(text_of(name)) && access(name, F_OK) != 0 && errno == ENOENT;
    if (!*made) {
        return x509_key_load(name, key);
    }
    *key = EVP_EC_gen("P-256");
    TRY(*key == NULL ? ERR_CRYPTO : ERR_OK);
    return pki_file_create(name, S_IRUSR | S_IWUSR, pem_key, *key);
}
