/* One request over the control socket of a running server (shell/control.h). */
#ifndef KEYSTEAD_CLI_CTL_CLIENT_H
#define KEYSTEAD_CLI_CTL_CLIENT_H

#include "base/writer.h"

/*
 * Sends `line` (with its newline) and appends the answer's line to `answer`. ERR_NOT_FOUND: nobody listens there.
 * ERR_PEER_UNREACHABLE, ERR_PEER_TIMEOUT, ERR_PEER_NONSENSE, ERR_IO (not allowed), ERR_LIMIT_SIZE (path too long).
 */
MUST_USE err_t ctl_client_call(const char *socket_path, struct text line, struct writer *answer);

#endif
