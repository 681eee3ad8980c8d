#include "base/text.h"

#include <string.h>

bool text_eq(struct text a, struct text b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

bool text_eq_z(struct text a, const char *z)
{
    return text_eq(a, text_of(z));
}

bool text_eq_nocase(struct text a, struct text b)
{
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (a.p[i] != b.p[i] && text_lower(a.p[i]) != text_lower(b.p[i])) {
            return false;
        }
    }
    return true;
}

bool text_starts(struct text t, const char *prefix)
{
    size_t n = strlen(prefix);
    return t.n >= n && memcmp(t.p, prefix, n) == 0;
}

struct text text_skip(struct text t, size_t n)
{
    return n >= t.n ? text_empty() : (struct text){t.p + n, t.n - n};
}

struct text text_take(struct text t, size_t n)
{
    return text_span(t.p, n < t.n ? n : t.n);
}

static bool is_one_of(char c, const char *set)
{
    while (*set != '\0' && *set != c) {
        set++;
    }
    return *set != '\0';
}

struct text text_trim(struct text t, const char *blanks)
{
    while (t.n > 0 && is_one_of(t.p[0], blanks)) {
        t = text_skip(t, 1);
    }
    while (t.n > 0 && is_one_of(t.p[t.n - 1], blanks)) {
        t = text_take(t, t.n - 1);
    }
    return t;
}

/* Has one of the eight octets of v the value 0? */
static bool has_zero(uint64_t v)
{
    const uint64_t ones = UINT64_MAX / 255;
    return ((v - ones) & ~v & (ones << 7)) != 0;
}

/* No memchr: the device library needs four names of libc, not five (0006). */
size_t text_find(struct text t, char c)
{
    const uint64_t wanted = UINT64_MAX / 255 * (uint8_t)c;
    size_t i = 0;
    for (uint64_t v = 0; t.n - i >= sizeof(v); i += sizeof(v)) {
        memcpy(&v, t.p + i, sizeof(v));
        if (has_zero(v ^ wanted)) {
            break;
        }
    }
    while (i < t.n && t.p[i] != c) {
        i++;
    }
    return i;
}

size_t text_find_last(struct text t, char c)
{
    for (size_t i = t.n; i > 0; i--) {
        if (t.p[i - 1] == c) {
            return i - 1;
        }
    }
    return t.n;
}

bool text_next(struct text *rest, char sep, struct text *part)
{
    if (rest->n == 0) {
        return false;
    }
    size_t at = text_find(*rest, sep);
    *part = text_take(*rest, at);
    *rest = text_skip(*rest, at + 1);
    return true;
}

err_t text_u64(struct text t, uint64_t max, uint64_t *out)
{
    if (t.n == 0 || (t.n > 1 && t.p[0] == '0')) {
        return ERR_MALFORMED;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] < '0' || t.p[i] > '9') {
            return ERR_MALFORMED;
        }
        uint64_t digit = (uint64_t)(t.p[i] - '0');
        if (v > (UINT64_MAX - digit) / 10) {
            return ERR_MALFORMED;
        }
        v = v * 10 + digit;
    }
    if (v > max) {
        return ERR_MALFORMED;
    }
    *out = v;
    return ERR_OK;
}

err_t text_copy(struct text t, char *dst, size_t cap)
{
    if (t.n >= cap) {
        return ERR_LIMIT_SIZE;
    }
    if (text_find(t, '\0') != t.n) {
        return ERR_MALFORMED_NUL;
    }
    if (t.n > 0) { /* the empty text may have no address */
        memcpy(dst, t.p, t.n);
    }
    dst[t.n] = '\0';
    return ERR_OK;
}
