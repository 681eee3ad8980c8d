/* The association: names, binding, lifetime, and its coded form with every cut and every wrong octet that matters. */
#include "proto/association.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct association sample(void)
{
    struct association a;
    association_init_plain(&a);
    memcpy(a.id, "00112233445566778899aabbccddeeff", ASSOCIATION_ID_LEN + 1);
    a.framework = ASSOCIATION_MAF;
    a.peer = PEER_AE;
    a.tls_version = 0x0303;
    a.suite = 0xc0a4;
    a.ids_n = 2;
    strcpy(a.ids[0].z, "//sp.example/in/Cdev");
    strcpy(a.ids[1].z, "//sp.example/Sdev");
    strcpy(a.credential_id, "11-made-up@maf.example");
    strcpy(a.key_id.z, "00112233445566778899AABBCCDDEEFF@maf.example");
    a.established = INT64_C(1700000000000000);
    a.not_after = INT64_C(1800000000000000);
    return a;
}

static void coded_form_round_trip(void **state)
{
    (void)state;
    struct association in = sample();
    struct association out;
    uint8_t buf[2048];
    struct writer w = WRITER_ARRAY(buf);
    association_write(&in, &w);
    assert_int_equal(writer_finish(&w), ERR_OK);
    struct reader r = reader_of(writer_view(&w));
    assert_int_equal(association_parse(&r, &out), ERR_OK); /* R004-19, R004-21, R004-22 */
    assert_int_equal(reader_finish(&r), ERR_OK);
    assert_memory_equal(&in, &out, sizeof(in));

    association_init_plain(&in);
    w = WRITER_ARRAY(buf);
    association_write(&in, &w);
    r = reader_of(writer_view(&w));
    assert_int_equal(association_parse(&r, &out), ERR_OK);
    assert_memory_equal(&in, &out, sizeof(in));
}

static void coded_form_cut_at_each_octet(void **state)
{
    (void)state;
    struct association in = sample();
    struct association out;
    uint8_t buf[2048];
    struct writer w = WRITER_ARRAY(buf);
    association_write(&in, &w);
    for (size_t cut = 0; cut < w.n; cut++) {
        uint8_t *copy = malloc(cut + 1);
        assert_non_null(copy);
        memcpy(copy + 1, buf, cut);
        struct reader r = reader_of(bytes_of(copy + 1, cut));
        assert_int_equal(association_parse(&r, &out), ERR_MALFORMED_TRUNCATED);
        free(copy);
        struct writer small = writer_of(buf + 1024, cut);
        association_write(&in, &small);
        assert_int_equal(writer_finish(&small), ERR_LIMIT_SIZE);
    }
}

static void wrong_values_are_refused(void **state)
{
    (void)state;
    enum { FORMAT_AT = 0, ID_AT = 3, FRAMEWORK_AT = 35, PEER_AT = 36, BY_DIGEST_AT = 42, IDS_AT = 43 };
    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = {{FORMAT_AT, 0},    {FORMAT_AT, 1},  {FORMAT_AT, 3}, {BY_DIGEST_AT, 2},  {ID_AT, 'g'},       {FRAMEWORK_AT, ASSOCIATION_E2E + 1}, {FRAMEWORK_AT, 255},
                {PEER_AT, 2},      {PEER_AT, 0x80}, {PEER_AT + 1, 3},   {PEER_AT + 1, 0x60},
                {IDS_AT, ASSOCIATION_IDS_MAX + 1}};
    struct association in = sample();
    struct association out;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t buf[2048] = {0};
        struct writer w = WRITER_ARRAY(buf);
        association_write(&in, &w);
        buf[rows[i].at] = rows[i].value;
        struct reader r = reader_of(BYTES_ARRAY(buf));
        assert_int_not_equal(association_parse(&r, &out), ERR_OK);
    }
    /* a short id, an empty identity */
    for (int i = 0; i < 2; i++) {
        struct association bad = sample();
        bad.id[i == 0 ? 8 : ASSOCIATION_ID_LEN] = '\0';
        bad.ids[1].z[0] = i == 1 ? '\0' : '/';
        uint8_t buf[2048];
        struct writer w = WRITER_ARRAY(buf);
        association_write(&bad, &w);
        struct reader r = reader_of(writer_view(&w));
        assert_int_not_equal(association_parse(&r, &out), ERR_OK);
    }
}

static void lifetime_is_only_cut_down(void **state)
{
    (void)state;
    struct association a;
    association_init_plain(&a);
    assert_true(a.not_after == USEC_NEVER);
    association_limit(&a, 100); /* R002-85 */
    assert_true(a.not_after == 100);
    association_limit(&a, 200);
    assert_true(a.not_after == 100);
    association_limit(&a, 50);
    assert_true(a.not_after == 50);
}

static void name_is_the_best_known(void **state)
{
    (void)state;
    struct association a = sample();
    assert_true(text_eq_z(association_name(&a), "//sp.example/in/Cdev"));
    a.ids_n = 0;
    assert_true(text_eq_z(association_name(&a), "11-made-up@maf.example"));
    association_init_plain(&a);
    assert_true(text_eq_z(association_name(&a), "-"));
    assert_int_equal(a.peer, PEER_PLAIN);
    assert_int_equal(a.framework, ASSOCIATION_NONE);
}

static void binding_is_by_entity(void **state)
{
    (void)state;
    struct association a = sample();
    assert_true(association_is_bound_to(&a, text_of("//SP.example/in/Cdev")));
    assert_true(association_is_bound_to(&a, text_of("//sp.example/Sdev")));
    assert_false(association_is_bound_to(&a, text_of("//sp.example/in/Cde")));
    assert_false(association_is_bound_to(&a, text_of("Cdev")));
    assert_false(association_is_bound_to(&a, text_empty()));
    a.ids_n = 1;
    assert_false(association_is_bound_to(&a, text_of("//sp.example/Sdev")));
    a.ids_n = 0;
    assert_false(association_is_bound_to(&a, text_of("//sp.example/in/Cdev")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coded_form_round_trip),
        cmocka_unit_test(coded_form_cut_at_each_octet),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(lifetime_is_only_cut_down),
        cmocka_unit_test(name_is_the_best_known),
        cmocka_unit_test(binding_is_by_entity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
