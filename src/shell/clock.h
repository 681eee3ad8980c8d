/*
 * The one place where time comes from. Everything below the shell gets it as a parameter.
 * Tests may shift it: `serve --test-clock` reads KEYSTEAD_CLOCK_OFFSET (seconds); without that option the variable is
 * not looked at, so that no operator changes time by accident.
 */
#ifndef KEYSTEAD_SHELL_CLOCK_H
#define KEYSTEAD_SHELL_CLOCK_H

#include "base/err.h"

usec_t clock_now(void);                 /* since 1970, UTC */
usec_t clock_monotonic(void);           /* for durations and deadlines of the shell itself */
MUST_USE err_t clock_test_offset(void); /* ERR_USAGE if the variable is no number */

#endif
