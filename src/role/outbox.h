/* What a role has to tell somebody, and what became of it: between its outbox (role.outbox, role.told) and the shell that sends. */
#ifndef KEYSTEAD_ROLE_OUTBOX_H
#define KEYSTEAD_ROLE_OUTBOX_H

#include "role/ctl.h"
#include "role/hop.h"

enum outbox_verdict {
    OUTBOX_SEND,
    OUTBOX_HOLD, /* nowhere to send it for now */
    OUTBOX_DROP, /* nobody wants it any more */
    OUTBOX_UNSEEN /* the queue was not wanted, so it was not looked into */
};

struct outbox_look {
    struct text after; /* the queue after that of this name; empty: the first */
    usec_t now;
    bool (*wanted)(void *who, const char *queue); /* NULL: every queue is */
    void *who;
};

#define OUTBOX_PATH_MAX 400

struct outbox_item { /* the oldest event of one queue of the outbox */
    enum outbox_verdict verdict;
    char queue[512];  /* names the queue; what stands before its first blank is the target */
    struct hop to;    /* SEND */
    char path[OUTBOX_PATH_MAX]; /* SEND to a peer: of the request; else the URL is all */
    char rqi[M2MID_MAX + 20];
    usec_t number;    /* of the event, or the last of several */
    usec_t due;       /* HOLD: when it is worth another look; 0: when something has changed */
    struct bytes body; /* in the arena of the transaction */
};

#define OUTBOX_VERIFY_MAX 4
struct outbox_verify { /* who must be asked before a request is done */
    struct outbox_item item[OUTBOX_VERIFY_MAX];
    size_t n;
    uint8_t who; /* a bit for each of them, the role's own: primitive.verified when all agree */
    char detail[ROLE_DETAIL_MAX];
};

enum outbox_outcome {
    OUTBOX_TOLD,    /* the target took it */
    OUTBOX_REFUSED, /* the target answered that it does not: it is not told again */
    OUTBOX_AWAY,    /* nobody answered; it stays */
    OUTBOX_DROPPED
};

struct outbox_done {
    enum outbox_outcome outcome;
    char queue[512];
    usec_t number;
    uint16_t rsc; /* TOLD, REFUSED: what the target said; 0: it was asked otherwise */
};

#endif
