/* One request of a connection, whatever its binding: route, run here on the read-only view or in the writer, answer. */
#ifndef KEYSTEAD_SHELL_EXCHANGE_H
#define KEYSTEAD_SHELL_EXCHANGE_H

#include "shell/conn.h"

/* What the answer repeats; of whatever was understood so far. */
void exchange_remember(struct conn *c, const struct primitive *p);
/* May leave the connection busy. */
void exchange_serve(struct conn *c, const struct primitive *p);
void exchange_refuse(struct conn *c, err_t e, const char *detail);
/* 401 with this WWW-Authenticate, "Name: value" and a line feed. */
void exchange_challenge(struct conn *c, err_t e, const char *headers);

#endif
