#include "role/cse/cse_sweep.h"

#define NODES_MAX 4 /* more than a DELETE adds, so that a backlog shrinks */

struct find {
    char node[NODES_MAX][CSE_RES_UID_LEN + 1];
    size_t n;
    err_t err;
};

static bool find_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)value;
    struct find *f = arg;
    f->err = TEXT_COPY(text_span((const char *)id.p, id.n), f->node[f->n]);
    f->n++;
    return f->err == ERR_OK && f->n < NODES_MAX;
}

struct hit {
    struct bytes key;
    struct cse_child child;
};

struct batch {
    struct arena *arena;
    struct hit at[CSE_SWEEP_BUDGET];
    size_t n;
    size_t max;
    err_t err;
};

static bool batch_hit(void *arg, struct bytes id, struct store_value value)
{
    struct batch *b = arg;
    struct bytes copy;
    struct hit *h = &b->at[b->n];
    if (!arena_dup(b->arena, id, &h->key) || !arena_dup(b->arena, value.data, &copy)) {
        b->err = ERR_LIMIT_CAPACITY;
        return false;
    }
    b->err = cse_res_child_parse(copy, &h->child);
    b->n++;
    return b->err == ERR_OK && b->n < b->max;
}

err_t cse_sweep_add(struct txn *t, struct text node)
{
    return txn_put(t, TABLE_CSE_GARBAGE, node, bytes_of("1", 1), STORE_PUT_ANY, 0);
}

static err_t remove_all(struct txn *t, struct text node, const struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct types_row *type = types_find(b->at[i].child.ty);
        TRY(cse_res_child_remove(t, node, b->at[i].key, &b->at[i].child));
        if (type != NULL && (type->flags & TYPES_HAS_CHILDREN) != 0) { /* below an AE or container, node and ri are one */
            TRY(cse_sweep_add(t, b->at[i].child.ri));
        }
    }
    return ERR_OK;
}

/* The next children of one garbage node; without any left the node itself goes. */
static err_t sweep_node(struct txn *t, struct text node, size_t *budget)
{
    char key[CSE_CHILD_KEY_MAX];
    struct writer w = WRITER_ARRAY(key);
    TRY(cse_res_child_key(&w, node, 0, text_empty()));
    struct batch b = {.arena = t->arena, .max = *budget};
    struct store_scan q = {.table = TABLE_CSE_CHILD, .prefix = writer_view(&w), .after = bytes_empty(),
                           .order = STORE_ASCENDING, .limit = *budget};
    TRY(txn_scan(t, &q, batch_hit, &b));
    TRY(b.err);
    TRY(remove_all(t, node, &b));
    bool empty = b.n < *budget;
    *budget -= b.n;
    return empty ? txn_del(t, TABLE_CSE_GARBAGE, node) : ERR_OK;
}

err_t cse_sweep_run(struct txn *t)
{
    struct find f = {0};
    struct store_scan q = {.table = TABLE_CSE_GARBAGE, .prefix = bytes_empty(), .after = bytes_empty(),
                           .order = STORE_ASCENDING, .limit = NODES_MAX};
    TRY(txn_scan(t, &q, find_hit, &f));
    TRY(f.err);
    size_t budget = CSE_SWEEP_BUDGET;
    for (size_t i = 0; i < f.n && budget > 0; i++) {
        TRY(sweep_node(t, text_of(f.node[i]), &budget));
    }
    return ERR_OK;
}
