/*
 * One connection: octets -> (TLS) -> requests -> answers, in order. It is busy while one request or the handshake waits
 * for the writer or another authority, and takes no further octets then; nor while the peer does not read what it was
 * sent.
 */
#ifndef KEYSTEAD_SHELL_CONN_H
#define KEYSTEAD_SHELL_CONN_H

#include "shell/worker.h"

enum conn_state {
    CONN_HANDSHAKE,
    CONN_OPEN,
    CONN_ENDING, /* what is queued goes out, then our side is shut, then the rest of theirs is read and dropped */
    CONN_CLOSED
};

struct conn {
    uv_tcp_t tcp;
    struct worker *w;
    const struct snapshot_listener *listener;
    struct conn *prev, *next;
    struct conn *eager_next, **eager_at; /* NULL: not in worker.eager */
    enum worker_class class;
    usec_t deadline; /* clock_monotonic */
    enum conn_state state;
    struct tls *tls; /* NULL: plain */
    struct peers_entry *peer;
    struct ipaddr ip;
    struct association assoc;
    bool reading;
    bool writing;     /* an asynchronous write is under way */
    bool busy;        /* waits for the writer or an authority */
    bool backlog;     /* TLS holds records that came while busy: no more until they are read */
    bool eof;         /* the peer will send no more */
    bool last;        /* ends after the answer under way */
    bool export_used; /* CHOICE-10 */
    bool shut;
    uint8_t *in; /* octets of requests */
    size_t in_n, in_cap;
    size_t tried; /* octets that were parsed in vain */
    /* of the request under way */
    size_t request_n;
    const struct route *route;
    bool keep_alive;
    bool given_export;
    char rqi[136];
    char rvi[16];
    enum op op;
    struct ask_waiter waiter;
};

/* Takes over an accepted handle that the listener allocated inside a conn. */
void conn_open(struct conn *c);
void conn_close(struct conn *c); /* at once; safe to call again */
void conn_end(struct conn *c);   /* after what is queued */
void conn_drain(struct conn *c); /* as soon as nothing is under way */
void conn_send(struct conn *c, struct bytes octets);
void conn_flush(struct conn *c);  /* what TLS has to say */
void conn_resume(struct conn *c); /* no longer busy */
bool conn_unpin(struct conn *c);  /* false if it was closed meanwhile: it is gone now */
struct text conn_name(const struct conn *c, char *buf, size_t cap);

#endif
