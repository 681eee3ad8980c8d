#include "role/cse/cse_outbox.h"

#include "base/hex.h"
#include "role/cse/cse_bell.h"
#include "role/rec.h"

#define EVENT_VERSION 1
#define QUEUE_VERSION 2
#define NUMBER_DIGITS 16
#define HEADS_OCTETS (256U << 10) /* of events that are read at once */
#define ROOM_MAX 2 /* old events that make room for one new one: more than it takes, so a queue that is too long shrinks */
#define OLDEST_MAX 4 /* that are looked at for it: the same transaction may have taken some of them already */

static const struct rec_field queue_fields[] = {
    {REC_VIEW16, REC_AT(struct cse_outbox_queue, target)},
    {REC_VIEW16, REC_AT(struct cse_outbox_queue, sub)},
    {REC_TIME, REC_AT(struct cse_outbox_queue, last)},
    {REC_TIME, REC_AT(struct cse_outbox_queue, count)},
    {REC_TIME, REC_AT(struct cse_outbox_queue, dropped)},
    {REC_U8, REC_AT(struct cse_outbox_queue, away), .low = 0, .high = 1},
    {REC_TIME, REC_AT(struct cse_outbox_queue, until), .since = 2},
    {REC_TIME, REC_AT(struct cse_outbox_queue, told), .since = 2},
};
static const struct rec_layout queue_layout = REC_LAYOUT(struct cse_outbox_queue, queue_fields, 1, QUEUE_VERSION);

static const struct rec_field event_fields[] = {
    {REC_TIME, REC_AT(struct cse_outbox_event, number)},
    {REC_U8, REC_AT(struct cse_outbox_event, kind), .low = CSE_OUTBOX_EVENT, .high = CSE_OUTBOX_ANSWER},
    {REC_VIEW32, REC_AT(struct cse_outbox_event, body)},
};
static const struct rec_layout event_layout = REC_LAYOUT(struct cse_outbox_event, event_fields, EVENT_VERSION, EVENT_VERSION);

/* -- keys ----------------------------------------------------------------------------------------------------- */
err_t cse_outbox_key(struct text target, struct text sub, struct writer *w)
{
    writer_text(w, target);
    writer_u8(w, ' ');
    writer_text(w, sub);
    return writer_finish(w);
}

static void write_number(usec_t number, struct writer *w)
{
    uint8_t b[NUMBER_DIGITS / 2];
    struct writer octets = WRITER_ARRAY(b);
    writer_u64(&octets, (uint64_t)number);
    hex_write_lower(w, writer_view(&octets));
}

/* TARGET SUB NUMBER: in order of time below TARGET SUB and a blank. */
static err_t event_key(const struct cse_outbox_queue *q, usec_t number, struct writer *w)
{
    TRY(cse_outbox_key(q->target, q->sub, w));
    writer_u8(w, ' ');
    if (number > 0) {
        write_number(number, w);
    }
    return writer_finish(w);
}

err_t cse_outbox_rqi(struct text sub, usec_t number, struct writer *w)
{
    writer_text(w, sub);
    writer_u8(w, '.');
    write_number(number, w);
    return writer_finish(w);
}

err_t cse_outbox_rqi_parse(struct text rqi, struct text *sub, usec_t *number)
{
    uint8_t b[NUMBER_DIGITS / 2];
    size_t dot = text_find_last(rqi, '.');
    if (dot == 0 || dot + 1 + NUMBER_DIGITS != rqi.n) {
        return ERR_NOT_FOUND;
    }
    struct writer w = WRITER_ARRAY(b);
    if (hex_parse(text_skip(rqi, dot + 1), &w) != ERR_OK) {
        return ERR_NOT_FOUND;
    }
    struct reader r = reader_of(writer_view(&w));
    *sub = text_take(rqi, dot);
    *number = rec_time(&r);
    return rec_finish(&r) == ERR_OK && *number > 0 ? ERR_OK : ERR_NOT_FOUND;
}

/* -- records -------------------------------------------------------------------------------------------------- */
err_t cse_outbox_queue_parse(struct bytes b, struct cse_outbox_queue *out)
{
    return rec_parse(&queue_layout, b, out);
}

err_t cse_outbox_event_parse(struct bytes b, struct cse_outbox_event *out)
{
    return rec_parse(&event_layout, b, out);
}

static err_t put_queue(struct txn *t, const struct cse_outbox_queue *q)
{
    char key[CSE_OUTBOX_KEY_MAX];
    uint8_t b[CSE_OUTBOX_KEY_MAX + 64];
    struct writer k = WRITER_ARRAY(key);
    struct writer w = WRITER_ARRAY(b);
    TRY(cse_outbox_key(q->target, q->sub, &k));
    if (q->count == 0 && q->until == 0) {
        err_t e = txn_del(t, TABLE_CSE_QUEUE, writer_view_text(&k));
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(rec_write(&queue_layout, QUEUE_VERSION, q, NULL, &w));
    return rec_put(t, TABLE_CSE_QUEUE, writer_view_text(&k), &w, STORE_PUT_ANY);
}

static err_t put_event(struct txn *t, const struct cse_outbox_queue *q, const struct cse_outbox_event *e)
{
    char key[CSE_OUTBOX_KEY_MAX + NUMBER_DIGITS + 1];
    struct writer k = WRITER_ARRAY(key);
    size_t cap = e->body.n + 64;
    uint8_t *b = arena_alloc(t->arena, cap);
    if (b == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(b, cap);
    TRY(event_key(q, e->number, &k));
    TRY(rec_write(&event_layout, EVENT_VERSION, e, NULL, &w));
    return rec_put(t, TABLE_CSE_EVENT, writer_view_text(&k), &w, STORE_PUT_ANY);
}

/* -- the oldest ones -------------------------------------------------------------------------------------------- */
struct oldest {
    struct arena *arena;
    struct cse_outbox_heads *out;
    size_t max, octets;
    err_t err;
};

static bool oldest_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    struct oldest *o = arg;
    struct bytes copy;
    o->err = arena_dup(o->arena, value.data, &copy) ? cse_outbox_event_parse(copy, &o->out->at[o->out->n]) : ERR_LIMIT_CAPACITY;
    o->out->n += o->err == ERR_OK;
    o->octets += value.data.n;
    return o->err == ERR_OK && o->out->n < o->max && o->octets < HEADS_OCTETS;
}

err_t cse_outbox_heads(struct txn *t, const struct cse_outbox_queue *q, size_t max, struct cse_outbox_heads *out)
{
    char key[CSE_OUTBOX_KEY_MAX + 1];
    struct writer k = WRITER_ARRAY(key);
    struct oldest o = {.arena = t->arena, .out = out, .max = max < CSE_OUTBOX_HEADS_MAX ? max : CSE_OUTBOX_HEADS_MAX};
    out->n = 0;
    TRY(event_key(q, 0, &k));
    const struct store_scan s = {.table = TABLE_CSE_EVENT, .prefix = writer_view(&k), .after = bytes_empty(),
                                 .order = STORE_ASCENDING, .limit = o.max};
    TRY(txn_scan(t, &s, oldest_hit, &o));
    return o.err;
}

/* -- what is done with them ------------------------------------------------------------------------------------- */
err_t cse_outbox_get(struct txn *t, struct text target, struct text sub, struct cse_outbox_queue *out)
{
    char key[CSE_OUTBOX_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    struct bytes b;
    if (cse_outbox_key(target, sub, &k) != ERR_OK) {
        return ERR_NOT_FOUND;
    }
    TRY(rec_get(t, TABLE_CSE_QUEUE, writer_view_text(&k), &b));
    return cse_outbox_queue_parse(b, out);
}

err_t cse_outbox_head(struct txn *t, const struct cse_outbox_queue *q, struct cse_outbox_event *out)
{
    struct cse_outbox_heads o;
    TRY(cse_outbox_heads(t, q, 1, &o));
    *out = o.at[0];
    return o.n == 1 ? ERR_OK : ERR_NOT_FOUND;
}

static err_t take(struct txn *t, struct cse_outbox_queue *q, usec_t number)
{
    char key[CSE_OUTBOX_KEY_MAX + NUMBER_DIGITS + 1];
    struct writer k = WRITER_ARRAY(key);
    struct store_value v;
    TRY(event_key(q, number, &k));
    TRY(txn_get(t, TABLE_CSE_EVENT, writer_view_text(&k), &v)); /* one request may have staged it already */
    q->count -= q->count > 0 ? 1 : 0;
    return txn_del(t, TABLE_CSE_EVENT, writer_view_text(&k));
}

static err_t make_room(struct txn *t, struct cse_outbox_queue *q, usec_t keep)
{
    struct cse_outbox_heads o = {.n = 0};
    usec_t taken = 0;
    TRY(q->count + 1 > keep ? cse_outbox_heads(t, q, OLDEST_MAX, &o) : ERR_OK);
    for (size_t i = 0; i < o.n && q->count + 1 > keep && taken < ROOM_MAX; i++) {
        err_t e = take(t, q, o.at[i].number);
        taken += e == ERR_OK ? 1 : 0;
        TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    }
    q->dropped += taken;
    return ERR_OK;
}

err_t cse_outbox_add(struct txn *t, const struct cse_outbox_note *n)
{
    struct cse_outbox_queue q;
    err_t e = cse_outbox_get(t, n->target, n->sub, &q);
    if (e == ERR_NOT_FOUND) {
        q = (struct cse_outbox_queue){.target = n->target, .sub = n->sub};
    } else {
        TRY(e);
    }
    bool one = n->latest || (n->latest_away && q.away == 1);
    TRY(make_room(t, &q, one ? 1 : (usec_t)n->keep));
    q.last = n->now > q.last ? n->now : q.last + 1;
    q.count++;
    const struct cse_outbox_event event = {.number = q.last, .kind = (uint8_t)n->kind, .body = n->body};
    TRY(put_event(t, &q, &event));
    TRY(put_queue(t, &q));
    return text_starts(n->target, "A:")   ? cse_bell_ring(t, n->target)
           : text_starts(n->target, "R:") ? cse_bell_ring(t, n->sub)
                                          : ERR_OK;
}

err_t cse_outbox_remove(struct txn *t, struct cse_outbox_queue *q, usec_t number, usec_t *n)
{
    struct cse_outbox_heads o;
    *n = 0;
    TRY(cse_outbox_heads(t, q, 1, &o));
    if (o.n == 1 && o.at[0].number != number) { /* the last of a batch: what is older was in it */
        TRY(cse_outbox_heads(t, q, CSE_OUTBOX_HEADS_MAX, &o));
    }
    for (size_t i = 0; i < o.n && o.at[i].number <= number; i++) {
        TRY(take(t, q, o.at[i].number));
        ++*n;
    }
    TRY(*n > 0 ? ERR_OK : ERR_NOT_FOUND);
    q->away = 0;
    return put_queue(t, q);
}

err_t cse_outbox_away(struct txn *t, struct cse_outbox_queue *q, bool away)
{
    if ((q->away == 1) == away) {
        return ERR_OK;
    }
    q->away = away ? 1 : 0;
    return put_queue(t, q);
}
