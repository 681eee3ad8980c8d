/*
 * Service subscription [TS-0001 9.6.19, 9.6.20, 9.6.29; part 11.1]: nodes are enrolled under a contract (R002-35), which
 * determines what an authenticated AE of theirs may do (R002-37, R002-57): with which credential it comes, for one AE or
 * several, of one App-ID or several (R002-65, R002-66). The resources are compiled into small records when they are written, as policies are, so that
 * the check of part 11.2 parses no JSON. It runs when an AE registers and with each of its requests: one rule governs all
 * instances of an application, and a change of it, of the node or of the contract takes effect with the next request
 * (R002-41, R002-81).
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_SUB_H
#define KEYSTEAD_ROLE_CSE_CSE_SUB_H

#include "role/cse/cse_res.h"

/* What is compiled of a resource. Lists are texts with a line feed between the elements. */
struct cse_sub {
    uint8_t ty;               /* TYPE_MSSP, TYPE_SVSN, TYPE_ASAR */
    struct text node;         /* of the resource itself */
    struct text pi, pnode;
    usec_t et;                /* of a subscription: the end of the contract */
    struct text services;     /* subscription: short names of resource types; empty: all */
    struct text csi, rules;   /* node: registrar of its applications; resource identifiers of rules */
    struct text credentials, apps, aes; /* rule: patterns */
};

MUST_USE err_t cse_sub_parse(struct bytes b, struct cse_sub *out); /* ERR_MALFORMED_RECORD */
MUST_USE err_t cse_sub_write(const struct cse_sub *s, struct writer *w);

/* Stages what is compiled of a subscription resource; ERR_CONTENTS names what is wrong with it. */
MUST_USE err_t cse_sub_put(const struct cse *cse, struct txn *t, const struct cse_res *r, const json_t *attrs,
                           char detail[static ROLE_DETAIL_MAX]);

/* What an AE shows at its registrar (11.2). */
struct cse_sub_claim {
    struct text registrar;  /* SP-relative CSE-ID */
    struct text credential; /* Credential-ID of its association, or empty: no association */
    struct text app;        /* App-ID */
    struct text who;        /* stem, or "S" or "C": any of that type */
};

struct cse_sub_grant { /* in the arena of the transaction */
    struct text node;      /* resource identifier of the subscribed node */
    struct text services;
};

/* ERR_DENIED_SUBSCRIPTION (4128), ERR_DENIED_APP_RULE (4126). */
MUST_USE err_t cse_sub_check(struct txn *t, usec_t now, const struct cse_sub_claim *c, struct cse_sub_grant *out,
                             char detail[static ROLE_DETAIL_MAX]);

/* From now on the credential is for applications of this node alone, as long as the node is subscribed (R002-67). */
MUST_USE err_t cse_sub_bind(struct txn *t, struct text credential, struct text node);

/* Do the services include resources of this type? */
bool cse_sub_includes(struct text services, const struct types_row *type);

#endif
