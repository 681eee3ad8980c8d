/*
 * Counters of one process tree in a page that its processes share: each writes its own slot, `status` adds them up.
 * A slot outlives its process, so that a restart loses no count.
 */
#ifndef KEYSTEAD_SHELL_METRICS_H
#define KEYSTEAD_SHELL_METRICS_H

#include "base/err.h"

#include <sys/types.h>

#define METRICS_SLOTS 520 /* two generations of at most 256 workers, and their writers */
#define METRICS_ROLES 32 /* instances of roles */
#define METRICS_OPS 6
#define METRICS_RSCS 48
#define METRICS_DETAIL 512

/* X(member, doc): sums over all processes. Those marked `now` rise and fall. */
#define METRICS_ROWS(X)                                                                                                \
    X(connections, "connections accepted")                                                                             \
    X(connections_now, "connections open")                                                                             \
    X(connections_refused, "connections closed at once: too many")                                                     \
    X(handshakes, "handshakes completed")                                                                              \
    X(handshakes_failed, "handshakes that failed")                                                                     \
    X(waiting_now, "handshakes that wait for a key")                                                                   \
    X(fetches, "questions sent to a MEF or MAF")                                                                       \
    X(fetches_joined, "handshakes that joined a question already under way")                                           \
    X(fetches_failed, "questions without a usable answer")                                                             \
    X(zh_questions, "questions to an HLR or HSS")                                                                      \
    X(zh_failed, "of these, without a vector")                                                                         \
    X(zh_waiting_now, "requests that wait for an HLR or HSS")                                                          \
    X(requests, "requests answered")                                                                                   \
    X(batches, "transactions of the writer")                                                                           \
    X(batches_failed, "transactions that could not be committed")                                                      \
    X(jobs, "jobs of the writer")                                                                                      \
    X(batch_max, "most jobs in one transaction")                                                                       \
    X(checkpoints, "signed audit checkpoints")

struct metrics {
    pid_t pid; /* 0: nobody now */
    bool used; /* counts, though its process may be gone */
    bool is_writer;
#define X(member, doc) uint64_t member;
    METRICS_ROWS(X)
#undef X
    uint64_t refusals[ERR_COUNT];
    uint64_t answers[METRICS_ROLES][METRICS_OPS][METRICS_RSCS];
};

struct metrics_page {
    usec_t started; /* clock_monotonic */
    uint64_t generation;
    uint64_t restarts;
    err_t start_err;  /* why a process could not start */
    err_t reload_err; /* outcome of the last reload */
    char reload_detail[METRICS_DETAIL];
    struct metrics slot[METRICS_SLOTS];
};

MUST_USE err_t metrics_page_new(struct metrics_page **out); /* anonymous memory that children inherit */

void metrics_answered(struct metrics *m, size_t role, unsigned op, uint16_t rsc);
void metrics_refused(struct metrics *m, err_t e);

struct emit;
/* Members of the open object: the sums, "refusals" by reason code, "answers" by role, operation and status. */
void metrics_emit(const struct metrics_page *p, const char *const *roles, size_t roles_n, struct emit *out);

#endif
