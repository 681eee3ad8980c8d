/* Record codecs of the CSE: what was written reads back, and every truncation is refused. Docs that follow the tables. */
#include "cse_fixture.h"
#include "role/cse/cse_acp.h"
#include "role/cse/cse_key.h"
#include "role/cse/cse_res.h"
#include "role/skr.h"
#include "role/cse/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cse_res sample(void)
{
    return (struct cse_res){
        .type = types_find(TYPE_CNT), .ri = text_of("0123"), .node = text_of("0123"), .rn = text_of("c"),
        .pi = text_of("Sa"), .pnode = text_of("99"), .creator = text_of("//sp.example.com/Sa"),
        .credential = text_empty(), .ct = T0, .lt = T0 + 1, .et = USEC_NEVER, .st = 7, .cni = 3, .cbs = 9, .mni = 10,
        .mbs = 11, .mia = 12, .floor = 4, .swept = 2, .has_acpi = true, .acpi_n = 2,
        .acpi = {text_of("p1"), text_of("p2")}, .json = text_of("{\"m2m:cnt\":{\"rn\":\"c\""),
    };
}

static char counted[] = "//sp.example.com/mn"; /* or nowhere but with its creator */

static void resource_record(void **state)
{
    struct cse_res r = sample();
    r.counted = text_of(*state == NULL ? "" : counted);
    uint8_t buf[1024], again[1024];
    struct writer w = WRITER_ARRAY(buf);
    cse_res_write(&r, &w);
    assert_int_equal(writer_finish(&w), ERR_OK);
    struct cse_res back;
    assert_int_equal(cse_res_parse(writer_view(&w), &back), ERR_OK);
    assert_true(text_eq_z(back.acpi[1], "p2"));
    assert_int_equal(back.floor, 4);
    assert_true(text_eq(back.counted, r.counted));
    struct writer v = WRITER_ARRAY(again);
    cse_res_write(&back, &v);
    assert_true(bytes_eq(writer_view(&w), writer_view(&v)));
    for (size_t n = 0; n < w.n; n++) {
        assert_int_equal(cse_res_parse(bytes_of(buf, n), &back), ERR_MALFORMED_RECORD);
    }
    buf[w.n] = 0;
    assert_int_equal(cse_res_parse(bytes_of(buf, w.n + 1), &back), ERR_MALFORMED_RECORD);
    buf[0] = 9;
    assert_int_equal(cse_res_parse(writer_view(&w), &back), ERR_MALFORMED_RECORD);
}

static void key_record(void **state)
{
    struct cse_fixture *f = *state;
    struct store_value v;
    uint8_t memory[4096];
    struct arena a = arena_of(memory, sizeof(memory));
    assert_int_equal(store_begin(f->cse->store, false), ERR_OK);
    assert_int_equal(store_get(f->cse->store, TABLE_CSE_KEY, text_bytes(text_of("ka@sp.example.com")), &a, &v), ERR_OK);
    struct cse_key k;
    assert_int_equal(cse_key_parse(v.data, &k), ERR_OK);
    assert_string_equal(k.peers[0].z, "//sp.example.com/Sa");
    assert_int_equal(k.sealed.n, 32 + SEAL_OVERHEAD);
    for (size_t i = 0; i + 32 <= v.data.n; i++) { /* the key is nowhere in the clear */
        assert_memory_not_equal(v.data.p + i, secret_view(&f->kpsa).p, 8);
    }
    for (size_t n = 0; n < v.data.n; n++) {
        assert_int_equal(cse_key_parse(bytes_of(v.data.p, n), &k), ERR_MALFORMED_RECORD);
    }
    store_rollback(f->cse->store);
}

static void acp_and_child_records(void **state)
{
    (void)state;
    uint8_t buf[64] = {1, 0, 1, 'p', 0, 1, 'n', 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 0, 0, 2, 0, 0};
    const size_t whole = 27;
    struct cse_acp acp;
    assert_int_equal(cse_acp_parse(bytes_of(buf, whole), &acp), ERR_OK);
    assert_int_equal(acp.et, 9);
    for (size_t n = 0; n < whole; n++) {
        assert_int_equal(cse_acp_parse(bytes_of(buf, n), &acp), ERR_MALFORMED_RECORD);
    }
    const uint8_t child[] = {1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2,
                             0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 'a', 0, 1, 'b'};
    struct cse_child c;
    assert_int_equal(cse_res_child_parse(BYTES_ARRAY(child), &c), ERR_OK);
    assert_int_equal(c.size, 2);
    for (size_t n = 0; n < sizeof(child); n++) {
        assert_int_equal(cse_res_child_parse(bytes_of(child, n), &c), ERR_MALFORMED_RECORD);
    }
}

static void schedules_read_back(void **state)
{
    (void)state;
    struct schedule s, back;
    uint8_t buf[256];
    assert_int_equal(schedule_parse(text_of("*/7 1,2 3-9 * 1-12/5 0 2024,2030-2040/2"), &s), ERR_OK);
    struct writer w = WRITER_ARRAY(buf);
    schedule_write(&s, &w);
    struct reader r = reader_of(writer_view(&w));
    schedule_read(&r, &back);
    assert_int_equal(reader_finish(&r), ERR_OK);
    assert_memory_equal(&s, &back, sizeof(s));
    for (size_t n = 0; n < w.n; n++) {
        r = reader_of(bytes_of(buf, n));
        schedule_read(&r, &back);
        assert_int_equal(reader_finish(&r), ERR_MALFORMED_TRUNCATED);
    }
}

/* Every cut of the MAF's answer is nonsense, never a key. */
static void answers_cut_short(void **state)
{
    (void)state;
    const char *whole = "{\"m2m:skr\":{\"et\":\"20240101T000000\",\"suid\":32,\"cr\":\"//sp.example.com/Sdev\","
                        "\"kv\":\"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\"}}";
    struct skr s;
    assert_int_equal(skr_parse(text_bytes(text_of(whole)), &s), ERR_OK);
    assert_int_equal(s.kc.n, 32);
    assert_string_equal(s.source.z, "//sp.example.com/Sdev");
    for (size_t n = 0; n < strlen(whole); n++) {
        assert_int_equal(skr_parse(bytes_of(whole, n), &s), ERR_PEER_NONSENSE);
    }
    skr_wipe(&s);
}

/* -- docs/resources.md is the table of types, written out ------------------------------------------------------ */
static size_t resources_page(char *out, size_t cap)
{
    size_t n = 0;
#define P(...) n += (size_t)snprintf(out + n, n < cap ? cap - n : 0, __VA_ARGS__)
    P("# Resources of the IN-CSE\n\n"
      "Written from `src/role/cse/types.c`; `KEYSTEAD_WRITE_DOCS=1` and the test `role.cse-records` write it again.\n"
      "C and U: M mandatory, O optional, NP not permitted in a CREATE or UPDATE. An UPDATE with `null` deletes an "
      "optional attribute.\nA: MA announced always, OA if `aa` names it, NA never; what changes without an UPDATE is not announced. Whose types end in "
      "Annc are announcements: made, kept and removed by the CSE whose resource they stand for.\nVirtual children of a container: `la` (latest), `ol` (oldest): RETRIEVE and DELETE. Of a group: `fopt`, every operation at each member.\n");
    const struct types_row *t;
    for (size_t i = 0; (t = types_at(i)) != NULL; i++) {
        P("\n## %s (ty %u, `%s`)\n\n%s. Children:", t->name, (unsigned)t->ty, t->root, t->clause);
        for (size_t k = 0; k < ARRAY_LEN(t->children) && t->children[k] != 0; k++) {
            P("%s %s", k > 0 ? "," : "", types_find(t->children[k])->name);
        }
        P("%s.%s%s\n\n| short | name | type | C | U | A |\n| --- | --- | --- | --- | --- | --- |\n",
          t->children[0] == 0 ? " none" : "",
          (t->flags & TYPES_HAS_ACPI) != 0 || t->ty == TYPE_ACP ? "" : " Access is decided by its parent's policies.",
          (t->flags & TYPES_NOT_BY_REQUEST) != 0 ? " Neither created nor deleted by request." : "");
        const struct types_attr *a;
        for (size_t k = 0; (a = types_attr_at(t, k)) != NULL; k++) {
            bool fixed = (t->flags & TYPES_NOT_BY_REQUEST) != 0;
            bool immutable = (t->flags & TYPES_IMMUTABLE) != 0;
            P("| `%s` | %s | %s | %s | %s | %s |\n", a->name, a->long_name, types_kind_name(a->kind),
              fixed ? "-" : types_presence_name(types_on_create(t, a)),
              immutable ? "-" : types_presence_name(types_on_update(t, a)),
              types_announcement(t) != NULL ? types_announce_name(a->announce) : "-");
        }
    }
    assert_true(n < cap);
    return n;
}

static void documentation_follows_the_table(void **state)
{
    (void)state;
    static char want[65536], have[65536];
    size_t n = resources_page(want, sizeof(want));
    const char *root = getenv("KEYSTEAD_SOURCE");
    if (root == NULL) {
        skip();
    }
    char name[4096];
    snprintf(name, sizeof(name), "%s/docs/resources.md", root);
    if (getenv("KEYSTEAD_WRITE_DOCS") != NULL) {
        FILE *w = fopen(name, "w");
        assert_non_null(w);
        assert_int_equal(fwrite(want, 1, n, w), n);
        assert_int_equal(fclose(w), 0);
    }
    FILE *r = fopen(name, "r");
    assert_non_null(r);
    size_t got = fread(have, 1, sizeof(have) - 1, r);
    fclose(r);
    have[got] = '\0';
    assert_string_equal(have, want);
}

static int setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, CSE_CONF);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resource_record),
        {"resource_record_counted_elsewhere", resource_record, NULL, NULL, counted},
        cmocka_unit_test_setup_teardown(key_record, setup, teardown),
        cmocka_unit_test(acp_and_child_records),
        cmocka_unit_test(schedules_read_back),
        cmocka_unit_test(answers_cut_short),
        cmocka_unit_test(documentation_follows_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
