/*
 * Vectors that roles need of an HLR or HSS (role/vector.h), asked for by the writer's process, which alone is connected to it: a
 * request that the writer has put aside waits here, and goes to the writer again with the answer. Nobody else waits. The Diameter
 * process that it starts may serve Zn, too (zn_server.h).
 */
#ifndef KEYSTEAD_SHELL_VECTORS_H
#define KEYSTEAD_SHELL_VECTORS_H

#include "shell/intake.h"
#include "shell/zh.h"
#include "shell/zn_server.h"

#define VECTORS_WAITING_MAX 512
#define VECTORS_ADDRESS_MAX 16 /* of one client address at one role: a connection to an HLR has room for 64 */

struct vectors_entry;
struct vectors {
    uv_loop_t *loop;
    const struct snapshot *snap;
    struct intake *intake;
    struct metrics *metrics;
    struct zh *zh[SNAPSHOT_ROLES_MAX]; /* of instances with the row `subscribers`, unless it says embedded */
    struct zh *only_zn[SNAPSHOT_ROLES_MAX]; /* of instances that have Zn over Diameter, and their vectors from elsewhere */
    struct zn_server zn[SNAPSHOT_ROLES_MAX];
    struct vectors_entry *waiting;
    size_t waiting_n;
};

MUST_USE err_t vectors_start(struct vectors *v, uv_loop_t *loop, const struct snapshot *snap, struct intake *intake,
                             struct metrics *metrics);
void vectors_stop(struct vectors *v); /* what waits is dropped; the memory of connections goes with the loop */

#endif
