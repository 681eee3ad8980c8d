#include "keys/keyid.h"
#include "keys/keys_id.h"

#define LABEL "oneM2M Enrolment Key to Provisioned Secure Connection Key derivation"
_Static_assert(sizeof(LABEL) - 1 == 68, "TS-0003 10.3.3");

/* //FQDN/rest: any other form of the same identifier would give another key [CHOICE-12]. */
static bool is_absolute(struct text t)
{
    if (!text_starts(t, "//")) {
        return false;
    }
    struct text sp = text_skip(t, 2);
    size_t slash = text_find(sp, '/');
    return slash + 1 < sp.n && keyid_is_fqdn(text_take(sp, slash));
}

err_t keys_kpsa_derive(const struct crypto *c, const struct key_ke *ke, struct text target, struct key_kpsa *out)
{
    struct keys_id id; /* the other entity, not oneself [TS-0003 10.3.3; R001-35, R001-63] */
    secret_wipe(&out->s);
    TRY(keys_id_normalise(c, target, &id));
    if (!is_absolute(keys_id_view(&id))) {
        return ERR_MALFORMED_ID;
    }
    return keys_id_derive(c, ke, LABEL, bytes_empty(), &id, &out->s);
}
