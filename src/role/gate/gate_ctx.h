/* What the gate knows: the CSE behind it, whose CSE-ID it answers for, and the rules of its own. */
#ifndef KEYSTEAD_ROLE_GATE_GATE_CTX_H
#define KEYSTEAD_ROLE_GATE_GATE_CTX_H

#include "role/cse/access_rules.h"
#include "role/cse/cse_ctx.h"

#define GATE_NETS_MAX 16

struct gate_ctx {
    struct cse cse;   /* first: the functions of a CSE's associations take it */
    char behind[256]; /* URL of the CSE behind */
    struct ipaddr_net notifiers[GATE_NETS_MAX];
    size_t notifiers_n;
    uint8_t rules[ACCESS_COMPILED_MAX]; /* compiled (access.h) */
    size_t rules_n;                     /* 0: the CSE behind alone decides */
};

enum { GATE_CTX_ROWS_N = 6 };
extern const struct conf_row gate_ctx_rows[GATE_CTX_ROWS_N];

MUST_USE err_t gate_ctx_configure(void *ctx, const struct conf *cf, const struct role_env *env,
                                  char detail[static ROLE_DETAIL_MAX]);

#endif
