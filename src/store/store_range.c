#include "store/store_range.h"

#include <string.h>

/* The smallest id greater than every id with this prefix: the last octet that is not 0xFF plus one. */
static void successor(struct bytes prefix, struct store_range *out)
{
    size_t n = prefix.n;
    while (n > 0 && prefix.p[n - 1] == 0xFF) {
        n--;
    }
    out->bounded = n > 0;
    if (n > 0) {
        memcpy(out->hi_buf, prefix.p, n);
        out->hi_buf[n - 1]++;
    }
    out->hi = bytes_of(out->hi_buf, n);
}

/* The smallest id greater than `id` is `id` followed by a zero octet. */
static void start_after(struct bytes id, struct store_range *out)
{
    memcpy(out->lo_buf, id.p, id.n);
    out->lo_buf[id.n] = 0;
    out->lo = bytes_of(out->lo_buf, id.n + 1);
}

void store_range_of(const struct store_scan *q, struct store_range *out)
{
    memcpy(out->lo_buf, q->prefix.p, q->prefix.n);
    out->lo = bytes_of(out->lo_buf, q->prefix.n);
    successor(q->prefix, out);
    if (q->after.n == 0) {
        return;
    }
    if (q->order == STORE_ASCENDING && bytes_cmp(q->after, out->lo) >= 0) {
        start_after(q->after, out);
    } else if (q->order == STORE_DESCENDING && (!out->bounded || bytes_cmp(q->after, out->hi) < 0)) {
        memcpy(out->hi_buf, q->after.p, q->after.n);
        out->hi = bytes_of(out->hi_buf, q->after.n);
        out->bounded = true;
    }
}
