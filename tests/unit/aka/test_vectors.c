/* Runs tests/vectors/aka.txt: Milenage, TUAK, the key hierarchy of GBA, Digest. */
#include "aka/aka_card.h"
#include "aka/aka_selftest.h"
#include "base/hex.h"
#include "shell/crypto_openssl.h"
#include "vectors.h"
#include "wire/aka_nonce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static err_t rand_of(const struct vector *v, struct aka_rand *out)
{
    return vectors_fixed(v, "rand", out->b, sizeof(out->b));
}

static err_t sqn_of(const struct vector *v, uint64_t *out)
{
    uint8_t b[AKA_SQN_LEN];
    const struct key_ak none = {{{0}, 0}};
    TRY(vectors_fixed(v, "sqn", b, sizeof(b)));
    *out = aka_sqn_reveal(b, &none);
    return ERR_OK;
}

static err_t keys_of(struct vector *v, struct aka_keys *k)
{
    struct key_op op = {{{0}, 0}};
    *k = text_eq_z(vectors_value(v, "algorithm"), "tuak") ? aka_keys_tuak() : aka_keys_milenage();
    k->lengths.mac = (uint8_t)vectors_number(v, "mac-octets", k->lengths.mac);
    k->lengths.res = (uint8_t)vectors_number(v, "res-octets", k->lengths.res);
    k->lengths.ck = (uint8_t)vectors_number(v, "ck-octets", k->lengths.ck);
    k->lengths.ik = (uint8_t)vectors_number(v, "ik-octets", k->lengths.ik);
    k->iterations = (uint8_t)vectors_number(v, "iterations", k->iterations);
    TRY(vectors_key(v, "k", &k->k.s));
    TRY(vectors_key(v, "op", &op.s));
    return aka_opc(crypto_openssl(), k, &op, &k->opc);
}

static err_t run_functions(struct vector *v)
{
    const struct crypto *c = crypto_openssl();
    struct aka_keys k;
    struct aka_rand rand;
    struct aka_f1_input in = {.rand = &rand};
    struct aka_mac mac;
    struct aka_output o = {0};
    struct key_ak ak = {{{0}, 0}};
    TRY(keys_of(v, &k));
    TRY(rand_of(v, &rand));
    TRY(sqn_of(v, &in.sqn));
    TRY(vectors_fixed(v, "amf", in.amf.b, sizeof(in.amf.b)));
    vectors_put(v, "opc", secret_view(&k.opc.s));
    TRY(aka_f1(c, &k, &in, &mac));
    vectors_put(v, "f1", bytes_of(mac.b, mac.n));
    in.star = true;
    TRY(aka_f1(c, &k, &in, &mac));
    vectors_put(v, "f1_star", bytes_of(mac.b, mac.n));
    TRY(aka_f2345(c, &k, &rand, &o));
    TRY(aka_f5_star(c, &k, &rand, &ak));
    vectors_put(v, "f2", secret_view(&o.res.s));
    vectors_put(v, "f3", secret_view(&o.ck.s));
    vectors_put(v, "f4", secret_view(&o.ik.s));
    vectors_put(v, "f5", secret_view(&o.ak.s));
    vectors_put(v, "f5_star", secret_view(&ak.s));
    return ERR_OK;
}

static err_t run_ks(struct vector *v)
{
    struct key_ck ck = {{{0}, 0}};
    struct key_ik ik = {{{0}, 0}};
    struct key_ks ks = {{{0}, 0}};
    TRY(vectors_key(v, "ck", &ck.s));
    TRY(vectors_key(v, "ik", &ik.s));
    TRY(keys_ks_join(&ck, &ik, &ks));
    vectors_put(v, "ks", secret_view(&ks.s));
    return ERR_OK;
}

static err_t run_b_tid(struct vector *v)
{
    struct aka_rand rand;
    struct b_tid id;
    struct b_tid_parts parts;
    TRY(rand_of(v, &rand));
    TRY(b_tid_of(&rand, vectors_value(v, "bsf"), &id));
    TRY(b_tid_parse(text_of(id.z), &parts));
    assert_memory_equal(parts.rand.b, rand.b, sizeof(rand.b));
    assert_true(text_eq_nocase(parts.fqdn, vectors_value(v, "bsf")));
    vectors_put_text(v, "b_tid", text_of(id.z));
    return ERR_OK;
}

static err_t run_naf_id(struct vector *v)
{
    struct naf_id id;
    struct octets suite = {{0}, 0};
    TRY(vectors_octets(v, "suite", &suite));
    struct naf_ua ua = text_eq_z(vectors_value(v, "ua"), "tls13") ? naf_id_ua_tls13() : naf_id_ua_digest();
    if (suite.n == 2) {
        ua = naf_id_ua_tls((uint16_t)(suite.b[0] << 8 | suite.b[1]));
    }
    TRY(naf_id_of(vectors_value(v, "naf"), ua, &id));
    vectors_put(v, "naf_id", naf_id_view(&id));
    return ERR_OK;
}

static err_t run_ks_naf(struct vector *v)
{
    const struct crypto *c = crypto_openssl();
    struct key_ks ks = {{{0}, 0}};
    struct aka_rand rand;
    struct octets o;
    struct naf_id id;
    struct key_ks_naf naf = {{{0}, 0}};
    struct key_ks_ext_naf ext = {{{0}, 0}};
    struct key_ks_int_naf internal = {{{0}, 0}};
    struct key_password pw = {{{0}, 0}};
    TRY(vectors_key(v, "ks", &ks.s));
    TRY(rand_of(v, &rand));
    TRY(vectors_octets(v, "naf-id", &o));
    TRY(naf_id_parse(bytes_of(o.b, o.n), &id));
    const struct keys_ks_context x = {&rand, vectors_value(v, "impi"), &id};
    TRY(keys_ks_naf(c, &ks, &x, &naf));
    TRY(keys_ks_ext_naf(c, &ks, &x, &ext));
    TRY(keys_ks_int_naf(c, &ks, &x, &internal));
    TRY(keys_password_naf(&naf.s, &pw));
    assert_true(secret_eq(&naf.s, &ext.s)); /* B.3 */
    vectors_put(v, "ks_naf", secret_view(&naf.s));
    vectors_put(v, "ks_int_naf", secret_view(&internal.s));
    vectors_put_text(v, "password", text_span((const char *)pw.s.b, pw.s.n));
    return ERR_OK;
}

static err_t run_tmpi(struct vector *v)
{
    struct key_ks ks = {{{0}, 0}};
    struct aka_rand rand;
    char out[100];
    struct writer w = WRITER_ARRAY(out);
    TRY(vectors_key(v, "ks", &ks.s));
    TRY(rand_of(v, &rand));
    TRY(keys_ks_tmpi(crypto_openssl(), &ks, &rand, vectors_value(v, "impi"), vectors_value(v, "bsf"), &w));
    vectors_put_text(v, "tmpi", writer_view_text(&w));
    return ERR_OK;
}

static err_t run_nonce(struct vector *v)
{
    struct aka_nonce n = {.data_n = 0}, back;
    char out[AKA_NONCE_TEXT_MAX];
    struct writer w = WRITER_ARRAY(out);
    TRY(vectors_fixed(v, "rand", n.rand, sizeof(n.rand)));
    TRY(vectors_fixed(v, "autn", n.autn, sizeof(n.autn)));
    TRY(aka_nonce_write(&n, &w));
    TRY(aka_nonce_parse(writer_view_text(&w), &back));
    assert_memory_equal(&back, &n, sizeof(n));
    vectors_put_text(v, "nonce", writer_view_text(&w));
    return ERR_OK;
}

static err_t run_digest(struct vector *v)
{
    const struct crypto *c = crypto_openssl();
    struct octets body;
    struct key_password pw = {{{0}, 0}};
    struct key_ha1 h_a1 = {{{0}, 0}};
    char response[KEYS_DIGEST_CAP];
    TRY(vectors_octets(v, "body-hex", &body));
    TRY(vectors_key(v, "password-hex", &pw.s));
    struct keys_digest d = {
        .hash = text_eq_z(vectors_value(v, "hash"), "sha256") ? CRYPTO_SHA256 : CRYPTO_MD5,
        .integrity = text_eq_z(vectors_value(v, "qop"), "auth-int"),
        .nonce = vectors_value(v, "nonce"),
        .nc = vectors_value(v, "nc"),
        .cnonce = vectors_value(v, "cnonce"),
        .uri = vectors_value(v, "uri"),
        .method = vectors_value(v, "method"),
        .body = bytes_of(body.b, body.n),
    };
    TRY(keys_digest_ha1(c, d.hash, vectors_value(v, "username"), vectors_value(v, "realm"), &pw, &h_a1));
    TRY(keys_digest_response(c, &d, &h_a1, response));
    TRY(keys_digest_check(c, &d, &h_a1, text_of(response)));
    vectors_put(v, "h_a1", secret_view(&h_a1.s));
    vectors_put_text(v, "response", text_of(response));
    response[0] ^= 1;
    assert_int_equal(keys_digest_check(c, &d, &h_a1, text_of(response)), ERR_DENIED_DIGEST);
    assert_int_equal(keys_digest_check(c, &d, &h_a1, text_empty()), ERR_DENIED_DIGEST);
    return ERR_OK;
}

static err_t run_akav2(struct vector *v)
{
    struct key_res res = {{{0}, 0}};
    struct key_ik ik = {{{0}, 0}};
    struct key_ck ck = {{{0}, 0}};
    struct key_password pw = {{{0}, 0}};
    TRY(vectors_key(v, "res", &res.s));
    TRY(vectors_key(v, "ik", &ik.s));
    TRY(vectors_key(v, "ck", &ck.s));
    TRY(keys_password_akav2(crypto_openssl(), &res, &ik, &ck, &pw));
    vectors_put_text(v, "password", text_span((const char *)pw.s.b, pw.s.n));
    return ERR_OK;
}

/* A card that has taken SQN_MS and is challenged with the same again. */
static err_t run_auts(struct vector *v)
{
    const struct crypto *c = crypto_openssl();
    struct aka_keys k;
    struct aka_rand rand;
    struct aka_card card;
    struct aka_output o = {0};
    struct aka_mac mac;
    struct aka_autn autn = {{0}};
    struct aka_answer answer;
    struct aka_f1_input in = {.rand = &rand};
    char text[32];
    struct writer w = WRITER_ARRAY(text);
    TRY(keys_of(v, &k));
    TRY(rand_of(v, &rand));
    TRY(sqn_of(v, &in.sqn));
    TRY(aka_card_init(&card, &k));
    aka_sqn_accept(&card.window, in.sqn);
    TRY(aka_f2345(c, &k, &rand, &o));
    TRY(aka_f1(c, &k, &in, &mac));
    aka_sqn_hide(in.sqn, &o.ak, autn.b);
    memcpy(autn.b + 8, mac.b, AKA_MAC_LEN);
    assert_int_equal(aka_card_authenticate(c, &card, &rand, &autn, &answer), ERR_SQN_RANGE);
    vectors_put(v, "auts", BYTES_ARRAY(answer.auts.b));
    TRY(aka_nonce_write_auts(answer.auts.b, &w));
    vectors_put_text(v, "auts_base64", writer_view_text(&w));
    return ERR_OK;
}

static err_t run_gba_digest(struct vector *v)
{
    const struct crypto *c = crypto_openssl();
    struct key_ha1 h_a1 = {{{0}, 0}};
    struct keys_export x = {.set = true};
    struct key_res resp = {{{0}, 0}};
    struct key_password pw = {{{0}, 0}};
    struct key_ks ks = {{{0}, 0}};
    TRY(vectors_key(v, "h_a1", &h_a1.s));
    TRY(vectors_key(v, "resp", &resp.s));
    TRY(vectors_fixed(v, "export", x.b, sizeof(x.b)));
    TRY(keys_gba_digest_password(c, &h_a1, &x, &pw));
    TRY(keys_gba_digest_ks(c, &h_a1, &x, &resp, &ks));
    vectors_put(v, "password", secret_view(&pw.s));
    vectors_put(v, "ks", secret_view(&ks.s));
    x.set = false;
    assert_int_equal(keys_gba_digest_ks(c, &h_a1, &x, &resp, &ks), ERR_STATE);
    assert_int_equal(keys_gba_digest_password(c, &h_a1, &x, &pw), ERR_STATE);
    return ERR_OK;
}

static err_t run_impi(struct vector *v)
{
    struct impi impi;
    char bsf[IMPI_MAX];
    TRY(impi_of_imsi(vectors_value(v, "imsi"), vectors_number(v, "mnc-digits", 0), &impi));
    TRY(impi_bsf(text_of(impi.z), bsf, sizeof(bsf)));
    vectors_put_text(v, "impi", text_of(impi.z));
    vectors_put_text(v, "bsf", text_of(bsf));
    return ERR_OK;
}

static const struct vectors_kind kinds[] = {
    {"functions", run_functions, 16}, {"ks", run_ks, 2},         {"b-tid", run_b_tid, 3},
    {"naf-id", run_naf_id, 6},        {"ks-naf", run_ks_naf, 9}, {"tmpi", run_tmpi, 1},
    {"nonce", run_nonce, 1},          {"digest", run_digest, 8}, {"akav2", run_akav2, 1},
    {"auts", run_auts, 1},            {"gba-digest", run_gba_digest, 1}, {"impi", run_impi, 3},
};

static void every_vector_of_the_file(void **state)
{
    (void)state;
    vectors_run("aka.txt", kinds, ARRAY_LEN(kinds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_vector_of_the_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
