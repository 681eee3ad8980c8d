#include "shell/control_server.h"

#include "base/ct.h"
#include "role/emit.h"
#include "shell/clock.h"
#include "shell/control_status.h"
#include "shell/log.h"
#include "store/store_sqlite.h"
#include "wire/json.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_SIZE (4u << 20)
#define CLIENTS_MAX 64
#define SOCKET_BACKLOG 16

struct control_server {
    struct control_server_config cfg;
    struct control_ctx ctx;
    uv_pipe_t listening;
    struct client *clients;
    size_t clients_n;
    bool closed;
};

struct client {
    uv_pipe_t pipe;
    struct control_server *s;
    struct client *next, **at;
    bool gone, busy, wants_reload;
    bool taking;  /* inside next_line: an answer given at once does not nest */
    bool sending; /* the next line waits until the answer before is taken: who does not read makes nothing grow */
    bool paused;  /* not reading: `in` is full of lines that wait */
    bool told;    /* that this process leaves */
    size_t n;
    /* the command under way */
    json_t *line;
    struct job job;
    size_t candidate; /* which matching row is tried: 0 the server's own, then a role each */
    uv_work_t work;
    struct job_result result;
    char in[CONTROL_LINE_MAX];
    uint8_t out[CONTROL_LINE_MAX];
};

static void next_line(struct client *c);
static void try_next(struct client *c);

/* -- answering ----------------------------------------------------------------------------------------- */
static void forget_line(struct client *c)
{
    json_t *key = json_object_get(json_object_get(c->line, "args"), "key");
    if (json_is_string(key)) { /* hex of a key: jansson frees, but does not wipe */
        ct_wipe((void *)(uintptr_t)json_string_value(key), json_string_length(key));
    }
    json_decref(c->line);
    c->line = NULL;
}

static void client_free(struct client *c)
{
    forget_line(c);
    ct_wipe(c->in, sizeof(c->in));
    c->s->clients_n--;
    free(c);
}

static void closed_cb(uv_handle_t *h)
{
    struct client *c = (struct client *)h;
    c->pipe.data = NULL;
    if (!c->busy) {
        client_free(c);
    }
}

static void client_close(struct client *c)
{
    if (c->gone) {
        return;
    }
    c->gone = true;
    if (c->wants_reload) { /* off the list nobody would tell it the outcome */
        c->wants_reload = false;
        c->busy = false;
    }
    *c->at = c->next;
    if (c->next != NULL) {
        c->next->at = c->at;
    }
    uv_close((uv_handle_t *)&c->pipe, closed_cb);
}

struct client_write {
    uv_write_t req;
    struct client *c;
    char octets[];
};

static void refusal_write(struct writer *w, err_t e, const char *detail)
{
    const struct err_info *info = err_info(e);
    struct emit m = emit_to(w);
    emit_object(&m, NULL);
    emit_bool(&m, "ok", false);
    emit_z(&m, "code", info->code);
    emit_z(&m, "text", info->text);
    emit_z(&m, "hint", info->hint);
    emit_z(&m, "clause", info->clause);
    emit_z(&m, "detail", detail);
    emit_close_object(&m);
}

static void send_line(struct client *c, struct writer *w);

/* What it has sent and we have not begun stays undone, and it is told so: it may ask the next process. */
static void leave(struct client *c)
{
    struct writer w = WRITER_ARRAY(c->out);
    c->told = true;
    refusal_write(&w, ERR_STATE_LEAVING, "");
    writer_z(&w, "\n");
    send_line(c, &w);
}

static void written_cb(uv_write_t *req, int status)
{
    struct client_write *o = (struct client_write *)req;
    struct client *c = o->c;
    free(o);
    c->sending = false;
    if (status != 0) {
        client_close(c);
        return;
    }
    if (c->s->closed && !c->busy) {
        if (c->told || c->n == 0) {
            client_close(c);
        } else {
            leave(c);
        }
        return;
    }
    next_line(c);
}

static void send_line(struct client *c, struct writer *w)
{
    struct client_write *o = writer_finish(w) == ERR_OK ? malloc(sizeof(*o) + w->n) : NULL;
    if (o == NULL) {
        client_close(c);
        return;
    }
    o->c = c;
    memcpy(o->octets, w->buf, w->n);
    uv_buf_t b = uv_buf_init(o->octets, (unsigned)w->n);
    c->sending = true;
    if (uv_write(&o->req, (uv_stream_t *)&c->pipe, &b, 1, written_cb) != 0) {
        c->sending = false;
        free(o);
        client_close(c);
    }
}

static void reply(struct client *c, err_t e, const char *detail, struct bytes result)
{
    struct writer w = WRITER_ARRAY(c->out);
    forget_line(c);
    c->busy = false;
    if (c->gone) {
        if (c->pipe.data == NULL) {
            client_free(c);
        }
        return;
    }
    if (e == ERR_OK) {
        writer_z(&w, "{\"ok\":true,\"result\":");
        writer_bytes(&w, result.n > 0 ? result : text_bytes(text_of("{}")));
        writer_z(&w, "}");
    } else {
        refusal_write(&w, e, detail);
    }
    writer_z(&w, "\n");
    if (w.overflow) {
        reply(c, ERR_LIMIT_CAPACITY, "the answer is longer than a line may be", bytes_empty());
        return;
    }
    send_line(c, &w);
    next_line(c);
}

/* -- rows the server answers itself ---------------------------------------------------------------------- */
static void do_status(struct client *c)
{
    uint8_t buf[32 << 10];
    struct writer w = WRITER_ARRAY(buf);
    control_status_write(&w, c->s->cfg.snap, c->s->cfg.page);
    reply(c, w.overflow ? ERR_LIMIT_CAPACITY : ERR_OK, "", writer_view(&w));
}

static void do_reload(struct client *c)
{
    c->wants_reload = true;
    c->s->cfg.order(c->s->cfg.arg, 'R');
}

static void do_stop(struct client *c)
{
    c->s->cfg.order(c->s->cfg.arg, 'S');
    reply(c, ERR_OK, "", bytes_empty());
}

void control_server_reloaded(struct control_server *s, bool ok)
{
    struct client *next = NULL;
    for (struct client *c = s->clients; c != NULL; c = next) {
        next = c->next;
        if (c->wants_reload) {
            c->wants_reload = false;
            reply(c, ok ? ERR_OK : s->cfg.page->reload_err, s->cfg.page->reload_detail, bytes_empty());
        }
    }
}

/* -- rows of roles --------------------------------------------------------------------------------------- */
static const struct ctl_row *row_in(const struct ctl_row *rows, size_t n, const json_t *line)
{
    for (size_t i = 0; i < n; i++) {
        if (text_eq_z(json_get_text(line, "noun"), rows[i].noun) &&
            text_eq_z(json_get_text(line, "verb"), rows[i].verb)) {
            return &rows[i];
        }
    }
    return NULL;
}

/* The next row of that name: candidate 0 is the server's own table, i the table of role i - 1. */
static bool next_candidate(struct client *c)
{
    const struct snapshot *snap = c->s->cfg.snap;
    struct text role = json_get_text(c->line, "role");
    struct text instance = json_get_text(c->line, "instance");
    struct text admin = json_get_text(c->line, "admin");
    for (; c->candidate <= snap->roles_n; c->candidate++) {
        const struct snapshot_role *r = c->candidate == 0 ? NULL : &snap->roles[c->candidate - 1];
        bool any = instance.n == 0 && admin.n == 0;
        if (r == NULL ? !any : snapshot_instance_for(snap, r->role, instance, admin) != r) {
            continue; /* of one instance alone: the default one, or that which is named */
        }
        if (r != NULL && role.n > 0 && !text_eq_z(role, r->role->name)) {
            continue;
        }
        c->job.ctl =
            r == NULL ? row_in(control_rows, control_rows_n, c->line) : row_in(r->role->ctl, r->role->ctl_n, c->line);
        c->job.ctl_ctx = r == NULL ? (const void *)&c->s->ctx : r->ctx;
        c->job.role = r == NULL ? 0 : (uint8_t)(c->candidate - 1);
        if (c->job.ctl != NULL) {
            c->candidate++;
            return true;
        }
    }
    return false;
}

static void job_done(void *arg, const struct job_result *r)
{
    struct client *c = arg;
    if (r->err == ERR_USAGE && c->candidate <= c->s->cfg.snap->roles_n) {
        memcpy(c->result.detail, r->detail, sizeof(c->result.detail));
        try_next(c);
        return;
    }
    reply(c, r->err, r->detail, r->body);
}

static err_t read_only(struct client *c, struct store *store)
{
    struct arena arena = {0};
    struct txn t;
    struct writer out = writer_of(c->out, sizeof(c->out) - 64);
    struct ctl_request rq = {c->job.ctl_args, c->job.now};
    void *memory = malloc(ARENA_SIZE);
    if (memory == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    arena = arena_of(memory, ARENA_SIZE);
    txn_init(&t, store, &arena, false);
    txn_enter(&t, c->s->cfg.snap->roles[c->job.role].partition);
    err_t e = store_begin(store, false);
    if (e == ERR_OK) {
        e = c->job.ctl->handler(c->job.ctl_ctx, &rq, &t, &out, c->result.detail);
        store_rollback(store);
    }
    free(memory);
    c->result.body = writer_view(&out);
    return e == ERR_OK && out.overflow ? ERR_LIMIT_CAPACITY : e;
}

static void work_cb(uv_work_t *w) /* on a thread: touches only its client */
{
    struct client *c = w->data;
    struct store *store = NULL;
    c->result.err = store_sqlite_open(c->s->cfg.snap->store, STORE_SQLITE_READER, NULL, &store);
    if (c->result.err == ERR_OK) {
        c->result.err = read_only(c, store);
    }
    store_close(store);
}

static void worked_cb(uv_work_t *w, int status)
{
    struct client *c = w->data;
    struct job_result r = c->result;
    uint8_t body[CONTROL_LINE_MAX];
    memcpy(body, r.body.p, r.body.n);
    r.body = bytes_of(body, r.body.n);
    r.err = status != 0 ? ERR_IO : r.err;
    job_done(c, &r);
}

static void try_next(struct client *c)
{
    struct control_server *s = c->s;
    if (!next_candidate(c)) {
        const char *none = "no such command here, or no such instance";
        reply(c, ERR_USAGE, c->result.detail[0] != '\0' ? c->result.detail : none, bytes_empty());
        return;
    }
    c->job.kind = JOB_CTL;
    c->job.now = clock_now();
    c->job.ctl_args = json_object_get(c->line, "args");
    memset(&c->result, 0, sizeof(c->result));
    c->result.body = bytes_empty();
    if (c->job.ctl->writes) {
        err_t e = intake_submit(s->cfg.intake, &c->job, job_done, c);
        if (e != ERR_OK) {
            reply(c, e, "", bytes_empty());
        }
        return;
    }
    c->work.data = c;
    if (uv_queue_work(s->cfg.loop, &c->work, work_cb, worked_cb) != 0) {
        reply(c, ERR_LIMIT_BUSY, "", bytes_empty());
    }
}

static void run_line(struct client *c)
{
    static const struct {
        const char *noun;
        void (*run)(struct client *c);
    } own[] = {{"status", do_status}, {"reload", do_reload}, {"stop", do_stop}};
    struct text noun = json_get_text(c->line, "noun");
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (text_eq_z(noun, own[i].noun)) {
            own[i].run(c);
            return;
        }
    }
    c->candidate = 0;
    c->result.detail[0] = '\0';
    if (json_object_get(c->line, "args") == NULL) {
        (void)json_object_set_new(c->line, "args", json_object());
    }
    static const char *const names[] = {"instance", "admin"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (json_object_get(c->line, names[i]) != NULL && json_get_text(c->line, names[i]).n == 0) {
            /* never the default one by mistake */
            reply(c, ERR_USAGE, "instance and admin must be names", bytes_empty());
            return;
        }
    }
    if (!json_is_object(json_object_get(c->line, "args"))) { /* in another type every argument would look absent */
        reply(c, ERR_USAGE, "args must be an object", bytes_empty());
        return;
    }
    try_next(c);
}

/* -- lines ------------------------------------------------------------------------------------------------- */
static bool take_line(struct client *c)
{
    char *end = c->gone || c->busy || c->sending || c->s->closed ? NULL : memchr(c->in, '\n', c->n);
    if (end == NULL) {
        return false;
    }
    size_t n = (size_t)(end - c->in) + 1;
    err_t e = json_parse(bytes_of(c->in, n - 1), &c->line);
    memmove(c->in, c->in + n, c->n - n);
    ct_wipe(c->in + (c->n - n), n);
    c->n -= n;
    c->busy = true;
    if (e != ERR_OK) {
        c->line = NULL;
        reply(c, e, "one JSON object a line", bytes_empty());
        return true;
    }
    run_line(c);
    return true;
}

static void alloc_cb(uv_handle_t *h, size_t suggested, uv_buf_t *buf);
static void read_cb(uv_stream_t *st, ssize_t n, const uv_buf_t *buf);

static void next_line(struct client *c)
{
    if (c->taking) {
        return;
    }
    c->taking = true;
    while (take_line(c)) {
        continue;
    }
    c->taking = false;
    if (c->n == sizeof(c->in) && !c->busy && !c->sending) {
        client_close(c); /* a line without an end */
    }
    if (c->paused && c->n < sizeof(c->in) && !c->gone) {
        c->paused = false;
        (void)uv_read_start((uv_stream_t *)&c->pipe, alloc_cb, read_cb);
    }
}

static void alloc_cb(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct client *c = (struct client *)h;
    *buf = uv_buf_init(c->in + c->n, (unsigned)(sizeof(c->in) - c->n));
}

static void read_cb(uv_stream_t *st, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    struct client *c = (struct client *)st;
    if (n == UV_ENOBUFS) {
        c->paused = true;
        (void)uv_read_stop(st);
        return;
    }
    if (n < 0) {
        client_close(c);
        return;
    }
    c->n += (size_t)n;
    next_line(c);
}

static void connection_cb(uv_stream_t *server, int status)
{
    struct control_server *s = server->data;
    struct client *c = status == 0 ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL || uv_pipe_init(s->cfg.loop, &c->pipe, 0) != 0) {
        free(c);
        return;
    }
    c->s = s;
    c->pipe.data = c;
    c->next = s->clients;
    c->at = &s->clients;
    if (c->next != NULL) {
        c->next->at = &c->next;
    }
    s->clients = c;
    s->clients_n++;
    if (uv_accept(server, (uv_stream_t *)&c->pipe) != 0 || s->clients_n > CLIENTS_MAX) {
        client_close(c);
        return;
    }
    (void)uv_read_start((uv_stream_t *)&c->pipe, alloc_cb, read_cb);
}

err_t control_server_new(const struct control_server_config *cfg, struct control_server **out)
{
    struct control_server *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    s->cfg = *cfg;
    s->ctx = (struct control_ctx){cfg->snap->env.crypto, cfg->snap->conf, &cfg->snap->audit_key, cfg->snap, s};
    s->listening.data = s;
    *out = s;
    bool ok = uv_pipe_init(cfg->loop, &s->listening, 0) == 0 && uv_pipe_open(&s->listening, cfg->fd) == 0 &&
              uv_listen((uv_stream_t *)&s->listening, SOCKET_BACKLOG, connection_cb) == 0;
    return ok ? ERR_OK : ERR_IO;
}

void control_server_close(struct control_server *s)
{
    if (s->closed) {
        return;
    }
    s->closed = true;
    uv_close((uv_handle_t *)&s->listening, NULL);
    struct client *next = NULL;
    for (struct client *c = s->clients; c != NULL; c = next) {
        next = c->next;
        if (!c->busy && !c->sending) {
            leave(c);
        }
    }
}

bool control_server_is_left(const struct control_server *s)
{
    return s->closed && s->clients == NULL;
}
