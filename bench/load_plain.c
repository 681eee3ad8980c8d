#include "load_plain.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void drop(struct load_plain *s)
{
    if (s->base.fd >= 0) {
        (void)close(s->base.fd);
        s->base.fd = -1;
    }
    s->in_n = 0;
    s->out_n = 0;
    s->out_at = 0;
}

bool load_plain_open(struct load *l, struct load_plain *s)
{
    if (s->base.fd < 0 && load_connect(l, &s->base, true) < 0) {
        load_fail(l, &s->base, strerror(errno));
        return false;
    }
    return true;
}

void load_plain_fail(struct load *l, struct load_plain *s, const char *why)
{
    drop(s);
    load_fail(l, &s->base, why);
}

static void flush(struct load *l, struct load_plain *s)
{
    while (s->out_at < s->out_n) {
        ssize_t n = send(s->base.fd, s->out + s->out_at, s->out_n - s->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            if (errno != EAGAIN) {
                load_plain_fail(l, s, strerror(errno));
            }
            return;
        }
        s->out_at += (size_t)n;
    }
}

void load_plain_send(struct load *l, struct load_plain *s, size_t n)
{
    if (n == 0) {
        load_plain_fail(l, s, "the request is too long");
        return;
    }
    s->out_at = 0;
    s->out_n = n;
    flush(l, s);
}

size_t load_plain_answer(struct load *l, struct load_plain *s, unsigned status, struct text *location)
{
    unsigned got = 0;
    size_t n = request_answer(text_span(s->in, s->in_n), &got, location);
    if (n > 0 && got != status) {
        s->in[s->in_n < LOAD_PLAIN_IN_MAX ? s->in_n : LOAD_PLAIN_IN_MAX - 1] = '\0';
        load_plain_fail(l, s, s->in);
        return 0;
    }
    return n;
}

void load_plain_taken(struct load_plain *s, size_t n)
{
    memmove(s->in, s->in + n, s->in_n - n);
    s->in_n -= n;
}

void load_plain_ready(struct load *l, struct load_slot *base, load_plain_take *take)
{
    struct load_plain *s = (struct load_plain *)base;
    if (base->busy) {
        flush(l, s);
    }
    while (base->fd >= 0) {
        ssize_t n = recv(base->fd, s->in + s->in_n, LOAD_PLAIN_IN_MAX - s->in_n, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            if (base->busy) {
                load_plain_fail(l, s, n == 0 ? "the server closed" : strerror(errno));
            }
            drop(s);
            break;
        }
        s->in_n += (size_t)n;
        if (base->busy && take(l, s)) {
            load_next(l, base);
        }
    }
    if (!base->busy) { /* failed: once more, on a new connection */
        load_next(l, base);
    }
}

void load_plain_stop(struct load *l, struct load_slot *base)
{
    (void)l;
    drop((struct load_plain *)base);
}
