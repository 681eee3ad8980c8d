#include "bare_store.h"

#include "cli/roles.h"
#include "load.h"
#include "recorder.h"
#include "role/dispatch.h"
#include "store/store_sqlite.h"
#include "wire/http1.h"
#include "wire/http_binding.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ARENA_SIZE (4u << 20)
#define BODY_MAX 65536
#define WAL_PAGES_LONG 4000 /* as the committer */

struct bare {
    const struct bare_store_plan *plan;
    struct snapshot *snap;
    struct store *store, *recorder;
    struct audit_chain chain;
    uint8_t *arena, *body, *scratch;
    uint64_t next;
    struct bare_store_result *out;
};

static usec_t wall_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (usec_t)t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

static int64_t cpu_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* -- the records --------------------------------------------------------------------------------------- */
static void primitive_scope(struct primitive *p)
{
    http_binding_wipe(p);
}

static err_t handle(struct bare *b, const struct primitive *prim, usec_t now)
{
    struct association plain;
    association_init_plain(&plain);
    const struct keys_export none = {0};
    struct arena arena = arena_of(b->arena, ARENA_SIZE);
    struct txn t;
    struct response rs = {.body = writer_of(b->body, BODY_MAX)};
    struct ipaddr ip = {0};
    const struct request rq = {.prim = prim, .assoc = &plain, .exported = &none, .ip = ip, .now = now};
    txn_init(&t, b->recorder, &arena, true);
    err_t e = dispatch_run(b->snap->roles[0].role, b->snap->roles[0].ctx, &rq, &t, &rs);
    if (e != ERR_OK) {
        (void)snprintf(b->out->detail, sizeof(b->out->detail), "%.*s", (int)rs.body.n, (const char *)rs.body.buf);
        return e;
    }
    struct dispatch_about about = {&plain, prim->path, now};
    return dispatch_keep(&t, ERR_OK, &about, b->snap->env.crypto, &b->chain);
}

static err_t record_one(struct bare *b, usec_t now)
{
    char page[REQUEST_MAX];
    char detail[96];
    struct http1_request http;
    size_t used = 0;
    size_t n = request_write(&b->plan->request, b->next, page);
    SCOPED(primitive_scope) struct primitive prim = {0};
    struct writer scratch = writer_of(b->scratch, BODY_MAX);
    TRY(http1_parse(bytes_of(page, n), BODY_MAX, &http, &used));
    TRY(used == n && n > 0 ? ERR_OK : ERR_USAGE);
    TRY(http_binding_parse(&http, &scratch, &prim, detail));
    return handle(b, &prim, now);
}

static err_t record(struct bare *b)
{
    recorder_forget(b->recorder);
    TRY(store_begin(b->recorder, true));
    err_t e = ERR_OK;
    for (size_t i = 0; i < b->plan->batch && e == ERR_OK; i++, b->next++) {
        e = record_one(b, wall_now());
    }
    store_rollback(b->recorder);
    return e;
}

/* -- what is counted ----------------------------------------------------------------------------------- */
static err_t put_all(struct bare *b)
{
    TRY(store_begin(b->store, true));
    TRY(recorder_replay(b->recorder, b->store));
    TRY(store_commit(b->store));
    return store_sqlite_wal_pages(b->store) >= WAL_PAGES_LONG ? store_sqlite_checkpoint(b->store) : ERR_OK;
}

static err_t batches(struct bare *b)
{
    usec_t begun = load_now();
    while (load_now() - begun < b->plan->time) {
        TRY(record(b));
        int64_t cpu = cpu_now();
        TRY(put_all(b));
        b->out->cpu_ns += cpu_now() - cpu;
        b->out->done += b->plan->batch;
        b->out->changes += recorder_changes(b->recorder);
    }
    return ERR_OK;
}

static err_t open_all(struct bare *b)
{
    const struct snapshot_source source = roles_source(b->plan->conf);
    struct conf_faults faults = {.n = 0};
    TRY(snapshot_load(&source, &b->snap, &faults));
    b->arena = malloc(ARENA_SIZE);
    b->body = malloc(BODY_MAX);
    b->scratch = malloc(BODY_MAX);
    if (b->arena == NULL || b->body == NULL || b->scratch == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(store_sqlite_open(b->plan->store, STORE_SQLITE_WRITER, NULL, &b->store));
    TRY(recorder_open(b->store, &b->recorder));
    struct arena arena = arena_of(b->arena, ARENA_SIZE);
    TRY(store_begin(b->store, false));
    err_t e = audit_chain_load(b->store, b->snap->env.crypto, &arena, &b->chain);
    store_rollback(b->store);
    return e;
}

err_t bare_store_run(const struct bare_store_plan *p, struct bare_store_result *out)
{
    *out = (struct bare_store_result){0};
    /* Names of one round must not be those of another on the same store. */
    struct bare b = {.plan = p, .out = out, .next = (uint64_t)wall_now() / 1000000 % 1000000 * 100000};
    err_t e = open_all(&b);
    if (e == ERR_OK) {
        e = batches(&b);
    }
    store_close(b.recorder);
    store_close(b.store);
    snapshot_free(b.snap);
    free(b.arena);
    free(b.body);
    free(b.scratch);
    return e;
}
