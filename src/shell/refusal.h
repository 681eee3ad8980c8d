/*
 * What a refused handshake leaves: a count, a line in the log (rate-limited) and, if a certificate was shown or the
 * psk_identity is known, and the gate lets it pass, an event in the audit chain.
 */
#ifndef KEYSTEAD_SHELL_REFUSAL_H
#define KEYSTEAD_SHELL_REFUSAL_H

#include "shell/conn.h"

void refusal_note(struct conn *c, err_t e);

#endif
