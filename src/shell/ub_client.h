/*
 * Ub over HTTP or HTTPS for a device: carries the requests of proto/ub_ue.h to the BSF and its questions to the card, on one
 * connection. Blocking. The BSF is what distributes the keys of the GBA-based framework (R000-73).
 */
#ifndef KEYSTEAD_SHELL_UB_CLIENT_H
#define KEYSTEAD_SHELL_UB_CLIENT_H

#include "aka/aka_sim.h"
#include "proto/ub_ue.h"
#include "role/device/device_state.h"
#include "role/role.h"

struct ub_client {
    const struct device_state_server *bsf; /* address host:port, or https://host:port with cert.trust */
    const struct aka_sim *sim;
    usec_t until;                          /* clock_monotonic() at which to give up */
    char detail[ROLE_DETAIL_MAX];          /* of a failure */
};

/* From ub_ue_start() to UB_UE_DONE. The errors of ub_ue.h and of the card; a refusal is its reason code where one came. */
MUST_USE err_t ub_client_run(struct ub_client *u, struct ub_ue *ue);

#endif
