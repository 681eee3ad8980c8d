/*
 * The writer's side of the loop: gathers jobs of this process and of workers at the other end of a socket pair, has
 * the committer run all that wait in one go at the end of a loop turn, and hands the results back. While the store is
 * still held by the writer of an older generation, jobs wait.
 */
#ifndef KEYSTEAD_SHELL_INTAKE_H
#define KEYSTEAD_SHELL_INTAKE_H

#include "shell/committer.h"

#include <uv.h>

typedef void intake_done_fn(void *arg, const struct job_result *r);

struct intake_link;
/* To whom the result of a job goes, also later: of a process that is gone it goes to nobody. */
struct intake_ticket {
    uint64_t link; /* its number, or 0: of this process */
    intake_done_fn *done;
    void *arg;
};
/* A request that needs a vector first (job_result.vector): copies what it wants of the job and calls intake_resume() later.
 * False: no memory, and the connection gets no answer. */
typedef bool intake_ask_fn(void *arg, const struct job *j, const struct vector_question *q, const struct intake_ticket *t);
struct intake {
    uv_loop_t *loop;
    struct committer committer;
    uv_check_t check;
    uv_idle_t spin; /* keeps the loop from sleeping while jobs wait */
    uv_timer_t tick;
    struct intake_queue *waiting; /* of this process, for the next batch */
    struct intake_queue *running;
    struct job_result *results;
    struct intake_link *links;
    size_t links_n;
    uint64_t links_made;
    intake_ask_fn *ask;
    void *ask_arg;
    uint64_t delivered; /* batches */
    bool stopped;
};

MUST_USE err_t intake_start(struct intake *in, uv_loop_t *loop, const struct snapshot *snap, struct metrics *metrics);
/* ERR_STORE_LOCKED is returned, or waited out (the loop tries again until it opens) if `patient`. */
MUST_USE err_t intake_open(struct intake *in, bool patient);
bool intake_is_open(const struct intake *in);

/* What *j borrows must live until `done`, which comes exactly once. ERR_LIMIT_BUSY. */
MUST_USE err_t intake_submit(struct intake *in, const struct job *j, intake_done_fn *done, void *arg);

/* Runs the job again; `release` is called when what it borrows is not needed any more, perhaps at once. */
void intake_resume(struct intake *in, const struct job *j, const struct intake_ticket *t, void (*release)(void *arg), void *arg);

/* A worker's end of a socket pair. Takes the pipe over. */
void intake_attach(struct intake *in, uv_pipe_t *pipe);

/* Runs what waits, signs, closes the store. */
void intake_stop(struct intake *in);

#endif
