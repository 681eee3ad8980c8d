/*
 * The nine calls: arguments and order are checked here once, so that a driver only stores.
 * What goes wrong here is a fault of the caller (ERR_BUG) or of a length from outside (ERR_LIMIT_SIZE).
 */
#include "store/store.h"

static bool is_table(enum store_table t)
{
    switch (t) {
#define X(name, number, doc) case TABLE_##name:
#include "store/table_rows.h"
#undef X
        return true;
    }
    return false;
}

bool store_is_volatile(enum store_table t)
{
    return (unsigned)t >= STORE_VOLATILE;
}

static err_t check_id(enum store_table t, struct bytes id)
{
    if (!is_table(t) || id.p == NULL || id.n == 0) {
        return ERR_BUG;
    }
    return id.n > STORE_ID_MAX ? ERR_LIMIT_SIZE : ERR_OK;
}

static err_t check_open(const struct store *s)
{
    if (s->state == STORE_IDLE) {
        return ERR_BUG;
    }
    return s->failure;
}

static err_t check_change(const struct store *s)
{
    if (s->state != STORE_WRITING || s->scanning > 0) {
        return ERR_BUG;
    }
    return s->failure;
}

/* What the caller may answer to and go on; any other failure of a change dooms the transaction. */
static bool is_answer(err_t e)
{
    return e == ERR_OK || e == ERR_EXISTS || e == ERR_NOT_FOUND || e == ERR_STORE_CONFLICT;
}

static err_t changed(struct store *s, err_t e)
{
    if (!is_answer(e)) {
        store_fail(s, e);
    }
    return e;
}

static void ended(struct store *s)
{
    s->state = STORE_IDLE;
    s->failure = ERR_OK;
}

void store_close(struct store *s)
{
    if (s != NULL) {
        s->ops->close(s);
    }
}

err_t store_begin(struct store *s, bool write)
{
    if (s->state != STORE_IDLE) {
        return ERR_BUG;
    }
    TRY(s->ops->begin(s, write));
    s->state = write ? STORE_WRITING : STORE_READING;
    return ERR_OK;
}

err_t store_get(struct store *s, enum store_table t, struct bytes id, struct arena *a, struct store_value *out)
{
    *out = (struct store_value){bytes_empty(), 0};
    TRY(check_open(s));
    TRY(check_id(t, id));
    return s->ops->get(s, t, id, a, out);
}

err_t store_put(struct store *s, enum store_table t, struct bytes id, struct bytes data, enum store_put mode,
                uint64_t version)
{
    TRY(check_change(s));
    TRY(check_id(t, id));
    if (data.n > STORE_DATA_MAX) {
        return ERR_LIMIT_SIZE;
    }
    return changed(s, s->ops->put(s, t, id, bytes_of(data.p, data.n), mode, version));
}

err_t store_del(struct store *s, enum store_table t, struct bytes id)
{
    TRY(check_change(s));
    TRY(check_id(t, id));
    return changed(s, s->ops->del(s, t, id));
}

err_t store_scan(struct store *s, const struct store_scan *q, store_scan_fn *fn, void *arg)
{
    TRY(check_open(s));
    if (!is_table(q->table)) {
        return ERR_BUG;
    }
    if (q->prefix.n > STORE_ID_MAX || q->after.n > STORE_ID_MAX) {
        return ERR_LIMIT_SIZE;
    }
    struct store_scan clean = *q;
    clean.prefix = bytes_of(q->prefix.p, q->prefix.n);
    clean.after = bytes_of(q->after.p, q->after.n);
    s->scanning++;
    err_t e = s->ops->scan(s, &clean, fn, arg);
    s->scanning--;
    return e;
}

err_t store_commit(struct store *s)
{
    TRY(s->scanning > 0 || s->state == STORE_IDLE ? ERR_BUG : ERR_OK);
    err_t failure = s->failure;
    if (s->state == STORE_READING || failure != ERR_OK) {
        store_rollback(s);
        return failure;
    }
    err_t e = s->ops->commit(s);
    ended(s);
    return e;
}

void store_rollback(struct store *s)
{
    if (s->scanning > 0) {
        store_fail(s, ERR_BUG);
        return;
    }
    if (s->state != STORE_IDLE) {
        s->ops->rollback(s);
        ended(s);
    }
}

void store_fail(struct store *s, err_t why)
{
    if (s->state == STORE_WRITING && s->failure == ERR_OK) {
        s->failure = why;
    }
}

uint64_t store_changes(struct store *s)
{
    return s->ops->changes(s);
}
