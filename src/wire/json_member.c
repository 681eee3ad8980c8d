#include "wire/json_member.h"

#include "base/reader.h"
#include "wire/json_text.h"

#define DIGITS_MAX 18 /* fits any integer type that a parser may use */

static bool value(struct reader *r, unsigned depth);

static bool next_is(const struct reader *r, char low, char high)
{
    return reader_left(r) > 0 && *r->p >= (uint8_t)low && *r->p <= (uint8_t)high;
}

static bool take(struct reader *r, char c)
{
    return next_is(r, c, c) && reader_u8(r) == (uint8_t)c;
}

static void space(struct reader *r)
{
    while (take(r, ' ') || take(r, '\t') || take(r, '\r') || take(r, '\n')) {
    }
}

static struct text since(const struct reader *r, const uint8_t *start)
{
    return text_span((const char *)start, (size_t)(r->p - start));
}

/* *out is what stands between the quotes; empty if there are escapes. */
static bool string(struct reader *r, struct text *out)
{
    const struct text escapes = text_of("\"\\/bfnrt");
    bool plain = true;
    if (!take(r, '"')) {
        return false;
    }
    const uint8_t *start = r->p;
    while (!next_is(r, '"', '"')) {
        bool escaped = take(r, '\\');
        size_t n = next_is(r, ' ', '\xff') ? json_text_utf8(r->p, reader_left(r)) : 0;
        if (n == 0 || (escaped && text_find(escapes, (char)*r->p) == escapes.n)) {
            return false;
        }
        plain = plain && !escaped;
        (void)reader_take(r, n);
    }
    *out = plain ? since(r, start) : text_empty();
    return take(r, '"');
}

/* An integer, true, false or null. */
static bool scalar(struct reader *r)
{
    const struct text left = text_span((const char *)r->p, reader_left(r));
    if (text_starts(left, "true") || text_starts(left, "null") || text_starts(left, "false")) {
        return reader_take(r, text_starts(left, "false") ? 5 : 4).n > 0;
    }
    (void)take(r, '-');
    const uint8_t *start = r->p;
    while (next_is(r, '0', '9')) {
        (void)reader_u8(r);
    }
    size_t n = since(r, start).n;
    return n == 1 || (n > 1 && n <= DIGITS_MAX && *start != '0');
}

static bool colon(struct reader *r)
{
    space(r);
    bool ok = take(r, ':');
    space(r);
    return ok;
}

/* *raw is the member `wanted`; both NULL in what is nested. */
static bool container(struct reader *r, unsigned depth, const char *wanted, struct text *raw)
{
    bool object = take(r, '{');
    struct text name = text_empty();
    if (depth == 0 || (!object && !take(r, '['))) {
        return false;
    }
    space(r);
    if (take(r, object ? '}' : ']')) {
        return true;
    }
    do {
        space(r);
        if (object && !(string(r, &name) && name.n > 0 && colon(r))) {
            return false;
        }
        const uint8_t *start = r->p;
        bool hit = wanted != NULL && text_eq_z(name, wanted);
        if (!value(r, depth - 1) || (hit && raw->n > 0)) {
            return false;
        }
        if (hit) {
            *raw = since(r, start);
        }
        space(r);
    } while (take(r, ','));
    return take(r, object ? '}' : ']');
}

static bool value(struct reader *r, unsigned depth)
{
    struct text ignored;
    return next_is(r, '{', '{') || next_is(r, '[', '[') ? container(r, depth, NULL, NULL)
           : next_is(r, '"', '"')                       ? string(r, &ignored)
                                                        : scalar(r);
}

err_t json_member_find(struct text object, const char *name, struct text *raw)
{
    struct reader r = reader_of(text_bytes(object));
    *raw = text_empty();
    space(&r);
    bool ok = next_is(&r, '{', '{') && container(&r, JSON_MEMBER_DEPTH, name, raw);
    space(&r);
    if (!ok || reader_finish(&r) != ERR_OK) {
        *raw = text_empty();
        return ERR_MALFORMED_JSON;
    }
    return ERR_OK;
}

struct text json_member_text(struct text raw, bool in_array)
{
    struct reader r = reader_of(text_bytes(raw));
    struct text t = text_empty();
    bool ok = !in_array || take(&r, '[');
    space(&r);
    ok = ok && string(&r, &t);
    space(&r);
    ok = ok && (!in_array || take(&r, ']'));
    return ok && reader_finish(&r) == ERR_OK ? t : text_empty();
}
