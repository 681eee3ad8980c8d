/*
 * The processes of a supervisor: generations of one writer and its workers, started by fork, watched, started again
 * with growing patience, told to drain when the next generation takes over.
 */
#ifndef KEYSTEAD_SHELL_FAMILY_H
#define KEYSTEAD_SHELL_FAMILY_H

#include "shell/process.h"
#include "shell/sockets.h"

#include <poll.h>

#define FAMILY_MAX 600 /* two generations of the most workers, and their writers */

struct family_child {
    pid_t pid; /* 0: free, or waiting to be started again */
    enum process_kind kind;
    size_t index;
    uint64_t generation;
    int link; /* -1: closed */
    bool up, draining, wanted;
    bool settled; /* drains, and no handshake ends in it any more */
    usec_t started, again; /* clock_monotonic: when it was started, when to start it next */
    unsigned failures;
    struct metrics *metrics;
};

struct family {
    struct metrics_page *page;
    const struct snapshot *snap;
    const struct sockets *sockets;
    uint64_t generation;
    int signals, ready_fd; /* the supervisor's, closed in children; -1: none */
    bool patient;
    bool reloading; /* who asked for the reload is not answered yet */
    struct family_child child[FAMILY_MAX];
};

enum family_wish { FAMILY_NOTHING, FAMILY_RELOAD, FAMILY_STOP };

MUST_USE err_t family_init(struct family *f, int signals);
/* False while so many earlier generations still drain that the next one would not be whole. */
bool family_has_room(const struct family *f, size_t workers);
/* The next generation takes over; the one before drains. */
void family_next(struct family *f, const struct snapshot *snap, const struct sockets *sockets);
void family_tend(struct family *f); /* starts what is due; once a tick */
void family_reap(struct family *f); /* after SIGCHLD */
size_t family_poll(const struct family *f, struct pollfd *fds);
enum family_wish family_listen(struct family *f); /* what children say */
/* Answers who asked for the reload, once the workers of the generations before have settled; each turn. */
void family_settle(struct family *f);
void family_reload_refused(struct family *f);
void family_drain(struct family *f);
void family_kill(struct family *f);
bool family_is_up(const struct family *f);
bool family_is_empty(const struct family *f);

#endif
