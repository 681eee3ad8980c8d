#include "role/cse/cse_pip.h"

#include "base/hex.h"
#include "crypto/crypto.h"
#include "role/cse/cse_decide.h"
#include "role/cse/cse_points.h"
#include "role/cse/cse_role.h"
#include "role/cse/cse_token_ask.h"
#include "wire/json.h"

#define ROLES_MAX 32    /* of an answer */
#define ROLE_NAME_MAX 192
#define ROLES_OCTETS (ROLES_MAX * (2 * (M2MID_MAX + 2) + 8) + 1)
#define ID_OCTETS 16
#define SAID_ANYTHING 1 /* first octet of what a PIP said */

/* -- what it said -------------------------------------------------------------------------------------------------------- */
/* By originator, point, and what was asked for. */
static err_t key_of(const struct cse_ask *ask, const struct cse_point *p, const struct cse_pip_about *about, struct keyid *out)
{
    char text[M2MID_MAX + 512 + 2 * PRIMITIVE_LIST_MAX * 260];
    uint8_t hash[CRYPTO_HASH_LEN];
    struct writer w = WRITER_ARRAY(text), id = WRITER_ARRAY(out->z);
    const struct primitive_list *const lists[] = {&about->rids, &about->tids};
    writer_z(&w, ask->from->absolute.z);
    writer_z(&w, "\n");
    writer_text(&w, p->address);
    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        writer_z(&w, "\n");
        for (size_t i = 0; i < lists[k]->n; i++) {
            writer_z(&w, " ");
            writer_text(&w, lists[k]->at[i]);
        }
    }
    TRY(writer_finish(&w));
    TRY(ask->cse->env.crypto->sha256(writer_view(&w), hash));
    hex_write_lower(&id, bytes_of(hash, ID_OCTETS));
    return writer_finish_z(&id);
}

bool cse_pip_has(struct bytes roles, struct text holder, struct text role, usec_t now)
{
    struct reader r = reader_of(roles);
    (void)reader_u8(&r);
    while (reader_left(&r) > 0 && !reader_failed(&r)) {
        struct bytes who = reader_block16(&r), what = reader_block16(&r);
        const uint64_t end = reader_u64(&r);
        bool hit = !reader_failed(&r) && m2mid_same(text_span((const char *)who.p, who.n), holder) &&
                   text_eq(text_span((const char *)what.p, what.n), role) && end <= INT64_MAX && now < (usec_t)end;
        if (hit) {
            return true;
        }
    }
    return false;
}

static bool is_claimed(const struct primitive *p, struct text role)
{
    bool found = false;
    for (size_t i = 0; i < p->rids.n; i++) {
        found = found || text_eq(p->rids.at[i], role);
    }
    return found;
}

err_t cse_pip_holds(const struct cse_ask *ask, const struct cse_res *holder, struct text role, bool *out)
{
    const struct cse_pip_about about = {.holder = holder, .rids = ask->rq->prim->rids};
    struct cse_points l;
    *out = false;
    if (!ask->cse->distributed || !(ask->from->authenticated || ask->from->vouched) || !is_claimed(ask->rq->prim, role)) {
        return ERR_OK;
    }
    TRY(cse_points_of(ask, holder, CSE_POINTS_INFORMATION, &l));
    for (size_t i = 0; i < l.n; i++) {
        struct cse_das_grant g;
        struct keyid key;
        enum cse_points_said said;
        TRY(key_of(ask, &l.at[i], &about, &key));
        TRY(cse_points_said(ask, &l.at[i], text_of(key.z), &g, &said));
        if (said != CSE_POINTS_NOT_MINE) { /* the first that has a say says it */
            *out = said == CSE_POINTS_SAID && cse_pip_has(g.rules, text_of(ask->from->absolute.z), role, ask->rq->now);
            return ERR_OK;
        }
    }
    return ERR_OK;
}

/* -- the question --------------------------------------------------------------------------------------------------------- */
static err_t ask_point(const struct cse_ask *ask, const struct cse_point *p, const struct cse_pip_about *about, struct question *q)
{
    uint8_t *body = arena_alloc(ask->t->arena, CSE_DAS_BODY_MAX);
    struct writer w = writer_of(body, body == NULL ? 0 : CSE_DAS_BODY_MAX);
    struct emit e = emit_to(&w);
    TRY(cse_points_question(ask, p, q));
    emit_object(&e, NULL);
    emit_object(&e, types_find(TYPE_AUIF)->root);
    emit_z(&e, "fr", ask->from->absolute.z);
    cse_das_emit_texts(&e, "rids", about->rids.at, about->rids.n);
    cse_das_emit_texts(&e, "tids", about->tids.at, about->tids.n);
    emit_close_object(&e);
    emit_close_object(&e);
    TRY(writer_finish(&w));
    q->suid = CSE_PIP_SUID;
    q->body = writer_view(&w);
    return ERR_OK;
}

err_t cse_pip_need(const struct cse_ask *ask, const struct cse_pip_about *about, struct question *q)
{
    struct cse_points l;
    const bool known = ask->from->authenticated || ask->from->vouched;
    if (!ask->cse->distributed || !known || ask->from->kind == CSE_FROM_ABSENT || about->rids.n + about->tids.n == 0) {
        return ERR_NOT_FOUND;
    }
    TRY(cse_points_of(ask, about->holder, CSE_POINTS_INFORMATION, &l));
    for (size_t i = 0; i < l.n; i++) {
        struct cse_das_grant g;
        enum cse_points_said said;
        TRY(key_of(ask, &l.at[i], about, &q->key_id));
        TRY(cse_points_said(ask, &l.at[i], text_of(q->key_id.z), &g, &said));
        if (said != CSE_POINTS_NOT_MINE) {
            return said == CSE_POINTS_SAID ? ERR_NOT_FOUND : ask_point(ask, &l.at[i], about, q);
        }
    }
    return ERR_NOT_FOUND;
}

err_t cse_pip_need_tokens(const struct cse_ask *ask, struct question *q)
{
    struct cse_target target;
    struct cse_pip_about about = {.rids = {.n = 0}};
    cse_token_ask_missing(ask, &about.tids);
    if (!ask->cse->distributed || about.tids.n == 0 || !cse_addr_is_local(ask->cse, ask->rq->prim->to)) {
        return ERR_NOT_FOUND;
    }
    TRY(cse_addr_resolve(ask->cse, ask->t, ask->rq->prim->to, ask->rq->now, &target));
    about.holder = cse_points_holder(&target);
    return cse_pip_need(ask, &about, q);
}

/* -- the answer ------------------------------------------------------------------------------------------------------------ */
/* One that is not in force, or of an issuer that this CSE does not know, is passed over. Relative names would mean others here. */
static err_t role_write(const struct cse *cse, const json_t *rol, usec_t now, struct writer *out)
{
    const struct text id = json_get_text(rol, "rlid"), issuer = json_get_text(rol, "tkis"), holder = json_get_text(rol, "tkhd");
    usec_t from = 0, to = 0;
    const bool good = json_is_object(rol) && id.n < ROLE_NAME_MAX && access_is_role(id) && text_starts(issuer, "//") && text_starts(holder, "//") &&
                      issuer.n < M2MID_MAX && holder.n < M2MID_MAX && cse_role_times(rol, &from, &to);
    if (!good) {
        return ERR_PEER_NONSENSE;
    }
    if (cse_role_is_issuer(cse, issuer) && from <= now && now < to) {
        writer_block16(out, text_bytes(holder));
        writer_block16(out, text_bytes(id));
        writer_u64(out, (uint64_t)to);
    }
    return ERR_OK;
}

err_t cse_pip_response(const struct cse *cse, const json_t *auif, usec_t now, struct writer *roles)
{
    const json_int_t sus = json_integer_value(json_object_get(auif, "sus"));
    const json_t *rol = json_object_get(auif, "m2m:rol");
    if (sus == CSE_DECIDE_NOT_APPLICABLE) {
        return ERR_OK;
    }
    if (sus != CSE_DECIDE_OK || (rol != NULL && !json_is_array(rol)) || json_array_size(rol) > ROLES_MAX) {
        return ERR_PEER_NONSENSE;
    }
    writer_u8(roles, SAID_ANYTHING);
    for (size_t i = 0; i < json_array_size(rol); i++) {
        TRY(role_write(cse, json_array_get(rol, i), now, roles));
    }
    return writer_finish(roles);
}

/* As it was signed: so it does not matter who tells it. */
static err_t tokens_take(const struct cse *cse, const json_t *tk, struct txn *t, usec_t now)
{
    char detail[ROLE_DETAIL_MAX] = "";
    if (tk != NULL && (!json_is_array(tk) || json_array_size(tk) > PRIMITIVE_LIST_MAX)) {
        return ERR_PEER_NONSENSE;
    }
    for (size_t i = 0; i < json_array_size(tk); i++) {
        struct cse_token k;
        TRY(cse_token_verify(cse, t, json_get_text(json_array_get(tk, i), "tkob"), now, &k, detail));
        TRY(cse_token_put(t, &k, now, i == 0));
    }
    return ERR_OK;
}

err_t cse_pip_answer(const struct cse *cse, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                     struct role_psk *out)
{
    SCOPED(json_scope) json_t *root = NULL;
    uint8_t *buf = arena_alloc(t->arena, ROLES_OCTETS);
    struct writer roles = writer_of(buf, buf == NULL ? 0 : ROLES_OCTETS);
    TRY(cse_points_status(cse, a));
    TRY(json_parse(a->body, &root) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE);
    const json_t *auif = json_object_get(root, types_find(TYPE_AUIF)->root);
    TRY(cse_pip_response(cse, auif, now, &roles));
    TRY(tokens_take(cse, roles.n > 0 ? json_object_get(auif, "m2m:tk") : NULL, t, now));
    out->verdict = ROLE_TAKEN;
    return cse_points_keep(cse, q, writer_view(&roles), t, now);
}
