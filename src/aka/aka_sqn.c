#include "aka/aka_sqn.h"

uint64_t aka_sqn_make(uint64_t seq, unsigned ind)
{
    return seq << AKA_IND_BITS | (ind & (AKA_WINDOW - 1));
}

uint64_t aka_sqn_seq(uint64_t sqn)
{
    return sqn >> AKA_IND_BITS & AKA_SEQ_MAX;
}

unsigned aka_sqn_ind(uint64_t sqn)
{
    return (unsigned)(sqn & (AKA_WINDOW - 1));
}

uint64_t aka_sqn_highest(const struct aka_window *w)
{
    unsigned ind = 0;
    for (unsigned i = 1; i < AKA_WINDOW; i++) {
        ind = w->seq[i] > w->seq[ind] ? i : ind;
    }
    return aka_sqn_make(w->seq[ind], ind);
}

err_t aka_sqn_check(const struct aka_window *w, uint64_t sqn)
{
    const uint64_t seq = aka_sqn_seq(sqn), highest = aka_sqn_seq(aka_sqn_highest(w));
    const bool fresh = seq > w->seq[aka_sqn_ind(sqn)];
    const bool near = seq <= highest || seq - highest <= AKA_SEQ_DELTA; /* wrap-around cannot be forced [C.2.1] */
    return fresh && near ? ERR_OK : ERR_SQN_RANGE;
}

void aka_sqn_accept(struct aka_window *w, uint64_t sqn)
{
    w->seq[aka_sqn_ind(sqn)] = aka_sqn_seq(sqn);
}

void aka_sqn_counter_init(struct aka_counter *n, uint64_t stored)
{
    n->seq = stored;
    n->reserved = stored;
}

err_t aka_sqn_counter_want(const struct aka_counter *n, uint64_t count, uint64_t *store)
{
    const uint64_t from = n->seq > n->reserved ? n->seq : n->reserved;
    *store = from;
    if (from > AKA_SEQ_MAX || count > AKA_SEQ_MAX - from) {
        return ERR_LIMIT_CAPACITY;
    }
    *store = from + count;
    return ERR_OK;
}

void aka_sqn_counter_grant(struct aka_counter *n, uint64_t stored)
{
    if (stored > n->reserved && stored <= AKA_SEQ_MAX) {
        n->reserved = stored;
    }
}

err_t aka_sqn_counter_next(struct aka_counter *n, uint64_t *sqn)
{
    *sqn = 0;
    if (n->seq >= n->reserved) {
        return ERR_SQN_UNRESERVED;
    }
    n->seq++;
    *sqn = aka_sqn_make(n->seq, (unsigned)(n->seq & (AKA_WINDOW - 1)));
    return ERR_OK;
}

err_t aka_sqn_counter_catch_up(struct aka_counter *n, uint64_t sqn_ms)
{
    const uint64_t seq_ms = aka_sqn_seq(sqn_ms);
    if (n->seq < seq_ms) {
        n->seq = seq_ms;
        return ERR_OK;
    }
    return n->seq - seq_ms < AKA_SEQ_DELTA ? ERR_OK : ERR_SQN_AHEAD;
}
