/*
 * A card and its network with everything between them in the hands of a stranger: an input is a program of steps. AUTN, AUTS and RAND
 * go as they are, with octets changed, out of order, twice; the network is killed and starts again from what was stored.
 */
#include "aka/aka_card.h"
#include "aka/aka_gba_u.h"
#include "base/reader.h"
#include "fuzz.h"
#include "shell/crypto_openssl.h"

#include <string.h>

#define STEPS_MAX 64
#define VECTORS 8
#define SEQS 1024

enum what { CHALLENGE, ANSWER, ANSWER_U, RAW_AUTN, RAW_AUTS, KILL, WHATS };

struct run {
    const struct crypto *c;
    struct aka_auc auc;
    struct aka_card card;
    struct aka_vector v[VECTORS];
    struct aka_answer a;
    struct aka_rand asked; /* of the answer that gave AUTS */
    uint64_t stored, last;
    unsigned made;
    bool taken[SEQS]; /* SEQ of ours; IND follows from it */
};

static void challenge(struct run *r, struct bytes b)
{
    struct aka_vector *v = &r->v[r->made++ % VECTORS];
    struct aka_rand rand = {{0}};
    memcpy(rand.b, b.p, b.n < sizeof(rand.b) ? b.n : sizeof(rand.b));
    rand.b[0] = (uint8_t)r->made; /* RAND is fresh */
    err_t e = aka_auc_vector(r->c, &r->auc, &rand, v);
    if (e == ERR_SQN_UNRESERVED) {
        uint64_t want = 0;
        MUST_HOLD(aka_sqn_counter_want(&r->auc.counter, 3, &want) == ERR_OK);
        r->stored = want;
        aka_sqn_counter_grant(&r->auc.counter, want);
        e = aka_auc_vector(r->c, &r->auc, &rand, v);
    }
    MUST_HOLD(e == ERR_OK);
    MUST_HOLD(r->auc.counter.seq > r->last && r->auc.counter.seq <= r->stored); /* no number is given twice */
    r->last = r->auc.counter.seq;
}

static void resync(struct run *r, const struct aka_auts *auts, bool ours)
{
    const uint64_t before = r->auc.counter.seq;
    err_t e = aka_auc_resync(r->c, &r->auc, &r->asked, auts);
    MUST_HOLD(ours ? e == ERR_OK : e == ERR_DENIED_AUTS);
    MUST_HOLD(r->auc.counter.seq >= before);
    MUST_HOLD(ours || r->auc.counter.seq == before);
}

static void answer(struct run *r, const struct aka_vector *v, const struct aka_autn *autn, bool gba_u)
{
    const uint64_t highest = aka_sqn_seq(aka_sqn_highest(&r->card.window));
    err_t e = gba_u ? aka_card_bootstrap(r->c, &r->card, &v->rand, autn, &r->a)
                    : aka_card_authenticate(r->c, &r->card, &v->rand, autn, &r->a);
    const bool genuine = memcmp(autn, &v->autn, sizeof(*autn)) == 0 && secret_is_set(&v->xres.s);
    MUST_HOLD(aka_sqn_seq(aka_sqn_highest(&r->card.window)) >= highest);
    MUST_HOLD((e == ERR_OK) == secret_is_set(&r->a.res.s));
    MUST_HOLD(secret_is_set(&r->a.ck.s) == (e == ERR_OK && !gba_u));
    if (e == ERR_SQN_RANGE) {
        r->asked = v->rand;
        resync(r, &r->a.auts, true);
    } else if (e == ERR_OK) {
        MUST_HOLD(genuine && secret_eq(&r->a.res.s, &v->xres.s));
    } else {
        MUST_HOLD(e == ERR_DENIED_AUTN);
    }
    if (e == ERR_OK && highest < SEQS) {
        struct key_ak ak = {{{0}, 0}};
        struct aka_output o = {0};
        MUST_HOLD(aka_f2345(r->c, &r->card.keys, &v->rand, &o) == ERR_OK);
        ak = o.ak;
        const uint64_t seq = aka_sqn_seq(aka_sqn_reveal(autn->b, &ak));
        MUST_HOLD(seq >= SEQS || !r->taken[seq]); /* no number is taken twice */
        r->taken[seq < SEQS ? seq : 0] = true;
    }
}

static void step(struct run *r, enum what what, struct bytes b)
{
    struct aka_vector v = r->v[b.n > 0 ? b.p[0] % VECTORS : 0];
    struct aka_autn autn;
    struct aka_auts auts = {{0}};
    switch (what) {
    case CHALLENGE:
        challenge(r, b);
        break;
    case ANSWER_U:
        MUST_HOLD(aka_gba_u_vector(r->c, &v) == ERR_OK);
        answer(r, &v, &v.autn, true);
        break;
    case ANSWER:
        answer(r, &v, &v.autn, false);
        break;
    case RAW_AUTN:
        autn = v.autn;
        for (size_t i = 1; i < b.n && i <= sizeof(autn.b); i++) {
            autn.b[i - 1] ^= b.p[i];
        }
        answer(r, &v, &autn, b.n % 2 != 0 && memcmp(&autn, &v.autn, sizeof(autn)) != 0);
        break;
    case RAW_AUTS:
        memcpy(auts.b, b.p, b.n < sizeof(auts.b) ? b.n : sizeof(auts.b));
        resync(r, &auts, false);
        break;
    case KILL:
    case WHATS:
        aka_sqn_counter_init(&r->auc.counter, r->stored);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run r;
    struct reader in = reader_of(bytes_of(data, size));
    struct aka_keys k = reader_u8(&in) % 2 ? aka_keys_tuak() : aka_keys_milenage();
    static const uint8_t key[32] = "made-up, and looks like it......";
    memset(&r, 0, sizeof(r));
    r.c = crypto_openssl();
    MUST_HOLD(secret_set(&k.k.s, bytes_of(key, 16)) == ERR_OK);
    MUST_HOLD(secret_set(&k.opc.s, bytes_of(key, k.algorithm == AKA_TUAK ? 32 : 16)) == ERR_OK);
    MUST_HOLD(aka_auc_init(&r.auc, &k, (struct aka_amf){{0, 0}}, 0) == ERR_OK);
    MUST_HOLD(aka_card_init(&r.card, &k) == ERR_OK);
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        enum what what = (enum what)(reader_u8(&in) % WHATS);
        struct bytes b = reader_block8(&in);
        if (reader_failed(&in)) {
            break;
        }
        step(&r, what, b);
    }
    return 0;
}
