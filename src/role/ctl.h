/* Operator commands of a role: rows of a table, run like requests. */
#ifndef KEYSTEAD_ROLE_CTL_H
#define KEYSTEAD_ROLE_CTL_H

#include "store/txn.h"

#include <jansson.h>

#define ROLE_HEADERS_MAX 1024
#define ROLE_ATI_MAX 256 /* one CoAP option */
#define ROLE_DETAIL_MAX 192 /* of any refusal */

enum { CTL_ARG_REQUIRED = 1, CTL_ARG_SECRET_FILE = 2, /* the CLI reads FILE and sends its hex under the name "key" */
       CTL_ARG_POSITIONAL = 4, CTL_ARG_PATH = 8, /* a file name for the server: the CLI makes it absolute */
       CTL_ARG_LINES = 16 /* a list with secrets, mode 0600: the CLI calls once for some lines at a time, with them as "key", "line",
                           * the number of the first, and "head", the first line if that is not a JSON object; the answers are put
                           * together: "added" and "refused" */ };

struct ctl_arg {
    const char *name; /* "--kind", or "ID" for a positional */
    unsigned flags;
    const char *doc;
};

struct ctl_request {
    const json_t *args; /* object: argument name without dashes -> text; "key" holds hex of a secret file */
    usec_t now;
};

/* Appends one JSON object to `out` that never holds a secret. */
typedef err_t ctl_handler(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                          char detail[static ROLE_DETAIL_MAX]);

struct ctl_row {
    const char *noun;
    const char *verb;
    const struct ctl_arg *args;
    size_t args_n;
    bool writes;
    ctl_handler *handler;
    const char *doc;
};

#endif
