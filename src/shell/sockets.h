/*
 * The listening sockets of the process tree, made and kept open by the supervisor: one a worker and listener with
 * SO_REUSEPORT, so that connections queue while a worker is replaced, and the control socket.
 */
#ifndef KEYSTEAD_SHELL_SOCKETS_H
#define KEYSTEAD_SHELL_SOCKETS_H

#include "shell/snapshot.h"

struct sockets_listener {
    char address[SNAPSHOT_ADDRESS_MAX]; /* as configured */
    char actual[SNAPSHOT_ADDRESS_MAX];
    bool datagram;
    int *fds; /* one a worker */
    size_t n;
};

struct sockets {
    struct sockets_listener listeners[SNAPSHOT_LISTENERS_MAX];
    size_t listeners_n;
    char control_path[108];
    int control; /* -1: none */
};

void sockets_init(struct sockets *s);
/*
 * Opens what `snap` needs, takes over from `old` (may be NULL) what stays the same, and fills in snap's actual
 * addresses. On failure nothing has changed and `detail` names the address. The caller then closes the one it does not
 * keep.
 */
MUST_USE err_t sockets_open(struct sockets *s, const struct sockets *old, struct snapshot *snap,
                            char detail[static ROLE_DETAIL_MAX]);
/* Closes what `keep` (may be NULL) does not share; removes the control socket from the file system likewise. */
void sockets_close(struct sockets *s, const struct sockets *keep);
/*
 * In a new process: the descriptors of worker `index` (SIZE_MAX: of none), one for each listener of the snapshot they
 * were opened for; returns the one of the control socket if it is wanted, or -1. All others are closed there.
 */
int sockets_inherit(const struct sockets *s, size_t index, bool control, int out[static SNAPSHOT_LISTENERS_MAX]);

#endif
