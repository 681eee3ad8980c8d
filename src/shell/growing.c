#include "shell/growing.h"

#include "base/ct.h"

#include <stdlib.h>
#include <string.h>

bool growing_reserve(struct growing *g, size_t cap)
{
    if (cap <= g->cap) {
        return true;
    }
    uint8_t *bigger = malloc(cap); /* realloc would leave a copy behind */
    if (bigger == NULL) {
        return false;
    }
    if (g->n > 0) {
        memcpy(bigger, g->p, g->n);
        ct_wipe(g->p, g->n);
    }
    free(g->p);
    g->p = bigger;
    g->cap = cap;
    return true;
}

void growing_drop(struct growing *g, size_t n)
{
    if (n > 0) {
        memmove(g->p, g->p + n, g->n - n);
        ct_wipe(g->p + (g->n - n), n);
        g->n -= n;
    }
}

void growing_wipe(struct growing *g)
{
    if (g->p != NULL) {
        ct_wipe(g->p, g->n);
        free(g->p);
    }
    *g = (struct growing){0};
}
