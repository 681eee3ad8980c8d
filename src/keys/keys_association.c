#include "keys/keys_export.h"

/* Both ends of the handshake export the same 48 octets: an identifier that is unique (two fresh randoms), and a short-term
 * key that came from the long term keys by way of the handshake (R004-19, R004-20). */
err_t keys_association_split(const struct keys_export *x, struct key_association *key, struct keys_relative *id)
{
    return keys_export_split(x, &key->s, id);
}
