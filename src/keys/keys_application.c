#include "keys/keyid.h"
#include "keys/keys_id.h"

/* The construction of 10.3.7 with a label of our own and the whole AE-ID: an FQDN would fold the case of its stem, and
 * two instances would have one key (docs/decisions/0019). */
#define LABEL "Keystead Long Term Service Key to Application Key derivation"
_Static_assert(sizeof(LABEL) - 1 == 60, "docs/decisions/0019");

/* R004-04, R004-16: from the long term key of the local CSE, one key for each AE instance and each usage. */
err_t keys_application_derive(const struct crypto *c, const struct secret *long_term, unsigned suid, struct text ae_id,
                              struct key_application *out)
{
    struct keys_id id;
    struct key_ke base = {.s = *long_term};
    secret_wipe(&out->s);
    err_t e = keys_usage_is_suid(suid) ? ERR_OK : ERR_MALFORMED_SUID;
    e = e == ERR_OK ? keys_id_normalise(c, ae_id, &id) : e;
    if (e == ERR_OK) {
        char digits[8];
        struct writer w = WRITER_ARRAY(digits);
        writer_decimal(&w, suid);
        e = keys_id_derive(c, &base, LABEL, writer_view(&w), &id, &out->s);
    }
    secret_wipe(&base.s);
    return e;
}
