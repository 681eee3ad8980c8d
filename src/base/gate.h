/*
 * State machines as data: a row says which message is legal in which states, from whom, how
 * often, and where it may lead. Everything without a row is refused.
 */
#ifndef KEYSTEAD_BASE_GATE_H
#define KEYSTEAD_BASE_GATE_H

#include "base/err.h"

#define GATE_IN(state) (1U << (state))

struct gate_row {
    const char *name;
    uint32_t in_states;  /* GATE_IN() of the states it is legal in */
    uint32_t out_states; /* states it may lead to */
    bool once;           /* a second time is refused even in a legal state */
};

struct gate {
    const struct gate_row *rows;
    size_t count; /* at most 32 */
    uint32_t state;
    uint32_t seen; /* bit per message */
};

void gate_init(struct gate *g, const struct gate_row *rows, size_t count, uint32_t state);
MUST_USE err_t gate_check(const struct gate *g, size_t message);            /* ERR_STATE */
MUST_USE err_t gate_enter(struct gate *g, size_t message, uint32_t next);   /* checks, then moves */

#endif
