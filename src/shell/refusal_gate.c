#include "shell/refusal_gate.h"

bool refusal_gate_pass(struct refusal_gate *g, usec_t now)
{
    usec_t paid = g->spent == 0 || now < g->since ? 0 : (now - g->since) / REFUSAL_GATE_REFILL;
    if (g->spent == 0 || paid >= g->spent) {
        *g = (struct refusal_gate){.since = now};
    } else {
        g->spent -= (unsigned)paid;
        g->since += paid * REFUSAL_GATE_REFILL;
    }
    if (g->spent == REFUSAL_GATE_BURST) {
        return false;
    }
    g->spent++;
    return true;
}
