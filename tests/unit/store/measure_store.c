/*
 * Measures the SQLite driver: the figures of docs/decisions/0003-store.md. Not a test; it prints a table.
 *     ninja -C build tests/measure_store && TMPDIR=/var/tmp build/tests/measure_store
 */
#include "base/writer.h"
#include "store/store_cached.h"
#include "store/store_sqlite.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { PRELOAD = 100000, VALUE = 200, TURNS = 3 };

struct cost {
    double wall;
    double cpu;
};

static uint64_t state = 42;

static uint64_t next_random(void)
{
    state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t x = state;
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static void must(err_t e)
{
    if (e != ERR_OK) {
        (void)fprintf(stderr, "%s\n", err_info(e)->text);
        exit(1);
    }
}

static struct cost now(void)
{
    struct timespec t;
    struct rusage u;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    (void)getrusage(RUSAGE_SELF, &u);
    return (struct cost){(double)t.tv_sec + (double)t.tv_nsec / 1e9,
                         (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                             (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6};
}

static struct bytes id_of(uint64_t v, uint8_t buf[16])
{
    struct writer w = writer_of(buf, 16);
    writer_u64(&w, v);
    writer_u64(&w, ~v);
    return writer_view(&w);
}

static uint64_t hash(uint64_t i)
{
    return i * UINT64_C(0x9E3779B97F4A7C15);
}

/* -- writing ------------------------------------------------------------------------------------------------------ */

static uint64_t serial; /* of time-ordered ids */

static void put_batch(struct store *s, unsigned n, bool ordered)
{
    static const uint8_t value[VALUE] = {1};
    uint8_t id[16];
    must(store_begin(s, true));
    for (unsigned i = 0; i < n; i++) {
        uint64_t v = ordered ? ++serial : next_random();
        must(store_put(s, ordered ? TABLE_AUDIT : TABLE_MEF_KE, id_of(v, id), BYTES_ARRAY(value), STORE_PUT_ANY, 0));
    }
    must(store_commit(s));
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_puts(struct store *s, unsigned batch, bool ordered)
{
    double wall[TURNS];
    double cpu[TURNS];
    unsigned batches = batch == 1 ? 4000 : batch == 16 ? 1500 : batch == 64 ? 500 : 200;
    for (int turn = 0; turn < TURNS; turn++) {
        struct cost from = now();
        for (unsigned i = 0; i < batches; i++) {
            put_batch(s, batch, ordered);
            if (store_sqlite_wal_pages(s) > 4096) {
                must(store_sqlite_checkpoint(s));
            }
        }
        must(store_sqlite_checkpoint(s));
        struct cost to = now();
        wall[turn] = (double)batches * batch / (to.wall - from.wall);
        cpu[turn] = (double)batches * batch / (to.cpu - from.cpu);
    }
    qsort(wall, TURNS, sizeof(double), compare);
    qsort(cpu, TURNS, sizeof(double), compare);
    (void)printf("put  batch %3u  %-12s  %8.0f /s  %8.0f per CPU second\n", batch,
                 ordered ? "time-ordered" : "random", wall[TURNS / 2], cpu[TURNS / 2]);
}

/* -- reading ------------------------------------------------------------------------------------------------------ */

static void measure_gets(struct store *r, struct store *w, const char *what, unsigned gets, unsigned writes_every)
{
    static uint8_t memory[4096];
    double us[TURNS];
    enum { TURNS_OF_LOOP = 20000 };
    for (int turn = 0; turn < TURNS; turn++) {
        double writing = 0;
        struct cost from = now();
        for (unsigned i = 0; i < TURNS_OF_LOOP / gets; i++) {
            if (writes_every != 0 && i % writes_every == 0) {
                struct cost before = now();
                put_batch(w, 1, true);
                writing += now().cpu - before.cpu;
            }
            must(store_begin(r, false));
            for (unsigned n = 0; n < gets; n++) {
                uint8_t id[16];
                struct store_value v;
                struct arena a = arena_of(memory, sizeof(memory));
                must(store_get(r, TABLE_CSE_RES, id_of(hash(next_random() % 1000), id), &a, &v));
            }
            store_rollback(r);
        }
        us[turn] = (now().cpu - from.cpu - writing) * 1e6 / TURNS_OF_LOOP;
    }
    qsort(us, TURNS, sizeof(double), compare);
    (void)printf("get  %-44s  %6.2f us CPU\n", what, us[TURNS / 2]);
}

static void preload(struct store *s)
{
    static const uint8_t value[VALUE] = {1};
    uint8_t id[16];
    must(store_begin(s, true));
    for (uint64_t i = 0; i < PRELOAD; i++) {
        must(store_put(s, TABLE_CSE_RES, id_of(hash(i), id), BYTES_ARRAY(value), STORE_PUT_ANY, 0));
        must(store_put(s, TABLE_MEF_KE, id_of(next_random(), id), BYTES_ARRAY(value), STORE_PUT_ANY, 0));
    }
    must(store_commit(s));
    must(store_sqlite_checkpoint(s));
}

int main(void)
{
    char dir[PATH_MAX / 2];
    char file[PATH_MAX];
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(dir, sizeof(dir), "%s/keystead-measure-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    (void)snprintf(file, sizeof(file), "%s/s.db", dir);
    struct store *w = NULL;
    struct store *r = NULL;
    struct store *inner = NULL;
    must(store_sqlite_open(file, STORE_SQLITE_WRITER, NULL, &w));
    preload(w);
    static const unsigned batches[] = {1, 16, 64, 256};
    for (size_t i = 0; i < ARRAY_LEN(batches); i++) {
        measure_puts(w, batches[i], false);
        measure_puts(w, batches[i], true);
    }
    must(store_sqlite_open(file, STORE_SQLITE_READER, NULL, &r));
    measure_gets(r, w, "reader, 1 a transaction", 1, 0);
    measure_gets(r, w, "reader, 16 a transaction", 16, 0);
    measure_gets(r, w, "reader, 16, a commit before each transaction", 16, 1);
    store_close(r);
    must(store_sqlite_open(file, STORE_SQLITE_READER, NULL, &inner));
    must(store_cached_open(inner, 8 << 20, 1, &r));
    measure_gets(r, w, "cached, 1 a transaction", 1, 0);
    measure_gets(r, w, "cached, 16 a transaction", 16, 0);
    measure_gets(r, w, "cached, 16, a commit before each transaction", 16, 1);
    measure_gets(r, w, "cached, 16, a commit before each 10th", 16, 10);
    store_close(r);
    store_close(w);
    static const char *const names[] = {"", ".lock", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(file, sizeof(file), "%s/s.db%s", dir, names[i]);
        (void)unlink(file);
    }
    return rmdir(dir);
}
