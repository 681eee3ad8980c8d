/* The log: one line a write, no forged line, and strangers who cannot flood it. */
#include "shell/log.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int64_t fake_now = 1000000;

static int64_t fake_clock(void)
{
    return fake_now;
}

/* Runs `fn` with stderr in a file and gives what was written. */
static char captured[65536];
static size_t capture(void (*fn)(void))
{
    FILE *f = tmpfile();
    assert_non_null(f);
    int keep = dup(STDERR_FILENO);
    assert_true(keep >= 0);
    assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
    fn();
    assert_true(dup2(keep, STDERR_FILENO) >= 0);
    (void)close(keep);
    rewind(f);
    size_t n = fread(captured, 1, sizeof(captured) - 1, f);
    captured[n] = '\0';
    (void)fclose(f);
    size_t lines = 0;
    for (size_t i = 0; i < n; i++) {
        lines += captured[i] == '\n' ? 1 : 0;
    }
    return lines;
}

static void forge(void)
{
    log_open("mef/worker-1", ERR_LEVEL_INFO);
    const char octets[] = "a\nlevel=error event=\"forged\"\r\x1b[2J\x7f\xc3\xa4\\";
    const struct log_field fields[] = {
        {"peer", text_span(octets, sizeof(octets) - 1)}, {"nul", text_span("a\0b", 3)},
        {"plain", text_of("127.0.0.1:8443")}, {"empty", text_empty()},
    };
    log_event(ERR_LEVEL_NOTICE, "listening", fields, ARRAY_LEN(fields));
}

static void a_peer_cannot_forge_a_line(void **state)
{
    (void)state;
    assert_int_equal(capture(forge), 1);
    assert_non_null(strstr(captured, " level=notice part=mef/worker-1 event=listening peer=\"a\\x0alevel=error event=\\\""
                                     "forged\\\"\\x0d\\x1b[2J\\x7f\\xc3\\xa4\\\\\" nul=\"a\\x00b\" plain=127.0.0.1:8443 "
                                     "empty=\"\"\n"));
    assert_memory_equal(captured, "time=20", 7);
    assert_null(strchr(captured, '\x1b'));
}

static void quiet(void)
{
    log_open("mef", ERR_LEVEL_WARN);
    log_event(ERR_LEVEL_INFO, "chatter", NULL, 0);
    log_event(ERR_LEVEL_WARN, "trouble", NULL, 0);
    log_open("mef", ERR_LEVEL_DEBUG);
}

static void lower_levels_are_left_out(void **state)
{
    (void)state;
    assert_int_equal(capture(quiet), 1);
    assert_non_null(strstr(captured, "event=trouble"));
}

static void flood_of_text(void)
{
    static char big[10000];
    memset(big, 'x', sizeof(big));
    struct log_field fields[8];
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        fields[i] = (struct log_field){"big", text_span(big, sizeof(big))};
    }
    log_event(ERR_LEVEL_ERROR, "big", fields, ARRAY_LEN(fields));
}

static void a_line_has_an_end(void **state)
{
    (void)state;
    assert_int_equal(capture(flood_of_text), 1);
    assert_true(strlen(captured) <= 2048);
    assert_non_null(strstr(captured, " cut=1\n"));
}

static void strangers(void)
{
    log_limit(3);
    for (size_t i = 0; i < 100; i++) {
        log_refusal(ERR_DENIED_PSK_UNKNOWN, text_of("127.0.0.1"), text_of("made-up@mef.example"));
    }
    log_refusal(ERR_DENIED_SNI, text_of("127.0.0.1"), text_empty()); /* another reason has its own measure */
}

static void next_second(void)
{
    fake_now += USEC_PER_SEC;
    log_refusal(ERR_DENIED_PSK_UNKNOWN, text_of("127.0.0.2"), text_empty());
}

static void tick(void)
{
    fake_now += USEC_PER_SEC;
    log_tick();
    log_tick();
}

static void strangers_are_counted_not_all_written(void **state)
{
    (void)state;
    log_clock(fake_clock);
    uint64_t before = log_refusals(ERR_DENIED_PSK_UNKNOWN);
    assert_int_equal(capture(strangers), 4);
    assert_non_null(strstr(captured, "level=notice part=mef event=refused code=psk-identity-unknown peer=127.0.0.1 "
                                     "detail=made-up@mef.example"));
    assert_int_equal(log_refusals(ERR_DENIED_PSK_UNKNOWN) - before, 100);
    assert_int_equal(capture(next_second), 2);
    assert_non_null(strstr(captured, "event=refusals-left-out code=psk-identity-unknown lines=97\n"));
    assert_non_null(strstr(captured, "peer=127.0.0.2"));

    assert_int_equal(capture(strangers), 3); /* two are left of this second, and the line of the other reason */
    assert_int_equal(capture(tick), 1);
    assert_non_null(strstr(captured, "lines=98\n"));
    log_clock(NULL);
}

static void authenticated(void)
{
    log_limit(1);
    for (size_t i = 0; i < 20; i++) {
        log_refusal_of(ERR_DENIED_PRIVILEGE, &(struct log_refused){.peer = text_of("//sp.example/in/Cmade-up"),
                                                                   .detail = text_of("container"),
                                                                   .audited = true});
    }
}

static void strangers_with_an_audited_reason(void)
{
    log_limit(1);
    for (size_t i = 0; i < 20; i++) {
        log_refusal(ERR_DENIED_FROM, text_of("127.0.0.1"), text_of("container"));
    }
}

/* On a listener without TLS anybody can be refused for these reasons too. */
static void the_limit_goes_by_the_peer_not_by_the_reason(void **state)
{
    (void)state;
    assert_int_equal(capture(strangers_with_an_audited_reason), 1);
    assert_int_equal(log_refusals(ERR_DENIED_FROM), 20);
}

/* `less` that nobody scrolls, a journal that hangs: the server goes on, and says later how much was lost. */
static void nobody_reads(void)
{
    int pair[2];
    char sink[65536];
    assert_int_equal(pipe(pair), 0);
    assert_true(dup2(pair[1], STDERR_FILENO) >= 0);
    for (size_t i = 0; i < 2000; i++) {
        log_event(ERR_LEVEL_ERROR, "made-up-event-that-nobody-reads", NULL, 0); /* without the limit this blocks */
    }
    size_t all = 0;
    for (ssize_t n = 1; n > 0;) {
        struct pollfd p = {pair[0], POLLIN, 0};
        n = poll(&p, 1, 0) == 1 ? read(pair[0], sink, sizeof(sink)) : 0;
        all += (size_t)n;
    }
    assert_true(all > 1000);
    log_event(ERR_LEVEL_ERROR, "heard-again", NULL, 0);
    ssize_t n = read(pair[0], sink, sizeof(sink) - 1);
    assert_true(n > 0);
    sink[n] = '\0';
    assert_non_null(strstr(sink, "event=log-lines-lost lines="));
    assert_non_null(strstr(sink, "event=heard-again"));
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void a_log_that_nobody_takes_stops_nobody(void **state)
{
    (void)state;
    (void)alarm(20);
    assert_int_equal(capture(nobody_reads), 0);
    (void)alarm(0);
}

static void audited_refusals_pass_the_limit(void **state)
{
    (void)state;
    assert_int_equal(capture(authenticated), 20);
    assert_int_equal(log_refusals(ERR_DENIED_PRIVILEGE), 20);
    assert_int_equal(log_refusals(ERR_OK), 0);
}

static void level_names_are_those_of_the_configuration(void **state)
{
    (void)state;
    assert_int_equal(log_level_of(text_of("debug")), ERR_LEVEL_DEBUG);
    assert_int_equal(log_level_of(text_of("error")), ERR_LEVEL_ERROR);
    assert_int_equal(log_level_of(text_of("loud")), ERR_LEVEL_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_cannot_forge_a_line),
        cmocka_unit_test(lower_levels_are_left_out),
        cmocka_unit_test(a_line_has_an_end),
        cmocka_unit_test(strangers_are_counted_not_all_written),
        cmocka_unit_test(audited_refusals_pass_the_limit),
        cmocka_unit_test(the_limit_goes_by_the_peer_not_by_the_reason),
        cmocka_unit_test(a_log_that_nobody_takes_stops_nobody),
        cmocka_unit_test(level_names_are_those_of_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
