/*
 * The points of distributed authorization at other CSEs that accessControlPolicies name [TS-0003 7.5]: PDPs (adri), PRPs (apri) and PIPs
 * (airi), how one is asked, and what one said: kept under its address until it ends.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_POINTS_H
#define KEYSTEAD_ROLE_CSE_CSE_POINTS_H

#include "role/cse/cse_das.h"

#define CSE_POINTS_MAX 10 /* of one resource, in all */

enum { CSE_POINTS_DECISION = 1, CSE_POINTS_POLICIES = 2, CSE_POINTS_INFORMATION = 4 };

struct cse_points {
    struct cse_point {
        struct text address; /* of its resource, at another CSE */
        unsigned kind;
    } at[CSE_POINTS_MAX];
    size_t n;
};

/* Those of these kinds that the policies of `holder` name, kind by kind. */
MUST_USE err_t cse_points_of(const struct cse_ask *ask, const struct cse_res *holder, unsigned kinds, struct cse_points *out);
/* Whose policies decide about the target; NULL: an accessControlPolicy is decided about by its selfPrivileges alone. */
const struct cse_res *cse_points_holder(const struct cse_target *target);

enum cse_points_said { CSE_POINTS_NOTHING, CSE_POINTS_NOT_MINE, CSE_POINTS_SAID };

/* Whoever took its name out of the policy, or put another there, is not bound by what it said. */
MUST_USE err_t cse_points_said(const struct cse_ask *ask, const struct cse_point *p, struct text key, struct cse_das_grant *g,
                               enum cse_points_said *out);

/* An UPDATE of its resource, by this CSE as itself; the rest of *q is the caller's. */
MUST_USE err_t cse_points_question(const struct cse_ask *ask, const struct cse_point *p, struct question *q);
/* Its status; or ERR_DENIED_DAS, ERR_PEER_NONSENSE and why nothing came. */
MUST_USE err_t cse_points_status(const struct cse *cse, const struct answer *a);
/* Keeps what it said for [cse] decision-lifetime; rules empty: it is not its to say. Audit event decision-taken. */
MUST_USE err_t cse_points_keep(const struct cse *cse, const struct question *q, struct bytes rules, struct txn *t, usec_t now);

#endif
