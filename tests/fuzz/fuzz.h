/*
 * A fuzz target is one file tests/fuzz/fuzz_NAME.c with this function. It feeds one parser (or one role)
 * and checks what must hold for every input, so that it can find more than crashes.
 */
#ifndef KEYSTEAD_TESTS_FUZZ_H
#define KEYSTEAD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it must be on in each build, and say what was broken. */
#define MUST_HOLD(condition)                                                                                           \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                             \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
