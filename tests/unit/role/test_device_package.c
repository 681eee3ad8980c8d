/* The contents of a provisioning package (R000-18): what is taken, and every way in which it is not. */
#include "role/device/device_package.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC) /* 2023-11-14 */
#define KEY "AQIDBAUGBwgJCgsMDQ4PEA=="
#define HEAD "{\"package\":1,\"device\":\"dev42\",\"until\":\"20240101T000000\",\"layers\":["
#define MEF "\"mef\":{\"fqdn\":\"MEF.example\",\"address\":\"mef.example:443\",\"key-id\":\"dev42@mef.example\",\"key\":\"" KEY "\"}"
#define MAF "\"maf\":{\"fqdn\":\"maf.example\",\"address\":\"maf.example:443\"}"
#define SERVICE "{\"layer\":\"service\",\"critical\":true," MEF "," MAF ",\"profile\":\"seed\",\"lifetime\":\"30d\"}"
#define NETWORK "{\"layer\":\"network\",\"name\":\"usim.profile\",\"value\":\"AAEC\"}"
#define APPLICATION "{\"layer\":\"application\",\"name\":\"meter@app.example\",\"key\":\"" KEY "\"}"

static struct device_package *p;

static int setup(void **state)
{
    (void)state;
    p = calloc(1, sizeof(*p));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_package_wipe(p);
    free(p);
    return 0;
}

static err_t take_as(const char *z, const char *device, usec_t now)
{
    device_package_wipe(p);
    return device_package_parse(text_bytes(text_of(z)), text_of(device), now, p);
}

static err_t take(const char *z)
{
    return take_as(z, "dev42", NOW);
}

static void all_layers(void **state)
{
    (void)state;
    assert_int_equal(take(HEAD SERVICE "," NETWORK "," APPLICATION "]}"), ERR_OK); /* R000-18 */
    const struct device_state *s = &p->state;
    assert_string_equal(s->mef.fqdn, "mef.example");
    assert_string_equal(s->mef.address, "mef.example:443");
    assert_string_equal(s->kpm_id.z, "dev42@mef.example");
    assert_int_equal(s->kpm.s.n, 16);
    assert_string_equal(s->maf.fqdn, "maf.example");
    assert_int_equal(s->profile, CREDENTIAL_SEED);
    assert_true(s->lifetime == INT64_C(30) * 86400 * USEC_PER_SEC);
    assert_int_equal(p->entries_n, 2);
    assert_string_equal(p->entries[0].name, "usim.profile");
    assert_memory_equal(p->entries[0].octets.p, "\0\1\2", 3);
    assert_int_equal(p->entries[0].octets.n, 3);
    assert_int_equal(p->entries[1].key.n, 16);
    assert_int_equal(p->passed_over, 0);
}

static void other_credentials(void **state)
{
    (void)state;
    assert_int_equal(take(HEAD "{\"layer\":\"service\",\"node\":{\"node-id\":\"n1\",\"cse-id\":\"//sp.example/mn\"},\"maf\":{\"fqdn\":"
                          "\"maf.example\",\"address\":\"a:1\",\"key-id\":\"d@maf.example\",\"key\":\"" KEY "\"}}]}"), ERR_OK); /* R003-93, R003-94 */
    assert_string_equal(p->state.node_id, "n1");
    assert_string_equal(p->state.node_cse.z, "//sp.example/mn");
    assert_int_equal(take(HEAD "{\"layer\":\"service\",\"node\":{\"cse-id\":\"mn\"},\"maf\":{\"fqdn\":"
                          "\"maf.example\",\"address\":\"a:1\",\"key-id\":\"d@maf.example\",\"key\":\"" KEY "\"}}]}"), ERR_PACKAGE);
    assert_int_equal(take(HEAD "{\"layer\":\"service\",\"maf\":{\"fqdn\":\"maf.example\",\"address\":\"a:1\",\"key-id\":\"d@maf.example\","
                          "\"key\":\"" KEY "\"},\"cse\":{\"cse-id\":\"//sp.example/in\",\"address\":\"a:2\",\"key-id\":\"d@sp.example\","
                          "\"key\":\"" KEY "\"}}]}"), ERR_OK);
    assert_string_equal(p->state.km_id.z, "d@maf.example");
    assert_string_equal(p->state.kpsa_id.z, "d@sp.example");
    assert_string_equal(p->state.cse.fqdn, "in.sp.example");
    assert_true(p->state.profile == CREDENTIAL_R3 && p->state.lifetime == DEVICE_STATE_LIFETIME);
    assert_true(p->state.ke_not_after == USEC_NEVER);
    assert_int_equal(take(HEAD "{\"layer\":\"service\",\"mef\":{\"fqdn\":\"m.example\",\"address\":\"a:1\",\"certificate\":\"c\","
                          "\"private-key\":\"k\",\"trust\":\"t\"}}]}"), ERR_OK);
    assert_true(text_eq_z(p->files[DEVICE_PACKAGE_MEF].certificate, "c") && text_eq_z(p->files[DEVICE_PACKAGE_MEF].trust, "t"));
}

#define SIM_OF(members) HEAD "{\"layer\":\"service\"," members "}]}"
#define BSF_AT(address) "\"mef\":{\"fqdn\":\"bsf.example\",\"address\":\"" address "\""
#define CSE_AT(address) "\"cse\":{\"cse-id\":\"//sp.example/in\",\"address\":\"" address "\""
#define READER "\"sim\":{\"reader\":\"pcsc:A reader 00\"}"

static void a_sim(void **state)
{
    (void)state;
    assert_int_equal(take(SIM_OF(BSF_AT("b:1") "}," CSE_AT("c:1") "}," READER)), ERR_OK); /* R000-18, R001-119 */
    assert_string_equal(p->state.sim.file, "pcsc:A reader 00");
    assert_string_equal(p->state.mef.fqdn, "bsf.example");
    assert_int_equal(take(SIM_OF(BSF_AT("https://b:1") ",\"trust\":\"t\"}," CSE_AT("https://c:1") ",\"trust\":\"u\"},\"sim\":{\"card\":\"x\"}")), ERR_OK);
    assert_true(text_eq_z(p->card, "x") && text_eq_z(p->files[DEVICE_PACKAGE_CSE].trust, "u") && p->state.sim.file[0] == '\0');
    assert_int_equal(take(SIM_OF(BSF_AT("b:1") "}," MAF "," READER)), ERR_OK);
    static const char *const wrong[] = { /* refuses R001-119, refuses R000-20 */
        SIM_OF(BSF_AT("b:1") "}," READER), SIM_OF(MAF "," READER), SIM_OF(BSF_AT("b:1") "}," MAF ",\"sim\":{}"),
        SIM_OF(BSF_AT("b:1") "}," MAF ",\"sim\":{\"card\":\"x\",\"reader\":\"pcsc\"}"), SIM_OF(BSF_AT("b:1") "}," MAF ",\"sim\":{\"reader\":\"any\"}"),
        SIM_OF(BSF_AT("b:1") "}," MAF ",\"sim\":\"pcsc\""), SIM_OF(BSF_AT("b:1") "}," MAF ",\"sim\":{\"card-file\":\"/etc/shadow\"}"),
        SIM_OF(MEF "," MAF "," READER), SIM_OF(BSF_AT("https://b:1") "}," MAF "," READER), SIM_OF(BSF_AT("b:1") ",\"trust\":\"t\"}," MAF "," READER),
        SIM_OF(BSF_AT("b:1") "},\"maf\":{\"fqdn\":\"maf.example\",\"address\":\"https://m:1\",\"trust\":\"t\"}," READER),
        SIM_OF(MEF "," CSE_AT("https://c:1") ",\"trust\":\"u\"}"),
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(take(wrong[i]), ERR_PACKAGE);
        assert_true(p->detail[0] != '\0');
    }
}

static void for_whom_and_until_when(void **state)
{
    (void)state;
    assert_int_equal(take_as(HEAD SERVICE "]}", "dev43", NOW), ERR_PACKAGE_DEVICE); /* refuses R000-18 */
    assert_int_equal(take_as(HEAD SERVICE "]}", "dev4", NOW), ERR_PACKAGE_DEVICE);
    assert_int_equal(take_as(HEAD SERVICE "]}", "", NOW), ERR_PACKAGE_DEVICE);
    usec_t end = INT64_C(1704067200) * USEC_PER_SEC;
    assert_int_equal(take_as(HEAD SERVICE "]}", "dev42", end - 1), ERR_OK);
    assert_int_equal(take_as(HEAD SERVICE "]}", "dev42", end), ERR_PACKAGE_EXPIRED); /* refuses R000-18 */
}

static void layers_from_the_future(void **state)
{
    (void)state;
    assert_int_equal(take(HEAD SERVICE ",{\"layer\":\"orbit\",\"critical\":false,\"x\":[1]},{\"layer\":\"moon\"}]}"), ERR_OK);
    assert_int_equal(p->passed_over, 2);
    assert_int_equal(take(HEAD SERVICE ",{\"layer\":\"orbit\",\"critical\":true}]}"), ERR_PACKAGE_LAYER); /* refuses R000-18 */
    assert_non_null(strstr(p->detail, "orbit"));
}

static void what_is_malformed(void **state)
{
#define SERVICE_OF(members) HEAD "{\"layer\":\"service\"," members "}]}"
#define MEF_OF(members) SERVICE_OF("\"mef\":{" members "}")
#define WHO "\"fqdn\":\"m.example\",\"address\":\"a:1\""
    static const char *const wrong[] = {
        HEAD "]}", "{\"package\":1,\"device\":\"dev42\",\"until\":\"20240101T000000\"}",
        "{\"package\":2,\"device\":\"dev42\",\"until\":\"20240101T000000\",\"layers\":[" SERVICE "]}",
        "{\"package\":true,\"device\":\"dev42\",\"until\":\"20240101T000000\",\"layers\":[" SERVICE "]}",
        "{\"package\":1,\"until\":\"20240101T000000\",\"layers\":[" SERVICE "]}",
        "{\"package\":1,\"device\":42,\"until\":\"20240101T000000\",\"layers\":[" SERVICE "]}",
        "{\"package\":1,\"device\":\"dev42\",\"layers\":[" SERVICE "]}",
        "{\"package\":1,\"device\":\"dev42\",\"until\":\"soon\",\"layers\":[" SERVICE "]}",
        HEAD SERVICE "],\"more\":1}", HEAD "1]}", HEAD "{}]}", HEAD "{\"layer\":7}]}",
        HEAD "{\"layer\":\"orbit\",\"critical\":1}]}", HEAD SERVICE "," SERVICE "]}",
        SERVICE_OF(MAF), SERVICE_OF("\"mef\":7"), SERVICE_OF(MEF ",\"mfa\":{}"), SERVICE_OF(MEF ",\"profile\":\"r4\""),
        SERVICE_OF(MEF ",\"lifetime\":\"long\""), SERVICE_OF(MEF ",\"lifetime\":\"0d\""), SERVICE_OF(MEF ",\"critical\":\"yes\""),
        MEF_OF(WHO ",\"key\":\"" KEY "\""),                /* refuses R000-20: no identifier */
        MEF_OF(WHO ",\"key-id\":\"d@m.example\""),         /* refuses R000-20: no key */
        MEF_OF(WHO ",\"key-id\":\"d\",\"key\":\"" KEY "\""), MEF_OF(WHO ",\"key-id\":\"d@m.example\",\"key\":\"AQID\""),
        MEF_OF(WHO ",\"key-id\":\"d@m.example\",\"key\":7"), MEF_OF(WHO ",\"certificate\":\"c\",\"private-key\":\"k\""),
        MEF_OF(WHO ",\"key-id\":\"d@m.example\",\"key\":\"" KEY "\",\"certificate\":\"c\",\"private-key\":\"k\",\"trust\":\"t\""),
        MEF_OF("\"address\":\"a:1\",\"key-id\":\"d@m.example\",\"key\":\"" KEY "\""),
        MEF_OF("\"fqdn\":\"m.example\",\"key-id\":\"d@m.example\",\"key\":\"" KEY "\""),
        MEF_OF("\"fqdn\":\"not a name\",\"address\":\"a:1\",\"key-id\":\"d@m.example\",\"key\":\"" KEY "\""),
        MEF_OF(WHO ",\"key-file\":\"/etc/shadow\""),
        SERVICE_OF("\"cse\":{\"cse-id\":\"/in\",\"address\":\"a:1\",\"key-id\":\"d@m.example\",\"key\":\"" KEY "\"}"),
        HEAD "{\"layer\":\"network\",\"name\":\"../state\",\"value\":\"AAEC\"}]}", HEAD "{\"layer\":\"network\",\"name\":\".a\",\"value\":\"AAEC\"}]}",
        HEAD "{\"layer\":\"network\",\"name\":\"\",\"value\":\"AAEC\"}]}", HEAD "{\"layer\":\"network\",\"name\":\"a/b\",\"value\":\"AAEC\"}]}",
        HEAD "{\"layer\":\"network\",\"name\":\"a\"}]}",
        HEAD "{\"layer\":\"network\",\"name\":\"a\",\"value\":\"A\"}]}", HEAD "{\"layer\":\"network\",\"value\":\"AAEC\"}]}",
        HEAD "{\"layer\":\"network\",\"name\":\"a\",\"key\":\"" KEY "\"}]}",
        HEAD "{\"layer\":\"application\",\"name\":\"a\",\"value\":\"AAEC\"}]}", HEAD "{\"layer\":\"application\",\"name\":\"a\",\"key\":\"AAEC\"}]}",
        HEAD NETWORK ",{\"layer\":\"application\",\"name\":\"USIM.profile\",\"key\":\"" KEY "\"}]}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        err_t e = take(wrong[i]);
        if (e != ERR_PACKAGE || p->detail[0] == '\0') {
            fail_msg("%zu: %s: %s", i, err_code(e), wrong[i]);
        }
        assert_null(strstr(p->detail, "AQIDBAUG")); /* no key in a message */
    }
    assert_int_equal(take(HEAD "{\"layer\":\"service\",\"layer\":\"network\"}]}"), ERR_MALFORMED_DUPLICATE);
    assert_int_equal(take(HEAD "{\"layer\":\"network\",\"name\":\"a\\u0000b\",\"value\":\"AAEC\"}]}"), ERR_MALFORMED_JSON);
    assert_int_equal(take(""), ERR_MALFORMED_JSON);
    assert_int_equal(take("[]"), ERR_MALFORMED_JSON);
}

static void cut_at_each_octet(void **state)
{
    static const char whole[] = HEAD SERVICE "," NETWORK "," APPLICATION "]}";
    (void)state;
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        device_package_wipe(p);
        assert_int_not_equal(device_package_parse(bytes_of(whole, n), text_of("dev42"), NOW, p), ERR_OK);
    }
}

static void how_much_it_may_be(void **state)
{
    static char text[64 * 1024];
    (void)state;
    struct writer w = WRITER_ARRAY(text);
    writer_z(&w, HEAD);
    for (int i = 0; i <= DEVICE_PACKAGE_ENTRIES_MAX; i++) {
        char one[80];
        snprintf(one, sizeof(one), "%s{\"layer\":\"network\",\"name\":\"n%d\",\"value\":\"AAEC\"}", i == 0 ? "" : ",", i);
        writer_z(&w, one);
    }
    writer_z(&w, "]}");
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_int_equal(take(text), ERR_PACKAGE);
    w = WRITER_ARRAY(text);
    writer_z(&w, HEAD "{\"layer\":\"network\",\"name\":\"n\",\"value\":\"");
    for (size_t i = 0; i <= DEVICE_PACKAGE_OCTETS_MAX / 3; i++) {
        writer_z(&w, "AAEC");
    }
    writer_z(&w, "\"}]}");
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_int_equal(take(text), ERR_PACKAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_layers), cmocka_unit_test(other_credentials), cmocka_unit_test(a_sim), cmocka_unit_test(for_whom_and_until_when),
        cmocka_unit_test(layers_from_the_future), cmocka_unit_test(what_is_malformed), cmocka_unit_test(cut_at_each_octet),
        cmocka_unit_test(how_much_it_may_be),
    };
    return cmocka_run_group_tests_name("device package", tests, setup, teardown);
}
