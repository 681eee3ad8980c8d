/* CoAP messages: what is taken, what is refused (tests/vectors/coap.txt), truncation at each octet, writing. */
#include "base/hex.h"
#include "wire/coap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What was understood, written again, reads the same; octets may differ where the text had long forms. */
static void round_trip(const struct coap_message *m)
{
    uint8_t out[4096];
    struct coap_message again;
    struct writer w = WRITER_ARRAY(out);
    assert_int_equal(coap_write(m, &w), ERR_OK);
    assert_int_equal(coap_parse(writer_view(&w), &again), ERR_OK);
    assert_true(again.type == m->type && again.code == m->code && again.id == m->id);
    assert_true(coap_is_same_token(&again, m));
    assert_int_equal(again.options_n, m->options_n);
    for (size_t i = 0; i < m->options_n; i++) {
        assert_int_equal(again.options[i].number, m->options[i].number);
        assert_true(bytes_eq(again.options[i].value, m->options[i].value));
    }
    assert_true(bytes_eq(again.payload, m->payload));
}

static void one_vector(char *line)
{
    uint8_t octets[1024];
    char refusal[8] = "-";
    struct writer w = WRITER_ARRAY(octets);
    struct coap_message m;
    const char *code = strtok(line, "\t");
    const char *refused = strtok(NULL, "\t");
    const char *hex = strtok(NULL, "\t");
    const char *why = strtok(NULL, "\t");
    assert_non_null(why);
    assert_true(strcmp(hex, "-") == 0 || hex_parse(text_of(hex), &w) == ERR_OK);
    err_t e = coap_parse(writer_view(&w), &m);
    if (e == ERR_OK && coap_refusal(&m) != 0) {
        snprintf(refusal, sizeof(refusal), "%u.%02u", coap_refusal(&m) >> 5, coap_refusal(&m) & 31U);
    }
    if (strcmp(e == ERR_OK ? "ok" : err_code(e), code) != 0 || strcmp(refusal, refused) != 0) {
        fail_msg("%s: expected %s %s, got %s %s", why, code, refused, err_code(e), refusal);
    }
    if (e == ERR_OK) {
        round_trip(&m);
    }
}

static void vectors_hold(void **state)
{
    (void)state;
    char path[1024];
    snprintf(path, sizeof(path), "%s/tests/vectors/coap.txt", getenv("KEYSTEAD_SOURCE"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char line[4096];
    int seen = 0;
    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '#' && line[0] != '\0') {
            one_vector(line);
            seen++;
        }
    }
    fclose(f);
    assert_true(seen > 100);
}

static struct coap_message example(void)
{
    struct coap_message m = coap_blank(COAP_CON, COAP_POST);
    m.id = 0xbeef;
    m.token_n = 3;
    memcpy(m.token, "tok", 3);
    assert_int_equal(coap_add(&m, COAP_OPT_M2M_FR, bytes_of("Cdev", 4)), ERR_OK);
    assert_int_equal(coap_add(&m, COAP_OPT_URI_PATH, bytes_of("~", 1)), ERR_OK);
    assert_int_equal(coap_add(&m, COAP_OPT_URI_PATH, bytes_of("a-longer-segment", 16)), ERR_OK);
    assert_int_equal(coap_add(&m, COAP_OPT_CONTENT_FORMAT, bytes_of("2", 1)), ERR_OK);
    m.payload = bytes_of("{}", 2);
    return m;
}

static void options_are_sorted_and_stable(void **state)
{
    (void)state;
    struct coap_message m = example();
    static const uint16_t order[] = {COAP_OPT_URI_PATH, COAP_OPT_URI_PATH, COAP_OPT_CONTENT_FORMAT, COAP_OPT_M2M_FR};
    assert_int_equal(m.options_n, ARRAY_LEN(order));
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_int_equal(m.options[i].number, order[i]);
    }
    assert_int_equal(m.options[0].value.n, 1);
    round_trip(&m);
    coap_remove(&m, COAP_OPT_URI_PATH);
    assert_null(coap_find(&m, COAP_OPT_URI_PATH));
    assert_int_equal(m.options_n, 2);
    while (m.options_n < COAP_OPTIONS_MAX) {
        assert_int_equal(coap_add(&m, 15, bytes_empty()), ERR_OK);
    }
    assert_int_equal(coap_add(&m, 15, bytes_empty()), ERR_LIMIT_SIZE);
}

/* A message cut short is refused, but at the ends of options, where it is a shorter message. */
static void truncated_at_each_octet(void **state)
{
    (void)state;
    uint8_t out[128];
    struct coap_message m = example();
    struct coap_message cut;
    struct writer w = WRITER_ARRAY(out);
    assert_int_equal(coap_write(&m, &w), ERR_OK);
    size_t whole = 0;
    for (size_t n = 0; n < w.n; n++) {
        uint8_t *exact = malloc(n + 1); /* so that a sanitizer sees a read beyond the end */
        memcpy(exact, out, n);
        err_t e = coap_parse(bytes_of(exact, n), &cut);
        assert_true(e == ERR_OK || e == ERR_MALFORMED_COAP);
        assert_true(n < 4 || (cut.type == COAP_CON && cut.id == 0xbeef));
        if (e == ERR_OK) {
            assert_true(n >= 7);
            whole++;
        }
        free(exact);
    }
    assert_int_equal(whole, 6); /* after the token, after each of four options, and after one octet of the payload */
    for (size_t cap = 0; cap < w.n; cap++) {
        struct writer small = writer_of(out, cap);
        assert_int_equal(coap_write(&m, &small), ERR_LIMIT_SIZE);
    }
}

static void what_cannot_be_written(void **state)
{
    (void)state;
    uint8_t out[128];
    struct writer w = WRITER_ARRAY(out);
    struct coap_message m = example();
    m.options[0].number = COAP_OPT_M2M_AUS; /* out of order */
    assert_int_equal(coap_write(&m, &w), ERR_BUG);
    m = example();
    m.token_n = COAP_TOKEN_MAX + 1;
    assert_int_equal(coap_write(&m, &w), ERR_BUG);
}

static void elective_of_wrong_length_is_absent(void **state)
{
    (void)state;
    struct coap_message m = coap_blank(COAP_CON, COAP_GET);
    assert_int_equal(coap_add(&m, COAP_OPT_CONTENT_FORMAT, bytes_of("abc", 3)), ERR_OK);
    assert_null(coap_find(&m, COAP_OPT_CONTENT_FORMAT));
    assert_int_equal(coap_refusal(&m), 0);
    assert_int_equal(coap_add(&m, 10, bytes_of("abc", 3)), ERR_OK);
    assert_non_null(coap_find(&m, 10));
}

static void numbers_have_fewest_octets(void **state)
{
    (void)state;
    static const struct {
        uint32_t v;
        size_t n;
    } rows[] = {{0, 0}, {1, 1}, {255, 1}, {256, 2}, {65535, 2}, {65536, 3}, {0xffffff, 3}, {0x1000000, 4}, {UINT32_MAX, 4}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t buf[4];
        uint32_t v;
        struct coap_option o = {COAP_OPT_MAX_AGE, coap_uint_write(rows[i].v, buf)};
        assert_int_equal(o.value.n, rows[i].n);
        assert_int_equal(coap_uint(&o, &v), ERR_OK);
        assert_int_equal(v, rows[i].v);
    }
    uint32_t v;
    struct coap_option leading = {COAP_OPT_MAX_AGE, bytes_of("\0\0\1", 3)};
    struct coap_option longer = {COAP_OPT_MAX_AGE, bytes_of("\0\0\0\0\1", 5)};
    assert_int_equal(coap_uint(&leading, &v), ERR_OK);
    assert_int_equal(v, 1);
    assert_int_equal(coap_uint(&longer, &v), ERR_MALFORMED_COAP);
}

static void blocks(void **state)
{
    (void)state;
    for (uint8_t szx = 0; szx < 7; szx++) {
        for (uint32_t num = 0; num < (1U << 20); num = num * 3 + 1) {
            uint8_t buf[4];
            struct coap_block in = {num, num % 2 == 0, szx};
            struct coap_block out;
            struct coap_option o = {COAP_OPT_BLOCK1, coap_block_write(&in, buf)};
            assert_int_equal(coap_block_parse(&o, &out), ERR_OK);
            assert_true(out.num == in.num && out.more == in.more && out.szx == in.szx);
            assert_int_equal(coap_block_size(&out), 16U << szx);
        }
    }
    struct coap_block out;
    struct coap_option reserved = {COAP_OPT_BLOCK1, bytes_of("\x0f", 1)};
    struct coap_option longer = {COAP_OPT_BLOCK1, bytes_of("\1\2\3\4", 4)};
    assert_int_equal(coap_block_parse(&reserved, &out), ERR_MALFORMED_COAP);
    assert_int_equal(coap_block_parse(&longer, &out), ERR_MALFORMED_COAP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold),
        cmocka_unit_test(options_are_sorted_and_stable),
        cmocka_unit_test(truncated_at_each_octet),
        cmocka_unit_test(what_cannot_be_written),
        cmocka_unit_test(elective_of_wrong_length_is_absent),
        cmocka_unit_test(numbers_have_fewest_octets),
        cmocka_unit_test(blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
