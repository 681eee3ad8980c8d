/*
 * What a refused handshake leaves: a count, a line in the log (rate-limited) and, if a certificate was shown, an event in
 * the audit chain. A stranger can show certificates without end, so of each reason a worker keeps REFUSAL_BURST events
 * and then one a minute; counter and log have the rest.
 */
#ifndef KEYSTEAD_SHELL_REFUSAL_H
#define KEYSTEAD_SHELL_REFUSAL_H

#include "base/err.h"

#define REFUSAL_BURST 16
#define REFUSAL_REFILL (60 * USEC_PER_SEC)

struct refusal_gate { /* of one reason */
    unsigned spent;   /* events written that no time has paid for yet */
    usec_t since;     /* from when on time pays */
};
bool refusal_gate_pass(struct refusal_gate *g, usec_t now);

struct conn;
void refusal_note(struct conn *c, err_t e);

#endif
