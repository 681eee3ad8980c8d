/*
 * Direct dynamic authorization [TS-0003 7.3.2.2, part 12.7]: what no policy permits is put to the dynamic authorization system
 * (DAS) of the resource, if [cse] dynamic-authorization is on. What it grants is kept until its end, for this originator, this
 * resource and this operation alone, from this address and in the roles that the DAS was told. The request waits meanwhile, and nobody else.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_DAS_H
#define KEYSTEAD_ROLE_CSE_CSE_DAS_H

#include "role/cse/cse_policy.h"
#include "wire/emit.h"

#define CSE_DAS_SUID 40000 /* of a question: no Security Usage Identifier, but this */
#define CSE_DAS_BODY_MAX 2048

/* role->need: the consultation, if it is what the request lacks; else ERR_NOT_FOUND or why it fails anyhow. */
MUST_USE err_t cse_das_need(const void *ctx, const struct request *rq, struct txn *t, struct question *q);
/* role->answer for CSE_DAS_SUID: stages the grant. ERR_DENIED_DAS, ERR_PEER_NONSENSE. */
MUST_USE err_t cse_das_answer(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                              struct role_psk *out);

/* Has the DAS of the target granted this? Or has it given tokens for it: then *tokens, to decide with, if the request shows none. */
MUST_USE err_t cse_das_granted(const struct cse_ask *ask, const struct cse_target *target, const struct access_query *q, bool *out,
                               const struct cse_tokens **tokens);

/* Does the target name a DAS at this URL, in a consultation that is in force? */
MUST_USE err_t cse_das_names(const struct cse_ask *ask, const struct cse_target *target, struct text url, bool *out);

/* For who asks other authorities likewise (cse_pep.h): the name of what is granted by originator, node, operation and type to be made, and, if
 * that one was told them, by the roles claimed and the address of the request: what it said is for these. */
struct cse_das_what {
    const struct cse_res *res;
    unsigned op;
    uint32_t child_ty;
    bool told;
};
MUST_USE err_t cse_das_key(const struct cse_ask *ask, const struct cse_das_what *what, struct keyid *out);
void cse_das_emit_texts(struct emit *e, const char *name, const struct text *t, size_t n); /* nothing if there are none */
void cse_das_emit_address(struct emit *e, const struct ipaddr *ip);                        /* "oip" */

/* What a DAS is asked, whoever carries it there. */
struct cse_das_about {
    struct text resource;
    usec_t until; /* proposed end of the privileges; 0: none */
    const struct text *tids; /* Token-IDs of tokens that are wanted */
    size_t tids_n;
};
void cse_das_emit(const struct cse_ask *ask, const struct cse_das_about *about, struct emit *e); /* "dreq":{..} */
MUST_USE err_t cse_das_write(const struct cse_ask *ask, const struct cse_das_about *about, struct writer *w);
/* dasResponse; the caller owns *root. ERR_DENIED_DAS, ERR_PEER_NONSENSE. */
MUST_USE err_t cse_das_answered(const struct answer *a, json_t **root, const json_t **dres);

/* dynamicAuthorizationConsultationIDs of `attrs`: each must name one of this CSE. */
MUST_USE err_t cse_das_link(const struct cse_ask *ask, const json_t *attrs, char detail[static ROLE_DETAIL_MAX]);

struct cse_das_grant {
    usec_t until;
    struct text consultation; /* resource identifier of the dynamicAuthorizationConsultation it came by */
    struct bytes rules;       /* compiled: access_rules.h; or empty */
    struct text tokens;       /* Local-Token-IDs, with blanks between */
};
MUST_USE err_t cse_das_grant_parse(struct bytes b, struct cse_das_grant *out);
MUST_USE err_t cse_das_keep(struct txn *t, const struct cse_das_grant *grant, struct text id, usec_t now);
/* {"m2m:seci":{"sit":2,"dres":{"dai":..}}}: hostile. `until` comes in as the latest end, and goes out as the end. */
MUST_USE err_t cse_das_response(struct bytes body, usec_t now, usec_t *until, struct writer *rules);

#endif
