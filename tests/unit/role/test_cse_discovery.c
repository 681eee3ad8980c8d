/* Discovery and results with children: every filter, every result content, what may not be seen, limits and offsets. */
#include "cse_fixture.h"
#include "role/cse/cse_res.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RULE(who, op) "{\"acr\":[{\"acor\":[\"" who "\"],\"acop\":" op "}]}"
#define ACP(name, pv, pvs) "{\"m2m:acp\":{\"rn\":\"" name "\",\"pv\":" pv ",\"pvs\":" pvs "}}"

static void make(struct cse_fixture *f, const char *to, uint32_t ty, const char *body)
{
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", to, ty, body), ERR_OK);
    f->w.now += SECOND;
}

/*
 * app-a (S 0)
 *   hall   T+1 labels warm, floor:1; expires 20300101
 *     i1   T+2 text/plain:0 "x"
 *     i2   T+3 application/json:1, "yyyyyyyyyy"
 *     deep T+4
 *       j1 T+5
 *   yard   T+6 labels cold
 */
static int setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, CSE_CONF "admin = Sadmin\n");
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, AE_NAMED("app-a")), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "cse-in", 2, AE_NAMED("app-b")), ERR_OK);
    f->w.now += SECOND;
    make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"hall\",\"lbl\":[\"warm\",\"floor:1\"],\"et\":\"20300101T000000\"}}");
    make(f, "Sa/hall", 4, "{\"m2m:cin\":{\"rn\":\"i1\",\"cnf\":\"text/plain:0\",\"con\":\"x\"}}");
    make(f, "Sa/hall", 4, "{\"m2m:cin\":{\"rn\":\"i2\",\"cnf\":\"application/json:1\",\"con\":\"yyyyyyyyyy\"}}");
    make(f, "Sa/hall", 3, "{\"m2m:cnt\":{\"rn\":\"deep\"}}");
    make(f, "Sa/hall/deep", 4, "{\"m2m:cin\":{\"rn\":\"j1\",\"con\":\"z\"}}");
    make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"yard\",\"lbl\":[\"cold\"]}}");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

static err_t ask(struct cse_fixture *f, const char *to, const char *query, int rcn, uint32_t fu)
{
    const struct cse_call c = {.s = &f->a, .op = OP_RETRIEVE, .to = to, .from = "Sa", .query = query,
                               .rcn = rcn < 0 ? 0 : rcn + 1, .fu = fu};
    return cse_fixture_call(f, &c);
}

struct places {
    char (*z)[32];
    size_t n;
};

static bool place(void *arg, struct bytes id, struct store_value value)
{
    struct places *p = arg;
    (void)value;
    snprintf(p->z[p->n++], sizeof(p->z[0]), "%.24s", (const char *)id.p + id.n - 24);
    return p->n < 2;
}

/* The names at the end of the addresses found, joined by blanks. */
static const char *found(struct cse_fixture *f, const char *query)
{
    static char out[1024];
    json_t *v = NULL;
    err_t e = ask(f, "cse-in/app-a", query, -1, 1);
    if (e != ERR_OK) {
        return err_code(e);
    }
    assert_int_equal(json_parse(text_bytes(text_of(f->body)), &v), ERR_OK);
    const json_t *list = json_object_get(v, "m2m:uril");
    assert_true(json_is_array(list));
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *a = json_string_value(json_array_get(list, i));
        assert_non_null(strrchr(a, '/'));
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", i > 0 ? " " : "", strrchr(a, '/') + 1);
    }
    json_decref(v);
    return out;
}

static void every_filter(void **state)
{
    struct cse_fixture *f = *state;
    static const struct {
        const char *query, *want;
    } rows[] = {
        {"", "hall deep j1 i1 i2 yard"},
        {"ty=3", "hall deep yard"},
        {"ty=4", "j1 i1 i2"},
        {"ty=3+4", "hall deep j1 i1 i2 yard"},
        {"ty=2", ""},
        {"ty=9999", ""},
        {"lbl=warm", "hall"},
        {"lbl=warm&lbl=cold", "hall yard"},
        {"lbl=war", ""},
        {"crb=20231114T221322", "hall"},
        {"cra=20231114T221324", "j1 yard"},
        {"us=20231114T221322", ""}, /* the hall was changed by its instances */
        {"ms=20231114T221324", "deep j1 yard"},
        {"exb=20300102T000000&ty=3", "hall deep yard"},
        {"exb=20250101T000000&ty=3", "deep yard"},
        {"exa=20291231T000000", "hall i1 i2"},
        {"exa=20250101T000000&ty=4", "i1 i2"},
        {"exb=20250101T000000&ty=4", "j1"},
        {"sts=2", "deep j1 i1 yard"},
        {"stb=1", "hall i2"},
        {"sza=10", "i2"},
        {"szb=10", "j1 i1"},
        {"sza=1&szb=10", "j1 i1"},
        {"cty=text/plain", "i1"},
        {"cty=text/plain:0", "i1"},
        {"cty=text/plain:1", ""},
        {"cty=text/plain+application/json", "i1 i2"},
        {"lvl=1", "hall yard"},
        {"lvl=2", "hall deep i1 i2 yard"},
        {"lvl=2&ty=4", "i1 i2"},
        {"ty=3&lbl=cold", "yard"},
        {"ty=4&lbl=cold", ""},
        {"ty=4&lbl=cold&fo=2", "j1 i1 i2 yard"},
        {"ty=3&lbl=cold&fo=2", "hall deep yard"},
        {"ty=3&lbl=cold&fo=3", "hall deep"},
        {"sza=10&lbl=cold&fo=2", "i2 yard"},
        {"sza=10&szb=11&fo=3", "j1 i1"},
        {"ty=3&arp=la", "i2 j1"},
        {"arp=deep/j1", "j1"},
        {"arp=nothing", ""},
        {"arp=../x", ""},
        {"lim=2", "hall deep"},
        {"ofst=3&lim=2", "j1 i1"},
        {"ofst=6", "yard"},
        {"ofst=7", ""},
        {"ty=4&ofst=2", "j1 i1 i2"}, /* containers are looked at and counted: children are behind them */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = found(f, rows[i].query);
        if (strcmp(got, rows[i].want) != 0) {
            fail_msg("%s: %s, expected %s", rows[i].query, got, rows[i].want);
        }
    }
}

/* A record is parsed only where a label may be in it. */
static void labels_as_they_are_written(void **state)
{
    struct cse_fixture *f = *state;
    static const struct {
        const char *query, *want;
    } rows[] = {
        {"lbl=say \"hi\"", "quoted"}, {"lbl=hi", ""},
        {"lbl=gr\xc3\xbcn", "quoted green"}, {"lbl=a/b", "quoted green"},
        {"lbl=cold", "yard"}, {"lbl=lbl", ""},
        {"lbl=deep&lbl=cold", "yard"}, {"lbl=:&lbl=warm", "hall"},
        {"lbl=a/b&cra=20231114T221327", "green"}, {"lbl=a/b&cty=text/plain", ""},
    };
    make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"quoted\",\"lbl\":[\"say \\\"hi\\\"\",\"gr\\u00fcn\",\"a\\/b\"]}}");
    make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"green\",\"lbl\":[\"gr\u00fcn\",\"a/b\"]}}");
    make(f, "Sa/yard", 4, "{\"m2m:cin\":{\"rn\":\"told\",\"con\":\"cold\"}}"); /* not a label */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = found(f, rows[i].query);
        if (strcmp(got, rows[i].want) != 0) {
            fail_msg("%s: %s, expected %s", rows[i].query, got, rows[i].want);
        }
    }
}

static void addresses_and_references(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(ask(f, "cse-in/app-a", "ty=4&lim=1", -1, 1), ERR_OK);
    assert_string_equal(f->body, "{\"m2m:uril\":[\"cse-in/app-a/hall/deep/j1\"]}");
    assert_int_equal(f->next, 4);
    assert_int_equal(ask(f, "Sa", "lbl=cold&drt=2", -1, 1), ERR_OK);
    assert_int_equal(f->next, 0);
    json_t *v = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->body)), &v), ERR_OK);
    const char *ri = json_string_value(json_array_get(json_object_get(v, "m2m:uril"), 0));
    assert_int_equal(strlen(ri), CSE_RES_UID_LEN);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", ri), ERR_OK);
    json_decref(v);
    assert_string_equal(cse_fixture_member(f, "rn"), "yard");
    assert_int_equal(ask(f, "Sa", "lvl=1", 6, 1), ERR_OK);
    assert_string_equal(f->body, "{\"m2m:rrl\":{\"rrf\":[{\"nm\":\"hall\",\"typ\":3,\"val\":\"cse-in/app-a/hall\"},"
                                 "{\"nm\":\"yard\",\"typ\":3,\"val\":\"cse-in/app-a/yard\"}]}}");
    assert_int_equal(ask(f, "Sa/hall", "ty=4&lvl=1", 5, 0), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "rn"), "hall");
    assert_string_equal(cse_fixture_member(f, "ch"),
                        "[{\"nm\":\"i1\",\"typ\":4,\"val\":\"cse-in/app-a/hall/i1\"},"
                        "{\"nm\":\"i2\",\"typ\":4,\"val\":\"cse-in/app-a/hall/i2\"}]");
}

/* The shape of a nested result: names only. */
static size_t shape(const json_t *v, char *out, size_t cap)
{
    size_t n = 0;
    const char *name;
    json_t *m;
    const json_t *rn = json_object_get(v, "rn");
    n += (size_t)snprintf(out + n, cap - n, "%s", rn != NULL ? json_string_value(rn) : "-");
    json_object_foreach((json_t *)v, name, m) {
        if (strncmp(name, "m2m:", 4) != 0) {
            continue;
        }
        n += (size_t)snprintf(out + n, cap - n, " %s(", name + 4);
        for (size_t i = 0; i < json_array_size(m); i++) {
            n += (size_t)snprintf(out + n, cap - n, "%s", i > 0 ? "," : "");
            n += shape(json_array_get(m, i), out + n, cap - n);
        }
        n += (size_t)snprintf(out + n, cap - n, ")");
    }
    return n;
}

static const char *tree(struct cse_fixture *f, const char *query, int rcn)
{
    static char out[1024];
    json_t *v = NULL;
    err_t e = ask(f, "Sa", query, rcn, 0);
    if (e != ERR_OK) {
        return err_code(e);
    }
    assert_int_equal(json_parse(text_bytes(text_of(f->body)), &v), ERR_OK);
    assert_int_equal(json_object_size(v), 1);
    shape(json_object_get(v, "m2m:ae"), out, sizeof(out));
    json_decref(v);
    return out;
}

static void nested_results(void **state)
{
    struct cse_fixture *f = *state;
    static const struct {
        const char *query;
        int rcn;
        const char *want;
        uint32_t next;
    } rows[] = {
        {"", 4, "app-a cnt(hall cnt(deep cin(j1)) cin(i1,i2),yard)", 0},
        {"", 8, "- cnt(hall cnt(deep cin(j1)) cin(i1,i2),yard)", 0},
        {"lvl=1", 4, "app-a cnt(hall,yard)", 0},
        {"ty=3", 4, "app-a cnt(hall cnt(deep),yard)", 0},
        {"ty=4", 8, "-", 0}, /* what is above them is not part of the result */
        {"lbl=cold", 8, "- cnt(yard)", 0},
        {"lim=6", 4, "app-a cnt(hall cnt(deep cin(j1)) cin(i1,i2),yard)", 0},
        {"lim=5", 4, "app-a cnt(hall cnt(deep cin(j1)) cin(i1,i2))", 2},
        {"lim=4", 4, "app-a", 1}, /* cut at direct children only */
        {"ofst=2", 4, "app-a cnt(yard)", 0},
        {"ofst=3", 4, "app-a", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = tree(f, rows[i].query, rows[i].rcn);
        if (strcmp(got, rows[i].want) != 0 || f->next != rows[i].next) {
            fail_msg("%s: %s next %u", rows[i].query, got, f->next);
        }
    }
    const struct cse_call c = {.s = &f->a, .op = OP_DELETE, .to = "Sa/hall", .from = "Sa", .rcn = 8 + 1};
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_int_equal(f->rsc, 2002);
    assert_non_null(strstr(f->body, "\"j1\""));
    assert_string_equal(tree(f, "", 8), "- cnt(yard)");
    assert_string_equal(found(f, ""), "yard");
}

static void refused_usages(void **state)
{
    struct cse_fixture *f = *state;
    static const struct {
        const char *query;
        int rcn;
        uint32_t fu;
        err_t want;
    } rows[] = {
        {"", 1, 1, ERR_MALFORMED_QUERY}, {"", 4, 1, ERR_MALFORMED_QUERY}, {"", 11, 0, ERR_MALFORMED_QUERY},
        {"", 10, 1, ERR_NOT_IMPLEMENTED}, {"", 12, 0, ERR_NOT_IMPLEMENTED}, {"", 7, 0, ERR_NOT_IMPLEMENTED},
        {"ty=3", -1, 0, ERR_NOT_IMPLEMENTED}, {"ty=3", 4, 2, ERR_NOT_IMPLEMENTED}, {"", 4, 3, ERR_NOT_IMPLEMENTED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(ask(f, "Sa", rows[i].query, rows[i].rcn, rows[i].fu), rows[i].want);
    }
    struct cse_call c = {.s = &f->a, .op = OP_DELETE, .to = "Sa/yard", .from = "Sa", .query = "ty=3"};
    assert_int_equal(cse_fixture_call(f, &c), ERR_NOT_IMPLEMENTED);
    assert_non_null(strstr(f->body, "filter criteria"));
    assert_string_equal(found(f, "lbl=cold"), "yard"); /* nothing was deleted */
}

/* R000-48: each resource of a result is an access of its own; a hidden name is not told as part of an address. */
static void only_what_may_be_seen(void **state)
{
    struct cse_fixture *f = *state;
    make(f, "Sa", 1, ACP("find", RULE("Sb", "32"), RULE("Sa", "63")));
    make(f, "Sa", 1, ACP("read", RULE("Sb", "2"), RULE("Sa", "63")));
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/hall/deep", "{\"m2m:cnt\":{\"acpi\":[\"Sa/find\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/yard", "{\"m2m:cnt\":{\"acpi\":[\"Sa/read\"]}}"), ERR_OK);
    struct cse_call c = {.s = &f->b, .op = OP_RETRIEVE, .to = "Sa", .from = "Sb", .fu = 1};
    assert_int_equal(cse_fixture_call(f, &c), ERR_DENIED_PRIVILEGE); /* refuses R000-48 */
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"Sa/find\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_null(strstr(f->body, "hall"));
    assert_null(strstr(f->body, "yard")); /* may be read, not discovered */
    json_t *v = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->body)), &v), ERR_OK);
    const json_t *list = json_object_get(v, "m2m:uril");
    assert_int_equal(json_array_size(list), 2); /* deep and j1 */
    const char *deep = json_string_value(json_array_get(list, 0));
    assert_null(strchr(deep, '/'));
    c.to = deep;
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    c.fu = 0;
    assert_int_equal(cse_fixture_call(f, &c), ERR_DENIED_PRIVILEGE); /* discovering is not reading */
    json_decref(v);
}

/* Pages together are the whole, whatever their size, also with instances and containers that come and go behind them. */
static void pages_make_the_whole(void **state)
{
    struct cse_fixture *f = *state;
    char body[128];
    for (int i = 0; i < 150; i++) {
        snprintf(body, sizeof(body), "{\"m2m:cin\":{\"rn\":\"n%03d\",\"con\":\"%d\"}}", i, i);
        make(f, i % 3 == 0 ? "Sa/hall/deep" : "Sa/yard", 4, body);
    }
    static const uint32_t sizes[] = {1, 7, 32, 33, 1000};
    for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
        uint64_t at = 1;
        size_t seen = 0;
        for (size_t pages = 0; at != 0; pages++) {
            char query[64];
            snprintf(query, sizeof(query), "ty=4&lim=%u&ofst=%llu", sizes[s], (unsigned long long)at);
            assert_true(pages < 200);
            assert_int_equal(ask(f, "Sa", query, -1, 1), ERR_OK);
            json_t *v = NULL;
            assert_int_equal(json_parse(text_bytes(text_of(f->body)), &v), ERR_OK);
            size_t n = json_array_size(json_object_get(v, "m2m:uril"));
            assert_true(n <= sizes[s] && (n == sizes[s] || f->next == 0));
            seen += n;
            json_decref(v);
            assert_true(f->next == 0 || f->next > at);
            at = f->next;
        }
        assert_int_equal(seen, 153);
    }
}

/* -- marks: a result goes on after an entry, not after so many (role/cse/cse_mark.h) ----------------------------------- */
static unsigned long long mark_of(struct cse_fixture *f, const char *of, const char *to)
{
    char digits[17];
    const char *node = to;
    if (strcmp(of, "ri") == 0) {
        assert_int_equal(cse_fixture_get(f, &f->a, "Sa", to), ERR_OK);
        node = cse_fixture_member(f, "ri");
    }
    snprintf(digits, sizeof(digits), "%.16s", node + 1);
    return strtoull(digits, NULL, 16);
}

/* After each entry come those that came after it before, whatever conditions it meets itself. */
static void after_each_entry(void **state)
{
    struct cse_fixture *f = *state;
    static const struct {
        const char *last, *filter, *want;
    } rows[] = {
        {"hall", "", "deep j1 i1 i2 yard"},       {"hall/deep", "", "j1 i1 i2 yard"}, {"hall/deep/j1", "", "i1 i2 yard"},
        {"hall/i1", "", "i2 yard"},               {"hall/i2", "", "yard"},            {"yard", "", ""},
        {"hall", "&ty=4", "j1 i1 i2"},            {"hall/i1", "&lbl=cold", "yard"},   {"hall", "&lvl=1", "yard"},
        {"hall", "&lvl=2", "deep i1 i2 yard"},    {"hall/deep", "&lvl=2", "i1 i2 yard"}, {"hall/i1", "&ty=3", "yard"},
        {"hall/deep/j1", "&lvl=2", "query-malformed"}, /* the walk with this filter never came there */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char to[64], query[96];
        snprintf(to, sizeof(to), "Sa/%s", rows[i].last);
        snprintf(query, sizeof(query), "ofst=%llu%s", mark_of(f, "ri", to), rows[i].filter);
        const char *got = found(f, query);
        if (strcmp(got, rows[i].want) != 0) {
            fail_msg("after %s%s: %s, expected %s", rows[i].last, rows[i].filter, got, rows[i].want);
        }
    }
    char query[96];
    snprintf(query, sizeof(query), "ofst=%llu", mark_of(f, "ri", "Sa/hall"));
    assert_int_equal(ask(f, "Sa", query, 4, 0), ERR_OK); /* with children: direct ones only */
    assert_null(strstr(f->body, "hall"));
    assert_non_null(strstr(f->body, "yard"));
    snprintf(query, sizeof(query), "ofst=%llu", mark_of(f, "ri", "Sa/hall/i1"));
    assert_int_equal(ask(f, "Sa", query, 4, 0), ERR_MALFORMED_QUERY);
}

/* An AE has a name of its own and no node that a mark could be read from: its place among the AEs says it. */
static void after_an_ae(void **state)
{
    struct cse_fixture *f = *state;
    make(f, "Sa", 1, ACP("find", RULE("Sadmin", "32"), RULE("Sa", "63")));
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"Sa/find\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &f->b, "Sb", "Sb", "{\"m2m:ae\":{\"acpi\":[\"Sa/find\"]}}"), ERR_OK);
    struct cse_call c = {.s = &f->admin, .op = OP_RETRIEVE, .to = "cse-in", .from = "Sadmin", .query = "ty=2", .fu = 1};
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_non_null(strstr(f->body, "app-a"));
    assert_non_null(strstr(f->body, "app-b"));
    struct store_scan q = {.table = TABLE_CSE_CHILD, .prefix = text_bytes(text_of("cb/0002/")), .order = STORE_ASCENDING};
    char nodes[2][32];
    struct places at = {nodes, 0};
    assert_int_equal(store_begin(f->cse->store, false), ERR_OK);
    assert_int_equal(store_scan(f->cse->store, &q, place, &at), ERR_OK);
    store_rollback(f->cse->store);
    assert_int_equal(at.n, 2);
    char query[64];
    snprintf(query, sizeof(query), "ty=2&ofst=%llu", mark_of(f, "node", nodes[0]));
    c.query = query;
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_true((strstr(f->body, "app-a") == NULL) != (strstr(f->body, "app-b") == NULL));
}

/* What is gone, is elsewhere or never was is refused with what to do, and never answered with another part of the tree. */
static void marks_that_lead_nowhere(void **state)
{
    struct cse_fixture *f = *state;
    char query[64];
    unsigned long long inner = mark_of(f, "ri", "Sa/hall/i1");
    unsigned long long yard = mark_of(f, "ri", "Sa/yard");
    static const char *const never[] = {"ofst=10000001", "ofst=18446744073709551615", "ofst=7300000000000000000"};
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        assert_string_equal(found(f, never[i]), "query-malformed");
        assert_non_null(strstr(f->body, "begin without ofst"));
    }
    snprintf(query, sizeof(query), "ofst=%llu", inner);
    assert_int_equal(ask(f, "Sa/yard", query, -1, 1), ERR_MALFORMED_QUERY); /* not below this target */
    assert_int_equal(ask(f, "Sa/hall/i1", query, -1, 1), ERR_MALFORMED_QUERY);
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "Sa/hall"), ERR_OK);
    assert_string_equal(found(f, query), "query-malformed");
    snprintf(query, sizeof(query), "ofst=%llu", yard);
    assert_string_equal(found(f, query), "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(every_filter), T(labels_as_they_are_written), T(addresses_and_references), T(nested_results),
        T(refused_usages), T(only_what_may_be_seen),
        T(pages_make_the_whole), T(after_each_entry), T(after_an_ae), T(marks_that_lead_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
