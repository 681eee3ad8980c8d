/* Table keys of certificates: one identity has one, two identities have two, whatever way they are written. */
#include "role/cert_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEY_ID "sha-256;AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define DIGITS "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static void each_form_has_its_key(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        enum cert_id_flavour f;
        const char *key;
    } rows[] = {
        {"0.2.481.1.100.3030.10011", CERT_ID_DEVICE, "31-0.2.481.1.100.3030.10011"},
        {"31-0.2.481.1.100.3030.10011", CERT_ID_DEVICE, "31-0.2.481.1.100.3030.10011"},
        {"//SP.example.com/Sdev", CERT_ID_AE, "33-//sp.example.com/Sdev"},
        {"//sp.example.com/in/Cdev", CERT_ID_AE, "33-//sp.example.com/in/Cdev"},
        {"//sp.example.com/in", CERT_ID_CSE, "32-in.sp.example.com"},
        {"32-//sp.example.com/in", CERT_ID_CSE, "32-in.sp.example.com"},
        {"32-IN.sp.example.com", CERT_ID_CSE, "32-in.sp.example.com"},
        {"node17", CERT_ID_NODE, "34-node17"},
        {"Node17", CERT_ID_NODE, "34-node17"}, /* a host name by its form */
        {"node_17", CERT_ID_NODE, "34-node_17"},
        {"urn:m2m:node:node_17", CERT_ID_NODE, "34-node_17"},
        {"node.example.com", CERT_ID_NODE, "34-node.example.com"},
        {KEY_ID, CERT_ID_RAW, "30-sha-256." DIGITS},
        {"ni:///" KEY_ID, CERT_ID_RAW, "30-sha-256." DIGITS},
        {"30-sha-256." DIGITS, CERT_ID_RAW, "30-sha-256." DIGITS},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cert_key k;
        assert_int_equal(cert_key_parse(text_of(rows[i].id), &k), ERR_OK);
        assert_int_equal(k.flavour, rows[i].f);
        assert_string_equal(k.key.z, rows[i].key);
        assert_true(cert_key_is(text_of(k.key.z)));
        struct keyid folded;
        assert_int_equal(cert_key_fold(text_of(k.key.z), &folded), ERR_OK);
        assert_string_equal(folded.z, k.key.z);
    }
    struct keyid folded;
    assert_int_equal(cert_key_fold(text_of("33-Dev@MEF.example.com"), &folded), ERR_OK); /* '@': a key's identifier */
    assert_string_equal(folded.z, "33-dev@mef.example.com");
    assert_false(cert_key_is(text_of("33-dev@mef.example.com")));
}

static void what_is_no_identity_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "//", "//sp.example.com", "//sp.example.com/a/b", "dev@mef.example.com", "a b", "a/b",
        "//sp.example.com/x.y", "sha-256;short", "sha-256;" DIGITS "A", "sha-512;" DIGITS, "31-node", "31-1.2", "31-1.02.3",
        "31-1.2.3.", "33-//sp.example.com/in", "32-//sp.example.com/Sx", "34-1.2.3.4", "34-", "34-33-x", "33-", "urn:m2m:node:",
        "Sha-25681a-2", "*.example.com", "32-*.example.com",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct cert_key k;
        if (cert_key_parse(text_of(bad[i]), &k) != ERR_MALFORMED_ID) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

static bool proves(const struct role_cert *c, const char *key)
{
    struct cert_key_list l;
    cert_key_all(c, &l);
    for (size_t i = 0; i < l.n; i++) {
        if (strcmp(l.at[i].key.z, key) == 0) {
            return true;
        }
    }
    return false;
}

static void a_certificate_proves_its_names_and_no_others(void **state)
{
    (void)state;
    struct role_cert c = {.dns = {text_of("In.sp.example.com"), text_of("*.sp.example.com")}, .dns_n = 2, .uri_n = 4,
                          .device = {text_of("0.2.481.1.1.2.3")}, .device_n = 1, .key_id = text_of(KEY_ID)};
    c.uri[0] = text_of("m2m://sp.example.com/Sdev");
    c.uri[1] = text_of("urn:m2m:node:node_17");
    c.uri[2] = text_of("https://sp.example.com/Sother"); /* a host, no AE */
    c.uri[3] = text_of("m2m://sp.example.com/cse");      /* a CSE is named by a dNSName */
    assert_true(proves(&c, "33-//sp.example.com/Sdev"));
    assert_true(proves(&c, "32-in.sp.example.com"));
    assert_true(proves(&c, "34-node_17"));
    assert_true(proves(&c, "34-in.sp.example.com"));
    assert_true(proves(&c, "31-0.2.481.1.1.2.3"));
    struct cert_key_list l;
    cert_key_all(&c, &l);
    assert_int_equal(l.n, 5);
    assert_string_equal(l.at[0].key.z, "33-//sp.example.com/Sdev"); /* the narrowest first */
    c.raw = true; /* now nobody vouches for the names */
    cert_key_all(&c, &l);
    assert_int_equal(l.n, 3);
    assert_true(proves(&c, "30-sha-256." DIGITS));
    assert_true(proves(&c, "30-sha-256-128.AAECAwQFBgcICQoLDA0ODw"));
    assert_true(proves(&c, "30-sha-256-120.AAECAwQFBgcICQoLDA0O"));
    assert_false(proves(&c, "33-//sp.example.com/Sdev"));
}

static void credential_ids(void **state)
{
    (void)state;
    char id[ASSOCIATION_CREDENTIAL_MAX];
    assert_int_equal(cert_key_credential(CERT_ID_AE, text_of("//sp.example.com/S1"), id), ERR_OK);
    assert_string_equal(id, "33-//sp.example.com/S1");
    assert_int_equal(cert_key_type(CERT_ID_RAW), 30);
    assert_int_equal(cert_key_type(CERT_ID_NODE), 34);
    assert_int_equal(cert_key_flavour(32), CERT_ID_CSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_has_its_key),
        cmocka_unit_test(what_is_no_identity_is_refused),
        cmocka_unit_test(a_certificate_proves_its_names_and_no_others),
        cmocka_unit_test(credential_ids),
    };
    return cmocka_run_group_tests_name("cert_key", tests, NULL, NULL);
}
