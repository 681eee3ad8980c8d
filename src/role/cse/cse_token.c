#include "role/cse/cse_token.h"

#include "base/base64url.h"
#include "base/hex.h"
#include "crypto/crypto.h"
#include "proto/esdata.h"
#include "role/cse/cse_das.h"
#include "role/cse/cse_token_res.h"
#include "role/detail.h"
#include "role/expire.h"

#define RECORD_VERSION 1
#define SUID_SIGNATURE 45 /* a certificate or its key, for signatures alone */

static const struct rec_field fields[] = {
    {REC_TIME, REC_AT(struct cse_token, not_before)}, {REC_TIME, REC_AT(struct cse_token, not_after)},
    {REC_VIEW16, REC_AT(struct cse_token, id)},       {REC_VIEW16, REC_AT(struct cse_token, holder)},
    {REC_VIEW16, REC_AT(struct cse_token, issuer)},   {REC_VIEW16, REC_AT(struct cse_token, mark)},
    {REC_VIEW32, REC_AT(struct cse_token, permissions)},
};
static const struct rec_layout layout = REC_LAYOUT(struct cse_token, fields, RECORD_VERSION, RECORD_VERSION);

err_t cse_token_record_parse(struct bytes b, struct cse_token *out)
{
    return rec_parse(&layout, b, out);
}

static bool is_over(struct bytes record, usec_t now)
{
    struct cse_token k;
    return cse_token_record_parse(record, &k) == ERR_OK && k.not_after <= now;
}

err_t cse_token_local(const struct cse *cse, struct text id, char out[static CSE_TOKEN_LOCAL])
{
    uint8_t hash[CRYPTO_HASH_LEN];
    struct writer w = writer_of(out, CSE_TOKEN_LOCAL);
    TRY(cse->env.crypto->sha256(text_bytes(id), hash));
    writer_z(&w, "t");
    hex_write_lower(&w, bytes_of(hash, (CSE_TOKEN_LOCAL - 2) / 2));
    return writer_finish_z(&w);
}

/* -- one token ------------------------------------------------------------------------------------------------------- */
struct opened {
    struct jose_object jose;
    struct jwt claims;
};

static void opened_wipe(struct opened *o)
{
    jose_wipe(&o->jose);
    jwt_wipe(&o->claims);
}

/* What may be read before the signature is checked: only to know whose key to take. */
static err_t peek(struct text token, struct opened *o, char *detail)
{
    uint8_t plain[JWT_MAX];
    struct writer w = WRITER_ARRAY(plain);
    const char *fault = "form";
    err_t e = jose_parse(text_bytes(token), &o->jose);
    bool compact = e == ERR_OK && o->jose.form == JOSE_COMPACT && o->jose.kind == JOSE_JWS && o->jose.parts == 1;
    if (!compact) { /* [TS-0003 7.3.2.6.1]; encrypted ones: docs/decisions/0034 */
        return detail_fail(detail, ERR_TOKEN_FORM, "no compact JWS", text_empty());
    }
    if (!text_eq_nocase(json_get_text(o->jose.header[0], "typ"), text_of("JWT")) || o->jose.part[0].cty.n > 0) {
        return detail_fail(detail, ERR_TOKEN_FORM, "typ must be JWT, without cty", text_empty());
    }
    e = base64url_parse(json_get_text(o->jose.root, "payload"), &w);
    e = e == ERR_OK ? writer_finish(&w) : e;
    e = e == ERR_OK ? jwt_parse(writer_view(&w), &o->claims, &fault) : ERR_TOKEN_FORM;
    return e == ERR_OK ? e : detail_fail(detail, e, fault, text_empty());
}

static err_t signature_check(const struct cse *cse, struct text token, const struct opened *o, const struct cse_issuer *d, usec_t now)
{
    uint8_t plain[JWT_MAX];
    struct writer w = WRITER_ARRAY(plain);
    struct esdata_opened what;
    const struct esdata_key key = {.key = {.id = o->jose.part[0].kid, .text = text_of(d->jwk)}, .suid = SUID_SIGNATURE, .not_after = USEC_NEVER};
    const struct esdata_ring ring = {.sources = &key, .sources_n = 1, .class = ESDATA_SIGNED};
    err_t e = esdata_open(cse->env.objects, &ring, text_bytes(token), now, &w, &what);
    return e == ERR_OK || e == ERR_LIMIT_CAPACITY ? e : e == ERR_OBJECT_ALG ? ERR_TOKEN_ALG
                                                   : e == ERR_OBJECT_TAG    ? ERR_TOKEN_SIGNATURE
                                                                            : ERR_TOKEN_FORM;
}

/* Absolute CSE-IDs, wildcards allowed [TS-0003 7.3.2.3 step 7.1.3]. */
static err_t audience_check(const struct cse *cse, const json_t *aud)
{
    bool found = json_array_size(aud) == 0;
    for (size_t i = 0; i < json_array_size(aud); i++) {
        const json_t *v = json_array_get(aud, i);
        found = found || m2mid_match(text_span(json_string_value(v), json_string_length(v)), text_of(cse->self.z));
    }
    return found ? ERR_OK : ERR_TOKEN_AUDIENCE;
}

static err_t times_check(const struct cse_token *k, usec_t now)
{
    return k->not_after <= now ? ERR_TOKEN_EXPIRED : k->not_before > now ? ERR_TOKEN_EARLY : ERR_OK;
}

static err_t keep_text(struct txn *t, struct text in, struct text *out)
{
    struct bytes b;
    if (!arena_dup(t->arena, text_bytes(in), &b)) {
        return ERR_LIMIT_CAPACITY;
    }
    *out = text_span((const char *)b.p, b.n);
    return ERR_OK;
}

static err_t fill(const struct cse *cse, struct txn *t, const struct jwt *j, struct cse_token *out, char *detail)
{
    uint8_t compiled[ACCESS_TOKEN_COMPILED_MAX];
    struct writer w = WRITER_ARRAY(compiled);
    struct m2mid holder;
    if (m2mid_absolute(j->holder, text_of(cse->self.z), &holder) != ERR_OK) {
        return detail_fail(detail, ERR_TOKEN_FORM, "azp", j->holder);
    }
    TRY(access_token_compile(j->permissions, &w, detail));
    TRY(arena_dup(t->arena, writer_view(&w), &out->permissions) ? ERR_OK : ERR_LIMIT_CAPACITY);
    TRY(keep_text(t, j->id, &out->id));
    TRY(keep_text(t, text_of(holder.z), &out->holder));
    out->not_before = j->not_before;
    out->not_after = j->not_after;
    return cse_token_local(cse, out->id, out->local);
}

err_t cse_token_verify(const struct cse *cse, struct txn *t, struct text token, usec_t now, struct cse_token *out,
                       char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(opened_wipe) struct opened o = {.jose = {.parts = 0}};
    *out = (struct cse_token){.kept = false};
    if (token.n > JWT_MAX) {
        return ERR_TOKEN_SIZE;
    }
    TRY(peek(token, &o, detail));
    const struct cse_issuer *d = cse_issuer_by_id(&cse->token_issuers, o.claims.issuer);
    if (d == NULL || cse_issuer_of(&cse->token_issuers, o.claims.id) != d) {
        return detail_fail(detail, ERR_TOKEN_ISSUER, d == NULL ? "iss" : "jti", d == NULL ? o.claims.issuer : o.claims.id);
    }
    TRY(signature_check(cse, token, &o, d, now));
    TRY(fill(cse, t, &o.claims, out, detail));
    out->issuer = d->fqdn;
    out->mark = text_of(d->mark);
    err_t e = times_check(out, now);
    e = e == ERR_OK ? audience_check(cse, o.claims.audience) : e;
    return e == ERR_OK ? e : detail_fail(detail, e, "jti", out->id);
}

err_t cse_token_claims(struct text token, struct jwt *out, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(opened_wipe) struct opened o = {.jose = {.parts = 0}};
    err_t e = peek(token, &o, detail);
    *out = e == ERR_OK ? o.claims : (struct jwt){.root = NULL};
    o.claims = e == ERR_OK ? (struct jwt){.root = NULL} : o.claims;
    return e;
}

bool cse_token_is_fault(err_t e)
{
    return e >= ERR_TOKEN_FORM && e <= ERR_TOKEN_UNKNOWN;
}

/* -- those that are kept ---------------------------------------------------------------------------------------------- */
/* ERR_NOT_FOUND also if the key of its issuer is another now, or the issuer is gone. */
static err_t kept_get(const struct cse *cse, struct txn *t, struct text local, usec_t now, struct cse_token *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_CSE_TOKEN, local, &b));
    TRY(cse_token_record_parse(b, out));
    const struct cse_issuer *d = cse_issuer_of(&cse->token_issuers, out->id);
    if (d == NULL || !text_eq_z(out->mark, d->mark) || times_check(out, now) != ERR_OK) {
        return ERR_NOT_FOUND;
    }
    out->kept = true;
    return TEXT_COPY(local, out->local);
}

err_t cse_token_known(const struct cse_ask *ask, struct text local, struct cse_token *out)
{
    err_t e = kept_get(ask->cse, ask->t, local, ask->rq->now, out);
    return e == ERR_NOT_FOUND ? cse_token_res_find(ask, local, out) : e;
}

err_t cse_token_put(struct txn *t, const struct cse_token *k, usec_t now, bool first)
{
    const size_t cap = ACCESS_TOKEN_COMPILED_MAX + 2048;
    uint8_t *buf = arena_alloc(t->arena, cap);
    struct writer w = writer_of(buf, buf == NULL ? 0 : cap);
    struct audit_event event = {.kind = AUDIT_TOKEN_TAKEN, .time = now};
    TRY(rec_write(&layout, RECORD_VERSION, k, NULL, &w));
    TRY(rec_put(t, TABLE_CSE_TOKEN, text_of(k->local), &w, STORE_PUT_ANY));
    if (first && expire_is_due(text_skip(text_of(k->local), 1), '0')) {
        TRY(expire_run(t, TABLE_CSE_TOKEN, is_over, now));
    }
    TRY(TEXT_COPY(text_take(k->holder, AUDIT_TEXT_MAX - 1), event.peer));
    TRY(TEXT_COPY(text_take(k->id, AUDIT_TEXT_MAX - 1), event.object));
    return txn_audit(t, &event);
}

/* -- those of a request ------------------------------------------------------------------------------------------------ */
static err_t add(const struct cse_ask *ask, const struct cse_token *k, struct cse_tokens *out, char *detail)
{
    struct text self = text_of(ask->from->absolute.z);
    bool own = (ask->from->authenticated || ask->from->vouched) && ask->from->kind != CSE_FROM_ABSENT && m2mid_same(k->holder, self);
    if (!own) {
        return detail_fail(detail, ERR_TOKEN_HOLDER, "jti", k->id); /* not whose it is: that is no business of who shows another's */
    }
    out->at[out->n++] = *k;
    return ERR_OK;
}

static err_t add_shown(const struct cse_ask *ask, struct text token, struct cse_tokens *out, char *detail)
{
    struct cse_token k, old;
    TRY(cse_token_verify(ask->cse, ask->t, token, ask->rq->now, &k, detail));
    err_t e = kept_get(ask->cse, ask->t, text_of(k.local), ask->rq->now, &old);
    k.kept = e == ERR_OK && bytes_eq(old.permissions, k.permissions) && old.not_after == k.not_after && text_eq(old.holder, k.holder);
    if (e != ERR_OK && e != ERR_NOT_FOUND) {
        return e;
    }
    TRY(add(ask, &k, out, detail));
    if (!k.kept && ask->t->writable) {
        TRY(cse_token_put(ask->t, &k, ask->rq->now, out->n == 1));
        out->at[out->n - 1].kept = true;
    }
    return ERR_OK;
}

static err_t add_named(const struct cse_ask *ask, struct text local, struct text name, struct cse_tokens *out, char *detail)
{
    struct cse_token k;
    err_t e = cse_token_known(ask, local, &k);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? detail_fail(detail, ERR_TOKEN_UNKNOWN, "identifier", name)
                                  : detail_fail(detail, e, cse_token_is_fault(e) ? "jti" : "", name);
    }
    return add(ask, &k, out, detail);
}

/* All that the request shows; ERR_TOKEN_*. With a writable transaction new ones are kept. */
static err_t open_all(const struct cse_ask *ask, struct cse_tokens *out, char detail[static ROLE_DETAIL_MAX])
{
    const struct primitive *p = ask->rq->prim;
    char local[CSE_TOKEN_LOCAL];
    out->n = 0;
    for (size_t i = 0; i < p->tokens.n; i++) {
        TRY(add_shown(ask, p->tokens.at[i], out, detail));
    }
    for (size_t i = 0; i < p->tids.n; i++) {
        TRY(cse_token_local(ask->cse, p->tids.at[i], local));
        TRY(add_named(ask, text_of(local), p->tids.at[i], out, detail));
    }
    for (size_t i = 0; i < p->ltids.n; i++) {
        TRY(add_named(ask, p->ltids.at[i], p->ltids.at[i], out, detail));
    }
    return ERR_OK;
}

err_t cse_token_look(const struct cse_ask *ask, struct primitive *out, char detail[static ROLE_DETAIL_MAX])
{
    *out = *ask->rq->prim;
    if (!primitive_has_tokens(out) || out->given != NULL) {
        return ERR_OK;
    }
    struct cse_tokens *l = arena_alloc(ask->t->arena, sizeof(*l));
    TRY(l == NULL ? ERR_LIMIT_CAPACITY : open_all(ask, l, detail));
    out->given = l;
    return ERR_OK;
}

void cse_token_assigned(const struct cse_tokens *l, char ati[static ROLE_ATI_MAX])
{
    struct writer w = writer_of(ati, ROLE_ATI_MAX);
    ati[0] = '\0';
    for (size_t i = 0; i < l->n; i++) {
        size_t before = w.n;
        if (!l->at[i].kept || before + 2 + CSE_TOKEN_LOCAL + l->at[i].id.n >= ROLE_ATI_MAX) {
            continue;
        }
        writer_z(&w, before > 0 ? "+" : "");
        writer_z(&w, l->at[i].local);
        writer_z(&w, ":");
        writer_text(&w, l->at[i].id);
    }
    if (writer_finish_z(&w) != ERR_OK) {
        ati[0] = '\0';
    }
}

/* -- what they give ----------------------------------------------------------------------------------------------------- */
static err_t structured(const struct cse_ask *ask, const struct cse_res *r, struct text *out)
{
    const size_t cap = (CSE_RES_DEPTH_MAX + 2) * 65;
    uint8_t *b = arena_alloc(ask->t->arena, cap);
    struct writer w = writer_of(b, b == NULL ? 0 : cap);
    TRY(cse_addr_write(ask->cse, ask->t, r, ask->rq->now, &w));
    *out = writer_view_text(&w);
    return writer_finish(&w);
}

/* The resource, and for a type without policies of its own the parent that has them (12.4 rule 2). */
static err_t place_of(const struct cse_ask *ask, const struct cse_target *target, struct access_place *out)
{
    *out = (struct access_place){.self = text_of(ask->cse->self.z), .base = text_of(ask->cse->name.z), .n = 2};
    out->name[0] = target->res.ri;
    TRY(structured(ask, &target->res, &out->name[1]));
    if ((target->res.type->flags & TYPES_HAS_ACPI) == 0 && target->has_parent) {
        out->name[2] = target->parent.ri;
        TRY(structured(ask, &target->parent, &out->name[3]));
        out->n = 4;
    }
    return ERR_OK;
}

/* Whoever may name a DAS for a resource (daci) says whose tokens open it, unless the operator said so for all. */
static err_t counts(const struct cse_ask *ask, const struct cse_target *target, const struct cse_token *k, bool *out)
{
    const struct cse_issuer *d = cse_issuer_of(&ask->cse->token_issuers, k->id);
    *out = d != NULL && d->everywhere;
    return d == NULL || *out ? ERR_OK : cse_das_names(ask, target, d->url, out);
}

err_t cse_token_permits(const struct cse_ask *ask, const struct cse_target *target, const struct access_query *q, bool *out)
{
    const struct cse_tokens *l = ask->rq->prim->given;
    struct access_place at;
    *out = false;
    if (l == NULL || l->n == 0) {
        return ERR_OK;
    }
    TRY(place_of(ask, target, &at));
    for (size_t i = 0; i < l->n && !*out; i++) {
        bool count = false;
        if (access_token_permits(l->at[i].permissions, &at, q)) {
            TRY(counts(ask, target, &l->at[i], &count));
        }
        *out = count;
    }
    return ERR_OK;
}

err_t cse_token_holds(const struct cse_ask *ask, const struct cse_target *target, struct text role, bool *out)
{
    const struct cse_tokens *l = ask->rq->prim->given;
    const struct cse_issuer *d = cse_issuer_of(&ask->cse->token_issuers, role);
    struct access_place at;
    *out = false;
    if (l == NULL || l->n == 0 || d == NULL) {
        return ERR_OK;
    }
    TRY(place_of(ask, target, &at));
    for (size_t i = 0; i < l->n; i++) { /* a role of its own domain: nobody gives those of another */
        *out = *out || (cse_issuer_of(&ask->cse->token_issuers, l->at[i].id) == d && access_token_holds(l->at[i].permissions, &at, role));
    }
    return ERR_OK;
}
