#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FAILURES_MAX 100 /* then it is not a measurement any more */
#define GRACE (10 * USEC_PER_SEC)
#define EVENTS 256
#define TICK_MS 100

usec_t load_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (usec_t)t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

int load_connect(struct load *l, struct load_slot *s, bool wait)
{
    int type = l->datagram ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
    if (fd < 0) {
        return -1;
    }
    const int on = 1;
    if (!l->datagram) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = s};
    bool ok = connect(fd, (const struct sockaddr *)&l->to, sizeof(l->to)) == 0 || (!wait && errno == EINPROGRESS);
    if (!ok || epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
        (void)close(fd);
        return -1;
    }
    s->fd = fd;
    return fd;
}

static void end(struct load *l, struct load_slot *s)
{
    s->busy = false;
    l->busy--;
}

void load_done(struct load *l, struct load_slot *s)
{
    hist_add(&l->hist, load_now() - s->started);
    l->done++;
    end(l, s);
}

void load_fail(struct load *l, struct load_slot *s, const char *why)
{
    if (l->failed++ == 0) {
        (void)snprintf(l->why, sizeof(l->why), "operation %llu: %s", (unsigned long long)s->n, why);
    }
    l->closed = l->closed || l->failed >= FAILURES_MAX;
    end(l, s);
}

void load_next(struct load *l, struct load_slot *s)
{
    usec_t now = load_now();
    if (l->next == l->count || now - l->begun >= l->time) {
        l->closed = true;
    }
    if (l->closed) {
        return;
    }
    s->n = l->first + l->next++;
    s->started = now;
    s->busy = true;
    l->busy++;
    l->ops->start(l, s);
}

static struct load_slot *slot(const struct load *l, uint8_t *slots, size_t i)
{
    return (struct load_slot *)(void *)(slots + i * l->ops->slot_size);
}

static void loop(struct load *l)
{
    struct epoll_event events[EVENTS];
    while (l->busy > 0 && load_now() - l->begun < l->time + GRACE) {
        int n = epoll_wait(l->epoll, events, EVENTS, TICK_MS);
        for (int i = 0; i < n; i++) {
            l->ops->ready(l, events[i].data.ptr);
        }
    }
    l->ended = load_now();
}

/* What has not ended within the grace has failed. */
static void stop(struct load *l, uint8_t *slots)
{
    l->closed = true;
    for (size_t i = 0; i < l->in_flight; i++) {
        struct load_slot *s = slot(l, slots, i);
        if (s->busy) {
            load_fail(l, s, "no end in time");
        }
        l->ops->stop(l, s);
    }
}

err_t load_run(struct load *l)
{
    TRY(hist_init(&l->hist));
    uint8_t *slots = calloc(l->in_flight, l->ops->slot_size);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (slots == NULL || l->epoll < 0) {
        free(slots);
        return ERR_LIMIT_CAPACITY;
    }
    l->begun = load_now();
    for (size_t i = 0; i < l->in_flight; i++) {
        slot(l, slots, i)->fd = -1;
        load_next(l, slot(l, slots, i));
    }
    loop(l);
    stop(l, slots);
    (void)close(l->epoll);
    free(slots);
    return ERR_OK;
}
