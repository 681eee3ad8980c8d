/*
 * A listener of datagrams: the socket, and the door with its cookies. Who passes it gets a session; who has not passed
 * it is in no table.
 */
#ifndef KEYSTEAD_SHELL_DOOR_H
#define KEYSTEAD_SHELL_DOOR_H

#include "shell/worker.h"

struct door;
MUST_USE err_t door_new(struct worker *w, const struct snapshot_listener *l, int fd, struct door **out);
void door_close(struct door *d); /* sessions live on */

#endif
