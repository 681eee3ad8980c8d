#include "role/states.h"

#define STATES_MACHINE(name, code, page) [STATES_MACHINE_##name] = {code, page},
#define STATES_STATE(name, machine, code, means, todo)
#define STATES_STEP(machine, from, event, to, clause)
static const struct states_machine_row machines[STATES_MACHINES_N] = {
#include "role/states_rows.h"
};
#undef STATES_MACHINE
#undef STATES_STATE
#define STATES_MACHINE(name, code, page)
#define STATES_STATE(name, machine, code, means, todo) [STATES_##name] = {STATES_MACHINE_##machine, code, means, todo},
static const struct states_row rows[STATES_N] = {
    [STATES_NONE] = {STATES_MACHINES_N, "-", "it is not there", "-"},
#include "role/states_rows.h"
};
#undef STATES_STATE
#undef STATES_STEP
#define STATES_STATE(name, machine, code, means, todo)
#define STATES_STEP(machine, from, event, to, clause)                                                                  \
    {STATES_MACHINE_##machine, STATES_##from, STATES_##to, event, clause},
const struct states_step states_steps[] = {
#include "role/states_rows.h"
};
const size_t states_steps_n = ARRAY_LEN(states_steps);

const struct states_machine_row *states_machine_row(enum states_machine m)
{
    return &machines[m];
}

const struct states_row *states_row(enum states_state s)
{
    return &rows[(unsigned)s < STATES_N ? s : STATES_NONE];
}

enum states_state states_of_end(usec_t not_after, usec_t now, enum states_state alive, enum states_state expired)
{
    return not_after <= now ? expired : alive;
}
