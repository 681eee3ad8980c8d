/*
 * What the MEF tells its client about where its service is now: the configuration that an operator gives with a reassignment
 * [TS-0003 8.3.5.2.4]. A JSON object; `maf` (fqdn, address) and `cse` (cse-id, address) as in a provisioning package, `node` (node-id, cse-id: who the node itself is); others are
 * not for the device itself.
 */
#ifndef KEYSTEAD_ROLE_DEVICE_DEVICE_CONFIG_H
#define KEYSTEAD_ROLE_DEVICE_DEVICE_CONFIG_H

#include "role/device/device_state.h"

#include <jansson.h>

#define DEVICE_CONFIG_ROOT "sec:mefClientCfg"

/* `node` alone: each member may be absent (R003-93, R003-94). *named: it has one. ERR_PEER_NONSENSE, and *s is as it was. */
MUST_USE err_t device_config_node(const json_t *node, struct device_state *s, bool *named);
MUST_USE err_t device_config_named(struct bytes answer, struct device_state *s, bool *named, char detail[static ROLE_DETAIL_MAX]);

/* Puts it into *s; *moved: it says something new, and what came from the enrolment is forgotten. ERR_PEER_NONSENSE, and *s is as
 * it was; detail names the member. */
MUST_USE err_t device_config_take(struct bytes answer, struct device_state *s, bool *moved, char detail[static ROLE_DETAIL_MAX]);

#endif
