/* Plain HTTP on kept connections, one request in flight on each; an operation is a request with its verified answer. */
#ifndef KEYSTEAD_BENCH_LOAD_HTTP_H
#define KEYSTEAD_BENCH_LOAD_HTTP_H

#include "load.h"
#include "request.h"

#include <stdio.h>

struct load_http {
    struct request_plan request;
    FILE *locations; /* where Content-Location of each answer goes, a line each; or NULL */
};

extern const struct load_ops load_http_ops; /* load.plan: a struct load_http */

#endif
