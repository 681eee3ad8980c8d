#include "store/txn.h"

void txn_init(struct txn *t, struct store *s, struct arena *a, bool writable)
{
    t->store = s;
    t->arena = a;
    t->writable = writable;
    t->staged_n = 0;
    t->audit_n = 0;
}

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

err_t txn_get(struct txn *t, enum store_table table, struct text id, struct store_value *out)
{
    if (!is_staged(t, table, text_bytes(id))) {
        return store_get(t->store, table, text_bytes(id), t->arena, out);
    }
    const struct txn_change *last = NULL;
    *out = (struct store_value){bytes_empty(), 0};
    TRY(resolve(t, table, text_bytes(id), &out->version, &last));
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
    if (mode != STORE_PUT_ANY) {
        uint64_t found = 0;
        const struct txn_change *last = NULL;
        TRY(resolve(t, table, text_bytes(id), &found, &last));
        TRY(check_mode(mode, version, found));
    }
    struct txn_change c = {table, text_bytes(id), bytes_of(data.p, data.n), mode, version, false};
    return stage(t, &c);
}

err_t txn_del(struct txn *t, enum store_table table, struct text id)
{
    if (!t->writable) {
        return ERR_BUG;
    }
    uint64_t found = 0;
    const struct txn_change *last = NULL;
    TRY(resolve(t, table, text_bytes(id), &found, &last));
    if (found == 0) {
        return ERR_NOT_FOUND;
    }
    struct txn_change c = {table, text_bytes(id), bytes_empty(), STORE_PUT_ANY, 0, true};
    return stage(t, &c);
}

err_t txn_scan(struct txn *t, const struct store_scan *q, store_scan_fn *fn, void *arg)
{
    return store_scan(t->store, q, fn, arg);
}

err_t txn_audit(struct txn *t, const struct audit_event *e)
{
    if (!t->writable) {
        return ERR_BUG;
    }
    if (t->audit_n == ARRAY_LEN(t->audit)) {
        return ERR_LIMIT_CAPACITY;
    }
    t->audit[t->audit_n++] = *e;
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
