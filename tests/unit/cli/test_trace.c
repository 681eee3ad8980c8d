/* A made-up trail as text, SVG and JSON, what is narrowed to, and audit lines that nobody honest has written. */
#include "cli/trace_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MAX = 1 << 16 };

static char *slurp(const char *name, size_t *n)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/tests/unit/cli/%s", getenv("KEYSTEAD_SOURCE"), name);
    char *out = calloc(1, FILE_MAX);
    FILE *f = fopen(path, "re");
    assert_non_null(out);
    assert_non_null(f);
    *n = fread(out, 1, FILE_MAX - 1, f);
    (void)fclose(f);
    return out;
}

static err_t read_lines(struct trail *t, const char *lines, size_t n, char detail[static TRAIL_DETAIL_MAX])
{
    *t = (struct trail){.n = 0};
    FILE *f = fmemopen((void *)(uintptr_t)lines, n, "r");
    assert_non_null(f);
    err_t e = trail_add_file(t, 0, f, detail);
    (void)fclose(f);
    return e;
}

static void open_trail(struct trail *t)
{
    char detail[TRAIL_DETAIL_MAX] = "";
    size_t n = 0;
    char *lines = slurp("trace.trail", &n);
    assert_int_equal(read_lines(t, lines, n, detail), ERR_OK);
    free(lines);
    assert_int_equal(trail_sort(t), ERR_OK);
}

static char *drawn(const struct trail *t, void (*draw)(const struct trail *, FILE *))
{
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    assert_non_null(f);
    draw(t, f);
    (void)fclose(f);
    return out;
}

static void equals_file(const struct trail *t, void (*draw)(const struct trail *, FILE *), const char *name)
{
    size_t n = 0;
    char *got = drawn(t, draw);
    char *want = slurp(name, &n);
    if (strcmp(got, want) != 0) {
        print_message("%s should be:\n%s", name, got);
    }
    assert_string_equal(got, want);
    free(got);
    free(want);
}

static void a_trail_is_drawn(void **state)
{
    (void)state;
    struct trail t;
    size_t shown = 0;
    open_trail(&t);
    assert_int_equal(t.n, 11); /* one was there twice, one is of no kind known here */
    assert_int_equal(t.unknown, 1);
    assert_int_equal(trail_name(&t, text_of("//keystead.test/Sdev")), ERR_OK);
    assert_int_equal(trail_narrow(&t, &shown), ERR_OK);
    assert_int_equal(shown, 10); /* all but the other device's */
    equals_file(&t, trace_steps_text, "trace.txt");
    equals_file(&t, trace_steps_svg, "trace.svg");
    equals_file(&t, trace_steps_json, "trace.json");
    trail_free(&t);
}

static void each_name_of_a_device_leads_to_it(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t shown;
    } rows[] = {
        {"EEEEEEEEEEEEEEEE1111111111111111@MEF.keystead.test", 10},
        {"cccccccccccccccc1111111111111111@maf.keystead.test", 10},
        {"00112233445566778899AABBCCDDEEFF", 10}, /* an association */
        {"other@mef.keystead.test", 1},
        {"maf.keystead.test", 2}, /* a server's name does not lead to its devices */
        {"operator", 1},
        {"Sde", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trail t;
        size_t shown = 99;
        open_trail(&t);
        assert_int_equal(trail_name(&t, text_of(rows[i].name)), ERR_OK);
        assert_int_equal(trail_narrow(&t, &shown), ERR_OK);
        assert_int_equal(shown, rows[i].shown);
        trail_free(&t);
    }
}

static void numbers_count_more_than_times(void **state)
{
    (void)state;
    static const char lines[] =
        "{\"roles\":\"cse\",\"number\":2,\"time\":\"20261121T090000\",\"event\":\"associated\",\"outcome\":\"ok\",\"peer\":\"b\"}\n"
        "{\"roles\":\"cse\",\"number\":1,\"time\":\"20261121T100000\",\"event\":\"associated\",\"outcome\":\"ok\",\"peer\":\"a\"}\n"
        "{\"roles\":\"mef, maf\",\"number\":1,\"time\":\"20261121T093000\",\"event\":\"km-stored\",\"outcome\":\"ok\",\"peer\":\"c\"}\n"
        "{\"roles\":\"gate\",\"number\":9,\"time\":\"20261121T110000\",\"event\":\"associated\",\"outcome\":\"ok\",\"peer\":\"d\"}\n"
        "{\"roles\":\"bsf\",\"number\":1,\"time\":\"20261121T110001\",\"event\":\"refused\",\"outcome\":\"psk-wrong\",\"peer\":\"e\",\"object\":\"/\"}\n";
    struct trail t;
    char detail[TRAIL_DETAIL_MAX] = "";
    assert_int_equal(read_lines(&t, lines, strlen(lines), detail), ERR_OK);
    assert_int_equal(trail_sort(&t), ERR_OK);
    assert_string_equal(t.at[0].event.peer, "c");
    assert_int_equal(t.at[0].at, LADDER_MAF); /* of a server with two roles: the one that stores Km */
    assert_string_equal(t.at[1].event.peer, "a"); /* the clock of that server was set back */
    assert_string_equal(t.at[2].event.peer, "b");
    assert_string_equal(t.at[3].event.peer, "d");
    assert_int_equal(t.at[3].at, LADDER_CSE); /* to its devices a gate is the CSE */
    struct trace_steps s;
    trace_steps_of(&t, &t.at[4], &s);
    assert_int_equal(s.to, LADDER_BSF);
    assert_string_equal(s.step, "refused and audited"); /* not with the words of the MEF */
    trail_free(&t);
}

static void who_is_who_is_told_by_the_other_chains(void **state)
{
    (void)state;
    static const char lines[] =
        "{\"roles\":\"mef\",\"number\":1,\"time\":\"20261121T090000\",\"event\":\"key-released\",\"outcome\":\"ok\",\"peer\":\"in.x\",\"object\":\"K@mef.x\"}\n"
        "{\"roles\":\"mef\",\"number\":2,\"time\":\"20261121T090001\",\"event\":\"refused\",\"outcome\":\"not-the-target\",\"peer\":\"in.x\",\"object\":\"/fetchCredentials/L@mef.x/22\"}\n"
        "{\"roles\":\"mef\",\"number\":3,\"time\":\"20261121T090001\",\"event\":\"refused\",\"outcome\":\"a-reason-of-tomorrow\",\"peer\":\"m.x\",\"object\":\"/fetchCredentials/L@mef.x/21\"}\n"
        "{\"roles\":\"cse\",\"number\":2,\"time\":\"20261121T090002\",\"event\":\"resource-created\",\"outcome\":\"ok\",\"peer\":\"operator\"}\n"
        "{\"roles\":\"cse\",\"number\":1,\"time\":\"20261121T090000\",\"event\":\"kpsa-stored\",\"outcome\":\"ok\",\"peer\":\"//x/S\",\"object\":\"k@mef.x\"}\n";
    struct trail t;
    struct trace_steps s;
    char detail[TRAIL_DETAIL_MAX] = "";
    assert_int_equal(read_lines(&t, lines, strlen(lines), detail), ERR_OK);
    assert_int_equal(trail_sort(&t), ERR_OK);
    trace_steps_of(&t, &t.at[0], &s);
    assert_int_equal(s.from, LADDER_MEF);
    assert_int_equal(s.to, LADDER_CSE);
    trace_steps_of(&t, &t.at[2], &s);
    assert_int_equal(s.from, LADDER_CSE);
    assert_int_equal(s.items_n, 3);
    trace_steps_of(&t, &t.at[3], &s);
    assert_int_equal(s.from, LADDER_MAF);
    assert_non_null(s.why); /* a reason that this program does not know is a refusal, too */
    trace_steps_of(&t, &t.at[4], &s);
    assert_int_equal(s.from, LADDER_OPERATOR); /* by command, what devices do by request */
    assert_int_equal(s.to, LADDER_CSE);
    trail_free(&t);
}

/* -- lines that nobody honest has written ------------------------------------------------------------------------- */
#define EVENT(members)                                                                                                 \
    "{\"roles\":\"mef\",\"number\":1,\"time\":\"20261121T090000\",\"event\":\"refused\",\"outcome\":\"psk-wrong\"," members "}"

static void wrong_lines_are_told_with_their_number(void **state)
{
    (void)state;
    char longer[600];
    char over[600];
    (void)snprintf(longer, sizeof(longer), "{\"roles\":\"mef\",\"event\":\"%0500d\"}", 0);
    (void)snprintf(over, sizeof(over),
                   "{\"roles\":\"mef\",\"number\":1,\"time\":\"20261121T090000\",\"event\":\"refused\","
                   "\"outcome\":\"psk-wrong\",\"object\":\"%0300d\"}", 0);
    const struct {
        const char *line, *says;
    } rows[] = {
        {"keystead: started", "line 2: not one JSON object"},
        {"{\"roles\":\"mef\"} {}", "line 2: not one JSON object"},
        {"{\"roles\":\"mef\",\"roles\":\"maf\"}", "line 2: not one JSON object"},
        {"{\"roles\":\"\xff\"}", "line 2: not one JSON object"},
        {"{}", "line 2: no audit event"},
        {"{\"roles\":\"mef\",\"events\":{}}", "line 2: \"events\" is no list"},
        {"{\"roles\":\"mef\",\"events\":[3]}", "line 2: no audit event"},
        {"{\"event\":\"refused\",\"number\":1}", "line 2: \"roles\" does not say"},
        {"{\"roles\":\"hss\",\"event\":\"refused\"}", "line 2: \"roles\" does not say"},
        {"{\"roles\":\"mef\",\"event\":\"refused\"}", "line 2: no audit event: number"},
        {"{\"roles\":\"mef\",\"event\":\"refused\",\"number\":0,\"time\":\"20261121T090000\",\"outcome\":\"ok\"}", "number"},
        {"{\"roles\":\"mef\",\"event\":\"refused\",\"number\":1,\"time\":\"now\",\"outcome\":\"ok\"}", "time"},
        {"{\"roles\":\"mef\",\"event\":\"refused\",\"number\":1,\"usec\":1000000,\"time\":\"20261121T090000\",\"outcome\":\"ok\"}", "time"},
        {"{\"roles\":\"mef\",\"event\":\"refused\",\"number\":1,\"time\":\"20261121T090000\"}", "outcome"},
        {over, "too long"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trail t;
        char lines[1024];
        char detail[TRAIL_DETAIL_MAX] = "";
        int n = snprintf(lines, sizeof(lines), "\n%s\n", rows[i].line);
        assert_int_equal(read_lines(&t, lines, (size_t)n, detail), ERR_MALFORMED);
        if (strstr(detail, rows[i].says) == NULL) {
            print_message("%s: %s\n", rows[i].line, detail);
        }
        assert_non_null(strstr(detail, rows[i].says));
        trail_free(&t);
    }
    struct trail t; /* a kind that nobody knows, with a name of any length, is counted */
    char detail[TRAIL_DETAIL_MAX] = "";
    assert_int_equal(read_lines(&t, longer, strlen(longer), detail), ERR_OK);
    assert_int_equal(t.unknown, 1);
    trail_free(&t);
}

static void a_line_without_end_is_refused(void **state)
{
    (void)state;
    struct trail t;
    char detail[TRAIL_DETAIL_MAX] = "";
    char *line = malloc(TRAIL_LINE_MAX + 16);
    assert_non_null(line);
    memset(line, ' ', TRAIL_LINE_MAX + 16);
    assert_int_equal(read_lines(&t, line, TRAIL_LINE_MAX + 16, detail), ERR_LIMIT_SIZE);
    assert_string_equal(detail, "line 1: longer than a megabyte");
    free(line);
    trail_free(&t);
}

/* Each event leads to the one before it, so that a pass finds one name: it ends all the same. */
static void a_trail_made_to_mislead_ends(void **state)
{
    (void)state;
    enum { EVENTS = 1000, LINE = 160 };
    char *lines = calloc(EVENTS, LINE);
    size_t n = 0;
    struct trail t;
    char detail[TRAIL_DETAIL_MAX] = "";
    size_t shown = 0;
    assert_non_null(lines);
    for (int i = 1; i <= EVENTS; i++) {
        n += (size_t)snprintf(lines + n, LINE,
                              "{\"roles\":\"cse\",\"number\":%d,\"time\":\"20261121T100000\",\"event\":\"associated\","
                              "\"outcome\":\"ok\",\"peer\":\"a%d\",\"object\":\"a%d\"}\n", i, i, i + 1);
    }
    assert_int_equal(read_lines(&t, lines, n, detail), ERR_OK);
    assert_int_equal(trail_sort(&t), ERR_OK);
    assert_int_equal(trail_name(&t, text_of("a1001")), ERR_OK);
    assert_int_equal(trail_narrow(&t, &shown), ERR_OK);
    assert_in_range(shown, 1, 32);
    trail_free(&t);
    free(lines);
}

static void names_drive_no_terminal_and_no_browser(void **state)
{
    (void)state;
    static const char line[] = EVENT("\"peer\":\"<script>alert('1')&\\\"\",\"object\":\"a\\u001b[2J\\n\\u007f\\u202e\\u0085b\","
                                     "\"key\":\"0123456789abcdef\"");
    struct trail t;
    char detail[TRAIL_DETAIL_MAX] = "";
    assert_int_equal(read_lines(&t, line, strlen(line), detail), ERR_OK);
    assert_int_equal(trail_sort(&t), ERR_OK);
    trail_all(&t);
    char *text = drawn(&t, trace_steps_text);
    char *svg = drawn(&t, trace_steps_svg);
    char *json = drawn(&t, trace_steps_json);
    assert_non_null(strstr(text, "a\\x1B[2J\\x0A\\x7F\\xE2\\x80\\xAE\\xC2\\x85b (<script>alert('1')&\")"));
    assert_non_null(strstr(svg, "a\\x1B[2J\\x0A\\x7F\\xE2\\x80\\xAE\\xC2\\x85b (&lt;script&gt;alert(&#39;1&#39;)&amp;&quot;)"));
    assert_null(strstr(svg, "<script"));
    assert_non_null(strstr(json, "a\\u001B[2J\\n"));
    assert_non_null(strstr(json, "\\u202E"));
    const char *const all[] = {text, svg, json};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_null(strchr(all[i], 0x1B));
        assert_null(strchr(all[i], 0x7F));
        assert_null(strstr(all[i], "0123456789abcdef")); /* what is no member of an event is not kept */
    }
    free(text);
    free(svg);
    free(json);
    trail_free(&t);
}

/* A column for whom something happens at; five are always there. */
static void columns_are_for_those_who_take_part(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *head, *participants, *arrow, *at;
    } rows[] = {
        {EVENT("\"peer\":\"d\",\"object\":\"o\""), "operator   device     MEF        MAF        IN-CSE     \n",
         "[\"operator\",\"device\",\"mef\",\"maf\",\"cse\"]", NULL, "x=\"490\""},
        {"{\"roles\":\"mef, bsf\",\"number\":1,\"time\":\"20261121T100000\",\"event\":\"bootstrapped\",\"outcome\":\"ok\",\"peer\":\"d\"}\n",
         "operator   device     BSF        MEF        MAF        IN-CSE     \n",
         "[\"operator\",\"device\",\"bsf\",\"mef\",\"maf\",\"cse\"]",
         "  │          │◀─────────│          │          │          │   10:00:00.000 Ks by Digest AKA", "x=\"600\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trail t;
        char detail[TRAIL_DETAIL_MAX] = "";
        assert_int_equal(read_lines(&t, rows[i].lines, strlen(rows[i].lines), detail), ERR_OK);
        assert_int_equal(trail_sort(&t), ERR_OK);
        trail_all(&t);
        char *text = drawn(&t, trace_steps_text);
        char *svg = drawn(&t, trace_steps_svg);
        char *json = drawn(&t, trace_steps_json);
        assert_memory_equal(text, rows[i].head, strlen(rows[i].head));
        assert_true(rows[i].arrow == NULL || strstr(text, rows[i].arrow) != NULL);
        assert_non_null(strstr(svg, rows[i].at)); /* the last lifeline */
        assert_int_equal(strstr(svg, ">BSF<") != NULL, i == 1);
        assert_non_null(strstr(json, rows[i].participants));
        free(text);
        free(svg);
        free(json);
        trail_free(&t);
    }
}

static void each_audit_kind_is_drawn(void **state)
{
    (void)state;
    assert_null(ladder_arrows_of(text_of("none")));
    for (int k = 1; k < 1024; k++) {
        const struct audit_info *info = audit_kind_info((enum audit_kind)k);
        const struct ladder_arrow *row = info == NULL ? NULL : ladder_arrows_of(text_of(info->code));
        assert_true(info == NULL || (row != NULL && (int)row->kind == k && row->text[0] != '\0'));
    }
    for (size_t i = 0; i < ladder_arrows_n; i++) { /* one row a kind */
        assert_ptr_equal(ladder_arrows_of(text_of(audit_kind_info(ladder_arrows[i].kind)->code)), &ladder_arrows[i]);
        assert_int_equal(ladder_arrows_rank(&ladder_arrows[i]), i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trail_is_drawn),
        cmocka_unit_test(each_name_of_a_device_leads_to_it),
        cmocka_unit_test(numbers_count_more_than_times),
        cmocka_unit_test(who_is_who_is_told_by_the_other_chains),
        cmocka_unit_test(wrong_lines_are_told_with_their_number),
        cmocka_unit_test(a_line_without_end_is_refused),
        cmocka_unit_test(a_trail_made_to_mislead_ends),
        cmocka_unit_test(names_drive_no_terminal_and_no_browser),
        cmocka_unit_test(columns_are_for_those_who_take_part),
        cmocka_unit_test(each_audit_kind_is_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
