/* Which instructions a bootstrap credential has, and which of them a request is about. The one in the credential's own
 * record is the first: that is how every store from before has them. */
#include "role/mef/mef_instruction.h"

#include "role/originator.h"

#include <string.h>

static bool hit(void *arg, struct bytes id, struct store_value value)
{
    struct mef_instruction_list *l = arg;
    (void)id;
    /* What cannot be read instructs nobody. */
    if (rec_instruction_parse(value.data, &l->at[l->n]) == ERR_OK) {
        l->n++;
    }
    return l->n < MEF_INSTRUCTIONS_MAX;
}

err_t mef_instruction_list(struct txn *t, struct text key, const struct rec_credential *c,
                           struct mef_instruction_list *out)
{
    memset(out, 0, sizeof(*out));
    if (c->target.z[0] != '\0') {
        struct rec_instruction *first = &out->at[out->n++];
        first->target = c->target;
        first->suids = rec_instruction_fitting(&c->target);
        first->profile = c->profile;
        first->added = c->added;
        first->not_after = c->not_after;
    }
    char prefix[REC_INSTRUCTION_ID_MAX];
    TRY(rec_instruction_id(key, text_empty(), prefix));
    struct store_scan q = {
        .table = TABLE_MEF_INSTRUCTION, .prefix = text_bytes(text_of(prefix)), .order = STORE_ASCENDING};
    TRY(txn_scan(t, &q, hit, out));
    for (size_t i = 0; i < out->n; i++) {
        if (out->at[i].enrolee_id.z[0] == '\0') {
            out->at[i].enrolee_id = c->enrolee_id;
        }
    }
    return ERR_OK;
}

err_t mef_instruction_check(struct txn *t, struct text key, const struct rec_credential *c, usec_t now)
{
    struct mef_instruction_list l;
    if (c->target.z[0] != '\0') { /* it ends with the credential: nothing else to read for most of them */
        return ERR_OK;
    }
    TRY(mef_instruction_list(t, key, c, &l));
    for (size_t i = 0; i < l.n; i++) {
        if (l.at[i].not_after > now) {
            return ERR_OK;
        }
    }
    return l.n == 0 ? ERR_DENIED_NOT_INSTRUCTED : ERR_DENIED_EXPIRED; /* R001-73, R001-77 */
}

/* From says which of its identities the target means; one certificate can name a MAF and a CSE. */
err_t mef_instruction_for(struct txn *t, const struct rec_credential *c, struct text key, const struct request *rq,
                          struct rec_instruction *out)
{
    struct mef_instruction_list l;
    const struct rec_instruction *found = NULL;
    TRY(mef_instruction_list(t, key, c, &l));
    for (size_t i = 0; i < l.n; i++) {
        struct text target = text_of(l.at[i].target.z);
        bool named = rq->prim->has_from && m2mid_same(target, rq->prim->from);
        if (originator_is(rq->assoc, target) && (found == NULL || named)) {
            found = &l.at[i];
        }
    }
    if (found == NULL) {
        return ERR_DENIED_TARGET; /* R001-77: for that target and for no other */
    }
    *out = *found;
    return ERR_OK;
}

err_t mef_instruction_permits(struct txn *t, struct text key, const struct reg_use *use, bool *out)
{
    struct rec_credential c;
    struct mef_instruction_list l;
    *out = false;
    err_t e = rec_credential_get(t, key, &c);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(mef_instruction_list(t, key, &c, &l));
    for (size_t i = 0; i < l.n && !*out; i++) {
        const struct rec_instruction *x = &l.at[i];
        *out = m2mid_same(text_of(x->target.z), use->target) && rec_instruction_has(x, use->suid) &&
               x->not_after > use->now && (x->adfq[0] == '\0' || text_eq_nocase(use->adfq, text_of(x->adfq)));
    }
    return ERR_OK;
}
