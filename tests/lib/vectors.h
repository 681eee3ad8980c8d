/* Runs a file of test vectors (tests/vectors/derive.txt says what one looks like) against a table of derivations. */
#ifndef KEYSTEAD_TESTS_VECTORS_H
#define KEYSTEAD_TESTS_VECTORS_H

#include "base/secret.h"
#include "base/writer.h"

#define VECTORS_LINES_MAX 26
#define VECTORS_LINE_CAP 700

struct vector {
    char lines[VECTORS_LINES_MAX][VECTORS_LINE_CAP];
    size_t n;
    char out[2048]; /* "name value\n" for each output */
    struct writer w;
};

struct vectors_kind {
    const char *name;
    err_t (*run)(struct vector *v);
    unsigned least; /* vectors of this kind that must be there: a file that lost its content does not pass */
};

struct octets {
    uint8_t b[300];
    size_t n;
};

/* Inputs: empty if there is no such line. */
struct text vectors_value(const struct vector *v, const char *word);
err_t vectors_octets(const struct vector *v, const char *word, struct octets *out);
err_t vectors_key(const struct vector *v, const char *word, struct secret *out);
err_t vectors_fixed(const struct vector *v, const char *word, uint8_t *out, size_t n); /* ERR_MALFORMED_KEY */
uint64_t vectors_number(const struct vector *v, const char *word, uint64_t otherwise);

/* Outputs. */
void vectors_put(struct vector *v, const char *name, struct bytes octets_out); /* in hex */
void vectors_put_text(struct vector *v, const char *name, struct text t);

/* Every vector of tests/vectors/FILE; fails the cmocka test that calls it. */
void vectors_run(const char *file, const struct vectors_kind *kinds, size_t count);

#endif
