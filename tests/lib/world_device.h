/*
 * A device in a world: its own engine, each exchange going to the node whose FQDN it names, as the shell of the device
 * would send it. Its clock may differ from that of the servers.
 */
#ifndef KEYSTEAD_TESTS_WORLD_DEVICE_H
#define KEYSTEAD_TESTS_WORLD_DEVICE_H

#include "role/device/device.h"
#include "world.h"

struct world_device {
    struct world *w;
    struct device_state *state;
    struct world_reply *r; /* the answer to its last request */
    enum world_name kind;  /* of the name in its certificate, */
    const char *name;      /* for servers that it shows one to */
    usec_t ahead;          /* its clock, of the servers' */
    /* of its last task */
    struct device_made made;
    struct world_session session; /* the last connection without a request: it stays open */
    char detail[ROLE_DETAIL_MAX];
    char met[128]; /* whom it talked to: the names of their roles, a blank after each */
};

/* As a person writes it into the state: FQDN and address. */
void world_device_server(struct device_state_server *s, const char *fqdn);
void world_device_certificate(struct device_state_server *s, const char *identity);

err_t world_device_run(struct world_device *v, const struct device_task *task);

#endif
