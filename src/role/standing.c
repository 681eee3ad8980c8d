#include "role/standing.h"

const struct standing_act standing_revoke = {STANDING_REVOKED, true, AUDIT_CREDENTIAL_REVOKED};
const struct standing_act standing_suspend = {STANDING_SUSPENDED, true, AUDIT_CREDENTIAL_SUSPENDED};
const struct standing_act standing_resume = {STANDING_SUSPENDED, false, AUDIT_CREDENTIAL_RESUMED};

err_t standing_check(uint8_t standing)
{
    if ((standing & STANDING_REVOKED) != 0) {
        return ERR_DENIED_REVOKED;
    }
    return standing != 0 ? ERR_DENIED_SUSPENDED : ERR_OK;
}

const char *standing_name(uint8_t standing, usec_t not_after, usec_t now)
{
    err_t e = standing_check(standing);
    if (e == ERR_OK) {
        return not_after <= now ? "expired" : "valid";
    }
    return e == ERR_DENIED_REVOKED ? "revoked" : "suspended";
}

err_t standing_do(uint8_t *standing, const struct standing_act *act, bool *changed)
{
    uint8_t before = *standing;
    bool final = (before & STANDING_REVOKED) != 0;
    *changed = false;
    if (final && act->bit != STANDING_REVOKED) {
        return ERR_DENIED_REVOKED;
    }
    if (!act->on && (before & STANDING_WITHHELD) != 0) {
        return ERR_DENIED_SUSPENDED;
    }
    *standing = (uint8_t)(act->on ? before | act->bit : before & ~act->bit);
    *changed = *standing != before;
    return ERR_OK;
}

err_t standing_told(uint8_t *standing, struct text word, bool *changed)
{
    static const struct {
        const char *word;
        uint8_t clear, set;
    } words[] = {{"valid", STANDING_WITHHELD, 0},
                 {"suspended", 0, STANDING_WITHHELD},
                 {"revoked", STANDING_WITHHELD, STANDING_REVOKED}};
    uint8_t before = *standing;
    *changed = false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (text_eq_z(word, words[i].word)) {
            *standing = (uint8_t)((before & ~words[i].clear) | words[i].set);
            *changed = *standing != before;
            return ERR_OK;
        }
    }
    return ERR_PEER_NONSENSE;
}
