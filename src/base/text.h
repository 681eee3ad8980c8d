/*
 * Borrowed text (octets that are meant to be read; not terminated) and the fixed-capacity
 * text buffer that identifiers live in. ASCII case folding only: identifiers of the standard
 * that ignore case are ASCII.
 */
#ifndef KEYSTEAD_BASE_TEXT_H
#define KEYSTEAD_BASE_TEXT_H

#include "base/bytes.h"

#include <string.h>

struct text {
    const char *p;
    size_t n;
};

static inline struct text text_empty(void)
{
    return (struct text){"", 0};
}

/* NULL gives the empty text. */
static inline struct text text_span(const char *p, size_t n)
{
    return p == NULL || n == 0 ? text_empty() : (struct text){p, n};
}

static inline struct text text_of(const char *z)
{
    return text_span(z, z == NULL ? 0 : strlen(z));
}

static inline struct bytes text_bytes(struct text t)
{
    return bytes_of(t.p, t.n);
}

bool text_eq(struct text a, struct text b);
bool text_eq_z(struct text a, const char *z);
bool text_eq_nocase(struct text a, struct text b);
bool text_starts(struct text t, const char *prefix);
struct text text_skip(struct text t, size_t n); /* without its first n octets (all of them if fewer) */
struct text text_take(struct text t, size_t n);
struct text text_trim(struct text t, const char *blanks); /* without these at either end */

/* Position of c, or t.n. `last` looks from the end. */
size_t text_find(struct text t, char c);
size_t text_find_last(struct text t, char c);

/* Takes what stands before the next `sep` off the front of *rest; false when *rest is used up. */
bool text_next(struct text *rest, char sep, struct text *part);

/* Decimal without sign, no leading zeros but "0" itself, not above max. */
MUST_USE err_t text_u64(struct text t, uint64_t max, uint64_t *out);

/* Copies with a terminating NUL; ERR_LIMIT_SIZE if it does not fit, ERR_MALFORMED_NUL if t holds a NUL. */
MUST_USE err_t text_copy(struct text t, char *dst, size_t cap);
#define TEXT_COPY(t, array) text_copy((t), (array), sizeof(array))

/* ASCII only */
static inline char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#endif
