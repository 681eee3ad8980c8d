/*
 * pv / pvs [TS-0004 6.3.5.26/27] -> the compact form the decision reads. Hostile input: every bound, type and
 * unknown member is checked here, because a restriction that is overlooked would widen a right.
 *
 * Compiled: u16 rules, each a block16 of
 *   u8 acop, u8 flags, block16 originators (text16...), u8 contexts (block16 each), u8 details (block16 each)
 *   context: u8 parts present, u8 windows (schedule...), u8 nets (u8 length, octets, u8 prefix)
 *   detail:  u8 parts present, u32 ty, text16 spty, u8 children (u32...)
 */
#ifndef KEYSTEAD_ROLE_CSE_ACCESS_RULES_H
#define KEYSTEAD_ROLE_CSE_ACCESS_RULES_H

#include "role/role.h"

#define ACCESS_RULES_MAX 64
#define ACCESS_ORIGINATORS_MAX 128 /* a rule */
#define ACCESS_CONTEXTS_MAX 16
#define ACCESS_WINDOWS_MAX 16
#define ACCESS_NETS_MAX 32
#define ACCESS_DETAILS_MAX 16
#define ACCESS_CHILDREN_MAX 32
#define ACCESS_COMPILED_MAX 60000 /* octets of one compiled pv or pvs */

enum { ACCESS_RULE_AUTHN = 1 };
enum { ACCESS_CONTEXT_TIME = 1, ACCESS_CONTEXT_IP = 2, ACCESS_CONTEXT_LOCATION = 4 };
enum { ACCESS_DETAIL_TY = 1, ACCESS_DETAIL_SPTY = 2 };

/* `name` is "pv" or "pvs", for the detail. ERR_ATTRIBUTE_TYPE, ERR_MISSING, ERR_UNKNOWN_ATTRIBUTE, ERR_LIMIT_SIZE. */
MUST_USE err_t access_rules_compile(const json_t *pv, const char *name, struct writer *out,
                                    char detail[static ROLE_DETAIL_MAX]);

/* Number of rules of a compiled form; 0 if it cannot be read. */
unsigned access_rules_count(struct bytes rules);

#endif
