/* HTTP binding: every row of the tables, every refusal, truncation of the target at each octet, replies. */
#include "wire/http_binding.h"
#include "wire/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct parsed {
    char text[4096];
    char scratch[1024];
    struct http1_request http;
    struct primitive prim;
    char detail[96];
};

static err_t parse_with(struct parsed *p, const char *line, const char *headers, const char *body, size_t scratch)
{
    int n = snprintf(p->text, sizeof(p->text), "%s HTTP/1.1\r\nHost: h\r\n%sContent-Length: %zu\r\n\r\n%s", line, headers,
                     strlen(body), body);
    size_t used;
    assert_true(n > 0 && (size_t)n < sizeof(p->text));
    assert_int_equal(http1_parse(bytes_of(p->text, (size_t)n), 4096, &p->http, &used), ERR_OK);
    assert_int_equal(used, n);
    struct writer w = writer_of(p->scratch, scratch);
    return http_binding_parse(&p->http, &w, &p->prim, p->detail);
}

static err_t parse(struct parsed *p, const char *line, const char *headers, const char *body)
{
    return parse_with(p, line, headers, body, sizeof(p->scratch));
}

static void refused(const char *line, const char *headers, const char *body, err_t expected, const char *detail)
{
    struct parsed p;
    err_t e = parse(&p, line, headers, body);
    if (e != expected || strcmp(p.detail, detail) != 0) {
        fail_msg("%s %s: expected %s (%s), got %s (%s)", line, headers, err_code(expected), detail, err_code(e), p.detail);
    }
    assert_null(p.prim.pc);
    http_binding_wipe(&p.prim);
}

static void create_carries_everything(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse(&p, "POST /~/in/cse?rcn=9&fu=1&rt=3",
                           "X-M2M-Origin: Cdev\r\nX-M2M-RI: r1\r\nX-M2M-RVI: 2a\r\nX-M2M-RET: 20300102T030405,5\r\n"
                           "Content-Type: Application/vnd.onem2m-res+json; charset=UTF-8 ;ty=2\r\nAuthorisation: x\r\n",
                           "{\"m2m:ae\":{}}"),
                     ERR_OK);
    usec_t ret;
    assert_int_equal(timestamp_parse(text_of("20300102T030405,5"), &ret), ERR_OK);
    assert_int_equal(p.prim.op, OP_CREATE);
    assert_true(p.prim.has_ty && p.prim.ty == 2);
    assert_true(p.prim.has_from && text_eq_z(p.prim.from, "Cdev"));
    assert_true(text_eq_z(p.prim.rqi, "r1"));
    assert_true(text_eq_z(p.prim.rvi, "2a"));
    assert_true(text_eq_z(p.prim.to, "/in/cse"));
    assert_true(text_eq_z(p.prim.path, "/~/in/cse"));
    assert_true(p.prim.has_rcn && p.prim.rcn == 9 && p.prim.fu == 1);
    assert_true(p.prim.expires == ret && p.prim.expires_after_ms == 0);
    assert_false(p.prim.unsupported);
    assert_int_equal(p.prim.content.n, 13);
    assert_non_null(json_object_get(p.prim.pc, "m2m:ae"));
    http_binding_wipe(&p.prim);
    assert_null(p.prim.pc);
}

static void absent_things_have_defaults(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse(&p, "GET /-", "X-M2M-Origin:\r\n", ""), ERR_OK);
    assert_false(p.prim.has_from); /* empty counts as absent */
    assert_false(p.prim.has_ty || p.prim.has_rcn || p.prim.unsupported);
    assert_int_equal(p.prim.rqi.n + p.prim.rvi.n + p.prim.from.n, 0);
    assert_true(p.prim.expires == USEC_NEVER);
    assert_null(p.prim.pc);
    http_binding_wipe(&p.prim);
}

static void method_and_type_make_the_operation(void **state)
{
    (void)state;
    static const struct {
        const char *line, *headers, *body;
        enum op op;
    } rows[] = {
        {"GET /x", "", "", OP_RETRIEVE},
        {"GET /x", "Content-Type: text/html\r\n", "", -1},
        {"PUT /x", "Content-Type: application/json\r\n", "{}", OP_UPDATE},
        {"DELETE /x", "", "", OP_DELETE},
        {"POST /x", "", "", OP_NOTIFY},
        {"POST /x", "Content-Type: application/json\r\n", "{}", OP_NOTIFY},
        {"POST /x", "Content-Type: application/json;ty=4\r\n", "", OP_CREATE},
        {"POST /x", "Content-Type: application/json; ty = 4 ; charset=\"utf-8\"\r\n", "{}", OP_CREATE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct parsed p;
        err_t e = parse(&p, rows[i].line, rows[i].headers, rows[i].body);
        assert_int_equal(e, (int)rows[i].op == -1 ? ERR_MEDIA_TYPE : ERR_OK);
        assert_true(e != ERR_OK || p.prim.op == rows[i].op);
        http_binding_wipe(&p.prim);
    }
    refused("PATCH /x", "", "", ERR_OPERATION, "method");
    refused("HEAD /x", "", "", ERR_OPERATION, "method");
}

static void paths_become_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *line, *to, *path;
    } rows[] = {
        {"GET /x", "x", "/x"},
        {"GET /-", "-", "/-"},
        {"GET /-/a/la", "-/a/la", "/-/a/la"},
        {"GET /~/in", "/in", "/~/in"},
        {"GET /~/in/-/x", "/in/-/x", "/~/in/-/x"},
        {"GET /_/sp.example/in", "//sp.example/in", "/_/sp.example/in"},
        {"GET /_/sp.example/in/x?rcn=1", "//sp.example/in/x", "/_/sp.example/in/x"},
        {"GET /fetchCredentials/0A@mef.example", "fetchCredentials/0A@mef.example", "/fetchCredentials/0A@mef.example"},
        {"GET /fetchCredentials/0A%40mef.example/32", "fetchCredentials/0A@mef.example/32",
         "/fetchCredentials/0A@mef.example/32"},
        {"GET /_/sp/in/a%40b", "//sp/in/a@b", "/_/sp/in/a@b"},
        {"GET /a/~/b", "a/~/b", "/a/~/b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct parsed p;
        assert_int_equal(parse(&p, rows[i].line, "", ""), ERR_OK);
        assert_true(text_eq_z(p.prim.to, rows[i].to));
        assert_true(text_eq_z(p.prim.path, rows[i].path));
        http_binding_wipe(&p.prim);
    }
}

/* Who has no route for it refuses it (dispatch.c); with or without Authorization it is Ub's. */
static void the_root_is_a_path(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse(&p, "GET /", "", ""), ERR_OK);
    assert_true(text_eq_z(p.prim.path, "/"));
    http_binding_wipe(&p.prim);
}

static void bad_paths_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "GET //",      "GET //x",     "GET /x/",     "GET /a//b",   "GET /.",       "GET /..",     "GET /a/../b", "GET /a/./b",
        "GET /~",      "GET /~/",     "GET /_",      "GET /_/",     "GET /_/sp",    "GET /_/sp/",  "GET /_//in",  "GET /a%2fb",
        "GET /a%2Fb",  "GET /%2e%2e", "GET /a%00b",  "GET /a%",     "GET /a%4",     "GET /a%4g",   "GET /a%41",   "GET /a b",
        "GET /a\\b",   "GET /a;b",    "GET /a*b",    "GET /a|b",    "GET /a\"b",    "GET /a:b",    "GET /a+b",    "GET //?rcn=1",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strchr(rows[i] + 4, ' ') == NULL) {
            refused(rows[i], "", "", ERR_MALFORMED_TO, "path");
        }
    }
    char line[600] = "GET /";
    memset(line + 5, 'a', 511);
    struct parsed p;
    assert_int_equal(parse(&p, line, "", ""), ERR_OK);
    line[5 + 511] = 'a';
    refused(line, "", "", ERR_LIMIT_SIZE, "path");
}

static void small_scratch_is_reported(void **state)
{
    (void)state;
    struct parsed p;
    for (size_t cap = 0; cap < 11; cap++) {
        assert_int_equal(parse_with(&p, "GET /_/sp/in/a", "", "", cap), cap < 9 ? ERR_LIMIT_SIZE : ERR_OK);
        assert_int_equal(parse_with(&p, "GET /abcd%40fghij", "", "", cap), cap < 11 ? ERR_LIMIT_SIZE : ERR_OK);
    }
}

static void query_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *line, *detail;
    } bad[] = {
        {"GET /x?foo=1", "foo"},  {"GET /x?rcn", "rcn"},          {"GET /x?rcn=", "rcn"},   {"GET /x?rcn=13", "rcn"},
        {"GET /x?rcn=a", "rcn"},  {"GET /x?rcn=1&rcn=1", "rcn"},  {"GET /x?rcn=1&", "&"},   {"GET /x?&rcn=1", ""},
        {"GET /x?fu=0", "fu"},    {"GET /x?fu=4", "fu"},          {"GET /x?rt=6", "rt"},    {"GET /x?rcn=01", "rcn"},
        {"GET /x?RCN=1", "RCN"},  {"GET /x?lim=1&lim=2", "lim"},  {"GET /x?=1", ""},        {"GET /x?rcn=%31", "rcn"},
        {"GET /x?a?b=1", "a?b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        refused(bad[i].line, "", "", ERR_MALFORMED_QUERY, bad[i].detail);
    }
    struct parsed p;
    assert_int_equal(parse(&p, "GET /x?", "", ""), ERR_OK);
    assert_int_equal(parse(&p, "GET /x?rcn=0&fu=3", "", ""), ERR_OK);
    assert_true(p.prim.has_rcn && p.prim.rcn == 0 && p.prim.fu == 3 && !p.prim.unsupported);
}

/* Role-IDs are a list: NAME@DOMAIN, at most four. */
static void roles_that_are_claimed(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse(&p, "GET /x?rids=a%40sp.example+b@sp.example&rids=c@sp.example", "", ""), ERR_OK);
    assert_int_equal(p.prim.rids.n, 3);
    assert_true(text_eq_z(p.prim.rids.at[0], "a@sp.example") && text_eq_z(p.prim.rids.at[1], "b@sp.example"));
    assert_true(text_eq_z(p.prim.rids.at[2], "c@sp.example") && !p.prim.unsupported);
    static const char *const bad[] = {"", "a", "a@", "@b", "a@b@c", "a@b+", "+a@b", "a@b+a@b+a@b+a@b+a@b", "a@b%20", "a@*", "a@b/c", "a%4"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char line[128];
        (void)snprintf(line, sizeof(line), "GET /x?rids=%s", bad[i]);
        refused(line, "", "", ERR_MALFORMED_QUERY, "rids");
    }
}

static void known_but_not_implemented_is_flagged(void **state)
{
    (void)state;
    static const struct {
        const char *line, *headers, *name;
    } rows[] = {
        {"GET /x?rt=2", "", "rt"},
        {"GET /x?lbq=a&lim=5", "", "lbq"},
        {"GET /x?gq=", "", "gq"},
        {"GET /x", "X-M2M-OT: 20300101T000000\r\n", "X-M2M-OT"},
        {"GET /x", "X-M2M-RST: 1\r\n", "X-M2M-RST"},
        {"GET /x", "x-m2m-ec: 1\r\n", "x-m2m-ec"},
        {"GET /x", "X-M2M-GID: 1\r\nX-M2M-RTU: 2\r\n", "X-M2M-GID"},
        {"GET /x", "X-M2M-Some-Very-Long-Name-Of-A-Later-Release: 1\r\n", "X-M2M-Some-Very-Long-Name-Of-A-"},
        {"GET /x", "Authorization: x\r\nAuthorization: y\r\n", "Authorization"},
        {"GET /x", "Content-Type: application/json\r\n", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct parsed p;
        assert_int_equal(parse(&p, rows[i].line, rows[i].headers, ""), ERR_OK);
        assert_int_equal(p.prim.unsupported, rows[i].name != NULL);
        assert_string_equal(p.prim.unsupported_name, rows[i].name == NULL ? "" : rows[i].name);
    }
    struct parsed p;
    assert_int_equal(parse(&p, "GET /x", "Content-Type: application/json\r\n", "{\"m2m:atrl\":[]}"), ERR_OK);
    assert_true(p.prim.unsupported);
    http_binding_wipe(&p.prim);
}

static void headers_are_checked(void **state)
{
    (void)state;
    char longer[300] = "X-M2M-RI: ";
    memset(longer + 10, 'r', 129);
    memcpy(longer + 10 + 129, "\r\n", 3);
    refused("GET /x", longer, "", ERR_MALFORMED, "X-M2M-RI");
    memcpy(longer, "X-M2M-Origin: C", 15);
    memset(longer + 15, 'C', 191);
    memcpy(longer + 15 + 191, "\r\n", 3);
    refused("GET /x", longer, "", ERR_MALFORMED_FROM, "X-M2M-Origin");
    refused("GET /x", "X-M2M-RI: a b\r\n", "", ERR_MALFORMED, "X-M2M-RI");
    refused("GET /x", "X-M2M-RI: \xc3\xa9\r\n", "", ERR_MALFORMED, "X-M2M-RI");
    refused("GET /x", "X-M2M-Origin: C a\r\n", "", ERR_MALFORMED_FROM, "X-M2M-Origin");
    refused("GET /x", "X-M2M-RVI: 6\r\n", "", ERR_RELEASE, "X-M2M-RVI");
    refused("GET /x", "X-M2M-RVI: 2b\r\n", "", ERR_RELEASE, "X-M2M-RVI");
    refused("GET /x", "X-M2M-RET: tomorrow\r\n", "", ERR_MALFORMED_TIME, "X-M2M-RET");
    refused("GET /x", "X-M2M-RET: 20300101T000060\r\n", "", ERR_MALFORMED_TIME, "X-M2M-RET");
    refused("GET /x", "X-M2M-RET: 0\r\n", "", ERR_REQUEST_EXPIRED, "X-M2M-RET");
    refused("GET /x", "X-M2M-RET: 4294967296\r\n", "", ERR_MALFORMED_TIME, "X-M2M-RET");
    struct parsed p;
    assert_int_equal(parse(&p, "GET /x", "X-M2M-RET: 1500\r\n", ""), ERR_OK);
    assert_true(p.prim.expires_after_ms == 1500 && p.prim.expires == USEC_NEVER);
    static const char *const releases[] = {"1", "2", "2a", "3", "4", "5"};
    for (size_t i = 0; i < ARRAY_LEN(releases); i++) {
        char h[32];
        snprintf(h, sizeof(h), "X-M2M-RVI: %s\r\n", releases[i]);
        assert_int_equal(parse(&p, "GET /x", h, ""), ERR_OK);
        assert_true(text_eq_z(p.prim.rvi, releases[i]));
    }
}

static void reply_names_survive_a_refusal(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse(&p, "GET /..", "X-M2M-RI: r1\r\nX-M2M-RVI: 3\r\n", ""), ERR_MALFORMED_TO);
    assert_true(text_eq_z(p.prim.rqi, "r1"));
    assert_true(text_eq_z(p.prim.rvi, "3"));
    assert_int_equal(parse(&p, "GET /x", "X-M2M-RI: r1\r\nX-M2M-RVI: 9\r\n", ""), ERR_RELEASE);
    assert_true(text_eq_z(p.prim.rqi, "r1"));
    assert_true(text_eq_z(p.prim.rvi, ""));
}

static void content_is_checked(void **state)
{
    (void)state;
    static const char json[] = "Content-Type: application/json\r\n";
    refused("POST /x", "", "{}", ERR_MEDIA_TYPE, "Content-Type");
    refused("POST /x", "Content-Type:\r\n", "{}", ERR_MEDIA_TYPE, "Content-Type");
    refused("POST /x", "Content-Type: application/xml\r\n", "<a/>", ERR_MEDIA_TYPE, "Content-Type");
    refused("POST /x", "Content-Type: application/vnd.onem2m-res+xml;ty=2\r\n", "<a/>", ERR_MEDIA_TYPE, "Content-Type");
    refused("POST /x", "Content-Type: application/json;charset=latin1\r\n", "{}", ERR_MEDIA_TYPE, "charset");
    refused("POST /x", "Content-Type: application/json;q=1\r\n", "{}", ERR_MEDIA_TYPE, "q");
    refused("POST /x", "Content-Type: application/json;ty=2;ty=2\r\n", "{}", ERR_MALFORMED_QUERY, "ty");
    refused("POST /x", "Content-Type: application/json;ty=\r\n", "{}", ERR_MALFORMED_QUERY, "ty");
    refused("POST /x", "Content-Type: application/json;ty=4294967296\r\n", "{}", ERR_MALFORMED_QUERY, "ty");
    refused("PUT /x", "Content-Type: application/json;ty=2\r\n", "{}", ERR_NOT_PERMITTED, "ty");
    refused("DELETE /x", json, "{}", ERR_NOT_PERMITTED, "content");
    refused("POST /x", json, "[]", ERR_MALFORMED_JSON, "content");
    refused("POST /x", json, "{", ERR_MALFORMED_JSON, "content");
    refused("POST /x", json, "{}{}", ERR_MALFORMED_JSON, "content");
    refused("POST /x", json, "{\"a\":1,\"a\":1}", ERR_MALFORMED_DUPLICATE, "content");
    refused("POST /x", json, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", ERR_LIMIT_DEPTH, "content");
}

/* Each prefix of a target is either an address or one of the two refusals, never anything else. */
static void target_truncated_at_each_octet(void **state)
{
    (void)state;
    static const char whole[] = "GET /_/sp.example/in/a%40b/c?rcn=1&fu=1&lim=10&lbl=x";
    for (size_t cut = 5; cut < sizeof(whole); cut++) {
        char line[sizeof(whole)];
        memcpy(line, whole, cut);
        line[cut] = '\0';
        struct parsed p;
        err_t e = parse(&p, line, "", "");
        assert_true(e == ERR_OK || e == ERR_MALFORMED_TO || e == ERR_MALFORMED_QUERY);
        assert_true(e == ERR_OK || p.detail[0] != '\0');
    }
}

static void response_has_its_headers(void **state)
{
    (void)state;
    char out[512];
    struct writer w = WRITER_ARRAY(out);
    struct primitive_response r = {2001, text_of("r1"), text_of("3"), text_of("/in/Cdev"), bytes_of("{}", 2),
                                   MEDIA_JSON, 0, text_empty(), text_empty(), text_empty(), false};
    assert_int_equal(http_binding_write(&r, false, &w), ERR_OK);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_string_equal(out, "HTTP/1.1 201 Created\r\nX-M2M-RSC: 2001\r\nX-M2M-RI: r1\r\nX-M2M-RVI: 3\r\n"
                             "Content-Location: /in/Cdev\r\nContent-Type: application/json\r\n"
                             "Content-Length: 2\r\n\r\n{}");
    size_t whole = w.n;
    for (size_t cap = 0; cap < whole; cap++) {
        w = writer_of(out, cap);
        assert_int_equal(http_binding_write(&r, false, &w), ERR_LIMIT_SIZE);
    }
    w = WRITER_ARRAY(out);
    r = (struct primitive_response){4107, text_empty(), text_empty(), text_empty(), bytes_empty(), MEDIA_JSON, 0, text_empty(), text_empty(), text_empty(), false};
    assert_int_equal(http_binding_write(&r, true, &w), ERR_OK);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_string_equal(out, "HTTP/1.1 403 Forbidden\r\nX-M2M-RSC: 4107\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    w = WRITER_ARRAY(out);
    r = (struct primitive_response){2000, text_empty(), text_empty(), text_empty(), bytes_empty(), MEDIA_JSON, 1001, text_empty(), text_of("qop=auth"), text_empty(), false};
    assert_int_equal(http_binding_write(&r, false, &w), ERR_OK);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_string_equal(out, "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nAuthentication-Info: qop=auth\r\nX-M2M-CTS: 1\r\nX-M2M-CTO: 1001\r\n"
                             "Content-Length: 0\r\n\r\n");
    r.location = text_of("a\r\nSet-Cookie: b");
    assert_int_equal(http_binding_write(&r, true, &w), ERR_MALFORMED_HTTP);
}

static void octets_pass_through(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse(&p, "POST /.well-known/est/simpleenroll",
                           "Content-Type: Application/pkcs10; x=y\r\nContent-Transfer-Encoding: base64\r\n", "{MII"),
                     ERR_OK);
    assert_int_equal(p.prim.op, OP_NOTIFY);
    assert_int_equal(p.prim.media, MEDIA_PKCS10);
    assert_int_equal(p.prim.content.n, 4);
    assert_null(p.prim.pc);
    refused("POST /a", "Content-Type: application/pkcs12\r\n", "x", ERR_MEDIA_TYPE, "Content-Type");
    char out[256];
    struct writer w = WRITER_ARRAY(out);
    struct primitive_response r = {2000, text_empty(), text_empty(), text_empty(), bytes_of("MII=", 4), MEDIA_CERTS, 0, text_empty(), text_empty(), text_empty(), false};
    assert_int_equal(http_binding_write(&r, false, &w), ERR_OK);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_string_equal(out, "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nContent-Transfer-Encoding: base64\r\n"
                             "Content-Type: application/pkcs7-mime; smime-type=certs-only\r\n"
                             "Content-Length: 4\r\n\r\nMII=");
}

static void statuses_come_from_the_table(void **state)
{
    (void)state;
    assert_int_equal(primitive_http_status(2000), 200);
    assert_int_equal(primitive_http_status(4001), 501);
    assert_int_equal(primitive_http_status(4128), 403);
    assert_int_equal(primitive_http_status(5106), 409);
    assert_int_equal(primitive_http_status(9999), 500);
    assert_int_equal(primitive_coap_code(2000), 0x45);
    assert_int_equal(primitive_coap_code(4015), 0x8f);
    assert_int_equal(primitive_coap_code(9999), 0xa0);
    assert_string_equal(primitive_rsc_name(4103), "ORIGINATOR_HAS_NO_PRIVILEGE");
    assert_string_equal(primitive_rsc_name(1), "UNKNOWN");
    assert_string_equal(primitive_op_name(OP_NOTIFY), "NOTIFY");
    assert_string_equal(primitive_op_name((enum op)77), "NONE");
    /* Each error that can reach a peer has a status that the table knows, and a reason phrase of its own. */
    for (unsigned e = 1; e < ERR_COUNT; e++) {
        assert_string_not_equal(primitive_rsc_name(err_info((err_t)e)->rsc), "UNKNOWN");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_carries_everything),
        cmocka_unit_test(absent_things_have_defaults),
        cmocka_unit_test(method_and_type_make_the_operation),
        cmocka_unit_test(paths_become_addresses),
        cmocka_unit_test(the_root_is_a_path),
        cmocka_unit_test(bad_paths_are_refused),
        cmocka_unit_test(small_scratch_is_reported),
        cmocka_unit_test(query_is_checked),
        cmocka_unit_test(roles_that_are_claimed),
        cmocka_unit_test(known_but_not_implemented_is_flagged),
        cmocka_unit_test(headers_are_checked),
        cmocka_unit_test(reply_names_survive_a_refusal),
        cmocka_unit_test(content_is_checked),
        cmocka_unit_test(target_truncated_at_each_octet),
        cmocka_unit_test(response_has_its_headers),
        cmocka_unit_test(octets_pass_through),
        cmocka_unit_test(statuses_come_from_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
