#include "keys/keys_selftest.h"

#include "base/ct.h"
#include "base/hex.h"
#include "crypto/selftest.h"
#include "keys/keys_gba.h"

/*
 * Worked values, computed apart from this code (Python hmac, TLS1-PRF of OpenSSL): the standard publishes none.
 * The inputs are made up, so none of this is secret. The same values and more are in tests/vectors/derive.txt.
 */
static const char export_hex[] = "a672d250f530b1c144e9ace6e3cd50aa"
                                 "b0a7766f0b139b08ad3267aa154150eae366e36392e1b1a317d2a0cd402fc7d1";

static err_t expect(const struct secret *got, const char *hex)
{
    uint8_t want[KEYS_DERIVED_LEN];
    struct writer w = WRITER_ARRAY(want);
    TRY(hex_parse(text_of(hex), &w));
    return ct_eq(secret_view(got), writer_view(&w)) ? ERR_OK : ERR_CRYPTO_SELFTEST;
}

static err_t export_ke(struct key_ke *ke, struct keys_relative *id)
{
    struct keys_export x = {{0}, true};
    struct writer w = WRITER_ARRAY(x.b);
    TRY(hex_parse(text_of(export_hex), &w));
    return keys_ke_split(&x, ke, id);
}

static err_t test_ke(const struct crypto *c)
{
    (void)c;
    struct key_ke ke = {{{0}, 0}};
    struct keys_relative relative;
    struct keyid id;
    TRY(export_ke(&ke, &relative));
    TRY(expect(&ke.s, "b0a7766f0b139b08ad3267aa154150eae366e36392e1b1a317d2a0cd402fc7d1"));
    TRY(keyid_of_relative(&relative, text_of("mef.example.com"), &id));
    return text_eq_z(text_of(id.z), "A672D250F530B1C144E9ACE6E3CD50AA@mef.example.com") ? ERR_OK : ERR_CRYPTO_SELFTEST;
}

static err_t test_km(const struct crypto *c)
{
    struct key_ke ke = {{{0}, 0}};
    struct keys_relative relative;
    struct key_km km = {{{0}, 0}};
    TRY(export_ke(&ke, &relative));
    TRY(keys_km_derive(c, &ke, text_of("\xEF\xBD\x8D" "af.example.com"), &km)); /* U+FF4D: NFKC is in the way */
    return expect(&km.s, "a3ed57f9667590c95454ad6e823b44ef2e1deaed28a21421dca350b8d171b2dc");
}

static err_t test_kpsa(const struct crypto *c)
{
    struct key_ke ke = {{{0}, 0}};
    struct keys_relative relative;
    struct key_kpsa kpsa = {{{0}, 0}};
    TRY(export_ke(&ke, &relative));
    TRY(keys_kpsa_derive(c, &ke, text_of("//sp.example.com/cse01"), &kpsa));
    return expect(&kpsa.s, "2cf11c718796a5059af16d7aaa0085e663b8c0059aa02b3a3b1e5fe4e74d985f");
}

static err_t test_usage(const struct crypto *c)
{
    struct key_ke ke = {{{0}, 0}};
    struct keys_relative relative;
    struct key_usage k = {{{0}, 0}};
    TRY(export_ke(&ke, &relative));
    TRY(keys_usage_derive(c, &ke, 21, text_of("maf.example.com"), &k));
    return expect(&k.s, "8f5bfc870e5f33ba46213042f30b545eece5a30ae3c95d17eff0c80e6e0e8502");
}

static err_t test_application(const struct crypto *c)
{
    struct key_ke ke = {{{0}, 0}};
    struct keys_relative relative;
    struct key_application k = {{{0}, 0}};
    TRY(export_ke(&ke, &relative));
    TRY(keys_application_derive(c, &ke.s, 21, text_of("//sp.example.com/in/Cmeter"), &k));
    return expect(&k.s, "046f40388ace54328b5bc8a3f0ccfc5ef74d69ed62a1e8b11e0038bd42b51409");
}

static void counting(uint8_t *b, size_t n, uint8_t from)
{
    for (size_t i = 0; i < n; i++) {
        b[i] = (uint8_t)(from + i);
    }
}

static err_t test_ke2e(const struct crypto *c)
{
    uint8_t b[KEYS_DERIVED_LEN];
    struct key_kpsa kpsa = {{{0}, 0}};
    struct key_ke2e k = {0};
    counting(b, sizeof(b), 0x80);
    TRY(secret_set(&kpsa.s, BYTES_ARRAY(b)));
    TRY(keys_ke2e_derive(c, &kpsa, bytes_empty(), &k));
    TRY(expect(&k.master, "35bff8cc7ec7c4eef447e6c1af4f652860bdba01f3a55a834b83b412bd40e94e"));
    TRY(expect(&k.msg_auth, "7c49777e3fb51fbf2929e75ef61a4646fd91969ef844e2fd03dbec94b78f32b6"));
    TRY(expect(&k.msg_conf, "595ccd2612218585458ce7509b5e4342378ec83f67bbe0a9aaed931b78936aa3"));
    TRY(expect(&k.att_auth, "6400a8624e8c692e152c4a64d99c1fa4572de29c9363c68607d26f0977aa01f0"));
    return expect(&k.att_conf, "0ecf7e03609d2850c56922a3fc234cfbd657145f29f943ee7d73cc76539d1c1f");
}

#define SIXTEEN(x) x x x x x x x x x x x x x x x x

static err_t test_esprim(const struct crypto *c)
{
    uint8_t b[KEYS_DERIVED_LEN];
    struct key_esprim_pairwise k = {{{0}, 0}};
    struct key_esprim_session session = {{{0}, 0}};
    counting(b, sizeof(b), 0x40);
    TRY(secret_set(&k.s, BYTES_ARRAY(b)));
    TRY(keys_esprim_derive(c, &k, text_of(SIXTEEN("\xAA")), text_of(SIXTEEN("\xBB")), &session));
    return expect(&session.s, "be8710fb147976428f26fad2ae52dc29ef67c461fc2c43be83c87a8c6298dae9");
}

/* Milenage set 1 of TS 35.208 as RAND, CK and IK; a TLS suite as the Ua identifier. */
static err_t test_ks_naf(const struct crypto *c)
{
    struct key_ks ks = {{{0}, 0}};
    struct key_ks_naf naf = {{{0}, 0}};
    struct key_ks_int_naf internal = {{{0}, 0}};
    struct aka_rand rand;
    struct naf_id id;
    struct writer w = WRITER_ARRAY(rand.b);
    TRY(hex_parse(text_of("23553cbe9637a89d218ae64dae47bf35"), &w));
    w = WRITER_ARRAY(ks.s.b);
    TRY(hex_parse(text_of("b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441"), &w));
    ks.s.n = KEYS_DERIVED_LEN;
    TRY(naf_id_of(text_of("mef.example.com"), naf_id_ua_tls(0x00ae), &id));
    const struct keys_ks_context x = {&rand, text_of("001010123456789@ims.mnc001.mcc001.3gppnetwork.org"), &id};
    TRY(keys_ks_naf(c, &ks, &x, &naf));
    TRY(expect(&naf.s, "4468e6283c45f3e4471fdc0b7a1ab2081fad8926e4ee5238ef4ba12a8b575aba"));
    TRY(keys_ks_int_naf(c, &ks, &x, &internal));
    return expect(&internal.s, "537e1904318fe9dc72bc271767ab9bbd665e34972c7d6c53b37ba5315461e159");
}

/* Ub of the same run: the password of AKAv1 is RES, that of AKAv2 not. */
static err_t test_digest(const struct crypto *c)
{
    struct key_password password = {{{0}, 0}};
    struct key_ha1 h_a1 = {{{0}, 0}};
    struct writer w = WRITER_ARRAY(password.s.b);
    TRY(hex_parse(text_of("a54211d5e3ba50bf"), &w));
    password.s.n = (uint8_t)w.n;
    const struct keys_digest d = {
        .integrity = true, .nonce = text_of("I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M="), .nc = text_of("00000001"),
        .cnonce = text_of("0a4f113b"), .uri = text_of("/"), .method = text_of("GET"), .body = bytes_empty()};
    TRY(keys_digest_ha1(c, CRYPTO_MD5, text_of("001010123456789@ims.mnc001.mcc001.3gppnetwork.org"),
                        text_of("bsf.mnc001.mcc001.pub.3gppnetwork.org"), &password, &h_a1));
    return keys_digest_check(c, &d, &h_a1, text_of("26d91881d4f34c67c3c171426686ad62"));
}

static const struct {
    const char *name;
    err_t (*run)(const struct crypto *c);
} tests[] = {
    {"ke", test_ke},       {"km", test_km},     {"kpsa", test_kpsa},
    {"usage", test_usage}, {"application", test_application}, {"ke2e", test_ke2e}, {"esprim", test_esprim},
    {"ks-naf", test_ks_naf}, {"digest", test_digest},
};

err_t keys_selftest_run(const struct crypto *c, const char **failed)
{
    TRY(selftest_run(c, failed));
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        if (tests[i].run(c) != ERR_OK) {
            if (failed != NULL) {
                *failed = tests[i].name;
            }
            return ERR_CRYPTO_SELFTEST;
        }
    }
    return ERR_OK;
}
