/*
 * Records of the roles: one codec, driven by a table a record. A record is a version octet, then the fields in the order of
 * their rows. Octets that the codec would not have written are ERR_MALFORMED_RECORD; sealing binds a secret to table and id.
 */
#ifndef KEYSTEAD_ROLE_REC_H
#define KEYSTEAD_ROLE_REC_H

#include "role/role.h"

#define REC_MAX 6144 /* octets of any record of MEF and MAF */

/* -- the table ------------------------------------------------------------------------------------- */
enum rec_type {   /* member of the struct */
    REC_TEXT,     /* char[]: terminated text */
    REC_TEXTS,    /* array of `high` char[] with size_t at `count` in use, none of them empty */
    REC_LIST,     /* struct rec_list */
    REC_U8,       /* uint8_t, bool or enum, low..high */
    REC_TIME,     /* usec_t, not negative */
    REC_VIEW16,   /* struct text or struct bytes into the record, length in two octets */
    REC_VIEW32,   /* the same in four */
    REC_SEALED,   /* struct bytes into the record: the secret of struct rec_seal */
    REC_KEY       /* struct secret, or none; sealed by itself, `name` instead of a record's id */
};

struct rec_field {
    enum rec_type type;
    size_t offset, size; /* REC_AT */
    uint8_t low, high;
    uint8_t since, until; /* versions that have it; 0: no bound */
    uint8_t absent;       /* REC_U8: its value in the other versions */
    size_t count;
    const char *name;
};
#define REC_AT(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)

struct rec_layout {
    const struct rec_field *fields;
    size_t n;
    size_t size;            /* of the struct */
    uint8_t oldest, newest; /* versions that are read */
};
#define REC_LAYOUT(type, rows, first, last) {(rows), ARRAY_LEN(rows), sizeof(type), (first), (last)}

/* The secret that a REC_SEALED field holds: sealed anew if `key` is given, else the sealed octets it was read with. */
struct rec_seal {
    const struct sealer *sealer;
    enum store_table table;
    struct text id;           /* under which the record is stored */
    const struct secret *key; /* NULL: `sealed` is written again; it is bound to table and id */
    struct bytes sealed;
};

/* `seal` is needed for REC_SEALED, and its sealer and table for REC_KEY; else NULL. */
MUST_USE err_t rec_write(const struct rec_layout *l, uint8_t version, const void *record, const struct rec_seal *seal,
                         struct writer *w);
/* *out is zeroed first. ERR_MALFORMED_RECORD. */
MUST_USE err_t rec_parse(const struct rec_layout *l, struct bytes b, void *out);
/* The same for a layout with REC_KEY; ERR_CRYPTO_UNSEAL. The caller wipes *out if it fails. */
MUST_USE err_t rec_parse_keys(const struct rec_layout *l, struct bytes b, const struct rec_seal *seal, void *out);

/* A record that is one text: an entry of an index. */
MUST_USE err_t rec_name_write(const char *name, struct writer *w);
MUST_USE err_t rec_name_parse(struct bytes b, char *out, size_t cap);

/* -- for records that no table can describe ------------------------------------------------------------ */
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

/* ERR_NOT_FOUND, or the data of the record in the arena of the transaction. */
MUST_USE err_t rec_get(struct txn *t, enum store_table table, struct text id, struct bytes *out);
MUST_USE err_t rec_put(struct txn *t, enum store_table table, struct text id, const struct writer *w,
                       enum store_put mode);
/* The rows CLIENT "/" name of one client: q->prefix is CLIENT "/", ascending; no name has a '/' or a capital letter. Rows of
 * the AEs of a CSE, //sp/cse/Cx/name, stand between those of //sp/cse: they are passed over in one step, however many. */
MUST_USE err_t rec_scan_own(struct txn *t, const struct store_scan *q, store_scan_fn *fn, void *arg);

#endif
