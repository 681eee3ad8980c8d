/* States and transitions of what the roles keep, as rows (states_rows.h): what the code says of itself, not what drives it. */
#ifndef KEYSTEAD_ROLE_STATES_H
#define KEYSTEAD_ROLE_STATES_H

#include "base/err.h"

#define STATES_MACHINE(name, code, page) STATES_MACHINE_##name,
#define STATES_STATE(name, machine, code, means, todo)
#define STATES_STEP(machine, from, event, to, clause)
enum states_machine {
#include "role/states_rows.h"
    STATES_MACHINES_N
};
#undef STATES_MACHINE
#undef STATES_STATE
#define STATES_MACHINE(name, code, page)
#define STATES_STATE(name, machine, code, means, todo) STATES_##name,
enum states_state {
    STATES_NONE, /* not there */
#include "role/states_rows.h"
    STATES_N
};
#undef STATES_MACHINE
#undef STATES_STATE
#undef STATES_STEP

struct states_machine_row {
    const char *code, *page;
};
struct states_row {
    enum states_machine machine;
    const char *code, *means, *todo;
};
struct states_step {
    enum states_machine machine;
    enum states_state from, to;
    const char *event, *clause;
};
const struct states_machine_row *states_machine_row(enum states_machine m);
const struct states_row *states_row(enum states_state s); /* STATES_NONE: code "-" */
extern const struct states_step states_steps[];
extern const size_t states_steps_n;

/* What most records know of themselves. */
enum states_state states_of_end(usec_t not_after, usec_t now, enum states_state alive, enum states_state expired);

#endif
