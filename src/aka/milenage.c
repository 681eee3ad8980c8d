#include "aka/milenage.h"

#include "base/ct.h"

#include <string.h>

#define BLOCK CRYPTO_BLOCK_LEN
#define HALF (BLOCK / 2)

/* r1..r5 in octets (all are multiples of eight bits) and the last octet of c1..c5 [TS 35.206 4.1]. */
enum { OUT1, OUT2, OUT3, OUT4, OUT5, OUTS };
static const struct {
    uint8_t turn, constant;
} steps[OUTS] = {{8, 0}, {0, 1}, {4, 2}, {8, 4}, {12, 8}};

/* The functions of one RAND: the key is made ready once for all of them, and what is wanted of OUT1 to OUT5 comes of one call. */
struct run {
    const struct crypto *c;
    struct crypto_aes *aes;
    const uint8_t *opc;
    uint8_t temp[BLOCK];
    uint8_t in[OUTS][BLOCK];
    uint8_t out[OUTS][BLOCK];
};

static void run_end(struct run *r)
{
    r->c->aes_drop(r->aes);
    ct_wipe(r, sizeof(*r));
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
    TRY(crypto_aes128(c, secret_view(&k->s), secret_view(&op->s), out->s.b));
    mix(out->s.b, out->s.b, op->s.b);
    out->s.n = BLOCK;
    return ERR_OK;
}

/* TEMP = E_K(RAND ^ OPc) */
static err_t begin(struct run *r, const struct aka_keys *k, const struct aka_rand *rand)
{
    TRY(r->c->aes_keep(secret_view(&k->k.s), &r->aes));
    r->opc = k->opc.s.b;
    mix(r->in[0], rand->b, r->opc);
    return r->c->aes_blocks(r->aes, BYTES_ARRAY(r->in[0]), r->temp);
}

/* IN1 = SQN | AMF | SQN | AMF; OUT1 is of TEMP ^ rot(IN1 ^ OPc, r1) ^ c1. */
static void put_in1(struct run *r, const struct aka_f1_input *in)
{
    uint8_t in1[BLOCK];
    for (size_t i = 0; i < AKA_SQN_LEN; i++) {
        in1[i] = (uint8_t)(in->sqn >> (8 * (AKA_SQN_LEN - 1 - i)) & 255U);
    }
    memcpy(in1 + AKA_SQN_LEN, in->amf.b, AKA_AMF_LEN);
    memcpy(in1 + HALF, in1, HALF);
    mix(in1, in1, r->opc);
    turn_left(r->in[OUT1], in1, steps[OUT1].turn);
    ct_wipe(in1, sizeof(in1));
    mix(r->in[OUT1], r->in[OUT1], r->temp); /* c1 is zero */
}

/* OUTn is of rot(TEMP ^ OPc, rn) ^ cn. */
static void put_others(struct run *r)
{
    uint8_t mixed[BLOCK];
    mix(mixed, r->temp, r->opc);
    for (size_t i = OUT2; i < OUTS; i++) {
        turn_left(r->in[i], mixed, steps[i].turn);
        r->in[i][BLOCK - 1] ^= steps[i].constant;
    }
    ct_wipe(mixed, sizeof(mixed));
}

static err_t finish(struct run *r, size_t first, size_t last)
{
    TRY(r->c->aes_blocks(r->aes, bytes_of(r->in[first], (last + 1 - first) * BLOCK), r->out[first]));
    for (size_t i = first; i <= last; i++) {
        mix(r->out[i], r->out[i], r->opc);
    }
    return ERR_OK;
}

static void give_mac(const struct run *r, bool star, struct aka_mac *out)
{
    memcpy(out->b, r->out[OUT1] + (star ? HALF : 0), HALF);
    out->n = HALF;
}

static err_t give_others(const struct run *r, struct aka_output *out)
{
    TRY(secret_set(&out->res.s, bytes_of(r->out[OUT2] + HALF, HALF)));
    TRY(secret_set(&out->ak.s, bytes_of(r->out[OUT2], AKA_SQN_LEN)));
    TRY(secret_set(&out->ck.s, BYTES_ARRAY(r->out[OUT3])));
    return secret_set(&out->ik.s, BYTES_ARRAY(r->out[OUT4]));
}

err_t milenage_f1(const struct crypto *c, const struct aka_keys *k, const struct aka_f1_input *in, struct aka_mac *out)
{
    SCOPED(run_end) struct run r = {.c = c};
    TRY(begin(&r, k, in->rand));
    put_in1(&r, in);
    TRY(finish(&r, OUT1, OUT1));
    give_mac(&r, in->star, out);
    return ERR_OK;
}

err_t milenage_f2345(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand,
                     struct aka_output *out)
{
    SCOPED(run_end) struct run r = {.c = c};
    TRY(begin(&r, k, rand));
    put_others(&r);
    TRY(finish(&r, OUT2, OUT4));
    return give_others(&r, out);
}

err_t milenage_f12345(const struct crypto *c, const struct aka_keys *k, const struct aka_f1_input *in, struct aka_mac *mac,
                      struct aka_output *out)
{
    SCOPED(run_end) struct run r = {.c = c};
    TRY(begin(&r, k, in->rand));
    put_in1(&r, in);
    put_others(&r);
    TRY(finish(&r, OUT1, OUT4));
    give_mac(&r, in->star, mac);
    return give_others(&r, out);
}

err_t milenage_f5_star(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand,
                       struct key_ak *out)
{
    SCOPED(run_end) struct run r = {.c = c};
    TRY(begin(&r, k, rand));
    put_others(&r);
    TRY(finish(&r, OUT5, OUT5));
    return secret_set(&out->s, bytes_of(r.out[OUT5], AKA_SQN_LEN));
}
