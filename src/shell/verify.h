/*
 * Asks those who would get messages by a request whether they want them, before the request goes to the writer; the connection
 * waits meanwhile, and nobody else (role.verify).
 */
#ifndef KEYSTEAD_SHELL_VERIFY_H
#define KEYSTEAD_SHELL_VERIFY_H

#include "role/outbox.h"
#include "shell/conn.h"

/* Called once: ERR_OK, ERR_TARGET_UNVERIFIED or ERR_TARGET_REFUSED with the target in `detail`. Never from within verify_ask. */
typedef void verify_fn(struct conn *c, err_t e, const char *detail);

/* ERR_LIMIT_BUSY, or the reason for which nobody may be asked there. */
MUST_USE err_t verify_ask(struct conn *c, const struct outbox_verify *what, verify_fn *fn);

#endif
