#include "role/cse/cse_notify.h"

#include "role/cse/cse_attr.h"
#include "role/cse/cse_bell.h"
#include "role/cse/cse_nu.h"
#include "role/cse/cse_sub.h"
#include "role/detail.h"
#include "role/rec.h"
#include "wire/emit.h"
#include "wire/json.h"

#define ENDED_MAX 64 /* subscriptions that are over and have not been swept yet: each event would read them */
#define RECORD_OLDEST 1 /* without a pace */
#define RECORD_VERSION 2
#define RECORD_CAP (CRITERIA_OCTETS_MAX + (TYPES_TARGETS_MAX + 2) * (CSE_OUTBOX_TARGET_MAX + 2) + M2MID_MAX + 96)

/* -- the compiled form ------------------------------------------------------------------------------------------ */
static struct text read_text(struct reader *r)
{
    struct bytes b = reader_block16(r);
    return text_span((const char *)b.p, b.n);
}

err_t cse_notify_parse(struct bytes b, struct cse_notify *out)
{
    struct reader r = reader_of(b);
    *out = (struct cse_notify){0};
    uint8_t version = rec_u8(&r, RECORD_OLDEST, RECORD_VERSION);
    out->creator = read_text(&r);
    out->su = read_text(&r);
    out->nfu = read_text(&r);
    out->authenticated = rec_u8(&r, 0, 1);
    out->latest = rec_u8(&r, 0, 1);
    out->latest_away = rec_u8(&r, 0, 1);
    out->content = rec_u8(&r, CSE_NOTIFY_ALL, CSE_NOTIFY_IDENTIFIER);
    out->left = rec_time(&r);
    if (version >= RECORD_VERSION) {
        usec_t *const pace[] = {&out->pace.rate_n, &out->pace.rate_time, &out->pace.batch_n, &out->pace.batch_time};
        for (size_t i = 0; i < ARRAY_LEN(pace); i++) {
            *pace[i] = rec_time(&r);
        }
    }
    size_t n = rec_u8(&r, 1, TYPES_TARGETS_MAX);
    for (size_t i = 0; i < n && !reader_failed(&r); i++) {
        out->targets[out->targets_n++] = read_text(&r);
    }
    criteria_read(&r, &out->criteria);
    return rec_finish(&r);
}

err_t cse_notify_get(struct txn *t, struct text ri, struct cse_notify *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_CSE_NOTIFY, ri, &b));
    return cse_notify_parse(b, out);
}

err_t cse_notify_store(struct txn *t, struct text ri, const struct cse_notify *n)
{
    uint8_t *b = arena_alloc(t->arena, RECORD_CAP);
    struct writer w = writer_of(b, b == NULL ? 0 : RECORD_CAP);
    writer_u8(&w, RECORD_VERSION);
    writer_block16(&w, text_bytes(n->creator));
    writer_block16(&w, text_bytes(n->su));
    writer_block16(&w, text_bytes(n->nfu));
    const uint8_t octets[] = {n->authenticated, n->latest, n->latest_away, n->content};
    writer_bytes(&w, BYTES_ARRAY(octets));
    writer_u64(&w, (uint64_t)n->left);
    const usec_t pace[] = {n->pace.rate_n, n->pace.rate_time, n->pace.batch_n, n->pace.batch_time};
    for (size_t i = 0; i < ARRAY_LEN(pace); i++) {
        writer_u64(&w, (uint64_t)pace[i]);
    }
    writer_u8(&w, (uint8_t)n->targets_n);
    for (size_t i = 0; i < n->targets_n; i++) {
        writer_block16(&w, text_bytes(n->targets[i]));
    }
    criteria_write(&n->criteria, &w);
    return rec_put(t, TABLE_CSE_NOTIFY, ri, &w, STORE_PUT_ANY);
}

/* -- CREATE and UPDATE ------------------------------------------------------------------------------------------- */
/* Who subscribes, or says where events go, must see the resource himself [TS-0004 7.4.8.2.1]. */
static err_t right_check(const struct cse_ask *ask, const struct cse_res *r)
{
    struct cse_target at = {.has_parent = false};
    TRY(cse_res_parent(ask->t, r, ask->rq->now, &at.res));
    TRY(cse_addr_anchor(ask->cse, ask->t, ask->rq->now, &at));
    return cse_policy_check(ask, &at, OP_RETRIEVE, 0);
}

/* An UPDATE keeps the creator, and how he was known. */
static err_t keep_creator(const struct cse_ask *ask, const struct cse_res *r, struct cse_notify *n)
{
    struct cse_notify old;
    err_t e = cse_notify_get(ask->t, r->ri, &old);
    n->creator = r->creator;
    n->authenticated = e == ERR_OK ? old.authenticated : ask->from->authenticated;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

err_t cse_notify_put(const struct cse_ask *ask, const struct cse_res *r, const json_t *attrs,
                     char detail[static ROLE_DETAIL_MAX])
{
    struct cse_notify n = {.content = CSE_NOTIFY_ALL};
    TRY(right_check(ask, r));
    TRY(keep_creator(ask, r, &n));
    TRY(cse_nu_compile(ask, attrs, &n, detail));
    n.nfu = json_get_text(attrs, "nfu");
    n.latest = json_is_true(json_object_get(attrs, "ln")) ? 1 : 0;
    n.latest_away = cse_attr_uint(attrs, "pn") == 1 ? 1 : 0; /* sendLatest */
    n.left = (usec_t)cse_attr_uint(attrs, "exc");
    uint64_t nct = cse_attr_uint(attrs, "nct");
    n.content = nct == 0 ? CSE_NOTIFY_ALL : (uint8_t)nct;
    TRY(cse_pace_compile(attrs, &n.pace, detail));
    TRY(criteria_compile(json_object_get(attrs, "enc"), &n.criteria, detail));
    TRY(cse_notify_store(ask->t, r->ri, &n));
    for (size_t i = 0; i < n.targets_n; i++) { /* what waited may be due by now */
        TRY(text_starts(n.targets[i], "A:") ? cse_bell_ring(ask->t, n.targets[i]) : ERR_OK);
    }
    return ERR_OK;
}

/* -- who watches ------------------------------------------------------------------------------------------------- */
struct watchers {
    struct arena *arena;
    usec_t now;
    struct text ri[CSE_NOTIFY_SUBS_MAX];
    size_t n, ended;
    err_t err;
};

static bool watcher_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    struct watchers *w = arg;
    struct cse_child c;
    struct bytes copy;
    w->err = cse_res_child_parse(value.data, &c);
    if (w->err != ERR_OK || c.et <= w->now) {
        w->ended++;
        return w->err == ERR_OK;
    }
    w->err = arena_dup(w->arena, text_bytes(c.ri), &copy) ? ERR_OK : ERR_LIMIT_CAPACITY;
    w->ri[w->n++] = text_span((const char *)copy.p, copy.n);
    return w->err == ERR_OK && w->n < CSE_NOTIFY_SUBS_MAX;
}

static err_t find_watchers(struct txn *t, const struct cse_res *at, usec_t now, struct watchers *out)
{
    char key[CSE_CHILD_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    *out = (struct watchers){.arena = t->arena, .now = now};
    if (!at->watched) {
        return ERR_OK;
    }
    TRY(cse_res_child_key(&k, at->node, TYPE_SUB, text_empty()));
    const struct store_scan q = {.table = TABLE_CSE_CHILD, .prefix = writer_view(&k), .after = bytes_empty(),
                                 .order = STORE_ASCENDING};
    TRY(txn_scan(t, &q, watcher_hit, out));
    return out->err;
}

err_t cse_notify_watch(const struct cse_ask *ask, struct cse_res *parent, char detail[static ROLE_DETAIL_MAX])
{
    struct watchers w;
    TRY(find_watchers(ask->t, parent, ask->rq->now, &w));
    if (w.n == CSE_NOTIFY_SUBS_MAX || w.ended >= ENDED_MAX) {
        return detail_fail(detail, ERR_SUBSCRIPTIONS_FULL, "subscriptions of", parent->ri);
    }
    if (parent->watched) {
        return ERR_OK;
    }
    parent->watched = true;
    return cse_res_put(ask->t, parent);
}

/* -- an event ---------------------------------------------------------------------------------------------------- */
struct happened {
    const struct cse_ask *ask;
    const struct cse_res *at, *about;
    const json_t *changed;
    struct criteria_event event;
    struct cse_target seen; /* `at` with its parent, for the policies; resolved when the first subscription needs it */
    bool resolved;
};

static struct criteria_event event_of(enum criteria_event_kind kind, const struct cse_res *r, const json_t *changed)
{
    return (struct criteria_event){
        .kind = kind, .ty = r->type->ty, .ct = r->ct, .lt = r->lt, .et = r->et,
        .has_state = (r->type->flags & TYPES_HAS_STATE) != 0, .state = r->st,
        .has_size = r->type->ty == TYPE_CIN, .size = r->size, .changed = changed};
}

/* He is asked about now: what he was allowed when he subscribed may be over. Rules about addresses and places do not
 * hold for somebody who is not asking. */
static err_t permits(err_t e, bool *out)
{
    *out = e == ERR_OK;
    return e == ERR_OK || err_info(e)->rsc == 4103 || e == ERR_DENIED_SERVICE ? ERR_OK : e;
}

/* An AE of this registrar is told while it would be answered: registered, and admitted by its service subscription. One of S type
 * that is not registered here is another registrar's. */
static err_t is_served(const struct cse_ask *ask, struct cse_from *from, bool *out)
{
    struct cse_res ae;
    struct cse_sub_grant grant;
    char detail[ROLE_DETAIL_MAX];
    SCOPED(json_scope) json_t *attrs = NULL;
    *out = from->stem.z[0] == '\0';
    if (*out) {
        return ERR_OK;
    }
    err_t e = cse_res_get(ask->t, text_of(from->stem.z), ask->rq->now, &ae);
    if (e == ERR_NOT_FOUND || (e == ERR_OK && ae.type->ty != TYPE_AE)) {
        *out = m2mid_kind(text_of(from->absolute.z)) == M2MID_ABS_AE_S;
        return ERR_OK;
    }
    TRY(e);
    *out = !ask->cse->subscription || cse_from_is_admin(ask->cse, from);
    if (*out) {
        return ERR_OK;
    }
    TRY(cse_res_attrs(ask->t, &ae, &attrs));
    const struct cse_sub_claim claim = {.registrar = text_of(ask->cse->csi.z), .app = json_get_text(attrs, "api"),
                                        .who = text_of(from->stem.z), .credential = ae.credential};
    e = cse_sub_check(ask->t, ask->rq->now, &claim, &grant, detail);
    *out = e == ERR_OK;
    from->services = e == ERR_OK ? grant.services : text_empty();
    return e == ERR_DENIED_SUBSCRIPTION || e == ERR_DENIED_APP_RULE ? ERR_OK : e;
}

/* *sees: the resource that the event is about, too. A child may have policies of its own. */
static err_t may_know(struct happened *h, const struct cse_notify *n, bool *out, bool *sees)
{
    const struct cse_ask *ask = h->ask;
    const struct primitive prim = {.op = OP_RETRIEVE};
    const struct request rq = {.prim = &prim, .assoc = ask->rq->assoc, .exported = ask->rq->exported, .now = ask->rq->now};
    struct cse_from from = {.authenticated = n->authenticated == 1};
    const struct cse_ask as = {ask->cse, &rq, ask->t, &from};
    *out = false;
    *sees = true;
    TRY(cse_from_forms(ask->cse, n->creator, &from));
    bool served = false;
    TRY(is_served(ask, &from, &served));
    if (!served) {
        return ERR_OK;
    }
    if (!h->resolved) {
        h->seen = (struct cse_target){.res = *h->at};
        err_t e = cse_addr_anchor(ask->cse, ask->t, rq.now, &h->seen);
        TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
        h->resolved = true;
    }
    TRY(permits(cse_policy_check(&as, &h->seen, OP_RETRIEVE, 0), out));
    if (!*out || h->about == h->at) {
        return ERR_OK;
    }
    const struct cse_target child = {.res = *h->about, .parent = *h->at, .has_parent = true};
    return permits(cse_policy_check(&as, &child, OP_RETRIEVE, 0), sees);
}

static void write_uri(const struct cse_ask *ask, struct text ri, struct writer *w)
{
    writer_z(w, ask->cse->csi.z);
    writer_u8(w, '/');
    writer_text(w, ri);
}

static err_t write_rep(const struct happened *h, uint8_t content, struct writer *w)
{
    const struct cse_res *r = h->about;
    if (content == CSE_NOTIFY_MODIFIED && h->event.kind == CRITERIA_UPDATE) {
        writer_z(w, "{\"");
        writer_z(w, r->type->root);
        writer_z(w, "\":");
        TRY(json_write(h->changed, w));
        writer_z(w, "}");
    } else if (content != CSE_NOTIFY_IDENTIFIER && r->json.n <= CSE_NOTIFY_REP_MAX) {
        cse_res_emit(r, w);
    } else {
        writer_z(w, "{\"m2m:uri\":\"");
        write_uri(h->ask, r->ri, w);
        writer_z(w, "\"}");
    }
    return writer_finish(w);
}

/* {"m2m:sgn":{"nev":{"net":3,"rep":{...}},"sur":"/in/..."}} */
static err_t write_event(const struct happened *h, const struct cse_notify *n, struct text sub, struct bytes *out)
{
    size_t cap = 2 * CSE_NOTIFY_REP_MAX + 2048;
    uint8_t *b = arena_alloc(h->ask->t->arena, cap);
    if (b == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(b, cap);
    writer_z(&w, "{\"m2m:sgn\":{\"nev\":{\"net\":");
    writer_decimal(&w, h->event.kind);
    writer_z(&w, ",\"rep\":");
    struct writer before = w;
    if (write_rep(h, n->content, &w) != ERR_OK) { /* what was changed is larger than a whole resource may be */
        w = before;
        TRY(write_rep(h, CSE_NOTIFY_IDENTIFIER, &w));
    }
    writer_z(&w, "},\"sur\":\"");
    write_uri(h->ask, sub, &w);
    writer_z(&w, "\"");
    if (n->nfu.n > 0) {
        struct emit e = {&w, true};
        emit_text(&e, "nfu", n->nfu);
    }
    writer_z(&w, "}}");
    *out = writer_view(&w);
    h->ask->t->arena->used -= cap - w.n; /* it was taken last: what it did not need goes back */
    return writer_finish(&w);
}

/* With a counter no more is promised than will be told. */
static err_t is_used_up(struct txn *t, const struct cse_notify *n, struct text target, struct text sub, bool *out)
{
    struct cse_outbox_queue q;
    *out = false;
    if (n->left == 0) {
        return ERR_OK;
    }
    err_t e = cse_outbox_get(t, target, sub, &q);
    *out = e == ERR_OK && q.count >= n->left;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static err_t tell(struct happened *h, struct text sub)
{
    struct txn *t = h->ask->t;
    struct cse_notify n;
    struct bytes body;
    bool may = false;
    bool sees = false;
    err_t e = cse_notify_get(t, sub, &n);
    if (e != ERR_OK || !criteria_match(&n.criteria, &h->event)) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(may_know(h, &n, &may, &sees));
    if (!may) {
        return ERR_OK;
    }
    n.content = sees ? n.content : CSE_NOTIFY_IDENTIFIER;
    TRY(write_event(h, &n, sub, &body));
    for (size_t i = 0; i < n.targets_n; i++) {
        const struct cse_outbox_note note = {
            .target = n.targets[i], .sub = sub, .now = h->ask->rq->now, .body = body, .keep = h->ask->cse->notify_queue,
            .kind = h->event.kind == CRITERIA_DELETE ? CSE_OUTBOX_DELETED : CSE_OUTBOX_EVENT,
            .latest = n.latest == 1, .latest_away = n.latest_away == 1};
        bool used_up = false;
        TRY(is_used_up(t, &n, n.targets[i], sub, &used_up));
        TRY(used_up ? ERR_OK : cse_outbox_add(t, &note));
    }
    return ERR_OK;
}

err_t cse_notify_event(const struct cse_ask *ask, const struct cse_res *at, enum criteria_event_kind kind,
                       const struct cse_res *about, const json_t *changed)
{
    struct watchers w;
    TRY(find_watchers(ask->t, at, ask->rq->now, &w));
    struct happened h = {.ask = ask, .at = at, .about = about, .changed = changed, .event = event_of(kind, about, changed)};
    for (size_t i = 0; i < w.n; i++) {
        TRY(tell(&h, w.ri[i]));
    }
    return ERR_OK;
}

err_t cse_notify_prior(const struct cse_ask *ask, const struct cse_res *at, struct text sub, const struct cse_res *about)
{
    struct happened h = {.ask = ask, .at = at, .about = about, .event = event_of(CRITERIA_CREATE_CHILD, about, NULL)};
    return tell(&h, sub);
}

/* -- the end ----------------------------------------------------------------------------------------------------- */
err_t cse_notify_ended(const struct cse *cse, struct txn *t, struct text ri, usec_t now)
{
    struct cse_notify n;
    uint8_t body[256 + M2MID_MAX];
    err_t e = cse_notify_get(t, ri, &n);
    if (e != ERR_OK || n.su.n == 0) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    struct writer w = WRITER_ARRAY(body);
    writer_z(&w, "{\"m2m:sgn\":{\"sud\":true,\"sur\":\"");
    writer_z(&w, cse->csi.z);
    writer_u8(&w, '/');
    writer_text(&w, ri);
    writer_z(&w, "\"}}");
    TRY(writer_finish(&w));
    const struct cse_outbox_note note = {.target = n.su, .sub = ri, .now = now, .kind = CSE_OUTBOX_DELETED,
                                         .body = writer_view(&w), .keep = cse->notify_queue};
    return cse_outbox_add(t, &note);
}

/* -- a resource goes ------------------------------------------------------------------------------------------------ */
static err_t tell_parent(const struct cse_ask *ask, const struct cse_res *r)
{
    struct cse_res parent;
    err_t e = cse_res_parent(ask->t, r, ask->rq->now, &parent);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    return cse_notify_event(ask, &parent, CRITERIA_DELETE_CHILD, r, NULL);
}

err_t cse_notify_deleted(const struct cse_ask *ask, const struct cse_res *r)
{
    struct watchers w;
    TRY(tell_parent(ask, r));
    TRY(cse_notify_event(ask, r, CRITERIA_DELETE, r, NULL));
    TRY(find_watchers(ask->t, r, ask->rq->now, &w));
    for (size_t i = 0; i < w.n; i++) {
        TRY(cse_notify_ended(ask->cse, ask->t, w.ri[i], ask->rq->now));
    }
    return r->type->ty == TYPE_SUB ? cse_notify_ended(ask->cse, ask->t, r->ri, ask->rq->now) : ERR_OK;
}
