/* Jobs and results between processes: there and back, every cut refused, frames found in a stream. */
#include "shell/job.h"
#include "shell/refusal_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t buf[16384];

static struct association an_association(void)
{
    struct association a = {.framework = ASSOCIATION_MAF,
                            .peer = PEER_AE,
                            .tls_version = 0x0303,
                            .suite = 0xAE,
                            .ids_n = 1,
                            .established = 5,
                            .not_after = 9};
    strcpy(a.id, "00112233445566778899aabbccddeeff");
    strcpy(a.ids[0].z, "//sp.example/cse/Cmadeup");
    strcpy(a.key_id.z, "made-up@maf.example");
    return a;
}

static struct bytes written(const struct job *j)
{
    struct writer w = WRITER_ARRAY(buf);
    job_write(j, &w);
    assert_int_equal(writer_finish(&w), ERR_OK);
    return writer_view(&w);
}

static struct bytes body_of(struct bytes all)
{
    struct bytes frame = bytes_empty();
    size_t used = 0;
    assert_int_equal(job_frame(all, &frame, &used), ERR_OK);
    assert_int_equal(used, all.n);
    return frame;
}

static void every_cut_is_refused(struct bytes all)
{
    struct bytes frame = body_of(all);
    for (size_t n = 0; n < all.n; n++) {
        struct bytes part = bytes_empty();
        size_t used = 1;
        assert_int_equal(job_frame(bytes_of(all.p, n), &part, &used), ERR_OK);
        assert_int_equal(used, 0);
    }
    for (size_t n = 0; n < frame.n; n++) {
        struct job j;
        union job_room room;
        assert_int_not_equal(job_parse(bytes_of(frame.p, n), &room, &j), ERR_OK);
    }
}

static void a_request_comes_back(void **state)
{
    (void)state;
    const struct association who = an_association();
    struct job in = {.kind = JOB_REQUEST,
                     .role = 2,
                     .id = 77,
                     .now = 123456,
                     .assoc = &who,
                     .exported = {.set = true},
                     .ip = {.b = {127, 0, 0, 1}, .len = 4},
                     .octets = text_bytes(text_of("GET / HTTP/1.1\r\n\r\n"))};
    memset(in.exported.b, 0x5a, sizeof(in.exported.b));
    struct bytes all = written(&in);
    struct job out;
    union job_room room;
    assert_int_equal(job_parse(body_of(all), &room, &out), ERR_OK);
    assert_int_equal(out.kind, JOB_REQUEST);
    assert_int_equal(out.role, 2);
    assert_true(out.id == 77 && out.now == 123456);
    assert_string_equal(out.assoc->ids[0].z, who.ids[0].z);
    assert_true(out.exported.set);
    assert_memory_equal(out.exported.b, in.exported.b, sizeof(in.exported.b));
    assert_int_equal(out.ip.len, 4);
    assert_true(bytes_eq(out.octets, in.octets));
    job_wipe(&out);
    assert_false(out.exported.set);
    every_cut_is_refused(all);
}

static void an_answer_comes_back(void **state)
{
    (void)state;
    struct question asked = {.suid = 0};
    struct job in = {.kind = JOB_ANSWER,
                     .id = 1,
                     .question = &asked,
                     .answer = {ERR_PEER_TIMEOUT, 404, text_bytes(text_of("{}"))}};
    strcpy(asked.peer, "mef.example.com");
    strcpy(asked.path, "/fetchCredentials/x");
    strcpy(asked.origin, "maf.example.com");
    strcpy(asked.key_id.z, "x@mef.example.com");
    struct bytes all = written(&in);
    struct job out;
    union job_room room;
    assert_int_equal(job_parse(body_of(all), &room, &out), ERR_OK);
    assert_int_equal(out.answer.err, ERR_PEER_TIMEOUT);
    assert_int_equal(out.answer.status, 404);
    assert_int_equal(out.answer.body.n, 2);
    assert_string_equal(out.question->path, asked.path);
    assert_string_equal(out.question->key_id.z, asked.key_id.z);
    every_cut_is_refused(all);
}

static void a_refusal_comes_back(void **state)
{
    (void)state;
    struct job in = {.kind = JOB_REFUSED, .now = 7};
    in.refusal.why = ERR_DENIED_CERT_WILD;
    in.refusal.key = true;
    strcpy(in.refusal.peer, "192.0.2.1");
    strcpy(in.refusal.shown, "*.sp.example serial 0a by /CN=made-up");
    struct bytes all = written(&in);
    struct job out;
    union job_room room;
    assert_int_equal(job_parse(body_of(all), &room, &out), ERR_OK);
    assert_int_equal(out.refusal.why, ERR_DENIED_CERT_WILD);
    assert_true(out.refusal.key);
    assert_string_equal(out.refusal.peer, in.refusal.peer);
    assert_string_equal(out.refusal.shown, in.refusal.shown);
    every_cut_is_refused(all);
}

/* A stranger with certificates without end: a burst, then one a minute, and never more than the burst after a rest. */
static void events_of_strangers_are_bounded(void **state)
{
    (void)state;
    struct refusal_gate g = {0};
    usec_t t = 1000;
    for (unsigned i = 0; i < REFUSAL_GATE_BURST; i++) {
        assert_true(refusal_gate_pass(&g, t));
    }
    assert_false(refusal_gate_pass(&g, t));
    assert_false(refusal_gate_pass(&g, t + REFUSAL_GATE_REFILL - 1));
    assert_true(refusal_gate_pass(&g, t + REFUSAL_GATE_REFILL));
    assert_false(refusal_gate_pass(&g, t + REFUSAL_GATE_REFILL));
    t += 1000 * REFUSAL_GATE_REFILL;
    for (unsigned i = 0; i < REFUSAL_GATE_BURST; i++) {
        assert_true(refusal_gate_pass(&g, t));
    }
    assert_false(refusal_gate_pass(&g, t));
    assert_false(refusal_gate_pass(&g, 0)); /* a clock that goes back pays nothing */
    unsigned passed = 0;
    for (unsigned i = 0; i < 600; i++) { /* ten hours, one a minute */
        passed += refusal_gate_pass(&g, t + (i + 1) * REFUSAL_GATE_REFILL) ? 1 : 0;
    }
    assert_int_equal(passed, 600);
}

static void an_operators_command_never_travels(void **state)
{
    (void)state;
    struct job in = {.kind = JOB_CTL};
    struct job out;
    union job_room room;
    assert_int_equal(job_parse(body_of(written(&in)), &room, &out), ERR_MALFORMED);
    const uint8_t kinds[] = {0, JOB_CTL, 9, 255};
    for (size_t i = 0; i < sizeof(kinds); i++) {
        const uint8_t frame[19] = {kinds[i]};
        assert_int_equal(job_parse(BYTES_ARRAY(frame), &room, &out), ERR_MALFORMED);
    }
}

static void results_come_back(void **state)
{
    (void)state;
    struct job_result in[3] = {
        {.kind = JOB_REQUEST,
         .id = 3,
         .err = ERR_EXISTS,
         .detail = "a",
         .rsc = 4105,
         .location = "/b",
         .body = text_bytes(text_of("{}"))},
        {.kind = JOB_ANSWER, .id = 4, .err = ERR_OK, .assoc = an_association(), .body = bytes_empty()},
        {.kind = JOB_ESTABLISHED, .id = 5, .err = ERR_STORE_FULL, .body = bytes_empty()},
    };
    assert_int_equal(secret_set(&in[1].key, text_bytes(text_of("a made-up key"))), ERR_OK);
    struct writer w = WRITER_ARRAY(buf);
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        job_result_write(&in[i], &w);
    }
    struct bytes rest = writer_view(&w);
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        struct bytes frame = bytes_empty();
        size_t used = 0;
        struct job_result out;
        assert_int_equal(job_frame(rest, &frame, &used), ERR_OK);
        assert_true(used > 0);
        assert_int_equal(job_result_parse(frame, &out), ERR_OK);
        assert_int_equal(out.err, in[i].err);
        assert_true(out.id == in[i].id && out.rsc == in[i].rsc);
        assert_string_equal(out.location, in[i].location);
        assert_true(secret_eq(&out.key, &in[i].key));
        assert_string_equal(out.assoc.id, in[i].assoc.id);
        for (size_t n = 0; n < frame.n; n++) {
            struct job_result cut;
            assert_int_not_equal(job_result_parse(bytes_of(frame.p, n), &cut), ERR_OK);
        }
        job_result_wipe(&out);
        rest = bytes_of(rest.p + used, rest.n - used);
    }
    assert_int_equal(rest.n, 0);
}

static void a_frame_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    const uint8_t head[] = {0xff, 0, 0, 0};
    struct bytes frame;
    size_t used = 0;
    assert_int_equal(job_frame(BYTES_ARRAY(head), &frame, &used), ERR_LIMIT_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_comes_back),
        cmocka_unit_test(an_answer_comes_back),
        cmocka_unit_test(a_refusal_comes_back),
        cmocka_unit_test(events_of_strangers_are_bounded),
        cmocka_unit_test(an_operators_command_never_travels),
        cmocka_unit_test(results_come_back),
        cmocka_unit_test(a_frame_beyond_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
