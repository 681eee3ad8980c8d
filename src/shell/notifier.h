/*
 * Tells what waits in the outboxes of the roles (role.outbox), again and again: one event at a time to a target, so that they come in
 * order; a target that is away or hangs is left alone for a while that grows, and holds up nobody else. It runs beside the
 * intake, in the process that writes: an event is taken off its queue by a job when the target has answered.
 */
#ifndef KEYSTEAD_SHELL_NOTIFIER_H
#define KEYSTEAD_SHELL_NOTIFIER_H

#include "role/outbox.h"
#include "shell/intake.h"
#include "shell/outbound.h"

#define NOTIFIER_SENDING_MAX 128 /* events under way */
#define NOTIFIER_TARGETS_MAX 4096 /* targets that are left alone; beyond that one is asked again too early */

#define NOTIFIER_HELD_MAX 4096
struct notifier_held { /* a queue that nobody could be told from: not looked into for a while. One that is forgotten is looked into */
    uint64_t name; /* a hash; of two that are alike, one waits a moment longer than it would */
    usec_t until;
};

struct notifier_sending;
struct notifier_target;
struct notifier {
    uv_loop_t *loop;
    const struct snapshot *snap;
    struct intake *intake;
    struct outbound *out;
    uv_timer_t tick;
    struct notifier_sending *sending;
    struct notifier_target *targets; /* those that were away */
    size_t targets_n;
    size_t role;           /* where the look goes on */
    char after[512];
    struct notifier_held *held;
    usec_t wake;           /* clock_monotonic: a queue is worth another look; USEC_NEVER: none says so */
    uint64_t seen;         /* changes of the store at the last whole look */
    bool again;
};

MUST_USE err_t notifier_start(struct notifier *n, uv_loop_t *loop, const struct snapshot *snap, struct intake *intake);
void notifier_stop(struct notifier *n);

/* What an answer means for an event. */
enum outbox_outcome notifier_outcome(const struct outbound_answer *a);

#endif
