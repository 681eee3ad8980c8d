#include "base/bytes.h"

#include <string.h>

static const uint8_t nothing[1];

struct bytes bytes_empty(void)
{
    return (struct bytes){nothing, 0};
}

struct bytes bytes_of(const void *p, size_t n)
{
    if (p == NULL || n == 0) {
        return bytes_empty();
    }
    return (struct bytes){p, n};
}

bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

int bytes_cmp(struct bytes a, struct bytes b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = memcmp(a.p, b.p, n);
    if (c != 0) {
        return c;
    }
    return (a.n > b.n) - (a.n < b.n);
}
