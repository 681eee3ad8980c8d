#include "aka/milenage.h"

#include "base/ct.h"

#include <string.h>

#define BLOCK CRYPTO_BLOCK_LEN
#define HALF (BLOCK / 2)

/* r2..r5 in octets (all are multiples of eight bits) and the last octet of c2..c5 [TS 35.206 4.1]. */
enum { OUT2, OUT3, OUT4, OUT5, OUTS };
static const struct {
    uint8_t turn, constant;
} steps[OUTS] = {{0, 1}, {4, 2}, {8, 4}, {12, 8}};
#define TURN_OUT1 8

struct blocks {
    uint8_t in[OUTS][BLOCK];
    uint8_t out[OUTS][BLOCK];
    uint8_t temp[BLOCK];
};

static void blocks_wipe(struct blocks *b)
{
    ct_wipe(b, sizeof(*b));
}

static void mix(uint8_t *to, const uint8_t *a, const uint8_t *b)
{
    for (size_t i = 0; i < BLOCK; i++) {
        to[i] = a[i] ^ b[i];
    }
}

static void turn_left(uint8_t *to, const uint8_t *from, size_t octets)
{
    for (size_t i = 0; i < BLOCK; i++) {
        to[i] = from[(i + octets) % BLOCK];
    }
}

err_t milenage_opc(const struct crypto *c, const struct key_k *k, const struct key_op *op, struct key_opc *out)
{
    secret_wipe(&out->s);
    if (op->s.n != BLOCK) {
        return ERR_MALFORMED_KEY;
    }
    TRY(c->aes128(secret_view(&k->s), secret_view(&op->s), out->s.b));
    mix(out->s.b, out->s.b, op->s.b);
    out->s.n = BLOCK;
    return ERR_OK;
}

/* TEMP = E_K(RAND ^ OPc) */
static err_t temp_of(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand, struct blocks *b)
{
    mix(b->in[0], rand->b, k->opc.s.b);
    return c->aes128(secret_view(&k->k.s), BYTES_ARRAY(b->in[0]), b->temp);
}

static void in1_of(const struct aka_f1_input *in, uint8_t in1[BLOCK])
{
    for (size_t i = 0; i < AKA_SQN_LEN; i++) {
        in1[i] = (uint8_t)(in->sqn >> (8 * (AKA_SQN_LEN - 1 - i)) & 255U);
    }
    memcpy(in1 + AKA_SQN_LEN, in->amf.b, AKA_AMF_LEN);
    memcpy(in1 + HALF, in1, HALF);
}

err_t milenage_f1(const struct crypto *c, const struct aka_keys *k, const struct aka_f1_input *in, struct aka_mac *out)
{
    SCOPED(blocks_wipe) struct blocks b = {0};
    TRY(temp_of(c, k, in->rand, &b));
    in1_of(in, b.in[1]);
    mix(b.in[1], b.in[1], k->opc.s.b);
    turn_left(b.in[0], b.in[1], TURN_OUT1);
    mix(b.in[0], b.in[0], b.temp); /* c1 is zero */
    TRY(c->aes128(secret_view(&k->k.s), BYTES_ARRAY(b.in[0]), b.out[0]));
    mix(b.out[0], b.out[0], k->opc.s.b);
    memcpy(out->b, b.out[0] + (in->star ? HALF : 0), HALF);
    out->n = HALF;
    return ERR_OK;
}

/* OUT2..OUT5 in one call of the cipher. */
static err_t outs_of(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand, struct blocks *b)
{
    uint8_t mixed[BLOCK];
    TRY(temp_of(c, k, rand, b));
    mix(mixed, b->temp, k->opc.s.b);
    for (size_t i = 0; i < OUTS; i++) {
        turn_left(b->in[i], mixed, steps[i].turn);
        b->in[i][BLOCK - 1] ^= steps[i].constant;
    }
    ct_wipe(mixed, sizeof(mixed));
    TRY(c->aes128(secret_view(&k->k.s), bytes_of(b->in, sizeof(b->in)), (uint8_t *)b->out));
    for (size_t i = 0; i < OUTS; i++) {
        mix(b->out[i], b->out[i], k->opc.s.b);
    }
    return ERR_OK;
}

err_t milenage_f2345(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand,
                     struct aka_output *out)
{
    SCOPED(blocks_wipe) struct blocks b = {0};
    TRY(outs_of(c, k, rand, &b));
    TRY(secret_set(&out->res.s, bytes_of(b.out[OUT2] + HALF, HALF)));
    TRY(secret_set(&out->ak.s, bytes_of(b.out[OUT2], AKA_SQN_LEN)));
    TRY(secret_set(&out->ck.s, BYTES_ARRAY(b.out[OUT3])));
    return secret_set(&out->ik.s, BYTES_ARRAY(b.out[OUT4]));
}

err_t milenage_f5_star(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand,
                       struct key_ak *out)
{
    SCOPED(blocks_wipe) struct blocks b = {0};
    TRY(outs_of(c, k, rand, &b));
    return secret_set(&out->s, bytes_of(b.out[OUT5], AKA_SQN_LEN));
}
