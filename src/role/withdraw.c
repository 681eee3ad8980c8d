#include "role/withdraw.h"

#include "base/hex.h"
#include "role/cert_key.h"
#include "role/detail.h"
#include "role/emit.h"
#include "role/expire.h"
#include "role/originator.h"
#include "role/standing.h"
#include "role/withdraw_reader.h"

#include <string.h>

enum { VERSION = 1, VERSION_PART = 2 /* of a credential's keys */, LINES_MAX = 32, KEYS_MAX = 64 /* of one answer */ };

#define APART 0x01 /* between the parts of an id: in no identifier */
#define HANDED_ID_MAX (2 * KEYID_MAX + 2 + 2 * KEYS_RELATIVE_LEN + 1)

const struct withdraw_kind withdraw_mef = {"mef", TABLE_MEF_WITHDRAWN, true, TABLE_MEF_HANDED, true};
const struct withdraw_kind withdraw_maf = {"maf", TABLE_MAF_WITHDRAWN, true, TABLE_MAF_HANDED, false};
const struct withdraw_kind withdraw_cse = {"cse", TABLE_CSE_WITHDRAWN, false, TABLE_CSE_WITHDRAWN, false};

/* -- the log ------------------------------------------------------------------------------------------- */
struct line {
    struct keyid credential; /* folded */
    uint8_t standing;
    usec_t not_after; /* 0: not known, from before */
    struct m2mid target;
    char relative[2 * KEYS_RELATIVE_LEN + 1];
};
static const struct rec_field line_fields[] = {
    {REC_TEXT, REC_AT(struct line, credential.z)},
    {REC_U8, REC_AT(struct line, standing), .high = STANDING_MAX},
    {REC_TIME, REC_AT(struct line, not_after), .since = VERSION_PART},
    {REC_TEXT, REC_AT(struct line, target.z), .since = VERSION_PART},
    {REC_TEXT, REC_AT(struct line, relative), .since = VERSION_PART},
};
static const struct rec_layout line_layout = REC_LAYOUT(struct line, line_fields, VERSION, VERSION_PART);

static void number_write(uint64_t n, struct writer *w)
{
    uint8_t octets[WITHDRAW_NUMBER_LEN / 2];
    struct writer o = WRITER_ARRAY(octets);
    writer_u64(&o, n);
    hex_write_lower(w, BYTES_ARRAY(octets));
}

static err_t number_parse(struct text t, uint64_t *out)
{
    uint8_t octets[WITHDRAW_NUMBER_LEN / 2];
    struct writer w = WRITER_ARRAY(octets);
    if (t.n != WITHDRAW_NUMBER_LEN || hex_parse(t, &w) != ERR_OK) {
        return ERR_MALFORMED;
    }
    struct reader r = reader_of(BYTES_ARRAY(octets));
    *out = reader_u64(&r);
    return ERR_OK;
}

static err_t last_id(const struct withdraw_kind *k, char out[static 32])
{
    struct writer w = writer_of(out, 32);
    writer_z(&w, "withdrawn/");
    writer_z(&w, k->role);
    return writer_finish_z(&w);
}

err_t withdraw_last(const struct withdraw_kind *k, struct txn *t, uint64_t *out)
{
    char id[32], number[WITHDRAW_NUMBER_LEN + 1];
    struct bytes b;
    *out = 0;
    TRY(last_id(k, id));
    err_t e = rec_get(t, TABLE_META, text_of(id), &b);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(rec_name_parse(b, number, sizeof(number)));
    return number_parse(text_of(number), out) == ERR_OK ? ERR_OK : ERR_MALFORMED_RECORD;
}

/* -- who was handed what ---------------------------------------------------------------------------------- */
enum { VERSION_HANDED = 2, VERSION_TARGET = 3 };
struct handed {
    usec_t not_after;
    usec_t after;                       /* number of the last line then: revoked by it or before is not this key; 0: not known */
    struct m2mid target;                /* for which it went out; empty: not known, or there is none */
    char line[WITHDRAW_NUMBER_LEN + 1]; /* of a place (place_id), and only there */
};
static const struct rec_field handed_fields[] = {
    {REC_TIME, REC_AT(struct handed, not_after)},
    {REC_TIME, REC_AT(struct handed, after), .since = VERSION_HANDED},
    {REC_TEXT, REC_AT(struct handed, target.z), .since = VERSION_TARGET},
    {REC_TEXT, REC_AT(struct handed, line), .since = VERSION_TARGET},
};
static const struct rec_layout handed_layout = REC_LAYOUT(struct handed, handed_fields, VERSION, VERSION_TARGET);

static err_t handed_id(const struct keyid *credential, struct text who, struct text relative, char out[static HANDED_ID_MAX])
{
    struct writer w = writer_of(out, HANDED_ID_MAX);
    writer_z(&w, credential->z);
    writer_u8(&w, APART);
    size_t host = text_starts(who, "//") ? 2 + text_find(text_skip(who, 2), '/') : who.n; /* compared without case */
    writer_text_lower(&w, text_take(who, host));
    writer_text(&w, text_skip(who, host));
    writer_u8(&w, APART);
    writer_text_lower(&w, relative);
    return writer_finish_z(&w);
}

/* Also of a reader (withdraw_reader.c). */
static bool is_over(struct bytes record, usec_t now)
{
    struct handed h;
    return rec_parse(&handed_layout, record, &h) == ERR_OK && h.not_after <= now;
}

static bool is_line_over(struct bytes record, usec_t now)
{
    struct line l;
    return rec_parse(&line_layout, record, &l) == ERR_OK && l.not_after != 0 && l.not_after <= now;
}

static err_t handed_put(const struct withdraw_kind *k, struct txn *t, const char *id, const struct handed *h)
{
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_write(&handed_layout, VERSION_TARGET, h, NULL, &w));
    return rec_put(t, k->handed, text_of(id), &w, STORE_PUT_ANY);
}

err_t withdraw_handed(const struct withdraw_kind *k, const struct request *rq, struct txn *t,
                      const struct withdraw_handed *h)
{
    char id[HANDED_ID_MAX];
    struct keyid credential;
    uint64_t last = 0;
    TRY(k->reassigns ? withdraw_last(k, t, &last) : ERR_OK);
    struct handed rec = {.not_after = h->not_after, .after = (usec_t)last};
    TRY(TEXT_COPY(h->target, rec.target.z));
    TRY(cert_key_fold(h->credential, &credential));
    TRY(handed_id(&credential, withdraw_reader_name(rq), h->relative, id));
    TRY(handed_put(k, t, id, &rec));
    TRY(withdraw_reader_put(k, rq, t, h->not_after));
    TRY(expire_is_due(h->relative, '3') ? expire_run(t, k->log, is_line_over, rq->now) : ERR_OK);
    return expire_is_due(h->relative, '2') ? expire_run(t, k->handed, is_over, rq->now) : ERR_OK;
}

/* -- a new line -------------------------------------------------------------------------------------------- */
static bool any_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    (void)value;
    *(bool *)arg = true;
    return false;
}

static err_t is_handed(const struct withdraw_kind *k, struct txn *t, const struct keyid *credential, bool *out)
{
    char prefix[KEYID_MAX + 4], after[KEYID_MAX + 4];
    struct writer p = WRITER_ARRAY(prefix);
    struct writer a = WRITER_ARRAY(after);
    *out = false;
    writer_z(&p, credential->z);
    writer_u8(&p, APART);
    writer_bytes(&a, writer_view(&p));
    writer_u8(&a, APART + 1); /* behind the places */
    TRY(writer_finish(&p));
    TRY(writer_finish(&a));
    struct store_scan q = {.table = k->handed, .prefix = writer_view(&p), .after = writer_view(&a),
                           .order = STORE_ASCENDING, .limit = 1};
    return txn_scan(t, &q, any_hit, out);
}

/* Where the line of this thing stands: among those of its credential, handed to nobody. */
static err_t place_id(const struct line *l, char out[static HANDED_ID_MAX])
{
    struct writer w = writer_of(out, HANDED_ID_MAX);
    writer_z(&w, l->credential.z);
    writer_u8(&w, APART);
    writer_u8(&w, APART);
    writer_z(&w, l->target.z);
    writer_u8(&w, APART);
    writer_z(&w, l->relative);
    return writer_finish_z(&w);
}

/* Does the new line say all that the former one did? After a revocation that left the credential in use it does not. */
static err_t is_covered(const struct withdraw_kind *k, struct txn *t, const char *former, const struct line *l, bool *out)
{
    struct line old;
    struct bytes b;
    err_t e = rec_get(t, k->log, text_of(former), &b);
    *out = false;
    if (e != ERR_OK) { /* it may be over and gone */
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(rec_parse(&line_layout, b, &old));
    *out = ((old.standing & ~l->standing) & STANDING_REVOKED) == 0;
    return ERR_OK;
}

/* Takes the former line away: who has not read it reads the new one. */
static err_t replace(const struct withdraw_kind *k, struct txn *t, const struct line *l, const char *number)
{
    char id[HANDED_ID_MAX];
    struct bytes b;
    struct handed place;
    bool covered = false;
    TRY(place_id(l, id));
    err_t e = rec_get(t, k->handed, text_of(id), &b);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    if (e == ERR_OK) {
        TRY(rec_parse(&handed_layout, b, &place));
        TRY(is_covered(k, t, place.line, l, &covered));
        TRY(covered ? txn_del(t, k->log, text_of(place.line)) : ERR_OK);
    }
    place = (struct handed){.not_after = l->not_after};
    TRY(TEXT_COPY(text_of(number), place.line));
    return handed_put(k, t, id, &place);
}

static err_t line_put(const struct withdraw_kind *k, struct txn *t, const struct line *l, const char *number)
{
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(replace(k, t, l, number));
    TRY(rec_write(&line_layout, VERSION_PART, l, NULL, &w));
    return rec_put(t, k->log, text_of(number), &w, STORE_PUT_IF_ABSENT);
}

static err_t line_of(const struct withdraw_what *what, struct line *out)
{
    struct writer w = WRITER_ARRAY(out->relative);
    *out = (struct line){.standing = what->standing, .not_after = what->not_after};
    TRY(cert_key_fold(what->credential, &out->credential));
    writer_text_lower(&w, what->relative);
    TRY(TEXT_COPY(what->target, out->target.z));
    return writer_finish_z(&w);
}

/* Numbers are times that never stand still nor go back, whatever the clock does. Workers look at the last one, so there is a
 * new one with each act, line or not. */
err_t withdraw_note(const struct withdraw_kind *k, struct txn *t, const struct withdraw_what *what, usec_t now)
{
    uint8_t buf[REC_MAX];
    char id[32], number[WITHDRAW_NUMBER_LEN + 1];
    uint64_t last = 0;
    bool handed = false;
    struct line l;
    TRY(line_of(what, &l));
    TRY(withdraw_last(k, t, &last));
    struct writer n = WRITER_ARRAY(number);
    number_write((uint64_t)now > last ? (uint64_t)now : last + 1, &n);
    TRY(writer_finish_z(&n));
    TRY(k->hands_out ? is_handed(k, t, &l.credential, &handed) : ERR_OK);
    TRY(handed ? line_put(k, t, &l, number) : ERR_OK);
    struct writer w = WRITER_ARRAY(buf);
    TRY(last_id(k, id));
    TRY(rec_name_write(number, &w));
    return rec_put(t, TABLE_META, text_of(id), &w, STORE_PUT_ANY);
}

/* -- the answer ------------------------------------------------------------------------------------------- */
struct page {
    struct {
        uint64_t number;
        struct line line;
    } lines[LINES_MAX];
    size_t lines_n;
    char keys[KEYS_MAX][2 * KEYS_RELATIVE_LEN + 1]; /* of the line at hand */
    size_t keys_n, keys_room, skip;
    const struct line *line;
    uint64_t number;
    bool is_target; /* who asks is the line's target, for keys of which that is not noted */
    bool cut;
    err_t err;
};

err_t withdraw_cursor_check(struct text cursor)
{
    uint64_t n = 0;
    struct text rel = text_skip(cursor, WITHDRAW_NUMBER_LEN + 1);
    TRY(number_parse(text_take(cursor, WITHDRAW_NUMBER_LEN), &n));
    bool plain = cursor.n == WITHDRAW_NUMBER_LEN;
    bool within = cursor.n > WITHDRAW_NUMBER_LEN + 1 && cursor.p[WITHDRAW_NUMBER_LEN] == '.' && hex_is_text(rel) &&
                  rel.n <= 2 * KEYS_RELATIVE_LEN;
    return plain || within ? ERR_OK : ERR_MALFORMED;
}

static bool line_hit(void *arg, struct bytes id, struct store_value value)
{
    struct page *p = arg;
    p->err = number_parse(text_span((const char *)id.p, id.n), &p->lines[p->lines_n].number);
    p->err = p->err == ERR_OK ? rec_parse(&line_layout, value.data, &p->lines[p->lines_n].line) : p->err;
    return p->err == ERR_OK && ++p->lines_n < LINES_MAX;
}

/* What went out after a revocation came out of a new beginning: another holder, another instruction. */
static bool is_meant(const struct page *p, const struct handed *h, struct text relative)
{
    const struct line *l = p->line;
    bool later = (l->standing & STANDING_REVOKED) != 0 && (uint64_t)h->after >= p->number;
    if (later || (l->relative[0] != '\0' && !text_eq_z(relative, l->relative))) {
        return false;
    }
    if (l->target.z[0] == '\0') {
        return true;
    }
    return h->target.z[0] == '\0' ? p->is_target : m2mid_same(text_of(h->target.z), text_of(l->target.z));
}

static bool key_hit(void *arg, struct bytes id, struct store_value value)
{
    struct page *p = arg;
    struct text relative = text_skip(text_span((const char *)id.p, id.n), p->skip);
    struct handed h;
    p->err = rec_parse(&handed_layout, value.data, &h);
    if (p->err != ERR_OK) {
        return false;
    }
    if (!is_meant(p, &h, relative)) {
        return true;
    }
    if (p->keys_n == p->keys_room) {
        p->cut = true;
        return false;
    }
    p->err = TEXT_COPY(relative, p->keys[p->keys_n]);
    p->keys_n++;
    return p->err == ERR_OK;
}

static err_t lines_of(const struct withdraw_kind *k, struct text cursor, struct txn *t, struct page *p)
{
    uint64_t n = 0;
    char after[WITHDRAW_NUMBER_LEN + 1];
    TRY(number_parse(text_take(cursor, WITHDRAW_NUMBER_LEN), &n));
    struct writer w = WRITER_ARRAY(after);
    number_write(cursor.n > WITHDRAW_NUMBER_LEN && n > 0 ? n - 1 : n, &w); /* within a line: that line once more */
    TRY(writer_finish_z(&w));
    struct store_scan q = {.table = k->log, .prefix = bytes_empty(), .after = text_bytes(text_of(after)),
                           .order = STORE_ASCENDING, .limit = LINES_MAX};
    TRY(txn_scan(t, &q, line_hit, p));
    return p->err;
}

/* Keys of this line that this peer was handed, from where the cursor stands. */
static err_t keys_of(const struct withdraw_kind *k, const struct request *rq, struct text cursor, size_t i,
                     struct txn *t, struct page *p)
{
    char prefix[HANDED_ID_MAX], after[HANDED_ID_MAX];
    uint64_t n = 0;
    const struct keyid *credential = &p->lines[i].line.credential;
    TRY(number_parse(text_take(cursor, WITHDRAW_NUMBER_LEN), &n));
    bool within = cursor.n > WITHDRAW_NUMBER_LEN && n == p->lines[i].number;
    TRY(handed_id(credential, withdraw_reader_name(rq), text_empty(), prefix));
    TRY(handed_id(credential, withdraw_reader_name(rq), within ? text_skip(cursor, WITHDRAW_NUMBER_LEN + 1) : text_empty(), after));
    p->keys_n = 0;
    p->skip = strlen(prefix);
    p->line = &p->lines[i].line;
    p->number = p->lines[i].number;
    p->is_target = originator_is(rq->assoc, text_of(p->line->target.z));
    struct store_scan q = {.table = k->handed, .prefix = text_bytes(text_of(prefix)), .order = STORE_ASCENDING,
                           .after = within ? text_bytes(text_of(after)) : bytes_empty()};
    TRY(txn_scan(t, &q, key_hit, p));
    return p->err;
}

static err_t emit_key(struct emit *e, const struct page *p, size_t i, size_t key, const char *fqdn)
{
    char id[KEYID_MAX], at[WITHDRAW_CURSOR_MAX];
    struct writer w = WRITER_ARRAY(id);
    writer_z(&w, p->keys[key]);
    writer_u8(&w, '@');
    writer_z(&w, fqdn);
    TRY(writer_finish_z(&w));
    struct writer c = WRITER_ARRAY(at);
    number_write(p->lines[i].number, &c);
    writer_u8(&c, '.');
    writer_z(&c, p->keys[key]);
    TRY(writer_finish_z(&c));
    emit_object(e, NULL);
    emit_z(e, "id", id);
    emit_z(e, "state", standing_name(p->lines[i].line.standing, 1, 0));
    emit_z(e, "at", at);
    emit_close_object(e);
    return ERR_OK;
}

static void emit_number_text(struct emit *e, const char *name, uint64_t n)
{
    char text[WITHDRAW_NUMBER_LEN + 1];
    struct writer w = WRITER_ARRAY(text);
    number_write(n, &w);
    emit_z(e, name, writer_finish_z(&w) == ERR_OK ? text : "");
}

static err_t emit_end(struct emit *e, uint64_t next, uint64_t last, struct response *rs)
{
    emit_close_array(e);
    emit_number_text(e, "next", next); /* lines up to this one are told in full */
    emit_number_text(e, "last", last);
    emit_close_object(e);
    rs->rsc = 2000;
    return ERR_OK;
}

/* Only keys that were handed to who asks are told; a line that concerns nobody who asks passes in silence. Who was handed
 * none gets his own cursor back. */
err_t withdraw_serve(const struct withdraw_kind *k, const char *fqdn, const struct request *rq, struct txn *t,
                     struct response *rs)
{
    struct page p = {.keys_room = KEYS_MAX};
    struct text cursor = text_skip(rq->prim->path, sizeof(WITHDRAW_PATH) - 1);
    uint64_t last = 0, next = 0;
    bool reader = false;
    if (withdraw_cursor_check(cursor) != ERR_OK) {
        return detail_fail(rs->detail, ERR_MALFORMED, "cursor", cursor);
    }
    TRY(number_parse(text_take(cursor, WITHDRAW_NUMBER_LEN), &next));
    struct emit e = emit_to(&rs->body);
    emit_object(&e, NULL);
    emit_array(&e, "withdrawn");
    TRY(withdraw_reader_is(k, rq, t, &reader));
    if (!reader) {
        return emit_end(&e, next, next, rs);
    }
    next -= cursor.n > WITHDRAW_NUMBER_LEN && next > 0; /* within a line: that one is not told in full yet */
    TRY(withdraw_last(k, t, &last));
    TRY(lines_of(k, cursor, t, &p));
    for (size_t i = 0; i < p.lines_n && !p.cut && p.keys_room > 0; i++) {
        TRY(keys_of(k, rq, cursor, i, t, &p));
        for (size_t j = 0; j < p.keys_n; j++) {
            TRY(emit_key(&e, &p, i, j, fqdn));
        }
        p.keys_room -= p.keys_n;
        next = p.cut ? next : p.lines[i].number;
    }
    return emit_end(&e, next, last, rs);
}
