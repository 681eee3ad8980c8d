/*
 * How fast a subscription's target is told [TS-0001 9.6.8]: rateLimit (rl), at most mnn notifications in each window of tww, and
 * batchNotify (bn), several events in one m2m:agn, as soon as num of them wait or the oldest has waited for dur. Pure.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_PACE_H
#define KEYSTEAD_ROLE_CSE_CSE_PACE_H

#include "role/cse/cse_outbox.h"

#define CSE_PACE_BATCH_MAX 64 /* events in one notification */

struct cse_pace {
    usec_t rate_n, rate_time;   /* rate_n 0: no limit */
    usec_t batch_n, batch_time; /* batch_n 0: one by one */
};

/* Of the attributes of a subscription. ERR_MISSING, ERR_ATTRIBUTE_TYPE, ERR_UNKNOWN_ATTRIBUTE; the detail names the member. */
MUST_USE err_t cse_pace_compile(const json_t *attrs, struct cse_pace *out, char detail[static ROLE_DETAIL_MAX]);

/* When the queue may be told whose oldest event has this number; not after `now`: at once. `keep`: events that a queue holds. */
usec_t cse_pace_due(const struct cse_pace *p, const struct cse_outbox_queue *q, usec_t oldest, size_t keep);

/* One notification was told. */
void cse_pace_told(const struct cse_pace *p, struct cse_outbox_queue *q, usec_t now);

#endif
