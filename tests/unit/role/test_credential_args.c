/* The arguments of ctl credential add: what each kind takes, and the text of every refusal. */
#include "role/credential_args.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEY "\"key\":\"000102030405060708090a0b0c0d0e0f\""
#define OK "\"kind\":\"kpm\",\"id\":\"dev1@mef.example.com\"," KEY

static const struct credential_rules mef_rules = {
    .kind = "kpm",
    .fqdn = {"mef.example.com", 15},
    .targets = CREDENTIAL_IDS_TARGET,
    .takes_profile = true,
    .lifetime = 3600 * USEC_PER_SEC,
};
static const struct credential_rules cse_rules = {.kind = "kpsa", .lifetime = 60 * USEC_PER_SEC};

static err_t parse(const struct credential_rules *rules, const char *members, struct credential_args *out,
                   char detail[static ROLE_DETAIL_MAX])
{
    char text[2048];
    snprintf(text, sizeof(text), "{%s}", members);
    json_t *args = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(text)), &args), ERR_OK);
    detail[0] = '\0';
    err_t e = credential_args_parse(rules, args, out, detail);
    json_decref(args);
    return e;
}

static void test_accepted(void **state)
{
    (void)state;
    struct credential_args a;
    char detail[ROLE_DETAIL_MAX];
    assert_int_equal(parse(&mef_rules, OK, &a, detail), ERR_OK);
    assert_string_equal(a.id.z, "dev1@mef.example.com");
    assert_int_equal(a.key.n, 16);
    assert_int_equal(a.profile, CREDENTIAL_R3);
    assert_int_equal(a.lifetime, 3600 * USEC_PER_SEC);
    assert_string_equal(a.target.z, "");
    assert_int_equal(parse(&mef_rules,
                           "\"kind\":\"kpm\",\"id\":\"Dev1@MEF.Example.com\",\"key\":\"FF0102030405060708090A0B0C0D0E0F\","
                           "\"enrolee-id\":\"//sp.example.com/S42\",\"target\":\"MAF.Example.com\","
                           "\"profile\":\"seed\",\"lifetime\":\"90d\"",
                           &a, detail),
                     ERR_OK);
    assert_string_equal(a.folded.z, "dev1@mef.example.com");
    assert_string_equal(a.id.z, "Dev1@MEF.Example.com");
    assert_string_equal(a.target.z, "maf.example.com");
    assert_string_equal(a.enrolee_id.z, "//sp.example.com/S42");
    assert_int_equal(a.profile, CREDENTIAL_SEED);
    assert_int_equal(a.lifetime, INT64_C(90) * 86400 * USEC_PER_SEC);
    credential_args_wipe(&a);
    assert_false(secret_is_set(&a.key));
    assert_int_equal(parse(&mef_rules, OK ",\"target\":\"//sp.example.com/in\"", &a, detail), ERR_OK);
    assert_int_equal(parse(&mef_rules, OK ",\"target\":\"//sp.example.com/in/Cae\"", &a, detail), ERR_OK);
    assert_int_equal(parse(&cse_rules, "\"kind\":\"kpsa\",\"id\":\"a@any.example\"," KEY, &a, detail), ERR_OK);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        err_t want;
        const char *detail;
    } cases[] = {
        {"\"id\":\"dev1@mef.example.com\"," KEY, ERR_USAGE, "--kind"},
        {"\"kind\":\"km\",\"id\":\"dev1@mef.example.com\"," KEY, ERR_USAGE, "kpm"},
        {"\"kind\":\"kpm\"," KEY, ERR_MALFORMED_KEY_ID, "--id"},
        {"\"kind\":\"kpm\",\"id\":\"dev1\"," KEY, ERR_MALFORMED_KEY_ID, "dev1"},
        {"\"kind\":\"kpm\",\"id\":\"de v@mef.example.com\"," KEY, ERR_MALFORMED_KEY_ID, "--id"},
        {"\"kind\":\"kpm\",\"id\":\"dev1@maf.example.com\"," KEY, ERR_MALFORMED_KEY_ID, "mef.example.com"},
        {"\"kind\":\"kpm\",\"id\":\"dev1@mef.example.com\"", ERR_MISSING, "--key-file"},
        {"\"kind\":\"kpm\",\"id\":\"dev1@mef.example.com\",\"key\":\"xyz\"", ERR_MALFORMED_HEX, "--key-file"},
        {"\"kind\":\"kpm\",\"id\":\"dev1@mef.example.com\",\"key\":\"0001\"", ERR_MALFORMED_KEY, "16 to 64"},
        {OK ",\"enrolee-id\":\"S42\"", ERR_MALFORMED_ID, "--enrolee-id"},
        {OK ",\"enrolee-id\":\"/in/C42\"", ERR_MALFORMED_ID, "--enrolee-id"},
        {OK ",\"enrolee-id\":\"maf.example.com\"", ERR_MALFORMED_ID, "--enrolee-id"},
        {OK ",\"target\":\"/in\"", ERR_MALFORMED_ID, "--target"},
        {OK ",\"target\":\"not a name\"", ERR_MALFORMED_ID, "--target"},
        {OK ",\"profile\":\"r4\"", ERR_USAGE, "--profile"},
        {OK ",\"lifetime\":\"soon\"", ERR_MALFORMED_TIME, "--lifetime"},
        {OK ",\"lifetime\":\"0s\"", ERR_MALFORMED_TIME, "--lifetime"},
        {OK ",\"lifetime\":\"999999d\"", ERR_MALFORMED_TIME, "--lifetime"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct credential_args a;
        char detail[ROLE_DETAIL_MAX];
        assert_int_equal(parse(&mef_rules, cases[i].members, &a, detail), cases[i].want);
        assert_non_null(strstr(detail, cases[i].detail));
        assert_null(strstr(detail, "0001020304")); /* never a key */
        assert_false(secret_is_set(&a.key));
    }
}

static void test_other_roles(void **state)
{
    (void)state;
    struct credential_args a;
    char detail[ROLE_DETAIL_MAX];
    assert_int_equal(parse(&cse_rules, "\"kind\":\"kpsa\",\"id\":\"a@b.example\",\"target\":\"c.example\"," KEY, &a, detail),
                     ERR_USAGE);
    assert_int_equal(parse(&cse_rules, "\"kind\":\"kpsa\",\"id\":\"a@b.example\",\"profile\":\"r3\"," KEY, &a, detail),
                     ERR_USAGE);
}

static void test_key_lengths(void **state)
{
    (void)state;
    for (size_t octets = 1; octets <= 70; octets++) {
        char members[512] = "\"kind\":\"kpm\",\"id\":\"dev1@mef.example.com\",\"key\":\"";
        for (size_t i = 0; i < octets; i++) {
            strcat(members, "ab");
        }
        strcat(members, "\"");
        struct credential_args a;
        char detail[ROLE_DETAIL_MAX];
        err_t e = parse(&mef_rules, members, &a, detail);
        assert_int_equal(e, octets >= 16 && octets <= 64 ? ERR_OK : ERR_MALFORMED_KEY);
        assert_int_equal(a.key.n, e == ERR_OK ? octets : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_other_roles),
        cmocka_unit_test(test_key_lengths),
    };
    return cmocka_run_group_tests_name("credential_args", tests, NULL, NULL);
}
