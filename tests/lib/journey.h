/*
 * Where a device's journey begins: MEF, MAF and IN-CSE in one world, and a device that knows their addresses and has no
 * credential yet. The steps are tasks of its engine.
 */
#ifndef KEYSTEAD_TESTS_JOURNEY_H
#define KEYSTEAD_TESTS_JOURNEY_H

#include "world_device.h"

#define JOURNEY_T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define JOURNEY_HOUR (INT64_C(3600) * USEC_PER_SEC)
#define JOURNEY_AE "//sp.example.com/S42"
#define JOURNEY_KPM "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"

struct journey {
    struct world w;
    struct world_node *mef, *maf, *cse;
    struct device_state state;
    struct world_device dev;
    struct world_reply r;
};

/* The client is allowed at the MAF; a connection key lives six hours. */
struct journey *journey_new(const char *profile);
void journey_free(struct journey *j);
/* Gives it the bootstrap credential dev42@mef.example.com for two days, at both ends. */
void journey_credential(struct journey *j, const char *profile);

extern const struct device_task journey_enrol, journey_associate, journey_register, journey_create; /* a container */
err_t journey_run(struct journey *j, const struct device_task *task);
/* All of them but the last. */
void journey_whole(struct journey *j);

#endif
