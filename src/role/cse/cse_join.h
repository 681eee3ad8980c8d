/*
 * The side of a field CSE: its registration at its registrar [TS-0001 10.2.2.7; 10.1.1.2.1 of the seed], as an engine that says
 * what to send next and is told what came of it. There are two <remoteCSE>, one at each end, or none (R002-04): the one here,
 * of the registrar, is made when the other end has said 2001, and goes when that end says that it knows us no more.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_JOIN_H
#define KEYSTEAD_ROLE_CSE_CSE_JOIN_H

#include "role/cse/cse_ctx.h"
#include "role/states.h"

enum cse_join_step { CSE_JOIN_NOTHING, CSE_JOIN_CREATE, CSE_JOIN_CLEAR, CSE_JOIN_CHECK, CSE_JOIN_LEAVE };

struct cse_join { /* the one record */
    uint8_t state;      /* enum states_state, from STATES_JOIN_WAITING */
    uint8_t leave;      /* the operator wants no registration */
    uint8_t clear;      /* the registrar may have one of ours that we do not know */
    usec_t since;
};

/* Role functions: role.h says when they are called. */
MUST_USE err_t cse_join_errand(const void *ctx, struct txn *t, const struct errand_memory *m, usec_t now, struct errand *out);
MUST_USE err_t cse_join_returned(const void *ctx, const struct errand *q, const struct errand_answer *a, struct txn *t,
                                 usec_t now, err_t *why);

/* Waiting, if there is no record yet. */
MUST_USE err_t cse_join_get(struct txn *t, struct cse_join *out);
MUST_USE err_t cse_join_put(struct txn *t, const struct cse_join *j);
MUST_USE err_t cse_join_parse(struct bytes b, struct cse_join *out);

#endif
