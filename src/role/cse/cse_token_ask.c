#include "role/cse/cse_token_ask.h"

#include "role/cse/cse_das.h"
#include "role/detail.h"
#include "wire/emit.h"
#include "wire/json.h"

/* -- indirect: where a token is to be had --------------------------------------------------------------------------------- */
err_t cse_token_ask_offer(const struct cse_ask *ask, struct writer *w)
{
    struct cse_target target;
    size_t found = 0;
    struct emit e = emit_to(w);
    TRY(cse_addr_resolve(ask->cse, ask->t, ask->rq->prim->to, ask->rq->now, &target));
    emit_object(&e, NULL);
    emit_array(&e, "dasi");
    for (size_t i = 0; i < ask->cse->token_issuers.n; i++) {
        const struct cse_issuer *d = &ask->cse->token_issuers.at[i];
        bool named = d->everywhere;
        TRY(named ? ERR_OK : cse_das_names(ask, &target, d->url, &named));
        if (!named || d->url.n == 0) {
            continue;
        }
        emit_object(&e, NULL);
        emit_text(&e, "uri", d->url);
        cse_das_emit(ask, &(struct cse_das_about){.resource = target.res.ri}, &e);
        emit_close_object(&e);
        found++;
    }
    emit_close_array(&e);
    emit_close_object(&e);
    TRY(writer_finish(w));
    return found > 0 ? ERR_OK : ERR_NOT_FOUND;
}

/* -- a Token-ID that is not here -------------------------------------------------------------------------------------------- */
static bool is_here(const struct cse_ask *ask, struct text id)
{
    char local[CSE_TOKEN_LOCAL];
    struct cse_token k;
    return cse_token_local(ask->cse, id, local) == ERR_OK && cse_token_known(ask, text_of(local), &k) == ERR_OK;
}

void cse_token_ask_missing(const struct cse_ask *ask, struct primitive_list *out)
{
    const struct primitive *p = ask->rq->prim;
    out->n = 0;
    for (size_t i = 0; i < p->tids.n; i++) {
        if (!is_here(ask, p->tids.at[i])) {
            out->at[out->n++] = p->tids.at[i];
        }
    }
}

/* The Token-IDs that are not here, of one DAS: asked at once. */
static size_t missing(const struct cse_ask *ask, const struct cse_issuer **d, struct text *out)
{
    const struct primitive *p = ask->rq->prim;
    size_t n = 0;
    *d = NULL;
    for (size_t i = 0; i < p->tids.n; i++) {
        const struct cse_issuer *of = cse_issuer_of(&ask->cse->token_issuers, p->tids.at[i]);
        if (!is_here(ask, p->tids.at[i]) && of != NULL && of->url.n > 0 && (*d == NULL || *d == of)) {
            *d = of;
            out[n++] = p->tids.at[i];
        }
    }
    return n;
}

static err_t question_write(const struct cse_ask *ask, const struct text *ids, size_t n, struct question *q)
{
    char about[PRIMITIVE_LIST_MAX * M2MID_MAX + M2MID_MAX];
    struct cse_target target;
    struct writer key = WRITER_ARRAY(about);
    char local[CSE_TOKEN_LOCAL];
    uint8_t *body = arena_alloc(ask->t->arena, CSE_DAS_BODY_MAX);
    struct writer w = writer_of(body, body == NULL ? 0 : CSE_DAS_BODY_MAX);
    TRY(cse_addr_resolve(ask->cse, ask->t, ask->rq->prim->to, ask->rq->now, &target));
    TRY(cse_das_write(ask, &(struct cse_das_about){.resource = target.res.ri, .tids = ids, .tids_n = n}, &w));
    writer_z(&key, ask->from->absolute.z);
    for (size_t i = 0; i < n; i++) {
        writer_z(&key, " ");
        writer_text(&key, ids[i]);
    }
    TRY(writer_finish(&key));
    TRY(cse_token_local(ask->cse, writer_view_text(&key), local));
    q->body = writer_view(&w);
    return TEXT_COPY(text_of(local), q->key_id.z);
}

err_t cse_token_ask_need(const struct cse_ask *ask, struct question *q)
{
    struct text ids[PRIMITIVE_LIST_MAX];
    const struct cse_issuer *d = NULL;
    size_t n = ask->from->authenticated && ask->from->kind != CSE_FROM_ABSENT ? missing(ask, &d, ids) : 0;
    if (n == 0) {
        return ERR_NOT_FOUND;
    }
    TRY(TEXT_COPY(d->url, q->peer));
    TRY(role_may_call(&ask->cse->env, q->peer) ? ERR_OK : ERR_NOT_FOUND);
    TRY(TEXT_COPY(d->fqdn, q->path));
    TRY(TEXT_COPY(text_of(ask->cse->self.z), q->origin));
    q->suid = CSE_TOKEN_ASK_SUID;
    return question_write(ask, ids, n, q);
}

err_t cse_token_ask_answer(const struct cse *cse, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                       struct role_psk *out)
{
    SCOPED(json_scope) json_t *root = NULL;
    char detail[ROLE_DETAIL_MAX] = "";
    const json_t *dres = NULL;
    TRY(cse_das_answered(a, &root, &dres));
    const json_t *tokens = json_object_get(dres, "tkns");
    if (tokens == NULL || json_array_size(tokens) == 0) {
        return ERR_DENIED_DAS;
    }
    TRY(json_array_size(tokens) <= PRIMITIVE_LIST_MAX ? ERR_OK : ERR_PEER_NONSENSE);
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        const json_t *v = json_array_get(tokens, i);
        struct cse_token k;
        TRY(cse_token_verify(cse, t, text_span(json_string_value(v), json_string_length(v)), now, &k, detail));
        TRY(text_eq_nocase(k.issuer, text_of(q->path)) ? ERR_OK : ERR_TOKEN_ISSUER); /* "issuer" is the DAS that was asked */
        TRY(cse_token_put(t, &k, now, i == 0));
    }
    out->verdict = ROLE_TAKEN;
    return ERR_OK;
}

/* -- direct: given without being asked for ------------------------------------------------------------------------------------ */
/* 7.3.2.2 step 4.1.1.2: issued by the DAS that was asked, for the originator it was asked about. */
static err_t direct_check(const struct cse_token_ask_direct *d, const struct cse_token *k)
{
    const struct cse_issuer *i = cse_issuer_of(&d->cse->token_issuers, k->id);
    TRY(i != NULL && text_eq(i->url, d->url) ? ERR_OK : ERR_TOKEN_ISSUER);
    return m2mid_same(k->holder, d->holder) ? ERR_OK : ERR_TOKEN_HOLDER;
}

err_t cse_token_ask_take(const struct cse_token_ask_direct *d, const json_t *tkns, struct txn *t, struct writer *names)
{
    char detail[ROLE_DETAIL_MAX] = "";
    if (tkns != NULL && (!json_is_array(tkns) || json_array_size(tkns) > PRIMITIVE_LIST_MAX)) {
        return ERR_PEER_NONSENSE;
    }
    for (size_t i = 0; i < json_array_size(tkns); i++) {
        const json_t *v = json_array_get(tkns, i);
        struct cse_token k;
        TRY(cse_token_verify(d->cse, t, text_span(json_string_value(v), json_string_length(v)), d->now, &k, detail));
        TRY(direct_check(d, &k));
        TRY(cse_token_put(t, &k, d->now, i == 0));
        writer_z(names, i > 0 ? " " : "");
        writer_z(names, k.local);
    }
    return writer_finish(names);
}

err_t cse_token_ask_taken(const struct cse_ask *ask, struct text names, struct cse_tokens *to, const struct cse_tokens **out)
{
    struct text one;
    *out = NULL;
    if (names.n == 0) {
        return ERR_OK;
    }
    struct cse_tokens *l = to != NULL ? to : arena_alloc(ask->t->arena, sizeof(*l));
    TRY(l == NULL ? ERR_LIMIT_CAPACITY : ERR_OK);
    l->n = 0;
    l->granted = NULL;
    while (names.n > 0 && text_next(&names, ' ', &one) && l->n < PRIMITIVE_LIST_MAX) {
        struct cse_token *k = &l->at[l->n];
        err_t e = cse_token_known(ask, one, k);
        TRY(e == ERR_NOT_FOUND || cse_token_is_fault(e) ? ERR_OK : e);
        l->n += e == ERR_OK && m2mid_same(k->holder, text_of(ask->from->absolute.z)) ? 1 : 0;
    }
    *out = l->n > 0 ? l : NULL;
    return ERR_OK;
}
