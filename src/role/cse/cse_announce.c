#include "role/cse/cse_announce.h"

#include "role/cse/cse_annc_text.h"
#include "role/cse/cse_hop.h"
#include "role/cse/cse_join.h"
#include "role/cse/cse_ops.h"
#include "role/detail.h"
#include "wire/json.h"

#include <string.h>

#define AGAIN_FIRST USEC_PER_SEC /* after a refusal */
#define AGAIN_MOST (INT64_C(3600) * USEC_PER_SEC)
#define CONFIRM (INT64_C(86400) * USEC_PER_SEC) /* a CSE that lost its store learns of everything again within a day */

/* -- the CSEs that are announced to ------------------------------------------------------------------------------ */
struct lane {
    struct text csi, peer;
    bool up; /* through the registrar */
};

static bool lane_at(const struct cse *cse, size_t i, struct lane *out)
{
    if (i >= 1 && i <= cse->ways_n) {
        const struct cse_way *way = &cse->ways[i - 1];
        *out = (struct lane){text_of(way->csi.z), text_of(way->fqdn.z),
                             m2mid_same(text_of(way->csi.z), text_of(cse->registrar.csi.z))};
        return true;
    }
    bool far = i == cse->ways_n + 1 && cse->in_cse.z[0] != '\0' &&
               !m2mid_same(text_of(cse->in_cse.z), text_of(cse->registrar.csi.z));
    *out = (struct lane){text_of(cse->in_cse.z), text_of(cse->registrar.fqdn.z), true};
    return far;
}

static bool lane_of(const struct cse *cse, struct text csi, struct lane *out)
{
    for (size_t i = 1; i <= cse->ways_n + 1; i++) {
        if (lane_at(cse, i, out) && m2mid_same(out->csi, csi)) {
            return true;
        }
    }
    return false;
}

/* -- what the originator wants ------------------------------------------------------------------------------------- */
struct wanted {
    struct text csi[TYPES_ANNOUNCE_MAX + 1];
    bool known[TYPES_ANNOUNCE_MAX + 1]; /* announced there already */
    size_t n;
};

static struct text text_at(const json_t *list, size_t i)
{
    const json_t *v = json_array_get(list, i);
    return text_span(json_string_value(v), json_string_length(v));
}

static void want(struct wanted *w, struct text csi)
{
    for (size_t i = 0; i < w->n; i++) {
        if (m2mid_same(w->csi[i], csi)) {
            return;
        }
    }
    w->csi[w->n++] = csi;
}

/* R002-32: the stem says that the identity is the service provider's. */
static bool is_of_provider(const struct cse *cse, const struct cse_res *r)
{
    return cse->in_cse.z[0] != '\0' && r->type->ty == TYPE_AE && text_starts(r->ri, "S");
}

/* An element of `at` is a CSE-ID, or the address of an announcement there. Nobody makes this CSE call whom he likes. */
static err_t wanted_of(const struct cse *cse, const struct cse_res *r, const json_t *attrs, struct wanted *w, char *detail)
{
    const json_t *at = json_object_get(attrs, "at");
    *w = (struct wanted){.n = 0};
    for (size_t i = 0; i < json_array_size(at) && i < TYPES_ANNOUNCE_MAX; i++) {
        struct text to = text_at(at, i);
        struct m2mid csi;
        struct lane lane;
        if (cse_hop_target(cse, to, &csi) != ERR_OK) {
            return detail_fail(detail, ERR_CONTENTS, "at: no CSE-ID", to);
        }
        if (m2mid_same(text_of(csi.z), text_of(cse->self.z))) {
            return detail_fail(detail, ERR_CONTENTS, "at: this CSE itself", to);
        }
        if (!lane_of(cse, text_of(csi.z), &lane)) {
            return detail_fail(detail, ERR_CONTENTS, "at: no [peer] of kind cse has this CSE-ID", to);
        }
        want(w, lane.csi);
    }
    if (is_of_provider(cse, r)) {
        want(w, text_of(cse->in_cse.z));
    }
    return ERR_OK;
}

static err_t names_check(const struct cse_res *r, const json_t *attrs, char *detail)
{
    const json_t *aa = json_object_get(attrs, "aa");
    for (size_t i = 0; i < json_array_size(aa); i++) {
        struct text name = text_at(aa, i);
        const struct types_attr *a = types_attr_find(r->type, json_string_value(json_array_get(aa, i)));
        if (a == NULL || a->announce == TYPES_NA) {
            return detail_fail(detail, ERR_CONTENTS, "aa: not an attribute that can be announced", name);
        }
    }
    return ERR_OK;
}

/* -- noting a change ----------------------------------------------------------------------------------------------------- */
static err_t address_start(struct text csi, struct writer *w)
{
    struct m2mid relative;
    bool ok = m2mid_sp_relative(csi, &relative) == ERR_OK;
    writer_z(w, ok ? relative.z : "");
    writer_u8(w, '/');
    return ok ? ERR_OK : ERR_NOT_FOUND;
}

/* One that cannot be read is written anew. */
static bool is_absent(err_t e)
{
    return e == ERR_NOT_FOUND || e == ERR_MALFORMED_RECORD;
}

/* The CSEBase, below which everything is announced that has no announced parent. */
static err_t base_put(const struct cse_ask *ask, struct text csi, struct cse_annc *out)
{
    const struct cse *cse = ask->cse;
    usec_t now = ask->rq->now;
    char remote[CSE_ANNC_REMOTE_MAX];
    struct writer w = WRITER_ARRAY(remote);
    err_t e = cse_annc_get(ask->t, text_of(CSE_NODE_ROOT), csi, out);
    if (!is_absent(e)) {
        return e;
    }
    TRY(address_start(csi, &w));
    writer_z(&w, CSE_ANNOUNCE_BASE);
    writer_z(&w, cse->root.z);
    TRY(writer_finish(&w));
    *out = (struct cse_annc){.state = CSE_ANNC_NEW, .node = text_of(CSE_NODE_ROOT), .ri = text_of(cse->root.z), .target = csi,
                             .ty = TYPE_CB, .since = now};
    TRY(cse_res_keep(ask->t, writer_view_text(&w), &out->remote));
    return cse_annc_put(ask->t, out, now - 1); /* before the first that goes below it */
}

static err_t below(const struct cse_annc *up, struct text node, struct writer *w)
{
    *w = writer_of(w->buf, w->cap);
    writer_text(w, up->remote);
    writer_u8(w, '/');
    writer_text(w, node);
    return writer_finish(w);
}

/* What is announced already: changed, or not wanted any more. */
static err_t revise(const struct cse_ask *ask, struct cse_annc *a, struct wanted *w)
{
    bool wanted = false;
    for (size_t i = 0; i < w->n; i++) {
        if (m2mid_same(w->csi[i], a->target)) {
            w->known[i] = true;
            wanted = true;
        }
    }
    bool there = a->state == CSE_ANNC_CURRENT || a->state == CSE_ANNC_LEAVING;
    bool lost = a->rsc == 4103; /* it had moved to another CSE; what changes it here says that it is back */
    a->state = !wanted ? CSE_ANNC_LEAVING : lost ? CSE_ANNC_FOUND : there ? CSE_ANNC_CHANGED : a->state;
    a->change++;
    a->tries = 0;
    a->rsc = 0;
    a->since = ask->rq->now;
    return cse_annc_put(ask->t, a, ask->rq->now);
}

/* Wanted now; a record that is there all the same is taken over with its place in the index. */
static err_t add(const struct cse_ask *ask, const struct cse_res *r, struct text csi, struct wanted *all)
{
    char remote[CSE_ANNC_REMOTE_MAX];
    struct writer w = WRITER_ARRAY(remote);
    struct cse_annc up, a;
    err_t before = cse_annc_get(ask->t, r->node, csi, &a);
    if (!is_absent(before)) {
        return before == ERR_OK ? revise(ask, &a, all) : before;
    }
    a = (struct cse_annc){.state = CSE_ANNC_NEW, .node = r->node, .ri = r->ri, .target = csi, .ty = r->type->ty,
                          .since = ask->rq->now};
    if (cse_annc_text_is_by_id(ask->cse, &a)) {
        TRY(address_start(csi, &w));
        writer_text(&w, r->ri);
        TRY(writer_finish(&w));
    } else {
        err_t e = cse_annc_get(ask->t, r->pnode, csi, &up);
        e = e == ERR_OK && up.state != CSE_ANNC_LEAVING ? below(&up, r->node, &w) : ERR_NOT_FOUND;
        if (e != ERR_OK) { /* no parent there, or one too deep */
            TRY(base_put(ask, csi, &up));
            TRY(below(&up, r->node, &w));
        }
    }
    a.remote = writer_view_text(&w);
    return cse_annc_put(ask->t, &a, ask->rq->now);
}

/* What would not fit is refused now and not later, when nobody hears of it. */
static err_t size_check(const struct cse_ask *ask, const struct cse_res *r, const json_t *attrs, char *detail)
{
    uint8_t *buf = arena_alloc(ask->t->arena, ROLE_ERRAND_BODY);
    struct writer w;
    static const uint8_t forms[] = {CSE_ANNC_NEW, CSE_ANNC_FOUND}; /* one has a name, the other says what is not there */
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        const struct cse_annc a = {.state = forms[i], .ri = r->ri, .node = r->node, .ty = r->type->ty,
                                   .target = text_of(ask->cse->self.z)};
        const struct cse_annc_text s = {ask->cse, r, attrs, &a, ask->rq->now};
        w = writer_of(buf, buf == NULL ? 0 : ROLE_ERRAND_BODY);
        if (cse_annc_text_write(&s, &w) != ERR_OK) {
            return detail_fail(detail, ERR_CONTENTS, "aa: more than can be announced (8 KiB)", r->ri);
        }
    }
    return ERR_OK;
}

err_t cse_announce_note(const struct cse_ask *ask, struct cse_res *r, const json_t *attrs, char detail[static ROLE_DETAIL_MAX])
{
    struct wanted w;
    struct cse_annc_list before = {.n = 0};
    if (types_announcement(r->type) == NULL) {
        return ERR_OK;
    }
    TRY(wanted_of(ask->cse, r, attrs, &w, detail));
    TRY(names_check(r, attrs, detail));
    TRY(r->announced ? cse_annc_of(ask->t, r->node, &before) : ERR_OK);
    TRY(w.n > 0 ? size_check(ask, r, attrs, detail) : ERR_OK);
    for (size_t i = 0; i < before.n; i++) {
        TRY(revise(ask, &before.at[i], &w));
    }
    for (size_t i = 0; i < w.n; i++) {
        TRY(w.known[i] ? ERR_OK : add(ask, r, w.csi[i], &w));
    }
    r->announced = r->announced || w.n > 0;
    return ERR_OK;
}

/* -- what to send ------------------------------------------------------------------------------------------------------------ */
/* The original, if it is still there and was not made anew. */
static err_t original(const struct cse *cse, struct txn *t, const struct cse_annc *a, usec_t now, struct cse_target *out)
{
    TRY(cse_res_get(t, a->ri, now, &out->res));
    return text_eq(out->res.node, a->node) ? cse_addr_anchor(cse, t, now, out) : ERR_NOT_FOUND;
}

static err_t path_of(const struct cse *cse, const struct cse_annc *a, enum op op, struct errand *out)
{
    struct writer w = WRITER_ARRAY(out->path);
    struct text remote = a->remote;
    writer_z(&w, "/~");
    if (op == OP_CREATE) {
        remote = text_take(remote, text_find_last(remote, '/'));
    }
    writer_text(&w, remote);
    if (op == OP_CREATE && cse_annc_text_is_by_id(cse, a)) {
        writer_z(&w, "/-");
    }
    return writer_finish_z(&w);
}

static err_t say(const struct cse *cse, struct txn *t, const struct cse_annc *a, usec_t now, struct errand *out)
{
    struct cse_target at;
    SCOPED(json_scope) json_t *attrs = NULL;
    struct writer key = WRITER_ARRAY(out->about);
    struct writer w = WRITER_ARRAY(out->body);
    bool wanted = a->state != CSE_ANNC_LEAVING;
    err_t e = wanted ? original(cse, t, a, now, &at) : ERR_NOT_FOUND;
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    out->op = e == ERR_NOT_FOUND ? OP_DELETE : a->state == CSE_ANNC_NEW ? OP_CREATE : OP_UPDATE;
    out->step = a->state;
    out->mark = (uint64_t)a->change;
    TRY(cse_annc_key(a->node, a->target, &key));
    TRY(writer_finish_z(&key));
    TRY(TEXT_COPY(text_of(cse->csi.z), out->from));
    TRY(path_of(cse, a, out->op, out));
    if (out->op == OP_DELETE) {
        return ERR_OK;
    }
    out->ty = out->op == OP_CREATE ? types_announcement(at.res.type)->ty : 0;
    TRY(cse_res_attrs(t, &at.res, &attrs));
    const struct cse_annc_text s = {cse, &at.res, attrs, a, now};
    return cse_annc_text_write(&s, &w);
}

/* Nothing goes out: what cannot be said, or is not there to be said, is set right, and holds up nobody behind it. */
enum { TIDY, SET_ASIDE }; /* and response status codes, of what could not be said */
static err_t mend(const struct cse_annc *a, unsigned rsc, struct errand *out)
{
    struct writer key = WRITER_ARRAY(out->about);
    out->op = OP_NONE;
    out->step = rsc;
    out->mark = (uint64_t)a->change;
    TRY(cse_annc_key(a->node, a->target, &key));
    return writer_finish_z(&key);
}

err_t cse_announce_errand(const void *ctx, struct txn *t, const struct errand_memory *m, usec_t now, struct errand *out)
{
    const struct cse *cse = ctx;
    struct cse_join j;
    struct cse_annc a;
    struct lane lane;
    if (m->lane == 0) {
        return cse_join_errand(ctx, t, m, now, out);
    }
    *out = (struct errand){.op = OP_NONE};
    TRY(lane_at(cse, m->lane, &lane) ? ERR_OK : ERR_NOT_FOUND);
    TRY(lane.up ? cse_join_get(t, &j) : ERR_OK);
    if (lane.up && j.state != STATES_JOIN_REGISTERED) { /* it would know nobody who speaks */
        return ERR_OK;
    }
    bool stale = false;
    err_t e = cse_annc_due(t, lane.csi, now, &a, &stale);
    if (e == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    TRY(e == ERR_MALFORMED_RECORD ? ERR_OK : e);
    if (stale || e != ERR_OK) {
        return mend(&a, stale ? TIDY : SET_ASIDE, out);
    }
    TRY(TEXT_COPY(lane.peer, out->peer));
    e = say(cse, t, &a, now, out);
    return e == ERR_OK ? ERR_OK : mend(&a, err_info(e)->rsc, out);
}

/* -- what came of it ----------------------------------------------------------------------------------------------------------- */
static err_t tell(struct txn *t, enum audit_kind kind, const struct cse_annc *a, usec_t now)
{
    struct audit_event e = {.kind = kind, .time = now};
    TRY(TEXT_COPY(text_take(a->target, AUDIT_TEXT_MAX - 1), e.peer));
    TRY(TEXT_COPY(text_take(a->ri, AUDIT_TEXT_MAX - 1), e.object));
    return txn_audit(t, &e);
}

/* When to look again: before it ends there if its original has no end, at the end of that, and once a day. */
static usec_t next_look(const struct cse *cse, struct txn *t, const struct cse_annc *a, usec_t now)
{
    struct cse_res r;
    usec_t half = now + cse->lifetime / 2, day = now + CONFIRM;
    usec_t end = cse_res_get(t, a->ri, now, &r) == ERR_OK && r.et != USEC_NEVER ? r.et : half;
    return end < day ? end : day;
}

/* Done, unless something changed meanwhile. */
static err_t done(const struct cse *cse, struct txn *t, struct cse_annc *a, bool same, usec_t now)
{
    bool news = a->state == CSE_ANNC_NEW || a->state == CSE_ANNC_FOUND || a->rsc != 0;
    if (a->state != CSE_ANNC_LEAVING) {
        a->state = same ? CSE_ANNC_CURRENT : CSE_ANNC_CHANGED;
    }
    a->since = now;
    a->rsc = 0;
    a->tries = 0;
    TRY(cse_annc_put(t, a, same ? next_look(cse, t, a, now) : now));
    return news ? tell(t, AUDIT_ANNOUNCED, a, now) : ERR_OK;
}

static err_t go_on_as(struct txn *t, struct cse_annc *a, enum cse_annc_state state, usec_t due)
{
    a->state = a->state == CSE_ANNC_LEAVING ? a->state : (uint8_t)state;
    return cse_annc_put(t, a, due);
}

static uint8_t one_more(uint8_t n)
{
    return n < UINT8_MAX ? (uint8_t)(n + 1) : n;
}

static usec_t again(const struct cse_annc *a, usec_t now)
{
    usec_t wait = a->tries < 12 ? AGAIN_FIRST << a->tries : AGAIN_MOST;
    return now + (wait < AGAIN_MOST ? wait : AGAIN_MOST);
}

static err_t refused(struct txn *t, struct cse_annc *a, uint16_t rsc, usec_t now)
{
    usec_t due = again(a, now);
    bool news = a->rsc != rsc;
    a->tries = one_more(a->tries);
    a->since = news ? now : a->since;
    a->rsc = rsc;
    TRY(cse_annc_put(t, a, due));
    return news ? tell(t, AUDIT_ANNOUNCEMENT_REFUSED, a, now) : ERR_OK;
}

/* Nothing is there to announce below: the CSEBase is announced again, and this one after it. */
static err_t base_again(struct txn *t, const struct cse_annc *a, usec_t now)
{
    struct cse_annc base;
    err_t e = a->ty == TYPE_CB ? ERR_NOT_FOUND : cse_annc_get(t, text_of(CSE_NODE_ROOT), a->target, &base);
    if (e == ERR_OK && base.state == CSE_ANNC_CURRENT) {
        return go_on_as(t, &base, CSE_ANNC_CHANGED, now);
    }
    return is_absent(e) ? ERR_OK : e;
}

static err_t take_in(const struct cse *cse, struct txn *t, struct cse_annc *a, const struct errand *q, uint16_t rsc, usec_t now)
{
    const bool same = (uint64_t)a->change == q->mark;
    switch (q->op) {
    case OP_CREATE:
        if (rsc == 2001) {
            return done(cse, t, a, same, now);
        }
        if (rsc == 4105 || rsc == 4117) { /* an answer was lost, or it is there from another registrar */
            return go_on_as(t, a, CSE_ANNC_FOUND, a->tries == 0 ? now : again(a, now));
        }
        TRY(rsc == 4004 ? base_again(t, a, now) : ERR_OK);
        break;
    case OP_UPDATE:
        if (rsc == 2004) {
            return done(cse, t, a, same, now);
        }
        if (rsc == 4004) { /* gone there, with a store or by an operator */
            a->tries = q->step == CSE_ANNC_FOUND ? one_more(a->tries) : a->tries;
            return go_on_as(t, a, CSE_ANNC_NEW, now);
        }
        break;
    case OP_DELETE:
        if (rsc == 2002 || rsc == 4004 || rsc == 4103) { /* 4103: it is another registrar's by now */
            if (!same && a->state != CSE_ANNC_LEAVING) { /* wanted again meanwhile */
                return go_on_as(t, a, rsc == 4103 ? CSE_ANNC_FOUND : CSE_ANNC_NEW, now);
            }
            TRY(tell(t, AUDIT_ANNOUNCEMENT_ENDED, a, now));
            return cse_annc_remove(t, a);
        }
        break;
    case OP_NONE: /* it could not be said */
        if (!same) {
            return ERR_OK;
        }
        rsc = (uint16_t)q->step;
        break;
    case OP_RETRIEVE:
    case OP_NOTIFY:
        return ERR_BUG;
    }
    return refused(t, a, rsc, now);
}

static err_t set_aside(struct txn *t, struct text key, usec_t now)
{
    size_t n = text_find(key, ' ');
    const struct cse_annc a = {.ri = text_take(key, n), .target = text_skip(key, n + 1)};
    struct cse_annc again;
    if (cse_annc_find(t, key, &again) != ERR_MALFORMED_RECORD) { /* written anew meanwhile */
        return ERR_OK;
    }
    TRY(cse_annc_set_aside(t, key));
    TRY(cse_annc_tidy(t, a.target));
    return tell(t, AUDIT_ANNOUNCEMENT_SET_ASIDE, &a, now);
}

err_t cse_announce_returned(const void *ctx, const struct errand *q, const struct errand_answer *a, struct txn *t, usec_t now,
                            err_t *why)
{
    struct cse_annc annc;
    if (q->about[0] == '\0') {
        return cse_join_returned(ctx, q, a, t, now, why);
    }
    *why = a->err;
    if (a->err == ERR_OK && (a->rsc == 5103 || a->rsc == 4008)) { /* something on the way is away */
        *why = ERR_PEER_REFUSED;
    }
    if (*why != ERR_OK) {
        return ERR_OK;
    }
    if (q->op == OP_NONE && q->step == TIDY) {
        struct text key = text_of(q->about);
        return cse_annc_tidy(t, text_skip(key, text_find(key, ' ') + 1));
    }
    if (q->op == OP_NONE && q->step == SET_ASIDE) {
        return set_aside(t, text_of(q->about), now);
    }
    err_t e = cse_annc_find(t, text_of(q->about), &annc);
    return e == ERR_OK ? take_in(ctx, t, &annc, q, a->rsc, now) : e == ERR_NOT_FOUND ? ERR_OK : e;
}
