/*
 * Ub on kept connections: an operation is both exchanges of one SIM, the challenge and the answer to it, verified up to the 200.
 * The SIMs are named by the lines; all have the key that `ub_key` says, made up.
 */
#ifndef KEYSTEAD_BENCH_LOAD_UB_H
#define KEYSTEAD_BENCH_LOAD_UB_H

#include "load.h"
#include "request.h"

#include "aka/aka.h"

#include <stdio.h>

struct load_ub {
    struct request_lines impis;
    const char *bsf;  /* realm */
    struct aka_keys keys;
    const struct crypto *crypto;
    FILE *b_tids; /* where each B-TID goes, a line each; or NULL */
};
/* K 00..0f, OPc 10..1f. */
MUST_USE err_t load_ub_keys(struct load_ub *u);

extern const struct load_ops load_ub_ops; /* load.plan: a struct load_ub */

#endif
