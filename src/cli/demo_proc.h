/* The processes of the demo: commands of this very program, run and waited for, and servers that are stopped again. */
#ifndef KEYSTEAD_CLI_DEMO_PROC_H
#define KEYSTEAD_CLI_DEMO_PROC_H

#include "base/text.h"

#include <jansson.h>
#include <sys/types.h>

#define DEMO_PROC_ARGS_MAX 24

struct demo_proc_result {
    int code;     /* exit code, or -1 if it did not end by itself */
    json_t *json; /* what it printed, if that was JSON; owned by the result */
    char text[512]; /* the beginning of what it printed */
};
void demo_proc_result_free(struct demo_proc_result *r);

/* Runs this program with argv (NULL-terminated, without its own name) to its end; bounded in time. */
MUST_USE err_t demo_proc_run(const char *const *argv, struct demo_proc_result *out);

/* Starts `serve -c conf` with its log in `log` and waits until it is ready. */
MUST_USE err_t demo_proc_serve(const char *conf, const char *log, pid_t *out);
/* SIGTERM, then SIGKILL after five seconds. */
void demo_proc_stop(pid_t pid);

#endif
