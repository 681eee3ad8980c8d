/* The ids a scan covers, as one half-open range: the same arithmetic for every driver. */
#ifndef KEYSTEAD_STORE_STORE_RANGE_H
#define KEYSTEAD_STORE_STORE_RANGE_H
#include "store/store.h"

struct store_range {
    struct bytes lo; /* inclusive */
    struct bytes hi; /* exclusive; nothing if !bounded */
    bool bounded;    /* false: up to the last id of the table */
    uint8_t lo_buf[STORE_ID_MAX + 1];
    uint8_t hi_buf[STORE_ID_MAX];
};

/* Fills *out in place (it holds views into itself, so it must not be copied). */
void store_range_of(const struct store_scan *q, struct store_range *out);

#endif
