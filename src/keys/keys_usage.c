#include "keys/keyid.h"
#include "keys/keys_id.h"

#define LABEL "oneM2M Enrolment Key to Usage-Constrained Symmetric Key derivation"
_Static_assert(sizeof(LABEL) - 1 == 66, "TS-0003 10.3.7");

/* m2m:suid [TS-0004 6.3.4.2.39]: the tens say where the credential comes from, the units what it is for. */
static const unsigned char defined[] = {10, 11, 12, 13, 14, 15, 21, 22, 23, 24, 25,
                                        32, 33, 34, 35, 40, 41, 42, 43, 44, 45};

bool keys_usage_is_suid(unsigned suid)
{
    for (size_t i = 0; i < ARRAY_LEN(defined); i++) {
        if (defined[i] == suid) {
            return true;
        }
    }
    return false; /* [CHOICE-26] */
}

err_t keys_usage_derive(const struct crypto *c, const struct key_ke *ke, unsigned suid, struct text target,
                        struct key_usage *out)
{
    struct keys_id id;
    secret_wipe(&out->s);
    if (!keys_usage_is_suid(suid)) {
        return ERR_MALFORMED_SUID;
    }
    TRY(keys_id_normalise(c, target, &id));
    if (!keyid_is_fqdn(keys_id_view(&id))) { /* 10.3.7: the Enrolment-Target-ID is an FQDN, also for a CSE or AE */
        return ERR_MALFORMED_ID;
    }
    char digits[8];
    struct writer w = WRITER_ARRAY(digits);
    writer_decimal(&w, suid); /* "21", as in URIs [CHOICE-13] */
    return keys_id_derive(c, ke, LABEL, writer_view(&w), &id, &out->s);
}
