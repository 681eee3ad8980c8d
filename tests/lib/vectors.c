#include "vectors.h"

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct text vectors_value(const struct vector *v, const char *word)
{
    for (size_t i = 0; i < v->n; i++) {
        struct text line = text_of(v->lines[i]);
        size_t at = text_find(line, ' ');
        if (text_eq_z(text_take(line, at), word)) {
            return text_skip(line, at + 1);
        }
    }
    return text_empty();
}

err_t vectors_octets(const struct vector *v, const char *word, struct octets *out)
{
    struct writer w = WRITER_ARRAY(out->b);
    err_t e = hex_parse(vectors_value(v, word), &w);
    out->n = w.n;
    return e;
}

err_t vectors_key(const struct vector *v, const char *word, struct secret *out)
{
    struct octets o;
    TRY(vectors_octets(v, word, &o));
    return secret_set(out, bytes_of(o.b, o.n));
}

err_t vectors_fixed(const struct vector *v, const char *word, uint8_t *out, size_t n)
{
    struct octets o;
    TRY(vectors_octets(v, word, &o));
    if (o.n != n) {
        return ERR_MALFORMED_KEY;
    }
    memcpy(out, o.b, n);
    return ERR_OK;
}

uint64_t vectors_number(const struct vector *v, const char *word, uint64_t otherwise)
{
    struct text t = vectors_value(v, word);
    uint64_t n = otherwise;
    if (t.n > 0) {
        assert_int_equal(text_u64(t, UINT64_MAX, &n), ERR_OK);
    }
    return n;
}

void vectors_put(struct vector *v, const char *name, struct bytes octets_out)
{
    writer_z(&v->w, name);
    writer_z(&v->w, " ");
    hex_write_lower(&v->w, octets_out);
    writer_z(&v->w, "\n");
}

void vectors_put_text(struct vector *v, const char *name, struct text t)
{
    writer_z(&v->w, name);
    writer_z(&v->w, " ");
    writer_text(&v->w, t);
    writer_z(&v->w, "\n");
}

static void judge(struct vector *v, err_t got)
{
    char *name = v->lines[0];
    struct text refuse = vectors_value(v, "refuse");
    if (refuse.n > 0) {
        if (!text_eq_z(refuse, err_code(got))) {
            fail_msg("%s: refused as %s", name, err_code(got));
        }
        return;
    }
    if (got != ERR_OK) {
        fail_msg("%s: %s", name, err_code(got));
    }
    assert_int_equal(writer_finish_z(&v->w), ERR_OK);
    size_t expected = 0;
    for (size_t i = 0; i < v->n; i++) {
        if (text_starts(text_of(v->lines[i]), "expect ")) {
            char want[VECTORS_LINE_CAP + 1];
            (void)snprintf(want, sizeof(want), "%s\n", v->lines[i] + 7);
            if (strstr(v->out, want) == NULL) {
                fail_msg("%s: expected %sbut got\n%s", name, want, v->out);
            }
            expected += strlen(want);
        }
    }
    assert_int_equal(expected, strlen(v->out)); /* every output is expected, and something is */
    assert_true(expected > 0);
}

static void run(struct vector *v, const struct vectors_kind *kinds, size_t count, unsigned *counts)
{
    for (size_t i = 0; i < count; i++) {
        if (text_eq_z(vectors_value(v, "derive"), kinds[i].name)) {
            v->w = WRITER_ARRAY(v->out);
            counts[i]++;
            judge(v, kinds[i].run(v));
            return;
        }
    }
    fail_msg("%s: no such derivation", v->lines[0]);
}

void vectors_run(const char *file, const struct vectors_kind *kinds, size_t count)
{
    const char *root = getenv("KEYSTEAD_SOURCE");
    char name[512];
    (void)snprintf(name, sizeof(name), "%s/tests/vectors/%s", root == NULL ? "." : root, file);
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    static struct vector v;
    unsigned counts[32] = {0};
    assert_true(count <= ARRAY_LEN(counts));
    v.n = 0;
    char line[VECTORS_LINE_CAP];
    while (fgets(line, sizeof(line), f) != NULL) {
        assert_non_null(strchr(line, '\n'));
        *strchr(line, '\n') = '\0';
        if (line[0] == '\0' && v.n > 0) {
            run(&v, kinds, count, counts);
            v.n = 0;
        } else if (line[0] != '#' && line[0] != '\0') {
            assert_true(v.n < VECTORS_LINES_MAX);
            memcpy(v.lines[v.n++], line, sizeof(line));
        }
    }
    (void)fclose(f);
    assert_int_equal(v.n, 0); /* the file ends with an empty line */
    for (size_t i = 0; i < count; i++) {
        if (counts[i] < kinds[i].least) {
            fail_msg("%s: only %u vectors", kinds[i].name, counts[i]);
        }
    }
}
