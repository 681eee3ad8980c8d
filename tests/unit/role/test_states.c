/* The state machines, printed, equal the tables of docs/procedures/. */
#include "role/states.h"
#include "store/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PRINT_MAX = 16384, PAGE_MAX = 1 << 18 };

static void put(char *out, const char *z)
{
    assert_true(strlen(out) + strlen(z) < PRINT_MAX);
    memcpy(out + strlen(out), z, strlen(z) + 1);
}

static void row(char *out, const char *const *cells, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put(out, "| ");
        put(out, cells[i]);
        put(out, " ");
    }
    put(out, "|\n");
}

static void print(enum states_machine m, char *out)
{
    out[0] = '\0';
    put(out, "### States: ");
    put(out, states_machine_row(m)->code);
    put(out, "\n\n| state | means |\n| --- | --- |\n");
    for (unsigned s = 1; s < STATES_N; s++) {
        const struct states_row *r = states_row((enum states_state)s);
        if (r->machine == m) {
            row(out, (const char *const[]){r->code, r->means}, 2);
        }
    }
    put(out, "\n| from | event | to | clause |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < states_steps_n; i++) {
        const struct states_step *s = &states_steps[i];
        if (s->machine == m) {
            row(out, (const char *const[]){states_row(s->from)->code, s->event, states_row(s->to)->code, s->clause}, 4);
        }
    }
}

static void pages_equal_the_rows(void **state)
{
    (void)state;
    static char want[PRINT_MAX], page[PAGE_MAX], file[4096];
    for (unsigned m = 0; m < STATES_MACHINES_N; m++) {
        print((enum states_machine)m, want);
        (void)snprintf(file, sizeof(file), "%s/docs/procedures/%s", getenv("KEYSTEAD_SOURCE"),
                       states_machine_row((enum states_machine)m)->page);
        FILE *f = fopen(file, "re");
        assert_non_null(f);
        size_t n = fread(page, 1, sizeof(page) - 1, f);
        (void)fclose(f);
        page[n] = '\0';
        const char *at = strstr(page, want);
        if (at == NULL) {
            print_message("%s lacks:\n%s\n", file, want);
        }
        assert_non_null(at);
        assert_true(at[strlen(want)] != '|'); /* no row more than there is */
    }
}

static bool is_audit_code(const char *code)
{
    for (int k = 1; k < 256; k++) {
        const struct audit_info *info = audit_kind_info((enum audit_kind)k);
        if (info != NULL && strcmp(info->code, code) == 0) {
            return true;
        }
    }
    return false;
}

static void steps_are_of_their_machine_and_told_by_the_chain(void **state)
{
    (void)state;
    for (size_t i = 0; i < states_steps_n; i++) {
        const struct states_step *s = &states_steps[i];
        assert_true(strcmp(s->event, "its end") == 0 || is_audit_code(s->event));
        assert_true(s->from != STATES_NONE || s->to != STATES_NONE);
        assert_true(s->from == STATES_NONE || states_row(s->from)->machine == s->machine);
        assert_true(s->to == STATES_NONE || states_row(s->to)->machine == s->machine);
    }
}

static void every_state_is_entered(void **state)
{
    (void)state;
    for (unsigned s = 1; s < STATES_N; s++) {
        bool entered = false;
        for (size_t i = 0; i < states_steps_n; i++) {
            entered = entered || (unsigned)states_steps[i].to == s;
        }
        assert_true(entered);
        assert_true(strlen(states_row((enum states_state)s)->todo) > 0);
    }
    assert_string_equal(states_row((enum states_state)9999)->code, "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_equal_the_rows),
        cmocka_unit_test(steps_are_of_their_machine_and_told_by_the_chain),
        cmocka_unit_test(every_state_is_entered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
