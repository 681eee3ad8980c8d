/* What certificates of each flavour name, and what they do not [TS-0003 8.1.2.5, 10.1.2]. */
#include "role/cert_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct role_cert cert_of(const char *dns, const char *uri, const char *device)
{
    struct role_cert c = {.key_id = text_of("sha-256;AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")};
    c.dns[0] = text_of(dns);
    c.dns_n = dns != NULL;
    c.uri[0] = text_of(uri);
    c.uri_n = uri != NULL;
    c.device[0] = text_of(device);
    c.device_n = device != NULL;
    return c;
}

static void each_flavour_matches_exactly(void **state)
{
    (void)state;
    static const struct {
        enum cert_id_flavour f;
        const char *dns, *uri, *device, *id;
        bool same;
    } rows[] = {
        {CERT_ID_DEVICE, NULL, NULL, "0.2.481.1.100.3030.10011", "0.2.481.1.100.3030.10011", true},
        {CERT_ID_DEVICE, NULL, NULL, "0.2.481.1.100.3030.10011", "0.2.481.1.100.3030.1001", false},
        {CERT_ID_DEVICE, "0.2.481.1.1.1.1", NULL, NULL, "0.2.481.1.1.1.1", false},
        {CERT_ID_CSE, "IN.sp.test", NULL, NULL, "//sp.test/in", true},
        {CERT_ID_CSE, "in.sp.test", NULL, NULL, "in.sp.test", true},
        {CERT_ID_CSE, "in.sp.test", NULL, NULL, "//sp.test/mn", false},
        {CERT_ID_CSE, "*.sp.test", NULL, NULL, "//sp.test/in", false},
        {CERT_ID_CSE, "s1.sp.test", NULL, NULL, "//sp.test/S1", false}, /* a dNSName never names an AE */
        {CERT_ID_AE, NULL, "m2m://sp.test/S1", NULL, "//sp.test/S1", true},
        {CERT_ID_AE, NULL, "//sp.test/S1", NULL, "//sp.test/S1", true},
        {CERT_ID_AE, NULL, "m2m://sp.test/S1", NULL, "//sp.test/s1", false},
        {CERT_ID_AE, NULL, "m2m://SP.test/S1", NULL, "//sp.test/S1", false}, /* CHOICE-41: octet by octet */
        {CERT_ID_AE, NULL, "m2m://sp.test/S1", NULL, "//sp.test/S12", false},
        {CERT_ID_AE, NULL, "https://sp.test/S1", NULL, "//sp.test/S1", false},
        {CERT_ID_AE, "sp.test", NULL, NULL, "//sp.test/S1", false},
        {CERT_ID_NODE, NULL, "urn:m2m:node:n-17", NULL, "n-17", true},
        {CERT_ID_NODE, "n17.sp.test", NULL, NULL, "N17.sp.test", true},
        {CERT_ID_NODE, NULL, "urn:m2m:node:n-17", NULL, "N-17", false},
        {CERT_ID_NODE, NULL, "urn:m2m:node:", NULL, "", false},
        {CERT_ID_FQDN, "mef.sp.test", NULL, NULL, "MEF.sp.test", true},
        {CERT_ID_FQDN, NULL, "https://mef.sp.test:8443/x", NULL, "mef.sp.test", true},
        {CERT_ID_FQDN, NULL, "mef.sp.test", NULL, "mef.sp.test", true},
        {CERT_ID_FQDN, NULL, "https://me@mef.sp.test/", NULL, "mef.sp.test", false},
        {CERT_ID_FQDN, NULL, "m2m://mef.sp.test/S1", NULL, "mef.sp.test", false},
        {CERT_ID_FQDN, "*.sp.test", NULL, NULL, "mef.sp.test", false},
        {CERT_ID_FQDN, "*.sp.test", NULL, NULL, "*.sp.test", false},
        {CERT_ID_FQDN, "mef.sp.test", NULL, NULL, "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct role_cert c = cert_of(rows[i].dns, rows[i].uri, rows[i].device);
        err_t e = cert_id_check(&c, rows[i].f, text_of(rows[i].id));
        if (e != (rows[i].same ? ERR_OK : ERR_DENIED_CERT_NAME)) {
            fail_msg("row %zu: %s", i, err_code(e));
        }
        c.raw = true; /* nobody vouches for the names of a raw key */
        assert_int_equal(cert_id_check(&c, rows[i].f, text_of(rows[i].id)), ERR_DENIED_CERT_NAME);
    }
}

static void public_key_identifiers_may_be_truncated(void **state)
{
    (void)state;
    uint8_t digest[CRYPTO_HASH_LEN];
    for (size_t i = 0; i < sizeof(digest); i++) {
        digest[i] = (uint8_t)i;
    }
    struct role_cert c = cert_of(NULL, NULL, NULL);
    c.raw = true;
    static const unsigned bits[] = {120, 128, 256};
    for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
        char z[80];
        struct writer w = WRITER_ARRAY(z);
        cert_id_key_write(&w, digest, bits[i]);
        assert_int_equal(writer_finish_z(&w), ERR_OK);
        assert_int_equal(cert_id_key_check(text_of(z)), ERR_OK);
        assert_int_equal(cert_id_check(&c, CERT_ID_RAW, text_of(z)), ERR_OK);
        z[w.n - 3] = z[w.n - 3] == 'x' ? 'y' : 'x'; /* another key */
        assert_int_equal(cert_id_check(&c, CERT_ID_RAW, text_of(z)), ERR_DENIED_CERT_NAME);
    }
    assert_true(cert_id_key_same(text_of("ni:///sha-256-128;AAECAwQFBgcICQoLDA0ODw"), c.key_id));
    /* what a stranger shows is never truncated */
    assert_false(cert_id_key_same(c.key_id, text_of("sha-256-128;AAECAwQFBgcICQoLDA0ODw")));
    static const char *const bad[] = {"", "sha-256", "sha-256;", "sha-256-128;AAECAwQFBgcICQoLDA0ODxA",
                                      "sha-256-64;AAECAwQFBgc", "sha-256-128;AAECAwQFBgcICQoLDA0ODw==",
                                      "md5;AAECAwQFBgcICQoLDA0ODw", "sha-256-128;AAECAwQFBgcICQoLDA0OD!"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(cert_id_key_check(text_of(bad[i])), ERR_MALFORMED_KEY_ID);
        assert_false(cert_id_key_same(text_of(bad[i]), c.key_id));
    }
}

static void written(enum cert_id_flavour f, const char *id, const char *value, bool dns)
{
    char z[200];
    struct writer w = WRITER_ARRAY(z);
    bool is_dns = false;
    err_t e = cert_id_write(f, text_of(id), &w, &is_dns);
    if (value == NULL) {
        assert_int_equal(e, ERR_MALFORMED_ID);
        return;
    }
    assert_int_equal(e, ERR_OK);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_string_equal(z, value);
    assert_int_equal(is_dns, dns);
    struct role_cert c = cert_of(dns ? z : NULL, dns ? NULL : z, NULL);
    assert_int_equal(cert_id_check(&c, f, text_of(id)), ERR_OK);
}

static void what_is_issued_is_what_is_matched(void **state)
{
    (void)state;
    written(CERT_ID_CSE, "//sp.test/In", "in.sp.test", true);
    written(CERT_ID_AE, "//sp.test/S1", "m2m://sp.test/S1", false);
    written(CERT_ID_AE, "//sp.test/in/C1", "m2m://sp.test/in/C1", false);
    written(CERT_ID_NODE, "n-17", "urn:m2m:node:n-17", false);
    written(CERT_ID_NODE, "n.sp.test", "n.sp.test", true);
    written(CERT_ID_FQDN, "mef.sp.test", "mef.sp.test", true);
    written(CERT_ID_CSE, "//sp.test/S1", NULL, false);
    written(CERT_ID_CSE, "*.sp.test", NULL, false);
    written(CERT_ID_AE, "/S1", NULL, false);
    written(CERT_ID_AE, "//sp.test/in", NULL, false);
    written(CERT_ID_NODE, "a b", NULL, false);
    written(CERT_ID_FQDN, "*.sp.test", NULL, false);
    written(CERT_ID_RAW, "x", NULL, false);
    for (int f = 0; f < CERT_ID_FLAVOURS; f++) {
        enum cert_id_flavour back;
        assert_int_equal(cert_id_of_name(text_of(cert_id_name((enum cert_id_flavour)f)), &back), ERR_OK);
        assert_int_equal(back, f);
    }
    enum cert_id_flavour none;
    assert_int_equal(cert_id_of_name(text_of("fqd"), &none), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_flavour_matches_exactly),
        cmocka_unit_test(public_key_identifiers_may_be_truncated),
        cmocka_unit_test(what_is_issued_is_what_is_matched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
