#include "shell/key_source.h"

#include "base/err.h"
#include "shell/key_pkcs11.h"
#include "shell/key_tpm2.h"
#include "shell/openssl.h"
#include "shell/tpm2.h"

#include <openssl/pem.h>
#include <sys/stat.h>

static err_t file_load(struct text name, EVP_PKEY **out)
{
    FILE *f = fopen(name.p, "rbe");
    if (f == NULL) {
        return ERR_IO;
    }
    struct stat st;
    err_t e = ERR_OK;
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
        e = ERR_IO;
    } else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        e = ERR_FILE_MODE;
    } else {
        char no_passphrase[] = ""; /* with NULL the library would ask on the terminal */
        *out = PEM_read_PrivateKey(f, NULL, NULL, no_passphrase);
        e = *out == NULL ? ERR_CONFIG : ERR_OK;
        ERR_clear_error();
    }
    (void)fclose(f);
    return e;
}

static err_t file_check(struct text name, char why[static KEY_PIN_WHY_MAX])
{
    (void)name, (void)why;
    return ERR_OK; /* who has a file looks at it himself: paths are relative to something */
}

static err_t no_reason(unsigned long code)
{
    (void)code;
    return ERR_OK;
}

/* The first whose scheme the name begins with. */
static const struct source {
    const char *scheme;
    err_t (*check)(struct text name, char why[static KEY_PIN_WHY_MAX]);
    err_t (*load)(struct text name, EVP_PKEY **out);
    err_t (*reason)(unsigned long code);
} sources[] = {
    {"pkcs11:", key_pkcs11_check, key_pkcs11_load, no_reason},
    {"tpm2:", key_tpm2_check, key_tpm2_load, key_tpm2_reason},
    {"", file_check, file_load, no_reason}, /* the last: every name begins so */
};

static const struct source *source_of(struct text name)
{
    const struct source *s = sources;
    while (!text_starts(name, s->scheme)) {
        s++;
    }
    return s;
}

void key_source_prepare(void)
{
    key_pkcs11_prepare();
    tpm2_prepare();
}

bool key_source_is_file(struct text name)
{
    return source_of(name)->scheme[0] == '\0';
}

err_t key_source_check(struct text name, char why[static KEY_PIN_WHY_MAX])
{
    return source_of(name)->check(name, why);
}

err_t key_source_load(const char *name, EVP_PKEY **out)
{
    *out = NULL;
    return source_of(text_of(name))->load(text_of(name), out);
}

err_t key_source_reason(unsigned long code)
{
    err_t e = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(sources) && e == ERR_OK; i++) {
        e = sources[i].reason(code);
    }
    return e;
}

err_t key_source_fault(err_t otherwise)
{
    err_t found = ERR_OK;
    for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
        err_t e = key_source_reason(code);
        found = found == ERR_OK ? e : found;
    }
    return found == ERR_OK ? otherwise : found;
}
