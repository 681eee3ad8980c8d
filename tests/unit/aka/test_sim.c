/* A SIM in software as text, and the TLS that goes on in the card. */
#include "aka/aka_gba_u.h"
#include "aka/aka_sim_file.h"
#include "base/hex.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MARK AKA_SIM_FILE_MARK "\n"
#define IMPI_LINE "impi = made-up@example.com\n"
#define K16 "k = 465b5ce8b199b49faa5f0a2ee238a6bc\n"
#define OPC16 "opc = cd63cb71954a9f4e48a5994e37a02baf\n"
#define WHOLE MARK IMPI_LINE "kind = milenage\n" K16 OPC16

static err_t parse(const char *z, struct aka_sim_file *f, unsigned *line)
{
    return aka_sim_file_parse(crypto_openssl(), text_of(z), f, line);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    char room[AKA_SIM_FILE_MAX], again[AKA_SIM_FILE_MAX];
    struct writer w = WRITER_ARRAY(room), v = WRITER_ARRAY(again);
    struct aka_sim_file f, g;
    unsigned line = 0;
    assert_int_equal(parse(WHOLE "gba = u\n", &f, &line), ERR_OK);
    assert_int_equal(f.gba, AKA_SIM_U);
    aka_sqn_accept(&f.card.window, aka_sqn_make(77, 5));
    memset(f.card.rand.b, 0x52, sizeof(f.card.rand.b));
    assert_int_equal(secret_set(&f.card.ks.s, bytes_of((const uint8_t *)"0123456789abcdef0123456789abcdef", 32)), ERR_OK);
    assert_int_equal(aka_sim_file_write(&f, &w), ERR_OK);
    assert_int_equal(aka_sim_file_parse(crypto_openssl(), writer_view_text(&w), &g, &line), ERR_OK);
    assert_int_equal(aka_sim_file_write(&g, &v), ERR_OK);
    assert_true(text_eq(writer_view_text(&w), writer_view_text(&v)));
    assert_int_equal(aka_sqn_highest(&g.card.window), aka_sqn_make(77, 5));
    aka_sim_file_wipe(&f);
    assert_false(secret_is_set(&f.card.ks.s));
}

static void op_becomes_opc(void **state)
{
    (void)state;
    struct aka_sim_file f, g;
    unsigned line = 0;
    assert_int_equal(parse(WHOLE, &f, &line), ERR_OK);
    assert_int_equal(parse(MARK IMPI_LINE "kind = milenage\n" K16 "op = cdc202d5123e20f62b6d676ac72cb318\r\n", &g, &line), ERR_OK);
    assert_true(secret_eq(&f.card.keys.opc.s, &g.card.keys.opc.s));
    assert_int_equal(parse(MARK "# of TUAK\n\n" IMPI_LINE "kind = tuak\nk = abababababababababababababababab\n"
                           "op = 5555555555555555555555555555555555555555555555555555555555555555\n", &g, &line), ERR_OK);
}

static void what_is_no_sim_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        err_t e;
        unsigned line;
    } rows[] = {
        {"", ERR_SIM_FILE, 1},
        {"k = 00\n", ERR_SIM_FILE, 1},
        {WHOLE "nonsense\n", ERR_SIM_FILE, 6},
        {WHOLE "more = 1\n", ERR_SIM_FILE, 6},
        {WHOLE K16, ERR_SIM_FILE, 6},
        {WHOLE "gba = both\n", ERR_SIM_FILE, 6},
        {WHOLE "gba =\n", ERR_SIM_FILE, 6},
        {WHOLE "sqn = 1 2\n", ERR_SIM_FILE, 6},
        {WHOLE "sqn = x\n", ERR_SIM_FILE, 6},
        {WHOLE "op = cdc202d5123e20f62b6d676ac72cb318\n", ERR_SIM_FILE, 0},
        {WHOLE "ks = 00\n", ERR_SIM_FILE, 0},
        {WHOLE "gba = u\nks = 00\nrand = 23553cbe9637a89d218ae64dae47bf35\n", ERR_SIM_FILE, 0},
        {WHOLE "rand = 00\n", ERR_SIM_FILE, 6},
        {WHOLE "ks = 0000000000000000000000000000000000000000000000000000000000000000\nrand = 23553cbe9637a89d218ae64dae47bf35\n",
         ERR_SIM_FILE, 0}, /* gba = me: no Ks stays in this card */
        {MARK IMPI_LINE "kind = xor\n" K16 OPC16, ERR_SIM_FILE, 3},
        {MARK IMPI_LINE "kind = milenage\n" K16, ERR_SIM_FILE, 0},
        {MARK "kind = milenage\n" K16 OPC16, ERR_SIM_FILE, 0},
        {MARK IMPI_LINE "kind = milenage\nk = 00\n" OPC16, ERR_MALFORMED_KEY, 0},
        {MARK IMPI_LINE "kind = milenage\nk = 0\n", ERR_MALFORMED_HEX, 4},
        {MARK "impi = a b\n", ERR_SIM_FILE, 2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct aka_sim_file f;
        unsigned line = 0;
        assert_int_equal(parse(rows[i].z, &f, &line), rows[i].e);
        assert_int_equal(line, rows[i].line);
        assert_false(secret_is_set(&f.card.keys.k.s));
    }
}

/* Against the PRF of TLS 1.2 written once more, with OpenSSL's HMAC over the pre-master secret whole. */
static void master_by_hand(const struct secret *key, const char *label, struct bytes seed, uint8_t out[64])
{
    const struct crypto *c = crypto_openssl();
    uint8_t premaster[68] = {0}, k[32], a[32];
    premaster[1] = premaster[35] = 32;
    memcpy(premaster + 36, secret_view(key).p, 32);
    assert_int_equal(c->sha256(bytes_of(premaster, sizeof(premaster)), k), ERR_OK);
    const struct bytes first[] = {text_bytes(text_of(label)), seed};
    assert_int_equal(c->hmac_sha256(bytes_of(k, 32), first, 2, a), ERR_OK);
    for (int i = 0; i < 2; i++) {
        const struct bytes parts[] = {bytes_of(a, 32), first[0], first[1]};
        uint8_t next[32];
        assert_int_equal(c->hmac_sha256(bytes_of(k, 32), parts, 3, out + 32 * i), ERR_OK);
        assert_int_equal(c->hmac_sha256(bytes_of(k, 32), parts, 1, next), ERR_OK);
        memcpy(a, next, sizeof(a));
    }
}

/* R001-139, R001-143: Ks_int_NAF is used inside; outside are master secrets, and of nothing else than TLS. */
static void the_card_makes_master_secrets(void **state)
{
    (void)state;
    const struct crypto *c = crypto_openssl();
    struct aka_sim_file f;
    struct naf_id id, other;
    struct key_ks_ext_naf ext = {0};
    struct key_ks_int_naf in = {0};
    unsigned line = 0;
    uint8_t out[AKA_CARD_MASTER_LEN], want[64];
    static const char label[] = "extended master secret";
    const struct bytes seed = bytes_of((const uint8_t *)"made-up hash of a handshake", 27);
    const struct aka_card_prf prf = {text_bytes(text_of(label)), seed};
    assert_int_equal(parse(WHOLE "gba = secure-environment\n"
                           "ks = b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441\n"
                           "rand = 23553cbe9637a89d218ae64dae47bf35\n", &f, &line), ERR_OK);
    assert_int_equal(naf_id_of(text_of("in.example.com"), naf_id_ua_tls(0x00ae), &id), ERR_OK);
    assert_int_equal(naf_id_of(text_of("in.example.com"), naf_id_ua_tls(0xc0a8), &other), ERR_OK);
    assert_int_equal(aka_card_int_master(c, &f.card, &id, &prf, out), ERR_STATE); /* not derived */
    assert_int_equal(aka_card_derive(c, &f.card, text_of(f.impi.z), &id, &ext), ERR_OK);
    assert_int_equal(aka_card_int_master(c, &f.card, &other, &prf, out), ERR_STATE);
    assert_int_equal(aka_card_int_master(c, &f.card, &id, &prf, out), ERR_OK);
    const struct keys_ks_context x = {&f.card.rand, text_of(f.impi.z), &id};
    assert_int_equal(keys_ks_int_naf(c, &f.card.ks, &x, &in), ERR_OK);
    master_by_hand(&in.s, label, seed, want);
    assert_memory_equal(out, want, sizeof(out));
    const struct aka_card_prf oracle = {text_bytes(text_of("key expansion")), seed};
    assert_int_equal(aka_card_int_master(c, &f.card, &id, &oracle, out), ERR_DENIED_GBA_VARIANT);
    const struct aka_card_prf none = {bytes_empty(), seed};
    assert_int_equal(aka_card_int_master(c, &f.card, &id, &none, out), ERR_DENIED_GBA_VARIANT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(op_becomes_opc),
        cmocka_unit_test(what_is_no_sim_is_refused),
        cmocka_unit_test(the_card_makes_master_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
