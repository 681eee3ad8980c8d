#include "role/cse/cse_match.h"

#include "wire/json.h"

/* What conditions look at; of a contentInstance the child index has the first half of it. */
struct subject {
    uint32_t ty;
    usec_t et;
    bool has_size;
    uint64_t size;
    const struct cse_res *res; /* NULL: only the index was read */
    const json_t *attrs;
};

static bool in_types(const struct filter *f, uint32_t ty)
{
    for (size_t i = 0; i < f->ty_n; i++) {
        if (f->ty[i] == ty) {
            return true;
        }
    }
    return false;
}

static bool met_ty(const struct filter *f, const struct subject *s)
{
    return in_types(f, s->ty);
}

static bool met_exb(const struct filter *f, const struct subject *s)
{
    return s->et != USEC_NEVER && s->et < f->time[FILTER_EXB];
}

static bool met_exa(const struct filter *f, const struct subject *s)
{
    return s->et != USEC_NEVER && s->et > f->time[FILTER_EXA];
}

static bool met_sza(const struct filter *f, const struct subject *s)
{
    return s->has_size && s->size >= f->number[FILTER_SZA];
}

static bool met_szb(const struct filter *f, const struct subject *s)
{
    return s->has_size && s->size < f->number[FILTER_SZB];
}

static bool met_crb(const struct filter *f, const struct subject *s)
{
    return s->res->ct < f->time[FILTER_CRB];
}

static bool met_cra(const struct filter *f, const struct subject *s)
{
    return s->res->ct > f->time[FILTER_CRA];
}

static bool met_ms(const struct filter *f, const struct subject *s)
{
    return s->res->lt > f->time[FILTER_MS];
}

static bool met_us(const struct filter *f, const struct subject *s)
{
    return s->res->lt < f->time[FILTER_US];
}

static bool met_sts(const struct filter *f, const struct subject *s)
{
    return (s->res->type->flags & TYPES_HAS_STATE) != 0 && s->res->st < f->number[FILTER_STS];
}

static bool met_stb(const struct filter *f, const struct subject *s)
{
    return (s->res->type->flags & TYPES_HAS_STATE) != 0 && s->res->st > f->number[FILTER_STB];
}

static struct text text_value(const json_t *v)
{
    return json_is_string(v) ? text_span(json_string_value(v), json_string_length(v)) : text_empty();
}

static bool in_list(const struct filter_list *l, struct text t)
{
    for (size_t i = 0; i < l->n; i++) {
        if (text_eq(l->at[i], t)) {
            return true;
        }
    }
    return false;
}

static bool met_lbl(const struct filter *f, const struct subject *s)
{
    const json_t *labels = json_object_get(s->attrs, "lbl");
    for (size_t i = 0; i < json_array_size(labels); i++) {
        if (in_list(&f->lbl, text_value(json_array_get(labels, i)))) {
            return true;
        }
    }
    return false;
}

/* Without parsing it: where nothing is escaped, each string stands octet for octet between two quotes. */
static bool may_hold(struct text json, const struct filter_list *l)
{
    struct text part;
    if (text_find(json, '\\') < json.n) {
        return true;
    }
    while (text_next(&json, '"', &part)) {
        if (in_list(l, part)) {
            return true;
        }
    }
    return false;
}

/* contentInfo is a media type and, after a colon, its encoding: either form may be asked for. */
static bool met_cty(const struct filter *f, const struct subject *s)
{
    struct text cnf = text_value(json_object_get(s->attrs, "cnf"));
    return cnf.n > 0 && (in_list(&f->cty, cnf) || in_list(&f->cty, text_take(cnf, text_find(cnf, ':'))));
}

enum needs { NEEDS_INDEX, NEEDS_HEADER, NEEDS_ATTRS };

static const struct {
    enum needs needs;
    bool (*met)(const struct filter *f, const struct subject *s);
} rows[FILTER_CONDITIONS] = {
    [FILTER_CRB] = {NEEDS_HEADER, met_crb}, [FILTER_CRA] = {NEEDS_HEADER, met_cra}, [FILTER_MS] = {NEEDS_HEADER, met_ms},
    [FILTER_US] = {NEEDS_HEADER, met_us},   [FILTER_EXB] = {NEEDS_INDEX, met_exb},  [FILTER_EXA] = {NEEDS_INDEX, met_exa},
    [FILTER_STS] = {NEEDS_HEADER, met_sts}, [FILTER_STB] = {NEEDS_HEADER, met_stb}, [FILTER_SZA] = {NEEDS_INDEX, met_sza},
    [FILTER_SZB] = {NEEDS_INDEX, met_szb},  [FILTER_TY] = {NEEDS_INDEX, met_ty},    [FILTER_LBL] = {NEEDS_ATTRS, met_lbl},
    [FILTER_CTY] = {NEEDS_ATTRS, met_cty},
};

static uint64_t join(const struct filter *f)
{
    return filter_has(f, FILTER_FO) ? f->number[FILTER_FO] : FILTER_AND;
}

/* All conditions that need no more than `have`, joined. */
static bool joined(const struct filter *f, const struct subject *s, enum needs have)
{
    size_t asked = 0;
    size_t met = 0;
    for (size_t i = 0; i < FILTER_CONDITIONS; i++) {
        if (filter_has(f, (enum filter_criterion)i) && rows[i].needs <= have) {
            asked++;
            met += rows[i].met(f, s) ? 1 : 0;
        }
    }
    switch (join(f)) {
    case FILTER_OR:
        return asked == 0 || met > 0;
    case FILTER_XOR:
        return asked == 0 || met % 2 == 1;
    default:
        return met == asked;
    }
}

static enum needs needs_of(const struct filter *f)
{
    enum needs n = NEEDS_INDEX;
    for (size_t i = 0; i < FILTER_CONDITIONS; i++) {
        if (filter_has(f, (enum filter_criterion)i) && rows[i].needs > n) {
            n = rows[i].needs;
        }
    }
    return n;
}

bool cse_match_type(const struct filter *f, uint32_t ty)
{
    return !filter_has(f, FILTER_TY) || join(f) != FILTER_AND || in_types(f, ty);
}

enum cse_match_verdict cse_match_child(const struct filter *f, const struct cse_child *c)
{
    const struct subject s = {.ty = c->ty, .et = c->et, .has_size = true, .size = c->size};
    bool whole = needs_of(f) == NEEDS_INDEX;
    if (!whole && join(f) != FILTER_AND) {
        return CSE_MATCH_READ;
    }
    bool met = joined(f, &s, NEEDS_INDEX);
    return !met ? CSE_MATCH_NO : whole ? CSE_MATCH_YES : CSE_MATCH_READ;
}

/* Most records of a large tree fail here, and parsing is most of what a discovery by label costs. */
static bool fails_unparsed(const struct filter *f, const struct subject *s)
{
    return join(f) == FILTER_AND &&
           (!joined(f, s, NEEDS_HEADER) || (filter_has(f, FILTER_LBL) && !may_hold(s->res->json, &f->lbl)));
}

err_t cse_match_res(struct txn *t, const struct filter *f, const struct cse_res *r, bool *out)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    enum needs needs = needs_of(f);
    struct subject s = {.ty = r->type->ty, .et = r->et, .has_size = r->type->ty == TYPE_CIN, .size = r->size, .res = r};
    *out = false;
    if (needs == NEEDS_ATTRS) {
        if (fails_unparsed(f, &s)) {
            return ERR_OK;
        }
        TRY(cse_res_attrs(t, r, &attrs));
        s.attrs = attrs;
    }
    *out = joined(f, &s, needs);
    return ERR_OK;
}
