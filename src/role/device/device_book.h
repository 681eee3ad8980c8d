/*
 * All that a device holds: up to DEVICE_BOOK_MAX states, each with the arguments of one MEF, one MAF and one CSE, kept apart
 * (R001-75). States of one enrolment share a group: what is told of its MEF, its MAF and its keys is told of all of them. An
 * entry is found by KpmId, by the name or address of its MEF (the MEF URI), by its MAF-ID or by its CSE-ID (R001-76).
 */
#ifndef KEYSTEAD_ROLE_DEVICE_DEVICE_BOOK_H
#define KEYSTEAD_ROLE_DEVICE_DEVICE_BOOK_H

#include "role/device/device_state.h"

enum { DEVICE_BOOK_MAX = 8 };
#define DEVICE_BOOK_RECORD_MAX (DEVICE_BOOK_MAX * (DEVICE_STATE_RECORD_MAX + 8))

struct device_book {
    size_t n;
    struct {
        uint8_t group; /* states with the same number are of one enrolment */
        struct device_state s;
    } at[DEVICE_BOOK_MAX];
};

void device_book_wipe(struct device_book *b);
/* One state is written as it ever was; what an older program wrote is one state. */
MUST_USE err_t device_book_write(const struct device_book *b, const struct sealer *sealer, struct writer *w);
/* ERR_MALFORMED_RECORD, ERR_CRYPTO_UNSEAL. */
MUST_USE err_t device_book_parse(struct bytes b, const struct sealer *sealer, struct device_book *out);

/* The entry of this name, or the only one there is if the name is empty. ERR_NOT_FOUND: the book is empty. ERR_USAGE: none or
 * several; detail names those to choose from. */
MUST_USE err_t device_book_find(const struct device_book *b, struct text name, size_t *out, char detail[static ROLE_DETAIL_MAX]);
/* Does exactly this name lead to one entry? */
bool device_book_has(const struct device_book *b, struct text name);
/* What leads to this entry and to no other: CSE-ID, KpmId, MEF, MAF, or its place in the book, from 1. */
struct device_book_name {
    char z[KEYID_MAX];
};
struct device_book_name device_book_name(const struct device_book *b, size_t i);

/* A new entry, empty, or with the enrolment of `base` (an index). ERR_LIMIT_CAPACITY. */
#define DEVICE_BOOK_ALONE SIZE_MAX
MUST_USE err_t device_book_add(struct device_book *b, size_t base, size_t *out);
void device_book_remove(struct device_book *b, size_t i);
/* Stores s there; what it says of its enrolment holds for the others of its group from now on. */
void device_book_put(struct device_book *b, size_t i, const struct device_state *s);

#endif
