#include "crypto/selftest.h"

#include "base/hex.h"

/* All longer than the longest vector: 60 octets of text and a tag. */
struct octets {
    uint8_t b[96];
    size_t n;
};

static struct bytes view(const struct octets *o)
{
    return bytes_of(o->b, o->n);
}

static err_t octets_of(const char *hex, struct octets *out)
{
    struct writer w = WRITER_ARRAY(out->b);
    TRY(hex_parse(text_of(hex), &w));
    out->n = w.n;
    return ERR_OK;
}

static err_t expect(struct bytes got, const char *hex)
{
    struct octets want = {{0}, 0};
    TRY(octets_of(hex, &want));
    return bytes_eq(got, view(&want)) ? ERR_OK : ERR_CRYPTO_SELFTEST;
}

/* FIPS 180-4 examples: one block, and two. */
static err_t test_sha256(const struct crypto *c)
{
    uint8_t out[CRYPTO_HASH_LEN];
    TRY(c->sha256(text_bytes(text_of("abc")), out));
    TRY(expect(BYTES_ARRAY(out), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    TRY(c->sha256(text_bytes(text_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")), out));
    return expect(BYTES_ARRAY(out), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* RFC 4231 test cases 1 and 2; the second in three parts, one of them empty. */
static err_t test_hmac(const struct crypto *c)
{
    uint8_t out[CRYPTO_HASH_LEN];
    struct octets key = {{0}, 0};
    TRY(octets_of("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", &key));
    const struct bytes whole = text_bytes(text_of("Hi There"));
    TRY(c->hmac_sha256(view(&key), &whole, 1, out));
    TRY(expect(BYTES_ARRAY(out), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
    const struct bytes parts[] = {text_bytes(text_of("what do ya want ")), bytes_empty(),
                                  text_bytes(text_of("for nothing?"))};
    TRY(c->hmac_sha256(text_bytes(text_of("Jefe")), parts, ARRAY_LEN(parts), out));
    return expect(BYTES_ARRAY(out), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/* Test case 16 of the GCM specification (McGrew, Viega): AES-256, 20 octets of associated data. */
static const char gcm_key[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
static const char gcm_nonce[] = "cafebabefacedbaddecaf888";
static const char gcm_aad[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
static const char gcm_plain[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
static const char gcm_sealed[] = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                                 "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                                 "76fc6ece0f4e1768cddf8853bb2d551b";

static err_t test_aead(const struct crypto *c)
{
    struct octets key = {{0}, 0}, nonce = {{0}, 0}, aad = {{0}, 0}, plain = {{0}, 0}, sealed = {{0}, 0};
    TRY(octets_of(gcm_key, &key));
    TRY(octets_of(gcm_nonce, &nonce));
    TRY(octets_of(gcm_aad, &aad));
    TRY(octets_of(gcm_plain, &plain));
    struct writer w = WRITER_ARRAY(sealed.b);
    TRY(c->aead_seal(view(&key), view(&nonce), view(&aad), view(&plain), &w));
    TRY(expect(writer_view(&w), gcm_sealed));
    sealed.n = w.n;
    struct octets back = {{0}, 0};
    w = WRITER_ARRAY(back.b);
    TRY(c->aead_open(view(&key), view(&nonce), view(&aad), view(&sealed), &w));
    TRY(expect(writer_view(&w), gcm_plain));
    aad.b[0] ^= 1; /* a provider that does not check the tag must not pass */
    w = WRITER_ARRAY(back.b);
    err_t e = c->aead_open(view(&key), view(&nonce), view(&aad), view(&sealed), &w);
    return e == ERR_CRYPTO_UNSEAL && w.n == 0 ? ERR_OK : ERR_CRYPTO_SELFTEST;
}

/* RFC 8032 7.1 TEST 2. */
static const char ed_seed[] = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
static const char ed_public[] = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
static const char ed_sig[] = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                             "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

static err_t test_sign(const struct crypto *c)
{
    struct octets seed = {{0}, 0};
    uint8_t pub[CRYPTO_SIG_KEY_LEN], sig[CRYPTO_SIG_LEN];
    const struct bytes msg = bytes_of("\x72", 1);
    TRY(octets_of(ed_seed, &seed));
    TRY(c->sign_public(view(&seed), pub));
    TRY(expect(BYTES_ARRAY(pub), ed_public));
    TRY(c->sign(view(&seed), msg, sig));
    TRY(expect(BYTES_ARRAY(sig), ed_sig));
    TRY(c->verify(BYTES_ARRAY(pub), msg, BYTES_ARRAY(sig)));
    return c->verify(BYTES_ARRAY(pub), bytes_of("\x73", 1), BYTES_ARRAY(sig)) == ERR_CRYPTO ? ERR_OK
                                                                                          : ERR_CRYPTO_SELFTEST;
}

/* FIPS 197 C.1, twice: two blocks are two blocks. */
static err_t test_aes128(const struct crypto *c)
{
    uint8_t out[2 * CRYPTO_BLOCK_LEN];
    struct octets key = {{0}, 0}, in = {{0}, 0};
    TRY(octets_of("000102030405060708090a0b0c0d0e0f", &key));
    TRY(octets_of("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", &in));
    TRY(crypto_aes128(c, view(&key), view(&in), out));
    return expect(BYTES_ARRAY(out), "69c4e0d86a7b0430d8cdb78070b4c55a69c4e0d86a7b0430d8cdb78070b4c55a");
}

/* "abc" in two parts: RFC 1321 A.5, FIPS 180-4. */
static err_t test_hash(const struct crypto *c)
{
    static const char *const want[CRYPTO_HASHES] = {
        "900150983cd24fb0d6963f7d28e17f72", "a9993e364706816aba3e25717850c26c9cd0d89d",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};
    const struct bytes parts[] = {text_bytes(text_of("a")), text_bytes(text_of("bc"))};
    for (unsigned i = 0; i < CRYPTO_HASHES; i++) {
        uint8_t out[CRYPTO_HASH_LEN];
        TRY(c->hash((enum crypto_hash)i, parts, ARRAY_LEN(parts), out));
        TRY(expect(bytes_of(out, crypto_hash_len((enum crypto_hash)i)), want[i]));
    }
    return ERR_OK;
}

/* RFC 2202 2, case 2. */
static err_t test_hmac_md5(const struct crypto *c)
{
    uint8_t out[CRYPTO_MD5_LEN];
    TRY(c->hmac_md5(text_bytes(text_of("Jefe")), text_bytes(text_of("what do ya want for nothing?")), out));
    return expect(BYTES_ARRAY(out), "750c783e6ab0b503eaa86e310a5db738");
}

/* Not a test of quality: only that the source is there and moves. */
static err_t test_random(const struct crypto *c)
{
    uint8_t a[32] = {0}, b[32] = {0};
    TRY(c->random(a, sizeof(a)));
    TRY(c->random(b, sizeof(b)));
    return bytes_eq(BYTES_ARRAY(a), BYTES_ARRAY(b)) ? ERR_CRYPTO_SELFTEST : ERR_OK;
}

/* U+FF4D FULLWIDTH LATIN SMALL LETTER M has the compatibility decomposition "m"; e + U+0301 composes to U+00E9. */
static err_t test_nfkc(const struct crypto *c)
{
    char buf[32];
    struct writer w = WRITER_ARRAY(buf);
    TRY(c->nfkc(text_of("\xEF\xBD\x8D" "af.e\xCC\x81"), &w));
    if (!text_eq_z(writer_view_text(&w), "maf.\xC3\xA9")) {
        return ERR_CRYPTO_SELFTEST;
    }
    w = WRITER_ARRAY(buf);
    return c->nfkc(text_of("\xC0\x80"), &w) == ERR_MALFORMED_ID ? ERR_OK : ERR_CRYPTO_SELFTEST;
}

static const struct {
    const char *name;
    err_t (*run)(const struct crypto *c);
} tests[] = {
    {"sha256", test_sha256}, {"hmac-sha256", test_hmac}, {"aes-256-gcm", test_aead},
    {"ed25519", test_sign},  {"random", test_random},    {"nfkc", test_nfkc},
    {"aes-128", test_aes128}, {"hash", test_hash},       {"hmac-md5", test_hmac_md5},
};

err_t selftest_run(const struct crypto *c, const char **failed)
{
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        if (failed != NULL) {
            *failed = tests[i].name;
        }
        if (tests[i].run(c) != ERR_OK) {
            return ERR_CRYPTO_SELFTEST;
        }
    }
    if (failed != NULL) {
        *failed = NULL;
    }
    return ERR_OK;
}
