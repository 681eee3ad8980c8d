/*
 * Asks the authorities whose keys a role holds what they have withdrawn, again and again, and has the writer take in what
 * they say. It runs beside the intake, in the process that writes.
 */
#ifndef KEYSTEAD_SHELL_WATCH_H
#define KEYSTEAD_SHELL_WATCH_H

#include "shell/fetch.h"
#include "shell/intake.h"

struct watch_item;
struct watch {
    uv_loop_t *loop;
    const struct snapshot *snap;
    struct intake *intake;
    struct fetch *fetch;
    uv_timer_t tick;
    struct watch_item *items; /* one an instance and authority; made when the store is open */
    bool ready;
};

MUST_USE err_t watch_start(struct watch *w, uv_loop_t *loop, const struct snapshot *snap, struct intake *intake);
void watch_stop(struct watch *w);

#endif
