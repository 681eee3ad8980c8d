#include "role/cse/cse_nu.h"

#include "role/cse/cse_hop.h"
#include "role/detail.h"
#include "wire/json.h"
#include "wire/url.h"

err_t cse_nu_callable(const struct cse *cse, struct text url)
{
    struct url u;
    char z[URL_MAX];
    TRY(url_parse(url, &u));
    TRY(TEXT_COPY(url, z));
    return role_may_call(&cse->env, z) ? ERR_OK : ERR_DENIED_URL;
}

static err_t url_target(const struct cse *cse, struct text nu, struct writer *out)
{
    TRY(cse_nu_callable(cse, nu));
    writer_z(out, "U:");
    writer_text(out, nu);
    return writer_finish(out);
}

/* Registered here, or announced: then its <AEAnnc> says where it is. */
static bool is_ae(const struct cse_res *r)
{
    return r->type->ty == TYPE_AE || r->type->ty == TYPE_AE_ANNC;
}

/* Of another CSE: by its address, which names that CSE; who leads there is looked up when there is something to tell. An AE of S
 * type has no CSE in its name alone: it is registered or announced here, or nobody knows where it is. */
static err_t elsewhere(const struct cse *cse, struct txn *t, struct text nu, usec_t now, struct writer *out)
{
    struct cse_from who = {0};
    struct cse_res ae;
    err_t e = cse_from_forms(cse, nu, &who);
    if (e != ERR_OK || who.stem.z[0] == '\0') {
        writer_z(out, "C:");
        err_t bad = cse_hop_absolute(cse, nu, out);
        return bad == ERR_CONTENTS && e == ERR_OK ? ERR_NOT_IMPLEMENTED : bad;
    }
    e = cse_res_get(t, text_of(who.stem.z), now, &ae);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    if (e != ERR_OK || !is_ae(&ae)) {
        return ERR_NOT_IMPLEMENTED;
    }
    writer_z(out, "A:");
    writer_z(out, who.stem.z);
    return writer_finish(out);
}

err_t cse_nu_target(const struct cse *cse, struct txn *t, struct text nu, usec_t now, struct writer *out)
{
    struct cse_target at;
    if (url_is_one(nu)) {
        return url_target(cse, nu, out);
    }
    if (!cse_addr_is_local(cse, nu)) {
        return elsewhere(cse, t, nu, now, out);
    }
    err_t e = cse_addr_resolve(cse, t, nu, now, &at);
    if (e == ERR_NOT_FOUND || e == ERR_MALFORMED_TO || (e == ERR_OK && !is_ae(&at.res))) {
        return ERR_CONTENTS;
    }
    TRY(e);
    writer_z(out, "A:");
    writer_text(out, at.res.ri);
    return writer_finish(out);
}

bool cse_nu_is_own(const struct cse_from *from, struct text target)
{
    struct text who = text_skip(target, 2);
    return (text_starts(target, "A:") && text_eq_z(who, from->stem.z)) ||
           (text_starts(target, "C:") && m2mid_same(who, text_of(from->absolute.z)));
}

static err_t add_target(const struct cse_ask *ask, const char *name, struct text nu, struct text *out, char *detail)
{
    char *z = arena_alloc(ask->t->arena, CSE_OUTBOX_TARGET_MAX);
    struct writer w = writer_of(z, z == NULL ? 0 : CSE_OUTBOX_TARGET_MAX);
    err_t e = cse_nu_target(ask->cse, ask->t, nu, ask->rq->now, &w);
    *out = writer_view_text(&w);
    e = e == ERR_LIMIT_SIZE ? ERR_CONTENTS : e;
    return e == ERR_OK ? e : detail_fail(detail, e, name, nu);
}

/* Nobody is sent anything that he did not ask for himself or agree to, else a subscription were a way to flood a stranger. Who was
 * asked is looked up anew here: each has a bit by his place in nu. */
static err_t verified_check(const struct cse_ask *ask, const json_t *attrs, const struct cse_notify *n, char *detail)
{
    bool named = json_object_get(json_object_get(ask->rq->prim->pc, "m2m:sub"), "nu") != NULL; /* else they are as they were */
    for (size_t i = 0; named && i < n->targets_n; i++) {
        const bool agrees = (ask->rq->prim->verified & 1U << i) != 0;
        if (!agrees && !cse_nu_is_own(ask->from, n->targets[i])) {
            const json_t *nu = json_array_get(json_object_get(attrs, "nu"), i);
            return detail_fail(detail, ERR_TARGET_UNVERIFIED, "nu", text_of(json_string_value(nu)));
        }
    }
    return ERR_OK;
}

err_t cse_nu_compile(const struct cse_ask *ask, const json_t *attrs, struct cse_notify *n, char detail[static ROLE_DETAIL_MAX])
{
    const json_t *nu = json_object_get(attrs, "nu");
    for (size_t i = 0; i < json_array_size(nu) && i < TYPES_TARGETS_MAX; i++) {
        const json_t *v = json_array_get(nu, i);
        struct text one = text_span(json_string_value(v), json_string_length(v));
        struct text *to = &n->targets[n->targets_n];
        TRY(add_target(ask, "nu", one, to, detail));
        for (size_t k = 0; k < n->targets_n; k++) {
            if (text_eq(n->targets[k], *to)) {
                return detail_fail(detail, ERR_CONTENTS, "nu is twice there", one);
            }
        }
        n->targets_n++;
    }
    struct text su = json_get_text(attrs, "su");
    TRY(verified_check(ask, attrs, n, detail));
    return su.n == 0 ? ERR_OK : add_target(ask, "su", su, &n->su, detail);
}
