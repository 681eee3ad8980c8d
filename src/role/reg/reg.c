#include "role/reg/reg.h"

#include "role/detail.h"
#include "role/originator.h"
#include "role/reg/reg_own.h"
#include "role/reg/reg_who.h"

usec_t reg_earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

err_t reg_configure(struct reg *r, const struct conf *cf, const char *section, const char *lifetime_key,
                    char detail[static ROLE_DETAIL_MAX])
{
    struct text fqdn = conf_text(cf, section, r->env.name, "fqdn");
    struct keyid folded;
    if (!keyid_is_fqdn(fqdn) || keyid_fold(fqdn, &folded) != ERR_OK || TEXT_COPY(text_of(folded.z), r->fqdn) != ERR_OK) {
        return detail_fail(detail, ERR_CONFIG, "fqdn is no host name", fqdn);
    }
    struct text admin = conf_text(cf, section, r->env.name, "admin-fqdn");
    struct keyid stakeholder = {.z = ""};
    TRY(admin.n == 0 ? ERR_OK : keyid_fold(admin, &stakeholder));
    TRY(TEXT_COPY(text_of(stakeholder.z), r->admin));
    r->key_lifetime = conf_number(cf, section, r->env.name, lifetime_key);
    r->kv_min = (size_t)conf_number(cf, section, r->env.name, "key-value-min");
    r->kv_max = (size_t)conf_number(cf, section, r->env.name, "key-value-max");
    return r->kv_min <= r->kv_max ? ERR_OK
                                  : detail_fail(detail, ERR_CONFIG, "key-value-min is above key-value-max", text_empty());
}

err_t reg_tell(struct txn *t, enum audit_kind kind, const struct request *rq, const char *object)
{
    struct audit_event e = {.kind = kind, .time = rq->now, .outcome = ERR_OK};
    TRY(TEXT_COPY(association_name(rq->assoc), e.peer));
    TRY(TEXT_COPY(text_of(object), e.object));
    TRY(TEXT_COPY(text_of(rq->assoc->id), e.association));
    return txn_audit(t, &e);
}

/* -- the base ----------------------------------------------------------------------------------------- */
/* The MAFBase or MEFBase; of its children a client sees its own, so that it can find a registration whose answer it lost. */
err_t reg_base_retrieve(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    const struct reg *r = ctx;
    struct reg_who w;
    struct reg_own own;
    TRY(reg_who_of(r, rq, t, &w, rs->detail));
    TRY(reg_own_list(r, t, w.name, &own));
    struct emit e = emit_to(&rs->body);
    emit_object(&e, NULL);
    emit_object(&e, reg_attr_root(r->kind->base_ty));
    emit_number(&e, reg_attr_name(REG_ATTR_TY), r->kind->base_ty);
    emit_z(&e, reg_attr_name(REG_ATTR_FQDN), r->fqdn);
    emit_array(&e, reg_attr_name(REG_ATTR_CH));
    for (size_t i = 0; i < own.n; i++) {
        struct rec_client c;
        err_t found = reg_own_get(r, t, &w, text_of(own.at[i].ri), rq->now, &c);
        if (found == ERR_NOT_FOUND) { /* expired */
            continue;
        }
        TRY(found);
        emit_object(&e, NULL);
        emit_z(&e, "nm", own.at[i].of + own.prefix); /* adminFQDN */
        emit_number(&e, "typ", r->kind->client_ty);
        emit_z(&e, "val", own.at[i].ri);
        emit_close_object(&e);
    }
    emit_close_array(&e);
    emit_close_object(&e);
    emit_close_object(&e);
    rs->rsc = 2000;
    return ERR_OK;
}

/* What this authority withdrew of the keys that it handed to who asks (role/withdraw.h). */
err_t reg_withdrawn(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    const struct reg *r = ctx;
    TRY(originator_check(rq, rs->detail));
    return withdraw_serve(r->kind->withdraw, r->fqdn, rq, t, rs);
}
