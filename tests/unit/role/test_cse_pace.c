/* How fast a target is told: rateLimit and batchNotify of a subscription, and what becomes of both when it is away or ends. */
#include "cse_fixture.h"

#include "role/cse/cse_notify.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LISTED "http://127.0.0.1:8080"

static struct cse_fixture f;

#define must(e) cse_fixture_must(&f, (e))
static struct cse_told x;

static void begin(const char *more)
{
    char body[256];
    cse_fixture_init(&f, CSE_CONF "notify-queue = 5\n");
    f.w.callable = LISTED;
    must(cse_fixture_create(&f, &f.a, "Sa", "-", 2, AE_NAMED("app-a")));
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"));
    snprintf(body, sizeof(body), "{\"m2m:sub\":{\"rn\":\"s\",\"nu\":[\"" LISTED "/n\"],\"enc\":{\"net\":[3]},%s}}", more);
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 23, body));
}

static void happens(int i)
{
    char body[64];
    snprintf(body, sizeof(body), "{\"m2m:cin\":{\"con\":\"e%d\"}}", i);
    f.w.now += SECOND;
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 4, body));
}

/* What is told now: the numbers of its events, "-" if nothing is to be told yet, "." if nothing waits at all. */
static const char *told(enum outbox_outcome o)
{
    static char out[64];
    size_t n = 0;
    if (!cse_fixture_waits(&f, "", &x)) {
        return ".";
    }
    if (x.item.verdict == OUTBOX_HOLD) {
        assert_true(x.item.due > f.w.now); /* else nobody would look again */
        return "-";
    }
    must(cse_fixture_told(&f, &x, o));
    for (const char *p = x.body; (p = strstr(p, "\"con\":\"e")) != NULL; p++) {
        out[n++] = p[8];
    }
    out[n] = '\0';
    return out;
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        usec_t want; /* seconds; -1: none */
    } rows[] = {
        {"PT1S", 1}, {"PT60M", 3600}, {"P1D", 86400}, {"P1DT2H3M4S", 93784}, {"P0Y0M0DT0H5M0S", 300}, {"PT0S", 0},
        {"", -1}, {"P", -1}, {"PT", -1}, {"P1", -1}, {"1S", -1}, {"PT1", -1}, {"P1S", -1}, {"PT1D", -1}, {"P1M", -1}, {"P1Y", -1},
        {"PT1S2M", -1}, {"PT1S1S", -1}, {"P1DT", -1}, {"PT-1S", -1}, {"-PT1S", -1}, {"PT1.5S", -1}, {"P1D2H", -1}, {"pt1s", -1},
        {"PT253402300800S", -1}, {"P2932897DT9999999H", -1}, {"PT99999999999999999999S", -1}, {"PTT1S", -1}, {"P1TD", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        usec_t t = -1;
        err_t e = timestamp_xs_duration(text_of(rows[i].text), &t);
        if ((e == ERR_OK) != (rows[i].want >= 0) || (e == ERR_OK && t != rows[i].want * USEC_PER_SEC)) {
            fail_msg("%s: %s", rows[i].text, err_code(e));
        }
    }
}

static void a_rate_is_kept(void **state)
{
    (void)state;
    begin("\"rl\":{\"mnn\":2,\"tww\":\"PT10S\"}");
    for (int i = 1; i <= 5; i++) {
        happens(i);
    }
    assert_string_equal(told(OUTBOX_TOLD), "1");
    assert_string_equal(told(OUTBOX_TOLD), "2");
    assert_string_equal(told(OUTBOX_TOLD), "-"); /* kept, not lost */
    usec_t due = x.item.due;
    f.w.now = due - 1;
    assert_string_equal(told(OUTBOX_TOLD), "-");
    f.w.now = due;
    assert_string_equal(told(OUTBOX_TOLD), "3");
    assert_string_equal(told(OUTBOX_TOLD), "4");
    assert_string_equal(told(OUTBOX_TOLD), "-");
    f.w.now = x.item.due;
    assert_string_equal(told(OUTBOX_TOLD), "5"); /* its queue is empty now, and still counts */
    assert_string_equal(told(OUTBOX_TOLD), "-");
    happens(6);
    assert_string_equal(told(OUTBOX_TOLD), "6");
    happens(7);
    assert_string_equal(told(OUTBOX_TOLD), "-");
    f.w.now = x.item.due;
    assert_string_equal(told(OUTBOX_TOLD), "7");
    f.w.now += 20 * SECOND;
    assert_string_equal(told(OUTBOX_TOLD), ""); /* the record itself goes */
    assert_string_equal(told(OUTBOX_TOLD), ".");
    cse_fixture_free(&f);
}

/* What is refused or finds nobody is not counted as told; without the limit nothing waits. */
static void a_rate_counts_what_is_told(void **state)
{
    (void)state;
    begin("\"rl\":{\"mnn\":1,\"tww\":\"PT10S\"}");
    happens(1);
    assert_string_equal(told(OUTBOX_AWAY), "1");
    assert_string_equal(told(OUTBOX_AWAY), "1");
    assert_string_equal(told(OUTBOX_TOLD), "1");
    happens(2);
    assert_string_equal(told(OUTBOX_TOLD), "-");
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa/c/s", "{\"m2m:sub\":{\"rl\":null}}"));
    assert_string_equal(told(OUTBOX_TOLD), "2");
    assert_string_equal(told(OUTBOX_TOLD), ".");
    cse_fixture_free(&f);
}

static void events_come_together(void **state)
{
    (void)state;
    begin("\"bn\":{\"num\":3,\"dur\":\"PT1M\"},\"exc\":4");
    happens(1);
    happens(2);
    assert_string_equal(told(OUTBOX_TOLD), "-");
    happens(3);
    assert_string_equal(told(OUTBOX_AWAY), "123");
    assert_string_equal(told(OUTBOX_TOLD), "123");
    json_t *v = NULL;
    must(json_parse(text_bytes(text_of(x.body)), &v));
    assert_int_equal(json_array_size(json_object_get(json_object_get(v, "m2m:agn"), "m2m:sgn")), 3);
    json_decref(v);
    assert_string_equal(told(OUTBOX_TOLD), ".");
    must(cse_fixture_get(&f, &f.a, "Sa", "Sa/c/s"));
    assert_string_equal(cse_fixture_member(&f, "exc"), "1"); /* each event counts */
    happens(4);
    assert_string_equal(told(OUTBOX_TOLD), "-");
    f.w.now += 59 * SECOND;
    assert_string_equal(told(OUTBOX_TOLD), "-");
    f.w.now += SECOND;
    assert_string_equal(told(OUTBOX_TOLD), "4"); /* the oldest has waited for dur */
    assert_int_equal(cse_fixture_get(&f, &f.a, "Sa", "Sa/c/s"), ERR_NOT_FOUND);
    cse_fixture_free(&f);
}

/* A batch that would never be full, because the queue is, is told; and the end is told without waiting. */
static void a_full_queue_is_enough(void **state)
{
    (void)state;
    begin("\"bn\":{\"num\":100},\"su\":\"" LISTED "/end\"");
    for (int i = 1; i <= 6; i++) {
        assert_string_equal(told(OUTBOX_TOLD), i == 1 ? "." : i == 6 ? "12345" : "-");
        happens(i);
    }
    assert_string_equal(told(OUTBOX_TOLD), "-");
    f.w.now += HOUR; /* without dur */
    assert_string_equal(told(OUTBOX_TOLD), "6");
    happens(7);
    must(cse_fixture_del(&f, &f.a, "Sa", "Sa/c/s"));
    bool end = false;
    while (cse_fixture_waits(&f, "", &x)) {
        assert_int_not_equal(x.item.verdict, OUTBOX_HOLD);
        end = end || (x.item.verdict == OUTBOX_SEND && strstr(x.body, "\"sud\":true") != NULL);
        must(cse_fixture_told(&f, &x, x.item.verdict == OUTBOX_SEND ? OUTBOX_TOLD : OUTBOX_DROPPED));
    }
    assert_true(end);
    cse_fixture_free(&f);
}

static void at_a_polling_channel(void **state)
{
    char rsp[256];
    (void)state;
    begin("\"bn\":{\"num\":2}");
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 15, "{\"m2m:pch\":{\"rn\":\"p\"}}"));
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa/c/s", "{\"m2m:sub\":{\"nu\":[\"Sa\"]}}"));
    happens(1);
    assert_int_equal(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"), ERR_POLL_EMPTY);
    happens(2);
    must(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"));
    assert_non_null(strstr(f.body, "\"pc\":{\"m2m:agn\":{\"m2m:sgn\":[{\"nev\":"));
    snprintf(rsp, sizeof(rsp), "{\"m2m:rsp\":{\"rsc\":2000,\"rqi\":\"%s\"}}", cse_fixture_member(&f, "rqi"));
    const struct cse_call c = {.s = &f.a, .op = OP_NOTIFY, .to = "Sa/p/pcu", .from = "Sa", .body = rsp};
    must(cse_fixture_call(&f, &c));
    assert_string_equal(told(OUTBOX_TOLD), ".");
    cse_fixture_free(&f);
}

/* What was written before there was a pace is read. */
static void old_records(void **state)
{
    (void)state;
    uint8_t old[512];
    struct writer w = WRITER_ARRAY(old);
    struct cse_notify n;
    struct criteria c = {.net = 2};
    writer_u8(&w, 1);
    writer_block16(&w, text_bytes(text_of("//sp/Sa")));
    writer_block16(&w, bytes_empty());
    writer_block16(&w, bytes_empty());
    for (int i = 0; i < 4; i++) {
        writer_u8(&w, 1);
    }
    writer_u64(&w, 7);
    writer_u8(&w, 1);
    writer_block16(&w, text_bytes(text_of("A:Sa")));
    criteria_write(&c, &w);
    must(writer_finish(&w));
    must(cse_notify_parse(writer_view(&w), &n));
    assert_int_equal(n.left, 7);
    assert_int_equal(n.pace.batch_n + n.pace.rate_n, 0);
    assert_true(text_eq_z(n.targets[0], "A:Sa"));
    old[0] = 2;
    assert_int_not_equal(cse_notify_parse(writer_view(&w), &n), ERR_OK);
    old[0] = 3;
    assert_int_not_equal(cse_notify_parse(writer_view(&w), &n), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),              cmocka_unit_test(a_rate_is_kept),
        cmocka_unit_test(a_rate_counts_what_is_told), cmocka_unit_test(events_come_together),
        cmocka_unit_test(a_full_queue_is_enough), cmocka_unit_test(at_a_polling_channel),
        cmocka_unit_test(old_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
