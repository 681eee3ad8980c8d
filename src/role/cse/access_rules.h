/*
 * pv / pvs [TS-0004 6.3.5.26/27] -> the compact form the decision reads (access.h). Hostile input: every bound, type and
 * unknown member is checked here, because a restriction that is overlooked would widen a right.
 */
#ifndef KEYSTEAD_ROLE_CSE_ACCESS_RULES_H
#define KEYSTEAD_ROLE_CSE_ACCESS_RULES_H

#include "role/cse/access.h"
#include "role/role.h"

#define ACCESS_RULES_MAX 64
#define ACCESS_ORIGINATORS_MAX 128 /* a rule */
#define ACCESS_CONTEXTS_MAX 16
#define ACCESS_WINDOWS_MAX 16
#define ACCESS_NETS_MAX 32
#define ACCESS_COUNTRIES_MAX 250
#define ACCESS_DETAILS_MAX 16
#define ACCESS_CHILDREN_MAX 32
#define ACCESS_COMPILED_MAX 60000 /* octets of one compiled pv or pvs */

/* `name` is "pv" or "pvs", for the detail. ERR_ATTRIBUTE_TYPE, ERR_MISSING, ERR_UNKNOWN_ATTRIBUTE, ERR_LIMIT_SIZE. */
MUST_USE err_t access_rules_compile(const json_t *pv, const char *name, struct writer *out,
                                    char detail[static ROLE_DETAIL_MAX]);

/* Number of rules of a compiled form; 0 if it cannot be read. */
unsigned access_rules_count(struct bytes rules);

#endif
