/*
 * What a token permits its holder [TS-0003 7.3.2.5], as a pure function beside access.h: rules for resources that it names, and
 * roles, everywhere or for resources that it names. Undeterminable is no.
 *
 * Compiled: u8 permissions, each a block16 of u8 parts present, block16 resources (text16...), block16 roles (text16...),
 * block16 rules (access.h).
 */
#ifndef KEYSTEAD_ROLE_CSE_ACCESS_TOKEN_H
#define KEYSTEAD_ROLE_CSE_ACCESS_TOKEN_H

#include "role/cse/access_rules.h"

#define ACCESS_TOKEN_PERMISSIONS_MAX 16
#define ACCESS_TOKEN_RESOURCES_MAX 64 /* a permission */
#define ACCESS_TOKEN_ROLES_MAX 32     /* a permission */
#define ACCESS_TOKEN_COMPILED_MAX 16000

#define ACCESS_PLACE_NAMES 4

/* The resource that is asked for, under every CSE-relative name by which a token may mean it. */
struct access_place {
    struct text self; /* absolute CSE-ID of the CSE that has it */
    struct text base; /* resource name of its CSEBase, that "-" stands for */
    struct text name[ACCESS_PLACE_NAMES];
    size_t n;
};

/* tkps: {"pm":[{"ris":[..],"pv":{"acr":[..]},"rids":[..]}]}, or NULL: nothing. Hostile: ERR_TOKEN_FORM, ERR_TOKEN_SIZE. */
MUST_USE err_t access_token_compile(const json_t *tkps, struct writer *out, char detail[static ROLE_DETAIL_MAX]);

bool access_token_permits(struct bytes permissions, const struct access_place *at, const struct access_query *q);
/* Does it give its holder this role there? */
bool access_token_holds(struct bytes permissions, const struct access_place *at, struct text role);

#endif
