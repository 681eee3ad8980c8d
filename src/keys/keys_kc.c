#include "keys/keys_export.h"

/* Kc and RelativeKeyID of a MAF Key Registration [TS-0003 10.3.1, 8.8.2.7; R001-59]. */
err_t keys_kc_split(const struct keys_export *x, struct key_kc *kc, struct keys_relative *id)
{
    return keys_export_split(x, &kc->s, id);
}
