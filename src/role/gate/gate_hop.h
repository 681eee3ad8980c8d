/* Where a request goes: one over an association to the CSE behind, a notification of that CSE to a listed point of access. */
#ifndef KEYSTEAD_ROLE_GATE_GATE_HOP_H
#define KEYSTEAD_ROLE_GATE_GATE_HOP_H

#include "role/gate/gate_ctx.h"
#include "role/hop.h"

/* Role function: role.h says when it is called. What is refused here is refused once more, with its reason, by ... */
MUST_USE err_t gate_hop_next(const void *ctx, const struct request *rq, struct txn *t, struct hop *out);
/* ... the handler of all routes. */
err_t gate_hop_refuse(const void *ctx, const struct request *rq, struct txn *t, struct response *rs);

#endif
