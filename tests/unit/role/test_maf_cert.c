/* Clients of the MAF that show a certificate [CHOICE-42]: registration, keys, permissions and refusals, each flavour. */
#include "authority.h"

#include "role/maf/maf.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OID "0.2.481.1.100.3030.10011"
#define KEY_ID "sha-256;AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static int setup(void **state)
{
    *state = authority_new(&role_maf, "maf.example.com", "[maf]\nfqdn = maf.example.com\nkc-lifetime = 12h\n");
    return 0;
}

static err_t come(struct authority *f, enum world_name kind, const char *name)
{
    struct role_cert c = world_cert(&f->w, kind, name);
    return world_connect_names(&f->w, f->n, &c, &f->s);
}

static const struct {
    enum world_name kind;
    const char *name, *from, *client;
} flavours[] = {
    {WORLD_URI, "m2m://sp.example.com/Sdev1", "//sp.example.com/Sdev1", "//sp.example.com/Sdev1"},
    {WORLD_DNS, "mn1.sp.example.com", "//sp.example.com/mn1", "//sp.example.com/mn1"},
    {WORLD_DNS, "mn2.sp.example.com", "mn2.sp.example.com", "mn2.sp.example.com"},
    {WORLD_DEVICE, OID, NULL, "31-" OID},
    {WORLD_URI, "urn:m2m:node:Node_17", NULL, "34-Node_17"},
};

/* R000-44: whoever has Km or a certificate is a client; without Km the certificate is what registrations stand on. */
static void each_flavour_registers_and_gets_a_key(void **state)
{
    struct authority *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(flavours); i++) {
        char got[300];
        assert_int_equal(come(f, flavours[i].kind, flavours[i].name), ERR_OK);
        assert_int_equal(f->s.assoc.peer, PEER_CLIENT);
        authority_register(f, flavours[i].from);
        authority_member(f, "m2m:macr", "cr", got, sizeof(got));
        assert_string_equal(got, flavours[i].client);
        assert_null(strstr(f->r.body, "aski")); /* no Km, so no KmId */
        assert_int_equal(authority_request(f, OP_CREATE, 60003, f->ri, flavours[i].from, SKR), ERR_DENIED_CLIENT); /* not yet */
        authority_allow(f, flavours[i].client);
        assert_int_equal(authority_request(f, OP_CREATE, 60003, f->ri, flavours[i].from, SKR), ERR_OK);
        authority_member(f, "m2m:skr", "rn", f->path, sizeof(f->path));
        /* the target gets it, and learns whose it is */
        char path[100];
        snprintf(path, sizeof(path), "/-/%s", f->path);
        assert_int_equal(come(f, WORLD_DNS, "in.sp.example.com"), ERR_OK);
        assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "//sp.example.com/in", NULL), ERR_OK);
        authority_member(f, "m2m:skr", "cr", got, sizeof(got));
        assert_string_equal(got, flavours[i].client);
        assert_null(strstr(f->r.body, "aski"));
    }
    assert_int_equal(world_audited(f->n, AUDIT_MAF_KEY_REGISTERED), ARRAY_LEN(flavours));
    assert_int_equal(world_audited(f->n, AUDIT_MAF_KEY_RETRIEVED), ARRAY_LEN(flavours));
}

static void from_is_what_the_certificate_says(void **state)
{
    struct authority *f = *state;
    assert_int_equal(come(f, WORLD_URI, "m2m://sp.example.com/Sdev1"), ERR_OK);
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", "//sp.example.com/Sdev2", MACR), ERR_DENIED_FROM);
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", NULL, MACR), ERR_MALFORMED_FROM);
    assert_int_equal(come(f, WORLD_DEVICE, OID), ERR_OK);
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", "//sp.example.com/Sdev1", MACR), ERR_DENIED_FROM);
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", "31-" OID, MACR), ERR_DENIED_FROM); /* a Credential-ID is no From */
    assert_int_equal(world_count(f->n, TABLE_MAF_CLIENT), 0);
}

static void who_is_refused(void **state)
{
    struct authority *f = *state;
    assert_int_equal(come(f, WORLD_RAW, KEY_ID), ERR_DENIED_CERT_RAW); /* no table of pinned keys here [CHOICE-42] */
    assert_int_equal(come(f, WORLD_DNS, "*.sp.example.com"), ERR_DENIED_CERT_NAME);
    assert_int_equal(come(f, WORLD_URI, "m2m://sp.example.com/mn1"), ERR_DENIED_CERT_NAME); /* a CSE-ID is no URI */
    struct role_cert c = world_cert(&f->w, WORLD_DNS, "in.sp.example.com");
    c.raw = true;
    assert_int_equal(world_connect_names(&f->w, f->n, &c, &f->s), ERR_DENIED_CERT_RAW);
    c = world_cert(&f->w, WORLD_DEVICE, OID);
    c.not_after = T0;
    assert_int_equal(world_connect_names(&f->w, f->n, &c, &f->s), ERR_DENIED_CERT_EXPIRED);
}

/* Permissions of one device are not those of another, whatever case its name has. */
static void permissions_are_of_one_holder(void **state)
{
    struct authority *f = *state;
    authority_allow(f, "34-Node_17");
    assert_int_equal(come(f, WORLD_URI, "urn:m2m:node:node_17"), ERR_OK);
    authority_register(f, NULL);
    assert_int_equal(authority_request(f, OP_CREATE, 60003, f->ri, NULL, SKR), ERR_DENIED_CLIENT);
    char node_ri[64];
    memcpy(node_ri, f->ri, sizeof(node_ri));
    assert_int_equal(come(f, WORLD_URI, "urn:m2m:node:Node_17"), ERR_OK);
    assert_int_equal(authority_request(f, OP_CREATE, 60003, node_ri, NULL, SKR), ERR_DENIED_CLIENT); /* not its registration */
    authority_register(f, NULL);
    assert_int_equal(authority_request(f, OP_CREATE, 60003, f->ri, NULL, SKR), ERR_OK);
}

/* What stands on a certificate ends with it. */
static void keys_end_with_the_certificate(void **state)
{
    struct authority *f = *state;
    authority_allow(f, "31-" OID);
    struct role_cert c = world_cert(&f->w, WORLD_DEVICE, OID);
    c.not_after = T0 + 2 * HOUR;
    assert_int_equal(world_connect_names(&f->w, f->n, &c, &f->s), ERR_OK);
    authority_register(f, NULL);
    char et[32];
    authority_member(f, "m2m:macr", "et", et, sizeof(et));
    assert_string_equal(et, "20231115T001319"); /* less than two hours: R002-85 */
    assert_int_equal(authority_request(f, OP_CREATE, 60003, f->ri, NULL, SKR), ERR_OK);
    authority_member(f, "m2m:skr", "et", et, sizeof(et));
    assert_string_equal(et, "20231115T001319");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_flavour_registers_and_gets_a_key, setup, authority_teardown),
        cmocka_unit_test_setup_teardown(from_is_what_the_certificate_says, setup, authority_teardown),
        cmocka_unit_test_setup_teardown(who_is_refused, setup, authority_teardown),
        cmocka_unit_test_setup_teardown(permissions_are_of_one_holder, setup, authority_teardown),
        cmocka_unit_test_setup_teardown(keys_end_with_the_certificate, setup, authority_teardown),
    };
    return cmocka_run_group_tests_name("maf-cert", tests, NULL, NULL);
}
