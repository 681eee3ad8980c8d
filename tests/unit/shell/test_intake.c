/* A job that comes again and finds the queue full: who asked gets a result all the same, once, and what the job borrows is let go. */
#include "shell/intake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct snapshot snap;
static struct metrics metrics;
static struct intake intake; /* its memory goes with the process */
static int told, released;
static err_t last;

static void done(void *arg, const struct job_result *r)
{
    assert_ptr_equal(arg, &told);
    told++;
    last = r->err;
    assert_int_equal(r->id, 77);
    assert_int_equal(r->rsc, err_info(r->err)->rsc);
}

static void let_go(void *arg)
{
    assert_ptr_equal(arg, &released);
    released++;
}

static void a_full_queue_answers(void **state)
{
    (void)state;
    static uv_loop_t loop;
    static struct job j = {.kind = JOB_REQUEST, .id = 77};
    const struct intake_ticket mine = {0, done, &told}, gone = {9, NULL, NULL};
    size_t n = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(intake_start(&intake, &loop, &snap, &metrics), ERR_OK);
    intake_resume(&intake, &j, &mine, let_go, &released); /* there is room: it waits for the store */
    assert_true(told == 0 && released == 0);
    while (intake_submit(&intake, &j, done, &told) == ERR_OK) {
        n++;
        assert_true(n < 100000);
    }
    assert_true(n > 1000);
    intake_resume(&intake, &j, &mine, let_go, &released);
    assert_true(told == 1 && released == 1 && last == ERR_LIMIT_BUSY);
    intake_resume(&intake, &j, &gone, let_go, &released); /* of a worker that is gone: nobody is told */
    assert_true(told == 1 && released == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_full_queue_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
