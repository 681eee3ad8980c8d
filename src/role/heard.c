#include "role/heard.h"

#include "keys/keyid.h"
#include "role/withdraw.h"
#include "wire/json.h"

#include <string.h>

enum { AT_ONCE = 2 /* audit events of one transaction */, LINES_MAX = 1024, STAGED_MAX = 32 /* changes besides */ };

#define META_ID_MAX (KEYID_MAX + 32)
#define START "0000000000000000"

/* -- how far ---------------------------------------------------------------------------------------------- */
static err_t cursor_id(const struct heard *h, struct text peer, char out[static META_ID_MAX])
{
    struct writer w = writer_of(out, META_ID_MAX);
    writer_z(&w, "heard/");
    writer_z(&w, h->role);
    writer_u8(&w, '/');
    writer_text(&w, peer);
    return writer_finish_z(&w);
}

static err_t cursor_get(const struct heard *h, struct txn *t, struct text peer, char out[static WITHDRAW_CURSOR_MAX])
{
    char id[META_ID_MAX];
    struct bytes b;
    TRY(cursor_id(h, peer, id));
    err_t e = rec_get(t, TABLE_META, text_of(id), &b);
    if (e == ERR_NOT_FOUND) {
        return text_copy(text_of(START), out, WITHDRAW_CURSOR_MAX);
    }
    TRY(e);
    return rec_name_parse(b, out, WITHDRAW_CURSOR_MAX);
}

static err_t cursor_put(const struct heard *h, struct txn *t, struct text peer, const char *cursor)
{
    char id[META_ID_MAX];
    uint8_t buf[WITHDRAW_CURSOR_MAX + 8];
    struct writer w = WRITER_ARRAY(buf);
    TRY(cursor_id(h, peer, id));
    TRY(rec_name_write(cursor, &w));
    return rec_put(t, TABLE_META, text_of(id), &w, STORE_PUT_ANY);
}

static int by_number(const char *a, const char *b)
{
    return memcmp(a, b, WITHDRAW_NUMBER_LEN);
}

static bool is_whole(const char *cursor) /* the line is read to its end */
{
    return cursor[WITHDRAW_NUMBER_LEN] == '\0';
}

static bool is_read(const char *at, const char *cursor)
{
    int n = by_number(at, cursor);
    return n < 0 || (n == 0 && (is_whole(cursor) || strcmp(at, cursor) <= 0));
}

err_t heard_question(const struct heard *h, struct txn *t, struct text peer, struct text origin, struct question *out)
{
    char cursor[WITHDRAW_CURSOR_MAX];
    memset(out, 0, sizeof(*out));
    TRY(cursor_get(h, t, peer, cursor));
    struct writer w = WRITER_ARRAY(out->path);
    writer_z(&w, WITHDRAW_PATH);
    writer_z(&w, cursor);
    TRY(writer_finish_z(&w));
    TRY(TEXT_COPY(peer, out->peer));
    return TEXT_COPY(origin, out->origin);
}

/* -- what is kept of keys that nobody here holds ------------------------------------------------------------ */
struct room {
    usec_t full; /* one more moves it on by a share of a day; a day ahead of now there is no room */
    usec_t told; /* when the audit chain was last told */
};
static const struct rec_field room_fields[] = {{REC_TIME, REC_AT(struct room, full)}, {REC_TIME, REC_AT(struct room, told)}};
static const struct rec_layout room_layout = REC_LAYOUT(struct room, room_fields, 1, 1);

static err_t tell_crowded(struct txn *t, struct text peer, usec_t now)
{
    struct audit_event e = {.kind = AUDIT_AUTHORITY_CROWDS, .time = now, .outcome = ERR_LIMIT_CAPACITY};
    TRY(TEXT_COPY(text_take(peer, AUDIT_TEXT_MAX - 1), e.peer));
    return txn_audit(t, &e);
}

static err_t room_put(struct txn *t, const char *id, const struct room *r)
{
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_write(&room_layout, 1, r, NULL, &w));
    return rec_put(t, TABLE_META, text_of(id), &w, STORE_PUT_ANY);
}

err_t heard_room(const struct heard_kept *k, struct txn *t, const struct keyid *id, usec_t now, bool *out)
{
    char key[META_ID_MAX];
    struct bytes b;
    struct room r = {0};
    struct text peer = text_skip(text_of(id->z), text_find(text_of(id->z), '@') + 1);
    struct writer w = WRITER_ARRAY(key);
    writer_z(&w, "tombs/");
    writer_z(&w, k->role);
    writer_u8(&w, '/');
    writer_text(&w, peer);
    TRY(writer_finish_z(&w));
    err_t e = rec_get(t, TABLE_META, text_of(key), &b);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    TRY(e == ERR_OK ? rec_parse(&room_layout, b, &r) : ERR_OK);
    usec_t next = (r.full > now ? r.full : now) + HEARD_TOMBSTONE_LIFE / HEARD_TOMBSTONES_MAX;
    *out = next - now <= HEARD_TOMBSTONE_LIFE;
    if (*out) {
        bool fits = t->staged_n + EXPIRE_BATCH + STAGED_MAX <= TXN_STAGED_MAX;
        r.full = next;
        TRY(room_put(t, key, &r));
        return fits ? expire_run(t, k->table, k->is_over, now) : ERR_OK;
    }
    if (r.told != 0 && now - r.told < HEARD_TOMBSTONE_LIFE) {
        return ERR_OK;
    }
    r.told = now;
    TRY(tell_crowded(t, peer, now));
    return room_put(t, key, &r);
}

/* -- what is said ------------------------------------------------------------------------------------------ */
struct line {
    struct keyid id; /* folded */
    struct text state;
    char at[WITHDRAW_CURSOR_MAX];
};

static err_t parse_cursor(const json_t *v, char out[static WITHDRAW_CURSOR_MAX])
{
    struct text t = text_span(json_string_value(v), json_string_length(v));
    bool good = json_is_string(v) && withdraw_cursor_check(t) == ERR_OK;
    return good && text_copy(t, out, WITHDRAW_CURSOR_MAX) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE;
}

/* An authority speaks of the keys that carry its name, and of no others. */
static err_t parse_line(const json_t *v, const char *peer, struct line *out)
{
    const json_t *id = json_object_get(v, "id");
    const json_t *state = json_object_get(v, "state");
    struct keyid_parts parts;
    bool good = json_is_string(id) && json_is_string(state) &&
                keyid_fold(text_span(json_string_value(id), json_string_length(id)), &out->id) == ERR_OK &&
                keyid_parse(text_of(out->id.z), &parts) == ERR_OK && text_eq_nocase(parts.fqdn, text_of(peer));
    out->state = text_span(json_string_value(state), json_string_length(state));
    return good ? parse_cursor(json_object_get(v, "at"), out->at) : ERR_PEER_NONSENSE;
}

static err_t tell_back(struct txn *t, const char *peer, usec_t now)
{
    struct audit_event e = {.kind = AUDIT_AUTHORITY_BACK, .time = now};
    TRY(TEXT_COPY(text_take(text_of(peer), AUDIT_TEXT_MAX - 1), e.peer));
    return txn_audit(t, &e);
}

struct report {
    const json_t *lines;
    char next[WITHDRAW_CURSOR_MAX], last[WITHDRAW_CURSOR_MAX];
};

static err_t parse(const json_t *obj, struct report *out)
{
    out->lines = json_object_get(obj, "withdrawn");
    TRY(parse_cursor(json_object_get(obj, "next"), out->next));
    TRY(parse_cursor(json_object_get(obj, "last"), out->last));
    bool good = json_is_array(out->lines) && json_array_size(out->lines) <= LINES_MAX && is_whole(out->next) &&
                is_whole(out->last);
    return good ? ERR_OK : ERR_PEER_NONSENSE;
}

static err_t take(const struct heard *h, const struct question *q, const struct report *r, struct txn *t, usec_t now,
                  bool *more)
{
    char cursor[WITHDRAW_CURSOR_MAX], before[WITHDRAW_CURSOR_MAX];
    struct text peer = text_of(q->peer);
    size_t done = 0;
    TRY(cursor_get(h, t, peer, cursor));
    memcpy(before, cursor, sizeof(before));
    /* Restored from an older backup. What we heard stays; all that it has is heard once more, for with its clock back too what it
     * withdrew since then may stand before where we were. */
    if (by_number(cursor, r->last) > 0) {
        TRY(tell_back(t, q->peer, now));
        return cursor_put(h, t, peer, START);
    }
    for (size_t i = 0; i < json_array_size(r->lines) && !*more; i++) {
        struct line l;
        TRY(parse_line(json_array_get(r->lines, i), q->peer, &l));
        if (is_read(l.at, cursor)) {
            continue;
        }
        *more = done++ == AT_ONCE;
        if (!*more) {
            TRY(h->apply(h->ctx, t, &l.id, l.state, now));
            memcpy(cursor, l.at, sizeof(cursor));
        }
    }
    if (!*more && by_number(r->next, cursor) >= 0) {
        memcpy(cursor, r->next, sizeof(cursor));
    }
    return strcmp(cursor, before) == 0 ? ERR_OK : cursor_put(h, t, peer, cursor);
}

err_t heard_take(const struct heard *h, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                 bool *more)
{
    SCOPED(json_scope) json_t *obj = NULL;
    struct report r;
    *more = false;
    TRY(a->err);
    if (a->status == 404 || a->status == 405) { /* an authority that tells no such things */
        return ERR_DENIED_FETCH;
    }
    if (a->status != 200) { /* one that could, and does not: the operator is to know (authority-away) */
        return a->status >= 400 && a->status < 500 ? ERR_PEER_REFUSED : ERR_PEER_NONSENSE;
    }
    if (json_parse(a->body, &obj) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    TRY(parse(obj, &r));
    return take(h, q, &r, t, now, more);
}
