#include "base/gate.h"

void gate_init(struct gate *g, const struct gate_row *rows, size_t count, uint32_t state)
{
    *g = (struct gate){rows, count, state, 0};
}

err_t gate_check(const struct gate *g, size_t message)
{
    if (message >= g->count || message >= 32 || g->state >= 32) {
        return ERR_STATE;
    }
    const struct gate_row *row = &g->rows[message];
    if ((row->in_states & GATE_IN(g->state)) == 0) {
        return ERR_STATE;
    }
    return row->once && (g->seen & 1U << message) != 0 ? ERR_STATE : ERR_OK;
}

err_t gate_enter(struct gate *g, size_t message, uint32_t next)
{
    TRY(gate_check(g, message));
    if (next >= 32 || (g->rows[message].out_states & GATE_IN(next)) == 0) {
        return ERR_STATE;
    }
    g->seen |= 1U << message;
    g->state = next;
    return ERR_OK;
}
