#include "role/cse/cse_token_res.h"

#include "role/cse/cse_holder.h"
#include "role/detail.h"
#include "wire/jwt.h"
#include "wire/timestamp.h"

#define TOKENS_MAX 16 /* of one holder that are told */

err_t cse_token_res_permits(const struct cse_ask *ask, const struct cse_res *target, enum op op, uint32_t child_ty, bool *out)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    struct m2mid holder;
    const struct text self = text_of(ask->from->absolute.z);
    const bool made = child_ty == TYPE_TK, shown = child_ty == 0 && target->type->ty == TYPE_TK && op == OP_RETRIEVE;
    *out = false;
    if (!ask->from->authenticated || !(made || shown)) {
        return ERR_OK;
    }
    if (made) {
        *out = cse_issuer_by_id(&ask->cse->token_issuers, self) != NULL;
        return ERR_OK;
    }
    TRY(cse_res_attrs(ask->t, target, &attrs));
    *out = cse_holder_of(ask->cse, attrs, &holder) == ERR_OK && m2mid_same(text_of(holder.z), self);
    return ERR_OK;
}

/* -- where it is found: by holder and Local-Token-ID ------------------------------------------------------------------ */
static err_t names_of(const struct cse *cse, const json_t *attrs, struct m2mid *holder, char local[static CSE_TOKEN_LOCAL])
{
    TRY(cse_holder_of(cse, attrs, holder));
    return cse_token_local(cse, json_get_text(attrs, "tkid"), local);
}

/* -- a new one ----------------------------------------------------------------------------------------------------------- */
static bool is_time(const json_t *given, usec_t claimed)
{
    usec_t t = 0;
    return timestamp_parse(text_span(json_string_value(given), json_string_length(given)), &t) == ERR_OK &&
           t / USEC_PER_SEC == claimed / USEC_PER_SEC;
}

/* Details of the token may stand beside it in plaintext [TS-0001 9.6.39]: they must not say anything else. */
static err_t details_check(const struct jwt *j, const json_t *attrs, char *detail)
{
    static const struct {
        const char *attr, *claim;
    } same[] = {{"tkid", "jti"}, {"vr", "tkvr"}, {"tkis", "iss"}, {"tkhd", "azp"}, {"tknm", "tknm"}, {"tkau", "aud"}, {"tkps", "tkps"}, {"tkex", "tkex"}};
    const struct {
        const char *attr;
        usec_t claimed;
    } times[] = {{"tknb", j->not_before}, {"tkna", j->not_after}};
    const char *wrong = NULL;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        const json_t *v = json_object_get(attrs, same[i].attr);
        wrong = v != NULL && !json_equal(v, json_object_get(j->root, same[i].claim)) ? same[i].attr : wrong;
    }
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        const json_t *v = json_object_get(attrs, times[i].attr);
        wrong = v != NULL && !is_time(v, times[i].claimed) ? times[i].attr : wrong;
    }
    return wrong == NULL ? ERR_OK : detail_fail(detail, ERR_CONTENTS, "the token in tkob says otherwise", text_of(wrong));
}

static err_t set_text(json_t *attrs, const char *name, struct text value)
{
    return json_object_set_new(attrs, name, json_stringn(value.p, value.n)) == 0 ? ERR_OK : ERR_LIMIT_CAPACITY;
}

static err_t set_time(json_t *attrs, const char *name, usec_t t)
{
    char z[32];
    struct writer w = WRITER_ARRAY(z);
    timestamp_write(&w, t);
    return set_text(attrs, name, writer_view_text(&w));
}

/* What it is found by stands beside it, as it would if its maker had said so. */
static err_t details_fill(const struct jwt *j, json_t *attrs)
{
    TRY(set_text(attrs, "tkis", j->issuer));
    TRY(set_text(attrs, "tkhd", j->holder));
    TRY(set_time(attrs, "tknb", j->not_before));
    return set_time(attrs, "tkna", j->not_after);
}

err_t cse_token_res_accept(const struct cse_ask *ask, struct cse_res *r, json_t *attrs, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(jwt_wipe) struct jwt j = {.root = NULL};
    struct cse_token k;
    struct cse_res old;
    struct m2mid holder;
    char local[CSE_TOKEN_LOCAL];
    const struct cse_issuer *self = cse_issuer_by_id(&ask->cse->token_issuers, text_of(ask->from->absolute.z));
    const struct text token = json_get_text(attrs, "tkob");
    err_t e = cse_token_verify(ask->cse, ask->t, token, ask->rq->now, &k, detail);
    TRY(e == ERR_TOKEN_EARLY || e == ERR_TOKEN_AUDIENCE ? ERR_OK : e); /* kept for later, or for who asks from another CSE */
    TRY(cse_token_claims(token, &j, detail));
    if (self != NULL && !text_eq(self->fqdn, k.issuer)) { /* else one issuer could hold what another has not given out */
        return detail_fail(detail, ERR_DENIED_PRIVILEGE, "an issuer keeps tokens of its own", k.id);
    }
    TRY(details_check(&j, attrs, detail));
    TRY(details_fill(&j, attrs));
    r->et = k.not_after < r->et ? k.not_after : r->et;
    TRY(names_of(ask->cse, attrs, &holder, local));
    e = cse_holder_get(ask->t, text_of(holder.z), text_of(local), ask->rq->now, &old);
    return e == ERR_OK ? detail_fail(detail, ERR_EXISTS, "tkid", k.id) : e == ERR_NOT_FOUND ? ERR_OK : e;
}

err_t cse_token_res_put(const struct cse_ask *ask, struct cse_res *r, const json_t *attrs)
{
    struct m2mid holder;
    char local[CSE_TOKEN_LOCAL];
    usec_t end = 0;
    TRY(timestamp_parse(json_get_text(attrs, "tkna"), &end));
    r->et = end < r->et ? end : r->et;
    TRY(names_of(ask->cse, attrs, &holder, local));
    return cse_holder_put(ask, text_of(holder.z), text_of(local), r, r->et);
}

err_t cse_token_res_gone(const struct cse_ask *ask, const struct cse_res *r)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    struct m2mid holder;
    char local[CSE_TOKEN_LOCAL];
    if (r->type->ty != TYPE_TK) {
        return ERR_OK;
    }
    TRY(cse_res_attrs(ask->t, r, &attrs));
    TRY(names_of(ask->cse, attrs, &holder, local));
    return cse_holder_gone(ask->t, text_of(holder.z), text_of(local));
}

/* -- use ------------------------------------------------------------------------------------------------------------------ */
/* A token of the store is verified as one that is shown: by the key, the times and the name of this CSE as they are now. */
static err_t verified(const struct cse_ask *ask, const struct cse_res *r, json_t **attrs, struct cse_token *out)
{
    char detail[ROLE_DETAIL_MAX] = "";
    TRY(cse_res_attrs(ask->t, r, attrs));
    return cse_token_verify(ask->cse, ask->t, json_get_text(*attrs, "tkob"), ask->rq->now, out, detail);
}

err_t cse_token_res_find(const struct cse_ask *ask, struct text local, struct cse_token *out)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    struct cse_res r;
    if (local.n >= CSE_TOKEN_LOCAL) {
        return ERR_NOT_FOUND;
    }
    TRY(cse_holder_get(ask->t, text_of(ask->from->absolute.z), local, ask->rq->now, &r));
    TRY(verified(ask, &r, &attrs, out));
    out->kept = true;
    return ERR_OK;
}

static bool is_wanted(const struct primitive_list *wanted, struct text id)
{
    bool want = wanted->n == 0;
    for (size_t i = 0; i < wanted->n; i++) {
        want = want || text_eq(wanted->at[i], id);
    }
    return want;
}

err_t cse_token_res_emit(const struct cse_ask *ask, const struct primitive_list *wanted, struct emit *e, size_t *found)
{
    struct cse_holder_list h = {.n = 0};
    TRY(cse_holder_list(ask->t, text_of(ask->from->absolute.z), "t", TOKENS_MAX, &h));
    for (size_t i = 0; i < h.n; i++) {
        SCOPED(json_scope) json_t *attrs = NULL;
        struct cse_token k;
        struct cse_res r;
        err_t got = cse_res_get(ask->t, h.ri[i], ask->rq->now, &r);
        got = got == ERR_OK ? verified(ask, &r, &attrs, &k) : got;
        got = got == ERR_TOKEN_AUDIENCE ? ERR_OK : got; /* who asks knows whether it is for him */
        TRY(got == ERR_NOT_FOUND || cse_token_is_fault(got) ? ERR_OK : got);
        if (got == ERR_OK && is_wanted(wanted, k.id)) {
            emit_name(e, NULL);
            TRY(json_write(attrs, e->w));
            ++*found;
        }
    }
    return ERR_OK;
}
