/*
 * Answers of `... list` commands: one object with an array, cut off before the answer's buffer is full and then with
 * "next", which the following call gives as --after.
 */
#ifndef KEYSTEAD_ROLE_CTL_LIST_H
#define KEYSTEAD_ROLE_CTL_LIST_H

#include "role/emit.h"
#include "role/role.h"

#define CTL_LIST_ID_MAX 512
#define CTL_LIST_ITEM_MAX 4096 /* room that one item may need */

struct ctl_list {
    struct emit e;
    char last[CTL_LIST_ID_MAX];
    size_t seen;
    bool more;
};

#define CTL_LIST_AFTER {"--after", 0, "continue beyond this identifier (\"next\" of the answer before)"}
enum { CTL_LIST_ARGS_N = 1 };
extern const struct ctl_arg ctl_list_args[CTL_LIST_ARGS_N]; /* nothing but that */

struct ctl_list_record {
    struct bytes id, data;
    usec_t now;
    struct txn *t;
    const void *of; /* what the list gives its items */
};
/* Emits the object of one record. An error before anything is emitted: ERR_NOT_FOUND, it is none of the list; else the record stands
 * there with that error as its state. An error behind that ends the list. */
typedef err_t ctl_list_item(struct emit *e, const struct ctl_list_record *r);

/* The records of a table. */
struct ctl_list_of {
    const char *name; /* of the array */
    enum store_table table;
    ctl_list_item *item;
    struct text prefix; /* of the ids */
    size_t most;        /* records that one answer looks at, where an item reads others; 0: as many as there is room for */
    const void *of;
    err_t (*scan)(struct txn *t, const struct store_scan *q, store_scan_fn *fn, void *arg); /* NULL: txn_scan */
};
MUST_USE err_t ctl_list(const struct ctl_request *rq, struct txn *t, const struct ctl_list_of *of, struct writer *out);

/* The same in steps, for a list of two tables or prefixes, in the order of their ids. */
void ctl_list_begin(struct ctl_list *l, struct writer *out, const char *name);
MUST_USE err_t ctl_list_add(struct ctl_list *l, const struct ctl_request *rq, struct txn *t, const struct ctl_list_of *of);
MUST_USE err_t ctl_list_end(struct ctl_list *l);

#endif
