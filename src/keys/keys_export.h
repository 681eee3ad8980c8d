/* The one way an exporter result is taken apart [TS-0003 10.3.1, CHOICE-07]; used by keys_ke.c, keys_kc.c and keys_association.c only. */
#ifndef KEYSTEAD_KEYS_KEYS_EXPORT_H
#define KEYSTEAD_KEYS_KEYS_EXPORT_H

#include "keys/keys.h"

/* ERR_STATE if there is no export; then neither output is touched but for the wiped key. */
MUST_USE err_t keys_export_split(const struct keys_export *x, struct secret *key, struct keys_relative *id);

#endif
