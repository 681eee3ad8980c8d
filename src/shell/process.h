/* One process of the tree after fork: a worker, the writer, or both in one; its loop, and what the supervisor tells it.
 */
#ifndef KEYSTEAD_SHELL_PROCESS_H
#define KEYSTEAD_SHELL_PROCESS_H

#include "shell/metrics.h"
#include "shell/snapshot.h"

enum process_kind { PROCESS_BOTH, PROCESS_WRITER, PROCESS_WORKER };

struct process_config {
    enum process_kind kind;
    size_t index; /* of a worker, from 0 */
    const struct snapshot *snap;
    struct metrics_page *page;
    struct metrics *metrics; /* own slot */
    int link;
    const int *listening; /* a descriptor for each listener of the snapshot */
    int control;          /* listening unix socket */
    bool patient;         /* the writer of an older generation may still hold the store */
    pid_t parent;         /* the supervisor: if it is gone already, so are we */
};

/* Runs until told to drain; the result is the exit status. */
int process_run(const struct process_config *cfg);

#endif
