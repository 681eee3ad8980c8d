/* The keys of a device and what authorities answer about them: sealed to what they are for, and every answer that lies. */
#include "role/device/device_config.h"
#include "role/device/device_renew.h"
#include "role/device/device_use.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)

static struct device_keyring_key key_of(const char *id, uint8_t suid, usec_t end)
{
    struct device_keyring_key k = {.suid = suid, .own = true, .not_after = end, .since = T0 - HOUR, .peer = {"//sp.example/in"}};
    uint8_t made_up[32];
    memset(made_up, 0x45, sizeof(made_up));
    assert_int_equal(secret_set(&k.key, BYTES_ARRAY(made_up)), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(id), k.id.z), ERR_OK);
    return k;
}

static struct sealer sealer(void)
{
    struct sealer s = {.crypto = crypto_openssl(), .partition = text_empty()};
    uint8_t root[CRYPTO_KEY_LEN] = {7};
    assert_int_equal(secret_set(&s.root, BYTES_ARRAY(root)), ERR_OK);
    return s;
}

static void there_and_back(void **state)
{
    (void)state;
    static struct device_keyring r, back;
    static uint8_t record[DEVICE_KEYRING_RECORD_MAX], bad[DEVICE_KEYRING_RECORD_MAX];
    struct writer w = WRITER_ARRAY(record);
    const struct sealer s = sealer();
    const struct device_keyring_key *k = NULL;
    const struct device_keyring_key one = key_of("AB@maf.example", 33, T0 + HOUR), two = key_of("CD@maf.example", 34, T0 + 2 * HOUR);
    assert_int_equal(device_keyring_put(&r, &one, T0), ERR_OK);
    assert_int_equal(device_keyring_put(&r, &two, T0), ERR_OK);
    assert_int_equal(device_keyring_put(&r, &one, T0), ERR_OK);
    assert_int_equal(r.n, 2);
    assert_int_equal(device_keyring_write(&r, &s, &w), ERR_OK);
    assert_int_equal(device_keyring_parse(writer_view(&w), &s, &back), ERR_OK);
    assert_int_equal(device_keyring_find(&back, text_of("ab@MAF.example"), T0, &k), ERR_OK);
    assert_true(k->suid == 33 && k->own && k->not_after == T0 + HOUR && k->since == T0 - HOUR && k->key.n == 32);
    assert_int_equal(device_keyring_find(&back, text_of("ab@MAF.example"), T0 + HOUR, &k), ERR_NOT_FOUND);
    for (size_t i = 0; i < w.n; i++) { /* any octet changed, any truncation: what a key is for is part of its seal */
        memcpy(bad, record, w.n);
        bad[i] ^= 1;
        assert_int_not_equal(device_keyring_parse(bytes_of(bad, w.n), &s, &back), ERR_OK);
        assert_int_equal(back.n, 0);
        assert_int_not_equal(device_keyring_parse(bytes_of(record, i), &s, &back), ERR_OK);
    }
    device_keyring_drop(&r, text_of("AB@maf.example"));
    assert_int_equal(r.n, 1);
}

/* What an older program wrote: since when is not known, and nothing is renewed. */
static void of_an_older_program(void **state)
{
    static struct device_keyring back;
    uint8_t record[1024];
    struct writer w = WRITER_ARRAY(record);
    const struct sealer s = sealer();
    const struct device_keyring_key k = key_of("AB@maf.example", 33, T0 + HOUR);
    (void)state;
    writer_u8(&w, 1);
    writer_u16(&w, 1);
    writer_text16(&w, k.id.z);
    writer_u8(&w, k.suid);
    writer_u8(&w, 1);
    writer_text16(&w, k.peer.z);
    writer_u64(&w, (uint64_t)k.not_after);
    assert_int_equal(seal_write(&s, TABLE_DEVICE, text_of("AB@maf.example own //sp.example/in 33 1700003600000000"), &k.key, &w), ERR_OK);
    assert_int_equal(device_keyring_parse(writer_view(&w), &s, &back), ERR_OK);
    assert_true(back.n == 1 && back.at[0].since == 0 && back.at[0].not_after == T0 + HOUR);
    assert_true(device_renew_key(&back.at[0]).at == USEC_NEVER);
}

static void renewed_in_time(void **state)
{
    struct device_keyring_key k = key_of("AB@maf.example", 33, T0 + HOUR);
    usec_t now = device_renew_key(&k).at;
    (void)state;
    assert_true(now == T0 + HOUR - 2 * HOUR / 10); /* nine tenths of its life */
    for (int i = 0; i < 40 && now != USEC_NEVER; i++) { /* no more time: half of the rest, and not for ever */
        device_renew_key_later(&k, now);
        usec_t next = device_renew_key(&k).at;
        assert_true(next == USEC_NEVER || (next > now && next < k.not_after));
        now = next;
    }
    assert_true(now == USEC_NEVER);
}

static void bounded(void **state)
{
    (void)state;
    static struct device_keyring r;
    char id[32];
    for (int i = 0; i < DEVICE_KEYRING_MAX; i++) {
        snprintf(id, sizeof(id), "%02X@maf.example", (unsigned)i);
        const struct device_keyring_key k = key_of(id, 33, T0 + (i + 1) * HOUR);
        assert_int_equal(device_keyring_put(&r, &k, T0), ERR_OK);
    }
    const struct device_keyring_key more = key_of("FF@maf.example", 33, T0 + 99 * HOUR);
    assert_int_equal(device_keyring_put(&r, &more, T0), ERR_LIMIT_CAPACITY);
    assert_int_equal(device_keyring_put(&r, &more, T0 + HOUR), ERR_OK); /* the first has ended */
}

#define GOOD "{\"m2m:skr\":{\"rn\":\"" RN "\",\"et\":\"20231115T000000\",\"adfq\":\"sp.example\",\"suid\":34,\"tgis\":[\"//sp.example/Sa\",\"//sp.example/Sb\"]}}"
#define RN "01010101010101010101010101010101"

static err_t registered(const char *body)
{
    const struct device_use u = {34, text_of("//sp.example/Sa,//sp.example/Sb"), text_empty(), text_of("sp.example"), T0 + HOUR};
    struct keys_export x = {.set = true};
    struct device_keyring_key k;
    char detail[ROLE_DETAIL_MAX];
    memset(x.b, 1, sizeof(x.b));
    const struct device_use_answer a = {text_bytes(text_of(body)), &x, text_of("maf.example"), T0};
    err_t e = device_use_registered(&u, &a, &k, detail);
    if (e == ERR_OK) {
        assert_string_equal(k.id.z, RN "@maf.example");
        assert_true(k.not_after <= T0 + HOUR && k.own && k.key.n == 32);
    }
    return e;
}

static void answers_that_lie(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } lies[] = {{"rn\":\"01", "rn\":\"02"}, {"20231115", "20231114"}, {"sp.example\",\"suid", "no.example\",\"suid"},
                {"34", "33"}, {"Sb\"]", "Sb\",\"//sp.example/Sc\"]"}, {",\"//sp.example/Sb\"", ""}, {"Sa", "Sc"}, {"m2m:skr", "m2m:x"}, {"}}", "}"}};
    assert_int_equal(registered(GOOD), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        char body[512];
        const char *at = strstr(GOOD, lies[i].from);
        assert_non_null(at);
        snprintf(body, sizeof(body), "%.*s%s%s", (int)(at - GOOD), GOOD, lies[i].to, at + strlen(lies[i].from));
        assert_int_equal(registered(body), ERR_PEER_NONSENSE);
    }
}

static void retrieved(void **state)
{
    (void)state;
    struct device_keyring_key k;
    char detail[ROLE_DETAIL_MAX];
    static const char good[] = "{\"m2m:skr\":{\"et\":\"20231115T000000\",\"suid\":33,\"cr\":\"//sp.example/Sa\",\"kv\":\"RUVFRUVFRUVFRUVFRUVFRQ==\"}}";
    const struct bytes b = bytes_of(good, sizeof(good) - 1);
    assert_int_equal(device_use_retrieved(text_of("AB@maf.example"), b, T0, &k, detail), ERR_OK);
    assert_true(k.suid == 33 && !k.own && k.key.n == 16);
    assert_string_equal(k.peer.z, "//sp.example/Sa");
    assert_int_equal(device_use_retrieved(text_of("AB@maf.example"), b, T0 + 99 * HOUR, &k, detail), ERR_DENIED_EXPIRED);
    for (size_t n = 0; n < b.n; n++) {
        assert_int_equal(device_use_retrieved(text_of("AB@maf.example"), bytes_of(good, n), T0, &k, detail), ERR_PEER_NONSENSE);
    }
}

/* Where the MEF says that the service is now [TS-0003 8.3.5.2.4]: taken whole or not at all. */
static void moved(void **state)
{
    static const char good[] = "{\"sec:mefClientCfg\":{\"maf\":{\"fqdn\":\"MAF2.example\",\"address\":\"h:1\"},\"x\":1,"
                               "\"cse\":{\"cse-id\":\"//sp2.example/in\",\"address\":\"h:2\"}}}";
    static const char *const bad[] = {
        "", "{}", "{\"sec:mefClientCfg\":[]}", "{\"sec:mefClientCfg\":{\"maf\":{}}}", "{\"sec:mefClientCfg\":{\"maf\":{\"fqdn\":\"a\"}}}",
        "{\"sec:mefClientCfg\":{\"maf\":{\"fqdn\":\"no name\",\"address\":\"h:1\"}}}",
        "{\"sec:mefClientCfg\":{\"maf\":{\"fqdn\":\"maf2.example\",\"address\":\"h:1\"},\"cse\":{\"cse-id\":\"Sa\",\"address\":\"h\"}}}"};
    static struct device_state s, was;
    char detail[ROLE_DETAIL_MAX] = "";
    bool it = true;
    (void)state;
    assert_int_equal(TEXT_COPY(text_of("maf.example"), s.maf.fqdn), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of("k@maf.example"), s.kc_id.z), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of("Sa"), s.ae_stem), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of("Napp"), s.app_id), ERR_OK);
    was = s;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(device_config_take(text_bytes(text_of(bad[i])), &s, &it, detail), ERR_PEER_NONSENSE);
        assert_false(it);
        assert_memory_equal(&s, &was, sizeof(s));
    }
    assert_int_equal(device_config_take(text_bytes(text_of(good)), &s, &it, detail), ERR_OK);
    assert_true(it && s.kc_id.z[0] == '\0' && s.ae_stem[0] == '\0');
    assert_string_equal(s.maf.fqdn, "maf2.example");
    assert_string_equal(s.maf.address, "h:1");
    assert_string_equal(s.cse_id.z, "//sp2.example/in");
    assert_string_equal(s.cse.address, "h:2");
    assert_string_equal(s.app_id, "Napp");
    was = s;
    assert_int_equal(device_config_take(text_bytes(text_of(good)), &s, &it, detail), ERR_OK);
    assert_false(it); /* refuses R000-17: nothing new is no reason to begin anew */
    assert_memory_equal(&s, &was, sizeof(s));
}

/* R003-93, R003-94: Node-ID and CSE-ID of the node, in any combination; what is wrong changes nothing. */
static void named_by_the_mef(void **state)
{
    static const struct {
        const char *node, *id, *cse;
    } good[] = {{"{\"node-id\":\"urn:x:1\"}", "urn:x:1", ""}, {"{\"cse-id\":\"//sp.example/mn1\"}", "", "//sp.example/mn1"},
                {"{\"cse-id\":\"//sp.example/mn1\",\"node-id\":\"n-1\"}", "n-1", "//sp.example/mn1"}, {"{}", "", ""}};
    static const char *const bad[] = {"[]", "1", "null", "{\"node-id\":\"\"}", "{\"node-id\":\"a b\"}", "{\"node-id\":7}", "{\"cse-id\":\"/mn\"}",
                                      "{\"cse-id\":\"//sp.example/Sae\"}", "{\"cse-id\":\"//sp.example/mn1\",\"node-id\":\"\\u0001\"}", "{\"more\":\"x\"}"};
    static struct device_state s, was;
    char detail[ROLE_DETAIL_MAX] = "", body[256];
    bool it = false;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) { /* refuses R003-93, refuses R003-94 */
        memset(&s, 0, sizeof(s));
        was = s;
        (void)snprintf(body, sizeof(body), "{\"sec:mefClientCfg\":{\"node\":%s}}", bad[i]);
        assert_int_equal(device_config_named(text_bytes(text_of(body)), &s, &it, detail), ERR_PEER_NONSENSE);
        assert_int_equal(device_config_take(text_bytes(text_of(body)), &s, &it, detail), ERR_PEER_NONSENSE);
        assert_memory_equal(&s, &was, sizeof(s));
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        memset(&s, 0, sizeof(s));
        (void)snprintf(body, sizeof(body), "{\"sec:mefClientCfg\":{\"node\":%s}}", good[i].node);
        assert_int_equal(device_config_named(text_bytes(text_of(body)), &s, &it, detail), ERR_OK);
        assert_int_equal(it, good[i].id[0] != '\0' || good[i].cse[0] != '\0');
        assert_string_equal(s.node_id, good[i].id);
        assert_string_equal(s.node_cse.z, good[i].cse);
        assert_int_equal(device_config_take(text_bytes(text_of(body)), &s, &it, detail), ERR_OK);
        assert_false(it); /* no reason to begin anew */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(of_an_older_program),
                                       cmocka_unit_test(renewed_in_time), cmocka_unit_test(bounded),
                                       cmocka_unit_test(answers_that_lie), cmocka_unit_test(retrieved), cmocka_unit_test(moved),
                                       cmocka_unit_test(named_by_the_mef)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
