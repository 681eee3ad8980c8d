/*
 * How many events of refused handshakes enter the audit chain: a stranger can show certificates without end, so of each
 * reason a worker keeps REFUSAL_GATE_BURST and then one a minute; counter and log have the rest.
 */
#ifndef KEYSTEAD_SHELL_REFUSAL_GATE_H
#define KEYSTEAD_SHELL_REFUSAL_GATE_H

#include "base/err.h"

#define REFUSAL_GATE_BURST 16
#define REFUSAL_GATE_REFILL (60 * USEC_PER_SEC)

struct refusal_gate { /* of one reason */
    unsigned spent;   /* events written that no time has paid for yet */
    usec_t since;     /* from when on time pays */
};
bool refusal_gate_pass(struct refusal_gate *g, usec_t now);

#endif
