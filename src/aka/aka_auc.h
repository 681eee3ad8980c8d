/* The network's side: authentication vectors and resynchronisation [TS 33.102 6.3.2, 6.3.5]. Knows nothing of the card's state. */
#ifndef KEYSTEAD_AKA_AKA_AUC_H
#define KEYSTEAD_AKA_AKA_AUC_H

#include "aka/aka_sqn.h"

struct aka_vector {
    struct aka_rand rand;
    struct aka_autn autn;
    struct key_res xres;
    struct key_ck ck;
    struct key_ik ik;
};
void aka_auc_vector_wipe(struct aka_vector *v);

struct aka_auc {
    struct aka_keys keys;
    struct aka_amf amf; /* its first bit is the separation bit: 0 for GBA, 1 for EAP-AKA' */
    struct aka_counter counter;
};
/* ERR_MALFORMED_KEY: not the lengths of the algorithm, or a MAC that AUTN has no room for. stored: aka_sqn_counter_init(). */
MUST_USE err_t aka_auc_init(struct aka_auc *a, const struct aka_keys *keys, struct aka_amf amf, uint64_t stored);
void aka_auc_wipe(struct aka_auc *a);

/* rand: fresh, from the caller. ERR_SQN_UNRESERVED: grant first; nothing was used. Else the number is used up, error or not. */
MUST_USE err_t aka_auc_vector(const struct crypto *c, struct aka_auc *a, const struct aka_rand *rand,
                              struct aka_vector *out);

/* rand: that of the challenge, which the caller remembers. ERR_DENIED_AUTS, ERR_SQN_AHEAD: nothing changed. */
MUST_USE err_t aka_auc_resync(const struct crypto *c, struct aka_auc *a, const struct aka_rand *rand,
                              const struct aka_auts *auts);

/*
 * The same without a counter, for numbers that are known already: test vectors, `keystead derive`. A network calls the two above.
 * in->star is not looked at.
 */
MUST_USE err_t aka_auc_compute(const struct crypto *c, const struct aka_keys *k, const struct aka_f1_input *in,
                               struct aka_vector *out);

#endif
