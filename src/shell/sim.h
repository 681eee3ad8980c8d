/*
 * The card of a device by its name in the state: the file of a SIM in software (aka_sim_file.h), whose changes are on disk before an
 * answer leaves it; or "pcsc" or "pcsc:READER", a UICC in a reader (PC/SC).
 */
#ifndef KEYSTEAD_SHELL_SIM_H
#define KEYSTEAD_SHELL_SIM_H

#include "aka/aka_sim.h"
#include "role/role.h"

struct sim {
    struct aka_sim card; /* empty: not open */
    void (*close)(void *self);
};

/* In: what somebody wrote. Out: what means the same in every folder, so that a state may keep it. ERR_SIM_MISSING, ERR_LIMIT_SIZE. */
MUST_USE err_t sim_name(char *name, size_t cap, char detail[static ROLE_DETAIL_MAX]);
/* ERR_SIM_MISSING, ERR_SIM_FILE, ERR_FILE_MODE and what else the detail names; ERR_STORE_LOCKED: another process uses it. */
MUST_USE err_t sim_open(const char *name, const struct crypto *c, struct sim *out, char detail[static ROLE_DETAIL_MAX]);
void sim_close(struct sim *s);

/* sim_soft.c */
MUST_USE err_t sim_soft_open(const char *file, const struct crypto *c, struct sim *out, char detail[static ROLE_DETAIL_MAX]);
/* sim_pcsc.c; `reader` NULL: the first that has a card in it. The detail is what PC/SC says. ERR_SIM_SERVICE, ERR_SIM_READER, ERR_SIM_ABSENT,
 * ERR_SIM_BUSY, ERR_SIM_MUTE, ERR_SIM_NO_USIM, ERR_SIM_CARD, ERR_SIM_PIN, ERR_SIM_PIN_BLOCKED. */
MUST_USE err_t sim_pcsc_open(const char *reader, struct sim *out, char detail[static ROLE_DETAIL_MAX]);

#endif
