#include "role/cse/cse_relay.h"

#include "base/hex.h"
#include "role/cse/cse_deliver.h"
#include "role/cse/cse_token.h"
#include "role/detail.h"
#include "wire/emit.h"
#include "wire/json.h"

#define NAME_OCTETS 16
#define WAITING_MAX 8 /* of one AE: who does not ask for them is sent no more */
#define AGE_MAX (60 * USEC_PER_SEC)

static const char prefix[] = CSE_RELAY_PREFIX;

struct relay {
    char name[sizeof(prefix) + 2 * NAME_OCTETS];
    char request[M2MID_MAX + 4], answer[M2MID_MAX + 4]; /* targets of the outbox */
};

bool cse_relay_is_one(struct text sub)
{
    return text_starts(sub, prefix);
}

usec_t cse_relay_end(const struct cse_outbox_event *e)
{
    return e->number + AGE_MAX;
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

/* -- to a polling channel ------------------------------------------------------------------------------------------ */
static err_t text_join(const char *a, struct text b, char *out, size_t cap)
{
    struct writer w = writer_of(out, cap);
    writer_z(&w, a);
    writer_text(&w, b);
    return writer_finish_z(&w);
}

static err_t targets_of(struct text ri, struct relay *out)
{
    TRY(text_join("A:", ri, out->request, sizeof(out->request)));
    return text_join("R:", ri, out->answer, sizeof(out->answer));
}

/* The same request of the same originator has the same name: he may ask again for its answer. */
static err_t name_of(const struct cse_ask *ask, struct text ri, struct relay *out)
{
    uint8_t digest[CRYPTO_HASH_LEN];
    const struct primitive *p = ask->rq->prim;
    const struct bytes parts[] = {text_bytes(text_of(ask->from->absolute.z)), bytes_of("\n", 1), text_bytes(p->rqi),
                                  bytes_of("\n", 1), p->content};
    struct writer w = WRITER_ARRAY(out->name);
    TRY(ask->cse->env.crypto->hash(CRYPTO_SHA256, parts, ARRAY_LEN(parts), digest));
    writer_z(&w, prefix);
    hex_write_lower(&w, bytes_of(digest, NAME_OCTETS));
    TRY(writer_finish_z(&w));
    return targets_of(ri, out);
}

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

static err_t has_channel(const struct cse_ask *ask, const struct cse_res *ae, bool *out)
{
    char key[CSE_CHILD_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    struct channel c = {.now = ask->rq->now};
    TRY(cse_res_child_key(&k, ae->node, TYPE_PCH, text_empty()));
    const struct store_scan s = {.table = TABLE_CSE_CHILD, .prefix = writer_view(&k), .after = bytes_empty(),
                                 .order = STORE_ASCENDING};
    TRY(txn_scan(ask->t, &s, channel_hit, &c));
    *out = c.open;
    return c.err;
}

static bool count_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    (void)value;
    size_t *n = arg;
    return ++*n < WAITING_MAX;
}

static err_t room_check(struct txn *t, const struct relay *r)
{
    char key[CSE_OUTBOX_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    size_t n = 0;
    TRY(cse_outbox_key(text_of(r->request), text_of(prefix), &k));
    const struct store_scan s = {.table = TABLE_CSE_QUEUE, .prefix = writer_view(&k), .after = bytes_empty(),
                                 .order = STORE_ASCENDING, .limit = WAITING_MAX};
    TRY(txn_scan(t, &s, count_hit, &n));
    return n < WAITING_MAX ? ERR_OK : ERR_LIMIT_BUSY;
}

/* {"fr":"/in","pc":{...}} */
static err_t put(const struct cse_ask *ask, const struct relay *r)
{
    const struct primitive *p = ask->rq->prim;
    size_t cap = CSE_RES_JSON_MAX;
    uint8_t *b = arena_alloc(ask->t->arena, cap);
    struct writer w = writer_of(b, b == NULL ? 0 : cap);
    struct emit e = emit_to(&w);
    emit_object(&e, NULL);
    emit_text(&e, "fr", p->from);
    if (p->pc != NULL) {
        emit_name(&e, "pc");
        TRY(json_write(p->pc, &w));
    }
    emit_close_object(&e);
    TRY(writer_finish(&w));
    const struct cse_outbox_note note = {.target = text_of(r->request), .sub = text_of(r->name), .now = ask->rq->now,
                                         .kind = CSE_OUTBOX_RELAY, .body = writer_view(&w), .keep = 1};
    return cse_outbox_add(ask->t, &note);
}

/* -- the answer ------------------------------------------------------------------------------------------------------ */
/* {"rsc":2000,"pc":{...}} */
static err_t take_answer(const struct cse_ask *ask, const struct relay *r, struct response *rs)
{
    SCOPED(json_scope) json_t *v = NULL;
    struct cse_outbox_queue q;
    struct cse_outbox_event event;
    TRY(cse_outbox_get(ask->t, text_of(r->answer), text_of(r->name), &q));
    TRY(cse_outbox_head(ask->t, &q, &event));
    TRY(json_parse(event.body, &v) == ERR_OK ? ERR_OK : ERR_MALFORMED_RECORD);
    const json_t *pc = json_object_get(v, "pc");
    rs->rsc = (uint16_t)json_integer_value(json_object_get(v, "rsc"));
    return pc == NULL ? ERR_OK : json_write(pc, &rs->body);
}

err_t cse_relay_answered(const struct cse_ask *ask, struct text ri, struct text sub, const json_t *rsp)
{
    struct relay r;
    size_t cap = CSE_RES_JSON_MAX;
    uint8_t *b = arena_alloc(ask->t->arena, cap);
    struct writer w = writer_of(b, b == NULL ? 0 : cap);
    struct emit e = emit_to(&w);
    json_int_t rsc = json_integer_value(json_object_get(rsp, "rsc"));
    const json_t *pc = json_object_get(rsp, "pc");
    TRY(targets_of(ri, &r));
    emit_object(&e, NULL);
    emit_number(&e, "rsc", rsc >= 2000 && rsc < 7000 ? (uint64_t)rsc : 5000); /* it goes to somebody else: one that there is */
    if (pc != NULL) {
        emit_name(&e, "pc");
        TRY(json_write(pc, &w));
    }
    emit_close_object(&e);
    TRY(writer_finish(&w));
    const struct cse_outbox_note note = {.target = text_of(r.answer), .sub = sub, .now = ask->rq->now,
                                         .kind = CSE_OUTBOX_ANSWER, .body = writer_view(&w), .keep = 1};
    return cse_outbox_add(ask->t, &note);
}

err_t cse_relay_request(const struct cse_ask *ask, const struct cse_target *ae, struct response *rs)
{
    struct relay r;
    struct cse_outbox_queue q;
    bool open = false;
    TRY(right_check(ask, ae, rs->detail));
    TRY(name_of(ask, ae->res.ri, &r));
    err_t e = take_answer(ask, &r, rs);
    if (e != ERR_NOT_FOUND) {
        return e;
    }
    TRY(has_channel(ask, &ae->res, &open));
    if (!open || !ask->t->writable) {
        return detail_fail(rs->detail, ERR_TARGET_AWAY, "AE", ask->rq->prim->to);
    }
    rs->rsc = ROLE_RSC_LATER;
    e = cse_outbox_get(ask->t, text_of(r.request), text_of(r.name), &q);
    if (e != ERR_NOT_FOUND) { /* it waits there already */
        return e;
    }
    TRY(room_check(ask->t, &r));
    return put(ask, &r);
}
