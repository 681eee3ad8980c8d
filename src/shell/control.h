/*
 * The control interface: a local unix socket (mode 0600) on which an operator runs the commands of the roles and
 * of the shell. One JSON object a line each way; a line is at most CONTROL_LINE_MAX octets with its newline.
 *
 *   -> {"noun":"credential","verb":"add","role":"mef","args":{"kind":"kpm","id":"dev@mef.example","key":"<hex>"}}
 *   <- {"ok":true,"result":{...}}
 *   <- {"ok":false,"code":"name-conflict","text":"...","hint":"...","clause":"...","detail":"..."}
 *
 * `role` is optional: without it the roles are tried in the order of the configuration, the next one after ERR_USAGE.
 * `instance` is the FQDN or the section name of one of several instances of a role; without it the default one is meant.
 * `admin` names it by the administrating stakeholder that it serves (admin-fqdn) instead.
 * `key` is the only member that is a secret, and only a request has it: both sides wipe their line buffers, and no
 * answer, log line or audit event repeats it. One connection may send any number of requests, one after another.
 */
#ifndef KEYSTEAD_SHELL_CONTROL_H
#define KEYSTEAD_SHELL_CONTROL_H

#include "role/role.h"

#define CONTROL_LINE_MAX 65536

/* What the handlers of control_rows get as `ctx`; handlers of a role get that role's configured context. */
struct control_server;
struct snapshot;
struct control_ctx {
    const struct crypto *crypto;
    const struct conf *conf;
    const struct secret *audit_key; /* Ed25519 seed; `audit verify` takes its public half */
    const struct snapshot *snap;    /* `explain` asks each of its roles */
    struct control_server *server;  /* NULL when ctl runs a command itself (offline): status, reload, stop say so */
};

/*
 * The shell's own commands, the same for every server: audit verify, audit tail [--limit N], status, reload, stop,
 * backup --to FILE, explain ID. A command of one word has the verb "". Defined in control.c.
 */
extern const struct ctl_row control_rows[];
extern const size_t control_rows_n;

#endif
