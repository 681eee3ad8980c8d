#include "aka/aka_card.h"

#include "aka/aka_gba_u.h"
#include "base/ct.h"

#include <string.h>

static void ak_wipe(struct key_ak *ak)
{
    secret_wipe(&ak->s);
}

void aka_card_answer_wipe(struct aka_answer *a)
{
    ct_wipe(a, sizeof(*a));
}

void aka_card_wipe(struct aka_card *card)
{
    ct_wipe(card, sizeof(*card));
}

err_t aka_card_init(struct aka_card *card, const struct aka_keys *keys)
{
    *card = (struct aka_card){.uses = 0};
    TRY(aka_check_keys(keys));
    if (keys->lengths.mac != AKA_MAC_LEN) {
        return ERR_MALFORMED_KEY;
    }
    card->keys = *keys;
    return ERR_OK;
}

/* AUTS = SQN_MS ^ AK* | f1*(SQN_MS, AMF* = 0) [TS 33.102 6.3.3] */
err_t aka_card_auts(const struct crypto *c, const struct aka_keys *k, const struct aka_rand *rand, uint64_t sqn_ms,
                    struct aka_auts *out)
{
    SCOPED(ak_wipe) struct key_ak ak = {{{0}, 0}};
    const struct aka_f1_input in = {.star = true, .rand = rand, .sqn = sqn_ms};
    struct aka_mac mac;
    TRY(aka_f5_star(c, k, rand, &ak));
    TRY(aka_f1(c, k, &in, &mac));
    aka_sqn_hide(in.sqn, &ak, out->b);
    memcpy(out->b + AKA_SQN_LEN, mac.b, AKA_MAC_LEN);
    return ERR_OK;
}

/* First who made it, then whether it is new: a stranger learns nothing of the window. */
static err_t check(const struct crypto *c, struct aka_card *card, const struct aka_rand *rand,
                   const struct aka_autn *autn, const struct key_ak *ak)
{
    struct aka_f1_input in = {.rand = rand, .sqn = aka_sqn_reveal(autn->b, ak)};
    struct aka_mac mac;
    memcpy(in.amf.b, autn->b + AKA_SQN_LEN, AKA_AMF_LEN);
    TRY(aka_f1(c, &card->keys, &in, &mac));
    if (!ct_eq(bytes_of(mac.b, AKA_MAC_LEN), bytes_of(autn->b + AKA_SQN_LEN + AKA_AMF_LEN, AKA_MAC_LEN))) {
        return ERR_DENIED_AUTN;
    }
    TRY(aka_sqn_check(&card->window, in.sqn));
    aka_sqn_accept(&card->window, in.sqn);
    return ERR_OK;
}

static err_t refused(const struct crypto *c, const struct aka_card *card, const struct aka_rand *rand, err_t why,
                     struct aka_answer *out)
{
    if (why == ERR_SQN_RANGE) {
        TRY(aka_card_auts(c, &card->keys, rand, aka_sqn_highest(&card->window), &out->auts));
    }
    return why;
}

err_t aka_card_authenticate(const struct crypto *c, struct aka_card *card, const struct aka_rand *rand,
                            const struct aka_autn *autn, struct aka_answer *out)
{
    SCOPED(aka_output_wipe) struct aka_output o = {0};
    aka_card_answer_wipe(out);
    TRY(aka_f2345(c, &card->keys, rand, &o));
    const err_t e = check(c, card, rand, autn, &o.ak);
    if (e != ERR_OK) {
        return refused(c, card, rand, e, out);
    }
    out->res = o.res;
    out->ck = o.ck;
    out->ik = o.ik;
    return ERR_OK;
}

err_t aka_card_bootstrap(const struct crypto *c, struct aka_card *card, const struct aka_rand *rand,
                         const struct aka_autn *autn_star, struct aka_answer *out)
{
    SCOPED(aka_output_wipe) struct aka_output o = {0};
    struct aka_autn autn = *autn_star;
    aka_card_answer_wipe(out);
    TRY(aka_f2345(c, &card->keys, rand, &o));
    TRY(aka_gba_u_autn(c, &o.ik, &autn));
    const err_t e = check(c, card, rand, &autn, &o.ak);
    if (e != ERR_OK) {
        return refused(c, card, rand, e, out);
    }
    TRY(keys_ks_join(&o.ck, &o.ik, &card->ks));
    card->rand = *rand;
    ct_wipe(card->nafs, sizeof(card->nafs)); /* of the Ks that is no more */
    out->res = o.res;
    aka_gba_u_res(&out->res);
    return ERR_OK;
}

static struct aka_card_naf *find(struct aka_card *card, const struct naf_id *id)
{
    for (size_t i = 0; i < AKA_CARD_NAFS; i++) {
        if (card->nafs[i].used > 0 && bytes_eq(naf_id_view(&card->nafs[i].id), naf_id_view(id))) {
            return &card->nafs[i];
        }
    }
    return NULL;
}

static struct aka_card_naf *room(struct aka_card *card, const struct naf_id *id)
{
    struct aka_card_naf *known = find(card, id), *oldest = &card->nafs[0];
    for (size_t i = 1; i < AKA_CARD_NAFS; i++) {
        oldest = card->nafs[i].used < oldest->used ? &card->nafs[i] : oldest;
    }
    return known != NULL ? known : oldest;
}

err_t aka_card_derive(const struct crypto *c, struct aka_card *card, struct text impi, const struct naf_id *id,
                      struct key_ks_ext_naf *out)
{
    secret_wipe(&out->s);
    if (!secret_is_set(&card->ks.s)) {
        return ERR_STATE;
    }
    const struct keys_ks_context x = {&card->rand, impi, id};
    struct aka_card_naf *naf = room(card, id);
    naf->used = 0;
    TRY(keys_ks_int_naf(c, &card->ks, &x, &naf->key));
    TRY(keys_ks_ext_naf(c, &card->ks, &x, out));
    naf->id = *id;
    naf->used = ++card->uses;
    return ERR_OK;
}

static void password_wipe(struct key_password *p)
{
    secret_wipe(&p->s);
}

static void ha1_wipe(struct key_ha1 *h)
{
    secret_wipe(&h->s);
}

err_t aka_card_int_response(const struct crypto *c, struct aka_card *card, const struct aka_card_ua *ua,
                            char out[KEYS_DIGEST_CAP])
{
    SCOPED(password_wipe) struct key_password password = {{{0}, 0}};
    SCOPED(ha1_wipe) struct key_ha1 h_a1 = {{{0}, 0}};
    struct aka_card_naf *naf = find(card, ua->id);
    out[0] = '\0';
    if (naf == NULL) {
        return ERR_STATE;
    }
    TRY(keys_password_naf(&naf->key.s, &password));
    TRY(keys_digest_ha1(c, ua->digest.hash, ua->username, ua->realm, &password, &h_a1));
    TRY(keys_digest_response(c, &ua->digest, &h_a1, out));
    naf->used = ++card->uses;
    return ERR_OK;
}

/* -- TLS: master = PRF(len | 0 ... 0 | len | Ks_int_NAF, label | seed) --------------------------------- */
enum { PSK_PREMASTER_LEN = 2 + KEYS_DERIVED_LEN + 2 + KEYS_DERIVED_LEN };

struct premaster {
    uint8_t b[PSK_PREMASTER_LEN];
};

static void premaster_wipe(struct premaster *p)
{
    ct_wipe(p, sizeof(*p));
}

static bool is_master_label(struct bytes label)
{
    static const char *const labels[] = {"master secret", "extended master secret"};
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        if (bytes_eq(label, text_bytes(text_of(labels[i])))) {
            return true;
        }
    }
    return false;
}

static err_t p_sha256(const struct crypto *c, struct bytes secret, const struct aka_card_prf *prf, uint8_t *out)
{
    uint8_t a[CRYPTO_HASH_LEN], block[CRYPTO_HASH_LEN];
    const struct bytes first[] = {prf->label, prf->seed};
    err_t e = crypto_hmac(c, secret, first, ARRAY_LEN(first), a);
    for (size_t n = 0; n < AKA_CARD_MASTER_LEN && e == ERR_OK; n += CRYPTO_HASH_LEN) {
        const struct bytes parts[] = {BYTES_ARRAY(a), prf->label, prf->seed}, again = BYTES_ARRAY(a);
        size_t part = AKA_CARD_MASTER_LEN - n < CRYPTO_HASH_LEN ? AKA_CARD_MASTER_LEN - n : CRYPTO_HASH_LEN;
        e = crypto_hmac(c, secret, parts, ARRAY_LEN(parts), block);
        memcpy(out + n, block, part);
        uint8_t next[CRYPTO_HASH_LEN];
        e = e == ERR_OK ? crypto_hmac(c, secret, &again, 1, next) : e;
        memcpy(a, next, sizeof(a));
        ct_wipe(next, sizeof(next));
    }
    ct_wipe(a, sizeof(a));
    ct_wipe(block, sizeof(block));
    return e;
}

err_t aka_card_int_master(const struct crypto *c, struct aka_card *card, const struct naf_id *id,
                          const struct aka_card_prf *prf, uint8_t out[AKA_CARD_MASTER_LEN])
{
    SCOPED(premaster_wipe) struct premaster p = {{0}};
    struct aka_card_naf *naf = find(card, id);
    memset(out, 0, AKA_CARD_MASTER_LEN);
    if (naf == NULL || naf->key.s.n != KEYS_DERIVED_LEN) {
        return ERR_STATE;
    }
    if (!is_master_label(prf->label)) {
        return ERR_DENIED_GBA_VARIANT;
    }
    p.b[1] = p.b[2 + KEYS_DERIVED_LEN + 1] = KEYS_DERIVED_LEN;
    memcpy(p.b + 2 + KEYS_DERIVED_LEN + 2, naf->key.s.b, KEYS_DERIVED_LEN);
    uint8_t key[CRYPTO_HASH_LEN]; /* HMAC takes the hash of a key that is longer than a block (RFC 2104 2) */
    err_t e = c->sha256(BYTES_ARRAY(p.b), key);
    e = e == ERR_OK ? p_sha256(c, BYTES_ARRAY(key), prf, out) : e;
    ct_wipe(key, sizeof(key));
    TRY(e);
    naf->used = ++card->uses;
    return ERR_OK;
}
