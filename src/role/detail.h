/*
 * The detail of a refusal: which argument, attribute or identifier was at fault. It goes to the peer, to the
 * operator and to the log, so it never names a secret, and octets that are not printable ASCII become '?'.
 */
#ifndef KEYSTEAD_ROLE_DETAIL_H
#define KEYSTEAD_ROLE_DETAIL_H

#include "role/role.h"

/* Writes `what`, or "what: value" if value is not empty, cut to fit; returns e, so that a caller may return it. */
err_t detail_fail(char detail[static ROLE_DETAIL_MAX], err_t e, const char *what, struct text value);

#endif
