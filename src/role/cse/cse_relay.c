#include "role/cse/cse_relay.h"

#include "base/hex.h"
#include "role/cse/cse_bell.h"
#include "role/cse/cse_deliver.h"
#include "role/cse/cse_group.h"
#include "role/cse/cse_hop.h"
#include "role/cse/cse_share.h"
#include "role/cse/cse_token.h"
#include "role/detail.h"
#include "wire/emit.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#define WAITING_MAX 8 /* of one AE: who does not ask for them is sent no more */
#define QUESTIONS_MAX 4 /* the same of questions */
#define LOOK_MAX 64   /* that are counted */
#define AGE_MAX (60 * USEC_PER_SEC)

static const char prefix[] = CSE_RELAY_PREFIX;
static const char of_question[] = CSE_RELAY_PREFIX "q"; /* behind all others: those go on with hexadecimal digits */

bool cse_relay_is_one(struct text sub)
{
    return text_starts(sub, prefix);
}

/* What is relayed begins with the end of its request, if it has one: it is read without the content. */
static const char end_open[] = "{\"rqet\":\"";

usec_t cse_relay_end(const struct cse_outbox_event *e)
{
    const struct text body = text_span((const char *)e->body.p, e->body.n);
    const usec_t age = e->number + AGE_MAX;
    usec_t end = USEC_NEVER;
    bool says = e->kind == CSE_OUTBOX_RELAY && text_starts(body, end_open) &&
                timestamp_parse(text_take(text_skip(body, sizeof(end_open) - 1), TIMESTAMP_MS_LEN), &end) == ERR_OK;
    return says && end < age ? end : age;
}

/* -- to a point of access ------------------------------------------------------------------------------------------ */
static err_t right_check(const struct cse_ask *ask, const struct cse_target *ae, char *detail)
{
    err_t e = cse_policy_check(ask, ae, OP_NOTIFY, 0);
    return e == ERR_OK ? e : detail_fail(detail, e, "NOTIFY", ask->rq->prim->to);
}

err_t cse_relay_hop(const struct cse *cse, const struct request *rq, struct txn *t, struct hop *out)
{
    struct cse_from from;
    struct primitive prim; /* with its tokens: one that is wrong is refused by the handler, which runs if this goes nowhere */
    struct request as = *rq;
    const struct cse_ask shown = {cse, rq, t, &from}, ask = {cse, &as, t, &from};
    struct cse_target at;
    struct text url;
    char detail[ROLE_DETAIL_MAX];
    TRY(cse_addr_resolve(cse, t, rq->prim->to, rq->now, &at));
    TRY(at.res.type->ty == TYPE_AE ? ERR_OK : ERR_NOT_FOUND);
    TRY(cse_deliver_point(cse, t, &at.res, &url));
    TRY(url.n > 0 ? ERR_OK : ERR_NOT_FOUND);
    TRY(cse_from_check(cse, rq, t, &from, detail));
    TRY(cse_token_look(&shown, &prim, detail));
    as.prim = &prim;
    TRY(right_check(&ask, &at, detail));
    out->whole = true;
    TRY(TEXT_COPY(rq->prim->from, out->from));
    return TEXT_COPY(url, out->url);
}

/* -- its name --------------------------------------------------------------------------------------------------------- */
static err_t text_join(const char *a, struct text b, char out[static CSE_OUTBOX_TARGET_MAX])
{
    struct writer w = writer_of(out, CSE_OUTBOX_TARGET_MAX);
    writer_z(&w, a);
    writer_text(&w, b);
    return writer_finish_z(&w);
}

/* The same request of the same originator has the same name: he may ask again for its answer. */
err_t cse_relay_name(const struct cse_ask *ask, struct text question, struct text target, struct cse_relay *out)
{
    uint8_t digest[CRYPTO_HASH_LEN];
    const struct primitive *p = ask->rq->prim;
    const struct bytes feed = bytes_of("\n", 1);
    const struct bytes parts[] = {text_bytes(question), feed, text_bytes(text_of(ask->from->absolute.z)), feed,
                                  text_bytes(p->rqi), feed, p->content};
    struct writer w = WRITER_ARRAY(out->name);
    TRY(ask->cse->env.crypto->hash(CRYPTO_SHA256, parts, ARRAY_LEN(parts), digest));
    writer_z(&w, question.n > 0 ? of_question : prefix);
    hex_write_lower(&w, bytes_of(digest, CSE_RELAY_OCTETS));
    TRY(writer_finish_z(&w));
    TRY(text_join("", target, out->request));
    return text_join("R:", text_skip(target, 2), out->answer);
}

struct role_wait cse_relay_wait(const struct cse_relay *r)
{
    return (struct role_wait){.set = true, .topic = cse_bell_topic(text_of(r->name)), .due = USEC_NEVER};
}

/* -- into the outbox ---------------------------------------------------------------------------------------------------- */
#define CHANNELS_MAX 64 /* of one AE that are looked at, the youngest first: those that are over stay as long as it does */

struct channel {
    usec_t now;
    bool open;
    err_t err;
};

static bool channel_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    struct channel *c = arg;
    struct cse_child child;
    c->err = cse_res_child_parse(value.data, &child);
    c->open = c->err == ERR_OK && child.et > c->now;
    return c->err == ERR_OK && !c->open;
}

err_t cse_relay_is_open(struct txn *t, const struct cse_res *ae, usec_t now, bool *out)
{
    char key[CSE_CHILD_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    struct channel c = {.now = now};
    TRY(cse_res_child_key(&k, ae->node, TYPE_PCH, text_empty()));
    const struct store_scan s = {.table = TABLE_CSE_CHILD, .prefix = writer_view(&k), .after = bytes_empty(),
                                 .order = STORE_DESCENDING, .limit = CHANNELS_MAX};
    TRY(txn_scan(t, &s, channel_hit, &c));
    *out = c.open;
    return c.err;
}

struct room {
    struct txn *t;
    usec_t now;
    bool questions;
    size_t n, looked, most;
    err_t err;
};

/* What nobody waits for any more takes no room, whether or not it has gone already; but so much of it that not all is counted is too much. */
static bool room_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    struct room *r = arg;
    const size_t used = r->t->arena->used;
    struct cse_outbox_queue q;
    struct cse_outbox_event event;
    struct bytes copy;
    r->err = arena_dup(r->t->arena, value.data, &copy) ? cse_outbox_queue_parse(copy, &q) : ERR_LIMIT_CAPACITY;
    if (r->err == ERR_OK && text_starts(q.sub, of_question) != r->questions) {
        return false;
    }
    r->err = r->err == ERR_OK ? cse_outbox_head(r->t, &q, &event) : r->err;
    r->n += r->err == ERR_OK && cse_relay_end(&event) > r->now;
    r->err = r->err == ERR_NOT_FOUND ? ERR_OK : r->err;
    r->t->arena->used = used;
    r->looked++;
    return r->err == ERR_OK && r->n < r->most;
}

static err_t room_check(const struct cse_ask *ask, const struct cse_relay *r)
{
    char key[CSE_OUTBOX_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    const bool questions = text_starts(text_of(r->name), of_question);
    struct room room = {.t = ask->t, .now = ask->rq->now, .questions = questions, .most = questions ? QUESTIONS_MAX : WAITING_MAX};
    TRY(cse_outbox_key(text_of(r->request), text_of(questions ? of_question : prefix), &k));
    const struct store_scan s = {.table = TABLE_CSE_QUEUE, .prefix = writer_view(&k), .after = bytes_empty(),
                                 .order = STORE_ASCENDING, .limit = LOOK_MAX};
    TRY(txn_scan(ask->t, &s, room_hit, &room));
    TRY(room.err);
    return room.n < room.most && room.looked < LOOK_MAX ? ERR_OK : ERR_TARGET_AWAY; /* it did not ask for those */
}

static err_t room_for(struct txn *t, const json_t *pc, struct writer *w)
{
    size_t cap = (pc == NULL ? 0 : json_dumpb(pc, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY)) + 2 * M2MID_MAX + 96;
    uint8_t *b = arena_alloc(t->arena, cap);
    *w = writer_of(b, b == NULL ? 0 : cap);
    return b == NULL ? ERR_LIMIT_CAPACITY : ERR_OK;
}

static err_t finish(struct emit *e, const json_t *pc)
{
    if (pc != NULL) {
        emit_name(e, "pc");
        TRY(json_write(pc, e->w));
    }
    emit_close_object(e);
    return writer_finish(e->w);
}

/* {"rqet":END: Request Expiration Timestamp, and the AE is told it with the rest (TS-0001 8.1.2). */
static struct emit open_at(struct writer *w, usec_t end)
{
    struct emit e = emit_to(w);
    if (end == USEC_NEVER) {
        emit_object(&e, NULL);
        return e;
    }
    writer_z(w, end_open);
    timestamp_write_ms(w, end);
    writer_u8(w, '"');
    e.comma = true;
    return e;
}

err_t cse_relay_put(const struct cse_ask *ask, const struct cse_relay *r, struct text from, const json_t *pc)
{
    struct cse_outbox_queue q;
    struct writer w;
    err_t there = cse_outbox_get(ask->t, text_of(r->request), text_of(r->name), &q);
    if (there != ERR_NOT_FOUND) {
        return there;
    }
    TRY(room_check(ask, r));
    TRY(room_for(ask->t, pc, &w));
    struct emit e = open_at(&w, primitive_end(ask->rq->prim, ask->rq->now));
    emit_text(&e, "fr", from);
    TRY(finish(&e, pc));
    TRY(text_starts(text_of(r->request), "C:") ? cse_share_take(ask, w.n) : ERR_OK);
    const struct cse_outbox_note note = {.target = text_of(r->request), .sub = text_of(r->name), .now = ask->rq->now,
                                         .kind = CSE_OUTBOX_RELAY, .body = writer_view(&w), .keep = 1};
    return cse_outbox_add(ask->t, &note);
}

err_t cse_relay_open(struct txn *t, const struct cse_outbox_event *e, char from[static M2MID_MAX], struct bytes *pc)
{
    SCOPED(json_scope) json_t *v = NULL;
    struct writer w;
    TRY(json_parse(e->body, &v) == ERR_OK ? ERR_OK : ERR_MALFORMED_RECORD);
    const json_t *in = json_object_get(v, "pc");
    struct writer f = writer_of(from, M2MID_MAX);
    writer_text(&f, json_get_text(v, "fr"));
    TRY(writer_finish_z(&f));
    TRY(room_for(t, in, &w));
    TRY(in == NULL ? ERR_OK : json_write(in, &w));
    *pc = writer_view(&w);
    return ERR_OK;
}

/* -- the answer ------------------------------------------------------------------------------------------------------ */
err_t cse_relay_answer(struct txn *t, const struct cse_relay *r, json_t **out)
{
    struct cse_outbox_queue q;
    struct cse_outbox_event event;
    TRY(cse_outbox_get(t, text_of(r->answer), text_of(r->name), &q));
    TRY(cse_outbox_head(t, &q, &event));
    return json_parse(event.body, out) == ERR_OK ? ERR_OK : ERR_MALFORMED_RECORD;
}

err_t cse_relay_forget(struct txn *t, const struct cse_relay *r)
{
    struct cse_outbox_queue q;
    struct cse_outbox_event event;
    usec_t n = 0;
    TRY(cse_outbox_get(t, text_of(r->answer), text_of(r->name), &q));
    TRY(cse_outbox_head(t, &q, &event));
    return cse_outbox_remove(t, &q, event.number, &n);
}

static err_t take_answer(const struct cse_ask *ask, const struct cse_relay *r, struct response *rs)
{
    SCOPED(json_scope) json_t *v = NULL;
    TRY(cse_relay_answer(ask->t, r, &v));
    const json_t *pc = json_object_get(v, "pc");
    rs->rsc = (uint16_t)json_integer_value(json_object_get(v, "rsc"));
    return pc == NULL ? ERR_OK : json_write(pc, &rs->body);
}

err_t cse_relay_answered(struct txn *t, const struct cse_outbox_queue *q, json_int_t rsc, const json_t *pc, usec_t now)
{
    char target[CSE_OUTBOX_TARGET_MAX];
    struct writer w;
    TRY(text_join("R:", text_skip(q->target, 2), target));
    TRY(room_for(t, pc, &w));
    struct emit e = emit_to(&w);
    emit_object(&e, NULL);
    emit_number(&e, "rsc", rsc >= 2000 && rsc < 7000 ? (uint64_t)rsc : 5000); /* it goes to somebody else: one that there is */
    TRY(finish(&e, pc));
    const struct cse_outbox_note note = {.target = text_of(target), .sub = q->sub, .now = now,
                                         .kind = CSE_OUTBOX_ANSWER, .body = writer_view(&w), .keep = 1};
    return cse_outbox_add(t, &note);
}

/* -- whoever asks ------------------------------------------------------------------------------------------------------- */
static err_t away(const struct cse_ask *ask, struct response *rs)
{
    return detail_fail(rs->detail, ERR_TARGET_AWAY, "AE", ask->rq->prim->to);
}

/* Its answer; or it is put on its way; or it is waited for. `open`: there is a way. */
static err_t ask_target(const struct cse_ask *ask, const struct cse_relay *r, struct text from, bool open, struct response *rs)
{
    err_t e = take_answer(ask, r, rs);
    if (e != ERR_NOT_FOUND) {
        return e;
    }
    if (!open) {
        return away(ask, rs);
    }
    if (!ask->t->writable) {
        struct cse_outbox_queue q;
        err_t there = cse_outbox_get(ask->t, text_of(r->request), text_of(r->name), &q);
        TRY(there == ERR_NOT_FOUND ? ERR_OK : there);
        if (there == ERR_OK) { /* who could not be asked will not answer */
            rs->wait = cse_relay_wait(r);
        }
        return away(ask, rs);
    }
    rs->rsc = ROLE_RSC_LATER;
    e = cse_relay_put(ask, r, from, ask->rq->prim->pc);
    return e == ERR_TARGET_AWAY ? away(ask, rs) : e;
}

static err_t ask_ae(const struct cse_ask *ask, const struct cse_target *ae, bool has_point, struct response *rs)
{
    struct cse_relay r;
    char target[CSE_OUTBOX_TARGET_MAX];
    bool open = has_point;
    TRY(text_join("A:", ae->res.ri, target));
    TRY(cse_relay_name(ask, text_empty(), text_of(target), &r));
    TRY(open ? ERR_OK : cse_relay_is_open(ask->t, &ae->res, ask->rq->now, &open));
    return ask_target(ask, &r, ask->rq->prim->from, open, rs);
}

err_t cse_relay_request(const struct cse_ask *ask, const struct cse_target *ae, struct response *rs)
{
    TRY(right_check(ask, ae, rs->detail));
    return ask_ae(ask, ae, false, rs);
}

/* -- of a group ------------------------------------------------------------------------------------------------------ */
/* By its address: what stands there, and who may tell it, its registrar knows. No group behind a group of another CSE: it could
 * lead back here, again and again. */
static err_t ask_elsewhere(const struct cse_ask *ask, struct response *rs)
{
    struct text to = ask->rq->prim->to;
    char target[CSE_OUTBOX_TARGET_MAX] = "C:";
    struct writer w = writer_of(target + 2, sizeof(target) - 2);
    struct cse_relay r;
    struct hop way;
    struct text group, rest;
    err_t e = cse_group_split(to, &group, &rest) ? ERR_CONTENTS : cse_hop_absolute(ask->cse, to, &w);
    e = e == ERR_OK ? writer_finish_z(&w) : e;
    if (e != ERR_OK) {
        return detail_fail(rs->detail, ERR_OPERATION, "NOTIFY of a member elsewhere that is no AE", to);
    }
    TRY(cse_relay_name(ask, text_empty(), text_of(target), &r));
    e = cse_hop_own(ask->cse, ask->t, text_of(target + 2), ask->rq->now, &way);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    struct text sp = text_skip(text_of(target), 4);
    bool same = ask->from->sp_relative.z[0] != '\0' && text_eq_nocase(text_take(sp, text_find(sp, '/')), text_of(ask->cse->sp.z));
    return ask_target(ask, &r, text_of(same ? ask->from->sp_relative.z : ask->from->absolute.z), e == ERR_OK, rs);
}

err_t cse_relay_member(const struct cse_ask *ask, struct response *rs)
{
    struct cse_target at;
    struct text url, to = ask->rq->prim->to;
    if (!cse_addr_is_local(ask->cse, to)) {
        return ask_elsewhere(ask, rs);
    }
    TRY(cse_addr_resolve(ask->cse, ask->t, to, ask->rq->now, &at));
    if (at.res.type->ty != TYPE_AE) {
        return detail_fail(rs->detail, ERR_OPERATION, "NOTIFY of a member that is no AE", to);
    }
    TRY(right_check(ask, &at, rs->detail));
    TRY(cse_deliver_point(ask->cse, ask->t, &at.res, &url));
    return ask_ae(ask, &at, url.n > 0, rs);
}
