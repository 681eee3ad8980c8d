/*
 * The TLS handshake of a connection: which key belongs to the identity (from the store, or asked of another authority),
 * who the peer is, and that what the role must keep is durable before the last flight leaves.
 */
#ifndef KEYSTEAD_SHELL_HANDSHAKE_H
#define KEYSTEAD_SHELL_HANDSHAKE_H

#include "shell/conn.h"

/* After new octets or a resumption; moves the connection to CONN_OPEN or CONN_ENDING when it is over. */
void handshake_drive(struct conn *c);
void handshake_cancel(struct conn *c); /* the connection closes */

#endif
