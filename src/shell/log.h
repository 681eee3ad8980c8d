/*
 * The log: one line, key=value, to stderr or a file. No call takes a secret; values are escaped so that a
 * peer cannot forge a line. Refusals of strangers pass a rate limit: N lines a second per reason code, then a
 * summary line with the number left out; counters (shell/metrics) see all of them.
 */
#ifndef KEYSTEAD_SHELL_LOG_H
#define KEYSTEAD_SHELL_LOG_H

#include "base/text.h"

struct log_field {
    const char *key;
    struct text value;
};

void log_open(const char *program_part, enum err_level least); /* e.g. "mef/worker-1" */
void log_limit(unsigned per_second);                           /* [limits] refusal-log-rate; 10 until told */
void log_clock(int64_t (*microseconds)(void));                 /* tests: the clock of the rate limit; NULL is monotonic */
enum err_level log_level_of(struct text name);                 /* [server] log-level */
/* log_event(ERR_LEVEL_INFO, "listening", (struct log_field[]){{"address", text_of(a)}}, 1) */
void log_event(enum err_level level, const char *event, const struct log_field *fields, size_t n);
/* The line of a refusal: code, text, peer, detail, clause, at the level of the error's row; rate-limited. */
void log_refusal(err_t e, struct text peer, struct text detail);
/* The same of one instance of a role; `instance` is empty for the default one, which is not named. `audited`: it is in the
 * audit chain too (dispatch_is_audited: its peer has proved who it is), and so always written. */
struct log_refused {
    struct text instance, peer, detail;
    bool audited;
};
void log_refusal_of(err_t e, const struct log_refused *r);
/* Writes the summaries that are due; a timer of the shell calls it once a second. */
void log_tick(void);
uint64_t log_refusals(err_t e); /* since start, for metrics */

#endif
