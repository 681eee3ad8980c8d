/*
 * `to` -> resource [TS-0001 7.2, 9.3.1]: structured and unstructured CSE-relative, SP-relative of this CSE and absolute
 * of this SP and CSE. Another CSE is 4004 here: what can be sent on was before (cse_hop.h). A resource whose ancestor is
 * gone or expired is gone.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ADDR_H
#define KEYSTEAD_ROLE_CSE_CSE_ADDR_H

#include "role/cse/cse_res.h"

struct cse_target {
    struct cse_res res;
    struct cse_res parent; /* if has_parent: a child of the CSEBase has none here */
    bool has_parent;
    bool is_virtual;       /* addressed through la or ol */
};

/* ERR_NOT_FOUND, ERR_MALFORMED_TO. */
MUST_USE err_t cse_addr_resolve(const struct cse *cse, struct txn *t, struct text to, usec_t now,
                                struct cse_target *out);

/* Is the address one of this CSE? Whether anything is there is another question. */
bool cse_addr_is_local(const struct cse *cse, struct text to);

/* Does the resource still hang on the tree? Fills in out->parent for out->res. */
MUST_USE err_t cse_addr_anchor(const struct cse *cse, struct txn *t, usec_t now, struct cse_target *out);

/* Structured CSE-relative address: cse-in/ae/container. */
MUST_USE err_t cse_addr_write(const struct cse *cse, struct txn *t, const struct cse_res *r, usec_t now,
                              struct writer *w);

#endif
