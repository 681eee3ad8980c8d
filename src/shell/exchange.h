/* One request of a connection: parse, route, run here on the read-only view or in the writer, answer. */
#ifndef KEYSTEAD_SHELL_EXCHANGE_H
#define KEYSTEAD_SHELL_EXCHANGE_H

#include "shell/conn.h"

/* Serves the request at the start of c->in; false if it is not all there yet. May leave the connection busy. */
bool exchange_next(struct conn *c);

#endif
