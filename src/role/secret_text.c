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

err_t secret_text_take(json_t *v, struct secret *out)
{
    if (!json_is_string(v)) {
        return ERR_MALFORMED_KEY;
    }
    struct text t = text_span(json_string_value(v), json_string_length(v));
    err_t e = secret_text_parse(t, out);
    /* jansson frees without wiping; the value is ours, and its own buffer is writable. */
    union {
        const char *borrowed;
        char *owned;
    } buffer = {.borrowed = t.p};
    ct_wipe(buffer.owned, t.n);
    return e;
}
