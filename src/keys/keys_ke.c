#include "keys/keys_export.h"

/* Ke and RelativeKeID from one export, the same at Enrolee and MEF and for every framework that exports
 * [TS-0003 10.3.1; R001-34, R001-85, R001-86, R001-89, R001-109]. */
err_t keys_ke_split(const struct keys_export *x, struct key_ke *ke, struct keys_relative *id)
{
    return keys_export_split(x, &ke->s, id);
}
