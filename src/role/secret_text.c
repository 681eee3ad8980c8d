#include "role/secret_text.h"

#include "base/base64.h"
#include "base/ct.h"

void secret_text_write(struct writer *w, const struct secret *s)
{
    base64_write(w, secret_view(s));
}

struct octets {
    uint8_t b[SECRET_MAX];
};

static void octets_wipe(struct octets *o)
{
    ct_wipe(o, sizeof(*o));
}

static err_t parse(struct text t, size_t min, size_t max, struct secret *out)
{
    SCOPED(octets_wipe) struct octets o = {0};
    struct writer w = WRITER_ARRAY(o.b);
    if (t.n > BASE64_LEN(SECRET_MAX)) {
        return ERR_MALFORMED_KEY;
    }
    TRY(base64_parse(t, &w));
    return w.overflow || w.n < min || w.n > max ? ERR_MALFORMED_KEY : secret_set(out, writer_view(&w));
}

err_t secret_text_take(json_t *v, size_t min, size_t max, struct secret *out)
{
    if (!json_is_string(v)) {
        return ERR_MALFORMED_KEY;
    }
    struct text t = text_span(json_string_value(v), json_string_length(v));
    err_t e = parse(t, min, max, out);
    /* jansson frees without wiping; the value is ours, and its own buffer is writable. */
    union {
        const char *borrowed;
        char *owned;
    } buffer = {.borrowed = t.p};
    ct_wipe(buffer.owned, t.n);
    return e;
}
