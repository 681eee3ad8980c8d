#define OPENSSL_SUPPRESS_DEPRECATED /* the engine is what OpenSSL 3.0 has for tokens on Debian 12 */
#include "shell/key_pkcs11.h"

#include "base/ct.h"
#include "base/err.h"
#include "shell/openssl.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/engine.h>
#include <openssl/ui.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEME "pkcs11:"
#define PIN_SOURCE "pin-source=file:"
#define PIN_MAX 128
#define OBJECT_MAX 1024
#define PATH_NAME_MAX 1024

struct pin {
    char z[PIN_MAX + 2]; /* a line end, and NUL or the octet that is too many */
};

/* A URI taken apart. */
struct token_key {
    char object[OBJECT_MAX]; /* without the query: the library would read the PIN file without a look at its mode */
    char pin_file[PATH_NAME_MAX];
};

static void pin_wipe(struct pin *p)
{
    ct_wipe(p, sizeof(*p));
}

static void fd_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static void engine_free(ENGINE **e)
{
    ENGINE_free(*e);
}

void key_pkcs11_prepare(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

bool key_pkcs11_is(struct text name)
{
    return text_starts(name, SCHEME);
}

static err_t fault(char why[static KEY_PKCS11_WHY_MAX], err_t e, const char *what)
{
    (void)snprintf(why, KEY_PKCS11_WHY_MAX, "%s", what);
    return e;
}

/* Faults never show the URI: somebody may have put the PIN there. */
static err_t take_apart(struct text uri, struct token_key *k, char why[static KEY_PKCS11_WHY_MAX])
{
    size_t mark = text_find(uri, '?');
    struct text object = text_take(uri, mark);
    struct text query = text_skip(uri, mark + 1);
    if (!key_pkcs11_is(uri) || text_find(object, '=') == object.n) {
        return fault(why, ERR_CONFIG, "not of the form pkcs11:token=NAME;object=NAME?" PIN_SOURCE "/PATH");
    }
    struct text path = text_skip(query, sizeof(PIN_SOURCE) - 1);
    if (!text_starts(query, PIN_SOURCE "/") || text_find(path, '&') < path.n || text_find(path, '%') < path.n) {
        return fault(why, ERR_CONFIG, "after '?' there must be " PIN_SOURCE "/PATH and nothing else; a PIN stands in a file");
    }
    if (TEXT_COPY(object, k->object) != ERR_OK || TEXT_COPY(path, k->pin_file) != ERR_OK) {
        return fault(why, ERR_LIMIT_SIZE, "the URI is too long");
    }
    if (strstr(k->object, "pin-") != NULL || strstr(k->object, "pinfile") != NULL) {
        return fault(why, ERR_CONFIG, "a PIN stands in a file: ?" PIN_SOURCE "/PATH");
    }
    return ERR_OK;
}

static err_t pin_read(const char *file, struct pin *p, char why[static KEY_PKCS11_WHY_MAX])
{
    SCOPED(fd_close) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not hang us */
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        (void)snprintf(why, KEY_PKCS11_WHY_MAX, "PIN file %.80s: %s", file, strerror(errno));
        return ERR_CONFIG; /* not ERR_IO: to some callers that means a key that may be made */
    }
    if (!S_ISREG(st.st_mode)) {
        return fault(why, ERR_CONFIG, "the PIN file is not a regular file");
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        (void)snprintf(why, KEY_PKCS11_WHY_MAX, "PIN file %.80s has mode %04o and is open to others: chmod 600", file,
                       (unsigned)(st.st_mode & 07777));
        return ERR_FILE_MODE;
    }
    ssize_t got = read(fd, p->z, sizeof(p->z));
    size_t n = got < 0 ? 0 : (size_t)got;
    while (n > 0 && (p->z[n - 1] == '\n' || p->z[n - 1] == '\r')) {
        n--;
    }
    if (n == 0 || n > PIN_MAX || memchr(p->z, '\0', n) != NULL) {
        return fault(why, ERR_CONFIG, "the PIN file does not hold a PIN");
    }
    p->z[n] = '\0';
    return ERR_OK;
}

err_t key_pkcs11_check(struct text uri, char why[static KEY_PKCS11_WHY_MAX])
{
    SCOPED(pin_wipe) struct pin pin = {{0}};
    struct token_key k = {{0}, {0}};
    TRY(take_apart(uri, &k, why));
    return pin_read(k.pin_file, &pin, why);
}

/* What the engine says in the queue of reasons. Any other, and none: no token or no key by that URI. */
static err_t refusal(void)
{
    static const struct {
        const char *lib;
        int first, last;
        err_t e;
    } rows[] = {
        {"PKCS#11 module", 0xA0, 0xA4, ERR_TOKEN_PIN}, /* CKR_PIN_INCORRECT to CKR_PIN_LOCKED */
        {"libp11", 1025, 1025, ERR_TOKEN_ENGINE},      /* P11_R_LOAD_MODULE_ERROR */
    };
    err_t e = ERR_TOKEN_KEY;
    for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
        const char *lib = ERR_lib_error_string(code);
        int reason = ERR_GET_REASON(code);
        for (size_t i = 0; i < ARRAY_LEN(rows) && lib != NULL; i++) {
            if (strcmp(lib, rows[i].lib) == 0 && reason >= rows[i].first && reason <= rows[i].last) {
                e = rows[i].e;
            }
        }
    }
    return e;
}

/*
 * ENGINE_by_id loads the engine once and gives the same one afterwards. What ENGINE_init counts is never given back: the
 * module stays for the life of the process, with the session that the keys sign in.
 */
static err_t engine_of(ENGINE **out)
{
    ENGINE *e = ENGINE_by_id("pkcs11");
    bool ok = e != NULL && ENGINE_ctrl_cmd_string(e, "QUIET", NULL, 0) == 1 && ENGINE_init(e) == 1;
    ERR_clear_error();
    *out = e;
    return ok ? ERR_OK : ERR_TOKEN_ENGINE;
}

err_t key_pkcs11_load(struct text uri, EVP_PKEY **out)
{
    *out = NULL;
    char why[KEY_PKCS11_WHY_MAX];
    struct token_key k = {{0}, {0}};
    SCOPED(pin_wipe) struct pin pin = {{0}};
    SCOPED(engine_free) ENGINE *e = NULL;
    UI_METHOD *no_terminal = (UI_METHOD *)(uintptr_t)UI_null(); /* nobody is asked; the library takes it without const */
    TRY(take_apart(uri, &k, why));
    TRY(pin_read(k.pin_file, &pin, why));
    TRY(engine_of(&e));
    if (ENGINE_ctrl_cmd_string(e, "PIN", pin.z, 0) != 1) {
        ERR_clear_error();
        return ERR_TOKEN_ENGINE;
    }
    *out = ENGINE_load_private_key(e, k.object, no_terminal, NULL);
    return *out != NULL ? ERR_OK : refusal();
}
