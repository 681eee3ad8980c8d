#include "load_http.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_MAX 65536

struct slot {
    struct load_slot base;
    char out[REQUEST_MAX];
    size_t out_n, out_at;
    char in[IN_MAX];
    size_t in_n;
};

static void drop(struct slot *s)
{
    if (s->base.fd >= 0) {
        (void)close(s->base.fd);
        s->base.fd = -1;
    }
    s->in_n = 0;
    s->out_n = 0;
    s->out_at = 0;
}

static void fail(struct load *l, struct slot *s, const char *why)
{
    drop(s);
    load_fail(l, &s->base, why);
}

static void flush(struct load *l, struct slot *s)
{
    while (s->out_at < s->out_n) {
        ssize_t n = send(s->base.fd, s->out + s->out_at, s->out_n - s->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            if (errno != EAGAIN) {
                fail(l, s, strerror(errno));
            }
            return;
        }
        s->out_at += (size_t)n;
    }
}

static void start(struct load *l, struct load_slot *base)
{
    struct slot *s = (struct slot *)base;
    const struct load_http *h = l->plan;
    if (base->fd < 0 && load_connect(l, base, true) < 0) {
        load_fail(l, base, strerror(errno));
        return;
    }
    s->out_at = 0;
    s->out_n = request_write(&h->request, base->n, s->out);
    if (s->out_n == 0) {
        fail(l, s, "the request is too long");
        return;
    }
    flush(l, s);
}

/* false: no whole answer yet, or the operation has failed */
static bool answer(struct load *l, struct slot *s)
{
    const struct load_http *h = l->plan;
    unsigned status = 0;
    struct text location = text_empty();
    size_t n = request_answer(text_span(s->in, s->in_n), &status, &location);
    if (n == 0) {
        return false;
    }
    if (status != h->request.status) {
        s->in[s->in_n < IN_MAX ? s->in_n : IN_MAX - 1] = '\0';
        fail(l, s, s->in);
        return false;
    }
    if (h->locations != NULL) {
        (void)fprintf(h->locations, "%.*s\n", (int)location.n, location.p);
    }
    memmove(s->in, s->in + n, s->in_n - n);
    s->in_n -= n;
    load_done(l, &s->base);
    return true;
}

static void ready(struct load *l, struct load_slot *base)
{
    struct slot *s = (struct slot *)base;
    if (base->busy) {
        flush(l, s);
    }
    while (base->fd >= 0) {
        ssize_t n = recv(base->fd, s->in + s->in_n, IN_MAX - s->in_n, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            if (base->busy) {
                fail(l, s, n == 0 ? "the server closed" : strerror(errno));
            }
            drop(s);
            break;
        }
        s->in_n += (size_t)n;
        if (base->busy && answer(l, s)) {
            load_next(l, base);
        }
    }
    if (!base->busy) { /* failed: once more, on a new connection */
        load_next(l, base);
    }
}

static void stop(struct load *l, struct load_slot *base)
{
    (void)l;
    drop((struct slot *)base);
}

const struct load_ops load_http_ops = {sizeof(struct slot), start, ready, stop};
