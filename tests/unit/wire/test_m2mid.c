/* Identifiers: the grammar as a table, conversions, comparing, patterns of access control rules. */
#include "wire/m2mid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char cse_abs[] = "//sp.example/in";

static const struct {
    const char *id;
    enum m2mid_kind kind;
    const char *absolute; /* seen at //sp.example/in; NULL: refused */
    const char *relative; /* SP-relative form of an absolute one; NULL: refused */
    const char *stem;
    const char *fqdn;
} ids[] = {
    {"Cdev", M2MID_STEM, "//sp.example/in/Cdev", NULL, "Cdev", NULL},
    {"Sdev", M2MID_STEM, "//sp.example/Sdev", NULL, "Sdev", NULL},
    {"C190XX7T.~_-", M2MID_STEM, "//sp.example/in/C190XX7T.~_-", NULL, "C190XX7T.~_-", NULL},
    {"C", M2MID_FQDN, NULL, NULL, NULL, "c"},
    {"S", M2MID_FQDN, NULL, NULL, NULL, "s"},
    {"/in", M2MID_SP_CSE, "//sp.example/in", NULL, NULL, NULL},
    {"/CSE090112", M2MID_SP_CSE, "//sp.example/CSE090112", NULL, NULL, NULL},
    {"/S", M2MID_SP_CSE, "//sp.example/S", NULL, NULL, NULL},
    {"/CSE090112/C190XX7T", M2MID_SP_AE_C, "//sp.example/CSE090112/C190XX7T", NULL, "C190XX7T", NULL},
    {"/S190XX7T", M2MID_SP_AE_S, "//sp.example/S190XX7T", NULL, "S190XX7T", NULL},
    {"//www.m2mprovider.com/C3219", M2MID_ABS_CSE, "//www.m2mprovider.com/C3219", "/C3219", NULL,
     "c3219.www.m2mprovider.com"},
    {"//SP.example/In", M2MID_ABS_CSE, "//SP.example/In", "/In", NULL, "in.sp.example"},
    {"//m2m.prov.com/CSE3219/C9886", M2MID_ABS_AE_C, "//m2m.prov.com/CSE3219/C9886", "/CSE3219/C9886", "C9886",
     "c9886.cse3219.m2m.prov.com"},
    {"//m2m.things.com/S98821", M2MID_ABS_AE_S, "//m2m.things.com/S98821", "/S98821", "S98821", "s98821.m2m.things.com"},
    {"//sp/a.b", M2MID_ABS_CSE, "//sp/a.b", "/a.b", NULL, NULL},
    {"//sp/a_b", M2MID_ABS_CSE, "//sp/a_b", "/a_b", NULL, NULL},
    {"//sp/b/Ca.b", M2MID_ABS_AE_C, "//sp/b/Ca.b", "/b/Ca.b", "Ca.b", NULL},
    {"mef.Example.com", M2MID_FQDN, NULL, NULL, NULL, "mef.example.com"},
    {"localhost", M2MID_FQDN, NULL, NULL, NULL, "localhost"},
    /* -- no identifiers */
    {"", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"/", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"//", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"///x", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"//sp", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"//sp/", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"//s p/x", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"//sp_x/x", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"//-sp/x", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"//sp//x", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"//sp/in/x", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"//sp/in/Sx", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"//sp/in/C", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"//sp/in/Cx/y", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"/in/", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"/in//Cx", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"/in/x", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"/in/Sx", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"/in/Cx/Cy", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"in/Cx", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"Cx/", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"C x", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"C%41", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"C*", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"C\xc3\xa9", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"mef_1.example", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"mef.example.", M2MID_INVALID, NULL, NULL, NULL, NULL},
    {"12-key@mef.example", M2MID_INVALID, NULL, NULL, NULL, NULL},
};

static void expect(const char *id, const char *what, err_t e, struct text got, const char *wanted)
{
    if (wanted == NULL ? e != ERR_MALFORMED_ID : e != ERR_OK || !text_eq_z(got, wanted)) {
        fail_msg("%s: %s: %s, %.*s", id, what, err_code(e), (int)got.n, got.p);
    }
}

static void table_of_identifiers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct text id = text_of(ids[i].id);
        struct m2mid out = {""};
        struct text stem = text_empty();
        if (m2mid_kind(id) != ids[i].kind) {
            fail_msg("%s: kind %d", ids[i].id, (int)m2mid_kind(id));
        }
        assert_int_equal(m2mid_is_ae(ids[i].kind), ids[i].stem != NULL);
        err_t e = m2mid_absolute(id, text_of(cse_abs), &out);
        expect(ids[i].id, "absolute", e, text_of(out.z), ids[i].absolute);
        e = m2mid_sp_relative(id, &out);
        expect(ids[i].id, "relative", e, text_of(out.z), ids[i].relative);
        e = m2mid_stem(id, &stem);
        expect(ids[i].id, "stem", e, stem, ids[i].stem);
        e = m2mid_fqdn(id, &out);
        expect(ids[i].id, "fqdn", e, text_of(out.z), ids[i].fqdn);
    }
}

static void identifiers_cut_at_each_octet(void **state)
{
    (void)state;
    static const char id[] = "//sp.example/in-cse/Cdev";
    for (size_t cut = 0; cut < sizeof(id); cut++) {
        enum m2mid_kind k = m2mid_kind(text_span(id, cut));
        enum m2mid_kind wanted = M2MID_INVALID;
        if (cut >= 14 && cut <= 19) {
            wanted = M2MID_ABS_CSE;
        } else if (cut >= 22) {
            wanted = M2MID_ABS_AE_C;
        }
        wanted = cut == sizeof(id) ? M2MID_INVALID : wanted;
        assert_int_equal(k, wanted);
    }
    assert_int_equal(m2mid_kind(text_span("Cab\0d", 5)), M2MID_INVALID);
}

static void length_is_bounded(void **state)
{
    (void)state;
    char id[M2MID_MAX + 1];
    struct m2mid out;
    memset(id, 'C', sizeof(id));
    assert_int_equal(m2mid_kind(text_span(id, M2MID_MAX - 1)), M2MID_STEM);
    assert_int_equal(m2mid_kind(text_span(id, M2MID_MAX)), M2MID_INVALID);
    assert_int_equal(m2mid_absolute(text_span(id, M2MID_MAX - 1), text_of(cse_abs), &out), ERR_MALFORMED_ID);
    assert_int_equal(m2mid_absolute(text_span(id, M2MID_MAX - 1 - 16), text_of(cse_abs), &out), ERR_OK);
    assert_false(m2mid_match(text_of("*"), text_span(id, M2MID_MAX)));
    assert_false(m2mid_match(text_span(id, M2MID_MAX), text_of("C")));
}

static void base_must_be_an_absolute_cse(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "/in", "//sp/Sx", "//sp/in/Cx", "sp.example", "//sp"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct m2mid out;
        assert_int_equal(m2mid_absolute(text_of("Cdev"), text_of(bad[i]), &out), ERR_MALFORMED_ID);
    }
}

static void small_checks(void **state)
{
    (void)state;
    assert_true(m2mid_is_unreserved(text_of("aZ09-._~")));
    assert_false(m2mid_is_unreserved(text_of("")));
    assert_false(m2mid_is_unreserved(text_of("a@b")));
    assert_true(m2mid_is_stem(text_of("Ca")) && m2mid_is_stem(text_of("Sa")));
    assert_false(m2mid_is_stem(text_of("C")) || m2mid_is_stem(text_of("Da")) || m2mid_is_stem(text_of("ca")));
    assert_true(m2mid_is_app_id(text_of("Ra01.com.company.x")) && m2mid_is_app_id(text_of("r1")));
    assert_true(m2mid_is_app_id(text_of("Nk836-t071-fc022")));
    assert_false(m2mid_is_app_id(text_of("")) || m2mid_is_app_id(text_of("N")) || m2mid_is_app_id(text_of("n1")));
    assert_false(m2mid_is_app_id(text_of("N a")) || m2mid_is_app_id(text_of("X1")));
    assert_true(m2mid_is_cse(M2MID_SP_CSE) && m2mid_is_cse(M2MID_ABS_CSE) && !m2mid_is_cse(M2MID_SP_AE_S));
}

static void same_entity(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"//sp/in/Cx", "//sp/in/Cx", true},   {"//SP/in/Cx", "//sp/in/Cx", true}, {"//sp/IN/Cx", "//sp/in/Cx", false},
        {"//sp/in/Cx", "//sp/in/CX", false},  {"mef.example", "MEF.example", true}, {"mef.example", "maf.example", false},
        {"Cx", "Cx", true},                   {"Cx", "CX", false},                {"Sx", "/Sx", false},
        {"/in", "/in", true},                 {"/in", "/IN", false},              {"", "", false},
        {"//sp/in", "//sq/in", false},        {"12-k@f", "12-k@f", true},         {"12-k@f", "12-K@f", false},
        {"//sp/ab", "//spa/b", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (m2mid_same(text_of(rows[i].a), text_of(rows[i].b)) != rows[i].same) {
            fail_msg("%s %s", rows[i].a, rows[i].b);
        }
    }
}

static void patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *id;
        bool match;
    } rows[] = {
        {"//*/myCSE*/C9886", "//sp.example/myCSE1/C9886", true}, /* examples of TS-0003 7.1.3 */
        {"//*/myCSE*/C9886", "//sp.example/yourCSE/C9886", false},
        {"//*/myCSE*/C9886", "//sp.example/myCSE1/x/C9886", false},
        {"/myCSE*/C98*", "/myCSE/C98", true},
        {"/myCSE*/C98*", "/myCSE1/C9912", false},
        {"/SmyAE*", "/SmyAE7", true},
        {"/SmyAE*", "/SmyAE7/Cx", false},
        {"/*", "/in", true},
        {"/*", "/in/Cx", false},
        {"/*/*", "/in/Cx", true},
        {"*", "Cx", true},
        {"*", "/in", false},
        {"C*a*b*c", "Cxaxbxc", true},
        {"C*a*b*c", "Cxaxbxcx", false},
        {"C**c", "Cc", true},
        {"C*bb", "Cbbb", true},
        {"Cab", "Cab", true},
        {"Cab", "Cabc", false},
        {"Cabc", "Cab", false},
        {"cab", "Cab", false},
        {"a*/b*", "ab/b", true},
        {"a*/b*", "ab/c", false},
        {"*x/ab", "yx/ax/ab", false},
        {"//sp.example", "//sp.example/in", true}, /* a domain alone: everybody in it */
        {"//sp.example", "//SP.Example/in/Cx", true},
        {"//sp.example", "//sp.example.org/in", false},
        {"//sp.example", "//sp/in", false},
        {"//*.example", "//sp.example/in", true}, /* CHOICE-73 */
        {"//*", "//sp.example/in", true},
        {"//sp.example/in", "//sp.example/in/Cx", false},
        {"//SP.example/in", "//sp.EXAMPLE/in", true},
        {"//sp.example/IN", "//sp.example/in", false},
        {"//", "//sp.example/in", false},
        {"/in", "//sp.example/in", false},
        {"", "Cx", false},
        {"*", "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (m2mid_match(text_of(rows[i].pattern), text_of(rows[i].id)) != rows[i].match) {
            fail_msg("%s %s", rows[i].pattern, rows[i].id);
        }
    }
}

static void one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *given, *folded;
    } rows[] = {
        {"//SP.Example.COM/Sdev", "//sp.example.com/Sdev"}, {"//SP.example/In/Cx", "//sp.example/In/Cx"},
        {"//SP.example", "//sp.example"}, {"MAF.Example.com", "maf.example.com"}, {"12-Kpm1@MEF.example", "12-Kpm1@mef.example"},
        {"/In/Cx", "/In/Cx"}, {"Sdev", "Sdev"}, {"Cdev", "Cdev"}, {"10-sha-256;AbC", "10-sha-256;AbC"}, {"", ""},
        {"//", "//"}, {"/", "/"}, {"//SP/a@B", "//sp/a@B"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char z[M2MID_MAX];
        assert_int_equal(TEXT_COPY(text_of(rows[i].given), z), ERR_OK);
        m2mid_fold(z);
        assert_string_equal(z, rows[i].folded);
    }
}

/* The pattern that is exponential for a matcher that tries every star again. */
static void hostile_pattern_takes_bounded_time(void **state)
{
    (void)state;
    char pattern[M2MID_MAX - 1];
    char id[M2MID_MAX - 1];
    memset(id, 'a', sizeof(id));
    for (size_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    }
    pattern[sizeof(pattern) - 1] = 'b';
    for (int i = 0; i < 1000; i++) {
        assert_false(m2mid_match(text_span(pattern, sizeof(pattern)), text_span(id, sizeof(id))));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_spelling),
        cmocka_unit_test(table_of_identifiers),
        cmocka_unit_test(identifiers_cut_at_each_octet),
        cmocka_unit_test(length_is_bounded),
        cmocka_unit_test(base_must_be_an_absolute_cse),
        cmocka_unit_test(small_checks),
        cmocka_unit_test(same_entity),
        cmocka_unit_test(patterns),
        cmocka_unit_test(hostile_pattern_takes_bounded_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
