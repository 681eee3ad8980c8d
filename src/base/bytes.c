#include "base/bytes.h"

#include <string.h>

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
