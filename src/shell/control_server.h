/*
 * The control socket (shell/control.h) on the writer's loop. Commands that write are jobs of the next batch; those that
 * read run on a thread with a view of their own, so that a long walk stalls nobody.
 */
#ifndef KEYSTEAD_SHELL_CONTROL_SERVER_H
#define KEYSTEAD_SHELL_CONTROL_SERVER_H

#include "shell/control.h"
#include "shell/intake.h"

struct control_server_config {
    uv_loop_t *loop;
    const struct snapshot *snap;
    struct intake *intake;
    struct metrics_page *page;
    int fd;                              /* listening; taken over */
    void (*order)(void *arg, char what); /* 'R' reload, 'S' stop: to the supervisor */
    void *arg;
};

MUST_USE err_t control_server_new(const struct control_server_config *cfg, struct control_server **out);
void control_server_reloaded(struct control_server *s, bool ok); /* the outcome stands in the page */
/* No new connections; who is connected has the answer to what was asked, or hears that nothing was done. */
void control_server_close(struct control_server *s);
bool control_server_is_left(const struct control_server *s); /* closed, and nobody waits for an answer */

#endif
