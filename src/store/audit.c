/*
 * Stored form of event n, under the id n as 8 octets: chain hash (32), then the record. The chain hash is
 * SHA-256(chain hash of event n - 1 || record), zeros before event 1. A checkpoint stands under the number of the
 * last event it covers and signs number, hash and time.
 */
#include "store/audit.h"

#include "base/reader.h"
#include "store/audit_find.h"

#include <string.h>

#define RECORD_VERSION 1
#define RECORD_VERSION_INSTANCE 2 /* the same, and last the instance; the default one is not named */
#define CHECKPOINT_VERSION 1
#define NUMBER_LEN 8
#define CHECKPOINT_LEN (1 + CRYPTO_HASH_LEN + 8 + CRYPTO_SIG_LEN)
#define CHECKPOINT_LABEL "keystead audit checkpoint 1"

const struct audit_info *audit_kind_info(enum audit_kind k)
{
    static const struct {
        enum audit_kind kind;
        struct audit_info info;
    } rows[] = {
#define X(name, number, code, doc) {AUDIT_##name, {code, doc}},
#include "store/audit_rows.h"
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].kind == k) {
            return &rows[i].info;
        }
    }
    return NULL;
}

/* -- the record --------------------------------------------------------------------------------------------------- */

static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7F;
}

/* The chain is read by people and tools: what a peer called itself cannot bring control characters into it. */
static void plain_text16(struct writer *w, const char *z, size_t cap)
{
    size_t mark = writer_mark16(w);
    for (size_t i = 0; i < cap - 1 && z[i] != '\0'; i++) {
        writer_u8(w, (uint8_t)(is_plain(z[i]) ? z[i] : '?'));
    }
    writer_close16(w, mark);
}

static bool is_plain_text(const char *z)
{
    while (is_plain(*z)) {
        z++;
    }
    return *z == '\0';
}

err_t audit_event_write(const struct audit_event *e, struct writer *w)
{
    if (e->kind == AUDIT_NONE || audit_kind_info(e->kind) == NULL) {
        return ERR_BUG;
    }
    bool named = e->instance[0] != '\0';
    writer_u8(w, named ? RECORD_VERSION_INSTANCE : RECORD_VERSION);
    writer_u16(w, (uint16_t)e->kind);
    writer_u64(w, (uint64_t)e->time);
    writer_text16(w, err_code(e->outcome)); /* the numbers of the enum may change between builds, the codes do not */
    plain_text16(w, e->peer, sizeof(e->peer));
    plain_text16(w, e->object, sizeof(e->object));
    plain_text16(w, e->association, sizeof(e->association));
    if (named) {
        plain_text16(w, e->instance, sizeof(e->instance));
    }
    return writer_finish(w);
}

static bool outcome_of_code(const char *code, err_t *out)
{
    *out = err_of_code(code);
    return *out != ERR_OK || strcmp(code, err_code(ERR_OK)) == 0;
}

err_t audit_event_parse(struct bytes b, struct audit_event *out)
{
    *out = (struct audit_event){0};
    struct reader r = reader_of(b);
    char code[64];
    uint8_t version = reader_u8(&r);
    out->kind = (enum audit_kind)reader_u16(&r);
    out->time = (usec_t)reader_u64(&r);
    reader_text16(&r, code, sizeof(code));
    reader_text16(&r, out->peer, sizeof(out->peer));
    reader_text16(&r, out->object, sizeof(out->object));
    reader_text16(&r, out->association, sizeof(out->association));
    bool named = version == RECORD_VERSION_INSTANCE;
    if (named) {
        reader_text16(&r, out->instance, sizeof(out->instance));
    }
    bool good = reader_finish(&r) == ERR_OK && (named ? out->instance[0] != '\0' : version == RECORD_VERSION) &&
                out->kind != AUDIT_NONE && audit_kind_info(out->kind) != NULL && outcome_of_code(code, &out->outcome) &&
                is_plain_text(out->peer) && is_plain_text(out->object) && is_plain_text(out->association) &&
                is_plain_text(out->instance);
    return good ? ERR_OK : ERR_MALFORMED_RECORD;
}

/* -- the stored event --------------------------------------------------------------------------------------------- */

struct stored {
    struct bytes hash; /* views */
    struct bytes record;
};

static bool stored_parse(struct bytes b, struct stored *out)
{
    struct reader r = reader_of(b);
    out->hash = reader_take(&r, CRYPTO_HASH_LEN);
    out->record = reader_take(&r, reader_left(&r));
    return !reader_failed(&r) && out->record.n > 0 && out->record.n <= AUDIT_RECORD_MAX;
}

/* Big-endian, so that the order of the ids is the order of the numbers. */
static struct bytes number_id(uint64_t number, uint8_t buf[NUMBER_LEN])
{
    struct writer w = writer_of(buf, NUMBER_LEN);
    writer_u64(&w, number);
    return writer_view(&w);
}

static bool number_of(struct bytes id, uint64_t *out)
{
    struct reader r = reader_of(id);
    *out = reader_u64(&r);
    return reader_finish(&r) == ERR_OK && *out > 0;
}

static err_t chain_hash(const struct crypto *c, const uint8_t previous[CRYPTO_HASH_LEN], struct bytes record,
                        uint8_t out[CRYPTO_HASH_LEN])
{
    uint8_t buf[CRYPTO_HASH_LEN + AUDIT_RECORD_MAX];
    struct writer w = WRITER_ARRAY(buf);
    writer_bytes(&w, bytes_of(previous, CRYPTO_HASH_LEN));
    writer_bytes(&w, record);
    TRY(writer_finish(&w));
    return c->sha256(writer_view(&w), out);
}

/* -- the checkpoint ----------------------------------------------------------------------------------------------- */

struct checkpoint {
    uint64_t number;
    uint8_t hash[CRYPTO_HASH_LEN];
    usec_t time;
    uint8_t sig[CRYPTO_SIG_LEN];
};

static bool checkpoint_parse(struct bytes id, struct bytes b, struct checkpoint *out)
{
    if (!number_of(id, &out->number)) {
        return false;
    }
    struct reader r = reader_of(b);
    uint8_t version = reader_u8(&r);
    reader_copy(&r, out->hash, sizeof(out->hash));
    out->time = (usec_t)reader_u64(&r);
    reader_copy(&r, out->sig, sizeof(out->sig));
    return reader_finish(&r) == ERR_OK && version == CHECKPOINT_VERSION;
}

static void checkpoint_message(const struct checkpoint *k, struct writer *w)
{
    writer_z(w, CHECKPOINT_LABEL);
    writer_u64(w, k->number);
    writer_bytes(w, BYTES_ARRAY(k->hash));
    writer_u64(w, (uint64_t)k->time);
}

err_t audit_checkpoint(struct store *s, const struct crypto *c, const struct audit_chain *chain,
                       struct bytes sign_seed, usec_t now)
{
    if (chain->next <= 1) {
        return ERR_OK; /* no event yet: nothing to sign */
    }
    struct checkpoint k = {.number = chain->next - 1, .time = now};
    memcpy(k.hash, chain->hash, sizeof(k.hash));
    uint8_t msg_buf[sizeof(CHECKPOINT_LABEL) + 8 + CRYPTO_HASH_LEN + 8];
    struct writer msg = WRITER_ARRAY(msg_buf);
    checkpoint_message(&k, &msg);
    TRY(writer_finish(&msg));
    TRY(c->sign(sign_seed, writer_view(&msg), k.sig));

    uint8_t buf[CHECKPOINT_LEN];
    uint8_t id[NUMBER_LEN];
    struct writer w = WRITER_ARRAY(buf);
    writer_u8(&w, CHECKPOINT_VERSION);
    writer_bytes(&w, BYTES_ARRAY(k.hash));
    writer_u64(&w, (uint64_t)k.time);
    writer_bytes(&w, BYTES_ARRAY(k.sig));
    TRY(writer_finish(&w));
    return store_put(s, TABLE_CHECKPOINT, number_id(k.number, id), writer_view(&w), STORE_PUT_ANY, 0);
}

/* -- appending ---------------------------------------------------------------------------------------------------- */

struct head {
    bool found;
    bool good;
    struct audit_chain chain;
};

static bool head_hit(void *arg, struct bytes id, struct store_value value)
{
    struct head *h = arg;
    struct stored e;
    uint64_t number = 0;
    h->found = true;
    h->good = number_of(id, &number) && number < UINT64_MAX && stored_parse(value.data, &e);
    if (h->good) {
        h->chain.next = number + 1;
        memcpy(h->chain.hash, e.hash.p, sizeof(h->chain.hash));
    }
    return false;
}

struct last_checkpoint {
    bool found;
    bool good;
    struct checkpoint k;
};

static bool last_checkpoint_hit(void *arg, struct bytes id, struct store_value value)
{
    struct last_checkpoint *l = arg;
    l->found = true;
    l->good = checkpoint_parse(id, value.data, &l->k);
    return false;
}

/* Is the event a checkpoint covers there, with the hash that was signed? */
static err_t check_covered(struct store *s, const struct checkpoint *k, struct arena *a)
{
    uint8_t id[NUMBER_LEN];
    struct store_value v;
    struct stored e;
    size_t used = a->used;
    err_t err = store_get(s, TABLE_AUDIT, number_id(k->number, id), a, &v);
    if (err == ERR_NOT_FOUND) {
        return ERR_AUDIT_CHAIN;
    }
    TRY(err);
    bool good = stored_parse(v.data, &e) && bytes_eq(e.hash, BYTES_ARRAY(k->hash));
    a->used = used;
    return good ? ERR_OK : ERR_AUDIT_CHAIN;
}

err_t audit_chain_load(struct store *s, const struct crypto *c, struct arena *a, struct audit_chain *out)
{
    (void)c;
    struct store_scan q = {.table = TABLE_AUDIT, .order = STORE_DESCENDING, .limit = 1};
    struct head h = {.chain = {.next = 1}};
    *out = h.chain;
    TRY(store_scan(s, &q, head_hit, &h));
    q.table = TABLE_CHECKPOINT;
    struct last_checkpoint l = {0};
    TRY(store_scan(s, &q, last_checkpoint_hit, &l));
    if ((h.found && !h.good) || (l.found && !l.good)) {
        return ERR_AUDIT_CHAIN;
    }
    /* A chain cut off behind a checkpoint must not be continued: the numbers would be given out a second time. */
    if (l.found) {
        TRY(check_covered(s, &l.k, a));
    }
    *out = h.chain;
    return ERR_OK;
}

err_t audit_chain_append(struct store *s, const struct crypto *c, struct audit_chain *chain,
                         const struct audit_event *e)
{
    struct audit_chain next = {.next = chain->next + 1};
    uint8_t buf[CRYPTO_HASH_LEN + AUDIT_RECORD_MAX];
    uint8_t id[NUMBER_LEN];
    struct writer w = WRITER_ARRAY(buf);
    writer_bytes(&w, BYTES_ARRAY(chain->hash));
    TRY(audit_event_write(e, &w));
    TRY(c->sha256(writer_view(&w), next.hash));
    memcpy(buf, next.hash, sizeof(next.hash)); /* in place of the hash before it, as it is stored */
    TRY(store_put(s, TABLE_AUDIT, number_id(chain->next, id), writer_view(&w), STORE_PUT_IF_ABSENT, 0));
    TRY(audit_find_note(s, chain->next, e));
    *chain = next;
    return ERR_OK;
}

/* -- verifying ---------------------------------------------------------------------------------------------------- */

struct walk {
    struct store *store;
    const struct crypto *crypto;
    struct bytes sign_public;
    struct arena *arena;
    struct audit_chain chain; /* what the next event must continue */
    err_t err;
    uint64_t at; /* first bad number */
};

static bool walk_failed(struct walk *k, err_t err, uint64_t at)
{
    k->err = err;
    k->at = at;
    return false;
}

static bool walk_event(void *arg, struct bytes id, struct store_value value)
{
    struct walk *k = arg;
    uint64_t number = 0;
    struct stored e;
    struct audit_event event;
    uint8_t hash[CRYPTO_HASH_LEN];
    if (!number_of(id, &number) || number != k->chain.next || !stored_parse(value.data, &e) ||
        audit_event_parse(e.record, &event) != ERR_OK) {
        return walk_failed(k, ERR_AUDIT_CHAIN, k->chain.next);
    }
    err_t err = chain_hash(k->crypto, k->chain.hash, e.record, hash);
    if (err != ERR_OK) {
        return walk_failed(k, err, number);
    }
    if (!bytes_eq(e.hash, BYTES_ARRAY(hash))) {
        return walk_failed(k, ERR_AUDIT_CHAIN, number);
    }
    k->chain.next++;
    memcpy(k->chain.hash, hash, sizeof(hash));
    return true;
}

static bool walk_checkpoint(void *arg, struct bytes id, struct store_value value)
{
    struct walk *k = arg;
    struct checkpoint p = {0};
    if (!checkpoint_parse(id, value.data, &p)) {
        return walk_failed(k, ERR_AUDIT_CHAIN, p.number);
    }
    if (p.number >= k->chain.next) {
        return walk_failed(k, ERR_AUDIT_CHAIN, k->chain.next); /* signed, and gone: the end was cut off */
    }
    uint8_t msg_buf[sizeof(CHECKPOINT_LABEL) + 8 + CRYPTO_HASH_LEN + 8];
    struct writer msg = WRITER_ARRAY(msg_buf);
    checkpoint_message(&p, &msg);
    if (k->crypto->verify(k->sign_public, writer_view(&msg), BYTES_ARRAY(p.sig)) != ERR_OK) {
        return walk_failed(k, ERR_AUDIT_CHAIN, p.number);
    }
    err_t err = check_covered(k->store, &p, k->arena);
    return err == ERR_OK ? true : walk_failed(k, err, p.number);
}

err_t audit_verify(struct store *s, const struct crypto *c, struct bytes sign_public, struct arena *a,
                   uint64_t *count, uint64_t *at)
{
    struct walk k = {.store = s, .crypto = c, .sign_public = sign_public, .arena = a, .chain = {.next = 1}};
    struct store_scan q = {.table = TABLE_AUDIT, .order = STORE_ASCENDING};
    err_t err = store_scan(s, &q, walk_event, &k);
    if (err == ERR_OK && k.err == ERR_OK) {
        q.table = TABLE_CHECKPOINT;
        err = store_scan(s, &q, walk_checkpoint, &k);
    }
    *count = k.chain.next - 1;
    *at = k.at;
    return err != ERR_OK ? err : k.err;
}

/* -- reading the end ---------------------------------------------------------------------------------------------- */

static bool first_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)value;
    (void)number_of(id, arg); /* a wrong id is met again, and reported, by the pass that reads */
    return true;
}

struct tail {
    audit_tail_fn *fn;
    void *arg;
    err_t err;
};

static bool tail_hit(void *arg, struct bytes id, struct store_value value)
{
    struct tail *t = arg;
    uint64_t number = 0;
    struct stored e;
    struct audit_event event;
    if (!number_of(id, &number) || !stored_parse(value.data, &e) || audit_event_parse(e.record, &event) != ERR_OK) {
        t->err = ERR_MALFORMED_RECORD;
        return false;
    }
    return t->fn(t->arg, number, &event);
}

err_t audit_tail(struct store *s, size_t limit, audit_tail_fn *fn, void *arg)
{
    if (limit == 0) {
        return ERR_OK;
    }
    struct store_scan q = {.table = TABLE_AUDIT, .order = STORE_DESCENDING, .limit = limit};
    uint64_t first = 0;
    TRY(store_scan(s, &q, first_hit, &first));
    uint8_t id[NUMBER_LEN];
    q = (struct store_scan){.table = TABLE_AUDIT, .order = STORE_ASCENDING};
    if (first > 1) {
        q.after = number_id(first - 1, id);
    }
    struct tail t = {fn, arg, ERR_OK};
    TRY(store_scan(s, &q, tail_hit, &t));
    return t.err;
}

err_t audit_back(struct store *s, uint64_t before, size_t limit, audit_tail_fn *fn, void *arg)
{
    if (limit == 0) {
        return ERR_OK;
    }
    uint8_t id[NUMBER_LEN];
    struct store_scan q = {.table = TABLE_AUDIT, .order = STORE_DESCENDING, .limit = limit};
    if (before > 0) {
        q.after = number_id(before, id);
    }
    struct tail t = {fn, arg, ERR_OK};
    TRY(store_scan(s, &q, tail_hit, &t));
    return t.err;
}

err_t audit_get(struct store *s, uint64_t number, struct arena *a, struct audit_event *out)
{
    uint8_t id[NUMBER_LEN];
    struct store_value v;
    struct stored e;
    size_t used = a->used;
    TRY(store_get(s, TABLE_AUDIT, number_id(number, id), a, &v));
    err_t err = stored_parse(v.data, &e) ? audit_event_parse(e.record, out) : ERR_MALFORMED_RECORD;
    a->used = used;
    return err;
}
