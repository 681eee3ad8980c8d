#include "role/secret_text.h"

#include "base/base64.h"
#include "base/ct.h"
#include "keys/keys.h"

void secret_text_write(struct writer *w, const struct secret *s)
{
    base64_write(w, secret_view(s));
}

struct octets {
    uint8_t b[KEYS_DERIVED_LEN];
};

static void octets_wipe(struct octets *o)
{
    ct_wipe(o, sizeof(*o));
}

err_t secret_text_parse(struct text t, struct secret *out)
{
    if (t.n != BASE64_LEN(KEYS_DERIVED_LEN)) {
        return ERR_MALFORMED_KEY;
    }
    SCOPED(octets_wipe) struct octets o = {0};
    struct writer w = WRITER_ARRAY(o.b);
    TRY(base64_parse(t, &w));
    if (w.n != KEYS_DERIVED_LEN || w.overflow) {
        return ERR_MALFORMED_KEY;
    }
    return secret_set(out, writer_view(&w));
}
