#include "wire/json.h"

#include "wire/json_text.h"

#include <string.h>

/* Nesting is counted before jansson sees the text: its own bound is 2048, and it recurses. Strings are skipped
 * by their quotes; whether the text is JSON at all is for jansson to say. */
static bool depth_is_bounded(struct bytes in)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < in.n; i++) {
        uint8_t c = in.p[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_DEPTH_MAX) {
                return false;
            }
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

err_t json_parse(struct bytes in, json_t **out)
{
    *out = NULL;
    if (!depth_is_bounded(in)) {
        return ERR_LIMIT_DEPTH;
    }
    json_error_t e;
    SCOPED(json_scope) json_t *v = json_loadb((const char *)in.p, in.n, JSON_REJECT_DUPLICATES, &e);
    if (v == NULL) {
        return json_error_code(&e) == json_error_duplicate_key ? ERR_MALFORMED_DUPLICATE : ERR_MALFORMED_JSON;
    }
    if (!json_is_object(v)) {
        return ERR_MALFORMED_JSON;
    }
    *out = v;
    v = NULL;
    return ERR_OK;
}

static int append(const char *p, size_t n, void *to)
{
    struct writer *w = to;
    writer_text(w, text_span(p, n));
    return w->overflow ? -1 : 0;
}

err_t json_write(const json_t *v, struct writer *w)
{
    if (json_dump_callback(v, append, w, JSON_COMPACT | JSON_ENCODE_ANY) != 0) {
        TRY(writer_finish(w));
        return ERR_BUG; /* not a value jansson can show: a caller's mistake */
    }
    return ERR_OK;
}

struct text json_get_text(const json_t *obj, const char *member)
{
    const json_t *v = json_object_get(obj, member);
    return text_span(json_string_value(v), json_string_length(v));
}

bool json_set_text(json_t *obj, const char *member, struct text value)
{
    return json_object_set_new(obj, member, json_stringn(value.p, value.n)) == 0;
}

void json_scope(json_t **v)
{
    json_decref(*v);
}

void json_write_string(struct writer *w, struct text t)
{
    json_text_write(w, t);
}
