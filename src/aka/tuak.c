#include "aka/tuak.h"

#include "aka/keccak.h"
#include "base/ct.h"

/* Where the inputs stand in the state, and the outputs after it; every value lies there with its last octet first. */
enum { AT_TOPC = 0, AT_INSTANCE = 32, AT_NAME = 33, AT_RAND = 40, AT_AMF = 56, AT_SQN = 58, AT_K = 64, AT_PAD = 96,
       AT_PAD_END = 135 };
enum { OUT_MAC = 0, OUT_RES = 0, OUT_CK = 32, OUT_IK = 64, OUT_AK = 96 };
#define K_LONG 32
#define NAME "TUAK1.0"

/* INSTANCE [TS 35.231 6]: what is computed, and the lengths. */
enum { F1 = 0x00, F1_STAR = 0x80, F2345 = 0x40, F5_STAR = 0xC0, CK_LONG_BIT = 0x04, IK_LONG_BIT = 0x02, K_LONG_BIT = 0x01 };

struct state {
    uint8_t b[KECCAK_LEN];
};

static void state_wipe(struct state *s)
{
    ct_wipe(s, sizeof(*s));
}

static void put(struct state *s, size_t at, struct bytes b)
{
    for (size_t i = 0; i < b.n; i++) {
        s->b[at + i] = b.p[b.n - 1 - i];
    }
}

static err_t get(const struct state *s, size_t at, size_t n, struct secret *out)
{
    secret_wipe(out);
    for (size_t i = 0; i < n; i++) {
        out->b[i] = s->b[at + n - 1 - i];
    }
    out->n = (uint8_t)n;
    return ERR_OK;
}

/* 64 bits 08, 128 bits 10, 256 bits 20; RES of 32 bits 00. */
static uint8_t length_bits(uint8_t octets)
{
    return octets < 8 ? 0 : octets;
}

static void begin(const struct aka_keys *k, const struct secret *topc, uint8_t instance, struct state *s)
{
    put(s, AT_TOPC, secret_view(topc));
    s->b[AT_INSTANCE] = (uint8_t)(instance | (k->k.s.n == K_LONG ? K_LONG_BIT : 0));
    put(s, AT_NAME, text_bytes(text_of(NAME)));
    put(s, AT_K, secret_view(&k->k.s));
    s->b[AT_PAD] = 0x1F;
    s->b[AT_PAD_END] = 0x80;
}

static void finish(const struct aka_keys *k, struct state *s)
{
    for (unsigned i = 0; i < k->iterations; i++) {
        keccak_f1600(s->b);
    }
}

err_t tuak_topc(const struct aka_keys *k, const struct key_op *top, struct key_opc *out)
{
    SCOPED(state_wipe) struct state s = {{0}};
    secret_wipe(&out->s);
    if (top->s.n != TUAK_TOP_LEN) {
        return ERR_MALFORMED_KEY;
    }
    begin(k, &top->s, F1, &s);
    finish(k, &s);
    return get(&s, 0, TUAK_TOP_LEN, &out->s);
}

err_t tuak_f1(const struct aka_keys *k, const struct aka_f1_input *in, struct aka_mac *out)
{
    SCOPED(state_wipe) struct state s = {{0}};
    const uint8_t mac = k->lengths.mac;
    begin(k, &k->opc.s, (uint8_t)((in->star ? F1_STAR : F1) | length_bits(mac)), &s);
    put(&s, AT_RAND, BYTES_ARRAY(in->rand->b));
    put(&s, AT_AMF, BYTES_ARRAY(in->amf.b));
    for (size_t i = 0; i < AKA_SQN_LEN; i++) { /* its last octet first, as all of them */
        s.b[AT_SQN + i] = (uint8_t)(in->sqn >> (8 * i) & 255U);
    }
    finish(k, &s);
    for (size_t i = 0; i < mac; i++) {
        out->b[i] = s.b[OUT_MAC + mac - 1U - i];
    }
    out->n = mac;
    return ERR_OK;
}

err_t tuak_f2345(const struct aka_keys *k, const struct aka_rand *rand, struct aka_output *out)
{
    SCOPED(state_wipe) struct state s = {{0}};
    const struct aka_lengths *l = &k->lengths;
    const unsigned lengths = length_bits(l->res) | (l->ck == K_LONG ? CK_LONG_BIT : 0U) |
                             (l->ik == K_LONG ? IK_LONG_BIT : 0U);
    begin(k, &k->opc.s, (uint8_t)(F2345 | lengths), &s);
    put(&s, AT_RAND, BYTES_ARRAY(rand->b));
    finish(k, &s);
    TRY(get(&s, OUT_RES, l->res, &out->res.s));
    TRY(get(&s, OUT_CK, l->ck, &out->ck.s));
    TRY(get(&s, OUT_IK, l->ik, &out->ik.s));
    return get(&s, OUT_AK, AKA_SQN_LEN, &out->ak.s);
}

err_t tuak_f5_star(const struct aka_keys *k, const struct aka_rand *rand, struct key_ak *out)
{
    SCOPED(state_wipe) struct state s = {{0}};
    begin(k, &k->opc.s, F5_STAR, &s);
    put(&s, AT_RAND, BYTES_ARRAY(rand->b));
    finish(k, &s);
    return get(&s, OUT_AK, AKA_SQN_LEN, &out->s);
}
