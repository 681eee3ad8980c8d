#include "shell/family.h"

#include "shell/clock.h"
#include "shell/link.h"
#include "shell/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_FIRST (50 * 1000) /* microseconds before the first restart, doubled each time */
#define PATIENCE_MOST (5 * USEC_PER_SEC)
#define LIVED_WELL (10 * USEC_PER_SEC)

err_t family_init(struct family *f, int signals)
{
    memset(f, 0, sizeof(*f));
    f->signals = signals;
    f->ready_fd = -1;
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        f->child[i].link = -1;
    }
    TRY(metrics_page_new(&f->page));
    f->page->started = clock_monotonic();
    return ERR_OK;
}

static bool is_current(const struct family *f, const struct family_child *c)
{
    return c->wanted && c->generation == f->generation;
}

static struct family_child *writer_of_generation(struct family *f)
{
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        struct family_child *c = &f->child[i];
        if (c->pid != 0 && is_current(f, c) && c->kind != PROCESS_WORKER) {
            return c;
        }
    }
    return NULL;
}

/* -- starting ------------------------------------------------------------------------------------------------ */
/* One end to the writer, the other to the worker; nothing of it stays here. */
static void join(struct family_child *writer, struct family_child *worker)
{
    int pair[2];
    if (link_pair(pair) != ERR_OK) {
        log_event(ERR_LEVEL_ERROR, "no-descriptors", NULL, 0);
        return;
    }
    (void)link_send(writer->link, LINK_CHANNEL, pair[0]);
    (void)link_send(worker->link, LINK_CHANNEL, pair[1]);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void join_all(struct family *f, struct family_child *c)
{
    if (c->kind == PROCESS_WORKER) {
        struct family_child *writer = writer_of_generation(f);
        if (writer != NULL) {
            join(writer, c);
        }
        return;
    }
    for (size_t i = 0; c->kind == PROCESS_WRITER && i < FAMILY_MAX; i++) {
        struct family_child *w = &f->child[i];
        if (w->pid != 0 && is_current(f, w) && w->kind == PROCESS_WORKER) {
            join(c, w);
        }
    }
}

static void run_child(struct family *f, struct family_child *c, int link, pid_t parent)
{
    int listening[SNAPSHOT_LISTENERS_MAX];
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        if (f->child[i].link >= 0) {
            (void)close(f->child[i].link);
        }
    }
    (void)close(f->signals);
    if (f->ready_fd >= 0) {
        (void)close(f->ready_fd);
    }
    size_t index = c->kind == PROCESS_WRITER ? SIZE_MAX : c->index;
    int control = sockets_inherit(f->sockets, index, c->kind != PROCESS_WORKER, listening);
    struct process_config cfg = {
        .kind = c->kind,
        .index = c->index,
        .snap = f->snap,
        .page = f->page,
        .metrics = c->metrics,
        .link = link,
        .listening = listening,
        .control = control,
        .patient = f->patient || c->failures > 0,
        .parent = parent,
    };
    _exit(process_run(&cfg));
}

static void start_child(struct family *f, struct family_child *c)
{
    int pair[2];
    usec_t now = clock_monotonic();
    c->again = now + PATIENCE_FIRST;
    if (link_pair(pair) != ERR_OK) {
        return;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        run_child(f, c, pair[1], parent);
    }
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        log_event(ERR_LEVEL_ERROR, "fork-failed", NULL, 0);
        return;
    }
    c->pid = pid;
    c->link = pair[0];
    c->up = false;
    c->draining = false;
    c->settled = false;
    c->started = now;
    join_all(f, c);
}

/* Readers need the store that the first writer makes: they wait for it. */
static bool may_start(struct family *f, const struct family_child *c)
{
    if (c->kind != PROCESS_WORKER || f->patient || c->failures > 0) {
        return true;
    }
    struct family_child *writer = writer_of_generation(f);
    return writer != NULL && writer->up;
}

void family_tend(struct family *f)
{
    usec_t now = clock_monotonic();
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        struct family_child *c = &f->child[i];
        if (is_current(f, c) && c->pid == 0 && c->again <= now && may_start(f, c)) {
            start_child(f, c);
        }
    }
}

/* -- generations --------------------------------------------------------------------------------------------- */
static struct family_child *free_place(struct family *f)
{
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        if (f->child[i].pid == 0 && !f->child[i].wanted) {
            return &f->child[i];
        }
    }
    return NULL;
}

/* Slots of the page alternate between generations, so that two of them never write the same one. */
static struct metrics *slot_for(struct family *f, size_t n)
{
    size_t half = METRICS_SLOTS / 2;
    return &f->page->slot[(f->generation % 2) * half + n % half];
}

static void want(struct family *f, enum process_kind kind, size_t index, size_t slot)
{
    struct family_child *c = free_place(f);
    if (c == NULL) {
        log_event(ERR_LEVEL_ERROR, "too-many-processes", NULL, 0);
        return;
    }
    *c = (struct family_child){.kind = kind, .index = index, .generation = f->generation, .link = -1, .wanted = true};
    c->metrics = slot_for(f, slot);
}

static void drain_child(struct family_child *c)
{
    c->wanted = false;
    if (c->pid != 0 && !c->draining) {
        c->draining = true;
        (void)link_send(c->link, LINK_DRAIN, -1);
    }
}

void family_drain(struct family *f)
{
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        drain_child(&f->child[i]);
    }
}

bool family_has_room(const struct family *f, size_t workers)
{
    size_t room = 0;
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        room += f->child[i].pid == 0 && !f->child[i].wanted ? 1 : 0;
    }
    return room >= workers + 1;
}

void family_next(struct family *f, const struct snapshot *snap, const struct sockets *sockets)
{
    family_drain(f);
    f->reloading = f->generation > 0;
    f->patient = f->generation > 0; /* the store is held until the writer before has drained */
    f->snap = snap;
    f->sockets = sockets;
    f->generation++;
    f->page->generation = f->generation;
    if (snap->workers == 1) {
        want(f, PROCESS_BOTH, 0, 0);
    } else {
        want(f, PROCESS_WRITER, 0, 0);
        for (size_t i = 0; i < snap->workers; i++) {
            want(f, PROCESS_WORKER, i, i + 1);
        }
    }
    family_tend(f);
}

/* -- watching ------------------------------------------------------------------------------------------------ */
static void log_death(const struct family_child *c, int status)
{
    static const char *const kinds[] = {"server", "writer", "worker"};
    char pid[24];
    char how[48];
    (void)snprintf(pid, sizeof(pid), "%ld", (long)c->pid);
    (void)snprintf(how, sizeof(how), WIFSIGNALED(status) ? "signal %d" : "status %d",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    log_event(c->wanted ? ERR_LEVEL_ERROR : ERR_LEVEL_INFO, c->wanted ? "process-died" : "process-ended",
              (struct log_field[]){{"process", text_of(kinds[c->kind])}, {"pid", text_of(pid)}, {"how", text_of(how)}},
              3);
}

static void bury(struct family *f, struct family_child *c, int status)
{
    usec_t now = clock_monotonic();
    log_death(c, status);
    if (c->metrics->pid == c->pid) { /* else the slot is a later generation's by now */
        c->metrics->pid = 0;
        c->metrics->connections_now = 0;
        c->metrics->waiting_now = 0;
        c->metrics->zh_waiting_now = 0;
    }
    (void)close(c->link);
    c->link = -1;
    c->pid = 0;
    if (!is_current(f, c)) {
        c->wanted = false;
        return;
    }
    c->failures = now - c->started >= LIVED_WELL ? 1 : c->failures + 1;
    unsigned doublings = c->failures < 8 ? c->failures - 1 : 7;
    usec_t patience = (usec_t)PATIENCE_FIRST << doublings;
    c->again = now + (patience < PATIENCE_MOST ? patience : PATIENCE_MOST);
    f->page->restarts++;
}

void family_reap(struct family *f)
{
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        struct family_child *c = &f->child[i];
        int status = 0;
        if (c->pid != 0 && waitpid(c->pid, &status, WNOHANG) == c->pid) {
            bury(f, c, status);
        }
    }
}

size_t family_poll(const struct family *f, struct pollfd *fds)
{
    size_t n = 0;
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        if (f->child[i].pid != 0) {
            fds[n++] = (struct pollfd){f->child[i].link, POLLIN, 0};
        }
    }
    return n;
}

enum family_wish family_listen(struct family *f)
{
    enum family_wish wish = FAMILY_NOTHING;
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        struct family_child *c = &f->child[i];
        char message = 0;
        while (c->pid != 0 && recv(c->link, &message, 1, MSG_DONTWAIT) == 1) {
            c->up = c->up || message == LINK_UP;
            c->settled = c->settled || message == LINK_SETTLED;
            if (message == LINK_STOP || wish == FAMILY_STOP) {
                wish = FAMILY_STOP; /* whatever else was asked for in the same moment */
            } else if (message == LINK_RELOAD) {
                wish = FAMILY_RELOAD;
            }
        }
    }
    return wish;
}

static bool is_unsettled(const struct family_child *c)
{
    return c->pid != 0 && c->draining && c->kind != PROCESS_WRITER && !c->settled;
}

/* Answered any earlier, the next handshake might still be one of a worker that has not yet read LINK_DRAIN. */
void family_settle(struct family *f)
{
    for (size_t i = 0; f->reloading && i < FAMILY_MAX; i++) {
        if (is_unsettled(&f->child[i])) {
            return;
        }
    }
    for (size_t i = 0; f->reloading && i < FAMILY_MAX; i++) {
        struct family_child *c = &f->child[i];
        if (c->pid != 0 && c->draining && c->kind != PROCESS_WORKER) {
            (void)link_send(c->link, LINK_RELOADED, -1);
        }
    }
    f->reloading = false;
}

void family_reload_refused(struct family *f)
{
    struct family_child *writer = writer_of_generation(f);
    if (writer != NULL) {
        (void)link_send(writer->link, LINK_REFUSED, -1);
    }
}

void family_kill(struct family *f)
{
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        f->child[i].wanted = false;
        if (f->child[i].pid != 0) {
            (void)kill(f->child[i].pid, SIGKILL);
        }
    }
}

bool family_is_up(const struct family *f)
{
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        if (is_current(f, &f->child[i]) && !(f->child[i].pid != 0 && f->child[i].up)) {
            return false;
        }
    }
    return true;
}

bool family_is_empty(const struct family *f)
{
    for (size_t i = 0; i < FAMILY_MAX; i++) {
        if (f->child[i].pid != 0) {
            return false;
        }
    }
    return true;
}
