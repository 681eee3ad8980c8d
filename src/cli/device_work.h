/*
 * What all verbs of `keystead device` share: the open state, options that go into it, and the run of a goal's steps with
 * the state on disk before the next step begins. A verb is a body: open, take options, check them, pursue, print.
 */
#ifndef KEYSTEAD_CLI_DEVICE_WORK_H
#define KEYSTEAD_CLI_DEVICE_WORK_H

#include "cli/cli.h"
#include "shell/device_dir.h"
#include "shell/device_run.h"

#define DEVICE_WORK_OPT_DIR                                                                                            \
    {"--state", CLI_OPT_REQUIRED, "directory of the device's sealed state"},                                          \
    {"--seal-key", 0, "file with the sealing key, if not DIR/state.key"}
#define DEVICE_WORK_OPT_STATE                                                                                          \
    DEVICE_WORK_OPT_DIR,                                                                                               \
    {"--at", 0, "of a state with several places: KpmId, FQDN or address of the MEF, MAF-ID or CSE-ID of the one that is meant"}
#define DEVICE_WORK_OPT_TIMEOUT {"--timeout", 0, "give up after this time in all, e.g. 30s; 10s (default)"}
/* Of each verb that pursues a goal. */
#define DEVICE_WORK_OPT_EXCHANGE DEVICE_WORK_OPT_TIMEOUT, {"--cbor", CLI_OPT_FLAG, "contents go as CBOR instead of JSON"}

struct device_work {
    const struct cli_args *a;
    struct device_dir dir;
    struct device_state state;
    struct device_task task;
    struct device device;
    struct device_run run;
    char detail[ROLE_DETAIL_MAX];
    char admin_fqdn[KEYID_MAX];
    bool deferred; /* the state goes to disk when the caller says so, not after each step */
    void *arg;     /* of device_work_run_with */
};

typedef err_t device_work_body(struct device_work *w);
int device_work_run(const struct cli_args *a, device_work_body *body);
int device_work_run_with(const struct cli_args *a, device_work_body *body, void *arg);

/* make: a state that is not there begins empty. Of several places that of --at; ERR_USAGE names them if none is said (R001-75). */
MUST_USE err_t device_work_open(struct device_work *w, bool make);
/* The same, where an option of the verb says as well which one is meant (R001-76): the first of them that was given. */
struct device_work_place {
    const char *options[3]; /* NULL: no more */
    bool make;
    bool adds; /* the verb has --add: a further place */
    bool shares; /* ... of the same enrolment */
};
MUST_USE err_t device_work_open_place(struct device_work *w, const struct device_work_place *p);

/* Each copies an option if it was given; ERR_USAGE, ERR_MALFORMED_KEY_ID ..., detail names the option. */
MUST_USE err_t device_work_take(struct device_work *w, const char *option, char *dst, size_t cap);
#define DEVICE_WORK_TAKE(w, option, array) device_work_take((w), (option), (array), sizeof(array))
MUST_USE err_t device_work_take_fqdn(struct device_work *w, const char *option, char *dst, size_t cap);

/* The identifier of a key and the file that holds it. A new identifier needs its key; what is missing is ERR_USAGE. */
struct device_work_key {
    const char *id_option;
    const char *file_option;
    struct keyid *id;
    struct secret *key;
};
MUST_USE err_t device_work_take_key(struct device_work *w, const struct device_work_key *k);

/* What must be known by now, from this call or an earlier one: ERR_USAGE names the first that is not. */
struct device_work_need {
    const char *option;
    bool is_there;
};
MUST_USE err_t device_work_need(struct device_work *w, const struct device_work_need *needs, size_t n);

/* When to give up (clock_monotonic), by --timeout. */
MUST_USE err_t device_work_until(const struct cli_args *a, usec_t *until, char detail[static ROLE_DETAIL_MAX]);
MUST_USE err_t device_work_pursue(struct device_work *w);

void device_work_out_time(const struct cli_args *a, const char *name, usec_t t);

#endif
