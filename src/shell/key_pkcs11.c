#define OPENSSL_SUPPRESS_DEPRECATED /* the engine is what OpenSSL 3.0 has for tokens on Debian 12 */
#include "shell/key_pkcs11.h"

#include "base/err.h"
#include "shell/openssl.h"

#include <openssl/engine.h>
#include <openssl/ui.h>
#include <string.h>

#define SCHEME "pkcs11:"
#define PIN_SOURCE "pin-source=file:"
#define OBJECT_MAX 1024

/* A URI taken apart. */
struct token_key {
    char object[OBJECT_MAX]; /* without the query: the library would read the PIN file without a look at its mode */
    char pin_file[KEY_PIN_PATH_MAX];
};

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

/* Faults never show the URI: somebody may have put the PIN there. */
static err_t take_apart(struct text uri, struct token_key *k, char why[static KEY_PIN_WHY_MAX])
{
    size_t mark = text_find(uri, '?');
    struct text object = text_take(uri, mark);
    struct text query = text_skip(uri, mark + 1);
    if (!key_pkcs11_is(uri) || text_find(object, '=') == object.n) {
        return key_pin_fault(why, ERR_CONFIG, "not of the form pkcs11:token=NAME;object=NAME?" PIN_SOURCE "/PATH");
    }
    struct text path = text_skip(query, sizeof(PIN_SOURCE) - 1);
    if (!text_starts(query, PIN_SOURCE "/") || text_find(path, '&') < path.n || text_find(path, '%') < path.n) {
        return key_pin_fault(why, ERR_CONFIG, "after '?' there must be " PIN_SOURCE "/PATH and nothing else; a PIN stands in a file");
    }
    if (TEXT_COPY(object, k->object) != ERR_OK || TEXT_COPY(path, k->pin_file) != ERR_OK) {
        return key_pin_fault(why, ERR_LIMIT_SIZE, "the URI is too long");
    }
    if (strstr(k->object, "pin-") != NULL || strstr(k->object, "pinfile") != NULL) {
        return key_pin_fault(why, ERR_CONFIG, "a PIN stands in a file: ?" PIN_SOURCE "/PATH");
    }
    return ERR_OK;
}

err_t key_pkcs11_check(struct text uri, char why[static KEY_PIN_WHY_MAX])
{
    SCOPED(key_pin_wipe) struct key_pin pin = {{0}, 0};
    struct token_key k = {{0}, {0}};
    TRY(take_apart(uri, &k, why));
    return key_pin_read(KEY_PIN_TEXT, k.pin_file, &pin, why);
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
    char why[KEY_PIN_WHY_MAX];
    struct token_key k = {{0}, {0}};
    SCOPED(key_pin_wipe) struct key_pin pin = {{0}, 0};
    SCOPED(engine_free) ENGINE *e = NULL;
    UI_METHOD *no_terminal = (UI_METHOD *)(uintptr_t)UI_null(); /* nobody is asked; the library takes it without const */
    TRY(take_apart(uri, &k, why));
    TRY(key_pin_read(KEY_PIN_TEXT, k.pin_file, &pin, why));
    TRY(engine_of(&e));
    if (ENGINE_ctrl_cmd_string(e, "PIN", pin.z, 0) != 1) {
        ERR_clear_error();
        return ERR_TOKEN_ENGINE;
    }
    *out = ENGINE_load_private_key(e, k.object, no_terminal, NULL);
    return *out != NULL ? ERR_OK : refusal();
}
