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
    bool more;
};

enum { CTL_LIST_ARGS_N = 1 };
extern const struct ctl_arg ctl_list_args[CTL_LIST_ARGS_N]; /* --after ID */

void ctl_list_begin(struct ctl_list *l, struct writer *out, const char *name);
/* Is there room for the item stored under id? If not, the scan is to stop. */
bool ctl_list_room(struct ctl_list *l, struct bytes id);
MUST_USE err_t ctl_list_end(struct ctl_list *l);
/* The id to start beyond, as given by --after. */
struct bytes ctl_list_after(const struct ctl_request *rq);
/* What stands for a record that cannot be read. */
void ctl_list_broken(struct emit *e, struct bytes id);

/* Emits the object of one record. Before anything is emitted: ERR_NOT_FOUND, it is none of the list; else it is broken. */
typedef err_t ctl_list_item(struct emit *e, struct bytes id, struct bytes data, usec_t now);

/* All records of a table: what most lists are. */
struct ctl_list_of {
    const char *name; /* of the array */
    enum store_table table;
    ctl_list_item *item;
};
MUST_USE err_t ctl_list(const struct ctl_request *rq, struct txn *t, const struct ctl_list_of *of, struct writer *out);

#endif
