/* What the process of Diameter is told when an answer of Zn does not go into a frame: tee stands for it, and writes down what it hears. */
#include "scratch.h"
#include "shell/zh.h"
#include "wire/zh_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_answer_that_is_too_long_is_a_refusal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
