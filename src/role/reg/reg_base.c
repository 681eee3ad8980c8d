/* Requests to the base of MAF and MEF. */
#include "role/originator.h"
#include "role/reg/reg_own.h"
#include "role/reg/reg_who.h"

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
err_t reg_base_withdrawn(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    const struct reg *r = ctx;
    TRY(originator_check(rq, rs->detail));
    return withdraw_serve(r->kind->withdraw, r->fqdn, rq, t, rs);
}
