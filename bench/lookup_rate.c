#include "lookup_rate.h"

#include "load.h"
#include "store/store_sqlite.h"

#include <time.h>

#define RELATIVE 32 /* digits */
#define ARENA_SIZE 65536
#define STRIDE 1000003 /* prime: each line as often as another */

static int64_t cpu_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static err_t one(struct store *s, struct text line)
{
    uint8_t room[ARENA_SIZE];
    char id[RELATIVE];
    struct arena a = arena_of(room, sizeof(room));
    struct store_value v;
    if (line.n < RELATIVE) {
        return ERR_USAGE;
    }
    for (size_t i = 0; i < RELATIVE; i++) {
        id[i] = text_lower(line.p[line.n - RELATIVE + i]); /* as the MAF stores them */
    }
    TRY(store_begin(s, false));
    err_t e = store_get(s, TABLE_MAF_KEY, bytes_of(id, sizeof(id)), &a, &v);
    store_rollback(s);
    return e;
}

err_t lookup_rate_run(const struct lookup_rate_plan *p, struct lookup_rate_result *out)
{
    struct store *s = NULL;
    *out = (struct lookup_rate_result){0};
    TRY(store_sqlite_open(p->store, STORE_SQLITE_READER, NULL, &s));
    err_t e = ERR_OK;
    usec_t begun = load_now();
    int64_t cpu = cpu_now();
    for (; e == ERR_OK && load_now() - begun < p->time; out->done++) {
        e = one(s, text_of(p->lines.at[out->done * STRIDE % p->lines.n]));
    }
    out->cpu_ns = cpu_now() - cpu;
    store_close(s);
    return e;
}
