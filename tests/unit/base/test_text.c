/* An octet is found where it first stands, wherever that is in a word of eight, and nothing that looks like it. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LONGEST = 40 };

/* The slow way. */
static size_t first(const char *p, size_t n, char c)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == c) {
            return i;
        }
    }
    return n;
}

static void an_octet_is_found(void **state)
{
    (void)state;
    static const char wanted[] = {'\0', '\x01', ',', '\x7f', '\x80', '\xff'};
    char room[LONGEST + 8];
    for (size_t k = 0; k < sizeof(wanted); k++) {
        const char c = wanted[k];
        for (size_t n = 0; n <= LONGEST; n++) {
            for (size_t at = 0; at <= n; at++) {
                for (unsigned other = 1; other < 256; other <<= 1) { /* one bit away, and after it one that borrows */
                    memset(room, (char)((unsigned char)c ^ other), sizeof(room));
                    room[at] = c;
                    room[at + 1] = (char)((unsigned char)c ^ 1U);
                    const size_t want = first(room + n % 8, n, c);
                    assert_int_equal(text_find((struct text){room + n % 8, n}, c), want);
                }
            }
        }
    }
}

static void case_is_ignored_in_letters_alone(void **state)
{
    (void)state;
    assert_true(text_eq_nocase(text_of("Content-Length"), text_of("cONTENT-lENGTH")));
    assert_false(text_eq_nocase(text_of("a[b"), text_of("a{b")));
    assert_false(text_eq_nocase(text_of("a@b"), text_of("a`b")));
    assert_false(text_eq_nocase(text_of("ab"), text_of("abc")));
    assert_true(text_eq_nocase(text_empty(), text_of("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_octet_is_found), cmocka_unit_test(case_is_ignored_in_letters_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
