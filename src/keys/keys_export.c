#include "keys/keys_export.h"

#include "base/ct.h"

#include <string.h>

void keys_export_wipe(struct keys_export *x)
{
    ct_wipe(x, sizeof(*x));
}

/* "Most significant" are the first octets produced [CHOICE-07]. */
err_t keys_export_split(const struct keys_export *x, struct secret *key, struct keys_relative *id)
{
    secret_wipe(key);
    if (!x->set) {
        return ERR_STATE;
    }
    memcpy(id->b, x->b, KEYS_RELATIVE_LEN);
    return secret_set(key, bytes_of(x->b + KEYS_RELATIVE_LEN, KEYS_DERIVED_LEN));
}
