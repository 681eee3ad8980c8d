/* ESData on the true provider: objects of the RFCs, every class and algorithm there and back, every refusal. */
#include "base/base64url.h"
#include "proto/esdata.h"
#include "shell/object_jose.h"
#include "shell/openssl.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1800000000) * USEC_PER_SEC)
#define CONTENT "{\"con\":\"21.5\",\"what\":\"a reading\"}"

static struct {
    struct secret octets[3]; /* 16, 24, 32 */
    struct secret longest;   /* 64 */
    char ec[3][2][512];      /* P-256, P-384, P-521: private, public */
    char rsa[2][2048];
    char small_rsa[2][2048];
} keys;

static void pem_of(EVP_PKEY *k, char *private, char *public, size_t cap)
{
    BIO *b = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(b, k, NULL, NULL, 0, NULL, NULL), 1);
    private[BIO_read(b, private, (int)cap - 1)] = '\0';
    assert_int_equal(PEM_write_bio_PUBKEY(b, k), 1);
    public[BIO_read(b, public, (int)cap - 1)] = '\0';
    BIO_free(b);
    EVP_PKEY_free(k);
}

static int setup(void **state)
{
    (void)state;
    uint8_t made_up[64];
    memset(made_up, 0x4b, sizeof(made_up));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(secret_set(&keys.octets[i], bytes_of(made_up, 16 + 8 * i)), ERR_OK);
    }
    assert_int_equal(secret_set(&keys.longest, BYTES_ARRAY(made_up)), ERR_OK);
    static const char *const curves[] = {"P-256", "P-384", "P-521"};
    for (size_t i = 0; i < 3; i++) {
        pem_of(EVP_EC_gen(curves[i]), keys.ec[i][0], keys.ec[i][1], sizeof(keys.ec[i][0]));
    }
    pem_of(EVP_RSA_gen(2048), keys.rsa[0], keys.rsa[1], sizeof(keys.rsa[0]));
    pem_of(EVP_RSA_gen(1024), keys.small_rsa[0], keys.small_rsa[1], sizeof(keys.small_rsa[0]));
    return 0;
}

static struct esdata_key symmetric(const char *id, const struct secret *s, unsigned suid)
{
    return (struct esdata_key){{text_of(id), s, text_empty()}, suid, NOW + USEC_PER_SEC};
}

static struct esdata_key pem(const char *id, const char *text, unsigned suid)
{
    return (struct esdata_key){{text_of(id), NULL, text_of(text)}, suid, NOW + USEC_PER_SEC};
}

static char made[JOSE_OBJECT_MAX];

static struct bytes protect(const struct esdata_order *o, err_t expected)
{
    struct writer w = WRITER_ARRAY(made);
    assert_int_equal(esdata_protect(object_jose(), o, text_bytes(text_of(CONTENT)), NOW, &w), expected);
    return writer_view(&w);
}

static struct esdata_opened last;

static err_t open_with(const struct esdata_ring *ring, struct bytes object)
{
    char out[4096] = "";
    struct writer w = WRITER_ARRAY(out);
    err_t e = esdata_open(object_jose(), ring, object, NOW, &w, &last);
    if (e == ERR_OK) {
        assert_true(text_eq_z(writer_view_text(&w), CONTENT));
    } else {
        assert_int_equal(w.n, 0);
        assert_null(strstr(out, "reading")); /* nothing of the content after a refusal */
    }
    return e;
}

/* -- vectors --------------------------------------------------------------------------------------------- */

struct vector {
    char name[64], key[4096], object[8192], expect[1024], refuse[64];
};

static void check_vector(const struct vector *v)
{
    SCOPED(json_scope) json_t *jwk = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(v->key)), &jwk), ERR_OK);
    bool is_oct = text_eq_z(json_get_text(jwk, "kty"), "oct");
    struct jose_object o;
    assert_int_equal(jose_parse(text_bytes(text_of(v->object)), &o), ERR_OK);
    unsigned suid = (is_oct ? 10U : 40U) + (o.kind == JOSE_JWE ? 4U : 5U);
    jose_wipe(&o);
    struct esdata_key k = pem("", v->key, suid);
    k.key.id = json_get_text(jwk, "kid");
    const struct esdata_ring ring = {.own = &k, .own_n = 1, .sources = &k, .sources_n = 1};
    char out[2048];
    struct writer w = WRITER_ARRAY(out);
    err_t e = esdata_open(object_jose(), &ring, text_bytes(text_of(v->object)), NOW, &w, &last);
    printf("%s: %s\n", v->name, err_code(e));
    assert_string_equal(v->refuse[0] == '\0' ? err_code(ERR_OK) : v->refuse, err_code(e));
    if (e == ERR_OK) {
        assert_true(text_eq_z(writer_view_text(&w), v->expect));
    }
}

static void objects_of_the_rfcs(void **state)
{
    (void)state;
    char path[512], line[9000];
    (void)snprintf(path, sizeof(path), "%s/tests/vectors/jose.txt", getenv("KEYSTEAD_SOURCE"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    struct vector v = {0};
    size_t done = 0;
    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *value = strchr(line, ' ');
        if (line[0] == '\0' && v.name[0] != '\0') {
            check_vector(&v);
            v = (struct vector){0};
            done++;
        }
        if (line[0] == '#' || value == NULL) {
            continue;
        }
        *value++ = '\0';
        struct { const char *word; char *to; size_t cap; } rows[] = {
            {"vector", v.name, sizeof(v.name)}, {"key", v.key, sizeof(v.key)}, {"object", v.object, sizeof(v.object)},
            {"expect", v.expect, sizeof(v.expect)}, {"refuse", v.refuse, sizeof(v.refuse)}};
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            if (strcmp(rows[i].word, line) == 0) {
                (void)snprintf(rows[i].to, rows[i].cap, "%s", value);
            }
        }
    }
    (void)fclose(f);
    assert_int_equal(done, 9);
}

/* -- there and back -------------------------------------------------------------------------------------- */

/* R002-84: only the content is protected; what stands around it stays readable. */
static void every_algorithm_and_form(void **state)
{
    (void)state;
    static const struct {
        const char *alg;
        int key; /* 0..2: 16, 24, 32 octets; 3..5: EC; 6: RSA; 7: 64 octets */
    } rows[] = {{"dir", 2}, {"A128KW", 0}, {"A192KW", 1}, {"A256KW", 2}, {"RSA-OAEP-256", 6}, {"ECDH-ES+A128KW", 3},
                {"ECDH-ES+A192KW", 4}, {"ECDH-ES+A256KW", 5}, {"HS256", 2}, {"HS384", 7}, {"HS512", 7}, {"RS256", 6},
                {"RS384", 6}, {"RS512", 6}, {"ES256", 3}, {"ES384", 4}, {"ES512", 5}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(esdata_algorithm(i), rows[i].alg);
        bool sign = i >= 8;
        int k = rows[i].key;
        bool oct = k < 3 || k == 7;
        unsigned suid = (oct ? 20U : 40U) + (sign ? 5U : 4U);
        const struct secret *s = k == 7 ? &keys.longest : k < 3 ? &keys.octets[k] : NULL;
        const char *private = k == 6 ? keys.rsa[0] : k >= 3 && k < 6 ? keys.ec[k - 3][0] : "";
        const char *public = k == 6 ? keys.rsa[1] : k >= 3 && k < 6 ? keys.ec[k - 3][1] : "";
        struct esdata_key mine = oct ? symmetric("k@maf.example", s, suid) : pem("k@maf.example", private, suid);
        struct esdata_key theirs = oct ? mine : pem("k@maf.example", public, suid);
        for (unsigned form = JOSE_COMPACT; form <= JOSE_JSON_BASE64; form++) {
            struct esdata_order o = {.class = sign ? ESDATA_SIGNED : ESDATA_ENCRYPTED, .form = (enum jose_form)form,
                                     .targets = &theirs, .targets_n = 1, .source = &mine,
                                     .alg = rows[i].alg, .sign_alg = rows[i].alg};
            struct bytes object = protect(&o, ERR_OK);
            struct esdata_ring ring = {.own = &mine, .own_n = 1, .sources = &theirs, .sources_n = 1, .class = o.class};
            assert_int_equal(open_with(&ring, object), ERR_OK);
            assert_string_equal(sign ? last.sign_alg : last.alg, rows[i].alg);
            assert_int_equal(last.form, form);
        }
    }
    assert_null(esdata_algorithm(ARRAY_LEN(rows)));
}

static void three_content_encryptions_directly(void **state)
{
    (void)state;
    static const char *const enc[] = {"A128GCM", "A192GCM", "A256GCM"};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            struct esdata_key key = symmetric("k", &keys.octets[k], 34);
            struct esdata_order o = {.class = ESDATA_ENCRYPTED, .form = JOSE_COMPACT, .targets = &key, .targets_n = 1,
                                     .enc = enc[i]};
            struct bytes object = protect(&o, i == k ? ERR_OK : ERR_MALFORMED_KEY);
            if (i == k) {
                struct esdata_ring ring = {.own = &key, .own_n = 1};
                assert_int_equal(open_with(&ring, object), ERR_OK);
                assert_string_equal(last.enc, enc[i]);
            }
        }
    }
}

static void several_targets_each_with_its_own_key(void **state)
{
    (void)state;
    struct esdata_key own[] = {symmetric("a", &keys.octets[2], 14), pem("b", keys.ec[0][0], 44), pem("c", keys.rsa[0], 44),
                               symmetric("d", &keys.octets[0], 34)};
    struct esdata_key to[] = {own[0], pem("b", keys.ec[0][1], 44), pem("c", keys.rsa[1], 44), own[3]};
    for (unsigned form = JOSE_JSON; form <= JOSE_JSON_BASE64; form++) {
        struct esdata_order o = {.class = ESDATA_ENCRYPTED, .form = (enum jose_form)form, .targets = to, .targets_n = 4};
        struct bytes object = protect(&o, ERR_OK);
        for (size_t i = 0; i < 4; i++) {
            struct esdata_ring ring = {.own = &own[i], .own_n = 1};
            assert_int_equal(open_with(&ring, object), ERR_OK);
        }
        struct esdata_key stranger = symmetric("e", &keys.octets[2], 14);
        struct esdata_ring ring = {.own = &stranger, .own_n = 1};
        assert_int_equal(open_with(&ring, object), ERR_OBJECT_KEY);
        stranger.key.id = text_of("a");
        struct secret other = keys.octets[2];
        other.b[0] ^= 1;
        stranger.key.symmetric = &other;
        assert_int_equal(open_with(&ring, object), ERR_OBJECT_TAG);
    }
    struct esdata_order o = {.class = ESDATA_ENCRYPTED, .form = JOSE_COMPACT, .targets = to, .targets_n = 2};
    (void)protect(&o, ERR_USAGE); /* compact has room for one */
    struct esdata_key twice[] = {own[0], own[0]};
    o = (struct esdata_order){.class = ESDATA_ENCRYPTED, .form = JOSE_JSON, .targets = twice, .targets_n = 2, .alg = "dir"};
    (void)protect(&o, ERR_OBJECT_ALG); /* Direct Encryption: exactly one key */
}

static void nested_signs_then_encrypts(void **state)
{
    (void)state;
    struct esdata_key target = symmetric("t", &keys.octets[2], 34);
    struct esdata_key source = pem("s", keys.ec[0][0], 44);
    struct esdata_key known = pem("s", keys.ec[0][1], 44);
    struct esdata_order o = {.class = ESDATA_NESTED, .form = JOSE_COMPACT, .targets = &target, .targets_n = 1, .source = &source};
    struct bytes object = protect(&o, ERR_OK);
    struct esdata_ring ring = {.own = &target, .own_n = 1, .sources = &known, .sources_n = 1, .class = ESDATA_NESTED};
    assert_int_equal(open_with(&ring, object), ERR_OK);
    assert_int_equal(last.class, ESDATA_NESTED);
    assert_string_equal(last.source_kid, "s");
    ring.class = ESDATA_ENCRYPTED;
    assert_int_equal(open_with(&ring, object), ERR_OBJECT_CLASS);
    ring.class = 0;
    ring.sources_n = 0;
    assert_int_equal(open_with(&ring, object), ERR_OBJECT_KEY); /* encrypted for me, but by whom? */
    ring.sources_n = 1;
    known = pem("s", keys.ec[1][1], 44);
    assert_int_equal(open_with(&ring, object), ERR_OBJECT_ALG); /* ES256 is for P-256 */
    known = pem("s", keys.ec[0][1], 45);
    assert_int_equal(open_with(&ring, object), ERR_DENIED_SUID);
    source = symmetric("s", &keys.octets[2], 34);
    (void)protect(&o, ERR_OBJECT_NESTED); /* a MAC is no signature of a source */
}

static void nesting_otherwise_is_refused(void **state)
{
    (void)state;
    struct esdata_key k = symmetric("k", &keys.octets[2], 34), s = symmetric("k", &keys.octets[2], 35);
    struct esdata_ring ring = {.own = &k, .own_n = 1, .sources = &s, .sources_n = 1};
    /* A signature that says its payload is a JOSE object. */
    struct esdata_order o = {.class = ESDATA_SIGNED, .form = JOSE_COMPACT, .source = &s, .cty = text_of("JOSE")};
    assert_int_equal(open_with(&ring, protect(&o, ERR_OK)), ERR_OBJECT_NESTED);
    /* An encryption inside an encryption, and a MAC inside one. */
    char inner[8192];
    o = (struct esdata_order){.class = ESDATA_ENCRYPTED, .form = JOSE_COMPACT, .targets = &k, .targets_n = 1};
    (void)snprintf(inner, sizeof(inner), "%.*s", (int)protect(&o, ERR_OK).n, made);
    o.cty = text_of("JOSE");
    struct writer w = WRITER_ARRAY(made);
    assert_int_equal(esdata_protect(object_jose(), &o, text_bytes(text_of(inner)), NOW, &w), ERR_OK);
    assert_int_equal(open_with(&ring, writer_view(&w)), ERR_OBJECT_NESTED);
    struct esdata_order mac = {.class = ESDATA_SIGNED, .form = JOSE_COMPACT, .source = &s};
    (void)snprintf(inner, sizeof(inner), "%.*s", (int)protect(&mac, ERR_OK).n, made);
    w = WRITER_ARRAY(made);
    assert_int_equal(esdata_protect(object_jose(), &o, text_bytes(text_of(inner)), NOW, &w), ERR_OK);
    assert_int_equal(open_with(&ring, writer_view(&w)), ERR_DENIED_SUID);
    s.suid = 34;
    assert_int_equal(open_with(&ring, writer_view(&w)), ERR_OBJECT_NESTED);
}

/* -- refusals -------------------------------------------------------------------------------------------- */

static struct bytes compact(const char *header, const char *rest)
{
    static char out[4096];
    struct writer w = WRITER_ARRAY(out);
    base64url_write(&w, text_bytes(text_of(header)));
    writer_z(&w, rest);
    return writer_view(&w);
}

/* refuses R002-84 with anything that is not on the list. */
static void headers_that_are_refused(void **state)
{
    (void)state;
    struct esdata_key k = symmetric("k", &keys.octets[2], 34), s = symmetric("k", &keys.octets[2], 35);
    struct esdata_ring ring = {.own = &k, .own_n = 1, .sources = &s, .sources_n = 1};
    static const char *const jwe = "..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA";
    static const char *const wrapped = ".AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA";
    static const struct {
        const char *header;
        int kind; /* 0: JWE without, 1: with an encrypted key, 2: JWS, 3: JWS without a signature */
        err_t expected;
    } rows[] = {
        {"{\"alg\":\"none\",\"kid\":\"k\"}", 2, ERR_OBJECT_ALG},
        {"{\"alg\":\"none\",\"kid\":\"k\"}", 3, ERR_OBJECT_ALG},
        {"{\"alg\":\"None\",\"kid\":\"k\"}", 2, ERR_OBJECT_ALG},
        {"{\"alg\":\"PS256\",\"kid\":\"k\"}", 2, ERR_OBJECT_ALG},
        {"{\"alg\":\"HS1\",\"kid\":\"k\"}", 2, ERR_OBJECT_ALG},
        {"{\"kid\":\"k\"}", 2, ERR_OBJECT_ALG},
        {"{\"alg\":\"RS256\",\"kid\":\"k\"}", 2, ERR_OBJECT_ALG},        /* a symmetric key is no RSA key */
        {"{\"alg\":\"dir\",\"kid\":\"k\"}", 2, ERR_OBJECT_ALG},          /* an encryption in a signature */
        {"{\"alg\":\"HS256\",\"kid\":\"k\",\"crit\":[\"exp\"],\"exp\":1}", 2, ERR_OBJECT_OPTION},
        {"{\"alg\":\"HS256\",\"kid\":\"k\",\"b64\":false}", 2, ERR_OBJECT_OPTION},
        {"{\"alg\":\"HS256\",\"kid\":\"k\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}", 2, ERR_OBJECT_OPTION},
        {"{\"alg\":\"HS256\",\"kid\":\"k\",\"jku\":\"https://x\"}", 2, ERR_OBJECT_OPTION},
        {"{\"alg\":\"HS256\",\"kid\":\"k\",\"x5u\":\"https://x\"}", 2, ERR_OBJECT_OPTION},
        {"{\"alg\":\"HS256\",\"kid\":\"other\"}", 2, ERR_OBJECT_KEY},
        {"{\"alg\":\"HS256\",\"kid\":\"k\"}", 2, ERR_OBJECT_TAG},
        {"{\"alg\":\"HS256\",\"kid\":\"k\"}", 3, ERR_OBJECT_TAG},
        {"{\"alg\":\"HS256\",\"alg\":\"HS256\",\"kid\":\"k\"}", 2, ERR_OBJECT_MALFORMED},
        {"{\"alg\":5,\"kid\":\"k\"}", 2, ERR_OBJECT_MALFORMED},
        {"{\"alg\":\"HS256\",\"kid\":\"\"}", 2, ERR_OBJECT_MALFORMED},
        {"[]", 2, ERR_OBJECT_MALFORMED},
        {"{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\"}", 0, ERR_OBJECT_TAG},
        {"{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\"}", 1, ERR_OBJECT_MALFORMED},
        {"{\"alg\":\"A256KW\",\"enc\":\"A256GCM\",\"kid\":\"k\"}", 0, ERR_OBJECT_MALFORMED},
        {"{\"alg\":\"A256KW\",\"enc\":\"A256GCM\",\"kid\":\"k\"}", 1, ERR_OBJECT_TAG},
        {"{\"alg\":\"A128KW\",\"enc\":\"A256GCM\",\"kid\":\"k\"}", 1, ERR_OBJECT_ALG}, /* the key is longer */
        {"{\"alg\":\"dir\",\"enc\":\"A128GCM\",\"kid\":\"k\"}", 0, ERR_MALFORMED_KEY},
        {"{\"alg\":\"dir\",\"enc\":\"A128CBC-HS256\",\"kid\":\"k\"}", 0, ERR_OBJECT_ALG},
        {"{\"alg\":\"dir\",\"kid\":\"k\"}", 0, ERR_OBJECT_ALG},
        {"{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\",\"kid\":\"k\"}", 1, ERR_OBJECT_ALG},
        {"{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"kid\":\"k\"}", 1, ERR_OBJECT_ALG},
        {"{\"alg\":\"PBES2-HS256+A128KW\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"p2c\":2000000000,\"p2s\":\"AAAAAAAAAAA\"}", 1,
         ERR_OBJECT_ALG},
        {"{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"zip\":\"DEF\"}", 0, ERR_OBJECT_OPTION},
        {"{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"other\"}", 0, ERR_OBJECT_KEY},
    };
    static const char *const rests[] = {jwe, wrapped, ".e30.AAAA", ".e30."};
    _Static_assert(ARRAY_LEN(rests) == 4, "one a kind");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err_t e = open_with(&ring, compact(rows[i].header, rests[rows[i].kind]));
        if (e != rows[i].expected) {
            fail_msg("%s: %s, not %s", rows[i].header, err_code(e), err_code(rows[i].expected));
        }
    }
}

/* The ephemeral key comes from a stranger: off its curve it would draw the private key out bit by bit. */
static void ephemeral_keys_that_are_refused(void **state)
{
    (void)state;
    struct esdata_key k = pem("k", keys.ec[0][0], 44);
    struct esdata_ring ring = {.own = &k, .own_n = 1};
    static const char *const epk[] = {
        "", ",\"epk\":5", ",\"epk\":{}",
        ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
        ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\",\"y\":\"\"}",
        ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"uBo4kHPw6kbjx5l0xowrd_oYzBmaz-GKFZu4xAFFkbYiWgutEK6iuEDsQ6wNdNg3\","
        "\"y\":\"sp3p5SGhZVC2faXumI-e9JU2Mo8KpoYrFDr5yPNVtW4PgEwZOyQTA-JdaY8tb7E0\"}",
        ",\"epk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        ",\"epk\":{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(epk); i++) {
        char header[700];
        (void)snprintf(header, sizeof(header), "{\"alg\":\"ECDH-ES+A128KW\",\"enc\":\"A128GCM\",\"kid\":\"k\"%s}", epk[i]);
        struct bytes object = compact(header, ".0DJjBXri_kBcC46IkU5_Jk9BqaQeHdv2.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA");
        assert_int_equal(open_with(&ring, object), ERR_OBJECT_TAG);
    }
}

static void each_changed_or_missing_octet(void **state)
{
    (void)state;
    struct esdata_key k = symmetric("k", &keys.octets[2], 34), s = symmetric("k", &keys.octets[2], 35);
    struct esdata_ring ring = {.own = &k, .own_n = 1, .sources = &s, .sources_n = 1};
    for (int sign = 0; sign < 2; sign++) {
        struct esdata_order o = {.class = sign ? ESDATA_SIGNED : ESDATA_ENCRYPTED, .form = JOSE_COMPACT, .targets = &k,
                                 .targets_n = 1, .source = &s};
        struct bytes object = protect(&o, ERR_OK);
        for (size_t i = 0; i < object.n; i++) {
            assert_int_not_equal(open_with(&ring, bytes_of(object.p, i)), ERR_OK);
            char was = made[i];
            made[i] = was == 'A' ? 'B' : 'A';
            assert_int_not_equal(open_with(&ring, object), ERR_OK);
            made[i] = was;
        }
        assert_int_equal(open_with(&ring, object), ERR_OK);
    }
}

static void structures_that_are_refused(void **state)
{
    (void)state;
    struct esdata_key k = symmetric("k", &keys.octets[2], 34);
    struct esdata_ring ring = {.own = &k, .own_n = 1, .sources = &k, .sources_n = 1};
    static const char *const rows[] = {
        "", ".", "..", "....", ".....", "e30", "{}", "{\"payload\":\"e30\",\"ciphertext\":\"e30\"}", "[1]", "=", "e30=",
        "{\"payload\":\"e30\",\"payload\":\"e30\",\"protected\":\"e30\",\"signature\":\"e30\"}",
        "{\"payload\":\"e30\",\"signatures\":[]}", "{\"payload\":\"e30\",\"signatures\":[{}],\"signature\":\"AA\"}",
        "{\"payload\":\"e30\",\"signatures\":[5]}", "{\"payload\":\"e3+\",\"protected\":\"e30\",\"signature\":\"e30\"}",
        "{\"payload\":\"e30\",\"protected\":\"e30=\",\"signature\":\"e30\"}", "{\"payload\":\"e30\",\"protected\":\"\",\"signature\":\"e30\"}",
        "{\"payload\":\"e30\",\"protected\":\"eyJraWQiOiJrIn0\",\"header\":{\"kid\":\"k\"},\"signature\":\"e30\"}",
        "{\"ciphertext\":\"e30\",\"iv\":\"AA\",\"tag\":5}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(open_with(&ring, text_bytes(text_of(rows[i]))), ERR_OBJECT_MALFORMED);
    }
    static char big[JOSE_OBJECT_MAX + 1];
    memset(big, 'A', sizeof(big));
    assert_int_equal(open_with(&ring, BYTES_ARRAY(big)), ERR_LIMIT_SIZE);
    struct writer w = WRITER_ARRAY(made);
    struct esdata_order o = {.class = ESDATA_ENCRYPTED, .form = JOSE_COMPACT, .targets = &k, .targets_n = 1};
    assert_int_equal(esdata_protect(object_jose(), &o, bytes_of(big, ESDATA_CONTENT_MAX + 1), NOW, &w), ERR_LIMIT_SIZE);
    /* The largest content fits in every form, nested too. */
    struct esdata_key source = pem("s", keys.rsa[0], 44), known = pem("s", keys.rsa[1], 44);
    o = (struct esdata_order){.class = ESDATA_NESTED, .form = JOSE_JSON_BASE64, .targets = &k, .targets_n = 1, .source = &source};
    w = WRITER_ARRAY(made);
    assert_int_equal(esdata_protect(object_jose(), &o, bytes_of(big, ESDATA_CONTENT_MAX), NOW, &w), ERR_OK);
    static char back[ESDATA_CONTENT_MAX];
    struct writer out = WRITER_ARRAY(back);
    ring = (struct esdata_ring){.own = &k, .own_n = 1, .sources = &known, .sources_n = 1};
    assert_int_equal(esdata_open(object_jose(), &ring, writer_view(&w), NOW, &out, &last), ERR_OK);
    assert_int_equal(out.n, ESDATA_CONTENT_MAX);
}

static void keys_that_are_refused(void **state)
{
    (void)state;
    struct esdata_order o = {.class = ESDATA_ENCRYPTED, .form = JOSE_COMPACT, .targets_n = 1};
    static const unsigned wrong[] = {0, 15, 21, 22, 33, 35, 44, 45, 54};
    struct esdata_key k = symmetric("k", &keys.octets[2], 34);
    o.targets = &k;
    struct esdata_ring ring = {.own = &k, .own_n = 1};
    struct bytes object = protect(&o, ERR_OK);
    char copy[1024];
    memcpy(copy, object.p, object.n);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        k.suid = wrong[i];
        (void)protect(&o, ERR_DENIED_SUID);
        assert_int_equal(open_with(&ring, bytes_of(copy, object.n)), ERR_DENIED_SUID);
    }
    k = symmetric("k", &keys.octets[2], 34);
    k.not_after = NOW;
    (void)protect(&o, ERR_DENIED_EXPIRED);
    assert_int_equal(open_with(&ring, bytes_of(copy, object.n)), ERR_DENIED_EXPIRED);
    k = pem("k", "not a key", 44);
    (void)protect(&o, ERR_MALFORMED_KEY);
    k = pem("k", keys.small_rsa[1], 44);
    (void)protect(&o, ERR_MALFORMED_KEY);
    k = pem("k", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}", 44); /* not on the curve */
    (void)protect(&o, ERR_MALFORMED_KEY);
    k = pem("k", "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AAAA\",\"y\":\"AAAA\"}", 44);
    (void)protect(&o, ERR_MALFORMED_KEY);
    o.enc = "A256CBC-HS512";
    k = symmetric("k", &keys.octets[2], 34);
    (void)protect(&o, ERR_OBJECT_ALG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_of_the_rfcs),
        cmocka_unit_test(every_algorithm_and_form),
        cmocka_unit_test(three_content_encryptions_directly),
        cmocka_unit_test(several_targets_each_with_its_own_key),
        cmocka_unit_test(nested_signs_then_encrypts),
        cmocka_unit_test(nesting_otherwise_is_refused),
        cmocka_unit_test(headers_that_are_refused),
        cmocka_unit_test(ephemeral_keys_that_are_refused),
        cmocka_unit_test(each_changed_or_missing_octet),
        cmocka_unit_test(structures_that_are_refused),
        cmocka_unit_test(keys_that_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
