#include "store/txn.h"

#include "store/partition.h"

#include <string.h>

void txn_init(struct txn *t, struct store *s, struct arena *a, bool writable)
{
    t->store = s;
    t->arena = a;
    t->writable = writable;
    t->keep = false;
    t->quiet = false;
    t->partition = text_empty();
    t->staged_n = 0;
    t->audit_n = 0;
    t->read = 0;
}

void txn_enter(struct txn *t, struct text partition)
{
    t->partition = partition;
}

/* -- ids as the store keeps them ---------------------------------------------------------------------------- */
struct key {
    struct bytes id; /* a view of buf, or the caller's own octets */
    uint8_t buf[STORE_ID_MAX];
};

/* An id that would lie in another partition names nothing that is there. */
static err_t key_of(const struct txn *t, struct bytes id, struct key *out)
{
    out->id = id;
    if (t->partition.n == 0) {
        return partition_is_marked(id) ? ERR_NOT_FOUND : ERR_OK;
    }
    if (id.n == 0) {
        return ERR_BUG;
    }
    struct writer w = WRITER_ARRAY(out->buf);
    partition_prefix(t->partition, &w);
    writer_bytes(&w, id);
    out->id = writer_view(&w);
    return writer_finish(&w);
}

/* -- versions ------------------------------------------------------------------------------------------------ */
struct probe {
    struct bytes id;
    uint64_t version;
};

static bool probe_hit(void *arg, struct bytes id, struct store_value value)
{
    struct probe *p = arg;
    if (bytes_eq(p->id, id)) {
        p->version = value.version;
    }
    return false;
}

/* Version of the committed record, 0 if there is none; without a copy of its data. */
static err_t version_below(struct txn *t, enum store_table table, struct bytes id, uint64_t *out)
{
    struct probe p = {id, 0};
    struct store_scan q = {.table = table, .prefix = id, .order = STORE_ASCENDING, .limit = 1};
    TRY(store_scan(t->store, &q, probe_hit, &p));
    *out = p.version;
    return ERR_OK;
}

/* The version after the changes staged here, 0 if there is no record; *last is the change that made it, or NULL. */
static err_t resolve(struct txn *t, enum store_table table, struct bytes id, uint64_t *version,
                     const struct txn_change **last)
{
    TRY(version_below(t, table, id, version));
    *last = NULL;
    for (size_t i = 0; i < t->staged_n; i++) {
        const struct txn_change *c = &t->staged[i];
        if (c->table == table && bytes_eq(c->id, id)) {
            *version = c->is_delete ? 0 : *version + 1;
            *last = c;
        }
    }
    return ERR_OK;
}

static bool is_staged(const struct txn *t, enum store_table table, struct bytes id)
{
    for (size_t i = 0; i < t->staged_n; i++) {
        if (t->staged[i].table == table && bytes_eq(t->staged[i].id, id)) {
            return true;
        }
    }
    return false;
}

bool txn_is_staged(const struct txn *t, enum store_table table, struct text id)
{
    struct key key;
    return key_of(t, text_bytes(id), &key) == ERR_OK && is_staged(t, table, key.id);
}

bool txn_is_durable(const struct txn *t)
{
    bool durable = false;
    for (size_t i = 0; i < t->staged_n && !durable; i++) {
        durable = !store_is_volatile(t->staged[i].table);
    }
    return durable;
}

err_t txn_get(struct txn *t, enum store_table table, struct text id, struct store_value *out)
{
    struct key key;
    *out = (struct store_value){bytes_empty(), 0};
    TRY(key_of(t, text_bytes(id), &key));
    if (!is_staged(t, table, key.id)) {
        TRY(store_get(t->store, table, key.id, t->arena, out));
        t->read += out->data.n;
        return ERR_OK;
    }
    const struct txn_change *last = NULL;
    TRY(resolve(t, table, key.id, &out->version, &last));
    if (last == NULL || last->is_delete) {
        return ERR_NOT_FOUND;
    }
    out->data = last->data;
    return ERR_OK;
}

static err_t stage(struct txn *t, const struct txn_change *c)
{
    if (t->staged_n == TXN_STAGED_MAX) {
        return ERR_LIMIT_CAPACITY;
    }
    struct txn_change *n = &t->staged[t->staged_n];
    *n = *c;
    if (!arena_dup(t->arena, c->id, &n->id) || !arena_dup(t->arena, c->data, &n->data)) {
        return ERR_LIMIT_CAPACITY;
    }
    t->staged_n++;
    return ERR_OK;
}

/* Conditions are decided when a change is staged: the handler that made it can still answer. */
static err_t check_mode(enum store_put mode, uint64_t wanted, uint64_t found)
{
    switch (mode) {
    case STORE_PUT_ANY:
        return ERR_OK;
    case STORE_PUT_IF_ABSENT:
        return found == 0 ? ERR_OK : ERR_EXISTS;
    case STORE_PUT_IF_VERSION:
        return found != 0 && found == wanted ? ERR_OK : ERR_STORE_CONFLICT;
    }
    return ERR_BUG;
}

err_t txn_put(struct txn *t, enum store_table table, struct text id, struct bytes data, enum store_put mode,
              uint64_t version)
{
    if (!t->writable) {
        return ERR_BUG;
    }
    if (id.n > STORE_ID_MAX || data.n > STORE_DATA_MAX) {
        return ERR_LIMIT_SIZE;
    }
    struct key key;
    err_t e = key_of(t, text_bytes(id), &key);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_MALFORMED_ID : e;
    }
    if (mode != STORE_PUT_ANY) {
        uint64_t found = 0;
        const struct txn_change *last = NULL;
        TRY(resolve(t, table, key.id, &found, &last));
        TRY(check_mode(mode, version, found));
    }
    struct txn_change c = {table, key.id, bytes_of(data.p, data.n), mode, version, false};
    return stage(t, &c);
}

err_t txn_del(struct txn *t, enum store_table table, struct text id)
{
    if (!t->writable) {
        return ERR_BUG;
    }
    struct key key;
    TRY(key_of(t, text_bytes(id), &key));
    uint64_t found = 0;
    const struct txn_change *last = NULL;
    TRY(resolve(t, table, key.id, &found, &last));
    if (found == 0) {
        return ERR_NOT_FOUND;
    }
    struct txn_change c = {table, key.id, bytes_empty(), STORE_PUT_ANY, 0, true};
    return stage(t, &c);
}

/* -- scans ----------------------------------------------------------------------------------------------------- */
struct pass {
    struct txn *t;
    store_scan_fn *fn;
    void *arg;
    size_t skip; /* octets of the partition's prefix */
};

static bool pass_on(void *arg, struct bytes id, struct store_value value)
{
    struct pass *p = arg;
    p->t->read += id.n + value.data.n;
    return p->fn(p->arg, bytes_of(id.p + p->skip, id.n - p->skip), value);
}

static bool pass_bare(void *arg, struct bytes id, struct store_value value)
{
    return !partition_is_marked(id) && pass_on(arg, id, value); /* marked ones are the last */
}

/* Without a prefix the bare ids end where the marked ones begin. */
static err_t scan_bare(struct txn *t, const struct store_scan *q, store_scan_fn *fn, void *arg)
{
    static const uint8_t mark[] = {PARTITION_MARK};
    struct pass p = {t, fn, arg, 0};
    if (q->prefix.n > 0) {
        return partition_is_marked(q->prefix) ? ERR_OK : store_scan(t->store, q, pass_on, &p);
    }
    struct store_scan bare = *q;
    if (q->order == STORE_DESCENDING && (q->after.n == 0 || partition_is_marked(q->after))) {
        bare.after = BYTES_ARRAY(mark);
    }
    return store_scan(t->store, &bare, pass_bare, &p);
}

static err_t scan_partition(struct txn *t, const struct store_scan *q, store_scan_fn *fn, void *arg)
{
    uint8_t prefix_buf[STORE_ID_MAX];
    struct writer prefix = WRITER_ARRAY(prefix_buf);
    struct store_scan own = *q;
    struct key after;
    partition_prefix(t->partition, &prefix);
    struct pass p = {t, fn, arg, prefix.n};
    writer_bytes(&prefix, q->prefix);
    TRY(writer_finish(&prefix));
    own.prefix = writer_view(&prefix);
    if (q->after.n > 0) {
        TRY(key_of(t, q->after, &after));
        own.after = after.id;
    }
    return store_scan(t->store, &own, pass_on, &p);
}

err_t txn_scan(struct txn *t, const struct store_scan *q, store_scan_fn *fn, void *arg)
{
    return (t->partition.n == 0 ? scan_bare : scan_partition)(t, q, fn, arg);
}

err_t txn_audit(struct txn *t, const struct audit_event *e)
{
    if (!t->writable) {
        return ERR_BUG;
    }
    if (t->audit_n == ARRAY_LEN(t->audit)) {
        return ERR_LIMIT_CAPACITY;
    }
    struct audit_event *kept = arena_alloc(t->arena, sizeof(*kept));
    if (kept == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    *kept = *e;
    TRY(TEXT_COPY(t->partition, kept->instance));
    t->audit[t->audit_n++] = kept;
    return ERR_OK;
}

err_t txn_apply(struct txn *t)
{
    for (size_t i = 0; i < t->staged_n; i++) {
        const struct txn_change *c = &t->staged[i];
        err_t e = c->is_delete ? store_del(t->store, c->table, c->id)
                               : store_put(t->store, c->table, c->id, c->data, c->mode, c->version);
        if (e != ERR_OK) {
            /* Half of a request must never be committed with the batch: once a change is in, a failure dooms it all. */
            if (i > 0) {
                store_fail(t->store, e);
            }
            return e;
        }
    }
    return ERR_OK;
}
