/*
 * Requests from a template, and answers just far enough. In path, headers and body `{n}` becomes the number of the
 * operation in eight digits and `{line}` the last word of its line of the file that --lines names.
 */
#ifndef KEYSTEAD_BENCH_REQUEST_H
#define KEYSTEAD_BENCH_REQUEST_H

#include "cli/cli.h"

#include <stdint.h>

#define REQUEST_MAX 8192

struct request_lines { /* a file of words, one line an operation, taken in turn or spread */
    char *all;
    char **at;
    size_t n;
};

struct request_plan {
    const char *method, *path, *body, *host;
    const char *const *headers;
    size_t headers_n;
    unsigned status; /* what each answer must have */
    struct request_lines lines;
    bool spread; /* lines in an order that jumps about, each as often as another */
};

/* The options of all commands that make requests: a part of their tables. */
#define REQUEST_OPTS                                                                                         \
    {"--method", 0, "GET"}, {"--path", 0, "path of the request; {n} and {line} are replaced"},               \
        {"--header", CLI_OPT_REPEATS, "'Name: value'; {n} and {line} are replaced"},                         \
        {"--body", 0, "content; {n} and {line} are replaced"}, {"--status", 0, "status that must come (200)"}, \
        {"--lines", 0, "file of lines for {line}"}, {"--spread", CLI_OPT_FLAG, "take the lines in a scattered order"}

MUST_USE err_t request_plan_of(const struct cli_args *a, struct request_plan *p);
void request_plan_wipe(struct request_plan *p);

MUST_USE err_t request_lines_read(const char *file, struct request_lines *l);
void request_lines_wipe(struct request_lines *l);

/* The line of an operation; "" without a file. */
const char *request_line(const struct request_plan *p, uint64_t n);
size_t request_write(const struct request_plan *p, uint64_t n, char out[static REQUEST_MAX]); /* 0: it does not fit */

/* One answer at the start of `in`: its octets, or 0 if it is not complete; *status, 0 if it is none at all. */
size_t request_answer(struct text in, unsigned *status, struct text *location);

#endif
