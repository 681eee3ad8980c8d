/* Sealing: opens where it was written, and nowhere else. R001-88, R002-62: credentials are stored securely. */
#include "shell/crypto_openssl.h"
#include "store/seal_proof.h"
#include "store/store_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct sealed {
    uint8_t b[2 + SEAL_MAX];
    size_t n;
};

static void root_of(struct sealer *s, uint8_t octet)
{
    uint8_t root[CRYPTO_KEY_LEN];
    memset(root, octet, sizeof(root));
    *s = (struct sealer){.crypto = crypto_openssl()};
    assert_int_equal(secret_set(&s->root, BYTES_ARRAY(root)), ERR_OK);
}

static void secret_of(struct secret *s, size_t n)
{
    uint8_t b[SECRET_MAX];
    memset(b, 0xA5, sizeof(b));
    assert_int_equal(secret_set(s, bytes_of(b, n)), ERR_OK);
}

static struct bytes seal(const struct sealer *s, enum store_table t, const char *id, const struct secret *in,
                         struct sealed *out)
{
    struct writer w = WRITER_ARRAY(out->b);
    assert_int_equal(seal_write(s, t, text_of(id), in, &w), ERR_OK);
    out->n = w.n;
    assert_int_equal(out->n, 2 + SEAL_OVERHEAD + in->n);
    assert_int_equal(out->b[0] << 8 | out->b[1], out->n - 2);
    return bytes_of(out->b + 2, out->n - 2);
}

static void refuse(const struct sealer *s, enum store_table t, const char *id, struct bytes sealed)
{
    struct secret out;
    secret_of(&out, 16);
    assert_int_equal(seal_open(s, t, text_of(id), sealed, &out), ERR_CRYPTO_UNSEAL);
    assert_false(secret_is_set(&out)); /* nothing of an older value stays */
}

static void opens_where_it_was_written(void **state)
{
    (void)state;
    struct sealer s;
    root_of(&s, 1);
    for (size_t n = 0; n <= SECRET_MAX; n++) {
        struct secret in;
        struct secret out = {0};
        struct sealed box;
        secret_of(&in, n);
        struct bytes b = seal(&s, TABLE_MEF_KE, "keid@mef.example", &in, &box);
        assert_int_equal(seal_open(&s, TABLE_MEF_KE, text_of("keid@mef.example"), b, &out), ERR_OK);
        assert_true(secret_eq(&in, &out));
    }
}

static void two_seals_of_one_secret_differ(void **state)
{
    (void)state;
    struct sealer s;
    struct secret in;
    struct sealed a;
    struct sealed b;
    root_of(&s, 1);
    secret_of(&in, 32);
    assert_false(bytes_eq(seal(&s, TABLE_MEF_KE, "id", &in, &a), seal(&s, TABLE_MEF_KE, "id", &in, &b)));
}

static void refuses_another_place_or_root(void **state)
{
    (void)state;
    struct sealer s;
    struct sealer other;
    struct secret in;
    struct sealed box;
    root_of(&s, 1);
    root_of(&other, 2);
    secret_of(&in, 32);
    struct bytes b = seal(&s, TABLE_MEF_KE, "id", &in, &box);
    refuse(&s, TABLE_MAF_KM, "id", b);
    refuse(&s, TABLE_MEF_KE, "ie", b);
    refuse(&s, TABLE_MEF_KE, "id ", b);
    refuse(&s, TABLE_MEF_KE, "", b);
    refuse(&other, TABLE_MEF_KE, "id", b);
}

static void refuses_each_flipped_bit_and_each_cut(void **state)
{
    (void)state;
    struct sealer s;
    struct secret in;
    struct sealed box;
    root_of(&s, 1);
    secret_of(&in, 32);
    struct bytes b = seal(&s, TABLE_MEF_KE, "id", &in, &box);
    for (size_t bit = 0; bit < b.n * 8; bit++) {
        box.b[2 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        refuse(&s, TABLE_MEF_KE, "id", b);
        box.b[2 + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < b.n; n++) {
        refuse(&s, TABLE_MEF_KE, "id", bytes_of(b.p, n));
    }
    uint8_t longer[SEAL_MAX + 1] = {1};
    refuse(&s, TABLE_MEF_KE, "id", BYTES_ARRAY(longer));
    struct secret out = {0};
    assert_int_equal(seal_open(&s, TABLE_MEF_KE, text_of("id"), b, &out), ERR_OK); /* as it was */
}

static void refuses_a_wrong_root_and_a_full_buffer(void **state)
{
    (void)state;
    struct sealer s;
    struct secret in;
    struct secret out;
    uint8_t small[2 + SEAL_OVERHEAD + 31];
    root_of(&s, 1);
    secret_of(&in, 32);
    struct writer w = WRITER_ARRAY(small);
    assert_int_not_equal(seal_write(&s, TABLE_MEF_KE, text_of("id"), &in, &w), ERR_OK);
    seal_wipe(&s);
    assert_false(secret_is_set(&s.root));
    uint8_t room[256];
    w = WRITER_ARRAY(room);
    assert_int_equal(seal_write(&s, TABLE_MEF_KE, text_of("id"), &in, &w), ERR_BUG);
    assert_int_equal(seal_open(&s, TABLE_MEF_KE, text_of("id"), bytes_empty(), &out), ERR_BUG);
}

static err_t proof(const struct sealer *s, struct store *st)
{
    uint8_t room[4096];
    struct arena a = arena_of(room, sizeof(room));
    assert_int_equal(store_begin(st, true), ERR_OK);
    err_t e = seal_proof_check(s, st, &a);
    assert_int_equal(store_commit(st), ERR_OK);
    return e;
}

/* R002-62: a store is not opened for service under another root secret. */
static void a_store_refuses_another_root_secret(void **state)
{
    (void)state;
    struct sealer right;
    struct sealer wrong;
    struct store *st = NULL;
    root_of(&right, 1);
    root_of(&wrong, 2);
    assert_int_equal(store_memory_open(&st), ERR_OK);
    assert_int_equal(proof(&right, st), ERR_OK); /* makes it */
    assert_int_equal(proof(&right, st), ERR_OK);
    assert_int_equal(proof(&wrong, st), ERR_CRYPTO_UNSEAL);
    assert_int_equal(proof(&right, st), ERR_OK);
    assert_int_equal(store_begin(st, true), ERR_OK);
    static const uint8_t bad[] = {0, 3, 1, 2, 3};
    assert_int_equal(store_put(st, TABLE_META, text_bytes(text_of("root-secret")), BYTES_ARRAY(bad), STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(store_commit(st), ERR_OK);
    assert_int_equal(proof(&right, st), ERR_CRYPTO_UNSEAL);
    store_close(st);
}

static void macs_are_of_one_root_and_one_label(void **state)
{
    (void)state;
    struct sealer a;
    struct sealer b;
    struct sealer none = {.crypto = crypto_openssl()};
    uint8_t one[CRYPTO_HASH_LEN];
    uint8_t two[CRYPTO_HASH_LEN];
    root_of(&a, 1);
    root_of(&b, 2);
    assert_int_equal(seal_mac(&a, "label", text_of("data"), one), ERR_OK);
    assert_int_equal(seal_mac(&a, "label", text_of("data"), two), ERR_OK);
    assert_memory_equal(one, two, sizeof(one));
    const struct {
        const struct sealer *s;
        const char *label, *data;
    } others[] = {{&b, "label", "data"}, {&a, "labe", "ldata"}, {&a, "labeld", "ata"}, {&a, "label", "Data"}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_int_equal(seal_mac(others[i].s, others[i].label, text_of(others[i].data), two), ERR_OK);
        assert_memory_not_equal(one, two, sizeof(one));
    }
    assert_int_equal(seal_mac(&none, "label", text_of("data"), two), ERR_BUG);
}

/* What is sealed for one instance of a role opens for no other one, under the same root and id. */
static void refuses_another_partition(void **state)
{
    (void)state;
    static const char *const names[] = {"", "mef-b.example", "mef-c.example"};
    uint8_t macs[ARRAY_LEN(names)][CRYPTO_HASH_LEN];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct sealer mine;
        struct secret in;
        struct secret out = {0};
        struct sealed box;
        root_of(&mine, 1);
        mine.partition = text_of(names[i]);
        secret_of(&in, 32);
        struct bytes b = seal(&mine, TABLE_MEF_KE, "id", &in, &box);
        assert_int_equal(seal_open(&mine, TABLE_MEF_KE, text_of("id"), b, &out), ERR_OK);
        for (size_t j = 0; j < ARRAY_LEN(names); j++) {
            struct sealer other = mine;
            other.partition = text_of(names[j]);
            if (i != j) {
                refuse(&other, TABLE_MEF_KE, "id", b);
            }
        }
        assert_int_equal(seal_mac(&mine, "label", text_of("data"), macs[i]), ERR_OK);
        assert_true(i == 0 || memcmp(macs[i], macs[i - 1], CRYPTO_HASH_LEN) != 0);
    }
}

/* What one has sealed the other opens; and a context that has just refused is as good as before. */
static void a_kept_root_opens_and_refuses_the_same(void **state)
{
    (void)state;
    struct sealer fresh, kept;
    struct sealed box, again;
    struct secret in, out = {0};
    root_of(&fresh, 1);
    root_of(&kept, 1);
    assert_int_equal(seal_keep(&kept), ERR_OK);
    for (size_t n = 0; n <= SECRET_MAX; n++) {
        secret_of(&in, n);
        struct bytes b = seal(&kept, TABLE_MEF_KE, "id", &in, &box);
        struct bytes a = seal(&fresh, TABLE_MEF_KE, "id", &in, &again);
        refuse(&kept, TABLE_MEF_KE, "ie", a);
        refuse(&kept, TABLE_MAF_KM, "id", b);
        box.b[2 + b.n - 1] ^= 1;
        refuse(&kept, TABLE_MEF_KE, "id", b);
        box.b[2 + b.n - 1] ^= 1;
        assert_int_equal(seal_open(&kept, TABLE_MEF_KE, text_of("id"), a, &out), ERR_OK);
        assert_true(secret_eq(&in, &out));
        assert_int_equal(seal_open(&fresh, TABLE_MEF_KE, text_of("id"), b, &out), ERR_OK);
        assert_true(secret_eq(&in, &out));
        assert_false(bytes_eq(seal(&kept, TABLE_MEF_KE, "id", &in, &again), b)); /* a nonce of its own */
    }
    seal_drop(&kept);
    assert_null(kept.kept);
    seal_drop(&kept);
    seal_wipe(&kept);
    assert_int_equal(seal_keep(&kept), ERR_BUG); /* there is no root any more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_where_it_was_written),
        cmocka_unit_test(two_seals_of_one_secret_differ),
        cmocka_unit_test(refuses_another_place_or_root),
        cmocka_unit_test(refuses_each_flipped_bit_and_each_cut),
        cmocka_unit_test(refuses_a_wrong_root_and_a_full_buffer),
        cmocka_unit_test(a_store_refuses_another_root_secret),
        cmocka_unit_test(macs_are_of_one_root_and_one_label),
        cmocka_unit_test(refuses_another_partition),
        cmocka_unit_test(a_kept_root_opens_and_refuses_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
