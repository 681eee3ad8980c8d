/* ESCertKE: a handshake in which octets are changed on the way, and messages that are none. Two ends that both finish have
 * the same key; an end never finishes on what the other did not send. */
#include "fuzz.h"
#include "shell/crypto_openssl.h"
#include "shell/escertke.h"
#include "shell/pki.h"

#include <string.h>
#include <unistd.h>

static char folder[] = P_tmpdir "/keystead-fuzz-XXXXXX";
static char cert[2][64], key[2][64], ca_cert[64], ca_key[64];
static const char *const ids[] = {"//keystead.test/Sa", "//keystead.test/Sb"};

static void forget(void)
{
    for (int i = 0; i < 2; i++) {
        (void)unlink(cert[i]);
        (void)unlink(key[i]);
    }
    (void)unlink(ca_cert);
    (void)unlink(ca_key);
    (void)rmdir(folder);
}

static void prepare(void)
{
    char detail[ROLE_DETAIL_MAX];
    MUST_HOLD(mkdtemp(folder) != NULL);
    (void)snprintf(ca_cert, sizeof(ca_cert), "%s/ca", folder);
    (void)snprintf(ca_key, sizeof(ca_key), "%s/cak", folder);
    (void)atexit(forget);
    const struct pki_ca_request rq = {"made-up CA", "keystead.test", ca_cert, ca_key, 2};
    MUST_HOLD(pki_ca_make(&rq) == ERR_OK);
    for (int i = 0; i < 2; i++) {
        const struct pki_signer signer = {ca_cert, ca_key};
        const struct pki_holder to = {CERT_ID_AE, ids[i], NULL};
        (void)snprintf(cert[i], sizeof(cert[i]), "%s/c%d", folder, i);
        (void)snprintf(key[i], sizeof(key[i]), "%s/k%d", folder, i);
        MUST_HOLD(pki_issue(&signer, &to, key[i], cert[i], 1, detail) == ERR_OK);
    }
}

static struct escertke *end_new(int i)
{
    char detail[ROLE_DETAIL_MAX];
    const struct escertke_config cfg = {.cert_file = cert[i], .key_file = key[i], .trust_file = ca_cert, .flavour = CERT_ID_AE,
                                        .peer = ids[1 - i], .lifetime = USEC_PER_SEC};
    struct escertke *e = NULL;
    MUST_HOLD(escertke_new(&cfg, i == 0, &e, detail) == ERR_OK);
    return e;
}

static void same_key(struct escertke *a, struct escertke *b)
{
    struct esprim_key x, y;
    MUST_HOLD(escertke_key(a, 0, &x) == ERR_OK && escertke_key(b, 0, &y) == ERR_OK);
    MUST_HOLD(secret_eq(&x.k.s, &y.k.s) && strcmp(x.id, y.id) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t messages[5][ESCERTKE_MESSAGE_MAX];
    if (cert[0][0] == '\0') {
        prepare();
    }
    if (size < 4) {
        return 0;
    }
    struct escertke *e[2] = {end_new(0), end_new(1)};
    struct writer w = WRITER_ARRAY(messages[0]);
    err_t r = escertke_start(e[0], &w);
    for (unsigned n = 0; n < 4 && r == ERR_OK; n++) {
        struct bytes m = writer_view(&w);
        if (n == data[0] % 5 && m.n > 0) {
            if (data[0] >= 128) { /* another message altogether */
                m = bytes_of(data + 1, size - 1);
            } else {
                size_t at = ((size_t)data[1] << 8 | data[2]) % m.n;
                messages[n][at] ^= data[3];
            }
        }
        w = WRITER_ARRAY(messages[n + 1]);
        r = escertke_recv(e[1 - n % 2], m, &w);
    }
    if (escertke_is_done(e[0]) && escertke_is_done(e[1])) {
        same_key(e[0], e[1]);
    }
    escertke_free(e[0]);
    escertke_free(e[1]);
    return 0;
}
