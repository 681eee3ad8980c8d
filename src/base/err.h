/*
 * The one error type. Zero is success; every other value has a row in err_rows.h that says
 * how it is logged, what the peer sees and what a person can do about it.
 */
#ifndef KEYSTEAD_BASE_ERR_H
#define KEYSTEAD_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum err {
    ERR_OK = 0,
#define X(name, code, level, audit, rsc, alert, text, hint, clause) name,
#include "base/err_rows.h"
#undef X
    ERR_COUNT
} err_t;

#define MUST_USE __attribute__((warn_unused_result))

/* The only two macros that hide control flow (STYLE.md). */
#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        err_t try_err_ = (expr);                                                                                       \
        if (try_err_ != ERR_OK) {                                                                                      \
            return try_err_;                                                                                           \
        }                                                                                                              \
    } while (0)
#define SCOPED(cleanup_fn) __attribute__((cleanup(cleanup_fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Microseconds since 1970-01-01T00:00:00Z; always a parameter, never read below shell/. */
typedef int64_t usec_t;
#define USEC_PER_SEC INT64_C(1000000)
#define USEC_NEVER INT64_MAX

enum err_level { ERR_LEVEL_DEBUG, ERR_LEVEL_INFO, ERR_LEVEL_NOTICE, ERR_LEVEL_WARN, ERR_LEVEL_ERROR };

struct err_info {
    const char *code;   /* stable reason code, e.g. "not-the-target" */
    const char *text;   /* one clause for a person, no secrets */
    const char *hint;   /* what to do */
    const char *clause; /* clause of the standard, or "-" */
    enum err_level level;
    bool audited;           /* a refused request of an authenticated peer */
    bool handshake_audited; /* a refused handshake of somebody who is known; of a certificate either is enough */
    uint16_t rsc;  /* oneM2M response status code */
    uint8_t alert; /* TLS alert description */
};

/* Never NULL, also for values that no row has (those answer as ERR_BUG). */
const struct err_info *err_info(err_t e);
const char *err_code(err_t e);

/* The error with this reason code, or ERR_OK if there is none. */
err_t err_of_code(const char *code);

#endif
