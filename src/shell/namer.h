/*
 * Brings the DNS to what the roles want (role.naming): one name at a time a role, by DNS UPDATE over UDP. A name server that does
 * not answer is asked three times in three seconds and then again after a while that grows to half a minute. It runs beside the
 * intake, in the process that writes.
 */
#ifndef KEYSTEAD_SHELL_NAMER_H
#define KEYSTEAD_SHELL_NAMER_H

#include "shell/dns_update.h"
#include "shell/intake.h"

#include <uv.h>

struct namer_item {
    struct namer *all;
    size_t role; /* instance of the snapshot */
    bool open, under_way, saving, away;
    unsigned sent;
    usec_t due, patience; /* clock_monotonic */
    err_t result;
    struct naming n;
    struct dns_update u;
    struct secret key;
    uv_udp_t udp;
    struct sockaddr_storage to;
    uint8_t room[DNS_UPDATE_MAX];
};

struct namer {
    uv_loop_t *loop;
    const struct snapshot *snap;
    struct intake *intake;
    uv_timer_t tick;
    uint8_t *arena;
    struct namer_item items[SNAPSHOT_ROLES_MAX];
    size_t items_n;
};

MUST_USE err_t namer_start(struct namer *n, uv_loop_t *loop, const struct snapshot *snap, struct intake *intake);
void namer_stop(struct namer *n);

#endif
