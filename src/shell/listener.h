/* Accepts connections on a socket that the supervisor made. */
#ifndef KEYSTEAD_SHELL_LISTENER_H
#define KEYSTEAD_SHELL_LISTENER_H

#include "shell/worker.h"

struct listener;
/* `fd` is this process's own copy and is taken over; the supervisor's lives on. */
MUST_USE err_t listener_new(struct worker *w, const struct snapshot_listener *l, int fd, struct listener **out);
void listener_close(struct listener *l);

#endif
