#include "role/withdraw.h"

#include "base/hex.h"
#include "role/cert_key.h"
#include "role/detail.h"
#include "role/emit.h"
#include "role/expire.h"
#include "role/standing.h"

#include <string.h>

enum { VERSION = 1, LINES_MAX = 32, KEYS_MAX = 64 /* of one answer */ };

#define APART 0x01 /* between the parts of an id: in no identifier */
#define HANDED_ID_MAX (2 * KEYID_MAX + 2 + 2 * KEYS_RELATIVE_LEN + 1)

const struct withdraw_kind withdraw_mef = {"mef", TABLE_MEF_WITHDRAWN, true, TABLE_MEF_HANDED, true};
const struct withdraw_kind withdraw_maf = {"maf", TABLE_MAF_WITHDRAWN, true, TABLE_MAF_HANDED, false};
const struct withdraw_kind withdraw_cse = {"cse", TABLE_CSE_WITHDRAWN, false, TABLE_CSE_WITHDRAWN, false};

/* -- the log ------------------------------------------------------------------------------------------- */
struct line {
    struct keyid credential; /* folded */
    uint8_t standing;
};
static const struct rec_field line_fields[] = {
    {REC_TEXT, REC_AT(struct line, credential.z)},
    {REC_U8, REC_AT(struct line, standing), .high = STANDING_MAX},
};
static const struct rec_layout line_layout = REC_LAYOUT(struct line, line_fields, VERSION, VERSION);

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

/* Numbers are times that never stand still nor go back, whatever the clock does. */
err_t withdraw_note(const struct withdraw_kind *k, struct txn *t, struct text credential, uint8_t standing, usec_t now)
{
    uint8_t buf[REC_MAX];
    char id[32], number[WITHDRAW_NUMBER_LEN + 1];
    uint64_t last = 0;
    struct line l = {.standing = standing};
    TRY(cert_key_fold(credential, &l.credential));
    TRY(withdraw_last(k, t, &last));
    struct writer n = WRITER_ARRAY(number);
    number_write((uint64_t)now > last ? (uint64_t)now : last + 1, &n);
    TRY(writer_finish_z(&n));
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_write(&line_layout, VERSION, &l, NULL, &w));
    TRY(rec_put(t, k->log, text_of(number), &w, STORE_PUT_IF_ABSENT));
    w = WRITER_ARRAY(buf);
    TRY(last_id(k, id));
    TRY(rec_name_write(number, &w));
    return rec_put(t, TABLE_META, text_of(id), &w, STORE_PUT_ANY);
}

/* -- who was handed what ---------------------------------------------------------------------------------- */
enum { VERSION_HANDED = 2 };
struct handed {
    usec_t not_after;
    usec_t after; /* number of the last line then: that one and those before it are not about this key; 0: not known */
};
static const struct rec_field handed_fields[] = {{REC_TIME, REC_AT(struct handed, not_after)},
                                                 {REC_TIME, REC_AT(struct handed, after), .since = VERSION_HANDED}};
static const struct rec_layout handed_layout = REC_LAYOUT(struct handed, handed_fields, VERSION, VERSION_HANDED);

static struct text who_of(const struct request *rq)
{
    bool from = rq->prim->has_from && rq->prim->from.n > 0;
    return from ? rq->prim->from : association_name(rq->assoc);
}

static err_t handed_id(const struct keyid *credential, struct text who, struct text relative, char out[static HANDED_ID_MAX])
{
    struct writer w = writer_of(out, HANDED_ID_MAX);
    writer_z(&w, credential->z);
    writer_u8(&w, APART);
    size_t host = text_starts(who, "//") ? 2 + text_find(text_skip(who, 2), '/') : who.n; /* compared without case */
    for (size_t i = 0; i < who.n; i++) {
        writer_u8(&w, (uint8_t)(i < host ? text_lower(who.p[i]) : who.p[i]));
    }
    writer_u8(&w, APART);
    for (size_t i = 0; i < relative.n; i++) {
        writer_u8(&w, (uint8_t)text_lower(relative.p[i]));
    }
    return writer_finish_z(&w);
}

static bool is_over(struct bytes record, usec_t now)
{
    struct handed h;
    return rec_parse(&handed_layout, record, &h) == ERR_OK && h.not_after <= now;
}

err_t withdraw_handed(const struct withdraw_kind *k, const struct request *rq, struct txn *t,
                      const struct withdraw_handed *h)
{
    char id[HANDED_ID_MAX];
    uint8_t buf[REC_MAX];
    struct keyid credential;
    uint64_t last = 0;
    if (h->credential.n == 0) { /* of a certificate: it ends with that, and nobody here can withdraw it */
        return ERR_OK;
    }
    TRY(cert_key_fold(h->credential, &credential));
    TRY(handed_id(&credential, who_of(rq), h->relative, id));
    TRY(k->reassigns ? withdraw_last(k, t, &last) : ERR_OK);
    const struct handed rec = {h->not_after, (usec_t)last};
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_write(&handed_layout, last > 0 ? VERSION_HANDED : VERSION, &rec, NULL, &w));
    TRY(rec_put(t, k->handed, text_of(id), &w, STORE_PUT_ANY));
    return expire_is_due(h->relative, '2') ? expire_run(t, k->handed, is_over, rq->now) : ERR_OK;
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
    uint64_t number; /* ... and its number */
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

static bool key_hit(void *arg, struct bytes id, struct store_value value)
{
    struct page *p = arg;
    struct handed h;
    if (rec_parse(&handed_layout, value.data, &h) == ERR_OK && (uint64_t)h.after >= p->number) {
        return true; /* it came out of the new beginning that this line made */
    }
    if (p->keys_n == p->keys_room) {
        p->cut = true;
        return false;
    }
    p->err = TEXT_COPY(text_skip(text_span((const char *)id.p, id.n), p->skip), p->keys[p->keys_n]);
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
    TRY(handed_id(credential, who_of(rq), text_empty(), prefix));
    TRY(handed_id(credential, who_of(rq), within ? text_skip(cursor, WITHDRAW_NUMBER_LEN + 1) : text_empty(), after));
    p->keys_n = 0;
    p->number = p->lines[i].number;
    p->skip = strlen(prefix);
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

/* Only keys that were handed to who asks are told; a line that concerns nobody who asks passes in silence. */
err_t withdraw_serve(const struct withdraw_kind *k, const char *fqdn, const struct request *rq, struct txn *t,
                     struct response *rs)
{
    struct page p = {.keys_room = KEYS_MAX};
    struct text cursor = text_skip(rq->prim->path, sizeof(WITHDRAW_PATH) - 1);
    uint64_t last = 0, next = 0;
    if (withdraw_cursor_check(cursor) != ERR_OK) {
        return detail_fail(rs->detail, ERR_MALFORMED, "cursor", cursor);
    }
    TRY(number_parse(text_take(cursor, WITHDRAW_NUMBER_LEN), &next));
    next -= cursor.n > WITHDRAW_NUMBER_LEN && next > 0; /* within a line: that one is not told in full yet */
    TRY(withdraw_last(k, t, &last));
    TRY(lines_of(k, cursor, t, &p));
    struct emit e = emit_to(&rs->body);
    emit_object(&e, NULL);
    emit_array(&e, "withdrawn");
    for (size_t i = 0; i < p.lines_n && !p.cut && p.keys_room > 0; i++) {
        TRY(keys_of(k, rq, cursor, i, t, &p));
        for (size_t j = 0; j < p.keys_n; j++) {
            TRY(emit_key(&e, &p, i, j, fqdn));
        }
        p.keys_room -= p.keys_n;
        next = p.cut ? next : p.lines[i].number;
    }
    emit_close_array(&e);
    emit_number_text(&e, "next", next); /* lines up to this one are told in full */
    emit_number_text(&e, "last", last);
    emit_close_object(&e);
    rs->rsc = 2000;
    return ERR_OK;
}
