#include "base/arena.h"

#include <stdalign.h>
#include <string.h>

struct arena arena_of(void *buf, size_t cap)
{
    return (struct arena){buf, cap, 0};
}

void arena_reset(struct arena *a)
{
    a->used = 0;
}

static void *take(struct arena *a, size_t n)
{
    size_t skip = (alignof(max_align_t) - ((uintptr_t)a->buf + a->used) % alignof(max_align_t)) % alignof(max_align_t);
    if (skip > a->cap - a->used || n > a->cap - a->used - skip) {
        return NULL;
    }
    void *at = a->buf + a->used + skip;
    a->used += skip + n;
    return at;
}

void *arena_alloc(struct arena *a, size_t n)
{
    void *at = take(a, n);
    if (at != NULL) {
        memset(at, 0, n);
    }
    return at;
}

bool arena_dup(struct arena *a, struct bytes in, struct bytes *out)
{
    if (in.n == 0) {
        *out = bytes_empty();
        return true;
    }
    void *at = take(a, in.n);
    if (at == NULL) {
        return false;
    }
    memcpy(at, in.p, in.n);
    *out = bytes_of(at, in.n);
    return true;
}
