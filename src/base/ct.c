#include "base/ct.h"

#include <string.h>

bool ct_eq(struct bytes a, struct bytes b)
{
    if (a.n != b.n) {
        return false;
    }
    volatile uint8_t diff = 0;
    for (size_t i = 0; i < a.n; i++) {
        diff = (uint8_t)(diff | (a.p[i] ^ b.p[i]));
    }
    return diff == 0;
}

void ct_wipe(void *p, size_t n)
{
    memset(p, 0, n);
    __asm__ __volatile__("" : : "r"(p) : "memory"); /* the store above has a reader now */
}
