#include "scan_rate.h"

#include "load.h"
#include "role/cse/cse_res.h"
#include "store/store_sqlite.h"

#include <stdlib.h>
#include <time.h>

#define ARENA_SIZE 65536 /* of one record */

struct scan {
    struct store *store;
    uint8_t *room;
    uint64_t records;
    err_t err;
};

static int64_t cpu_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool hit(void *arg, struct bytes id, struct store_value value)
{
    struct scan *s = arg;
    struct arena a = arena_of(s->room, ARENA_SIZE);
    struct cse_child c;
    struct store_value record;
    (void)id;
    s->err = cse_res_child_parse(value.data, &c);
    s->err = s->err == ERR_OK ? store_get(s->store, TABLE_CSE_RES, text_bytes(c.ri), &a, &record) : s->err;
    s->records++;
    return s->err == ERR_OK;
}

static err_t one(struct scan *s)
{
    struct store_scan q = {.table = TABLE_CSE_CHILD, .order = STORE_ASCENDING};
    TRY(store_begin(s->store, false));
    err_t e = store_scan(s->store, &q, hit, s);
    store_rollback(s->store);
    return e == ERR_OK ? s->err : e;
}

err_t scan_rate_run(const char *store, usec_t time, struct scan_rate_result *out)
{
    struct scan s = {.room = malloc(ARENA_SIZE)};
    *out = (struct scan_rate_result){0};
    err_t e = s.room == NULL ? ERR_LIMIT_CAPACITY : store_sqlite_open(store, STORE_SQLITE_READER, NULL, &s.store);
    usec_t begun = load_now();
    int64_t cpu = cpu_now();
    for (; e == ERR_OK && (out->done == 0 || load_now() - begun < time); out->done++) {
        e = one(&s);
    }
    out->cpu_ns = cpu_now() - cpu;
    out->records = s.records;
    store_close(s.store);
    free(s.room);
    return e;
}
