/* Resources of the CSE: the table of types in action, addresses, limits, la/ol, deletion. */
#include "cse_fixture.h"
#include "role/cse/cse_res.h"
#include "role/cse/cse_sweep.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RULE(who, op) "{\"acr\":[{\"acor\":[\"" who "\"],\"acop\":" op "}]}"
#define ACP(name, pv, pvs) "{\"m2m:acp\":{\"rn\":\"" name "\",\"pv\":" pv ",\"pvs\":" pvs "}}"

static void cin(struct cse_fixture *f, const char *to, const char *con)
{
    char body[256];
    snprintf(body, sizeof(body), "{\"m2m:cin\":{\"con\":\"%s\"}}", con);
    cse_fixture_make(f, to, 4, body);
}

static void expect_con(struct cse_fixture *f, const char *to, const char *con)
{
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", to), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "con"), con);
}

static void expect_cnt(struct cse_fixture *f, const char *to, const char *cni, const char *cbs)
{
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", to), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "cni"), cni);
    assert_string_equal(cse_fixture_member(f, "cbs"), cbs);
}

/* -- representations ------------------------------------------------------------------------------------- */
static void representations(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "cse-in/app-a", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"lbl\":[\"x \\\"y\\\"\",\"\\u00e9\"],\"mni\":5,\"cr\":null}}");
    assert_int_equal(f->rsc, 2001);
    assert_string_equal(cse_fixture_member(f, "rn"), "c");
    assert_string_equal(cse_fixture_member(f, "ty"), "3");
    assert_string_equal(cse_fixture_member(f, "pi"), "Sa");
    assert_string_equal(cse_fixture_member(f, "ct"), "20231114T221320");
    assert_string_equal(cse_fixture_member(f, "lt"), "20231114T221320");
    assert_string_equal(cse_fixture_member(f, "et"), "20241113T221320"); /* [cse] lifetime */
    assert_string_equal(cse_fixture_member(f, "lbl"), "[\"x \\\"y\\\"\",\"\xc3\xa9\"]");
    assert_string_equal(cse_fixture_member(f, "mni"), "5");
    assert_string_equal(cse_fixture_member(f, "cr"), "//sp.example.com/Sa");
    assert_string_equal(cse_fixture_member(f, "st"), "0");
    assert_string_equal(cse_fixture_member(f, "cni"), "0");
    assert_int_equal(strlen(cse_fixture_member(f, "ri")), CSE_RES_UID_LEN);
    char ri[64], address[128];
    snprintf(ri, sizeof(ri), "%s", cse_fixture_member(f, "ri"));
    snprintf(address, sizeof(address), "/in/%s", ri);
    assert_string_equal(f->location, address);
    cin(f, "cse-in/app-a/c", "hello");
    assert_string_equal(cse_fixture_member(f, "cs"), "5");
    assert_string_equal(cse_fixture_member(f, "st"), "1");
    char rn[64];
    snprintf(rn, sizeof(rn), "%s", cse_fixture_member(f, "rn"));
    assert_string_equal(cse_fixture_member(f, "ri"), rn);
    expect_cnt(f, "cse-in/app-a/c", "1", "5");
    const char *const other[] = {"true", "17", "[1,2]", "{\"a\":1}"};
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        char body[64];
        snprintf(body, sizeof(body), "{\"m2m:cin\":{\"con\":%s}}", other[i]);
        cse_fixture_make(f, "cse-in/app-a/c", 4, body);
        assert_string_equal(cse_fixture_member(f, "con"), other[i]);
    }
    assert_int_equal(cse_fixture_get(f, &f->admin, "Sadmin", "cse-in"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "csi"), "/in");
    assert_string_equal(cse_fixture_member(f, "srt"), "[1,2,3,4,5,9,14,11,15,16,19,20,23,31,32,34,35,36,37,10002,10003,10004,10005]");
    assert_string_equal(cse_fixture_member(f, "cst"), "1");
}

/* TS-0001 7.2: every form of an address, and forms that are none. */
static void addresses(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "cse-in/app-a", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}");
    char ri[64];
    snprintf(ri, sizeof(ri), "%s", cse_fixture_member(f, "ri"));
    cin(f, "cse-in/app-a/c", "v");
    char in[64];
    snprintf(in, sizeof(in), "%s", cse_fixture_member(f, "ri"));
    static const char *const good[] = {
        "cse-in/app-a/c/@", "-/app-a/c/@", "/in/-/app-a/c/@", "/in/cse-in/app-a/c/@", "@", "/in/@",
        "//sp.example.com/in/@", "//SP.example.com/in/-/app-a/c/la", "#/la", "/in/#/ol", "Sa/c/la",
        "/in/Sa/c/@",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char to[256];
        struct writer w = WRITER_ARRAY(to);
        for (const char *c = good[i]; *c != '\0'; c++) { /* # the container, @ the instance */
            writer_text(&w, *c == '#' ? text_of(ri) : *c == '@' ? text_of(in) : text_span(c, 1));
        }
        assert_int_equal(writer_finish_z(&w), ERR_OK);
        expect_con(f, to, "v");
    }
    assert_int_equal(cse_fixture_get(f, &f->admin, "Sadmin", "/in"), ERR_OK);
    static const struct {
        const char *to;
        err_t want;
    } bad[] = {
        {"/mn1/x", ERR_NOT_FOUND},                 {"//other.example.org/in/x", ERR_NOT_FOUND},
        {"cse-in/none", ERR_NOT_FOUND},            {"nothing", ERR_NOT_FOUND},
        {"cse-in/app-a/c/la/x", ERR_NOT_FOUND},    {"cse-in/app-a/la", ERR_NOT_FOUND},
        {"", ERR_MALFORMED_TO},                    {"cse-in/", ERR_MALFORMED_TO},
        {"cse-in//app-a", ERR_MALFORMED_TO},       {"//sp.example.com", ERR_MALFORMED_TO},
        {"/", ERR_NOT_FOUND},                      {"//", ERR_NOT_FOUND},
        {"a b", ERR_MALFORMED_TO},                 {"cse-in/a%2fb", ERR_NOT_FOUND},
        {"/in/", ERR_MALFORMED_TO},                {"cse-in/../cse-in", ERR_NOT_FOUND},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(cse_fixture_get(f, &f->a, "Sa", bad[i].to), bad[i].want);
    }
}

static void contents_that_are_refused(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "cse-in/app-a", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}");
    char long_name[128] = "{\"m2m:cnt\":{\"rn\":\"";
    memset(long_name + strlen(long_name), 'n', 65);
    strcat(long_name, "\"}}");
    static const struct {
        uint32_t ty;
        const char *to, *body;
        err_t want;
        uint16_t rsc;
    } rows[] = {
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"rn\":\"c\"}}", ERR_EXISTS, 4105},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"rn\":\"a/b\"}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"rn\":\"..\"}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"rn\":\"la\"}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"rn\":\"\"}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"ri\":\"x\"}}", ERR_NOT_PERMITTED, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"cni\":1}}", ERR_NOT_PERMITTED, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"mni\":0}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"mni\":-1}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"mni\":1.5}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"mni\":4294967296}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"lbl\":\"x\"}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"lbl\":[1]}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"cr\":\"Sb\"}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"et\":\"20200101T000000\"}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"et\":\"tomorrow\"}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"acpi\":[\"cse-in/none\"]}}", ERR_CONTENTS, 4102},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"acpi\":[\"cse-in/app-a\"]}}", ERR_CONTENTS, 4102},
        {3, "cse-in/app-a", "{\"m2m:cnt\":{\"acpi\":[]}}", ERR_ATTRIBUTE_TYPE, 4000},
        {3, "cse-in/app-a", "{\"m2m:cnt\":[]}", ERR_CONTENTS, 4102},
        {4, "cse-in/app-a", "{\"m2m:cin\":{\"con\":\"x\"}}", ERR_CHILD_TYPE, 4108},
        {4, "cse-in/app-a/c", "{\"m2m:cin\":{}}", ERR_MISSING, 4000},
        {4, "cse-in/app-a/c", "{\"m2m:cin\":{\"con\":null}}", ERR_ATTRIBUTE_TYPE, 4000},
        {4, "cse-in/app-a/c", "{\"m2m:cin\":{\"con\":\"x\",\"acpi\":[\"x\"]}}", ERR_UNKNOWN_ATTRIBUTE, 4000},
        {4, "cse-in/app-a/c", "{\"m2m:cin\":{\"con\":\"x\",\"cs\":1}}", ERR_NOT_PERMITTED, 4000},
        {4, "cse-in/app-a/c/la", "{\"m2m:cin\":{\"con\":\"x\"}}", ERR_NOT_FOUND, 4004},
        {9999, "cse-in/app-a", "{\"m2m:grp\":{}}", ERR_TYPE_UNSUPPORTED, 5001},
        {5, "cse-in/app-a", "{\"m2m:cb\":{}}", ERR_OPERATION, 4005},
        {0, "cse-in/app-a", "{\"m2m:cnt\":{}}", ERR_MISSING, 4000},
    };
    size_t before = world_count(f->cse, TABLE_CSE_RES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(cse_fixture_create(f, &f->a, "Sa", rows[i].to, rows[i].ty, rows[i].body), rows[i].want);
        assert_int_equal(f->rsc, rows[i].rsc);
        assert_non_null(strstr(f->body, err_code(rows[i].want)));
    }
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in/app-a", 3, long_name), ERR_ATTRIBUTE_TYPE);
    assert_int_equal(world_count(f->cse, TABLE_CSE_RES), before);
}

static void updates(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "cse-in/app-a", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"lbl\":[\"x\"],\"mni\":5}}");
    f->w.now += 5 * SECOND;
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "cse-in/app-a/c", "{\"m2m:cnt\":{\"mni\":7,\"lbl\":null,\"mbs\":100}}"), ERR_OK);
    assert_int_equal(f->rsc, 2004);
    assert_string_equal(cse_fixture_member(f, "mni"), "7");
    assert_string_equal(cse_fixture_member(f, "mbs"), "100");
    assert_string_equal(cse_fixture_member(f, "lbl"), "");
    assert_string_equal(cse_fixture_member(f, "st"), "1");
    assert_string_equal(cse_fixture_member(f, "ct"), "20231114T221320");
    assert_string_equal(cse_fixture_member(f, "lt"), "20231114T221325");
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "cse-in/app-a/c", "{\"m2m:cnt\":{\"et\":\"20240101T000000\"}}"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "et"), "20240101T000000");
    cin(f, "cse-in/app-a/c", "x");
    static const struct {
        const char *to, *body;
        err_t want;
        uint16_t rsc;
    } rows[] = {
        {"cse-in/app-a/c", "{\"m2m:cnt\":{\"rn\":\"d\"}}", ERR_NOT_PERMITTED, 4000},
        {"cse-in/app-a/c", "{\"m2m:cnt\":{\"et\":null}}", ERR_NOT_PERMITTED, 4000},
        {"cse-in/app-a/c", "{\"m2m:cnt\":{\"et\":\"20231114T221320\"}}", ERR_ATTRIBUTE_TYPE, 4000},
        {"cse-in/app-a/c", "{\"m2m:cnt\":{\"nope\":null}}", ERR_UNKNOWN_ATTRIBUTE, 4000},
        {"cse-in/app-a/c", "{\"m2m:ae\":{}}", ERR_CONTENTS, 4102},
        {"cse-in/app-a/c", NULL, ERR_MISSING, 4000},
        {"cse-in/app-a/c", "{\"m2m:cnt\":{\"acpi\":[\"x\"],\"mni\":3}}", ERR_NOT_PERMITTED, 4000},
        {"cse-in/app-a/c/la", "{\"m2m:cin\":{\"lbl\":[\"x\"]}}", ERR_OPERATION, 4005},
        {"cse-in/app-a", "{\"m2m:ae\":{\"api\":\"Nother\"}}", ERR_NOT_PERMITTED, 4000},
        {"cse-in/app-a", "{\"m2m:ae\":{\"rr\":null}}", ERR_NOT_PERMITTED, 4000},
        {"cse-in/none", "{\"m2m:cnt\":{}}", ERR_NOT_FOUND, 4004},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(cse_fixture_put(f, &f->a, "Sa", rows[i].to, rows[i].body), rows[i].want);
        assert_int_equal(f->rsc, rows[i].rsc);
    }
    char ri[64];
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app-a/c/la"), ERR_OK);
    snprintf(ri, sizeof(ri), "%s", cse_fixture_member(f, "ri"));
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", ri, "{\"m2m:cin\":{\"lbl\":[\"x\"]}}"), ERR_OPERATION);
    /* The label of the credential survives whatever an AE does to lbl (11.3.2 step 8). */
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa", "{\"m2m:ae\":{\"lbl\":[\"mine\"]}}"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "lbl"), "[\"mine\",\"Credential-ID:12-ka@sp.example.com\"]");
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa", "{\"m2m:ae\":{\"lbl\":null}}"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "lbl"), "[\"Credential-ID:12-ka@sp.example.com\"]");
    assert_int_equal(world_audited(f->cse, AUDIT_RESOURCE_UPDATED), 4);
}

static void result_contents(void **state)
{
    struct cse_fixture *f = *state;
    struct cse_call c = {.s = &f->a, .op = OP_CREATE, .ty = 3, .to = "cse-in/app-a", .from = "Sa", .rcn = 2 + 1,
                         .body = "{\"m2m:cnt\":{\"rn\":\"c\"}}"};
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_string_equal(f->body, "{\"m2m:uri\":\"cse-in/app-a/c\"}");
    f->w.now += 1;
    c.body = "{\"m2m:cnt\":{\"rn\":\"d\"}}";
    c.rcn = 3 + 1;
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "uri"), "cse-in/app-a/d");
    assert_non_null(strstr(f->body, "\"m2m:cnt\":{\"rn\":\"d\""));
    f->w.now += 1;
    c.body = "{\"m2m:cnt\":{\"rn\":\"e\"}}";
    c.rcn = 0 + 1;
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_string_equal(f->body, "");
    c.body = "{\"m2m:cnt\":{\"rn\":\"m\",\"lbl\":[\"x\"],\"mni\":5}}";
    c.rcn = 9 + 1; /* what the registrar set, not what was sent */
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "lbl"), "");
    assert_string_equal(cse_fixture_member(f, "mni"), "");
    assert_string_equal(cse_fixture_member(f, "ct"), "20231114T221320");
    c = (struct cse_call){.s = &f->a, .op = OP_RETRIEVE, .to = "cse-in/app-a", .from = "Sa", .rcn = 6 + 1};
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_non_null(strstr(f->body, "{\"m2m:rrl\":{\"rrf\":[{\"nm\":\"c\",\"typ\":3,\"val\":\""));
    assert_non_null(strstr(f->body, "\"nm\":\"e\""));
    c.rcn = 5 + 1;
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "rn"), "app-a");
    assert_non_null(strstr(cse_fixture_member(f, "ch"), "\"nm\":\"d\""));
    static const struct {
        int rcn;
        err_t want;
    } rows[] = {{0, ERR_MALFORMED_QUERY}, {2, ERR_MALFORMED_QUERY}, {7, ERR_NOT_IMPLEMENTED},
              {11, ERR_MALFORMED_QUERY}, {99, ERR_MALFORMED_QUERY}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        c.rcn = rows[i].rcn + 1;
        assert_int_equal(cse_fixture_call(f, &c), rows[i].want);
    }
    c.rcn = 0;
    c.fu = 2;
    assert_int_equal(cse_fixture_call(f, &c), ERR_NOT_IMPLEMENTED);
    c = (struct cse_call){.s = &f->a, .op = OP_DELETE, .to = "cse-in/app-a/c", .from = "Sa", .rcn = 1 + 1};
    assert_int_equal(cse_fixture_call(f, &c), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "rn"), "c");
    assert_int_equal(f->rsc, 2002);
}

/* -- containers --------------------------------------------------------------------------------------------- */
static void latest_oldest_and_eviction(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "cse-in/app-a", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"mni\":3}}");
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app-a/c/la"), ERR_NOT_FOUND);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app-a/c/ol"), ERR_NOT_FOUND);
    for (int i = 0; i < 20; i++) { /* all in the same microsecond: the order is the container's, not the clock's */
        char v[16];
        snprintf(v, sizeof(v), "v%d", i);
        cin(f, "cse-in/app-a/c", v);
        expect_con(f, "cse-in/app-a/c/la", v);
        snprintf(v, sizeof(v), "v%d", i < 3 ? 0 : i - 2);
        expect_con(f, "cse-in/app-a/c/ol", v);
    }
    expect_cnt(f, "cse-in/app-a/c", "3", "9");
    assert_int_equal(world_count(f->cse, TABLE_CSE_RES), 3 + 1 + 3); /* evicted records are gone from the store */
    assert_int_equal(world_count(f->cse, TABLE_CSE_CHILD), 2 + 1 + 3);
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "cse-in/app-a/c/la"), ERR_OK);
    expect_con(f, "cse-in/app-a/c/la", "v18");
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "cse-in/app-a/c/ol"), ERR_OK);
    expect_con(f, "cse-in/app-a/c/ol", "v18");
    expect_cnt(f, "cse-in/app-a/c", "1", "3");
}

static void byte_limits(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "cse-in/app-a", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"mbs\":10}}");
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in/app-a/c", 4, "{\"m2m:cin\":{\"con\":\"12345678901\"}}"), ERR_CONTENT_SIZE);
    assert_int_equal(f->rsc, 5207);
    cin(f, "cse-in/app-a/c", "1234567890");
    cin(f, "cse-in/app-a/c", "1");
    expect_cnt(f, "cse-in/app-a/c", "1", "1");
    cin(f, "cse-in/app-a/c", "22");
    cin(f, "cse-in/app-a/c", "333");
    expect_cnt(f, "cse-in/app-a/c", "3", "6");
    cin(f, "cse-in/app-a/c", "55555");
    expect_cnt(f, "cse-in/app-a/c", "3", "10");
    expect_con(f, "cse-in/app-a/c/ol", "22");
}

/* One small change of mni drops many at once, and their records go with later requests. */
static void mass_eviction(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "cse-in/app-a", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}");
    char first[64];
    for (int i = 0; i < 100; i++) {
        cin(f, "cse-in/app-a/c", "x");
        if (i == 50) {
            snprintf(first, sizeof(first), "%s", cse_fixture_member(f, "ri"));
        }
    }
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", first), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "cse-in/app-a/c", "{\"m2m:cnt\":{\"mni\":2}}"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "cni"), "2");
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", first), ERR_NOT_FOUND); /* gone at once, also by identifier */
    assert_true(world_count(f->cse, TABLE_CSE_RES) > 50);
    for (int i = 0; i < 15; i++) {
        cin(f, "cse-in/app-a/c", "y");
        expect_cnt(f, "cse-in/app-a/c", "2", "2");
    }
    assert_int_equal(world_count(f->cse, TABLE_CSE_RES), 3 + 1 + 2);
    assert_int_equal(world_count(f->cse, TABLE_CSE_CHILD), 2 + 1 + 2);
}

static void instances_age(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "cse-in/app-a", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"mia\":60}}");
    cin(f, "cse-in/app-a/c", "old");
    assert_string_equal(cse_fixture_member(f, "et"), "20231114T221420");
    f->w.now += 30 * SECOND;
    cin(f, "cse-in/app-a/c", "new");
    f->w.now += 30 * SECOND - 1;
    expect_con(f, "cse-in/app-a/c/ol", "old");
    f->w.now += 1;
    expect_con(f, "cse-in/app-a/c/ol", "new");
    cin(f, "cse-in/app-a/c", "newer");
    expect_cnt(f, "cse-in/app-a/c", "2", "8");
    f->w.now += HOUR;
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app-a/c/la"), ERR_NOT_FOUND);
}

static void large_content(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "cse-in/app-a", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}");
    char *body = malloc(70000);
    strcpy(body, "{\"m2m:cin\":{\"con\":\"");
    size_t n = strlen(body);
    memset(body + n, 'x', 65536);
    strcpy(body + n + 65536, "\"}}");
    cse_fixture_make(f, "cse-in/app-a/c", 4, body);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app-a/c/la"), ERR_OK);
    assert_non_null(strstr(f->body, "\"cs\":65536"));
    strcpy(body, "{\"m2m:cnt\":{\"rn\":\"");
    n = strlen(body);
    memset(body + n, 'x', 65536);
    strcpy(body + n + 65536, "\"}}");
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in/app-a", 3, body), ERR_ATTRIBUTE_TYPE);
    strcpy(body, "{\"m2m:cnt\":{\"");
    n = strlen(body);
    memset(body + n, 'x', 65536);
    strcpy(body + n + 65536, "\":1}}");
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in/app-a", 3, body), ERR_UNKNOWN_ATTRIBUTE);
    free(body);
}

static void depth_is_bounded(void **state)
{
    struct cse_fixture *f = *state;
    char to[1024] = "Sa";
    err_t e = ERR_OK;
    size_t depth = 0;
    while (e == ERR_OK && depth < 40) {
        e = cse_fixture_create(f, &f->a, "Sa", to, 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}");
        strcat(to, "/c");
        depth++;
    }
    assert_int_equal(e, ERR_LIMIT_DEPTH);
    assert_in_range(depth, 25, CSE_RES_DEPTH_MAX);
    to[strlen(to) - 2] = '\0';
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", to), ERR_OK);
    char ri[64];
    snprintf(ri, sizeof(ri), "%s", cse_fixture_member(f, "ri"));
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", ri), ERR_OK);
}

/* -- deletion ------------------------------------------------------------------------------------------------- */
static void sweep_all(struct cse_fixture *f)
{
    for (int i = 0; i < 20; i++) { /* every DELETE collects, and leaves only what it made itself */
        cse_fixture_make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"tmp\"}}");
        assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "Sa/tmp"), ERR_OK);
    }
}

static void subtree_is_deleted_at_once(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "cse-in/app-a", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}");
    cse_fixture_make(f, "cse-in/app-a/c", 3, "{\"m2m:cnt\":{\"rn\":\"d\"}}");
    cse_fixture_make(f, "cse-in/app-a/c/d", 3, "{\"m2m:cnt\":{\"rn\":\"e\"}}");
    char ri[64];
    snprintf(ri, sizeof(ri), "%s", cse_fixture_member(f, "ri"));
    for (int i = 0; i < 60; i++) {
        cin(f, i % 2 == 0 ? "cse-in/app-a/c" : "cse-in/app-a/c/d/e", "x");
    }
    char in[64];
    snprintf(in, sizeof(in), "%s", cse_fixture_member(f, "ri"));
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "cse-in/app-a/c"), ERR_OK);
    static const char *const gone[] = {"cse-in/app-a/c", "cse-in/app-a/c/d", "cse-in/app-a/c/d/e/la"};
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
        assert_int_equal(cse_fixture_get(f, &f->a, "Sa", gone[i]), ERR_NOT_FOUND);
    }
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", ri), ERR_NOT_FOUND); /* nor by unstructured identifiers */
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", in), ERR_NOT_FOUND);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", ri, 4, "{\"m2m:cin\":{\"con\":\"x\"}}"), ERR_NOT_FOUND);
    cse_fixture_make(f, "cse-in/app-a", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"); /* the name is free, and the new one is empty */
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app-a/c/d"), ERR_NOT_FOUND);
    expect_cnt(f, "cse-in/app-a/c", "0", "0");
    sweep_all(f);
    assert_int_equal(world_count(f->cse, TABLE_CSE_GARBAGE), 1);
    assert_int_equal(world_count(f->cse, TABLE_CSE_RES), 4);
    assert_int_equal(world_count(f->cse, TABLE_CSE_CHILD), 3);
    assert_int_equal(world_count(f->cse, TABLE_CSE_NAME), 3);
}

static void deregistration(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_make(f, "Sa", 1, ACP("p", RULE("Sb", "2"), RULE("Sa", "63")));
    cse_fixture_make(f, "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}");
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "Sb", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"acpi\":[\"Sa/p\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sb/c"), ERR_OK);
    assert_int_equal(cse_fixture_del(f, &f->b, "Sb", "Sa"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "Sa"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_NOT_FOUND);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sb/c"), ERR_DENIED_PRIVILEGE); /* its policy is gone: nothing grants */
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/c"), ERR_NOT_FOUND); /* the new AE has none of the old children */
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sb/c"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_del(f, &f->admin, "Sadmin", "cse-in"), ERR_OPERATION);
    sweep_all(f);
    assert_int_equal(world_count(f->cse, TABLE_CSE_ACP), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, cse_fixture_setup, cse_fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(representations), T(addresses), T(contents_that_are_refused), T(updates), T(result_contents),
        T(latest_oldest_and_eviction), T(byte_limits), T(mass_eviction), T(instances_age), T(large_content),
        T(depth_is_bounded), T(subtree_is_deleted_at_once), T(deregistration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
