/*
 * The card of a device by its name in the state: the file of a SIM in software (aka_sim_file.h). What it changes is on disk before
 * an answer leaves it. Another kind of card is another file that fills struct aka_sim.
 */
#ifndef KEYSTEAD_SHELL_SIM_H
#define KEYSTEAD_SHELL_SIM_H

#include "aka/aka_sim.h"
#include "role/role.h"

struct sim {
    struct aka_sim card; /* empty: not open */
    void (*close)(void *self);
};

/* ERR_SIM_MISSING, ERR_SIM_FILE, ERR_FILE_MODE and what else the detail names; ERR_STORE_LOCKED: another process uses it. */
MUST_USE err_t sim_open(const char *name, const struct crypto *c, struct sim *out, char detail[static ROLE_DETAIL_MAX]);
void sim_close(struct sim *s);

/* sim_soft.c */
MUST_USE err_t sim_soft_open(const char *file, const struct crypto *c, struct sim *out, char detail[static ROLE_DETAIL_MAX]);

#endif
