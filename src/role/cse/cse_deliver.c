#include "role/cse/cse_deliver.h"

#include "role/cse/cse_hop.h"
#include "role/cse/cse_notify.h"
#include "role/cse/cse_nu.h"
#include "role/cse/cse_relay.h"
#include "role/cse/cse_sweep.h"
#include "wire/json.h"

#define DELETED_AGE_MAX (INT64_C(86400) * USEC_PER_SEC) /* the end of a subscription is told for a day */

/* -- where to ----------------------------------------------------------------------------------------------------- */
err_t cse_deliver_point(const struct cse *cse, struct txn *t, const struct cse_res *ae, struct text *out)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    TRY(cse_res_attrs(t, ae, &attrs));
    const json_t *poa = json_object_get(attrs, "poa");
    for (size_t i = 0; i < json_array_size(poa); i++) {
        const json_t *v = json_array_get(poa, i);
        struct text one = text_span(json_string_value(v), json_string_length(v));
        if (cse_nu_callable(cse, one) == ERR_OK) {
            return cse_res_keep(t, one, out);
        }
    }
    *out = text_empty();
    return ERR_OK;
}

static err_t to_url(struct text url, struct outbox_item *out)
{
    out->verdict = url.n > 0 ? OUTBOX_SEND : OUTBOX_HOLD;
    out->to.whole = true;
    return TEXT_COPY(url, out->to.url);
}

/* Of another CSE: over the association with the next one on the way, as any request of ours (TS-0001 10.2.6). */
static err_t to_cse(const struct cse *cse, struct txn *t, struct text absolute, usec_t now, struct outbox_item *out)
{
    struct writer w = WRITER_ARRAY(out->path);
    err_t e = cse_hop_own(cse, t, absolute, now, &out->to);
    out->verdict = e == ERR_OK ? OUTBOX_SEND : OUTBOX_HOLD; /* no registration now: it may come back */
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    return cse_hop_path(cse, absolute, &w);
}

/* Where it is now, its registrar keeps up to date here. */
static err_t to_announced(const struct cse *cse, struct txn *t, const struct cse_res *annc, usec_t now, struct outbox_item *out)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    char address[CSE_OUTBOX_TARGET_MAX];
    struct writer w = WRITER_ARRAY(address);
    TRY(cse_res_attrs(t, annc, &attrs));
    if (cse_hop_absolute(cse, json_get_text(attrs, "lnk"), &w) != ERR_OK) {
        out->verdict = OUTBOX_DROP;
        return ERR_OK;
    }
    return to_cse(cse, t, writer_view_text(&w), now, out);
}

static err_t to_ae(const struct cse *cse, struct txn *t, struct text ri, usec_t now, struct outbox_item *out)
{
    struct text url;
    struct cse_res ae;
    err_t e = cse_res_get(t, ri, now, &ae);
    if (e == ERR_NOT_FOUND) {
        out->verdict = OUTBOX_DROP;
        return ERR_OK;
    }
    TRY(e);
    if (ae.type->ty == TYPE_AE_ANNC) {
        return to_announced(cse, t, &ae, now, out);
    }
    TRY(cse_deliver_point(cse, t, &ae, &url));
    return to_url(url, out);
}

err_t cse_deliver_address(const struct cse *cse, struct txn *t, struct text target, usec_t now, struct outbox_item *out)
{
    struct text who = text_skip(target, 2);
    out->verdict = OUTBOX_HOLD;
    TRY(TEXT_COPY(text_of(cse->csi.z), out->to.from));
    if (text_starts(target, "A:")) {
        return to_ae(cse, t, who, now, out);
    }
    if (text_starts(target, "C:")) {
        return to_cse(cse, t, who, now, out);
    }
    return to_url(cse_nu_callable(cse, who) == ERR_OK ? who : text_empty(), out); /* the list may be another one now */
}

/* -- the next one --------------------------------------------------------------------------------------------------- */
struct found {
    struct arena *arena;
    struct bytes record;
    struct outbox_item *out;
    err_t err;
    bool any;
};

static bool found_hit(void *arg, struct bytes id, struct store_value value)
{
    struct found *f = arg;
    f->any = true;
    f->err = TEXT_COPY(text_span((const char *)id.p, id.n), f->out->queue);
    f->err = f->err == ERR_OK && !arena_dup(f->arena, value.data, &f->record) ? ERR_LIMIT_CAPACITY : f->err;
    return false;
}

/* Of a subscription that is gone nothing more is told but its end. */
static err_t is_over(struct txn *t, struct text sub, const struct cse_outbox_event *e, usec_t now, bool *out)
{
    struct cse_res r;
    if (e->kind >= CSE_OUTBOX_RELAY) {
        *out = cse_relay_end(e) <= now;
        return ERR_OK;
    }
    if (e->kind == CSE_OUTBOX_DELETED) {
        *out = now - e->number > DELETED_AGE_MAX;
        return ERR_OK;
    }
    err_t err = cse_res_get(t, sub, now, &r);
    *out = err == ERR_NOT_FOUND;
    return *out ? ERR_OK : err;
}

static err_t batch(struct txn *t, const struct cse_outbox_queue *q, size_t max, struct cse_outbox_event *out)
{
    struct cse_outbox_heads o;
    TRY(cse_outbox_heads(t, q, max, &o));
    size_t cap = sizeof("{\"m2m:agn\":{\"m2m:sgn\":[]}}");
    for (size_t i = 0; i < o.n; i++) {
        cap += o.at[i].body.n;
    }
    uint8_t *b = arena_alloc(t->arena, cap);
    struct writer w = writer_of(b, b == NULL ? 0 : cap);
    writer_z(&w, "{\"m2m:agn\":{\"m2m:sgn\":[");
    for (size_t i = 0; i < o.n; i++) { /* {"m2m:sgn":{...}}: what is in it */
        static const size_t open = sizeof("{\"m2m:sgn\":") - 1;
        struct bytes one = o.at[i].body;
        TRY(one.n > open ? ERR_OK : ERR_MALFORMED_RECORD);
        writer_z(&w, i > 0 ? "," : "");
        writer_bytes(&w, bytes_of(one.p + open, one.n - open - 1));
        out->number = o.at[i].number;
    }
    writer_z(&w, "]}}");
    out->body = writer_view(&w);
    return writer_finish(&w);
}

err_t cse_deliver_head(const struct cse *cse, struct txn *t, const struct cse_outbox_queue *q, usec_t now,
                       struct cse_deliver_head *out)
{
    struct cse_notify n;
    *out = (struct cse_deliver_head){.due = q->until};
    TRY(cse_outbox_head(t, q, &out->event));
    out->due = 0;
    err_t e = out->event.kind == CSE_OUTBOX_EVENT ? cse_notify_get(t, q->sub, &n) : ERR_NOT_FOUND;
    if (e != ERR_OK) { /* ends, and what is relayed, are told at once */
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    out->due = cse_pace_due(&n.pace, q, out->event.number, cse->notify_queue);
    return out->due > now || n.pace.batch_n < 2 ? ERR_OK : batch(t, q, (size_t)n.pace.batch_n, &out->event);
}

/* In the name of who asks. For an AE without a point of access it waits until that asks. */
static err_t as_relay(struct txn *t, const struct cse_outbox_event *event, struct outbox_item *out)
{
    out->due = out->verdict == OUTBOX_HOLD ? cse_relay_end(event) : 0;
    return cse_relay_open(t, event, out->to.from, &out->body);
}

/* What is in it is due: where does it go? */
static err_t send(const struct cse *cse, struct txn *t, const struct cse_outbox_queue *q, usec_t now,
                  const struct cse_outbox_event *event, struct outbox_item *out)
{
    bool over = false;
    struct writer id = WRITER_ARRAY(out->rqi);
    TRY(cse_outbox_rqi(q->sub, event->number, &id));
    TRY(writer_finish_z(&id));
    out->number = event->number;
    out->body = event->body;
    TRY(is_over(t, q->sub, event, now, &over));
    if (over) {
        return ERR_OK;
    }
    if (event->kind == CSE_OUTBOX_ANSWER) { /* whoever it is for comes and asks */
        out->verdict = OUTBOX_HOLD;
        out->due = cse_relay_end(event);
        return ERR_OK;
    }
    TRY(cse_deliver_address(cse, t, q->target, now, out));
    return event->kind == CSE_OUTBOX_RELAY ? as_relay(t, event, out) : ERR_OK;
}

err_t cse_deliver_next(const void *ctx, struct txn *t, const struct outbox_look *look, struct outbox_item *out)
{
    struct found f = {.arena = t->arena, .out = out};
    struct cse_outbox_queue q;
    struct cse_deliver_head head;
    *out = (struct outbox_item){.verdict = OUTBOX_DROP, .body = bytes_empty()};
    const struct store_scan s = {.table = TABLE_CSE_QUEUE, .prefix = bytes_empty(), .after = text_bytes(look->after),
                                 .order = STORE_ASCENDING, .limit = 1};
    TRY(txn_scan(t, &s, found_hit, &f));
    TRY(f.any ? f.err : ERR_NOT_FOUND);
    if (look->wanted != NULL && !look->wanted(look->who, out->queue)) {
        out->verdict = OUTBOX_UNSEEN;
        return ERR_OK;
    }
    TRY(cse_outbox_queue_parse(f.record, &q));
    err_t e = cse_deliver_head(ctx, t, &q, look->now, &head);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    if (head.due > look->now) {
        out->verdict = OUTBOX_HOLD;
        out->due = head.due;
        return ERR_OK;
    }
    return e == ERR_NOT_FOUND ? ERR_OK : send(ctx, t, &q, look->now, &head.event, out); /* a record without use goes */
}

/* -- what follows ----------------------------------------------------------------------------------------------------- */
/* The counter has come to its end: the subscription goes, as if it had been deleted. */
static err_t end(const struct cse *cse, struct txn *t, const struct cse_res *r, usec_t now)
{
    struct audit_event e = {.kind = AUDIT_RESOURCE_DELETED, .time = now};
    TRY(cse_notify_ended(cse, t, r->ri, now));
    TRY(cse_res_remove(t, r));
    TRY(TEXT_COPY(text_take(text_of(cse->self.z), AUDIT_TEXT_MAX - 1), e.peer));
    TRY(TEXT_COPY(text_take(r->ri, AUDIT_TEXT_MAX - 1), e.object));
    return txn_audit(t, &e);
}

static err_t count(const struct cse *cse, struct txn *t, struct text sub, usec_t told, usec_t now)
{
    struct cse_notify n;
    struct cse_res r;
    err_t e = cse_notify_get(t, sub, &n);
    e = e == ERR_OK ? cse_res_get(t, sub, now, &r) : e;
    if (e != ERR_OK || n.left == 0) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    if (n.left <= told) {
        return end(cse, t, &r, now);
    }
    SCOPED(json_scope) json_t *attrs = NULL;
    n.left -= told;
    TRY(cse_res_attrs(t, &r, &attrs));
    if (json_object_set_new(attrs, "exc", json_integer((json_int_t)n.left)) != 0) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(cse_notify_store(t, sub, &n));
    TRY(cse_res_render(t, &r, attrs));
    return cse_res_put(t, &r);
}

/* Of a subscription that is gone nothing is counted. */
static err_t pace(struct txn *t, struct cse_outbox_queue *q, usec_t now)
{
    struct cse_notify n;
    err_t e = cse_notify_get(t, q->sub, &n);
    n.pace = e == ERR_OK ? n.pace : (struct cse_pace){.rate_n = 0};
    cse_pace_told(&n.pace, q, now);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

err_t cse_deliver_done(const void *ctx, struct txn *t, const struct outbox_done *d, usec_t now)
{
    const struct cse *cse = ctx;
    struct text key = text_of(d->queue);
    size_t blank = text_find(key, ' ');
    struct text sub = text_skip(key, blank + 1);
    struct cse_outbox_queue q;
    TRY(cse_outbox_get(t, text_take(key, blank), sub, &q));
    if (d->outcome == OUTBOX_AWAY) {
        return cse_outbox_away(t, &q, true);
    }
    usec_t n = 0;
    TRY(d->outcome == OUTBOX_TOLD ? pace(t, &q, now) : ERR_OK);
    err_t e = cse_outbox_remove(t, &q, d->number, &n);
    if (e == ERR_NOT_FOUND && d->number == 0) { /* a record without events, unless one has come since */
        struct cse_outbox_event event;
        e = cse_outbox_head(t, &q, &event);
        return e == ERR_NOT_FOUND ? txn_del(t, TABLE_CSE_QUEUE, key) : e;
    }
    TRY(e);
    if (cse_relay_is_one(sub)) { /* of what came through a channel, who took it there tells the whole */
        return d->rsc == 0 ? ERR_OK : cse_relay_answered(t, &q, d->rsc, NULL, now);
    }
    return d->outcome == OUTBOX_TOLD ? count(cse, t, sub, n, now) : ERR_OK;
}
