#include "shell/offline.h"

#include "base/ct.h"
#include "shell/committer.h"
#include "shell/control.h"
#include "store/store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_SIZE (1u << 20)

struct offline {
    struct committer c;
    struct metrics metrics;
    bool open;
    usec_t now;
};

static void offline_free(struct offline **o)
{
    if (*o == NULL) {
        return;
    }
    if ((*o)->open) {
        committer_forget(&(*o)->c);
        committer_close(&(*o)->c, (*o)->now);
    }
    free((*o)->c.arena);
    free((*o)->c.bodies);
    free((*o)->c.scratch);
    ct_wipe(*o, sizeof(**o));
    free(*o);
}

/* The instance's place in the snapshot and the context its handlers take. */
static err_t find_ctx(const struct snapshot *snap, const struct offline_call *call, struct job *j,
                      char detail[static ROLE_DETAIL_MAX])
{
    if (call->role == NULL) {
        return snap->roles_n > 0 ? ERR_OK : ERR_USAGE;
    }
    const struct snapshot_role *r = snapshot_instance_for(snap, call->role, call->instance, call->admin);
    if (r == NULL) {
        (void)snprintf(detail, ROLE_DETAIL_MAX, "[%s] has no instance of this name or stakeholder: %.100s", call->role->name,
                       call->admin.n > 0 ? call->admin.p : call->instance.p);
        return ERR_USAGE;
    }
    j->role = (uint8_t)(r - snap->roles);
    j->ctl_ctx = r->ctx;
    return ERR_OK;
}

struct reading {
    struct store *store;
    uint8_t arena[ARENA_SIZE];
};

static void reading_free(struct reading **r)
{
    if (*r != NULL) {
        store_close((*r)->store);
        free(*r);
    }
}

/* Looking leaves no trace in the audit chain. The writer's lock is taken all the same: a store that a server holds is
 * asked through that server. */
static err_t read_only(const struct snapshot *snap, const struct job *job, struct writer *out,
                       char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(reading_free) struct reading *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(store_sqlite_open(snap->store, STORE_SQLITE_WRITER, NULL, &r->store));
    struct arena arena = arena_of(r->arena, sizeof(r->arena));
    const struct ctl_request rq = {job->ctl_args, job->now};
    struct txn t;
    txn_init(&t, r->store, &arena, false);
    txn_enter(&t, snap->roles[job->role].partition);
    TRY(store_begin(r->store, false));
    err_t e = job->ctl->handler(job->ctl_ctx, &rq, &t, out, detail);
    store_rollback(r->store);
    return e == ERR_OK ? writer_finish(out) : e;
}

err_t offline_run(const struct snapshot *snap, const struct offline_call *call, struct writer *out,
                  char detail[static ROLE_DETAIL_MAX])
{
    struct control_ctx generic = {.crypto = snap->env.crypto, .conf = snap->conf, .audit_key = &snap->audit_key, .snap = snap};
    struct job job = {.kind = JOB_CTL, .now = call->now, .ctl = call->row, .ctl_ctx = &generic, .ctl_args = call->args};
    TRY(find_ctx(snap, call, &job, detail));
    if (!call->row->writes) {
        return read_only(snap, &job, out, detail);
    }
    SCOPED(offline_free) struct offline *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    o->now = call->now;
    TRY(committer_init(&o->c, snap, &o->metrics));
    TRY(committer_open(&o->c, call->now));
    o->open = true;
    struct job_result result;
    (void)committer_run(&o->c, &job, 1, &result);
    memcpy(detail, result.detail, ROLE_DETAIL_MAX);
    TRY(result.err);
    writer_bytes(out, result.body);
    return writer_finish(out);
}
