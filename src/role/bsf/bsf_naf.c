#include "role/bsf/bsf_ctx.h"
#include "role/key_wipe.h"

#include <string.h>

void bsf_naf_wipe(struct bsf_naf *n)
{
    secret_wipe(&n->me.s);
    secret_wipe(&n->ext.s);
    secret_wipe(&n->in.s);
}

/* The settings as they are now: what was taken back counts at once. */
static err_t check_guss(const struct bsf *b, struct txn *t, struct text fqdn, struct bsf_naf *out)
{
    struct rec_subscriber s;
    err_t e = rec_subscriber_get(t, text_of(out->ks.impi.z), &s);
    if (e == ERR_NOT_FOUND && out->ks.elsewhere != 0 && b->zh) { /* of an HLR, which has no settings: no limit */
        e = bsf_zh_check_name(t, text_of(out->ks.impi.z));
        return e == ERR_DENIED_IMPI ? ERR_DENIED_B_TID : e;
    }
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_DENIED_B_TID : e;
    }
    memcpy(out->uss, s.uss, sizeof(out->uss));
    out->uss_n = s.uss_n;
    unsigned may = rec_subscriber_guss(&s, fqdn);
    if ((may & GUSS_ESTABLISH) == 0) {
        return ERR_DENIED_GUSS_KEY; /* R001-123 */
    }
    return (may & GUSS_DISTRIBUTE) == 0 ? ERR_DENIED_GUSS_GIVE : ERR_OK; /* R001-124 */
}

err_t bsf_naf_keys(const struct bsf *b, struct txn *t, struct text b_tid, const struct naf_id *id, usec_t now,
                   struct bsf_naf *out)
{
    struct b_tid_parts parts;
    SCOPED(key_wipe_ks) struct key_ks ks = {0};
    TRY(b_tid_parse(b_tid, &parts));
    err_t e = bsf_ks_get(b, t, b_tid, &out->ks);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_DENIED_B_TID : e;
    }
    if (out->ks.not_after <= now) { /* R001-127 */
        return ERR_DENIED_EXPIRED;
    }
    TRY(check_guss(b, t, naf_id_fqdn(id), out));
    TRY(rec_bsf_ks_key(&out->ks, b->env.sealer, &ks));
    const struct keys_ks_context x = {&parts.rand, text_of(out->ks.impi.z), id};
    if (out->ks.gba_u == 0) {
        return keys_ks_naf(b->env.crypto, &ks, &x, &out->me);
    }
    TRY(keys_ks_ext_naf(b->env.crypto, &ks, &x, &out->ext));
    return keys_ks_int_naf(b->env.crypto, &ks, &x, &out->in);
}
