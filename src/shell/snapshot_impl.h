/*
 * What the files of the snapshot share while one is loaded: snapshot.c the whole, snapshot_roles.c the instances of roles,
 * snapshot_listeners.c and snapshot_peers.c what their sections say. Nobody else includes this.
 */
#ifndef KEYSTEAD_SHELL_SNAPSHOT_IMPL_H
#define KEYSTEAD_SHELL_SNAPSHOT_IMPL_H

#include "shell/conf_fault.h"
#include "shell/snapshot.h"

struct snapshot_loading {
    const struct snapshot_source *src;
    struct snapshot *s;
    struct conf_faults *faults;
};

/* A text of the configuration, which is terminated; NULL for an empty one. */
const char *snapshot_z(struct text t);

/* -- snapshot_roles.c ---- */
const struct role *snapshot_roles_named(const struct snapshot_source *src, struct text name); /* or NULL */
/* In its section; NULL if it is empty or its role has no such key. */
const char *snapshot_roles_value(const struct conf *c, const struct snapshot_role *r, const char *key);
MUST_USE err_t snapshot_roles_load(struct snapshot_loading *l);

/* -- snapshot_listeners.c, snapshot_peers.c ---- */
MUST_USE err_t snapshot_listeners_load(struct snapshot_loading *l); /* after the roles */
MUST_USE err_t snapshot_peers_load(struct snapshot_loading *l);

#endif
