#include "role/cse/cse_result.h"

#include "role/cse/cse_walk.h"
#include "role/detail.h"
#include "wire/emit.h"
#include "wire/json.h"

#define ADDRESS_MAX ((CSE_RES_DEPTH_MAX + 2) * 65)
#define CLOSING_MAX 128 /* octets left for what closes a result that was cut */

struct result {
    struct cse_walk walk;
    struct writer *w;
    uint32_t rcn;
    size_t n, max;
    struct text base;
    uint64_t next;
};

static size_t limit(const struct filter *f)
{
    uint64_t lim = filter_has(f, FILTER_LIM) ? f->number[FILTER_LIM] : CSE_RESULT_MAX;
    return (size_t)(lim < CSE_RESULT_MAX ? lim : CSE_RESULT_MAX);
}

static bool is_full(const struct writer *w)
{
    return w->overflow || w->cap - w->n < CLOSING_MAX;
}

/* -- lists -------------------------------------------------------------------------------------------------- */
/* applyRelativePath: what takes the place of a resource that matched, if it is there and the originator may see it. */
static err_t relative(struct result *r, const struct cse_walk_hit *hit, struct cse_target *out, bool *found)
{
    const struct cse_ask *ask = r->walk.ask;
    char path[M2MID_MAX + 320];
    struct writer w = WRITER_ARRAY(path);
    writer_text(&w, hit->child.ri);
    writer_u8(&w, '/');
    writer_text(&w, r->walk.filter->arp);
    TRY(writer_finish(&w));
    err_t e = cse_addr_resolve(ask->cse, ask->t, writer_view_text(&w), ask->rq->now, out);
    e = e == ERR_OK ? cse_policy_check(ask, out, OP_RETRIEVE, 0) : e;
    *found = e == ERR_OK;
    bool none = e == ERR_NOT_FOUND || e == ERR_MALFORMED_TO || e == ERR_LIMIT_CAPACITY || e == ERR_DENIED_PRIVILEGE || e == ERR_DENIED_SERVICE;
    return none ? ERR_OK : e;
}

static void write_item(struct result *r, const struct cse_child *c, struct text address, struct emit *e)
{
    if (r->rcn == CSE_RCN_DISCOVERY) {
        emit_text(e, NULL, address);
        return;
    }
    emit_object(e, NULL);
    emit_text(e, "nm", c->rn);
    emit_number(e, "typ", c->ty);
    emit_text(e, "val", address);
    emit_close_object(e);
}

static err_t item(struct result *r, const struct cse_walk_hit *hit, struct emit *e)
{
    char address[ADDRESS_MAX + 384];
    struct writer a = WRITER_ARRAY(address);
    struct cse_child c = hit->child;
    cse_walk_address(&r->walk, hit, r->base, &a);
    if (filter_has(r->walk.filter, FILTER_ARP)) {
        struct cse_target at;
        bool found = false;
        const uint64_t before = r->walk.ask->t->read;
        TRY(relative(r, hit, &at, &found));
        cse_walk_charge(&r->walk, before);
        if (!found) {
            return ERR_OK;
        }
        bool structured = !text_eq(writer_view_text(&a), c.ri);
        c = (struct cse_child){.ri = at.res.ri, .rn = at.res.rn, .ty = at.res.type->ty};
        a = WRITER_ARRAY(address);
        if (structured) {
            TRY(cse_addr_write(r->walk.ask->cse, r->walk.ask->t, &at.res, r->walk.ask->rq->now, &a));
        } else {
            writer_text(&a, c.ri);
        }
    }
    TRY(writer_finish(&a));
    write_item(r, &c, writer_view_text(&a), e);
    r->n++;
    return ERR_OK;
}

static err_t list(struct result *r, struct emit *e)
{
    for (;;) {
        struct cse_walk_hit hit;
        TRY(cse_walk_next(&r->walk, &hit));
        if (!hit.found) {
            r->next = r->walk.exhausted ? cse_walk_offset(&r->walk) : 0;
            return ERR_OK;
        }
        struct emit before = *e;
        size_t n = r->w->n;
        if (r->n < r->max) {
            TRY(item(r, &hit, e));
        }
        if (r->n >= r->max && r->w->n == n) { /* one more than fits: the rest begins with it */
            r->next = cse_walk_offset(&r->walk);
            return ERR_OK;
        }
        if (is_full(r->w)) {
            *e = before;
            r->w->n = n;
            r->w->overflow = false;
            r->next = cse_walk_offset(&r->walk);
            return r->n > 1 ? ERR_OK : ERR_LIMIT_CAPACITY;
        }
    }
}

static err_t answer_list(struct result *r, const struct cse_res *target)
{
    struct emit e = emit_to(r->w);
    if (r->rcn == CSE_RCN_ATTRIBUTES_CHILD_REFERENCES) {
        cse_res_emit(target, r->w);
        if (r->w->overflow || r->w->n < 2) {
            return ERR_LIMIT_CAPACITY;
        }
        r->w->n -= 2; /* opens the two objects again */
        e.comma = true;
        emit_array(&e, "ch");
    } else {
        emit_object(&e, NULL);
        if (r->rcn == CSE_RCN_CHILD_REFERENCES) {
            emit_object(&e, "m2m:rrl");
        }
        emit_array(&e, r->rcn == CSE_RCN_CHILD_REFERENCES ? "rrf" : "m2m:uril");
    }
    TRY(list(r, &e));
    emit_close_array(&e);
    emit_close_object(&e);
    if (r->rcn != CSE_RCN_DISCOVERY) {
        emit_close_object(&e);
    }
    return ERR_OK;
}

/* -- nested: children by type inside their parent, {"m2m:ae":{...,"m2m:cnt":[{...},{...}]}} -------------------- */
struct nest {
    uint32_t open[CSE_RES_DEPTH_MAX + 2]; /* type whose list is open on a level, or 0 */
    size_t depth;                          /* objects open below the target */
};

static void list_close(struct nest *n, size_t level, struct writer *w)
{
    if (n->open[level] != 0) {
        writer_u8(w, ']');
        n->open[level] = 0;
    }
}

/* Closes what is open below `level`; there, objects hold lists and lists hold objects. */
static void close_to(struct nest *n, size_t level, struct writer *w)
{
    for (; n->depth > level; n->depth--) {
        list_close(n, n->depth + 1, w);
        writer_u8(w, '}');
    }
}

static void open_item(struct nest *n, const struct cse_walk_hit *hit, struct writer *w)
{
    size_t level = hit->level;
    const struct types_row *type = hit->res.type;
    close_to(n, level - 1, w);
    if (n->open[level] == type->ty) {
        writer_u8(w, ',');
    } else {
        list_close(n, level, w);
        writer_z(w, w->n > 0 && w->buf[w->n - 1] == '{' ? "\"" : ",\"");
        writer_z(w, type->root);
        writer_z(w, "\":[");
        n->open[level] = type->ty;
    }
    cse_res_emit_open(&hit->res, w);
    n->depth = level;
}

/* A direct child goes out with all that is below it, or not at all [TS-0004 7.3.3.17.15]. */
static err_t nested(struct result *r, struct nest *nest)
{
    struct nest kept = *nest;
    size_t kept_n = r->w->n;
    size_t whole = 0;
    bool cut = false;
    struct cse_walk_hit hit = {.found = true};
    while (!cut && hit.found) {
        TRY(cse_walk_next(&r->walk, &hit));
        if (hit.found && hit.level == 1) {
            whole = r->n;
            kept = *nest;
            kept_n = r->w->n;
        }
        cut = hit.found ? r->n == r->max : r->walk.exhausted;
        if (hit.found && !cut) {
            TRY(cse_walk_read(&r->walk, &hit));
            open_item(nest, &hit, r->w);
            r->n++;
            cut = is_full(r->w);
        }
    }
    if (cut) {
        bool capacity = r->n < r->max || r->max == CSE_RESULT_MAX;
        *nest = kept;
        r->w->n = kept_n;
        r->w->overflow = false;
        r->next = cse_walk_offset(&r->walk);
        return whole == 0 && capacity ? ERR_LIMIT_CAPACITY : ERR_OK; /* else the client would ask for it for ever */
    }
    return ERR_OK;
}

static err_t answer_nested(struct result *r, const struct cse_res *target)
{
    struct nest nest = {.depth = 0};
    if (r->rcn == CSE_RCN_ATTRIBUTES_CHILDREN) {
        cse_res_emit(target, r->w);
        if (r->w->overflow || r->w->n < 2) {
            return ERR_LIMIT_CAPACITY;
        }
        r->w->n -= 2;
    } else {
        writer_z(r->w, "{\"");
        writer_z(r->w, target->type->root);
        writer_z(r->w, "\":{");
    }
    TRY(nested(r, &nest));
    close_to(&nest, 0, r->w);
    list_close(&nest, 1, r->w);
    writer_z(r->w, "}}");
    return ERR_OK;
}

err_t cse_result(const struct cse_ask *ask, const struct cse_res *target, uint32_t rcn, struct response *rs)
{
    char base[ADDRESS_MAX];
    struct writer b = WRITER_ARRAY(base);
    bool is_nested = rcn == CSE_RCN_ATTRIBUTES_CHILDREN || rcn == CSE_RCN_CHILDREN;
    struct result r = {.w = &rs->body, .rcn = rcn, .max = limit(&ask->rq->prim->filter)};
    TRY(cse_addr_write(ask->cse, ask->t, target, ask->rq->now, &b));
    r.base = writer_view_text(&b);
    err_t e = cse_walk_open(&r.walk, ask, target, is_nested);
    if (e == ERR_NOT_FOUND) {
        return detail_fail(rs->detail, ERR_MALFORMED_QUERY, "ofst: the result cannot go on there, what came last is gone; begin without ofst", text_empty());
    }
    TRY(e);
    TRY(is_nested ? answer_nested(&r, target) : answer_list(&r, target));
    if (r.walk.exhausted && r.n == 0 && r.walk.position <= r.walk.skip) {
        return detail_fail(rs->detail, ERR_MALFORMED_QUERY, "ofst is further than one request counts: give the Content Offset of the last answer, or ask below a child", text_empty());
    }
    rs->next = r.next;
    return rs->body.overflow ? ERR_LIMIT_CAPACITY : ERR_OK;
}
