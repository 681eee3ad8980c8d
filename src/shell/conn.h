/*
 * One peer, whatever carries its octets: (TLS) -> requests -> answers, in order. It is busy while one request or the
 * handshake waits for the writer or another authority. How octets travel and what a request looks like is a conn_way:
 * a stream with HTTP (stream.c) or datagrams with CoAP (session.c).
 */
#ifndef KEYSTEAD_SHELL_CONN_H
#define KEYSTEAD_SHELL_CONN_H

#include "shell/growing.h"
#include "shell/job.h"
#include "shell/worker.h"

enum conn_state {
    CONN_HANDSHAKE,
    CONN_OPEN,
    CONN_ENDING, /* what is queued goes out, then our side is shut, then the rest of theirs is read and dropped */
    CONN_CLOSED
};

struct conn;
struct ua_state;
struct primitive_response;
struct conn_way {
    enum job_binding binding;
    void (*handshake)(struct conn *c); /* goes on, after new octets or a resumption; no longer CONN_HANDSHAKE when over */
    void (*cancel)(struct conn *c);    /* the connection closes: what its handshake asked for is not wanted any more */
    bool dies_when_deaf; /* a drained listener no longer brings it anything: an unfinished handshake is closed */
    void (*put)(struct conn *c, struct bytes octets); /* towards the peer; may set c->writing */
    void (*reading)(struct conn *c, bool on);
    void (*shut)(struct conn *c);   /* all is out: end our side */
    void (*settle)(struct conn *c); /* after each turn: when to wake next; NULL: never */
    void (*close)(struct conn *c);  /* the handle; conn_gone() follows, later */
    void (*release)(struct conn *c);
    bool (*next)(struct conn *c); /* serves one thing that has come; false: nothing whole is there */
    MUST_USE err_t (*octets)(struct conn *c, struct bytes *out); /* of the request under way, until it is answered */
    void (*answer)(struct conn *c, const struct primitive_response *r);
    void (*again)(struct conn *c); /* serves the request under way once more from the start */
};

struct conn {
    const struct conn_way *way;
    struct worker *w;
    const struct snapshot_listener *listener;
    size_t role; /* of the snapshot: the listener's, until the server name has chosen another instance */
    struct worker_member member;
    enum conn_state state;
    struct tls *tls; /* NULL: plain */
    struct peers_entry *peer;
    struct ipaddr ip;
    struct association assoc;
    bool writing;     /* an asynchronous write is under way */
    bool busy;        /* waits for the writer or an authority */
    bool backlog;     /* TLS holds records that came while busy: no more until they are read */
    bool eof;         /* the peer will send no more */
    bool last;        /* ends after the answer under way */
    bool served;      /* something was asked on it */
    bool gone;        /* the handle is closed; the memory stays while somebody still holds it */
    bool export_used; /* CHOICE-10 */
    struct growing in; /* octets of requests */
    /* of the request under way */
    bool in_place;             /* all of it is views into `in` */
    struct job_parsed *parsed; /* while the writer has it, or NULL */
    const struct route *route;
    bool given_export;
    uint8_t verified;  /* primitive.verified: whom it would make get messages, if they were asked and agreed */
    bool parked;       /* busy, and nothing is under way: it waits for something to come */
    uint64_t park_round; /* the look at which it parked: not served twice in one */
    usec_t park_until; /* clock_monotonic; 0: not this request */
    struct role_wait wait; /* for what */
    usec_t patience;   /* how long its request may wait */
    char rqi[136];
    char rvi[16];
    enum op op;
    enum media accept;
    struct ask_waiter waiter;
    bool again;        /* busy, and what was asked is answered: served once more in the next turn */
    unsigned asked;    /* how often an authority was asked for the request under way */
    struct keyid asked_last;
    bool admitted;       /* the gate of Ua let the request under way in: it is not judged again when it is served once more */
    struct ua_state *ua; /* ua_gate.h */
    char session[ASSOCIATION_ID_LEN + 1]; /* of its handshake, whoever its requests come from */
};

struct conn *conn_of(struct worker_member *m);
/* c->ip, from an address of the kernel. */
struct sockaddr;
void conn_address(struct conn *c, const struct sockaddr *a);
/* A place among the connections of the worker and of this peer, and its TLS. ERR_LIMIT_BUSY, ERR_LIMIT_CAPACITY. */
MUST_USE err_t conn_admit(struct conn *c);
void conn_refuse(struct conn *c, err_t e); /* not admitted: said in the log, counted */
void conn_open(struct conn *c);
void conn_close(struct conn *c); /* at once; safe to call again */
void conn_gone(struct conn *c);  /* the way has closed its handle */
void conn_end(struct conn *c);   /* after what is queued */
void conn_drain(struct conn *c);  /* as soon as nothing is under way; a new one may ask once */
void conn_settle(struct conn *c); /* drained, and its time is over: only a request under way goes on */
void conn_send(struct conn *c, struct bytes octets);
void conn_flush(struct conn *c);  /* what TLS has to say */
void conn_process(struct conn *c);
void conn_resume(struct conn *c); /* no longer busy */
/* Waits for something to come, at most that long from the first time on; false: it has waited, or may not. When it has come
 * its request is served once more from the start (serving.c). */
bool conn_park(struct conn *c, usec_t time, const struct role_wait *wait);
void conn_unpark(struct conn *c);
/* The request under way is served once more from the start, in the next turn: not from within a call of who answered. */
void conn_again(struct conn *c);
bool conn_unpin(struct conn *c);  /* false if it was closed meanwhile: it is gone now */
struct text conn_name(const struct conn *c, char *buf, size_t cap);
struct text conn_where(const struct conn *c, char *buf, size_t cap); /* its address, whoever it is */
const struct snapshot_role *conn_role(const struct conn *c); /* the instance that answers it */
/* May the credential of its association still be used, in the view of this turn? */
MUST_USE err_t conn_alive(const struct conn *c);
/* A job for the writer, of this connection and nothing else yet; the caller wipes it. It borrows c->assoc: c is busy until it is done. */
struct job conn_job(const struct conn *c, enum job_kind kind, usec_t now);

#endif
