/* Requests over the control socket of a running server (shell/control.h), and where that socket is. */
#ifndef KEYSTEAD_CLI_CTL_CLIENT_H
#define KEYSTEAD_CLI_CTL_CLIENT_H

#include "base/writer.h"
#include "role/role.h"

#include <jansson.h>

#define CTL_CLIENT_PATH_MAX 4096
#define CTL_CLIENT_DETAIL_MAX (ROLE_DETAIL_MAX + 128)

struct ctl_client_server {
    char roles[256]; /* as the file says */
    char socket[CTL_CLIENT_PATH_MAX];
};
/* Read without any schema: a server that runs must stay reachable also when its file has become wrong. ERR_CONFIG. */
MUST_USE err_t ctl_client_find(const char *file, struct ctl_client_server *out, char detail[static CTL_CLIENT_DETAIL_MAX]);

/*
 * Asks, and reads the answer: its "result", owned by the caller, or the server's own reason and detail as the error.
 * ERR_NOT_FOUND with *served false: nobody listens.
 */
MUST_USE err_t ctl_client_ask(const char *socket_path, struct text line, json_t **result, bool *served,
                              char detail[static CTL_CLIENT_DETAIL_MAX]);

#endif
