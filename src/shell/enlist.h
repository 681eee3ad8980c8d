/*
 * Does the errands of the roles (role.h): asks each what is to be sent, sends it, has the writer take in what came of it, and
 * tries again after a while that grows to half a minute. It runs beside the intake, in the process that writes.
 */
#ifndef KEYSTEAD_SHELL_ENLIST_H
#define KEYSTEAD_SHELL_ENLIST_H

#include "shell/growing.h"
#include "shell/intake.h"
#include "shell/outbound.h"

struct enlist_item {
    struct enlist *all;
    size_t role; /* instance of the snapshot */
    bool under_way, away;
    usec_t due, patience; /* clock_monotonic */
    struct errand_memory memory;
    struct errand q;
    struct errand_answer a;
    struct growing body;
};

struct enlist {
    uv_loop_t *loop;
    const struct snapshot *snap;
    struct intake *intake;
    struct outbound *out;
    uv_timer_t tick;
    uint8_t *arena;
    struct enlist_item *items; /* one a lane */
    size_t items_n;
};

MUST_USE err_t enlist_start(struct enlist *e, uv_loop_t *loop, const struct snapshot *snap, struct intake *intake);
void enlist_stop(struct enlist *e);

#endif
