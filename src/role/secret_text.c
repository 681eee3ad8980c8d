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

err_t secret_text_parse(struct text t, size_t min, size_t max, struct secret *out)
{
    SCOPED(octets_wipe) struct octets o = {0};
    struct writer w = WRITER_ARRAY(o.b);
    if (t.n > BASE64_LEN(SECRET_MAX)) {
        return ERR_MALFORMED_KEY;
    }
    TRY(base64_parse(t, &w));
    return w.overflow || w.n < min || w.n > max ? ERR_MALFORMED_KEY : secret_set(out, writer_view(&w));
}

/* jansson frees without wiping; the value is ours, and its own buffer is writable. */
static void string_wipe(json_t *v)
{
    union {
        const char *borrowed;
        char *owned;
    } buffer = {.borrowed = json_string_value(v)};
    ct_wipe(buffer.owned, json_string_length(v));
}

void secret_text_wipe(json_t *tree)
{
    const char *name;
    json_t *member;
    size_t i;
    if (json_is_string(tree)) {
        string_wipe(tree);
    }
    json_object_foreach(tree, name, member) {
        secret_text_wipe(member);
    }
    json_array_foreach(tree, i, member) {
        secret_text_wipe(member);
    }
}

err_t secret_text_take(json_t *v, size_t min, size_t max, struct secret *out)
{
    if (!json_is_string(v)) {
        return ERR_MALFORMED_KEY;
    }
    struct text t = text_span(json_string_value(v), json_string_length(v));
    err_t e = secret_text_parse(t, min, max, out);
    secret_text_wipe(v);
    return e;
}
