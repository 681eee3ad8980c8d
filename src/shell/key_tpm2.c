#define OPENSSL_SUPPRESS_DEPRECATED /* a method of EC_KEY is how OpenSSL 3.0 calls out for one signature */
#include "shell/key_tpm2.h"

#include "base/ct.h"
#include "base/err.h"
#include "shell/openssl.h"
#include "shell/tpm2.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME "tpm2:"
#define AUTH "auth=file:"
#define PERSISTENT_FIRST 0x81000000U /* part 2 of the TPM's specification, 7.5: to 0x81FFFFFF */
#define PERSISTENT_LAST 0x81FFFFFFU
#define PEM_NAME "TSS2 PRIVATE KEY"

/* A name taken apart. */
struct tpm_name {
    uint32_t handle;
    char file[KEY_PIN_PATH_MAX]; /* empty: a handle */
    char auth_file[KEY_PIN_PATH_MAX];
};

/* -- names --------------------------------------------------------------------------------------------------- */
static bool handle_parse(struct text t, uint32_t *out)
{
    uint32_t v = 0;
    bool ok = text_starts(t, "0x") && t.n == 10;
    for (size_t i = 2; ok && i < t.n; i++) {
        const char *digits = "0123456789abcdef";
        const char *d = memchr(digits, text_lower(t.p[i]), 16);
        ok = d != NULL;
        v = v << 4 | (uint32_t)(ok ? d - digits : 0);
    }
    *out = v;
    return ok && v >= PERSISTENT_FIRST && v <= PERSISTENT_LAST;
}

/* Faults never show the name: somebody may have put the value there. */
static err_t take_apart(struct text name, struct tpm_name *k, char why[static KEY_PIN_WHY_MAX])
{
    size_t mark = text_find(name, '?');
    struct text object = text_skip(text_take(name, mark), sizeof(SCHEME) - 1);
    struct text query = text_skip(name, mark + 1);
    struct text path = text_skip(query, sizeof(AUTH) - 1);
    if (!text_starts(name, SCHEME) || (!text_starts(object, "/") && !handle_parse(object, &k->handle))) {
        return key_pin_fault(why, ERR_CONFIG, "after tpm2: there must be a handle 0x81000000 to 0x81FFFFFF or /PATH of a key file");
    }
    if (mark < name.n && (!text_starts(query, AUTH "/") || text_find(path, '&') < path.n)) {
        return key_pin_fault(why, ERR_CONFIG, "after '?' there must be " AUTH "/PATH and nothing else; the value stands in a file");
    }
    struct text file = text_starts(object, "/") ? object : text_empty();
    if (TEXT_COPY(file, k->file) != ERR_OK || TEXT_COPY(path, k->auth_file) != ERR_OK) {
        return key_pin_fault(why, ERR_LIMIT_SIZE, "the name is too long");
    }
    return ERR_OK;
}

static err_t file_read(const char *file, struct tpm2_key *out, char why[static KEY_PIN_WHY_MAX])
{
    FILE *f = fopen(file, "rbe");
    char *name = NULL;
    char *head = NULL;
    unsigned char *der = NULL;
    long n = 0;
    if (f == NULL) {
        return key_pin_fault(why, ERR_CONFIG, "the key file is not there or cannot be read");
    }
    bool ok = PEM_read(f, &name, &head, &der, &n) == 1 && strcmp(name, PEM_NAME) == 0 && n > 0;
    (void)fclose(f);
    err_t e = ok ? tpm2_file_parse(bytes_of(der, (size_t)n), out) : ERR_TPM_FILE;
    OPENSSL_free(name);
    OPENSSL_free(head);
    OPENSSL_free(der);
    ERR_clear_error();
    return e == ERR_OK ? e : key_pin_fault(why, e, err_info(e)->text);
}

static err_t key_read(struct text name, struct tpm2_key *out, char why[static KEY_PIN_WHY_MAX])
{
    struct tpm_name k = {0, {0}, {0}};
    TRY(take_apart(name, &k, why));
    out->handle = k.handle;
    TRY(k.file[0] == '\0' ? ERR_OK : file_read(k.file, out, why));
    if (k.auth_file[0] == '\0') {
        return ERR_OK;
    }
    TRY(key_pin_read(KEY_PIN_OCTETS, k.auth_file, &out->auth, why));
    return out->auth.n <= TPM2_AUTH_MAX ? ERR_OK : key_pin_fault(why, ERR_CONFIG, "the authorisation file does not hold 1 to 64 octets");
}

static void key_wipe(struct tpm2_key *k)
{
    ct_wipe(k, sizeof(*k));
}

err_t key_tpm2_check(struct text name, char why[static KEY_PIN_WHY_MAX])
{
    SCOPED(key_wipe) struct tpm2_key k = {.handle = 0};
    return key_read(name, &k, why);
}

/* -- the key as OpenSSL sees it ---------------------------------------------------------------------------------- */
static int slot = -1;            /* of the key in an EC_KEY */
static int library = 0;          /* of our reasons in OpenSSL's queue */
static EC_KEY_METHOD *method;    /* for the life of the process: keys may outlive whoever loaded them */

static void slot_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    (void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
    if (ptr != NULL) {
        key_wipe(ptr);
        free(ptr);
    }
}

static struct tpm2_key *key_copy(const struct tpm2_key *k)
{
    struct tpm2_key *c = malloc(sizeof(*c));
    if (c != NULL) {
        *c = *k;
    }
    return c;
}

static int slot_dup(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **from_d, int idx, long argl, void *argp)
{
    (void)to, (void)from, (void)idx, (void)argl, (void)argp;
    struct tpm2_key *copy = *from_d == NULL ? NULL : key_copy(*from_d);
    bool ok = *from_d == NULL || copy != NULL;
    *from_d = copy;
    return ok ? 1 : 0;
}

static ECDSA_SIG *signature_make(const struct tpm2_signature *s)
{
    ECDSA_SIG *out = ECDSA_SIG_new();
    BIGNUM *a = BN_bin2bn(s->r, sizeof(s->r), NULL);
    BIGNUM *b = BN_bin2bn(s->s, sizeof(s->s), NULL);
    if (out == NULL || a == NULL || b == NULL) {
        ECDSA_SIG_free(out);
        BN_free(a);
        BN_free(b);
        return NULL;
    }
    (void)ECDSA_SIG_set0(out, a, b);
    return out;
}

/* The handle may hold another key by now, or the octets may have been changed on their way: what does not verify is not
 * sent, and has a reason here instead of at the peer. */
static ECDSA_SIG *sign_sig(const unsigned char *digest, int n, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *ec)
{
    (void)kinv, (void)r;
    const struct tpm2_key *k = EC_KEY_get_ex_data(ec, slot);
    struct tpm2_signature raw;
    err_t e = k == NULL || n <= 0 ? ERR_BUG : tpm2_sign(k, bytes_of(digest, (size_t)n), &raw);
    ECDSA_SIG *s = e == ERR_OK ? signature_make(&raw) : NULL;
    if (e == ERR_OK && (s == NULL || ECDSA_do_verify(digest, n, s, ec) != 1)) {
        ECDSA_SIG_free(s);
        s = NULL;
        e = ERR_TPM_KEY;
    }
    if (e != ERR_OK) {
        ERR_raise(library, (int)e);
    }
    return s;
}

err_t key_tpm2_reason(unsigned long code)
{
    return library != 0 && ERR_GET_LIB(code) == library ? (err_t)ERR_GET_REASON(code) : ERR_OK;
}

static bool method_make(void)
{
    int (*sign)(int, const unsigned char *, int, unsigned char *, unsigned int *, const BIGNUM *, const BIGNUM *, EC_KEY *);
    int (*setup)(EC_KEY *, BN_CTX *, BIGNUM **, BIGNUM **);
    if (method != NULL) {
        return true;
    }
    slot = EC_KEY_get_ex_new_index(0, NULL, NULL, slot_dup, slot_free);
    library = ERR_get_next_error_library();
    EC_KEY_METHOD *m = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    if (slot < 0 || m == NULL) {
        EC_KEY_METHOD_free(m);
        return false;
    }
    EC_KEY_METHOD_get_sign(m, &sign, &setup, NULL);
    EC_KEY_METHOD_set_sign(m, sign, setup, sign_sig); /* `sign` asks sign_sig and writes the DER */
    method = m;
    return true;
}

static bool point_put(EC_KEY *ec, const struct tpm2_key *k)
{
    BIGNUM *x = BN_bin2bn(k->x, sizeof(k->x), NULL);
    BIGNUM *y = BN_bin2bn(k->y, sizeof(k->y), NULL);
    bool ok = x != NULL && y != NULL && EC_KEY_set_public_key_affine_coordinates(ec, x, y) == 1;
    BN_free(x);
    BN_free(y);
    return ok;
}

static EC_KEY *ec_make(const struct tpm2_key *k)
{
    EC_KEY *ec = method_make() ? EC_KEY_new_by_curve_name(NID_X9_62_prime256v1) : NULL;
    struct tpm2_key *own = ec == NULL ? NULL : key_copy(k);
    bool ok = own != NULL && point_put(ec, k) && EC_KEY_set_method(ec, method) == 1;
    if (!ok || EC_KEY_set_ex_data(ec, slot, own) != 1) {
        slot_free(NULL, own, NULL, 0, 0, NULL);
        EC_KEY_free(ec);
        return NULL;
    }
    return ec;
}

err_t key_tpm2_load(struct text name, EVP_PKEY **out)
{
    char why[KEY_PIN_WHY_MAX];
    SCOPED(key_wipe) struct tpm2_key k = {.handle = 0};
    *out = NULL;
    TRY(key_read(name, &k, why));
    TRY(tpm2_look(&k));
    EC_KEY *ec = ec_make(&k);
    EVP_PKEY *key = ec == NULL ? NULL : EVP_PKEY_new();
    if (key == NULL || EVP_PKEY_assign_EC_KEY(key, ec) != 1) {
        EVP_PKEY_free(key);
        EC_KEY_free(ec);
        ERR_clear_error();
        return ERR_CRYPTO;
    }
    *out = key;
    return ERR_OK;
}
