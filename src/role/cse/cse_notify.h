/*
 * Subscriptions to events [TS-0001 9.6.8, 10.2.10; TS-0004 7.4.8, 7.5.1]: what a <subscription> must be, and what an event makes of
 * those below the resource it happens to. It only writes to the outbox (cse_outbox.h), in the transaction of the change; who carries
 * it out is the shell (cse_deliver.h) or the target itself (cse_poll.h).
 *
 * An event is told while the creator of the subscription may retrieve the resource, is registered if it is an AE of here,
 * and no longer. A resource of more than CSE_NOTIFY_REP_MAX octets is told by its identifier.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_NOTIFY_H
#define KEYSTEAD_ROLE_CSE_CSE_NOTIFY_H

#include "role/cse/criteria.h"
#include "role/cse/cse_pace.h"
#include "role/cse/cse_policy.h"

#define CSE_NOTIFY_REP_MAX (32U << 10)
#define CSE_NOTIFY_SUBS_MAX 8 /* of one resource: what an event stages must fit a transaction */

enum { CSE_NOTIFY_ALL = 1, CSE_NOTIFY_MODIFIED = 2, CSE_NOTIFY_IDENTIFIER = 3 }; /* notificationContentType */

struct cse_notify { /* a compiled subscription */
    struct text creator;      /* absolute */
    struct text su, nfu;      /* su as a target (cse_outbox.h), or empty */
    uint8_t authenticated, latest, latest_away, content;
    usec_t left;              /* notifications until it ends by itself; 0: no end */
    struct cse_pace pace;
    struct text targets[TYPES_TARGETS_MAX];
    size_t targets_n;
    struct criteria criteria;
};

MUST_USE err_t cse_notify_parse(struct bytes b, struct cse_notify *out); /* views; ERR_MALFORMED_RECORD */
MUST_USE err_t cse_notify_get(struct txn *t, struct text ri, struct cse_notify *out);
MUST_USE err_t cse_notify_store(struct txn *t, struct text ri, const struct cse_notify *n);

/* CREATE, and UPDATE with `content`: rights of the originator, targets, criteria; then the compiled form is staged. */
MUST_USE err_t cse_notify_put(const struct cse_ask *ask, const struct cse_res *r, const json_t *attrs,
                              char detail[static ROLE_DETAIL_MAX]);
/* CREATE: is there room under the parent? Marks it as watched. */
MUST_USE err_t cse_notify_watch(const struct cse_ask *ask, struct cse_res *parent, char detail[static ROLE_DETAIL_MAX]);

/* Something happened to `at`, or to the child `about` of it. `changed`: the attributes of an UPDATE. */
MUST_USE err_t cse_notify_event(const struct cse_ask *ask, const struct cse_res *at, enum criteria_event_kind kind,
                                const struct cse_res *about, const json_t *changed);
/* The creation of the child `about`, to the subscription `sub` of `at` alone, as if it happened now. */
MUST_USE err_t cse_notify_prior(const struct cse_ask *ask, const struct cse_res *at, struct text sub, const struct cse_res *about);
/* It is about to be deleted: to whom watches it or its parent, and to the subscriber of it, if it is a subscription. */
MUST_USE err_t cse_notify_deleted(const struct cse_ask *ask, const struct cse_res *r);
/* A subscription ends by itself, or is deleted: its subscriber is told. */
MUST_USE err_t cse_notify_ended(const struct cse *cse, struct txn *t, struct text ri, usec_t now);

#endif
