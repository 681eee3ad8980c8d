/* CoAP binding: every row of the tables, every refusal, and that a request means the same as over HTTP. */
#include "wire/coap_binding.h"
#include "wire/http_binding.h"
#include "wire/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct parsed {
    struct coap_message m;
    char scratch[COAP_BINDING_SCRATCH];
    struct primitive prim;
    char detail[96];
};

static void add(struct parsed *p, uint16_t number, const char *value)
{
    assert_int_equal(coap_add(&p->m, number, bytes_of(value, strlen(value))), ERR_OK);
}

/* A request to a path as HTTP writes it. */
static void start(struct parsed *p, uint8_t code, const char *path)
{
    struct text rest = text_of(path);
    struct text part;
    p->m = coap_blank(COAP_CON, code);
    while (text_next(&rest, '/', &part)) {
        assert_int_equal(coap_add(&p->m, COAP_OPT_URI_PATH, text_bytes(part)), ERR_OK);
    }
}

static err_t parse(struct parsed *p)
{
    struct writer w = WRITER_ARRAY(p->scratch);
    return coap_binding_parse(&p->m, &w, &p->prim, p->detail);
}

static void refused(struct parsed *p, err_t expected, const char *detail)
{
    err_t e = parse(p);
    if (e != expected || strcmp(p->detail, detail) != 0) {
        fail_msg("expected %s (%s), got %s (%s)", err_code(expected), detail, err_code(e), p->detail);
    }
    assert_null(p->prim.pc);
}

static void content(struct parsed *p, const char *format, size_t n, const char *body)
{
    assert_int_equal(coap_add(&p->m, COAP_OPT_CONTENT_FORMAT, bytes_of(format, n)), ERR_OK);
    p->m.payload = bytes_of(body, strlen(body));
}

static void create_carries_everything(void **state)
{
    (void)state;
    struct parsed p;
    usec_t ret;
    start(&p, COAP_POST, "~/in/cse");
    add(&p, COAP_OPT_URI_QUERY, "rcn=9");
    add(&p, COAP_OPT_URI_QUERY, "fu=1");
    add(&p, COAP_OPT_M2M_FR, "Cdev");
    add(&p, COAP_OPT_M2M_RQI, "r1");
    add(&p, COAP_OPT_M2M_RVI, "2a");
    add(&p, COAP_OPT_M2M_RQET, "20300102T030405");
    add(&p, COAP_OPT_M2M_TY, "\2");
    content(&p, "\x27\x11", 2, "{\"m2m:ae\":{}}"); /* 10001 */
    assert_int_equal(parse(&p), ERR_OK);
    assert_int_equal(timestamp_parse(text_of("20300102T030405"), &ret), ERR_OK);
    assert_int_equal(p.prim.op, OP_CREATE);
    assert_true(text_eq_z(p.prim.query, "rcn=9&fu=1")); /* as the next CSE gets it */
    assert_true(p.prim.has_ty && p.prim.ty == 2 && p.prim.has_from);
    assert_true(text_eq_z(p.prim.from, "Cdev") && text_eq_z(p.prim.rqi, "r1") && text_eq_z(p.prim.rvi, "2a"));
    assert_true(text_eq_z(p.prim.to, "/in/cse") && text_eq_z(p.prim.path, "/~/in/cse"));
    assert_true(p.prim.has_rcn && p.prim.rcn == 9 && p.prim.fu == 1 && p.prim.expires == ret && !p.prim.unsupported);
    assert_non_null(json_object_get(p.prim.pc, "m2m:ae"));
    coap_binding_wipe(&p.prim);
    assert_null(p.prim.pc);
}

static void methods(void **state)
{
    (void)state;
    static const struct {
        uint8_t code;
        enum op op;
    } rows[] = {{COAP_GET, OP_RETRIEVE}, {COAP_POST, OP_NOTIFY}, {COAP_PUT, OP_UPDATE}, {COAP_DELETE, OP_DELETE}};
    struct parsed p;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        start(&p, rows[i].code, "x");
        assert_int_equal(parse(&p), ERR_OK);
        assert_int_equal(p.prim.op, rows[i].op);
        assert_false(p.prim.has_from || p.prim.has_ty || p.prim.has_rcn || p.prim.unsupported);
        assert_true(p.prim.expires == USEC_NEVER);
        add(&p, COAP_OPT_M2M_TY, "\4");
        assert_int_equal(parse(&p), rows[i].code == COAP_POST ? ERR_OK : ERR_NOT_PERMITTED);
        assert_true(rows[i].code != COAP_POST || p.prim.op == OP_CREATE);
    }
    for (uint8_t code = COAP_DELETE + 1; code < 32; code++) {
        start(&p, code, "x");
        refused(&p, ERR_OPERATION, "method");
    }
}

static void formats(void **state)
{
    (void)state;
    struct parsed p;
    static const struct {
        const char *format;
        size_t n;
        err_t e;
    } rows[] = {
        {"\x32", 1, ERR_OK},             /* 50 */
        {"\x27\x11", 2, ERR_OK},         /* 10001 */
        {"", 0, ERR_MEDIA_TYPE},         /* 0: text */
        {"\x29", 1, ERR_MEDIA_TYPE},     /* 41: XML */
        {"\x3c", 1, ERR_OK},             /* 60: CBOR */
        {"\x27\x1a", 2, ERR_OK},         /* 10010 */
        {"\x27\x1e", 2, ERR_MEDIA_TYPE}, /* 10014 */
        {"\xff\xff", 2, ERR_MEDIA_TYPE},
        {"\1\2\3", 3, ERR_MEDIA_TYPE}, /* counts as absent, and then the content has no type */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        start(&p, COAP_POST, "x");
        bool cbor = i == 4 || i == 5;
        content(&p, rows[i].format, rows[i].n, cbor ? "\xa0" : "{}");
        assert_int_equal(parse(&p), rows[i].e);
        assert_true(rows[i].e != ERR_OK || (p.prim.media == (cbor ? MEDIA_CBOR : MEDIA_JSON) && p.prim.accept == p.prim.media));
        coap_binding_wipe(&p.prim);
        start(&p, COAP_GET, "x");
        assert_int_equal(coap_add(&p.m, COAP_OPT_ACCEPT, bytes_of(rows[i].format, rows[i].n)), ERR_OK);
        assert_int_equal(parse(&p), rows[i].e == ERR_OK || rows[i].n == 3 ? ERR_OK : ERR_ACCEPT);
    }
    start(&p, COAP_POST, "x");
    p.m.payload = bytes_of("{}", 2);
    refused(&p, ERR_MEDIA_TYPE, "Content-Format");
    assert_int_equal(primitive_coap_code(err_info(ERR_MEDIA_TYPE)->rsc), COAP_CODE(4, 15));
    assert_int_equal(primitive_coap_code(err_info(ERR_ACCEPT)->rsc), COAP_CODE(4, 6));
}

/* Paths, queries and content are refused for the same reasons as over HTTP: the same code decides. */
static void means_the_same_as_http(void **state)
{
    (void)state;
    static const char *const paths[] = {"x", "-", "-/a/la", "~/in", "~/in/-/x", "_/sp.example/in/x", "a/~/b", "fetchCredentials/0A@mef.example",
                                        "~", "_", "_/sp", "a/../b", ".", "a//b", "a b", "a:b", "a%40b", "a%2fb"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct parsed p;
        char text[256];
        char scratch[256];
        char detail[96];
        struct http1_request h;
        struct primitive q;
        size_t used;
        int n = snprintf(text, sizeof(text), "GET /%s HTTP/1.1\r\nHost: h\r\n\r\n", paths[i]);
        start(&p, COAP_GET, paths[i]);
        err_t e = parse(&p);
        if (strpbrk(paths[i], " %") != NULL) {
            assert_int_equal(e, ERR_MALFORMED_TO); /* no escapes here: a segment is what it is */
            continue;
        }
        struct writer w = WRITER_ARRAY(scratch);
        assert_int_equal(http1_parse(bytes_of(text, (size_t)n), 0, &h, &used), ERR_OK);
        assert_int_equal(http_binding_parse(&h, &w, &q, detail), e);
        assert_true(e != ERR_OK || (text_eq(p.prim.to, q.to) && text_eq(p.prim.path, q.path)));
    }
}

static void segments_hold_no_slash(void **state)
{
    (void)state;
    struct parsed p;
    char segment[256];
    p.m = coap_blank(COAP_CON, COAP_GET);
    add(&p, COAP_OPT_URI_PATH, "a/b"); /* would read as two segments */
    refused(&p, ERR_MALFORMED_TO, "Uri-Path");
    start(&p, COAP_GET, "");
    refused(&p, ERR_MALFORMED_TO, "Uri-Path");
    p.m = coap_blank(COAP_CON, COAP_GET);
    memset(segment, 'a', sizeof(segment));
    assert_int_equal(coap_add(&p.m, COAP_OPT_URI_PATH, bytes_of(segment, 255)), ERR_OK);
    assert_int_equal(coap_add(&p.m, COAP_OPT_URI_PATH, bytes_of(segment, 255)), ERR_OK);
    assert_int_equal(parse(&p), ERR_OK); /* 512 with the slashes */
    add(&p, COAP_OPT_URI_PATH, "");
    refused(&p, ERR_LIMIT_SIZE, "Uri-Path");
}

static void queries_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *query, *detail;
        err_t e;
    } rows[] = {
        {"rcn=1", "", ERR_OK},       {"foo=1", "foo", ERR_MALFORMED_QUERY}, {"rcn", "rcn", ERR_MALFORMED_QUERY},
        {"rcn=13", "rcn", ERR_MALFORMED_QUERY}, {"", "", ERR_MALFORMED_QUERY}, {"fu=1&rcn=1", "fu", ERR_MALFORMED_QUERY},
    };
    struct parsed p;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        start(&p, COAP_GET, "x");
        add(&p, COAP_OPT_URI_QUERY, rows[i].query);
        refused(&p, rows[i].e, rows[i].detail);
    }
    start(&p, COAP_GET, "x");
    add(&p, COAP_OPT_URI_QUERY, "rcn=1");
    add(&p, COAP_OPT_URI_QUERY, "rcn=1");
    refused(&p, ERR_MALFORMED_QUERY, "rcn");
}

static void names_are_checked(void **state)
{
    (void)state;
    struct parsed p;
    char longer[256];
    memset(longer, 'r', 200);
    longer[200] = '\0';
    static const struct {
        uint16_t number;
        const char *value;
        err_t e;
        const char *detail;
    } rows[] = {
        {COAP_OPT_M2M_RQI, "a b", ERR_MALFORMED, "oneM2M-RQI"},
        {COAP_OPT_M2M_RQI, NULL, ERR_MALFORMED, "oneM2M-RQI"},
        {COAP_OPT_M2M_RVI, "6", ERR_RELEASE, "oneM2M-RVI"},
        {COAP_OPT_M2M_FR, "C\x01", ERR_MALFORMED_FROM, "oneM2M-FR"},
        {COAP_OPT_M2M_FR, NULL, ERR_MALFORMED_FROM, "oneM2M-FR"},
        {COAP_OPT_M2M_RQET, "tomorrow", ERR_MALFORMED_TIME, "oneM2M-RQET"},
        {COAP_OPT_M2M_RQET, "0", ERR_REQUEST_EXPIRED, "oneM2M-RQET"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        start(&p, COAP_GET, "x");
        add(&p, rows[i].number, rows[i].value != NULL ? rows[i].value : longer);
        refused(&p, rows[i].e, rows[i].detail);
    }
    start(&p, COAP_GET, "..");
    add(&p, COAP_OPT_M2M_RQI, "r1");
    add(&p, COAP_OPT_M2M_RVI, "3");
    refused(&p, ERR_MALFORMED_TO, "Uri-Path"); /* but the reply knows its names */
    assert_true(text_eq_z(p.prim.rqi, "r1") && text_eq_z(p.prim.rvi, "3"));
}

static void known_but_not_implemented_is_flagged(void **state)
{
    (void)state;
    static const struct {
        uint16_t number;
        const char *name;
    } rows[] = {
        {COAP_OPT_M2M_OT, "oneM2M-OT"},       {COAP_OPT_M2M_RSET, "oneM2M-RSET"}, {COAP_OPT_M2M_OET, "oneM2M-OET"},
        {COAP_OPT_M2M_RTURI, "oneM2M-RTURI"}, {COAP_OPT_M2M_EC, "oneM2M-EC"},     {COAP_OPT_M2M_GID, "oneM2M-GID"},
        {COAP_OPT_M2M_CTO, "oneM2M-CTO"},     {COAP_OPT_M2M_CTS, "oneM2M-CTS"},   {COAP_OPT_M2M_ATI, "oneM2M-ATI"},
        {COAP_OPT_M2M_VSI, "oneM2M-VSI"},     {COAP_OPT_M2M_GTM, "oneM2M-GTM"},   {COAP_OPT_M2M_AUS, "oneM2M-AUS"},
        {COAP_OPT_M2M_ASRI, "oneM2M-ASRI"},
    };
    struct parsed p;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        start(&p, COAP_GET, "x");
        add(&p, rows[i].number, "1");
        assert_int_equal(coap_refusal(&p.m), 0); /* known: 5001, not 4.02 */
        assert_int_equal(parse(&p), ERR_OK);
        assert_true(p.prim.unsupported);
        assert_string_equal(p.prim.unsupported_name, rows[i].name);
    }
}

static void content_is_checked(void **state)
{
    (void)state;
    static const struct {
        uint8_t code;
        const char *body;
        err_t e;
    } rows[] = {
        {COAP_DELETE, "{}", ERR_NOT_PERMITTED}, {COAP_POST, "[]", ERR_MALFORMED_JSON}, {COAP_POST, "{", ERR_MALFORMED_JSON},
        {COAP_PUT, "{\"a\":1,\"a\":1}", ERR_MALFORMED_DUPLICATE},
    };
    struct parsed p;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        start(&p, rows[i].code, "x");
        content(&p, "2", 1, rows[i].body);
        refused(&p, rows[i].e, "content");
    }
}

static void small_scratch_is_reported(void **state)
{
    (void)state;
    struct parsed p;
    for (size_t cap = 0; cap <= 18; cap++) {
        struct writer w = writer_of(p.scratch, cap);
        start(&p, COAP_GET, "_/sp/in/a");
        assert_int_equal(coap_binding_parse(&p.m, &w, &p.prim, p.detail), cap < 19 ? ERR_LIMIT_SIZE : ERR_OK);
    }
}

/* -- both directions -------------------------------------------------------------------------------- */

static void response_there_and_back(void **state)
{
    (void)state;
    static const char *const locations[] = {"/in/Cdev", "//sp.example/in/Cdev", "-/a", "Cdev", ""};
    for (size_t i = 0; i < ARRAY_LEN(locations); i++) {
        uint8_t one[512];
        uint8_t two[512];
        struct writer w1 = WRITER_ARRAY(one);
        struct writer w2 = WRITER_ARRAY(two);
        struct coap_message m;
        struct primitive_response got;
        struct primitive_response r = {2001, text_of("r1"), text_of("3"), text_of(locations[i]), bytes_of("{}", 2), MEDIA_JSON,
                                       (uint64_t)i * i * UINT64_C(300000000000000000), text_empty(), text_empty(), text_empty(), false};
        assert_int_equal(coap_binding_response(OP_CREATE, &r, &w1, &m), ERR_OK);
        assert_int_equal(m.code, COAP_CODE(2, 1));
        assert_int_equal(coap_binding_parse_response(&m, &w2, &got), ERR_OK);
        assert_int_equal(got.rsc, 2001);
        assert_true(text_eq(got.rqi, r.rqi) && text_eq(got.rvi, r.rvi) && bytes_eq(got.body, r.body));
        assert_int_equal(got.next, r.next);
        assert_true(text_eq(got.location, r.location));
    }
}

/* 2000 is the one status whose code depends on what was asked [TS-0008 6.2]. */
static void ok_to_a_notification_is_changed(void **state)
{
    (void)state;
    static const struct {
        enum op asked;
        uint16_t rsc;
        unsigned code;
    } rows[] = {
        {OP_RETRIEVE, 2000, COAP_CODE(2, 5)}, {OP_NOTIFY, 2000, COAP_CODE(2, 4)}, {OP_UPDATE, 2004, COAP_CODE(2, 4)},
        {OP_DELETE, 2002, COAP_CODE(2, 2)},   {OP_NOTIFY, 4103, COAP_CODE(4, 3)}, {OP_NONE, 4000, COAP_CODE(4, 0)},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t buf[64];
        struct writer w = WRITER_ARRAY(buf);
        struct coap_message m;
        struct primitive_response r = {rows[i].rsc, text_of("r1"), text_of("3"), text_empty(), bytes_empty(), MEDIA_JSON, 0, text_empty(), text_empty(), text_empty(), false};
        assert_int_equal(coap_binding_response(rows[i].asked, &r, &w, &m), ERR_OK);
        assert_int_equal(m.code, rows[i].code);
    }
}

static void bad_responses_are_nonsense(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct primitive_response got;
    struct coap_message m = coap_blank(COAP_ACK, COAP_CODE(2, 5));
    struct writer w = WRITER_ARRAY(buf);
    assert_int_equal(coap_binding_parse_response(&m, &w, &got), ERR_PEER_NONSENSE); /* no status code */
    assert_int_equal(coap_add(&m, COAP_OPT_M2M_RSC, bytes_of("\x03\xe7", 2)), ERR_OK); /* 999 */
    assert_int_equal(coap_binding_parse_response(&m, &w, &got), ERR_PEER_NONSENSE);
    m.options[0].value = bytes_of("\x07\xd0", 2); /* 2000 */
    assert_int_equal(coap_binding_parse_response(&m, &w, &got), ERR_OK);
    m.payload = bytes_of("{}", 2);
    assert_int_equal(coap_binding_parse_response(&m, &w, &got), ERR_PEER_NONSENSE); /* content without a format */
    m.payload = bytes_empty();
    assert_int_equal(coap_add(&m, COAP_OPT_LOCATION_PATH, bytes_of("a/b", 3)), ERR_OK);
    assert_int_equal(coap_binding_parse_response(&m, &w, &got), ERR_PEER_NONSENSE);
    struct primitive_response certs = {.rsc = 2000, .body = bytes_of("x", 1), .media = MEDIA_CERTS};
    assert_int_equal(coap_binding_response(OP_RETRIEVE, &certs, &w, &m), ERR_ACCEPT); /* no content format for it */
}

static void request_there_and_back(void **state)
{
    (void)state;
    static const enum op all[] = {OP_CREATE, OP_RETRIEVE, OP_UPDATE, OP_DELETE, OP_NOTIFY};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct parsed p;
        char buf[512];
        struct writer w = WRITER_ARRAY(buf);
        struct primitive q = {.op = all[i], .path = text_of("/~/in/a%40b?lvl=2"), .has_from = true, .from = text_of("Cdev"),
                              .rqi = text_of("r7"), .rvi = text_of("3"), .has_ty = all[i] == OP_CREATE, .ty = 10002,
                              .has_rcn = true, .rcn = 4, .fu = 1, .expires = 1700000000 * USEC_PER_SEC};
        q.content = all[i] == OP_UPDATE ? bytes_of("{\"a\":1}", 7) : bytes_empty();
        assert_int_equal(coap_binding_request(&q, &w, &p.m), ERR_OK);
        assert_int_equal(coap_refusal(&p.m), 0);
        assert_int_equal(parse(&p), ERR_OK);
        assert_int_equal(p.prim.op, all[i]);
        assert_true(text_eq_z(p.prim.path, "/~/in/a@b") && text_eq_z(p.prim.to, "/in/a@b"));
        assert_true(text_eq(p.prim.from, q.from) && text_eq(p.prim.rqi, q.rqi) && text_eq(p.prim.rvi, q.rvi));
        assert_true(p.prim.has_ty == q.has_ty && (!q.has_ty || p.prim.ty == q.ty));
        assert_true(p.prim.rcn == 4 && p.prim.fu == 1 && p.prim.expires == q.expires);
        assert_true(bytes_eq(p.prim.content, q.content) && !p.prim.unsupported);
        assert_true(filter_has(&p.prim.filter, FILTER_LVL) && p.prim.filter.number[FILTER_LVL] == 2);
        coap_binding_wipe(&p.prim);
    }
    struct writer none = writer_of(NULL, 0);
    struct coap_message m;
    struct primitive bad = {.op = OP_NONE, .path = text_of("/x")};
    assert_int_equal(coap_binding_request(&bad, &none, &m), ERR_USAGE);
    bad = (struct primitive){.op = OP_RETRIEVE, .path = text_of("x")};
    assert_int_equal(coap_binding_request(&bad, &none, &m), ERR_USAGE);
}

/* Relayed from HTTP, a filter means the same here or is refused. */
static void labels_stay_whole(void **state)
{
    (void)state;
    struct parsed p;
    char room[512];
    struct writer w = WRITER_ARRAY(room);
    struct primitive labels = {.op = OP_RETRIEVE, .path = text_of("/a"), .rqi = text_of("r8"), .rvi = text_of("3"), .expires = USEC_NEVER};
    assert_int_equal(filter_parse(text_of("lbl"), text_of("a&b"), NULL, &labels.filter), ERR_OK);
    assert_int_equal(coap_binding_request(&labels, &w, &p.m), ERR_OK);
    assert_int_equal(parse(&p), ERR_OK);
    assert_true(p.prim.filter.lbl.n == 1 && text_eq_z(p.prim.filter.lbl.at[0], "a&b")); /* an '&' in an option is one */
    coap_binding_wipe(&p.prim);
    labels.filter.lbl.at[0] = text_of("a+b"); /* as HTTP can say it; here it would be two */
    assert_int_equal(coap_binding_request(&labels, &w, &p.m), ERR_MALFORMED_QUERY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_carries_everything),
        cmocka_unit_test(methods),
        cmocka_unit_test(formats),
        cmocka_unit_test(means_the_same_as_http),
        cmocka_unit_test(segments_hold_no_slash),
        cmocka_unit_test(queries_are_checked),
        cmocka_unit_test(labels_stay_whole),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(known_but_not_implemented_is_flagged),
        cmocka_unit_test(content_is_checked),
        cmocka_unit_test(small_scratch_is_reported),
        cmocka_unit_test(response_there_and_back),
        cmocka_unit_test(ok_to_a_notification_is_changed),
        cmocka_unit_test(bad_responses_are_nonsense),
        cmocka_unit_test(request_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
