/*
 * serve: one process that has no loop, no TLS and no store, and does nothing but make sockets, start processes, start
 * again what died, and exchange one generation of processes for the next when the configuration changes. It stays
 * single-threaded, so that a plain fork is safe.
 */
#ifndef KEYSTEAD_SHELL_SUPERVISOR_H
#define KEYSTEAD_SHELL_SUPERVISOR_H

#include "shell/snapshot.h"

struct supervisor_options {
    struct snapshot_source source;
    int ready_fd; /* -1: none; one line of JSON with the listeners when all processes serve, then closed */
};

/*
 * Runs until SIGTERM or SIGINT (or `ctl stop`): ERR_OK after all has ended in order. *faults and detail say what is
 * wrong if it could not start. SIGHUP and `ctl reload` read the configuration again.
 */
MUST_USE err_t supervisor_run(const struct supervisor_options *o, struct conf_faults *faults,
                              char detail[static ROLE_DETAIL_MAX]);

#endif
