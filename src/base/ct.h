/* Comparing and wiping without leaking through time or the optimiser [CHOICE-27]. */
#ifndef KEYSTEAD_BASE_CT_H
#define KEYSTEAD_BASE_CT_H

#include "base/bytes.h"

bool ct_eq(struct bytes a, struct bytes b); /* time depends on the lengths only */
void ct_wipe(void *p, size_t n);            /* survives dead-store elimination */

#endif
