#include "aka/aka_selftest.h"

#include "aka/aka.h"
#include "base/hex.h"
#include "keys/keys_selftest.h"

/* Published test data: TS 35.208 set 1, TS 35.233 set 3. None of it is secret. */
struct known {
    const char *name;
    struct aka_keys (*kind)(void);
    struct aka_lengths lengths;
    const char *k, *op, *rand;
    uint64_t sqn;
    struct aka_amf amf;
    const char *opc, *f1, *f1_star, *f2, *f3, *f4, *f5, *f5_star;
};

static const struct known rows[] = {
    {"milenage", aka_keys_milenage, {8, 8, 16, 16},
     "465b5ce8b199b49faa5f0a2ee238a6bc", "cdc202d5123e20f62b6d676ac72cb318", "23553cbe9637a89d218ae64dae47bf35",
     UINT64_C(0xff9bb4d0b607), {{0xb9, 0xb9}},
     "cd63cb71954a9f4e48a5994e37a02baf", "4a9ffac354dfafb3", "01cfaf9ec4e871e9", "a54211d5e3ba50bf",
     "b40ba9a3c58b2a05bbf0d987b21bf8cb", "f769bcd751044604127672711c6d3441", "aa689c648370", "451e8beca43b"},
    {"tuak", aka_keys_tuak, {32, 8, 16, 32},
     "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
     "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "0123456789abcdef0123456789abcdef",
     UINT64_C(0x0123456789ab), {{0xab, 0xcd}},
     "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524",
     "d97b75a1776065271b1e212bc3b1bf173f438b21e6c64a55a96c372e085e5cc5",
     "427bbf07c6e3a86c54f8c5216499f3909a6fd4a164c9fe235b1550258111b821", "07021c73e7635c7d",
     "4d59ac796834eb85d11fa148a5058c3c", "126d47500136fdc5ddfd14f19ebf16749ce4b6435323fbb5715a3a796a6082bd",
     "1d6622c4e59a", "f84eb338848c"},
};

static err_t key_of(const char *hex, struct secret *out)
{
    uint8_t b[SECRET_MAX];
    struct writer w = WRITER_ARRAY(b);
    TRY(hex_parse(text_of(hex), &w));
    return secret_set(out, writer_view(&w));
}

static err_t expect(struct bytes got, const char *hex)
{
    struct secret want = {{0}, 0};
    TRY(key_of(hex, &want));
    return bytes_eq(got, secret_view(&want)) ? ERR_OK : ERR_CRYPTO_SELFTEST;
}

static err_t rand_of(const char *hex, struct aka_rand *out)
{
    struct writer w = WRITER_ARRAY(out->b);
    return hex_parse(text_of(hex), &w);
}

static err_t expect_output(const struct aka_output *o, const struct known *r)
{
    TRY(expect(secret_view(&o->res.s), r->f2));
    TRY(expect(secret_view(&o->ck.s), r->f3));
    TRY(expect(secret_view(&o->ik.s), r->f4));
    return expect(secret_view(&o->ak.s), r->f5);
}

static err_t test(const struct crypto *c, const struct known *r)
{
    struct aka_keys k = r->kind();
    struct key_op op = {{{0}, 0}};
    struct aka_rand rand;
    struct aka_mac mac;
    struct aka_output o = {0};
    struct key_ak ak = {{{0}, 0}};
    k.lengths = r->lengths;
    TRY(key_of(r->k, &k.k.s));
    TRY(key_of(r->op, &op.s));
    TRY(rand_of(r->rand, &rand));
    TRY(aka_opc(c, &k, &op, &k.opc));
    TRY(expect(secret_view(&k.opc.s), r->opc));
    struct aka_f1_input in = {false, &rand, r->sqn, r->amf};
    TRY(aka_f1(c, &k, &in, &mac));
    TRY(expect(bytes_of(mac.b, mac.n), r->f1));
    in.star = true;
    TRY(aka_f1(c, &k, &in, &mac));
    TRY(expect(bytes_of(mac.b, mac.n), r->f1_star));
    TRY(aka_f2345(c, &k, &rand, &o));
    TRY(expect_output(&o, r));
    in.star = false;
    TRY(aka_f12345(c, &k, &in, &mac, &o));
    TRY(expect(bytes_of(mac.b, mac.n), r->f1));
    TRY(expect_output(&o, r));
    TRY(aka_f5_star(c, &k, &rand, &ak));
    return expect(secret_view(&ak.s), r->f5_star);
}

err_t aka_selftest_run(const struct crypto *c, const char **failed)
{
    TRY(keys_selftest_run(c, failed));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (test(c, &rows[i]) != ERR_OK) {
            if (failed != NULL) {
                *failed = rows[i].name;
            }
            return ERR_CRYPTO_SELFTEST;
        }
    }
    return ERR_OK;
}
