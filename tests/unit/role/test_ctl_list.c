/* `... list` of every role whose lists are rows (ctl_list.h): a record that cannot be read is shown as such, not left out, and what does
 * not fit one answer is in the next. */
#include "role/bsf/bsf.h"
#include "role/cse/cse.h"
#include "role/maf/maf.h"
#include "role/mef/mef.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)

static const struct list_row {
    const struct role *role;
    const char *conf, *noun, *array;
    enum store_table table;
} rows[] = {
    {&role_mef, "[mef]\nfqdn = a.example.com\n", "credential", "credentials", TABLE_MEF_CREDENTIAL},
    {&role_mef, "[mef]\nfqdn = a.example.com\n", "enrolment", "enrolments", TABLE_MEF_KE},
    {&role_mef, "[mef]\nfqdn = a.example.com\n", "certificate", "certificates", TABLE_MEF_CERT},
    {&role_mef, "[mef]\nfqdn = a.example.com\n", "registration", "registrations", TABLE_MEF_CLIENT},
    {&role_mef, "[mef]\nfqdn = a.example.com\n", "key", "keys", TABLE_MEF_KEY},
    {&role_mef, "[mef]\nfqdn = a.example.com\n", "client", "clients", TABLE_MEF_ALLOW},
    {&role_mef, "[mef]\nfqdn = a.example.com\n", "command", "commands", TABLE_MEF_COMMAND},
    {&role_maf, "[maf]\nfqdn = a.example.com\n", "credential", "credentials", TABLE_MAF_KM},
    {&role_maf, "[maf]\nfqdn = a.example.com\n", "contract", "contracts", TABLE_MAF_CONTRACT},
    {&role_cse, "[cse]\nsp = sp.example.com\ncsi = /in\nname = cse-in\n", "credential", "credentials", TABLE_CSE_KEY},
    {&role_cse, "[cse]\nsp = sp.example.com\ncsi = /in\nname = cse-in\n", "notification", "notifications", TABLE_CSE_NOTIFY},
    {&role_cse, "[cse]\nsp = sp.example.com\ncsi = /in\nname = cse-in\n", "announcement", "announcements", TABLE_CSE_ANNC},
    {&role_bsf, "[bsf]\nfqdn = a.example.com\n", "subscriber", "subscribers", TABLE_BSF_SUBSCRIBER},
};

static void put_broken(struct world_node *n, const struct list_row *row, unsigned number)
{
    static const uint8_t octets[] = {0xFF, 0x00, 0xFF};
    uint8_t memory[4096];
    struct txn t;
    struct arena arena = arena_of(memory, sizeof(memory));
    char id[32];
    snprintf(id, sizeof(id), "broken-%04u", number);
    assert_int_equal(store_begin(n->store, true), ERR_OK);
    txn_init(&t, n->store, &arena, true);
    txn_enter(&t, n->sealer.partition);
    assert_int_equal(txn_put(&t, row->table, text_of(id), BYTES_ARRAY(octets), STORE_PUT_IF_ABSENT, 0), ERR_OK);
    assert_int_equal(txn_apply(&t), ERR_OK);
    assert_int_equal(store_commit(n->store), ERR_OK);
}

static void broken_records_are_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct world_reply r;
        char expected[160];
        world_init(&w, T0);
        struct world_node *n = world_add(&w, rows[i].role, "a.example.com", rows[i].conf);
        assert_int_equal(world_ctl(&w, n, rows[i].noun, "list", "{}", &r), ERR_OK);
        snprintf(expected, sizeof(expected), "{\"%s\":[]}", rows[i].array);
        assert_string_equal(r.body, expected);
        put_broken(n, &rows[i], 1);
        assert_int_equal(world_ctl(&w, n, rows[i].noun, "list", "{}", &r), ERR_OK);
        snprintf(expected, sizeof(expected), "{\"%s\":[{\"id\":\"broken-0001\",\"state\":\"record-malformed\"}]}", rows[i].array);
        assert_string_equal(r.body, expected);
        world_free(&w);
    }
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

static void pages(void **state)
{
    (void)state;
    enum { RECORDS = 600 };
    struct world w;
    struct world_reply r;
    size_t seen = 0, answers = 0;
    char args[64] = "{}";
    world_init(&w, T0);
    struct world_node *n = world_add(&w, rows[0].role, "a.example.com", rows[0].conf);
    for (unsigned i = 0; i < RECORDS; i++) {
        put_broken(n, &rows[0], i);
    }
    for (const char *next = ""; next != NULL && answers < RECORDS; answers++) {
        assert_int_equal(world_ctl(&w, n, rows[0].noun, "list", args, &r), ERR_OK);
        seen += count(r.body, "record-malformed");
        next = strstr(r.body, "\"next\":\"");
        if (next != NULL) {
            snprintf(args, sizeof(args), "{\"after\":\"%.11s\"}", next + strlen("\"next\":\""));
        }
    }
    assert_int_equal(seen, RECORDS); /* each once */
    assert_true(answers > 1);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_records_are_shown),
        cmocka_unit_test(pages),
    };
    return cmocka_run_group_tests_name("ctl-list", tests, NULL, NULL);
}
