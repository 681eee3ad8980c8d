/* A directory of its own for a test, under $TMPDIR or /tmp, removed with everything in it. */
#ifndef KEYSTEAD_TESTS_SCRATCH_H
#define KEYSTEAD_TESTS_SCRATCH_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct scratch {
    char dir[PATH_MAX / 2];
};

void scratch_make(struct scratch *s);
void scratch_remove(struct scratch *s);
/* "DIR/NAME" */
const char *scratch_path(const struct scratch *s, const char *name, char out[PATH_MAX]);

/* Whole files; a failure ends the test. */
size_t scratch_read(const char *file, uint8_t *buf, size_t cap);
void scratch_write(const char *file, const void *data, size_t n);

/* A small fixed-seed generator (splitmix64): a failing run can be run again. */
uint64_t scratch_random(uint64_t *state);

#endif
