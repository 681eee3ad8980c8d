/*
 * Borrowed views: octets and text that belong to somebody else and are never freed through
 * the view. An empty view points at a static octet, never at NULL, so that adding zero to it
 * and passing it to memcpy stay defined. What only makes a view stands here in full: a request makes hundreds of them.
 */
#ifndef KEYSTEAD_BASE_BYTES_H
#define KEYSTEAD_BASE_BYTES_H

#include "base/err.h"

struct bytes {
    const uint8_t *p;
    size_t n;
};

static inline struct bytes bytes_empty(void)
{
    return (struct bytes){(const uint8_t *)"", 0};
}

/* NULL gives the empty view. */
static inline struct bytes bytes_of(const void *p, size_t n)
{
    return p == NULL || n == 0 ? bytes_empty() : (struct bytes){p, n};
}

bool bytes_eq(struct bytes a, struct bytes b); /* not for secrets: see ct.h */
int bytes_cmp(struct bytes a, struct bytes b); /* memcmp order, the shorter first */

/* A range of a fixed-size array that is used as one value. */
#define BYTES_ARRAY(a) bytes_of((a), sizeof(a))

#endif
