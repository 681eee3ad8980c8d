#include "wire/json.h"

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

/* Length of the well-formed UTF-8 sequence at p (Unicode 3.9, table 3-7), or 0. */
static size_t utf8_len(const uint8_t *p, size_t n)
{
    static const struct {
        uint8_t first_low, first_high, len, second_low, second_high;
    } forms[] = {
        {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
        {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
        {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (p[0] < forms[i].first_low || p[0] > forms[i].first_high) {
            continue;
        }
        size_t len = forms[i].len;
        bool ok = len <= n && (len < 2 || (p[1] >= forms[i].second_low && p[1] <= forms[i].second_high));
        for (size_t k = 2; ok && k < len; k++) {
            ok = (p[k] & 0xc0) == 0x80;
        }
        return ok ? len : 0;
    }
    return 0;
}

static void write_control(struct writer *w, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    const char escape[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    writer_bytes(w, BYTES_ARRAY(escape));
}

void json_write_string(struct writer *w, struct text t)
{
    const uint8_t *p = (const uint8_t *)t.p;
    writer_u8(w, '"');
    for (size_t i = 0; i < t.n;) {
        size_t len = utf8_len(p + i, t.n - i);
        if (len == 0) {
            writer_z(w, "\xef\xbf\xbd");
            i++;
            continue;
        }
        if (p[i] < 0x20 || p[i] == 0x7f) {
            write_control(w, p[i]);
        } else {
            if (p[i] == '"' || p[i] == '\\') {
                writer_u8(w, '\\');
            }
            writer_bytes(w, bytes_of(p + i, len));
        }
        i += len;
    }
    writer_u8(w, '"');
}
