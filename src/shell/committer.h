/*
 * The one that writes: runs jobs against the committed state plus what the batch has staged before, commits once, and
 * only then are there results. If the commit fails every job of the batch fails. It alone owns the store's write
 * connection and the audit chain. No socket, no loop: shell/intake drives it.
 */
#ifndef KEYSTEAD_SHELL_COMMITTER_H
#define KEYSTEAD_SHELL_COMMITTER_H

#include "shell/job.h"
#include "shell/metrics.h"
#include "shell/snapshot.h"

#define COMMITTER_BATCH_MAX 256
#define COMMITTER_BODY_MAX (512u << 10) /* octets of one response body */

struct committer {
    const struct snapshot *snap;
    struct metrics *metrics;
    struct store *store; /* NULL: not open yet */
    struct audit_chain chain;
    uint64_t signed_next; /* chain.next at the last signed checkpoint */
    usec_t signed_at;
    usec_t failed_at; /* when a failing commit was last logged */
    unsigned unmoved; /* commits since the write-ahead log was moved into the store */
    uint8_t *arena;
    uint8_t *bodies; /* response bodies of the batch; they may carry keys */
    size_t bodies_n;
    uint8_t *scratch;
    char object[AUDIT_TEXT_MAX]; /* what the job at hand is about */
};

MUST_USE err_t committer_init(struct committer *c, const struct snapshot *snap, struct metrics *metrics);
/* Takes the store over: seeds the roles, writes the event STARTED. ERR_STORE_LOCKED while another writer has it. */
MUST_USE err_t committer_open(struct committer *c, usec_t now);
/* Signs what is not signed yet and closes the store. */
void committer_close(struct committer *c, usec_t now);

/*
 * Runs jobs from the front in one transaction and returns how many (at least one); results[i] belongs to jobs[i].
 * Bodies live until committer_forget(), which wipes them.
 */
size_t committer_run(struct committer *c, const struct job *jobs, size_t n, struct job_result *results);
void committer_forget(struct committer *c);

/* Housekeeping between batches: moves the write-ahead log when it is long or the writer is `idle`, signs the chain. */
void committer_rest(struct committer *c, bool idle, usec_t now);

#endif
