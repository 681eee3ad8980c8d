/*
 * Sequence numbers [TS 33.102 C]: SQN = SEQ (43 bits) | IND (5 bits). The card's window, which takes no number twice, and the
 * network's counter, which gives none twice. Pure: what must be durable, and when, stands at each function.
 */
#ifndef KEYSTEAD_AKA_AKA_SQN_H
#define KEYSTEAD_AKA_AKA_SQN_H

#include "aka/aka.h"

#define AKA_IND_BITS 5
#define AKA_WINDOW (1U << AKA_IND_BITS)
#define AKA_SEQ_MAX ((UINT64_C(1) << 43) - 1)
#define AKA_SEQ_DELTA (UINT64_C(1) << 28) /* the furthest jump that a card takes [C.2.1, C.3.2] */

uint64_t aka_sqn_make(uint64_t seq, unsigned ind);
uint64_t aka_sqn_seq(uint64_t sqn);
unsigned aka_sqn_ind(uint64_t sqn);

/* -- the card's side: the highest SEQ taken with each IND ----------------------------------------------- */
struct aka_window {
    uint64_t seq[AKA_WINDOW];
};
/* ERR_SQN_RANGE: not above what came before with its IND, or more than AKA_SEQ_DELTA above everything. */
MUST_USE err_t aka_sqn_check(const struct aka_window *w, uint64_t sqn);
void aka_sqn_accept(struct aka_window *w, uint64_t sqn); /* after a check; durable before RES leaves the card */
uint64_t aka_sqn_highest(const struct aka_window *w);    /* SQN_MS of a resynchronisation: highest SEQ, with its IND */

/* -- the network's side: reserved in blocks ------------------------------------------------------------- */
/*
 * Numbers up to `reserved` are known to the store as used up, whether they were or not; so a crash loses at most a block and
 * repeats nothing. IND goes round with SEQ: 32 vectors may be under way and arrive in any order.
 */
struct aka_counter {
    uint64_t seq;      /* the last that was given */
    uint64_t reserved; /* the last that may be given */
};
void aka_sqn_counter_init(struct aka_counter *n, uint64_t stored); /* stored: what was last granted, 0 for a new card */
/* What to store before the grant, for `count` more; ERR_LIMIT_CAPACITY at the end of the numbers. */
MUST_USE err_t aka_sqn_counter_want(const struct aka_counter *n, uint64_t count, uint64_t *store);
void aka_sqn_counter_grant(struct aka_counter *n, uint64_t stored); /* when it is durable; never takes back */
MUST_USE err_t aka_sqn_counter_next(struct aka_counter *n, uint64_t *sqn); /* ERR_SQN_UNRESERVED */
/*
 * A card told its SQN_MS [6.3.5]: the next number will be one that it takes. Only ever forwards: where the network is further
 * ahead than the card jumps, the text would go back, which would use numbers twice; ERR_SQN_AHEAD instead.
 */
MUST_USE err_t aka_sqn_counter_catch_up(struct aka_counter *n, uint64_t sqn_ms);

#endif
