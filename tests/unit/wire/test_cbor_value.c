/* CBOR: what is taken and what is refused (tests/vectors/cbor.txt), truncation, the way of an answer, media and Accept. */
#include "base/hex.h"
#include "wire/binding.h"
#include "wire/cbor_value.h"
#include "wire/json.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

struct row {
    struct text verdict, hex, json;
};

/* A map of one member "v": what the rows give is its value. */
static size_t octets_of(struct text hex, uint8_t *out, size_t cap)
{
    struct writer w = writer_of(out, cap);
    writer_z(&w, "\xa1"
                 "av");
    assert_int_equal(hex_parse(hex, &w), ERR_OK);
    return w.n;
}

static void taken(const struct row *r, struct bytes in)
{
    SCOPED(json_scope) json_t *v = NULL;
    SCOPED(json_scope) json_t *want = NULL;
    uint8_t again[8192];
    char text[8192];
    struct writer w = WRITER_ARRAY(again);
    (void)snprintf(text, sizeof(text), "{\"v\":%.*s}", (int)r->json.n, r->json.p);
    assert_int_equal(cbor_value_parse(in, &v), ERR_OK);
    assert_int_equal(json_parse(text_bytes(text_of(text)), &want), ERR_OK);
    if (!json_equal(v, want)) {
        fail_msg("not %s", text);
    }
    assert_int_equal(cbor_value_write(v, &w), ERR_OK);
    if (text_eq_z(r->verdict, "same") && !bytes_eq(writer_view(&w), in)) {
        fail_msg("written otherwise: %s", text);
    }
}

/* No beginning of a whole is a whole. */
static void cut(const uint8_t *in, size_t n)
{
    json_t *v = NULL;
    for (size_t i = 0; i < n; i++) {
        uint8_t *exact = malloc(i + 1); /* so that the sanitizer sees a read behind it */
        assert_non_null(exact);
        memcpy(exact, in, i);
        err_t e = cbor_value_parse(bytes_of(exact, i), &v);
        assert_true(e != ERR_OK && v == NULL);
        free(exact);
    }
}

static void row(const struct row *r)
{
    uint8_t in[8192];
    size_t n = octets_of(r->hex, in, sizeof(in));
    json_t *v = NULL;
    if (text_eq_z(r->verdict, "same") || text_eq_z(r->verdict, "ok")) {
        taken(r, bytes_of(in, n));
        cut(in, n);
    } else {
        err_t e = cbor_value_parse(bytes_of(in, n), &v);
        if (v != NULL || !text_eq_z(r->verdict, err_info(e)->code)) {
            fail_msg("%.*s: %s", (int)r->hex.n, r->hex.p, err_info(e)->code);
        }
    }
}

static void vectors(void **state)
{
    (void)state;
    char path[512];
    char *line = NULL;
    size_t cap = 0;
    unsigned rows = 0;
    (void)snprintf(path, sizeof(path), "%s/tests/vectors/cbor.txt", getenv("KEYSTEAD_SOURCE"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (ssize_t n = getline(&line, &cap, f); n > 0; n = getline(&line, &cap, f)) {
        struct text rest = text_take(text_span(line, (size_t)n), text_find(text_span(line, (size_t)n), '\n'));
        struct row r;
        if (rest.n == 0 || rest.p[0] == '#') {
            continue;
        }
        assert_true(text_next(&rest, '\t', &r.verdict) && text_next(&rest, '\t', &r.hex) && text_next(&rest, '\t', &r.json));
        row(&r);
        rows++;
    }
    free(line);
    (void)fclose(f);
    assert_true(rows > 115);
}

/* Only a map is a content. */
static void whole_contents(void **state)
{
    (void)state;
    static const char *const not[] = {"\x80", "\x00", "\xf6", "\x61x"};
    json_t *v = NULL;
    for (size_t i = 0; i < ARRAY_LEN(not); i++) {
        size_t n = i == 1 ? 1 : strlen(not[i]);
        assert_int_equal(cbor_value_parse(bytes_of(not[i], n), &v), ERR_MALFORMED_CBOR);
    }
    assert_int_equal(cbor_value_parse(bytes_empty(), &v), ERR_MALFORMED_CBOR);
    static const char text[] = "{\"m2m:cin\":{\"con\":\"21.5\",\"lbl\":[\"a\",\"b\"],\"cs\":4,\"x\":null,\"y\":-7,\"z\":true}}";
    uint8_t cbor[256];
    char back[256];
    struct writer w = WRITER_ARRAY(cbor);
    struct writer b = WRITER_ARRAY(back);
    assert_int_equal(cbor_value_of_json(text_bytes(text_of(text)), &w), ERR_OK);
    assert_int_equal(cbor_value_to_json(writer_view(&w), &b), ERR_OK);
    assert_true(text_eq_z(writer_view_text(&b), text)); /* members stay in their order */
    for (size_t room = 0; room < w.n; room++) {
        uint8_t small[256];
        struct writer s = writer_of(small, room);
        assert_int_equal(cbor_value_of_json(text_bytes(text_of(text)), &s), ERR_LIMIT_SIZE);
    }
}

static void answers(void **state)
{
    (void)state;
    char room[64];
    static const char body[] = "{\"m2m:cin\":{\"con\":\"x\"}}";
    struct primitive_response r = {.rsc = 2000, .body = text_bytes(text_of(body))};
    struct writer w = WRITER_ARRAY(room);
    binding_answer(MEDIA_JSON, &r, &w);
    assert_true(r.media == MEDIA_JSON && r.body.p == (const uint8_t *)body);
    struct writer small = writer_of(room, 4);
    binding_answer(MEDIA_CBOR, &r, &small);
    assert_true(r.media == MEDIA_JSON && r.body.n == strlen(body)); /* does not fit: says truly what it is */
    binding_answer(MEDIA_CBOR, &r, &w);
    assert_true(r.media == MEDIA_CBOR && r.body.n == 16 && r.body.p[0] == 0xa1);
    struct primitive_response raw = {.media = MEDIA_CERTS, .body = text_bytes(text_of(body))};
    binding_answer(MEDIA_CBOR, &raw, &w);
    assert_true(raw.media == MEDIA_CERTS);
    struct primitive_response empty = {.body = bytes_empty()};
    binding_answer(MEDIA_CBOR, &empty, &w);
    assert_true(empty.media == MEDIA_JSON && empty.body.n == 0);
}

static void accepts(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        enum media otherwise, want;
    } rows[] = {
        {"", MEDIA_JSON, MEDIA_JSON},
        {"", MEDIA_CBOR, MEDIA_CBOR},
        {"*/*", MEDIA_CBOR, MEDIA_CBOR},
        {"application/cbor", MEDIA_JSON, MEDIA_CBOR},
        {"Application/Vnd.oneM2M-res+CBOR", MEDIA_JSON, MEDIA_CBOR},
        {"application/json", MEDIA_CBOR, MEDIA_JSON},
        {"application/json, application/cbor", MEDIA_CBOR, MEDIA_CBOR},
        {"application/json;q=0.5, application/cbor", MEDIA_JSON, MEDIA_CBOR},
        {"application/json;q=0.5 , application/cbor ; q=0.499", MEDIA_CBOR, MEDIA_JSON},
        {"application/json;q=0, application/cbor;q=0.001", MEDIA_JSON, MEDIA_CBOR},
        {"application/cbor;q=0", MEDIA_JSON, MEDIA_JSON},
        {"application/cbor;q=2", MEDIA_JSON, MEDIA_JSON},
        {"application/cbor;q=x", MEDIA_JSON, MEDIA_JSON},
        {"application/cbor;q=", MEDIA_JSON, MEDIA_JSON},
        {"text/html", MEDIA_PKCS10, MEDIA_JSON},
        {"application/pkcs7-mime", MEDIA_JSON, MEDIA_JSON},
        {",,;,", MEDIA_JSON, MEDIA_JSON},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (media_accept(text_of(rows[i].accept), rows[i].otherwise) != rows[i].want) {
            fail_msg("%s", rows[i].accept);
        }
    }
}

static void formats(void **state)
{
    (void)state;
    enum media m = MEDIA_N;
    for (uint32_t f = 0; f < 70000; f++) {
        bool json = f == 50 || f == 10001;
        bool cbor = f == 60 || f == 10010;
        assert_int_equal(media_of_format(f, &m), json || cbor ? ERR_OK : ERR_MEDIA_TYPE);
        assert_true(!(json || cbor) || m == (cbor ? MEDIA_CBOR : MEDIA_JSON));
    }
    assert_true(media_request_format(MEDIA_CBOR) == 10010 && media_answer_format(MEDIA_CBOR) == 60);
    assert_true(media_request_format(MEDIA_JSON) == 10001 && media_answer_format(MEDIA_JSON) == 50);
    assert_true(media_answer_format(MEDIA_CERTS) == 0);
    assert_string_equal(media_name(MEDIA_CBOR), "application/cbor");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors), cmocka_unit_test(whole_contents), cmocka_unit_test(answers),
        cmocka_unit_test(accepts), cmocka_unit_test(formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
