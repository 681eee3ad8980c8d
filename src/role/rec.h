/*
 * What all record codecs of the roles share. A record is: version octet, fields in fixed order, sealed secret last.
 * Any octets that a codec did not write are ERR_MALFORMED_RECORD; sealing binds the secret to table and id.
 */
#ifndef KEYSTEAD_ROLE_REC_H
#define KEYSTEAD_ROLE_REC_H

#include "role/role.h"

#define REC_MAX 6144 /* octets of any record of MEF and MAF */

/* Reads the version octet; another version fails the reader. */
void rec_version(struct reader *r, uint8_t version);
bool rec_bool(struct reader *r);                  /* 0 or 1; else fails */
uint8_t rec_u8(struct reader *r, uint8_t low, uint8_t high);
usec_t rec_time(struct reader *r);                /* not negative */
MUST_USE err_t rec_finish(const struct reader *r); /* ERR_MALFORMED_RECORD */

/* A short list of texts: labels, targets. Views into whatever it was filled from. */
#define REC_LIST_MAX 16
struct rec_list {
    struct text at[REC_LIST_MAX];
    size_t n;
};
void rec_list_write(const struct rec_list *l, struct writer *w);
void rec_list_read(struct reader *r, struct rec_list *out);

/* The secret that ends a record: sealed anew if `key` is given, else the sealed octets it was read with. */
struct rec_seal {
    const struct sealer *sealer;
    enum store_table table;
    struct text id;           /* under which the record is stored */
    const struct secret *key; /* NULL: `sealed` is written again; it is bound to table and id */
    struct bytes sealed;
};
MUST_USE err_t rec_seal_write(const struct rec_seal *s, struct writer *w);

/* ERR_NOT_FOUND, or the data of the record in the arena of the transaction. */
MUST_USE err_t rec_get(struct txn *t, enum store_table table, struct text id, struct bytes *out);
MUST_USE err_t rec_put(struct txn *t, enum store_table table, struct text id, const struct writer *w,
                       enum store_put mode);

#endif
