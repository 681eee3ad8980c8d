/*
 * Between the supervisor and each of its processes: single octets over a socket pair, one of them with a descriptor.
 * The supervisor's end is a plain descriptor, the process's end a libuv pipe.
 */
#ifndef KEYSTEAD_SHELL_LINK_H
#define KEYSTEAD_SHELL_LINK_H

#include "base/err.h"

enum link_message {
    LINK_UP = 'U',       /* child: serving */
    LINK_RELOAD = 'R',   /* child: the operator asks for a reload */
    LINK_STOP = 'S',     /* child: the operator asks for the end */
    LINK_SETTLED = 'Q',  /* child, after LINK_DRAIN: no handshake ends here any more */
    LINK_DRAIN = 'D',    /* parent: finish and exit */
    LINK_CHANNEL = 'C',  /* parent, with a descriptor: your end of a worker-writer pair */
    LINK_RELOADED = 'O', /* parent: the outcome of a reload is in the page, and it is good */
    LINK_REFUSED = 'X'   /* parent: ... and it is a refusal */
};

MUST_USE err_t link_pair(int fds[2]); /* close-on-exec stream socket pair */
/* fd < 0: without descriptor. Returns false if the other side is gone or its queue is full. */
bool link_send(int link, char message, int fd);

#endif
