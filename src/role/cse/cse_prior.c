#include "role/cse/cse_prior.h"

#include "role/cse/cse_notify.h"

#define LOOK_MAX 1000 /* instances; those that are over and kept by one that is not are no reason to look for ever */

struct prior {
    struct arena *arena;
    const struct cse_res *at;
    usec_t now;
    uint64_t wanted, octets;
    struct text ri[CSE_PRIOR_MAX];
    size_t n, looked;
    err_t err;
};

/* The latest first. */
static bool prior_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    struct prior *p = arg;
    struct cse_child c;
    struct bytes copy;
    p->err = cse_res_child_parse(value.data, &c);
    if (p->err != ERR_OK || c.number < p->at->floor) { /* gone, its records still there */
        return false;
    }
    if (c.et <= p->now) {
        return ++p->looked < LOOK_MAX;
    }
    p->octets += c.size;
    if (p->n > 0 && p->octets > CSE_PRIOR_OCTETS) {
        return false;
    }
    p->err = arena_dup(p->arena, text_bytes(c.ri), &copy) ? ERR_OK : ERR_LIMIT_CAPACITY;
    p->ri[p->n++] = text_span((const char *)copy.p, copy.n);
    return p->err == ERR_OK && p->n < CSE_PRIOR_MAX && p->n < p->wanted;
}

err_t cse_prior_tell(const struct cse_ask *ask, const struct cse_res *at, const struct cse_res *sub, uint64_t wanted)
{
    char key[CSE_CHILD_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    struct prior p = {.arena = ask->t->arena, .at = at, .now = ask->rq->now, .wanted = wanted};
    if (wanted == 0 || at->type->ty != TYPE_CNT) {
        return ERR_OK;
    }
    TRY(cse_res_child_key(&k, at->node, TYPE_CIN, text_empty()));
    const struct store_scan s = {.table = TABLE_CSE_CHILD, .prefix = writer_view(&k), .after = bytes_empty(),
                                 .order = STORE_DESCENDING};
    TRY(txn_scan(ask->t, &s, prior_hit, &p));
    TRY(p.err);
    while (p.n > 0) {
        struct cse_res cin;
        TRY(cse_res_get(ask->t, p.ri[--p.n], ask->rq->now, &cin));
        TRY(cse_notify_prior(ask, at, sub->ri, &cin));
    }
    return ERR_OK;
}
