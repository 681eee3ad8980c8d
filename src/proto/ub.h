/*
 * Ub, the bootstrapping of GBA by Digest AKA [TS 33.220 4.5.2, TS 24.109 4, RFC 3310, RFC 4169], the side of the BSF: what each
 * message says and whether it is true. Sans-IO and without state: the caller finds the subscriber, makes the vector, remembers
 * what it challenged with and forgets it at the first use.
 *
 *   open      -> vector -> ub_challenge                       (401)
 *   answer    -> what it was challenged with -> ub_check -> ub_finish (200), or a refusal
 *   resync    -> ub_check (empty password) -> counter set forwards -> ub_challenge
 */
#ifndef KEYSTEAD_PROTO_UB_H
#define KEYSTEAD_PROTO_UB_H

#include "aka/aka_auc.h"
#include "wire/aka_nonce.h"
#include "wire/digest.h"

#define UB_PATH "/" /* of the request, and the uri of its Digest */

enum ub_step { UB_OPEN, UB_ANSWER, UB_RESYNC };

struct ub_bsf {
    const struct crypto *crypto;
    struct text fqdn; /* the realm */
    enum digest_algorithm algorithm; /* DIGEST_AKAV1_MD5 or DIGEST_AKAV2_MD5 */
};

struct ub_message {
    struct text authorization; /* the header's value */
    struct bytes body;         /* counted by auth-int */
};

struct ub_request {
    enum ub_step step;
    struct digest d;        /* views into the header, or into the scratch */
    struct bytes body;
    struct aka_nonce nonce; /* ANSWER, RESYNC */
    struct aka_auts auts;   /* RESYNC */
};

/* What an open challenge is waiting for. */
struct ub_expected {
    struct aka_autn autn;
    struct key_res res;
    struct key_ck ck;
    struct key_ik ik;
};
void ub_expected_wipe(struct ub_expected *x);

/* ERR_MALFORMED_DIGEST, ERR_MALFORMED_NONCE, ERR_DENIED_REALM; scratch as for digest_parse(). */
MUST_USE err_t ub_read(const struct ub_bsf *b, const struct ub_message *m, struct writer *scratch, struct ub_request *out);

/* WWW-Authenticate. `stale`: the nonce that was answered is none any more, the response is not judged. */
MUST_USE err_t ub_challenge(const struct ub_bsf *b, const struct aka_rand *rand, const struct aka_autn *autn, bool stale,
                            struct writer *w);

/* ERR_DENIED_DIGEST: not made with what was expected; of a resynchronisation, not with the empty password. *h_a1: of a right answer
 * alone, for its ub_finish(); the caller wipes it. */
MUST_USE err_t ub_check(const struct ub_bsf *b, const struct ub_request *rq, const struct ub_expected *x, struct key_ha1 *h_a1);

/* Authentication-Info with rspauth over the body of the 200. ERR_MALFORMED_KEY: nothing was checked. */
MUST_USE err_t ub_finish(const struct ub_bsf *b, const struct ub_request *rq, const struct key_ha1 *h_a1, struct bytes body,
                         struct writer *w);

#endif
