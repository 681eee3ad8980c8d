/* Keys of clients of a MAF, and who may: by export, by value, retrieval, lifetimes, permissions, and each refusal. */
#include "authority.h"

#include "base/base64.h"
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SKR_OF(members) "{\"m2m:skr\":{" members "}}"

static err_t register_key(struct authority *f, const char *body)
{
    return authority_request(f, OP_CREATE, 60003, f->ri, NULL, body);
}

/* -- keys ------------------------------------------------------------------------------------------------- */
static void expect_kv(struct authority *f, const uint8_t *want)
{
    char text[128];
    uint8_t b[64];
    struct writer w = WRITER_ARRAY(b);
    authority_member(f, "m2m:skr", "kv", text, sizeof(text));
    assert_int_equal(base64_parse(text_of(text), &w), ERR_OK);
    assert_int_equal(w.n, 32);
    assert_memory_equal(b, want, 32);
}

static void test_key_by_export(void **state)
{
    struct authority *f = *state;
    struct key_kc kc;
    struct keys_relative rel;
    char path[128] = "/-/";
    char rn[64];
    authority_ready(f);
    assert_int_equal(keys_kc_split(&f->s.exported, &kc, &rel), ERR_OK);
    assert_int_equal(register_key(f, SKR), ERR_OK); /* R001-59 */
    assert_int_equal(f->r.rsc, 2001);
    assert_null(strstr(f->r.body, "kv"));
    assert_non_null(strstr(f->r.body, "\"tgis\":[\"//sp.example.com/in\"]"));
    authority_member(f, "m2m:skr", "rn", rn, sizeof(rn));
    struct writer hex = WRITER_ARRAY(path);
    writer_z(&hex, "/-/");
    hex_write_upper(&hex, BYTES_ARRAY(rel.b));
    assert_int_equal(writer_finish_z(&hex), ERR_OK);
    assert_string_equal(rn, path + 3);
    assert_string_equal(f->r.location, path);
    assert_int_equal(world_audited(f->n, AUDIT_MAF_KEY_REGISTERED), 1);
    assert_int_equal(register_key(f, SKR), ERR_EXPORT_USED); /* CHOICE-10 */
    assert_int_equal(f->r.rsc, 4105);
    /* a Source never reads it back */
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, NULL, NULL), ERR_DENIED_TARGET);
    /* the target does, and learns whose it is */
    assert_int_equal(world_connect_cert(&f->w, f->n, "in.sp.example.com", &f->s), ERR_OK);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "//sp.example.com/in", NULL), ERR_OK);
    assert_int_equal(f->r.rsc, 2000);
    expect_kv(f, kc.s.b);
    char text[128];
    authority_member(f, "m2m:skr", "cr", text, sizeof(text));
    assert_string_equal(text, "//sp.example.com/Sdev1");
    authority_member(f, "m2m:skr", "aski", text, sizeof(text));
    assert_string_equal(text, "dev1@maf.example.com");
    authority_member(f, "m2m:skr", "et", text, sizeof(text));
    assert_string_equal(text, "20231115T101320"); /* 12 h */
    assert_int_equal(world_audited(f->n, AUDIT_MAF_KEY_RETRIEVED), 1);
    for (char *c = path; *c != '\0'; c++) {
        *c = text_lower(*c);
    }
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "in.sp.example.com", NULL), ERR_OK);
    f->w.now += 12 * HOUR;
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "in.sp.example.com", NULL), ERR_DENIED_EXPIRED); /* 4004 */
    assert_int_equal(f->r.rsc, 4004);
}

static void test_key_by_value(void **state)
{
    struct authority *f = *state;
    char path[128] = "/-/";
    authority_ready(f);
#define BY_VALUE SKR_OF("\"adfq\":\"sp.example.com\",\"suid\":32,\"tgis\":[\"//sp.example.com/in\"],\"kv\":\"" K42 "\",\"lbl\":[\"x\"]")
    assert_int_equal(register_key(f, BY_VALUE), ERR_OK);
    assert_null(strstr(f->r.body, K42));
    assert_int_equal(register_key(f, BY_VALUE), ERR_OK); /* needs no export, gets another name */
    authority_member(f, "m2m:skr", "rn", path + 3, sizeof(path) - 3);
    assert_int_equal(world_count(f->n, TABLE_MAF_KEY), 2);
    assert_int_equal(world_connect_cert(&f->w, f->n, "in.sp.example.com", &f->s), ERR_OK);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "//sp.example.com/in", NULL), ERR_OK);
    expect_kv(f, f->other.b);
}

static void test_key_refused(void **state)
{
    struct authority *f = *state;
#define COMMON "\"adfq\":\"sp.example.com\","
#define IN "\"//sp.example.com/in\""
    static const struct {
        const char *body;
        err_t want;
    } cases[] = {
        {NULL, ERR_MISSING},
        {SKR_OF("\"suid\":32,\"tgis\":[" IN "]"), ERR_MISSING},
        {SKR_OF(COMMON "\"tgis\":[" IN "]"), ERR_MISSING},
        {SKR_OF(COMMON "\"suid\":32"), ERR_CONTENTS},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[]"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":" IN), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN "," IN "]"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN ",\"//sp.example.com/in2\"]"), ERR_CONTENTS},
        {SKR_OF(COMMON "\"suid\":33,\"tgis\":[" IN ",\"//sp.example.com/in2\"]"), ERR_CONTENTS},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[\"/in\"]"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[\"in.sp.example.com\"]"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[\"//sp.example.com/Sdev1\"]"), ERR_CONTENTS}, /* itself */
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[\"//sp.example.com/in9\"]"), ERR_DENIED_CLIENT},
        {SKR_OF(COMMON "\"suid\":31,\"tgis\":[" IN "]"), ERR_MALFORMED_SUID},
        {SKR_OF(COMMON "\"suid\":21,\"tgis\":[" IN "]"), ERR_MALFORMED_SUID},
        {SKR_OF(COMMON "\"suid\":-1,\"tgis\":[" IN "]"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":\"32\",\"tgis\":[" IN "]"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF("\"adfq\":\"two.example.com\",\"suid\":32,\"tgis\":[" IN "]"), ERR_CONTENTS},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN "],\"kv\":\"QkI=\""), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN "],\"kv\":5"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN "],\"rn\":\"AA\""), ERR_CONTENTS},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN "],\"et\":\"20200101T000000\""), ERR_CONTENTS},
    };
    authority_ready(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(register_key(f, cases[i].body), cases[i].want);
    }
    assert_int_equal(authority_request(f, OP_CREATE, 60003, "/macr00", NULL, SKR), ERR_NOT_FOUND);
    assert_int_equal(authority_request(f, OP_CREATE, 60003, "/-", NULL, SKR), ERR_NOT_FOUND);
    assert_int_equal(world_count(f->n, TABLE_MAF_KEY), 0);
    assert_int_equal(register_key(f, SKR), ERR_OK); /* refusals did not use up the export */
}

static void test_key_of_another(void **state)
{
    struct authority *f = *state;
    struct secret other;
    authority_ready(f);
    world_secret("b0b1b2b3b4b5b6b7b8b9babbbcbdbebf", &other);
    assert_int_equal(authority_ctl(f, "credential", "add",
                         "{\"kind\":\"km\",\"id\":\"dev2@maf.example.com\",\"enrolee-id\":\"//sp.example.com/Sdev2\",\"key\":\"b0b1b2b3b4b5b6b7b8b9babbbcbdbebf\"}"),
                     ERR_OK);
    authority_allow(f, "//sp.example.com/Sdev2");
    assert_int_equal(authority_connect(f, "dev2@maf.example.com", &other), ERR_OK);
    assert_int_equal(register_key(f, SKR), ERR_DENIED_CLIENT);
    assert_int_equal(world_audited(f->n, AUDIT_REFUSED), 1);
}

static void test_key_id_taken(void **state)
{
    struct authority *f = *state;
    struct keys_export x;
    authority_ready(f);
    x = f->s.exported;
    assert_int_equal(register_key(f, SKR), ERR_OK);
    f->w.next_export = &x;
    assert_int_equal(authority_connect(f, "dev1@maf.example.com", &f->key), ERR_OK);
    assert_int_equal(register_key(f, SKR), ERR_KEY_ID_TAKEN); /* CHOICE-25 */
    assert_int_equal(f->r.rsc, 4105);
}

static void test_retrieval_refused(void **state)
{
    struct authority *f = *state;
    char path[128] = "/-/";
    authority_ready(f);
    assert_int_equal(register_key(f, SKR), ERR_OK);
    authority_member(f, "m2m:skr", "rn", path + 3, sizeof(path) - 3);
    size_t before = world_audited(f->n, AUDIT_REFUSED);
    assert_int_equal(world_connect_cert(&f->w, f->n, "in2.sp.example.com", &f->s), ERR_OK);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "//sp.example.com/in2", NULL), ERR_DENIED_TARGET); /* 4103 */
    assert_int_equal(f->r.rsc, 4103);
    assert_null(strstr(f->r.body, "kv"));
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "//sp.example.com/in", NULL), ERR_DENIED_FROM);
    assert_int_equal(world_audited(f->n, AUDIT_REFUSED), before + 2);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, NULL, NULL), ERR_MALFORMED_FROM);
    assert_int_equal(world_connect_cert(&f->w, f->n, "in.sp.example.com", &f->s), ERR_OK);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, "/-/00112233445566778899AABBCCDDEEFF", "//sp.example.com/in", NULL), ERR_NOT_FOUND);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, "/-/zz", "//sp.example.com/in", NULL), ERR_NOT_FOUND);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, "/-/0011223344556677889900112233445566778899001122334455667788990011", "//sp.example.com/in", NULL), ERR_NOT_FOUND);
    assert_int_equal(authority_ctl(f, "credential", "revoke", "{\"ID\":\"dev1@maf.example.com\"}"), ERR_OK);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "//sp.example.com/in", NULL), ERR_DENIED_REVOKED);
}

static void test_lifetimes(void **state)
{
    struct authority *f = *state;
    char et[32];
    /* Km ends before kc-lifetime would: the key ends with Km */
    f->w.forged = "{\"status\":true,\"credential\":\"" K42 "\",\"enroleeID\":\"//sp.example.com/Sdev1\",\"lifetime\":3600}";
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_OK);
    authority_allow(f, "//sp.example.com/Sdev1");
    authority_register(f, NULL);
    assert_int_equal(register_key(f, SKR), ERR_OK);
    authority_member(f, "m2m:skr", "et", et, sizeof(et));
    assert_string_equal(et, "20231114T231320");
    /* what the client asks for, if that is earlier */
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_OK);
    assert_int_equal(register_key(f, SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN "],\"et\":\"20231114T223000\"")), ERR_OK);
    authority_member(f, "m2m:skr", "et", et, sizeof(et));
    assert_string_equal(et, "20231114T223000");
    f->w.now += HOUR;
    assert_int_equal(register_key(f, SKR), ERR_DENIED_NO_ASSOCIATION); /* the association is over */
}

/* -- who may -------------------------------------------------------------------------------------------------- */
static void test_allow(void **state)
{
    struct authority *f = *state;
    authority_add_km(f);
    assert_int_equal(authority_connect(f, "dev1@maf.example.com", &f->key), ERR_OK);
    authority_register(f, NULL);
    assert_int_equal(register_key(f, SKR), ERR_DENIED_CLIENT); /* no row: refused */
    assert_int_equal(f->r.rsc, 4103);
    static const char *const rows[] = {
        "{\"client\":\"//SP.example.com/Sdev1\"}",                                            /* every target */
        "{\"client\":\"DEV1@maf.example.com\",\"target\":\"//sp.example.com/in\"}",           /* by KmId */
        "{\"client\":\"//sp.example.com/S*\",\"target\":\"//sp.example.com/x,//sp.example.com/*\"}",
        "{\"client\":\"//sp.example.com/Sdev1\",\"target\":[\"//sp.example.com/in\",\"//sp.example.com/in2\"]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(authority_ctl(f, "client", "allow", rows[i]), ERR_OK);
        assert_int_equal(authority_connect(f, "dev1@maf.example.com", &f->key), ERR_OK);
        assert_int_equal(register_key(f, SKR), ERR_OK);
        assert_int_equal(authority_ctl(f, "client", "list", "{}"), ERR_OK);
        assert_non_null(strstr(f->r.body, "targets"));
        assert_int_equal(authority_ctl(f, "client", "remove", rows[i]), ERR_OK);
        assert_int_equal(authority_connect(f, "dev1@maf.example.com", &f->key), ERR_OK);
        assert_int_equal(register_key(f, SKR), ERR_DENIED_CLIENT);
    }
    static const char *const not_enough[] = {
        "{\"client\":\"//sp.example.com/Sdev1\",\"target\":\"//sp.example.com/in2\"}",
        "{\"client\":\"//sp.example.com/Sdev2\"}",
        "{\"client\":\"//sp.example.com/T*\"}",
        "{\"client\":\"//other.example.com/S*\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(not_enough); i++) {
        assert_int_equal(authority_ctl(f, "client", "allow", not_enough[i]), ERR_OK);
        assert_int_equal(register_key(f, SKR), ERR_DENIED_CLIENT);
    }
    /* targets add up */
    assert_int_equal(authority_ctl(f, "client", "allow", "{\"client\":\"//sp.example.com/Sdev1\",\"target\":\"//sp.example.com/in\"}"), ERR_OK);
    assert_non_null(strstr(f->r.body, "in2"));
    assert_int_equal(register_key(f, SKR), ERR_OK);
    assert_int_equal(authority_ctl(f, "client", "allow", "{\"client\":\"Sdev1\"}"), ERR_MALFORMED_ID);
    assert_int_equal(authority_ctl(f, "client", "allow", "{}"), ERR_MALFORMED_ID);
    assert_int_equal(authority_ctl(f, "client", "allow", "{\"client\":\"//sp.example.com/S1\",\"target\":\"in\"}"), ERR_MALFORMED_ID);
    assert_int_equal(authority_ctl(f, "client", "remove", "{\"client\":\"//sp.example.com/Snone\"}"), ERR_NOT_FOUND);
    assert_int_equal(world_audited(f->n, AUDIT_CLIENT_ALLOWED), 9);
    assert_int_equal(world_audited(f->n, AUDIT_CLIENT_REMOVED), 4);
}

/* A client without Enrolee-ID is its Credential-ID, before and after it got its KmId. */
static void test_credential_id_alone(void **state)
{
    struct authority *f = *state;
    char aski[128];
    char cr[160];
    f->w.forged = "{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":86400}";
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_OK);
    authority_register(f, NULL);
    authority_member(f, "m2m:macr", "aski", aski, sizeof(aski));
    authority_member(f, "m2m:macr", "cr", cr, sizeof(cr));
    assert_string_equal(cr + 3, aski);
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", NULL, MACR), ERR_OK); /* not yet under KmId */
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", "//sp.example.com/Sdev1", MACR), ERR_DENIED_FROM);
    authority_allow(f, KEID);
    assert_int_equal(register_key(f, SKR), ERR_OK);
    assert_int_equal(authority_connect(f, aski, &f->other), ERR_OK);
    assert_int_equal(register_key(f, SKR), ERR_OK);
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", NULL, MACR), ERR_REGISTERED);
}

static void test_credential_add_refused(void **state)
{
    struct authority *f = *state;
    authority_add_km(f);
    assert_int_equal(authority_ctl(f, "credential", "add", "{\"kind\":\"km\",\"id\":\"DEV1@maf.example.com\",\"key\":\"" KM "\"}"), ERR_EXISTS);
    assert_int_equal(authority_ctl(f, "credential", "add", "{\"kind\":\"kpm\",\"id\":\"d@maf.example.com\",\"key\":\"" KM "\"}"), ERR_USAGE);
    assert_int_equal(authority_ctl(f, "credential", "add", "{\"kind\":\"km\",\"id\":\"d@mef.example.com\",\"key\":\"" KM "\"}"), ERR_MALFORMED_KEY_ID);
    assert_int_equal(authority_ctl(f, "credential", "add", "{\"kind\":\"km\",\"id\":\"d@maf.example.com\",\"target\":\"//a.b/c\",\"key\":\"" KM "\"}"), ERR_USAGE);
    assert_int_equal(authority_ctl(f, "credential", "show", "{\"ID\":\"dev1@maf.example.com\"}"), ERR_OK);
    assert_null(strstr(f->r.body, KM));
    assert_non_null(strstr(f->r.body, "pre-provisioned"));
    assert_int_equal(world_count(f->n, TABLE_MAF_KM), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_key_by_export, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_key_by_value, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_key_refused, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_key_of_another, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_key_id_taken, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_retrieval_refused, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_lifetimes, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_allow, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_credential_id_alone, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_credential_add_refused, authority_maf_setup, authority_teardown),
    };
    return cmocka_run_group_tests_name("maf-key", tests, NULL, NULL);
}
