/* Several places in one state: the arguments of each kept apart, found by KpmId, MEF URI, MAF-ID or CSE-ID (R001-75, R001-76). */
#include "role/device/device_book.h"

#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sealer sealer(void)
{
    static const uint8_t root[32] = {9, 9, 9};
    struct sealer s = {.crypto = crypto_openssl()};
    assert_int_equal(secret_set(&s.root, BYTES_ARRAY(root)), ERR_OK);
    return s;
}

static void give(struct secret *s, uint8_t first)
{
    const uint8_t octets[32] = {first, 2, 3};
    assert_int_equal(secret_set(s, BYTES_ARRAY(octets)), ERR_OK);
}

static void fill(struct device_state *s, const char *kpm, const char *mef, const char *address, const char *cse)
{
    s->profile = CREDENTIAL_R3;
    assert_int_equal(TEXT_COPY(text_of(kpm), s->kpm_id.z), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(mef), s->mef.fqdn), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(address), s->mef.address), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of("maf.example.test"), s->maf.fqdn), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(cse), s->cse_id.z), ERR_OK);
    give(&s->kpm.s, (uint8_t)kpm[0]);
}

/* Two MEFs; with the second one two CSEs. The caller frees. */
static struct device_book *three(void)
{
    struct device_book *b = calloc(1, sizeof(*b));
    size_t i = 9;
    assert_non_null(b);
    assert_int_equal(device_book_add(b, DEVICE_BOOK_ALONE, &i), ERR_OK);
    fill(&b->at[i].s, "a@mef-a.test", "mef-a.test", "192.0.2.1:1", "//a.test/in");
    assert_int_equal(device_book_add(b, DEVICE_BOOK_ALONE, &i), ERR_OK);
    fill(&b->at[i].s, "b@mef-b.test", "mef-b.test", "192.0.2.2:1", "//b.test/in");
    assert_int_equal(device_book_add(b, 1, &i), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of("//b.test/other"), b->at[i].s.cse_id.z), ERR_OK);
    return b;
}

static size_t found(const struct device_book *b, const char *name)
{
    char detail[ROLE_DETAIL_MAX] = "";
    size_t i = 99;
    assert_int_equal(device_book_find(b, text_of(name), &i, detail), ERR_OK);
    return i;
}

static void by_either_name_the_same_arguments(void **state)
{
    (void)state;
    struct device_book *b = three();
    assert_int_equal(found(b, "a@mef-a.test"), 0); /* R001-76 */
    assert_int_equal(found(b, "MEF-A.test"), 0);
    assert_int_equal(found(b, "192.0.2.1:1"), 0);
    assert_int_equal(found(b, "//a.test/in"), 0);
    assert_int_equal(found(b, "//b.test/other"), 2);
    assert_int_equal(found(b, "2"), 1);
    assert_memory_equal(&b->at[2].s.kpm, &b->at[1].s.kpm, sizeof(b->at[1].s.kpm)); /* one enrolment */
    assert_false(secret_eq(&b->at[0].s.kpm.s, &b->at[1].s.kpm.s));                 /* R001-75 */
    free(b);
}

static void without_a_choice_it_names_them(void **state)
{
    (void)state;
    struct device_book *b = three();
    char detail[ROLE_DETAIL_MAX] = "";
    size_t i = 0;
    assert_int_equal(device_book_find(b, text_empty(), &i, detail), ERR_USAGE); /* refuses R001-75 */
    assert_non_null(strstr(detail, "//a.test/in, //b.test/in, //b.test/other"));
    assert_int_equal(device_book_find(b, text_of("maf.example.test"), &i, detail), ERR_USAGE); /* all three have it */
    assert_int_equal(device_book_find(b, text_of("mef-c.test"), &i, detail), ERR_USAGE);
    assert_int_equal(device_book_find(b, text_of("4"), &i, detail), ERR_USAGE);
    assert_int_equal(device_book_find(b, text_of("0"), &i, detail), ERR_USAGE);
    device_book_remove(b, 1);
    device_book_remove(b, 1);
    assert_int_equal(device_book_find(b, text_empty(), &i, detail), ERR_OK);
    device_book_remove(b, 0);
    assert_int_equal(device_book_find(b, text_empty(), &i, detail), ERR_NOT_FOUND);
    free(b);
}

static void an_enrolment_is_told_to_its_group_alone(void **state)
{
    (void)state;
    struct device_book *b = three();
    struct device_state s = b->at[1].s;
    give(&b->at[2].s.kc.s, 7);
    give(&b->at[0].s.ke.s, 5);
    give(&s.ke.s, 6);
    device_book_put(b, 1, &s);
    assert_true(secret_eq(&b->at[2].s.ke.s, &s.ke.s) && !secret_eq(&b->at[0].s.ke.s, &s.ke.s)); /* R001-75 */
    assert_true(secret_is_set(&b->at[2].s.kc.s));
    assert_string_equal(b->at[2].s.cse_id.z, "//b.test/other");
    assert_int_equal(TEXT_COPY(text_of("c@mef-c.test"), s.kpm_id.z), ERR_OK); /* another provider */
    device_book_put(b, 1, &s);
    assert_false(secret_is_set(&b->at[2].s.kc.s)); /* R000-16 */
    free(b);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct sealer seal = sealer();
    struct device_book *b = three(), *c = calloc(1, sizeof(*c));
    static uint8_t room[DEVICE_BOOK_RECORD_MAX];
    struct writer w = WRITER_ARRAY(room);
    assert_non_null(c);
    assert_int_equal(device_book_write(b, &seal, &w), ERR_OK);
    assert_int_equal(device_book_parse(writer_view(&w), &seal, c), ERR_OK);
    assert_int_equal(c->n, 3);
    assert_memory_equal(b, c, sizeof(*b));
    for (size_t n = 0; n < w.n; n++) {
        assert_int_not_equal(device_book_parse(bytes_of(room, n), &seal, c), ERR_OK);
        assert_int_equal(c->n, 0);
    }
    room[1] = DEVICE_BOOK_MAX + 1;
    assert_int_equal(device_book_parse(writer_view(&w), &seal, c), ERR_MALFORMED_RECORD);
    while (b->n > 1) {
        device_book_remove(b, 1);
    }
    struct writer one = WRITER_ARRAY(room), alone;
    uint8_t single[DEVICE_STATE_RECORD_MAX];
    assert_int_equal(device_book_write(b, &seal, &one), ERR_OK);
    alone = WRITER_ARRAY(single);
    assert_int_equal(device_state_write(&b->at[0].s, &seal, &alone), ERR_OK);
    assert_int_equal(one.n, alone.n); /* the seals differ */
    assert_int_equal(single[0], room[0]);
    assert_int_equal(device_book_parse(writer_view(&alone), &seal, c), ERR_OK);
    assert_int_equal(c->n, 1);
    free(b);
    free(c);
}

static void it_is_full_some_day(void **state)
{
    (void)state;
    struct device_book *b = calloc(1, sizeof(*b));
    size_t i = 0;
    assert_non_null(b);
    while (b->n < DEVICE_BOOK_MAX) {
        assert_int_equal(device_book_add(b, DEVICE_BOOK_ALONE, &i), ERR_OK);
    }
    assert_int_equal(device_book_add(b, DEVICE_BOOK_ALONE, &i), ERR_LIMIT_CAPACITY);
    for (i = 0; i + 1 < b->n; i++) {
        assert_int_not_equal(b->at[i].group, b->at[i + 1].group);
    }
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_either_name_the_same_arguments),       cmocka_unit_test(without_a_choice_it_names_them),
        cmocka_unit_test(an_enrolment_is_told_to_its_group_alone), cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(it_is_full_some_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
