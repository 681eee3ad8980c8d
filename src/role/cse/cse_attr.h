/*
 * The content of a CREATE or UPDATE against the table of its type: unknown, not permitted, missing, wrong type.
 * Parse first, decide later: the result is an object of accepted attributes and nothing else.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ATTR_H
#define KEYSTEAD_ROLE_CSE_CSE_ATTR_H

#include "role/cse/types.h"
#include "role/role.h"

/* The attributes inside {"m2m:xxx": {...}}; borrowed from rq->prim->pc. ERR_MISSING, ERR_CONTENTS. */
MUST_USE err_t cse_attr_open(const struct types_row *type, const struct request *rq, const json_t **out,
                             char detail[static ROLE_DETAIL_MAX]);

/* Every attribute of a CREATE, checked; *out is a new object the caller owns. */
MUST_USE err_t cse_attr_create(const struct types_row *type, const json_t *in, usec_t now, json_t **out,
                               char detail[static ROLE_DETAIL_MAX]);

/* An UPDATE merged into `attrs`, the attributes as they are: null deletes an optional attribute. */
MUST_USE err_t cse_attr_update(const struct types_row *type, const json_t *in, usec_t now, json_t *attrs,
                               char detail[static ROLE_DETAIL_MAX]);

/* An integer attribute, or 0; a text one, or the empty text. */
uint64_t cse_attr_uint(const json_t *attrs, const char *name);

#endif
