/* What a worker does: lets peers in at its listeners, ends what has had its time, drains. */
#ifndef KEYSTEAD_SHELL_SERVING_H
#define KEYSTEAD_SHELL_SERVING_H

#include "shell/worker.h"

/* A worker that has started begins to accept on fds[i] for listener i of the snapshot. */
MUST_USE err_t serving_start(struct worker *w, const int *fds);
/* No new connections; idle ones are closed, the others after what they have under way. */
void serving_drain(struct worker *w);
/* Later: no handshake goes on, and connections that were given time to ask are closed. */
void serving_settle(struct worker *w);
bool serving_is_settled(const struct worker *w); /* drains, and no handshake is under way */
void serving_cut(struct worker *w);              /* all at once */

#endif
