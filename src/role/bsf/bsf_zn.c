/* Zn: a NAF that owns the FQDN in its NAF_Id is given the keys behind a B-TID [TS 33.220 4.5.3; JSON in the manner of TS 29.309]. */
#include "role/bsf/bsf_ctx.h"
#include "role/detail.h"
#include "role/emit.h"
#include "role/originator.h"
#include "wire/bsf_info.h"
#include "wire/json.h"

enum { RSC_OK = 2000 };

err_t bsf_zn_cert(const void *ctx, struct txn *t, const struct role_cert *cert, usec_t now, struct association *out)
{
    (void)ctx;
    (void)t;
    (void)now;
    return originator_of_cert(cert, out);
}

/* Its certificate says whose keys it may have: nobody is given those of another NAF. */
static err_t take_naf_id(const struct request *rq, struct naf_id *out, char detail[static ROLE_DETAIL_MAX])
{
    uint8_t octets[GBA_FQDN_MAX + GBA_UA_LEN];
    struct writer w = WRITER_ARRAY(octets);
    struct text t = json_get_text(rq->prim->pc, "nafId");
    if (base64_parse(t, &w) != ERR_OK || naf_id_parse(writer_view(&w), out) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_ID, "nafId", t);
    }
    struct text fqdn = naf_id_fqdn(out);
    return originator_is(rq->assoc, fqdn) ? ERR_OK : detail_fail(detail, ERR_DENIED_FROM, "nafId", fqdn);
}

static void time_member(struct emit *e, const char *name, usec_t t)
{
    char z[32];
    struct writer w = WRITER_ARRAY(z);
    bsf_info_time_write(&w, t);
    emit_text(e, name, writer_view_text(&w));
}

/* R001-122: the Enrolee-ID goes with the key; R001-134: so does its end. */
static err_t answer(const struct bsf_naf *n, struct response *rs)
{
    struct emit e = emit_to(&rs->body);
    const bool both = n->ks.gba_u != 0;
    emit_object(&e, NULL);
    emit_z(&e, "impi", n->ks.impi.z);
    time_member(&e, "bootstrappingInfoCreationTime", n->ks.made);
    time_member(&e, "keyExpiryTime", n->ks.not_after);
    emit_z_if(&e, "enroleeID", n->ks.enrolee_id.z);
    emit_secret(&e, "meKeyMaterial", both ? &n->ext.s : &n->me.s); /* R001-136, R001-137 */
    if (both) {
        emit_secret(&e, "uiccKeyMaterial", &n->in.s);
    }
    emit_close_object(&e);
    rs->rsc = RSC_OK;
    return ERR_OK;
}

static err_t tell(struct txn *t, const struct request *rq, const struct rec_ks *ks, struct text naf)
{
    struct audit_event e = {.kind = AUDIT_NAF_KEY_GIVEN, .time = rq->now, .outcome = ERR_OK};
    TRY(TEXT_COPY(text_take(naf, sizeof(e.peer) - 1), e.peer));
    TRY(TEXT_COPY(text_take(text_of(ks->b_tid.z), sizeof(e.object) - 1), e.object));
    TRY(TEXT_COPY(text_of(rq->assoc->id), e.association));
    return txn_audit(t, &e);
}

err_t bsf_zn(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    SCOPED(bsf_naf_wipe) struct bsf_naf n = {0};
    struct naf_id id;
    if (rq->prim->pc == NULL) {
        return detail_fail(rs->detail, ERR_MISSING, "btId, nafId", text_empty());
    }
    TRY(take_naf_id(rq, &id, rs->detail));
    TRY(bsf_naf_keys(ctx, t, json_get_text(rq->prim->pc, "btId"), &id, rq->now, &n));
    TRY(tell(t, rq, &n.ks, naf_id_fqdn(&id)));
    return answer(&n, rs);
}
