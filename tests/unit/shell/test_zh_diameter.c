/* What the process of Diameter is told when an answer of Zn does not go into a frame: tee stands for it, and writes down what it hears. What becomes of one
 * that hangs. */
#include "scratch.h"
#include "shell/zh.h"
#include "wire/zh_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TURNS_MAX 2000 /* of 5 ms */

static size_t heard(const char *file, uint8_t *buf, size_t cap)
{
    FILE *f = fopen(file, "rb");
    size_t n = f == NULL ? 0 : fread(buf, 1, cap, f);
    if (f != NULL) {
        (void)fclose(f);
    }
    return n;
}

static void an_answer_that_is_too_long_is_a_refusal(void **state)
{
    (void)state;
    struct scratch s;
    uv_loop_t loop;
    struct zh *zh = NULL;
    struct zh_frame f;
    static struct zh_conf conf = {.protocol = ZH_DIAMETER, .answer = 2000000, .program = "tee", .realm = "/dev/null"};
    static uint8_t body[ZH_FRAME_BODY_MAX + 1024], in[4096];
    char file[PATH_MAX];
    size_t n = 0, used = 0;
    scratch_make(&s);
    assert_int_equal(chdir(s.dir), 0); /* tee makes a file of each of its arguments */
    assert_true(snprintf(conf.file, sizeof(conf.file), "%s", scratch_path(&s, "heard", file)) > 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(zh_new(&loop, &conf, &zh), ERR_OK);
    assert_true(zh_is_up(zh));
    zh_zn_answer(zh, &(struct zh_zn){.token = 7, .run = 1}, ERR_OK, BYTES_ARRAY(body));
    zh_zn_answer(zh, &(struct zh_zn){.token = 8, .run = 2}, ERR_OK, bytes_empty()); /* another process asked: nothing is said */
    for (int i = 0; i < TURNS_MAX && n == 0; i++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        usleep(5000);
        n = heard(conf.file, in, sizeof(in));
    }
    assert_int_equal(zh_frame_parse(bytes_of(in, n), &f, &used), ERR_OK);
    assert_int_equal(used, n);
    assert_true(f.kind == ZH_FRAME_ZN_ANSWER && f.token == 7 && f.err == ERR_PEER_REFUSED && f.body.n == 0);
    zh_free(zh);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(chdir("/"), 0);
    scratch_remove(&s);
}

/* -- one that hangs ---------------------------------------------------------------------------------------- */
static size_t lines(const char *file)
{
    uint8_t buf[256];
    size_t n = heard(file, buf, sizeof(buf)), found = 0;
    for (size_t i = 0; i < n; i++) {
        found += buf[i] == '\n';
    }
    return found;
}

static void turns_until(uv_loop_t *loop, const char *file, size_t n)
{
    for (int i = 0; i < TURNS_MAX && lines(file) < n; i++) {
        (void)uv_run(loop, UV_RUN_NOWAIT);
        usleep(5000);
    }
    assert_int_equal(lines(file), n);
}

static void answered(void *owner, const struct zh_answer *a)
{
    *(err_t *)owner = a->err;
}

/* An answer to nobody: it has begun. */
static void frame_write(const char *file)
{
    uint8_t b[ZH_FRAME_MAX];
    struct writer w = WRITER_ARRAY(b);
    const struct zh_frame said = {.kind = ZH_FRAME_ANSWER, .token = 99, .err = ERR_PEER_TIMEOUT};
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(zh_frame_write(&said, &w), ERR_OK);
    assert_int_equal(fwrite(b, 1, w.n, f), w.n);
    assert_int_equal(fclose(f), 0);
}

/* It neither reads nor ends when it is told to: its question is over in time, and it makes room for another. */
static void one_that_hangs_is_started_anew(void **state)
{
    (void)state;
    struct scratch s;
    uv_loop_t loop;
    struct zh *zh = NULL;
    static struct zh_conf conf = {.protocol = ZH_DIAMETER, .answer = 10000, .realm = "example.com"};
    const struct zh_question q = {.impi = text_of("made-up@example.com")};
    char program[PATH_MAX], begun[PATH_MAX], frame[PATH_MAX];
    err_t said = ERR_OK;
    scratch_make(&s);
    assert_true(snprintf(conf.file, sizeof(conf.file), "%s", scratch_path(&s, "begun", begun)) > 0);
    assert_true(snprintf(conf.program, sizeof(conf.program), "%s", scratch_path(&s, "hangs", program)) > 0);
    FILE *f = fopen(program, "w");
    assert_non_null(f);
    assert_true(fputs("#!/bin/sh\ntrap '' TERM\ncat \"$1.frame\" >&0\necho begun >> \"$1\"\nwhile :; do sleep 0.1; done\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(program, 0700), 0);
    frame_write(scratch_path(&s, "begun.frame", frame));
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(zh_new(&loop, &conf, &zh), ERR_OK);
    turns_until(&loop, begun, 1);
    (void)uv_run(&loop, UV_RUN_NOWAIT); /* what it said was there before */
    assert_int_equal(zh_ask(zh, &q, answered, &said), ERR_OK);
    turns_until(&loop, begun, 2);
    assert_int_equal(said, ERR_PEER_TIMEOUT);
    zh_free(zh);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    scratch_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_answer_that_is_too_long_is_a_refusal),
                                       cmocka_unit_test(one_that_hangs_is_started_anew)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
