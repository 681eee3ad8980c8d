#include "shell/process.h"

#include "shell/clock.h"
#include "shell/control_server.h"
#include "shell/enlist.h"
#include "shell/leaks.h"
#include "shell/link.h"
#include "shell/log.h"
#include "shell/namer.h"
#include "shell/notifier.h"
#include "shell/serving.h"
#include "shell/vectors.h"
#include "shell/watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define DRAIN_MS 3000
#define SETTLE_MS 1000 /* of these, for handshakes under way and for who has just finished one */
#define DRAIN_LOOK_MS 10
#define EXIT_FAILED 3

struct process {
    const struct process_config *cfg;
    uv_loop_t loop;
    uv_pipe_t link;
    uv_timer_t drain;
    struct intake intake;
    struct watch watch;
    struct notifier notifier;
    struct enlist enlist;
    struct namer namer;
    struct vectors vectors;
    struct worker worker;
    struct control_server *control;
    usec_t drain_until, settle_at;
    bool draining, settling, settled;
};

static bool is_writer(const struct process *p)
{
    return p->cfg->kind != PROCESS_WORKER;
}

static bool is_worker(const struct process *p)
{
    return p->cfg->kind != PROCESS_WRITER;
}

/* -- the end ------------------------------------------------------------------------------------------- */
static bool is_drained(const struct process *p)
{
    bool conns = is_worker(p) && p->worker.conns > 0;
    bool workers = is_writer(p) && p->intake.links_n > 0;
    bool operators = p->control != NULL && !control_server_is_left(p->control);
    return !conns && !workers && !operators;
}

/* Tells the supervisor once: it answers who asked for the reload, and by then the configuration before is past. */
static void settle(struct process *p)
{
    if (!is_worker(p) || p->settled) {
        return;
    }
    if (!p->settling && clock_monotonic() >= p->settle_at) {
        p->settling = true;
        serving_settle(&p->worker);
    }
    if (serving_is_settled(&p->worker)) {
        p->settled = true;
        (void)link_send(p->cfg->link, LINK_SETTLED, -1);
    }
}

static void drain_cb(uv_timer_t *h)
{
    struct process *p = h->data;
    bool late = clock_monotonic() >= p->drain_until;
    settle(p);
    if (late && is_worker(p)) {
        serving_cut(&p->worker);
    }
    if (late || is_drained(p)) {
        uv_stop(&p->loop);
    }
}

static void drain(struct process *p)
{
    if (p->draining) {
        return;
    }
    p->draining = true;
    p->drain_until = clock_monotonic() + DRAIN_MS * 1000;
    p->settle_at = clock_monotonic() + SETTLE_MS * 1000;
    if (p->control != NULL) {
        control_server_close(p->control);
    }
    if (is_worker(p)) {
        serving_drain(&p->worker);
    }
    (void)uv_timer_start(&p->drain, drain_cb, 0, DRAIN_LOOK_MS);
}

/* -- the supervisor --------------------------------------------------------------------------------------- */
static void free_handle(uv_handle_t *h)
{
    free(h);
}

static void take_channel(struct process *p)
{
    uv_pipe_t *pipe = calloc(1, sizeof(*pipe));
    if (pipe == NULL || uv_pipe_init(&p->loop, pipe, 0) != 0) {
        abort();
    }
    if (uv_pipe_pending_count(&p->link) == 0 || uv_accept((uv_stream_t *)&p->link, (uv_stream_t *)pipe) != 0) {
        uv_close((uv_handle_t *)pipe, free_handle);
    } else if (is_writer(p)) {
        intake_attach(&p->intake, pipe);
    } else {
        channel_connect(&p->worker.channel, pipe);
    }
}

static void on_message(struct process *p, char m)
{
    if (m == LINK_DRAIN) {
        drain(p);
    } else if (m == LINK_CHANNEL) {
        take_channel(p);
    } else if (p->control != NULL && (m == LINK_RELOADED || m == LINK_REFUSED)) {
        control_server_reloaded(p->control, m == LINK_RELOADED);
    }
}

static void link_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    static char octets[16];
    (void)h;
    (void)suggested;
    *buf = uv_buf_init(octets, sizeof(octets));
}

static void link_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct process *p = s->data;
    if (n < 0) {
        _exit(EXIT_FAILED); /* the supervisor is gone: nothing may outlive it */
    }
    for (ssize_t i = 0; i < n; i++) {
        on_message(p, buf->base[i]);
    }
}

static void order(void *arg, char what)
{
    struct process *p = arg;
    (void)link_send(p->cfg->link, what, -1);
}

/* -- the start -------------------------------------------------------------------------------------------- */
static void log_name(const struct process_config *cfg)
{
    char name[32];
    if (cfg->kind == PROCESS_WORKER) {
        (void)snprintf(name, sizeof(name), "worker-%zu", cfg->index + 1);
    }
    const char *fixed = cfg->kind == PROCESS_WRITER ? "writer" : "server";
    log_open(cfg->kind == PROCESS_WORKER ? name : fixed, cfg->snap->log_level);
    log_limit(cfg->snap->log_limit);
}

static void signals(void)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE}; /* the supervisor decides; a terminal signals all */
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
}

static err_t start_writer(struct process *p)
{
    const struct process_config *cfg = p->cfg;
    TRY(intake_start(&p->intake, &p->loop, cfg->snap, cfg->metrics));
    TRY(intake_open(&p->intake, cfg->patient));
    TRY(watch_start(&p->watch, &p->loop, cfg->snap, &p->intake));
    TRY(notifier_start(&p->notifier, &p->loop, cfg->snap, &p->intake));
    TRY(enlist_start(&p->enlist, &p->loop, cfg->snap, &p->intake));
    TRY(namer_start(&p->namer, &p->loop, cfg->snap, &p->intake));
    TRY(vectors_start(&p->vectors, &p->loop, cfg->snap, &p->intake, cfg->metrics));
    struct control_server_config c = {
        .loop = &p->loop,
        .snap = cfg->snap,
        .intake = &p->intake,
        .page = cfg->page,
        .fd = cfg->control,
        .order = order,
        .arg = p,
    };
    return cfg->control < 0 ? ERR_OK : control_server_new(&c, &p->control);
}

static err_t start(struct process *p)
{
    const struct process_config *cfg = p->cfg;
    bool ok = uv_loop_init(&p->loop) == 0 && uv_timer_init(&p->loop, &p->drain) == 0 &&
              uv_pipe_init(&p->loop, &p->link, 1) == 0 && uv_pipe_open(&p->link, cfg->link) == 0;
    if (!ok) {
        return ERR_IO;
    }
    p->drain.data = p;
    p->link.data = p;
    if (is_writer(p)) {
        TRY(start_writer(p));
    }
    if (is_worker(p)) {
        TRY(worker_start(&p->worker, &p->loop, cfg->snap, cfg->metrics, is_writer(p) ? &p->intake : NULL));
        TRY(serving_start(&p->worker, cfg->listening));
    }
    return uv_read_start((uv_stream_t *)&p->link, link_alloc, link_read) == 0 ? ERR_OK : ERR_IO;
}

int process_run(const struct process_config *cfg)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != cfg->parent) {
        return EXIT_FAILED;
    }
    signals();
    log_name(cfg);
    cfg->metrics->used = true;
    cfg->metrics->pid = getpid();
    cfg->metrics->is_writer = cfg->kind != PROCESS_WORKER;
    static struct process process; /* static: to the leak check everything that it holds is in use */
    struct process *p = &process;
    p->cfg = cfg;
    err_t e = start(p);
    if (e != ERR_OK) {
        log_event(ERR_LEVEL_ERROR, "start-failed",
                  (struct log_field[]){{"code", text_of(err_code(e))},
                                       {"text", text_of(err_info(e)->text)},
                                       {"hint", text_of(err_info(e)->hint)}},
                  3);
        cfg->page->start_err = e;
        return EXIT_FAILED;
    }
    if (!link_send(cfg->link, LINK_UP, -1)) {
        return EXIT_FAILED;
    }
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    if (is_writer(p)) {
        notifier_stop(&p->notifier);
        namer_stop(&p->namer);
        enlist_stop(&p->enlist);
        watch_stop(&p->watch);
        vectors_stop(&p->vectors);
        intake_stop(&p->intake);
    }
    leaks_check();
    return 0;
}
