#include "shell/control.h"

#include "role/emit.h"
#include "shell/control_explain.h"
#include "store/store_cached.h"
#include "store/store_sqlite.h"
#include "wire/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TAIL_DEFAULT 20
#define TAIL_MAX 200

static void say(char detail[static ROLE_DETAIL_MAX], const char *text)
{
    (void)snprintf(detail, ROLE_DETAIL_MAX, "%.180s", text);
}

/* -- audit ------------------------------------------------------------------------------------------- */
static err_t audit_verify_row(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                              char detail[static ROLE_DETAIL_MAX])
{
    const struct control_ctx *c = ctx;
    (void)rq;
    uint8_t pub[CRYPTO_SIG_KEY_LEN];
    uint64_t count = 0;
    uint64_t at = 0;
    TRY(c->crypto->sign_public(secret_view(c->audit_key), pub));
    err_t e = audit_verify(t->store, c->crypto, BYTES_ARRAY(pub), t->arena, &count, &at);
    if (e != ERR_OK) {
        (void)snprintf(detail, ROLE_DETAIL_MAX, "event %llu", (unsigned long long)at);
        return e;
    }
    struct emit m = emit_to(out);
    emit_object(&m, NULL);
    emit_number(&m, "events", count);
    emit_bool(&m, "intact", true);
    emit_close_object(&m);
    return ERR_OK;
}

bool control_emit_event(void *arg, uint64_t number, const struct audit_event *e)
{
    struct emit *m = arg;
    const struct audit_info *info = audit_kind_info(e->kind);
    emit_object(m, NULL);
    emit_number(m, "number", number);
    emit_time(m, "time", e->time);
    emit_number(m, "usec", (uint64_t)(e->time % USEC_PER_SEC)); /* the order of events of several servers */
    emit_z(m, "event", info == NULL ? "unknown" : info->code);
    emit_z(m, "outcome", err_code(e->outcome));
    emit_z_if(m, "peer", e->peer);
    emit_z_if(m, "object", e->object);
    emit_z_if(m, "association", e->association);
    emit_z_if(m, "instance", e->instance);
    emit_close_object(m);
    return true;
}

struct page {
    struct emit *m;
    uint64_t end; /* events before this number; 0: all */
};

static bool emit_page(void *arg, uint64_t number, const struct audit_event *e)
{
    struct page *p = arg;
    return (p->end == 0 || number < p->end) && control_emit_event(p->m, number, e);
}

static bool count_back(void *arg, uint64_t number, const struct audit_event *e)
{
    (void)e;
    *(uint64_t *)arg = number;
    return true;
}

/* Oldest first, so from the first number of the page on: numbers have no gaps. */
static err_t tail_page(struct txn *t, uint64_t before, size_t limit, struct emit *m)
{
    struct page p = {m, before};
    uint64_t first = 0;
    uint64_t last = 0;
    if (before == 0) {
        return audit_tail(t->store, limit, emit_page, &p);
    }
    TRY(audit_back(t->store, before, limit, count_back, &first));
    TRY(audit_back(t->store, 0, 1, count_back, &last));
    return first == 0 ? ERR_OK : audit_tail(t->store, (size_t)(last - first + 1), emit_page, &p);
}

static err_t audit_tail_row(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                            char detail[static ROLE_DETAIL_MAX])
{
    const struct control_ctx *c = ctx;
    uint64_t limit = TAIL_DEFAULT;
    uint64_t before = 0;
    struct text given = json_get_text(rq->args, "limit");
    struct text end = json_get_text(rq->args, "before");
    if (given.n > 0 && (text_u64(given, TAIL_MAX, &limit) != ERR_OK || limit == 0)) {
        say(detail, "--limit is 1 to 200");
        return ERR_USAGE;
    }
    if (end.n > 0 && (text_u64(end, INT64_MAX, &before) != ERR_OK || before == 0)) {
        say(detail, "--before is the number of an event");
        return ERR_USAGE;
    }
    struct emit m = emit_to(out);
    emit_object(&m, NULL);
    emit_text(&m, "roles", conf_text(c->conf, "server", NULL, "roles")); /* whose chain: keystead trace reads it */
    emit_array(&m, "events");
    TRY(tail_page(t, before, (size_t)limit, &m));
    emit_close_array(&m);
    emit_close_object(&m);
    return ERR_OK;
}

/* -- backup ------------------------------------------------------------------------------------------ */
static err_t backup_row(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                        char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    char file[1024];
    if (json_get_text(rq->args, "to").n == 0 || TEXT_COPY(json_get_text(rq->args, "to"), file) != ERR_OK) {
        say(detail, "--to FILE");
        return ERR_USAGE;
    }
    store_rollback(t->store); /* an online backup is a transaction of its own */
    errno = 0;
    err_t e = store_sqlite_backup(store_cached_inner(t->store), file);
    if (e != ERR_OK) { /* the store is well: what failed is the copy */
        (void)snprintf(detail, ROLE_DETAIL_MAX, "%.140s%s%.30s", file, errno == 0 || e == ERR_EXISTS ? "" : ": ",
                       errno == 0 || e == ERR_EXISTS ? "" : strerror(errno));
        return e == ERR_STORE ? ERR_IO : e;
    }
    struct emit m = emit_to(out);
    emit_object(&m, NULL);
    emit_z(&m, "file", file);
    emit_close_object(&m);
    return ERR_OK;
}

/* -- of a running server: control_server.c answers these itself ---------------------------------------- */
static err_t server_row(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                        char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    (void)rq;
    (void)t;
    (void)out;
    say(detail, "no server is running with this configuration");
    return ERR_PEER_UNREACHABLE;
}

static const struct ctl_arg tail_args[] = {{"--limit", 0, "how many events, 20 if not given, at most 200"},
                                           {"--before", 0, "events before this number only: the page before"}};
static const struct ctl_arg backup_args[] = {
    {"--to", CTL_ARG_REQUIRED | CTL_ARG_PATH, "the file to write; it must not exist, and is as secret as the store"}};

const struct ctl_row control_rows[] = {
    {"audit", "verify", NULL, 0, false, audit_verify_row, "Walks the whole audit chain and checks every signature."},
    {"audit", "tail", tail_args, ARRAY_LEN(tail_args), false, audit_tail_row, "The last audit events, oldest first."},
    {"explain", "", control_explain_args, CONTROL_EXPLAIN_ARGS_N, false, control_explain,
     "Where a device, credential, key, client or association stands, what was refused last, and what to do."},
    {"backup", "", backup_args, ARRAY_LEN(backup_args), false, backup_row, "Copies the store while it is in use."},
    {"status", "", NULL, 0, false, server_row, "Processes, listeners with their ports, and counters."},
    {"reload", "", NULL, 0, false, server_row, "Reads the configuration again; a file with a fault changes nothing."},
    {"stop", "", NULL, 0, false, server_row, "Finishes what is under way and ends the server."},
};
const size_t control_rows_n = ARRAY_LEN(control_rows);
