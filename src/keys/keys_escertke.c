#include "keys/keys_export.h"

/* The 16 most significant octets name the key, the other 32 are the key [TS-0003 10.3.1, CHOICE-07]. */
err_t keys_escertke_split(const struct keys_export *x, struct key_esprim_pairwise *k, struct keys_relative *id)
{
    return keys_export_split(x, &k->s, id);
}
