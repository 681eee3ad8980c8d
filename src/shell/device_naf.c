#include "shell/device_naf.h"

#include "role/detail.h"
#include "shell/crypto_openssl.h"
#include "shell/provider.h"

err_t device_naf_open(struct device_naf *n, const struct device_state *s, const char *fqdn)
{
    *n = (struct device_naf){.ask = {.state = s, .crypto = crypto_openssl(), .fqdn = text_of(fqdn)}};
    if (!device_gba_card_keeps_ks(s)) {
        return ERR_OK;
    }
    TRY(sim_open(s->sim.file, crypto_openssl(), &n->sim, n->detail));
    n->ask.sim = &n->sim.card;
    return s->sim.naf_key == DEVICE_STATE_NAF_INT ? provider_install() : ERR_OK;
}

void device_naf_close(struct device_naf *n)
{
    provider_prf_elsewhere(NULL);
    device_gba_key_wipe(&n->key);
    sim_close(&n->sim);
}

/* The card's part of TLS: Ks_int_NAF goes nowhere. */
static err_t card_master(void *arg, struct bytes label, struct bytes seed, uint8_t *out, size_t len)
{
    struct device_naf *n = arg;
    const struct aka_card_prf prf = {label, seed};
    return len == AKA_CARD_MASTER_LEN ? n->sim.card.int_master(n->sim.card.self, &n->key.id, &prf, out) : ERR_DENIED_GBA_VARIANT;
}

static err_t name_make(struct device_naf *n, struct secret *psk)
{
    n->name = (struct provider_prf_key){.master = card_master, .arg = n};
    TRY(n->ask.crypto->random(n->name.name, sizeof(n->name.name)));
    provider_prf_elsewhere(&n->name);
    return secret_set(psk, BYTES_ARRAY(n->name.name));
}

err_t device_naf_digest(struct device_naf *n, uint16_t suite)
{
    n->ask.hint = text_empty();
    n->ask.suite = suite;
    TRY(device_gba_key(&n->ask, &n->key));
    return secret_is_set(&n->key.key) ? ERR_OK : detail_fail(n->detail, ERR_DENIED_GBA_VARIANT, "by HTTP Digest", text_of("Ks_int_NAF"));
}

err_t device_naf_psk(void *arg, struct text hint, uint16_t suite, char identity[static KEYID_MAX], struct secret *psk)
{
    struct device_naf *n = arg;
    n->ask.hint = hint;
    n->ask.suite = suite;
    TRY(device_gba_key(&n->ask, &n->key));
    TRY(text_copy(text_of(n->key.identity), identity, KEYID_MAX));
    if (!secret_is_set(&n->key.key)) {
        return name_make(n, psk);
    }
    *psk = n->key.key;
    return ERR_OK;
}
