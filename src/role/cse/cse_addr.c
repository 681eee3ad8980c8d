#include "role/cse/cse_addr.h"

#include <string.h>

/* Takes "//sp" and "/cse" off an address of this CSE; what is left is CSE-relative. */
static err_t local_part(const struct cse *cse, struct text to, struct text *rest)
{
    if (text_starts(to, "//")) {
        struct text sp = text_skip(to, 2);
        sp = text_take(sp, text_find(sp, '/'));
        if (!text_eq_nocase(sp, text_of(cse->sp.z))) {
            return ERR_NOT_FOUND;
        }
        to = text_skip(to, 2 + sp.n);
        if (to.n == 0) {
            return ERR_MALFORMED_TO;
        }
    }
    if (!text_starts(to, "/")) {
        *rest = to;
        return ERR_OK;
    }
    struct text csi = text_take(text_skip(to, 1), text_find(text_skip(to, 1), '/'));
    if (!text_eq_z(csi, cse->root.z)) {
        return ERR_NOT_FOUND;
    }
    *rest = text_skip(to, 1 + csi.n);
    if (rest->n == 0) { /* the CSE-ID alone stands for the CSEBase */
        *rest = text_of("-");
        return ERR_OK;
    }
    *rest = text_skip(*rest, 1);
    return ERR_OK;
}

bool cse_addr_is_local(const struct cse *cse, struct text to)
{
    struct text rest;
    return local_part(cse, to, &rest) == ERR_OK;
}

err_t cse_addr_anchor(const struct cse *cse, struct txn *t, usec_t now, struct cse_target *out)
{
    struct cse_res at = out->res;
    out->has_parent = false;
    for (size_t depth = 0; at.pi.n > 0 && !text_eq_z(at.pi, cse->root.z); depth++) {
        struct cse_res up;
        if (depth > CSE_RES_DEPTH_MAX) {
            return ERR_NOT_FOUND;
        }
        TRY(cse_res_parent(t, &at, now, &up));
        if (!out->has_parent) {
            out->parent = up;
            out->has_parent = true;
        }
        at = up;
    }
    return ERR_OK;
}

/* -- la and ol ---------------------------------------------------------------------------------------- */
#define EDGE_LOOK_MAX 5000 /* instances that are over and kept by one that is not: a few milliseconds */

struct edge {
    uint64_t floor;
    usec_t now;
    size_t looked;
    char ri[M2MID_MAX];
    err_t err;
};

static bool edge_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)id;
    struct edge *e = arg;
    struct cse_child c;
    e->err = cse_res_child_parse(value.data, &c);
    if (e->err == ERR_OK && c.number < e->floor) {
        return false;
    }
    if (e->err == ERR_OK && c.et <= e->now) {
        e->err = ++e->looked < EDGE_LOOK_MAX ? ERR_OK : ERR_LIMIT_CAPACITY;
        return e->err == ERR_OK;
    }
    e->err = e->err == ERR_OK ? TEXT_COPY(c.ri, e->ri) : e->err;
    return false;
}

/* Below the floor everything is gone, its records still there: ascending, they are not looked at; descending, they end it. */
static err_t edge_find(struct txn *t, struct cse_target *at, enum store_order order, usec_t now)
{
    char key[CSE_CHILD_KEY_MAX], after[CSE_CHILD_KEY_MAX], place[CSE_RES_UID_LEN + 1];
    struct writer w = WRITER_ARRAY(key);
    struct writer a = WRITER_ARRAY(after);
    struct cse_res cin;
    TRY(cse_res_child_key(&w, at->res.node, TYPE_CIN, text_empty()));
    if (order == STORE_ASCENDING && at->res.floor > 0) {
        const struct cse_res last = {.type = types_find(TYPE_CIN), .number = at->res.floor - 1};
        TRY(cse_res_child_key(&a, at->res.node, TYPE_CIN, cse_res_place(&last, place)));
    }
    struct edge e = {.floor = at->res.floor, .now = now};
    struct store_scan q = {.table = TABLE_CSE_CHILD, .prefix = writer_view(&w), .after = writer_view(&a), .order = order};
    TRY(txn_scan(t, &q, edge_hit, &e));
    TRY(e.err);
    TRY(e.ri[0] != '\0' ? ERR_OK : ERR_NOT_FOUND);
    TRY(cse_res_get(t, text_of(e.ri), now, &cin));
    at->parent = at->res;
    at->has_parent = true;
    at->is_virtual = true;
    at->res = cin;
    return ERR_OK;
}

/* -- resolving ---------------------------------------------------------------------------------------- */
static err_t start(const struct cse *cse, struct txn *t, struct text first, usec_t now, struct cse_target *out)
{
    if (text_eq_z(first, "-") || text_eq_z(first, cse->name.z)) {
        return cse_res_get(t, text_of(cse->root.z), now, &out->res);
    }
    if (!m2mid_is_unreserved(first)) {
        return ERR_MALFORMED_TO;
    }
    TRY(cse_res_get(t, first, now, &out->res));
    return cse_addr_anchor(cse, t, now, out);
}

static err_t step(struct txn *t, struct text part, bool last, usec_t now, struct cse_target *at)
{
    bool has_virtual = last && (at->res.type->flags & TYPES_HAS_VIRTUAL) != 0;
    if (has_virtual && text_eq_z(part, "la")) {
        return edge_find(t, at, STORE_DESCENDING, now);
    }
    if (has_virtual && text_eq_z(part, "ol")) {
        return edge_find(t, at, STORE_ASCENDING, now);
    }
    struct cse_res child;
    TRY(cse_res_child(t, &at->res, part, now, &child));
    at->parent = at->res;
    at->has_parent = true;
    at->res = child;
    return ERR_OK;
}

err_t cse_addr_resolve(const struct cse *cse, struct txn *t, struct text to, usec_t now, struct cse_target *out)
{
    memset(out, 0, sizeof(*out));
    struct text rest = text_empty();
    struct text part = text_empty();
    TRY(local_part(cse, to, &rest));
    if (rest.n == 0 || rest.p[rest.n - 1] == '/' || !text_next(&rest, '/', &part)) {
        return ERR_MALFORMED_TO;
    }
    TRY(start(cse, t, part, now, out));
    for (size_t depth = 0; text_next(&rest, '/', &part); depth++) {
        if (part.n == 0 || depth > CSE_RES_DEPTH_MAX) {
            return part.n == 0 ? ERR_MALFORMED_TO : ERR_NOT_FOUND;
        }
        TRY(step(t, part, rest.n == 0, now, out));
    }
    return ERR_OK;
}

err_t cse_addr_write(const struct cse *cse, struct txn *t, const struct cse_res *r, usec_t now, struct writer *w)
{
    struct text names[CSE_RES_DEPTH_MAX + 1];
    size_t n = 0;
    struct cse_res at = *r;
    while (at.pi.n > 0) {
        if (n == ARRAY_LEN(names)) {
            return ERR_LIMIT_DEPTH;
        }
        names[n++] = at.rn;
        struct cse_res up;
        TRY(cse_res_parent(t, &at, now, &up));
        at = up;
    }
    writer_z(w, cse->name.z);
    while (n > 0) {
        writer_u8(w, '/');
        writer_text(w, names[--n]);
    }
    return writer_finish(w);
}
