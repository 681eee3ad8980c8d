#include "aka/aka.h"

#include "aka/milenage.h"
#include "aka/tuak.h"
#include "base/ct.h"

#define K_SHORT 16
#define K_LONG 32

struct aka_keys aka_keys_milenage(void)
{
    return (struct aka_keys){.algorithm = AKA_MILENAGE, .lengths = {8, 8, 16, 16}, .iterations = 1};
}

struct aka_keys aka_keys_tuak(void)
{
    return (struct aka_keys){.algorithm = AKA_TUAK, .lengths = {8, 8, 16, 16}, .iterations = 1};
}

void aka_keys_wipe(struct aka_keys *k)
{
    ct_wipe(k, sizeof(*k));
}

void aka_output_wipe(struct aka_output *o)
{
    ct_wipe(o, sizeof(*o));
}

static bool is_key(uint8_t n)
{
    return n == K_SHORT || n == K_LONG;
}

static err_t check_shape(const struct aka_keys *k)
{
    const struct aka_lengths *l = &k->lengths;
    if (k->algorithm == AKA_MILENAGE) {
        return k->k.s.n == K_SHORT ? ERR_OK : ERR_MALFORMED_KEY;
    }
    if (k->algorithm != AKA_TUAK || !is_key(k->k.s.n) || !is_key(l->ck) || !is_key(l->ik) || k->iterations == 0) {
        return ERR_MALFORMED_KEY;
    }
    const bool mac = l->mac == 8 || is_key(l->mac);
    const bool res = l->res == 4 || l->res == 8 || is_key(l->res);
    return mac && res ? ERR_OK : ERR_MALFORMED_KEY;
}

err_t aka_check_keys(const struct aka_keys *k)
{
    TRY(check_shape(k));
    return k->opc.s.n == (k->algorithm == AKA_TUAK ? TUAK_TOP_LEN : K_SHORT) ? ERR_OK : ERR_MALFORMED_KEY;
}

err_t aka_opc(const struct crypto *c, const struct aka_keys *k, const struct key_op *op, struct key_opc *out)
{
    secret_wipe(&out->s);
    TRY(check_shape(k));
    return k->algorithm == AKA_TUAK ? tuak_topc(k, op, out) : milenage_opc(c, &k->k, op, out);
}

err_t aka_f1(const struct crypto *c, const struct aka_keys *k, const struct aka_f1_input *in, struct aka_mac *out)
{
    *out = (struct aka_mac){.n = 0};
    TRY(aka_check_keys(k));
    return k->algorithm == AKA_TUAK ? tuak_f1(k, in, out) : milenage_f1(c, k, in, out);
}

err_t aka_f2345(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand, struct aka_output *out)
{
    aka_output_wipe(out);
    TRY(aka_check_keys(k));
    return k->algorithm == AKA_TUAK ? tuak_f2345(k, rand, out) : milenage_f2345(c, k, rand, out);
}

err_t aka_f12345(const struct crypto *c, const struct aka_keys *k, const struct aka_f1_input *in, struct aka_mac *mac,
                 struct aka_output *out)
{
    *mac = (struct aka_mac){.n = 0};
    aka_output_wipe(out);
    TRY(aka_check_keys(k));
    if (k->algorithm == AKA_MILENAGE) {
        return milenage_f12345(c, k, in, mac, out);
    }
    TRY(tuak_f1(k, in, mac));
    return tuak_f2345(k, in->rand, out);
}

err_t aka_f5_star(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand, struct key_ak *out)
{
    secret_wipe(&out->s);
    TRY(aka_check_keys(k));
    return k->algorithm == AKA_TUAK ? tuak_f5_star(k, rand, out) : milenage_f5_star(c, k, rand, out);
}

void aka_sqn_hide(uint64_t sqn, const struct key_ak *ak, uint8_t out[AKA_SQN_LEN])
{
    for (size_t i = 0; i < AKA_SQN_LEN; i++) {
        out[i] = (uint8_t)((sqn >> (8 * (AKA_SQN_LEN - 1 - i)) & 255U) ^ ak->s.b[i]);
    }
}

uint64_t aka_sqn_reveal(const uint8_t hidden[AKA_SQN_LEN], const struct key_ak *ak)
{
    uint64_t sqn = 0;
    for (size_t i = 0; i < AKA_SQN_LEN; i++) {
        sqn = sqn << 8 | (uint8_t)(hidden[i] ^ ak->s.b[i]);
    }
    return sqn;
}
