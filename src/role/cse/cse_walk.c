#include "role/cse/cse_walk.h"

#include "role/cse/cse_mark.h"

#include <string.h>

#define PAGE 32
#define WORK_LIST 50000    /* units that one request may spend, a microsecond each or less: so long nobody else gets an answer */
#define WORK_NESTED 200000 /* a direct child comes with all that is below it, or not at all */
#define WORK_SKIP 200000   /* up to an offset that is a count, which we give none beyond COUNT_MAX */
#define COUNT_MAX 10000
#define WORK_READ 8     /* a record costs as much as so many entries of the index */
#define READ_FREE 2048  /* octets that are read for an entry and its policies for that; beyond them a unit is for READ_UNIT */
#define READ_UNIT (CSE_WALK_READ_MAX / WORK_NESTED)

struct cse_walk_frame {
    struct cse_res res;
    bool seen;          /* may the originator know it? */
    size_t mark, base;  /* of the arena: before the frame, and behind it where its page lies */
    char after[CSE_CHILD_KEY_MAX];
    size_t after_n;
    bool last;          /* no page follows */
    struct cse_child page[PAGE];
    uint64_t marks[PAGE];
    size_t page_n, page_i;
    uint32_t decided_ty; /* types without policies of their own: one decision for all children of a type */
    err_t decided;
};

/* -- pages of children ----------------------------------------------------------------------------------- */
struct load {
    struct cse_walk *w;
    struct cse_walk_frame *f;
    bool more; /* stopped before the end */
    err_t err;
};

static bool is_wanted(const struct cse_walk *w, uint32_t ty)
{
    const struct types_row *type = types_find(ty);
    return type != NULL && (cse_match_type(w->filter, ty) || (!w->nested && (type->flags & TYPES_HAS_CHILDREN) != 0));
}

static err_t set_after(struct cse_walk_frame *f, struct text key)
{
    f->after_n = key.n;
    return text_copy(key, f->after, sizeof(f->after));
}

/* Beyond every child of this type; places are hexadecimal digits. */
static err_t pass_type(struct cse_walk_frame *f, uint32_t ty)
{
    char key[CSE_CHILD_KEY_MAX];
    struct writer w = WRITER_ARRAY(key);
    TRY(cse_res_child_key(&w, f->res.node, ty, text_of("~")));
    return set_after(f, writer_view_text(&w));
}

static bool keep(struct arena *a, struct text t, struct text *out)
{
    struct bytes copy;
    bool ok = arena_dup(a, text_bytes(t), &copy);
    *out = ok ? text_span((const char *)copy.p, copy.n) : text_empty();
    return ok;
}

static bool page_hit(void *arg, struct bytes id, struct store_value value)
{
    struct load *l = arg;
    struct cse_walk_frame *f = l->f;
    struct arena *a = l->w->ask->t->arena;
    struct cse_child c;
    l->w->work++;
    l->err = cse_res_child_parse(value.data, &c);
    if (l->err != ERR_OK) {
        return false;
    }
    if (!is_wanted(l->w, c.ty)) {
        l->err = pass_type(f, c.ty);
        l->more = true;
        return false;
    }
    if (f->page_n == PAGE) {
        l->more = true;
        return false;
    }
    l->err = set_after(f, text_span((const char *)id.p, id.n));
    if (l->err != ERR_OK || (c.ty == TYPE_CIN && (c.number < f->res.floor || c.et <= l->w->ask->rq->now))) {
        l->more = l->w->work > l->w->work_end;
        l->w->current = l->more && (!l->w->nested || l->w->depth == 1) ? cse_mark_of(id, &c) : l->w->current;
        return l->err == ERR_OK && !l->more;
    }
    if (!keep(a, c.ri, &c.ri) || !keep(a, c.rn, &c.rn)) {
        l->err = ERR_LIMIT_CAPACITY;
        return false;
    }
    f->marks[f->page_n] = cse_mark_of(id, &c);
    f->page[f->page_n++] = c;
    return true;
}

static err_t load(struct cse_walk *w, struct cse_walk_frame *f)
{
    char key[CSE_CHILD_KEY_MAX];
    struct writer k = WRITER_ARRAY(key);
    struct load l = {.w = w, .f = f};
    TRY(cse_res_child_key(&k, f->res.node, 0, text_empty()));
    w->ask->t->arena->used = f->base;
    f->page_n = 0;
    f->page_i = 0;
    struct store_scan q = {.table = TABLE_CSE_CHILD, .prefix = writer_view(&k), .after = bytes_of(f->after, f->after_n),
                           .order = STORE_ASCENDING};
    TRY(txn_scan(w->ask->t, &q, page_hit, &l));
    f->last = !l.more;
    return l.err;
}

/* -- frames ------------------------------------------------------------------------------------------------- */
static err_t push(struct cse_walk *w, const struct cse_res *res, bool seen, size_t mark)
{
    struct arena *a = w->ask->t->arena;
    struct cse_walk_frame *f = arena_alloc(a, sizeof(*f));
    if (f == NULL || w->depth == ARRAY_LEN(w->at)) {
        return ERR_LIMIT_CAPACITY;
    }
    f->res = *res;
    f->seen = seen;
    f->mark = mark;
    f->base = a->used;
    w->at[w->depth++] = f;
    return ERR_OK;
}

static void pop(struct cse_walk *w)
{
    w->depth--;
    w->ask->t->arena->used = w->at[w->depth]->mark;
}

/* -- one entry ---------------------------------------------------------------------------------------------- */
static struct cse_walk_frame *top(struct cse_walk *w)
{
    return w->at[w->depth - 1];
}

static err_t read_res(struct cse_walk *w, const struct cse_child *c, struct cse_res *out)
{
    w->work += WORK_READ;
    TRY(cse_res_get(w->ask->t, c->ri, w->ask->rq->now, out));
    return text_eq(out->pnode, top(w)->res.node) ? ERR_OK : ERR_NOT_FOUND; /* an orphan hangs on nothing */
}

err_t cse_walk_read(struct cse_walk *w, struct cse_walk_hit *hit)
{
    if (!hit->has_res) {
        TRY(read_res(w, &hit->child, &hit->res));
        hit->has_res = true;
    }
    return ERR_OK;
}

static err_t permission(struct cse_walk *w, const struct cse_walk_hit *hit)
{
    struct cse_walk_frame *f = top(w);
    const struct types_row *type = types_find(hit->child.ty);
    bool shared = (type->flags & TYPES_HAS_ACPI) == 0 && type->ty != TYPE_ACP;
    if (shared && f->decided_ty == type->ty) {
        return f->decided;
    }
    struct cse_target at = {.parent = f->res, .has_parent = true};
    at.res = hit->has_res ? hit->res : (struct cse_res){.type = type, .ri = hit->child.ri, .pi = f->res.ri};
    w->work += WORK_READ;
    err_t e = cse_policy_check(w->ask, &at, OP_RETRIEVE, 0);
    if (shared) {
        f->decided_ty = type->ty;
        f->decided = e;
    }
    return e;
}

static err_t may_see(struct cse_walk *w, const struct cse_walk_hit *hit, bool *out)
{
    err_t e = permission(w, hit);
    *out = e == ERR_OK;
    return e == ERR_DENIED_PRIVILEGE || e == ERR_DENIED_SERVICE || e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* In, out (ERR_NOT_FOUND), or an error. Sets what is to be walked next. */
static err_t verdict(struct cse_walk *w, struct cse_walk_hit *hit)
{
    const struct types_row *type = types_find(hit->child.ty);
    bool inner = (type->flags & TYPES_HAS_CHILDREN) != 0;
    bool skipped = w->position <= w->skip;
    enum cse_match_verdict v = type->ty == TYPE_CIN ? cse_match_child(w->filter, &hit->child) : CSE_MATCH_READ;
    if (skipped && (w->nested || !inner)) {
        return ERR_NOT_FOUND;
    }
    bool matches = v == CSE_MATCH_YES;
    if (v == CSE_MATCH_READ) {
        TRY(cse_walk_read(w, hit));
        TRY(skipped ? ERR_OK : cse_match_res(w->ask->t, w->filter, &hit->res, &matches));
    }
    bool seen = false;
    if (matches || (inner && !w->nested)) { /* the name of one that does not match may be part of an address */
        TRY(may_see(w, hit, &seen));
    }
    w->has_pending = inner && hit->level < w->depth_max && (!w->nested || (seen && matches));
    w->pending = hit->res;
    w->pending_seen = seen;
    return matches && seen ? ERR_OK : ERR_NOT_FOUND;
}

/* Whoever wrote the records and policies: what is large costs more. */
void cse_walk_charge(struct cse_walk *w, uint64_t before)
{
    const uint64_t octets = w->ask->t->read - before;
    w->work += octets > READ_FREE ? (octets - READ_FREE) / READ_UNIT : 0;
}

static err_t judge(struct cse_walk *w, struct cse_walk_hit *hit)
{
    const uint64_t before = w->ask->t->read;
    err_t e = verdict(w, hit);
    cse_walk_charge(w, before);
    return e;
}

/* -- where to begin ------------------------------------------------------------------------------------- */
static uint64_t work_max(const struct cse_walk *w)
{
    return w->nested ? WORK_NESTED : WORK_LIST;
}

/* Of several lists in one request (cse_fanout.c) the first may leave nothing to the last, which has a page then. */
static uint64_t work_left(const struct cse_walk *w)
{
    const uint64_t read = w->ask->t->read;
    return w->work + (read < CSE_WALK_READ_MAX ? (CSE_WALK_READ_MAX - read) / READ_UNIT : 0);
}

static void allow(struct cse_walk *w, uint64_t most)
{
    const uint64_t left = work_left(w);
    w->work_end = w->work + most < left ? w->work + most : left;
}

/* As if everything up to this entry had come out just now; what follows has no count. */
static err_t resume(struct cse_walk *w, const struct cse_res *target, uint64_t mark)
{
    struct txn *t = w->ask->t;
    struct cse_mark_path *path = arena_alloc(t->arena, sizeof(*path));
    bool more = true;
    if (path == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(cse_mark_find(t, mark, target, w->ask->rq->now, path));
    TRY(push(w, target, true, t->arena->used));
    for (size_t i = 0; i < path->n; i++) {
        char key[CSE_CHILD_KEY_MAX], place[CSE_RES_UID_LEN + 1];
        struct writer k = WRITER_ARRAY(key);
        const struct cse_res *r = &path->at[i];
        struct cse_walk_hit hit = {.level = w->depth, .child = {.ri = r->ri, .rn = r->rn, .ty = r->type->ty}, .has_res = true, .res = *r};
        if (!more) {
            return ERR_NOT_FOUND;
        }
        TRY(cse_res_child_key(&k, top(w)->res.node, r->type->ty, cse_res_place(r, place)));
        TRY(set_after(top(w), writer_view_text(&k)));
        more = !w->nested && (r->type->flags & TYPES_HAS_CHILDREN) != 0 && w->depth < w->depth_max;
        if (more) {
            bool seen = false;
            TRY(may_see(w, &hit, &seen));
            TRY(push(w, r, seen, t->arena->used));
        }
    }
    w->position = FILTER_OFFSET_MAX;
    w->current = mark;
    return ERR_OK;
}

err_t cse_walk_open(struct cse_walk *w, const struct cse_ask *ask, const struct cse_res *target, bool nested)
{
    const struct filter *f = &ask->rq->prim->filter;
    uint64_t offset = filter_has(f, FILTER_OFST) ? f->number[FILTER_OFST] : 1;
    memset(w, 0, sizeof(*w));
    w->ask = ask;
    w->filter = f;
    w->nested = nested;
    w->depth_max = CSE_RES_DEPTH_MAX;
    w->skip = cse_mark_is(offset) ? 0 : offset - 1;
    allow(w, w->skip > 0 ? WORK_SKIP : work_max(w));
    if (filter_has(f, FILTER_LVL) && f->number[FILTER_LVL] < w->depth_max) {
        w->depth_max = (size_t)f->number[FILTER_LVL];
    }
    if (cse_mark_is(offset)) {
        TRY(resume(w, target, offset));
    } else {
        TRY(push(w, target, true, ask->t->arena->used));
    }
    w->mark = ask->t->arena->used;
    return ERR_OK;
}

uint64_t cse_walk_offset(const struct cse_walk *w)
{
    const bool much = w->position > COUNT_MAX || w->work > WORK_LIST;
    return much && w->before != 0 ? w->before : w->position;
}

/* Work up to the offset is counted apart. */
static void to_next(struct cse_walk *w, uint64_t mark)
{
    w->before = w->current;
    w->current = mark;
    if (w->position++ == w->skip) {
        allow(w, work_max(w));
    }
}

/* -- on and on -------------------------------------------------------------------------------------------- */
/* Goes down, to the next entry, or up; false at the end. */
static err_t advance(struct cse_walk *w, struct cse_walk_hit *hit, bool *more)
{
    *more = true;
    if (w->has_pending) {
        w->has_pending = false;
        TRY(push(w, &w->pending, w->pending_seen, w->mark));
    } else {
        w->ask->t->arena->used = w->mark;
    }
    for (;;) {
        struct cse_walk_frame *f = top(w);
        if (f->page_i < f->page_n) {
            *hit = (struct cse_walk_hit){.level = w->depth, .child = f->page[f->page_i++]};
            if (!w->nested || w->depth == 1) {
                to_next(w, f->marks[f->page_i - 1]);
            }
            w->mark = w->ask->t->arena->used;
            return ERR_OK;
        }
        if (w->work > w->work_end) {
            w->exhausted = true;
            if (!w->nested || w->depth == 1) { /* the next one has not come out yet */
                to_next(w, 0);
            }
            *more = false;
            return ERR_OK;
        }
        if (!f->last) {
            TRY(load(w, f));
        } else if (w->depth > 1) {
            pop(w);
        } else {
            *more = false;
            return ERR_OK;
        }
    }
}

err_t cse_walk_next(struct cse_walk *w, struct cse_walk_hit *out)
{
    for (;;) {
        bool more = false;
        TRY(advance(w, out, &more));
        if (!more) {
            out->found = false;
            return ERR_OK;
        }
        err_t e = judge(w, out);
        if (e != ERR_NOT_FOUND) {
            out->found = e == ERR_OK;
            return e;
        }
        if (w->work > w->work_end && !w->exhausted && !w->nested && w->position > w->skip) {
            w->exhausted = true;
            to_next(w, 0);
            out->found = false;
            return ERR_OK;
        }
    }
}

void cse_walk_address(const struct cse_walk *w, const struct cse_walk_hit *hit, struct text base, struct writer *out)
{
    const struct filter *f = w->filter;
    bool structured = !filter_has(f, FILTER_DRT) || f->number[FILTER_DRT] == FILTER_STRUCTURED;
    for (size_t i = 1; i < hit->level; i++) {
        structured = structured && w->at[i]->seen;
    }
    if (!structured) {
        writer_text(out, hit->child.ri);
        return;
    }
    writer_text(out, base);
    for (size_t i = 1; i < hit->level; i++) {
        writer_u8(out, '/');
        writer_text(out, w->at[i]->res.rn);
    }
    writer_u8(out, '/');
    writer_text(out, hit->child.rn);
}
