#include "shell/door.h"

#include "shell/clock.h"
#include "shell/cookie.h"
#include "shell/session.h"

#include <stdlib.h>

struct door {
    const struct snapshot_listener *l;
    struct datagrams *socket;
    struct cookie_door cookies;
};

static void begin(struct door *d, const union datagrams_address *peer, const struct cookie_hello *hello,
                  struct bytes datagram)
{
    struct session *old = session_find(d->socket, peer);
    if (old != NULL && session_is_of(old, hello)) {
        session_received(old, datagram);
        return;
    }
    if (old != NULL) {
        session_close(old); /* its client has begun anew, and has proved its address (RFC 6347 4.2.8) */
    }
    struct session *s = session_new(d->socket, d->l, peer, hello);
    if (s != NULL) {
        session_received(s, datagram);
    }
}

static void judge(void *owner, const union datagrams_address *peer, struct bytes datagram)
{
    struct door *d = owner;
    uint8_t name[DATAGRAMS_ADDRESS_MAX];
    uint8_t answer[COOKIE_ANSWER_MAX];
    struct writer w = writer_of(answer, sizeof(answer));
    struct cookie_hello hello;
    struct session *s = NULL;
    switch (cookie_judge(&d->cookies, datagrams_address_octets(peer, name), datagram, clock_monotonic(), &hello, &w)) {
    case COOKIE_OTHER:
        s = session_find(d->socket, peer);
        if (s != NULL) {
            session_received(s, datagram);
        }
        return;
    case COOKIE_VERIFY:
        datagrams_send(d->socket, peer, writer_view(&w));
        return;
    case COOKIE_ADMIT:
        begin(d, peer, &hello, datagram);
        return;
    }
}

err_t door_new(struct worker *w, const struct snapshot_listener *l, int fd, struct door **out)
{
    struct door *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    d->l = l;
    err_t e = cookie_init(&d->cookies, w->snap->env.crypto);
    e = e == ERR_OK ? datagrams_new(w, fd, judge, d, &d->socket) : e;
    if (e != ERR_OK) {
        cookie_wipe(&d->cookies);
        free(d);
        return e;
    }
    *out = d;
    return ERR_OK;
}

void door_close(struct door *d)
{
    datagrams_close(d->socket);
    cookie_wipe(&d->cookies);
    free(d);
}
