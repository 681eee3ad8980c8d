/* ctl explain at the BSF: a subscriber by IMPI, TMPI or Enrolee-ID, and each Ks by its B-TID. */
#include "role/bsf/bsf_ctx.h"
#include "role/explain.h"

static enum states_state state_of(const struct rec_subscriber *s)
{
    if (!rec_subscriber_may_bootstrap(s)) {
        return STATES_SUBSCRIBER_BARRED;
    }
    return s->source == SUBSCRIBER_HERE ? STATES_SUBSCRIBER_READY : STATES_SUBSCRIBER_HLR;
}

static void tell_ks(struct explain *x, const struct rec_ks *k)
{
    enum states_state s = states_of_end(k->not_after, x->now, STATES_KS_LIVE, STATES_KS_EXPIRED);
    if (explain_open(x, s, k->b_tid.z)) {
        explain_name(x, k->impi.z);
        explain_name(x, k->enrolee_id.z);
        emit_z(x->e, "impi", k->impi.z);
        emit_z(x->e, "card", k->gba_u != 0 ? "u" : "me");
        emit_z_if(x->e, "enrolee-id", k->enrolee_id.z);
        emit_time(x->e, "made", k->made);
        emit_time(x->e, "not-after", k->not_after);
        explain_close(x);
    }
}

/* ERR_NOT_FOUND: neither settings nor anything that is under way. */
static err_t tell_subscriber(const struct bsf *b, struct explain *x, struct txn *t, const struct impi *impi)
{
    struct rec_subscriber s;
    struct rec_bsf_state st;
    TRY(rec_bsf_state_get(t, text_of(impi->z), &st));
    err_t e = rec_subscriber_get(t, text_of(impi->z), &s);
    if (e == ERR_NOT_FOUND && b->zh && st.live_n > 0) {
        e = bsf_zh_stranger(impi, x->now, &s);
    }
    TRY(e);
    if (explain_open(x, state_of(&s), impi->z)) {
        explain_name(x, s.enrolee_id.z);
        emit_z_if(x->e, "enrolee-id", s.enrolee_id.z);
        emit_number(x->e, "live-ks", st.live_n);
        explain_close(x);
    }
    for (size_t i = 0; i < st.live_n; i++) {
        struct rec_ks k;
        TRY(rec_bsf_ks_parse(st.live[i], text_of(impi->z), &k));
        tell_ks(x, &k);
    }
    return ERR_OK;
}

struct tmpi_search {
    struct text tmpi;
    struct impi *out;
    size_t seen;
    bool found;
};

static bool tmpi_hit(void *arg, struct bytes id, struct store_value value)
{
    struct tmpi_search *q = arg;
    struct rec_bsf_state s;
    struct rec_ks k;
    struct text impi = text_span((const char *)id.p, id.n);
    bool good = rec_bsf_state_parse(value.data, &s) == ERR_OK;
    for (size_t i = 0; good && !q->found && i < s.live_n; i++) {
        q->found = rec_bsf_ks_parse(s.live[i], impi, &k) == ERR_OK && text_eq_z(q->tmpi, k.tmpi) &&
                   TEXT_COPY(impi, q->out->z) == ERR_OK;
    }
    return !q->found && ++q->seen < EXPLAIN_SCAN_MAX;
}

/* The index of TMPIs is in the writer's memory alone: here each state is looked at. */
static err_t by_tmpi(struct explain *x, struct txn *t, struct impi *out)
{
    struct tmpi_search s = {.tmpi = x->id, .out = out};
    struct store_scan q = {.table = TABLE_BSF_STATE, .prefix = bytes_empty(), .order = STORE_ASCENDING};
    if (!text_eq_z(text_skip(x->id, text_find(x->id, '@')), BSF_TMPI_DOMAIN)) {
        return ERR_NOT_FOUND;
    }
    TRY(txn_scan(t, &q, tmpi_hit, &s));
    x->cut = x->cut || s.seen == EXPLAIN_SCAN_MAX;
    return s.found ? ERR_OK : ERR_NOT_FOUND;
}

static size_t is_enrolee(struct text id, struct bytes record, struct text who)
{
    struct rec_subscriber s;
    return rec_subscriber_parse(record, &s) == ERR_OK && m2mid_same(text_of(s.enrolee_id.z), who) ? id.n : 0;
}

static err_t by_enrolee(const struct bsf *b, struct explain *x, struct txn *t)
{
    struct explain_found f;
    struct impi impi;
    TRY(explain_scan_whose(x, t, TABLE_BSF_SUBSCRIBER, is_enrolee, &f));
    for (size_t i = 0; i < f.n; i++) {
        TRY(TEXT_COPY(text_of(f.keys[i].z), impi.z));
        TRY(explain_maybe(tell_subscriber(b, x, t, &impi)));
    }
    return ERR_OK;
}

err_t bsf_explain(const void *ctx, struct txn *t, struct explain *x)
{
    const struct bsf *b = ctx;
    struct rec_ks k;
    struct impi impi;
    if (!impi_is(x->id)) {
        return by_enrolee(b, x, t);
    }
    err_t e = bsf_ks_get(b, t, x->id, &k);
    if (e == ERR_OK) {
        tell_ks(x, &k);
        impi = k.impi;
    }
    e = e == ERR_NOT_FOUND ? by_tmpi(x, t, &impi) : e;
    e = e == ERR_NOT_FOUND ? TEXT_COPY(x->id, impi.z) : e;
    TRY(e);
    return explain_maybe(tell_subscriber(b, x, t, &impi));
}
