#include "shell/supervisor.h"

#include "shell/clock.h"
#include "shell/family.h"
#include "shell/instances.h"
#include "shell/log.h"
#include "wire/json.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 100
#define STOP_TIME (8 * USEC_PER_SEC) /* longer than a process takes to drain */

struct supervisor {
    const struct supervisor_options *o;
    struct snapshot *snap;
    struct sockets sockets;
    struct family family;
    int signals;
    bool stopping;
    bool ready;
    usec_t stop_until;
    struct conf_faults warned; /* what was logged of this configuration */
    usec_t warn_at;
};

/* -- hardening ------------------------------------------------------------------------------------------- */
/* A core file would hold every key: there is none, and nobody of the same user may look into our memory. */
static void harden(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is a full disk: an error of the write, not the end of the process */
    (void)umask(0077); /* the store holds what nobody else may copy */
}

static err_t open_signals(struct supervisor *s)
{
    sigset_t set;
    (void)sigemptyset(&set);
    const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        (void)sigaddset(&set, wanted[i]);
    }
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        return ERR_IO;
    }
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals < 0 ? ERR_IO : ERR_OK;
}

/* -- ready ------------------------------------------------------------------------------------------------- */
static void log_listening(const struct snapshot *snap)
{
    for (size_t i = 0; i < snap->listeners_n; i++) {
        const struct snapshot_listener *l = &snap->listeners[i];
        log_event(ERR_LEVEL_INFO, "listening",
                  (struct log_field[]){{"role", text_of(snap->roles[l->role].role->name)},
                                       {"address", text_of(l->actual)},
                                       {"listener", text_of(l->name)},
                                       {"tls", text_of(l->tls ? "on" : "off")}},
                  4);
    }
}

static void tell_ready(struct supervisor *s)
{
    char line[16384];
    struct writer w = WRITER_ARRAY(line);
    if (s->ready || !family_is_up(&s->family)) {
        return;
    }
    s->ready = true;
    log_event(ERR_LEVEL_INFO, "ready", NULL, 0);
    if (s->o->ready_fd < 0) {
        return;
    }
    writer_z(&w, "{\"ready\":true,\"control\":");
    json_write_string(&w, text_of(s->snap->control));
    writer_z(&w, ",\"listeners\":[");
    for (size_t i = 0; i < s->snap->listeners_n; i++) {
        const struct snapshot_listener *l = &s->snap->listeners[i];
        writer_z(&w, i == 0 ? "{\"name\":" : ",{\"name\":");
        json_write_string(&w, text_of(l->name));
        writer_z(&w, ",\"role\":");
        json_write_string(&w, text_of(s->snap->roles[l->role].role->name));
        writer_z(&w, ",\"address\":");
        json_write_string(&w, text_of(l->actual));
        writer_z(&w, l->tls ? ",\"tls\":true}" : ",\"tls\":false}");
    }
    writer_z(&w, "]}\n");
    if (writer_finish(&w) != ERR_OK || write(s->o->ready_fd, line, w.n) != (ssize_t)w.n) {
        log_event(ERR_LEVEL_WARN, "ready-fd", NULL, 0);
    }
    (void)close(s->o->ready_fd);
    s->family.ready_fd = -1;
}

/* -- warnings ---------------------------------------------------------------------------------------------- */
static bool is_in(const struct conf_faults *f, const char *text)
{
    for (size_t i = 0; i < f->n && i < CONF_FAULTS_MAX; i++) {
        if (strcmp(f->at[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

/* What `check` warns of stands in the log too: when a configuration is loaded, and when it becomes true as time passes. */
static void log_warnings(struct supervisor *s)
{
    struct conf_faults fresh;
    if (clock_monotonic() < s->warn_at) {
        return;
    }
    s->warn_at = clock_monotonic() + USEC_PER_SEC;
    snapshot_warnings(s->snap, clock_now(), &fresh);
    for (size_t i = 0; i < fresh.n && i < CONF_FAULTS_MAX; i++) {
        if (!is_in(&s->warned, fresh.at[i].text)) {
            log_event(ERR_LEVEL_WARN, "configuration", (struct log_field[]){{"detail", text_of(fresh.at[i].text)}}, 1);
        }
    }
    s->warned = fresh;
}

/* -- reload ------------------------------------------------------------------------------------------------ */
static void refuse_reload(struct supervisor *s, err_t e, const char *detail)
{
    struct metrics_page *p = s->family.page;
    p->reload_err = e;
    (void)snprintf(p->reload_detail, sizeof(p->reload_detail), "%s", detail);
    log_event(ERR_LEVEL_ERROR, "reload-refused",
              (struct log_field[]){{"code", text_of(err_code(e))}, {"detail", text_of(detail)}}, 2);
    family_reload_refused(&s->family);
}

static void fault_text(const struct conf_faults *f, char *out, size_t cap)
{
    if (f->n == 0) {
        out[0] = '\0';
    } else if (f->at[0].line > 0) {
        (void)snprintf(out, cap, "line %d: %s (%zu in all)", f->at[0].line, f->at[0].text, f->n);
    } else {
        (void)snprintf(out, cap, "%s (%zu in all)", f->at[0].text, f->n);
    }
}

static void reload(struct supervisor *s)
{
    struct snapshot *fresh = NULL;
    struct sockets sockets;
    struct conf_faults faults = {0};
    char detail[METRICS_DETAIL];
    char which[ROLE_DETAIL_MAX] = "";
    err_t e = snapshot_load(&s->o->source, &fresh, &faults);
    if (e != ERR_OK) {
        fault_text(&faults, detail, sizeof(detail));
        refuse_reload(s, e, detail);
        return;
    }
    if (!family_has_room(&s->family, fresh->workers)) {
        snapshot_free(fresh);
        refuse_reload(s, ERR_LIMIT_BUSY, "earlier reloads still drain");
        return;
    }
    e = instances_check_file(fresh, which);
    if (e == ERR_OK) {
        e = sockets_open(&sockets, &s->sockets, fresh, which);
    }
    if (e != ERR_OK) {
        snapshot_free(fresh);
        refuse_reload(s, e, which);
        return;
    }
    s->family.page->reload_err = ERR_OK;
    s->family.page->reload_detail[0] = '\0';
    sockets_close(&s->sockets, &sockets);
    snapshot_free(s->snap);
    s->snap = fresh;
    s->sockets = sockets;
    log_event(ERR_LEVEL_NOTICE, "reloaded", NULL, 0);
    s->warned.n = 0;
    s->warn_at = 0;
    log_listening(s->snap);
    family_next(&s->family, s->snap, &s->sockets);
}

/* -- the loop ---------------------------------------------------------------------------------------------- */
static void stop(struct supervisor *s)
{
    if (!s->stopping) {
        s->stopping = true;
        s->stop_until = clock_monotonic() + STOP_TIME;
        log_event(ERR_LEVEL_NOTICE, "stopping", NULL, 0);
        family_drain(&s->family);
    }
}

static void on_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD) {
            family_reap(&s->family);
        } else if (info.ssi_signo == SIGHUP) {
            if (!s->stopping) {
                reload(s);
            }
        } else {
            stop(s);
        }
    }
}

static void on_child(struct supervisor *s, enum family_wish wish)
{
    if (wish == FAMILY_RELOAD && !s->stopping) {
        reload(s);
    } else if (wish == FAMILY_STOP) {
        stop(s);
    }
}

static err_t run(struct supervisor *s)
{
    struct pollfd fds[1 + FAMILY_MAX];
    while (!(s->stopping && family_is_empty(&s->family))) {
        fds[0] = (struct pollfd){s->signals, POLLIN, 0};
        size_t n = family_poll(&s->family, fds + 1);
        (void)poll(fds, (nfds_t)(n + 1), TICK_MS);
        on_signals(s);
        on_child(s, family_listen(&s->family));
        family_settle(&s->family);
        if (!s->ready && s->family.page->start_err != ERR_OK) {
            err_t e = s->family.page->start_err; /* what cannot start once will not start by trying again */
            family_kill(&s->family);
            return e;
        }
        if (!s->stopping) {
            family_tend(&s->family);
            tell_ready(s);
            log_warnings(s);
        } else if (clock_monotonic() >= s->stop_until) {
            family_kill(&s->family);
        }
    }
    return ERR_OK;
}

static err_t start(struct supervisor *s, struct conf_faults *faults, char detail[static ROLE_DETAIL_MAX])
{
    TRY(snapshot_load(&s->o->source, &s->snap, faults));
    log_open("supervisor", s->snap->log_level);
    TRY(sockets_open(&s->sockets, NULL, s->snap, detail));
    detail[0] = '\0';
    TRY(open_signals(s));
    TRY(family_init(&s->family, s->signals));
    s->family.ready_fd = s->o->ready_fd;
    log_listening(s->snap);
    family_next(&s->family, s->snap, &s->sockets);
    return run(s);
}

err_t supervisor_run(const struct supervisor_options *o, struct conf_faults *faults,
                     char detail[static ROLE_DETAIL_MAX])
{
    struct supervisor s = {.o = o, .signals = -1};
    sockets_init(&s.sockets);
    harden();
    json_object_seed(0); /* from the kernel; before any fork, so once */
    err_t e = start(&s, faults, detail);
    sockets_close(&s.sockets, NULL);
    snapshot_free(s.snap);
    log_event(e == ERR_OK ? ERR_LEVEL_NOTICE : ERR_LEVEL_ERROR, "stopped",
              (struct log_field[]){{"code", text_of(err_code(e))}}, 1);
    return e;
}
