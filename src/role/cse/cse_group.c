#include "role/cse/cse_group.h"

#include "role/cse/cse_walk.h"
#include "role/detail.h"
#include "wire/json.h"

#define WALK_MAX 32 /* groups behind a member that is a group */

enum strategy { ABANDON_MEMBER = 1, ABANDON_GROUP = 2, SET_MIXED = 3 }; /* [TS-0004 6.3.4.2.12] */
enum { MIXED = 0 };

static struct text text_value(const json_t *v)
{
    return text_span(json_string_value(v), json_string_length(v));
}

bool cse_group_split(struct text to, struct text *group, struct text *rest)
{
    static const char point[] = "/fopt";
    size_t n = sizeof(point) - 1;
    for (size_t i = 1; i + n <= to.n; i++) {
        struct text here = text_skip(to, i);
        if (text_starts(here, point) && (here.n == n || here.p[n] == '/')) {
            *group = text_take(to, i);
            *rest = text_skip(here, n);
            return true;
        }
    }
    return false;
}

/* A member may be much work to find, and so may the groups behind it: all of them have the work of one request. */
static err_t work_check(const struct cse_ask *ask)
{
    return ask->t->read <= CSE_WALK_READ_MAX ? ERR_OK : ERR_LIMIT_CAPACITY;
}

/* -- circles ------------------------------------------------------------------------------------------------ */
struct circle {
    const struct cse_ask *ask;
    struct text self;
    struct text ri[WALK_MAX]; /* groups to be looked at, each once */
    size_t n;
};

/* Notes the group behind a member, if it is a fanOutPoint here. */
static err_t follow(struct circle *c, struct text member)
{
    struct text group, rest;
    struct cse_target at;
    if (!cse_group_split(member, &group, &rest) || !cse_addr_is_local(c->ask->cse, group)) {
        return ERR_OK;
    }
    TRY(work_check(c->ask));
    err_t e = cse_addr_resolve(c->ask->cse, c->ask->t, group, c->ask->rq->now, &at);
    bool gone = e == ERR_NOT_FOUND || e == ERR_MALFORMED_TO || (e == ERR_OK && at.res.type->ty != TYPE_GRP);
    if (gone || (e == ERR_OK && text_eq(at.res.ri, c->self))) { /* one that is not there yet could be made to close it */
        return ERR_GROUP_CIRCLE;
    }
    TRY(e);
    for (size_t i = 0; i < c->n; i++) {
        if (text_eq(c->ri[i], at.res.ri)) {
            return ERR_OK;
        }
    }
    if (c->n == WALK_MAX) {
        return ERR_GROUP_CIRCLE;
    }
    c->ri[c->n++] = at.res.ri;
    return ERR_OK;
}

static err_t follow_all(struct circle *c, const json_t *mid)
{
    for (size_t i = 0; i < json_array_size(mid); i++) {
        TRY(follow(c, text_value(json_array_get(mid, i))));
    }
    return ERR_OK;
}

static err_t circle_check(const struct cse_ask *ask, struct text self, const json_t *mid)
{
    struct circle c = {.ask = ask, .self = self};
    TRY(follow_all(&c, mid));
    for (size_t i = 0; i < c.n; i++) {
        SCOPED(json_scope) json_t *attrs = NULL;
        struct cse_res at;
        TRY(cse_res_get(ask->t, c.ri[i], ask->rq->now, &at));
        TRY(cse_res_attrs(ask->t, &at, &attrs));
        TRY(follow_all(&c, json_object_get(attrs, "mid")));
    }
    return ERR_OK;
}

/* -- members -------------------------------------------------------------------------------------------------- */
/* What the originator may not see has no type either: else a group would tell him. */
static bool has_type(const struct cse_ask *ask, struct text member, uint32_t mt)
{
    struct cse_target at;
    err_t e = cse_addr_resolve(ask->cse, ask->t, member, ask->rq->now, &at);
    return e == ERR_OK && at.res.type->ty == mt && cse_policy_check(ask, &at, OP_RETRIEVE, 0) == ERR_OK;
}

static err_t types_check(const struct cse_ask *ask, json_t *attrs, bool *validated, char *detail)
{
    json_t *mid = json_object_get(attrs, "mid");
    json_int_t mt = json_integer_value(json_object_get(attrs, "mt"));
    json_int_t csy = json_integer_value(json_object_get(attrs, "csy"));
    for (size_t i = 0; mt != MIXED && i < json_array_size(mid);) {
        struct text member = text_value(json_array_get(mid, i));
        TRY(work_check(ask));
        if (!cse_addr_is_local(ask->cse, member)) {
            *validated = false;
            i++;
        } else if (has_type(ask, member, (uint32_t)mt)) {
            i++;
        } else if (csy == ABANDON_GROUP) {
            return detail_fail(detail, ERR_GROUP_TYPE, "mid", member);
        } else if (csy == SET_MIXED) {
            mt = MIXED;
        } else if (json_array_remove(mid, i) != 0) { /* ABANDON_MEMBER, the default */
            return ERR_LIMIT_CAPACITY;
        }
    }
    return json_object_set_new(attrs, "mt", json_integer(mt)) == 0 ? ERR_OK : ERR_LIMIT_CAPACITY;
}

static err_t forms_check(const json_t *mid, char *detail)
{
    for (size_t i = 0; i < json_array_size(mid); i++) {
        struct text member = text_value(json_array_get(mid, i));
        struct text rest = text_starts(member, "//") ? text_skip(member, 2) : text_skip(member, text_starts(member, "/"));
        struct text part = text_empty();
        bool good = rest.n > 0 && rest.p[rest.n - 1] != '/';
        while (good && text_next(&rest, '/', &part)) {
            good = part.n > 0 && m2mid_is_unreserved(part);
        }
        for (size_t k = 0; good && k < i; k++) {
            good = !text_eq(member, text_value(json_array_get(mid, k)));
        }
        if (!good) {
            return detail_fail(detail, ERR_CONTENTS, "mid is no address or twice there", member);
        }
    }
    return ERR_OK;
}

err_t cse_group_accept(const struct cse_ask *ask, const struct cse_res *r, json_t *attrs,
                       char detail[static ROLE_DETAIL_MAX])
{
    bool validated = true;
    SCOPED(json_scope) json_t *mid = json_deep_copy(json_object_get(attrs, "mid")); /* the request keeps its own */
    size_t max = (size_t)json_integer_value(json_object_get(attrs, "mnm"));
    if (mid == NULL || json_object_set(attrs, "mid", mid) != 0) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(forms_check(mid, detail));
    if (json_array_size(mid) > max) {
        return detail_fail(detail, ERR_GROUP_FULL, "mid", text_empty());
    }
    err_t e = circle_check(ask, r->ri, mid);
    if (e != ERR_OK) {
        return e == ERR_GROUP_CIRCLE ? detail_fail(detail, e, "mid", text_empty()) : e;
    }
    TRY(types_check(ask, attrs, &validated, detail));
    bool ok = json_object_set_new(attrs, "cnm", json_integer((json_int_t)json_array_size(mid))) == 0 &&
              json_object_set_new(attrs, "mtv", json_boolean(validated)) == 0;
    return ok ? ERR_OK : ERR_LIMIT_CAPACITY;
}
