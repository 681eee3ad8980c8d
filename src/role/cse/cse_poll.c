#include "role/cse/cse_poll.h"

#include "role/cse/cse_bell.h"
#include "role/cse/cse_deliver.h"
#include "role/cse/cse_relay.h"
#include "role/detail.h"
#include "wire/emit.h"
#include "wire/json.h"

#define DUE_MAX 16  /* queues of one AE that the oldest event is sought in */
#define LOOK_MAX 256 /* queues that are looked at, due or not (schedules and batches wait) */

static const char leaf[] = "/pcu";

bool cse_poll_is_one(struct text to)
{
    size_t n = sizeof(leaf) - 1;
    return to.n > n && text_eq_z(text_skip(to, to.n - n), leaf);
}

err_t cse_poll_accept(const struct cse_ask *ask, const struct cse_res *parent, char detail[static ROLE_DETAIL_MAX])
{
    bool own = parent->type->ty == TYPE_AE && text_eq_z(parent->ri, ask->from->stem.z);
    return own ? ERR_OK : detail_fail(detail, ERR_DENIED_PRIVILEGE, "a pollingChannel is made by its AE alone", parent->ri);
}

/* The AE whose channel this is; ERR_DENIED_PRIVILEGE for anybody else. */
static err_t open_channel(const struct cse_ask *ask, struct cse_target *at, char *detail)
{
    struct text to = ask->rq->prim->to;
    TRY(cse_addr_resolve(ask->cse, ask->t, text_take(to, to.n - (sizeof(leaf) - 1)), ask->rq->now, at));
    if (at->res.type->ty != TYPE_PCH) {
        return ERR_NOT_FOUND;
    }
    return text_eq_z(at->res.pi, ask->from->stem.z)
               ? ERR_OK
               : detail_fail(detail, ERR_DENIED_PRIVILEGE, "a pollingChannel is for its AE alone", at->res.pi);
}

static err_t target_of(struct text ae, struct writer *w)
{
    writer_z(w, "A:");
    writer_text(w, ae);
    return writer_finish(w);
}

/* -- what waits ------------------------------------------------------------------------------------------------- */
struct waiting {
    const struct cse_ask *ask;
    struct cse_outbox_queue queue; /* of the oldest event so far */
    struct cse_outbox_event event; /* number 0: none yet */
    usec_t next; /* when something comes due that is not yet */
    size_t looked, due;
    err_t err;
};

/* What is not told now leaves no trace in the arena: many large events may wait for later. */
static bool waiting_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    struct waiting *w = arg;
    struct txn *t = w->ask->t;
    const size_t used = t->arena->used;
    struct cse_outbox_queue queue;
    struct cse_deliver_head head;
    struct bytes copy;
    w->err = arena_dup(t->arena, value.data, &copy) ? cse_outbox_queue_parse(copy, &queue) : ERR_LIMIT_CAPACITY;
    w->err = w->err == ERR_OK ? cse_deliver_head(w->ask->cse, t, &queue, w->ask->rq->now, &head) : w->err;
    bool over = w->err == ERR_OK && head.event.kind >= CSE_OUTBOX_RELAY && cse_relay_end(&head.event) <= w->ask->rq->now;
    w->err = over ? ERR_NOT_FOUND : w->err;
    bool due = w->err == ERR_OK && head.due <= w->ask->rq->now;
    if (due && (w->event.number == 0 || head.event.number < w->event.number)) {
        w->queue = queue;
        w->event = head.event;
    } else {
        t->arena->used = used;
    }
    w->next = w->err == ERR_OK && !due && head.due < w->next ? head.due : w->next;
    w->err = w->err == ERR_NOT_FOUND ? ERR_OK : w->err;
    w->due += due;
    if (++w->looked == LOOK_MAX) { /* what stands behind it is not known */
        usec_t again = w->ask->rq->now + USEC_PER_SEC;
        w->next = again < w->next ? again : w->next;
    }
    return w->err == ERR_OK && w->due < DUE_MAX && w->looked < LOOK_MAX;
}

static err_t look(const struct cse_ask *ask, struct text ae, struct text sub, struct waiting *w)
{
    char key[CSE_OUTBOX_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    w->looked = 0;
    w->due = 0;
    TRY(target_of(ae, &k));
    writer_u8(&k, ' ');
    writer_text(&k, sub);
    TRY(writer_finish(&k));
    const struct store_scan s = {.table = TABLE_CSE_QUEUE, .prefix = writer_view(&k), .after = bytes_empty(),
                                 .order = STORE_ASCENDING, .limit = LOOK_MAX};
    TRY(txn_scan(ask->t, &s, waiting_hit, w));
    return w->err;
}

/* Of what is due. Somebody waits for the answer to what is relayed, so that is looked for whatever else there is. */
static err_t oldest(const struct cse_ask *ask, struct text ae, struct waiting *out)
{
    struct waiting w = {.ask = ask, .next = USEC_NEVER};
    TRY(look(ask, ae, text_of(CSE_RELAY_PREFIX), &w));
    TRY(look(ask, ae, text_empty(), &w));
    *out = w;
    return w.event.number == 0 ? ERR_POLL_EMPTY : ERR_OK;
}

static err_t wait_for(struct text ae, usec_t due, struct response *rs)
{
    char target[CSE_OUTBOX_TARGET_MAX];
    struct writer w = WRITER_ARRAY(target);
    TRY(target_of(ae, &w));
    rs->wait = (struct role_wait){.set = true, .topic = cse_bell_topic(writer_view_text(&w)), .due = due};
    return ERR_OK;
}

/* {"m2m:rqp":{"op":5,"to":AE,"fr":"/in","rqi":...,"rvi":"3","pc":{"m2m:sgn":...}}} */
static err_t retrieve(const struct cse_ask *ask, const struct cse_target *at, struct response *rs)
{
    struct waiting found = {.next = USEC_NEVER};
    char rqi[CSE_OUTBOX_RQI_MAX];
    struct writer id = WRITER_ARRAY(rqi);
    err_t none = oldest(ask, at->res.pi, &found);
    if (none == ERR_POLL_EMPTY) {
        TRY(wait_for(at->res.pi, found.next, rs));
    }
    TRY(none);
    const struct cse_outbox_event event = found.event;
    TRY(cse_outbox_rqi(found.queue.sub, event.number, &id));
    struct emit e = emit_to(&rs->body);
    emit_object(&e, NULL);
    emit_object(&e, "m2m:rqp");
    emit_number(&e, "op", OP_NOTIFY);
    emit_text(&e, "to", at->res.pi);
    emit_z_if(&e, "fr", event.kind == CSE_OUTBOX_RELAY ? "" : ask->cse->csi.z);
    emit_text(&e, "rqi", writer_view_text(&id));
    emit_z(&e, "rvi", "3");
    if (event.kind == CSE_OUTBOX_RELAY) { /* of {"rqet":...,"fr":...,"pc":...} */
        writer_u8(&rs->body, ',');
        writer_bytes(&rs->body, bytes_of(event.body.p + 1, event.body.n - 2));
    } else {
        emit_name(&e, "pc");
        writer_bytes(&rs->body, event.body);
    }
    e.comma = true;
    emit_close_object(&e);
    emit_close_object(&e);
    rs->rsc = 2000;
    return writer_finish(&rs->body);
}

/* -- the AE's response ------------------------------------------------------------------------------------------ */
static err_t notify(const struct cse_ask *ask, const struct cse_target *at, struct response *rs)
{
    const json_t *rsp = json_object_get(ask->rq->prim->pc, "m2m:rsp");
    struct text rqi = json_get_text(rsp, "rqi");
    const json_t *rsc = json_object_get(rsp, "rsc");
    struct outbox_done d = {.outcome = OUTBOX_TOLD};
    struct text sub = text_empty(); /* of a name that is none */
    if (!json_is_object(rsp) || rqi.n == 0) {
        return detail_fail(rs->detail, ERR_MISSING, "m2m:rsp with rqi", text_empty());
    }
    if (!json_is_integer(rsc)) {
        return detail_fail(rs->detail, ERR_ATTRIBUTE_TYPE, "m2m:rsp", text_of("rsc"));
    }
    d.outcome = json_integer_value(rsc) / 1000 == 2 ? OUTBOX_TOLD : OUTBOX_REFUSED;
    struct writer k = WRITER_ARRAY(d.queue);
    err_t e = cse_outbox_rqi_parse(rqi, &sub, &d.number);
    e = e == ERR_OK ? target_of(at->res.pi, &k) : e;
    writer_u8(&k, ' ');
    writer_text(&k, sub);
    e = e == ERR_OK ? writer_finish_z(&k) : e;
    e = e == ERR_OK ? cse_deliver_done(ask->cse, ask->t, &d, ask->rq->now) : e;
    const struct cse_outbox_queue q = {.target = text_take(text_of(d.queue), text_find(text_of(d.queue), ' ')), .sub = sub};
    e = e == ERR_OK && cse_relay_is_one(sub)
            ? cse_relay_answered(ask->t, &q, json_integer_value(rsc), json_object_get(rsp, "pc"), ask->rq->now)
            : e;
    if (e != ERR_OK) {
        return detail_fail(rs->detail, e == ERR_LIMIT_SIZE ? ERR_NOT_FOUND : e, "rqi", rqi);
    }
    rs->rsc = 2000;
    return ERR_OK;
}

err_t cse_poll_request(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct cse_from from;
    const struct cse_ask ask = {ctx, rq, t, &from};
    struct cse_target at;
    TRY(cse_from_check(ctx, rq, t, &from, rs->detail));
    TRY(open_channel(&ask, &at, rs->detail));
    return rq->prim->op == OP_RETRIEVE ? retrieve(&ask, &at, rs)
           : rq->prim->op == OP_NOTIFY ? notify(&ask, &at, rs)
                                       : detail_fail(rs->detail, ERR_OPERATION, "pcu", text_empty());
}
