#include "scratch.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void scratch_make(struct scratch *s)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(s->dir, sizeof(s->dir), "%s/keystead-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(s->dir));
}

void scratch_remove(struct scratch *s)
{
    DIR *d = opendir(s->dir);
    if (d == NULL) {
        return;
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char name[PATH_MAX];
        (void)unlink(scratch_path(s, e->d_name, name)); /* "." and ".." fail, rightly */
    }
    (void)closedir(d);
    (void)rmdir(s->dir);
}

const char *scratch_path(const struct scratch *s, const char *name, char out[PATH_MAX])
{
    (void)snprintf(out, PATH_MAX, "%s/%s", s->dir, name);
    return out;
}

size_t scratch_read(const char *file, uint8_t *buf, size_t cap)
{
    FILE *f = fopen(file, "rb");
    assert_non_null(f);
    size_t n = fread(buf, 1, cap, f);
    assert_true(n < cap);
    assert_int_equal(fclose(f), 0);
    return n;
}

void scratch_write(const char *file, const void *data, size_t n)
{
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

uint64_t scratch_random(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}
