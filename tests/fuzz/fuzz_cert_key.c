/* Identities of certificates as somebody wrote them: what is taken has one key, which names itself again. */
#include "fuzz.h"

#include "role/cert_key.h"

#include <string.h>

static void names(struct text t)
{
    struct role_cert c = {.key_id = t, .dns = {t}, .dns_n = 1, .uri = {t}, .uri_n = 1, .device = {t}, .device_n = 1};
    struct cert_key_list l;
    cert_key_all(&c, &l);
    for (size_t i = 0; i < l.n; i++) {
        MUST_HOLD(cert_key_is(text_of(l.at[i].key.z)));
    }
    c.raw = true;
    cert_key_all(&c, &l);
    for (size_t i = 0; i < l.n; i++) {
        MUST_HOLD(l.at[i].flavour == CERT_ID_RAW);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = text_span((const char *)data, size);
    struct cert_key k;
    struct cert_key again;
    names(t);
    if (cert_key_parse(t, &k) == ERR_OK) {
        MUST_HOLD(cert_key_is(text_of(k.key.z)));
        MUST_HOLD(cert_key_parse(text_of(k.key.z), &again) == ERR_OK);
        MUST_HOLD(again.flavour == k.flavour && strcmp(again.key.z, k.key.z) == 0);
        char id[ASSOCIATION_CREDENTIAL_MAX];
        if (cert_key_credential(k.flavour, text_of(k.name.z), id) == ERR_OK) {
            MUST_HOLD(cert_key_parse(text_of(id), &again) == ERR_OK && strcmp(again.key.z, k.key.z) == 0);
        }
    }
    return 0;
}
