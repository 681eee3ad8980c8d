#include "role/cse/cse_sweep.h"

struct find {
    char node[CSE_RES_UID_LEN + 1];
    size_t n;
    err_t err;
};

static bool find_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)value;
    struct find *f = arg;
    f->err = TEXT_COPY(text_span((const char *)id.p, id.n), f->node);
    f->n = id.n;
    return false;
}

struct hit {
    struct bytes key;
    struct cse_child child;
};

struct batch {
    struct arena *arena;
    struct hit at[CSE_SWEEP_BUDGET];
    size_t n;
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
    return b->err == ERR_OK && b->n < CSE_SWEEP_BUDGET;
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

err_t cse_sweep_run(struct txn *t, bool *left)
{
    struct find f = {0};
    struct store_scan q = {.table = TABLE_CSE_GARBAGE, .prefix = bytes_empty(), .after = bytes_empty(),
                           .order = STORE_ASCENDING, .limit = 1};
    if (left != NULL) {
        *left = false;
    }
    TRY(txn_scan(t, &q, find_hit, &f));
    TRY(f.err);
    if (f.n == 0) {
        return ERR_OK;
    }
    struct text node = text_span(f.node, f.n);
    char key[CSE_CHILD_KEY_MAX];
    struct writer w = WRITER_ARRAY(key);
    TRY(cse_res_child_key(&w, node, 0, text_empty()));
    struct batch b = {.arena = t->arena};
    q = (struct store_scan){.table = TABLE_CSE_CHILD, .prefix = writer_view(&w), .after = bytes_empty(),
                            .order = STORE_ASCENDING, .limit = CSE_SWEEP_BUDGET};
    TRY(txn_scan(t, &q, batch_hit, &b));
    TRY(b.err);
    TRY(remove_all(t, node, &b));
    if (left != NULL) {
        *left = true;
    }
    return b.n < CSE_SWEEP_BUDGET ? txn_del(t, TABLE_CSE_GARBAGE, node) : ERR_OK;
}
