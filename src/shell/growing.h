/* Octets that come or wait to go and may hold keys: the memory grows, and what is left behind is wiped. */
#ifndef KEYSTEAD_SHELL_GROWING_H
#define KEYSTEAD_SHELL_GROWING_H

#include "base/bytes.h"

struct growing {
    uint8_t *p;
    size_t n, cap; /* n are in use */
};

/* Room for `cap` octets in all; false: there is no memory, and nothing has changed. */
bool growing_reserve(struct growing *g, size_t cap);
void growing_drop(struct growing *g, size_t n); /* the first n */
void growing_wipe(struct growing *g);           /* all of it, memory too */

#endif
