/*
 * What is to be told and has not been told yet: queues in the store, one a subscription and target, written in the transaction
 * of the event. Acknowledged means durable: an event that was answered for is told after any crash. A queue is bounded; when
 * it is full its oldest event goes. A queue without events has no record, unless it counts what it tells (cse_pace.h).
 *
 * What one AE has to be told for others, and its answers, are kept in the same way.
 *
 * A target is a text: "A:" and the resource identifier of an AE registered here, "C:" and the absolute address of a resource of
 * another CSE, "U:" and a URL, or "R:" and an AE here whose answers these are. It holds no blank.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_OUTBOX_H
#define KEYSTEAD_ROLE_CSE_CSE_OUTBOX_H

#include "role/cse/cse_res.h"

#define CSE_OUTBOX_TARGET_MAX 300
#define CSE_OUTBOX_KEY_MAX (CSE_OUTBOX_TARGET_MAX + M2MID_MAX + 2)
#define CSE_OUTBOX_RQI_MAX (M2MID_MAX + 20)

enum cse_outbox_kind { /* numbers are on disk */
    CSE_OUTBOX_EVENT = 1,  /* not told any more once the subscription is gone */
    CSE_OUTBOX_DELETED = 2, /* the end of the subscribed-to resource or of the subscription itself: told all the same */
    CSE_OUTBOX_RELAY = 3,   /* a request of somebody else that waits for an AE to ask for it (cse_relay.h) */
    CSE_OUTBOX_ANSWER = 4   /* what the AE said to it */
};

struct cse_outbox_queue {
    struct text target, sub;
    usec_t last;            /* number of its last event: its time, made unique */
    usec_t count, dropped;
    usec_t until, told;     /* rateLimit: end of the window under way, and what was told in it; without one both 0 */
    uint8_t away;           /* the last try found nobody */
};

struct cse_outbox_event {
    usec_t number;
    uint8_t kind;
    struct bytes body; /* {"m2m:sgn":{...}}; of a relayed one cse_relay.c says what */
};

struct cse_outbox_note {
    struct text target, sub;
    usec_t now;
    enum cse_outbox_kind kind;
    struct bytes body;
    size_t keep;       /* events a queue holds */
    bool latest;       /* only the last one */
    bool latest_away;  /* only the last one while the target is away */
};

MUST_USE err_t cse_outbox_key(struct text target, struct text sub, struct writer *w);
MUST_USE err_t cse_outbox_queue_parse(struct bytes b, struct cse_outbox_queue *out); /* views */
MUST_USE err_t cse_outbox_event_parse(struct bytes b, struct cse_outbox_event *out);

MUST_USE err_t cse_outbox_add(struct txn *t, const struct cse_outbox_note *n);
/* The queue of a target and subscription; ERR_NOT_FOUND: nothing waits. */
MUST_USE err_t cse_outbox_get(struct txn *t, struct text target, struct text sub, struct cse_outbox_queue *out);
/* Its oldest event, or up to `max` of them. */
MUST_USE err_t cse_outbox_head(struct txn *t, const struct cse_outbox_queue *q, struct cse_outbox_event *out);
#define CSE_OUTBOX_HEADS_MAX 64
struct cse_outbox_heads {
    struct cse_outbox_event at[CSE_OUTBOX_HEADS_MAX];
    size_t n;
};
MUST_USE err_t cse_outbox_heads(struct txn *t, const struct cse_outbox_queue *q, size_t max, struct cse_outbox_heads *out);
/* The `n` oldest up to this number were told, or need no telling; ERR_NOT_FOUND if it is gone already. */
MUST_USE err_t cse_outbox_remove(struct txn *t, struct cse_outbox_queue *q, usec_t number, usec_t *n);
MUST_USE err_t cse_outbox_away(struct txn *t, struct cse_outbox_queue *q, bool away);

/* Request identifier of an event: SUBSCRIPTION.NUMBER. */
MUST_USE err_t cse_outbox_rqi(struct text sub, usec_t number, struct writer *w);
MUST_USE err_t cse_outbox_rqi_parse(struct text rqi, struct text *sub, usec_t *number);

#endif
