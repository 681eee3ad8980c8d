#include "hist.h"

#include <stdlib.h>

#define TOP 1000000

err_t hist_init(struct hist *h)
{
    h->n = 0;
    h->at = calloc(TOP + 1, sizeof(*h->at));
    return h->at == NULL ? ERR_LIMIT_CAPACITY : ERR_OK;
}

void hist_wipe(struct hist *h)
{
    free(h->at);
    h->at = NULL;
}

void hist_add(struct hist *h, int64_t usec)
{
    int64_t i = usec < 0 ? 0 : usec > TOP ? TOP : usec;
    h->at[i]++;
    h->n++;
}

uint64_t hist_quantile(const struct hist *h, unsigned percent)
{
    uint64_t want = h->n * percent / 100;
    uint64_t seen = 0;
    for (uint64_t i = 0; i <= TOP; i++) {
        seen += h->at[i];
        if (seen > want || (seen == h->n && h->n > 0)) {
            return i;
        }
    }
    return 0;
}
