#include "aka/aka_auc.h"

#include "base/ct.h"

#include <string.h>

static void ak_wipe(struct key_ak *ak)
{
    secret_wipe(&ak->s);
}

void aka_auc_vector_wipe(struct aka_vector *v)
{
    ct_wipe(v, sizeof(*v));
}

void aka_auc_wipe(struct aka_auc *a)
{
    ct_wipe(a, sizeof(*a));
}

err_t aka_auc_init(struct aka_auc *a, const struct aka_keys *keys, struct aka_amf amf, uint64_t stored)
{
    *a = (struct aka_auc){.amf = amf};
    TRY(aka_check_keys(keys));
    if (keys->lengths.mac != AKA_MAC_LEN) {
        return ERR_MALFORMED_KEY;
    }
    a->keys = *keys;
    aka_sqn_counter_init(&a->counter, stored);
    return ERR_OK;
}

err_t aka_auc_compute(const struct crypto *c, const struct aka_keys *k, const struct aka_f1_input *in,
                      struct aka_vector *out)
{
    SCOPED(aka_output_wipe) struct aka_output o = {0};
    const struct aka_f1_input a = {false, in->rand, in->sqn, in->amf};
    struct aka_mac mac;
    aka_auc_vector_wipe(out);
    TRY(aka_f12345(c, k, &a, &mac, &o));
    aka_sqn_hide(a.sqn, &o.ak, out->autn.b);
    memcpy(out->autn.b + AKA_SQN_LEN, a.amf.b, AKA_AMF_LEN);
    memcpy(out->autn.b + AKA_SQN_LEN + AKA_AMF_LEN, mac.b, AKA_MAC_LEN);
    out->rand = *a.rand;
    out->xres = o.res;
    out->ck = o.ck;
    out->ik = o.ik;
    return ERR_OK;
}

err_t aka_auc_vector(const struct crypto *c, struct aka_auc *a, const struct aka_rand *rand, struct aka_vector *out)
{
    struct aka_f1_input in = {.rand = rand, .amf = a->amf};
    aka_auc_vector_wipe(out);
    TRY(aka_sqn_counter_next(&a->counter, &in.sqn));
    return aka_auc_compute(c, &a->keys, &in, out);
}

static err_t reveal(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand,
                    const struct aka_auts *auts, uint64_t *sqn_ms)
{
    SCOPED(ak_wipe) struct key_ak ak = {{{0}, 0}};
    struct aka_f1_input in = {.star = true, .rand = rand}; /* AMF* is zero [6.3.3] */
    struct aka_mac mac;
    *sqn_ms = 0;
    TRY(aka_f5_star(c, k, rand, &ak));
    in.sqn = aka_sqn_reveal(auts->b, &ak);
    TRY(aka_f1(c, k, &in, &mac));
    if (!ct_eq(bytes_of(mac.b, AKA_MAC_LEN), bytes_of(auts->b + AKA_SQN_LEN, AKA_MAC_LEN))) {
        return ERR_DENIED_AUTS;
    }
    *sqn_ms = in.sqn;
    return ERR_OK;
}

err_t aka_auc_resync(const struct crypto *c, struct aka_auc *a, const struct aka_rand *rand,
                     const struct aka_auts *auts)
{
    uint64_t sqn_ms;
    TRY(reveal(c, &a->keys, rand, auts, &sqn_ms));
    return aka_sqn_counter_catch_up(&a->counter, sqn_ms);
}
