#include "role/cse/cse_tally.h"

#include "role/cse/cse_sweep.h"
#include "role/detail.h"
#include "role/rec.h"

#define PASS 16 /* entries looked at with each announcement */
#define ID_MAX (M2MID_MAX + 16)

enum { VERSION = 1 };

/* -- the number ------------------------------------------------------------------------------------------- */
static err_t id_of(struct text cse, struct writer *w)
{
    writer_z(w, "announced-by/");
    writer_text(w, cse);
    return writer_finish(w);
}

static err_t count_of(struct txn *t, struct text id, uint64_t *out)
{
    struct bytes b;
    *out = 0;
    err_t e = rec_get(t, TABLE_META, id, &b);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    struct reader r = reader_of(b);
    rec_version(&r, VERSION);
    *out = reader_u64(&r);
    return rec_finish(&r);
}

static err_t count_put(struct txn *t, struct text id, uint64_t n)
{
    uint8_t buf[16];
    struct writer w = WRITER_ARRAY(buf);
    writer_u8(&w, VERSION);
    writer_u64(&w, n);
    return rec_put(t, TABLE_META, id, &w, STORE_PUT_ANY);
}

struct text cse_tally_of(const struct cse_res *r)
{
    return r->counted.n > 0 ? r->counted : r->creator;
}

/* The CSE that is registered here: those below it are whom it lists, one after the other as it likes. */
static err_t speaker(const struct cse_ask *ask, struct m2mid *out)
{
    if (ask->rq->assoc->peer != PEER_CSE) {
        *out = ask->from->absolute;
        return ERR_OK;
    }
    TRY(m2mid_absolute(text_of(ask->rq->assoc->ids[0].z), text_of(ask->cse->self.z), out));
    m2mid_fold(out->z);
    return ERR_OK;
}

err_t cse_tally_give(struct txn *t, struct text cse)
{
    char id[ID_MAX];
    struct writer w = WRITER_ARRAY(id);
    uint64_t n = 0;
    TRY(id_of(cse, &w));
    TRY(count_of(t, writer_view_text(&w), &n));
    return n == 0 ? ERR_OK : count_put(t, writer_view_text(&w), n - 1);
}

err_t cse_tally_gone(struct txn *t, struct bytes key, struct text ri)
{
    struct cse_res r;
    struct text place = text_span((const char *)key.p, key.n);
    err_t e = cse_res_get(t, ri, INT64_MIN, &r);
    place = text_skip(place, text_find_last(place, '/') + 1);
    if (e != ERR_OK || r.type->ty != TYPE_AE_ANNC || !text_eq(r.node, place) || !text_eq_z(r.pnode, CSE_NODE_ROOT)) {
        return e == ERR_OK || e == ERR_NOT_FOUND || e == ERR_MALFORMED_RECORD ? ERR_OK : e;
    }
    return cse_tally_give(t, cse_tally_of(&r));
}

/* -- what is past its time ---------------------------------------------------------------------------------- */
struct pass {
    struct arena *arena;
    usec_t now;
    struct text over[PASS];
    size_t over_n, seen;
    struct bytes last;
    err_t err;
};

static bool pass_hit(void *arg, struct bytes id, struct store_value value)
{
    struct pass *p = arg;
    struct bytes copy;
    struct cse_child c;
    p->err = arena_dup(p->arena, id, &p->last) && arena_dup(p->arena, value.data, &copy) ? ERR_OK : ERR_LIMIT_CAPACITY;
    if (p->err == ERR_OK && cse_res_child_parse(copy, &c) == ERR_OK && c.et <= p->now) {
        p->over[p->over_n++] = c.ri;
    }
    return ++p->seen < PASS && p->err == ERR_OK;
}

static err_t drop(struct txn *t, struct text ri, usec_t now)
{
    struct cse_res r;
    err_t e = cse_res_get(t, ri, INT64_MIN, &r);
    if (e != ERR_OK || r.et > now) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(cse_res_remove(t, &r));
    return cse_sweep_add(t, r.node);
}

/* Round and round those below the CSEBase, from where the last pass ended. */
static err_t pass(struct txn *t, usec_t now)
{
    char prefix[CSE_CHILD_KEY_MAX];
    struct writer k = WRITER_ARRAY(prefix);
    struct text name = text_of("announced-pass");
    struct pass p = {.arena = t->arena, .now = now, .last = bytes_empty()};
    struct store_scan q = {.table = TABLE_CSE_CHILD, .order = STORE_ASCENDING, .limit = PASS};
    TRY(cse_res_child_key(&k, text_of(CSE_NODE_ROOT), TYPE_AE_ANNC, text_empty()));
    q.prefix = writer_view(&k);
    err_t e = rec_get(t, TABLE_META, name, &q.after);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    TRY(txn_scan(t, &q, pass_hit, &p));
    TRY(p.err);
    for (size_t i = 0; i < p.over_n; i++) {
        TRY(drop(t, p.over[i], now));
    }
    return txn_put(t, TABLE_META, name, p.seen < PASS ? text_bytes(writer_view_text(&k)) : p.last, STORE_PUT_ANY, 0);
}

err_t cse_tally_take(const struct cse_ask *ask, struct text before, struct cse_res *r,
                     char detail[static ROLE_DETAIL_MAX])
{
    struct m2mid cse;
    char id[ID_MAX];
    struct writer w = WRITER_ARRAY(id);
    uint64_t n = 0;
    TRY(speaker(ask, &cse));
    TRY(pass(ask->t, ask->rq->now));
    TRY(id_of(text_of(cse.z), &w));
    TRY(count_of(ask->t, writer_view_text(&w), &n));
    if (n >= ask->cse->announced_max && !m2mid_same(before, text_of(cse.z))) {
        ask->t->keep = true; /* what is past its time goes also with a refusal, or nothing would make room */
        return detail_fail(detail, ERR_ANNOUNCED_FULL, "announced by", text_of(cse.z));
    }
    bool own = m2mid_same(text_of(cse.z), text_of(ask->from->absolute.z));
    TRY(cse_res_keep(ask->t, text_of(own ? "" : cse.z), &r->counted));
    return count_put(ask->t, writer_view_text(&w), n + 1);
}
