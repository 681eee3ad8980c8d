#include "keys/keyid.h"
#include "keys/keys_id.h"

#define LABEL "oneM2M Enrolment Key to Master Credential derivation"
_Static_assert(sizeof(LABEL) - 1 == 52, "TS-0003 10.3.2");

/* Enrolee and MEF run this same function [TS-0003 10.3.2; R001-35, R001-37, R001-53]. The MAF-ID is the FQDN of the MAF. */
err_t keys_km_derive(const struct crypto *c, const struct key_ke *ke, struct text maf_id, struct key_km *out)
{
    struct keys_id id;
    secret_wipe(&out->s);
    TRY(keys_id_normalise(c, maf_id, &id));
    if (!keyid_is_fqdn(keys_id_view(&id))) {
        return ERR_MALFORMED_ID;
    }
    return keys_id_derive(c, ke, LABEL, bytes_empty(), &id, &out->s);
}

#define SUID_MAF_CLIENT 21 /* a symmetric key of the MEF, for the client's handshake with a MAF [TS-0004 6.3.4.2.39] */

static void usage_wipe(struct key_usage *k)
{
    secret_wipe(&k->s);
}

err_t keys_km_usage(const struct crypto *c, const struct key_ke *ke, struct text maf_id, struct key_km *out)
{
    SCOPED(usage_wipe) struct key_usage k = {0};
    secret_wipe(&out->s);
    TRY(keys_usage_derive(c, ke, SUID_MAF_CLIENT, maf_id, &k));
    out->s = k.s;
    return ERR_OK;
}
