/* The keys of a device as a record, and what authorities answer about them; random objects and sessions of the CSE as records. */
#include "fuzz.h"
#include "proto/esprim_state.h"
#include "role/device/device_config.h"
#include "role/device/device_use.h"
#include "shell/crypto_openssl.h"

#include <string.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)

static void ring(struct bytes in)
{
    static struct device_keyring r;
    struct sealer s = {.crypto = crypto_openssl(), .partition = text_empty()};
    uint8_t root[CRYPTO_KEY_LEN] = {7};
    MUST_HOLD(secret_set(&s.root, BYTES_ARRAY(root)) == ERR_OK);
    err_t e = device_keyring_parse(in, &s, &r);
    MUST_HOLD(e == ERR_OK || r.n == 0);
    MUST_HOLD(r.n <= DEVICE_KEYRING_MAX);
}

static void answers(struct bytes in)
{
    const struct device_use u = {34, text_of("//sp.example/Sa"), text_empty(), text_of("sp.example"), T0};
    struct keys_export x = {.set = true};
    struct device_keyring_key k;
    char detail[ROLE_DETAIL_MAX] = "";
    memset(x.b, 1, sizeof(x.b));
    const struct device_use_answer a = {in, &x, text_of("maf.example"), 0};
    if (device_use_registered(&u, &a, &k, detail) == ERR_OK) {
        MUST_HOLD(k.suid == 34 && k.not_after > 0 && k.not_after <= T0 && secret_is_set(&k.key));
    }
    if (device_use_retrieved(text_of("AB@maf.example"), in, T0, &k, detail) == ERR_OK) {
        MUST_HOLD(k.not_after > T0 && secret_is_set(&k.key));
    }
}

static void configuration(struct bytes in)
{
    static struct device_state s;
    char detail[ROLE_DETAIL_MAX] = "";
    bool moved = false;
    memset(&s, 0, sizeof(s));
    err_t e = device_config_take(in, &s, &moved, detail);
    MUST_HOLD(e == ERR_OK || !moved);
    MUST_HOLD(moved == (s.maf.address[0] != '\0' || s.cse.address[0] != '\0'));
    MUST_HOLD((s.cse_id.z[0] != '\0') == (s.cse.address[0] != '\0'));
}

/* What is taken is written the same. */
static void records(struct bytes in)
{
    static struct esprim_offer offers[ESPRIM_OFFERS_MAX];
    static struct esprim_session session;
    static uint8_t out[16384];
    struct writer w = WRITER_ARRAY(out);
    if (esprim_state_offers_parse(in, offers) == ERR_OK) {
        esprim_state_offers_write(offers, &w);
        MUST_HOLD(!w.overflow && w.n <= in.n);
    }
    w = WRITER_ARRAY(out);
    memset(&session, 0, sizeof(session));
    if (esprim_state_session_parse(in, &session) == ERR_OK) {
        esprim_state_session_write(&session, &w);
        MUST_HOLD(!w.overflow && w.n <= ESPRIM_STATE_SESSION_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    ring(bytes_of(data, n));
    answers(bytes_of(data, n));
    configuration(bytes_of(data, n));
    records(bytes_of(data, n));
    return 0;
}
