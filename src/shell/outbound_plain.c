/*
 * Plain HTTP over the loop, to points of access that the operator listed: a request is one write and an answer one read. A
 * connection carries one request at a time and is kept for the next. One that the server ended before it said a word of the answer
 * was most likely closed for its age: that request is sent once more, on a new one, unless to do it twice is not the same as once.
 */
#include "base/ct.h"
#include "shell/outbound_engine.h"
#include "shell/outbound_name.h"
#include "shell/outbound_said.h"
#include "wire/http1_answer.h"

#include <stdlib.h>
#include <string.h>

#define ROOM ((size_t)16 << 10)
#define REST_MS 60000 /* a connection that rested longer is not trusted with a request */

struct line { /* a connection */
    uv_tcp_t tcp;
    struct carrier *carrier;
    struct line *next, **at; /* all of the carrier */
    struct line *next_resting;
    struct ride *ride; /* NULL: it rests */
    bool answered;         /* something before: it may be stale now */
    uint64_t since;        /* resting */
    uv_connect_t connect;
    struct http1_answer answer;
};

struct ride { /* a request */
    uv_timer_t deadline;
    struct outbound_transfer *t; /* NULL: it is over */
    struct line *line;
    struct ride *next; /* of those that wait for a connection */
    struct growing said;
    size_t sent;
    uv_write_t write;
    unsigned list; /* of addresses: which one */
    size_t from, tried; /* of its addresses: where it began, how many did not answer */
    err_t late;    /* what the timer says */
    bool once;     /* never sent a second time */
    bool again;    /* sent a second time */
    bool writing;  /* the loop has octets of it */
    bool timed;    /* the loop has its timer */
};

struct carrier { /* of a site */
    struct outbound_site *site;
    struct outbound_name name;
    struct line *lines, *resting;
    size_t lines_n, closing; /* all; of them those that are about to be gone */
    struct ride *first, **last; /* that wait for a connection, or for the address */
    bool ending;
    uint8_t room[ROOM];
};

static void serve_waiting(struct carrier *c);
static void start(struct carrier *c, struct ride *x);

/* -- a connection ends ----------------------------------------------------------------------------------- */
static void carrier_settle(struct carrier *c)
{
    if (c->ending && c->lines_n == 0 && !c->name.looking) {
        struct outbound_site *s = c->site;
        free(c);
        outbound_site_gone(s);
    }
}

static void line_closed(uv_handle_t *h)
{
    struct line *l = (struct line *)h;
    struct carrier *c = l->carrier;
    *l->at = l->next;
    if (l->next != NULL) {
        l->next->at = l->at;
    }
    c->lines_n--;
    c->closing--;
    ct_wipe(&l->answer, sizeof(l->answer));
    free(l);
    serve_waiting(c);
    carrier_settle(c);
}

static void line_close(struct line *l)
{
    struct carrier *c = l->carrier;
    for (struct line **at = &c->resting; *at != NULL; at = &(*at)->next_resting) {
        if (*at == l) {
            *at = l->next_resting;
            break;
        }
    }
    if (l->ride != NULL) {
        l->ride->line = NULL;
        l->ride = NULL;
    }
    if (!uv_is_closing((uv_handle_t *)&l->tcp)) {
        c->closing++;
        uv_close((uv_handle_t *)&l->tcp, line_closed);
    }
}

static void line_rest(struct line *l)
{
    struct carrier *c = l->carrier;
    l->ride->line = NULL;
    l->ride = NULL;
    l->answered = true;
    l->since = uv_now(c->site->loop);
    l->next_resting = c->resting;
    c->resting = l;
    serve_waiting(c);
}

/* -- a request ends -------------------------------------------------------------------------------------- */
static void ride_free(struct ride *x)
{
    if (x->t == NULL && !x->timed && !x->writing) {
        growing_wipe(&x->said);
        free(x);
    }
}

static void deadline_closed(uv_handle_t *h)
{
    struct ride *x = (struct ride *)h;
    x->timed = false;
    ride_free(x);
}

static void forget_one(struct outbound_transfer *t)
{
    struct ride *x = t->state;
    struct carrier *c = t->site->state;
    if (x == NULL) {
        return;
    }
    for (struct ride **at = &c->first; *at != NULL; at = &(*at)->next) {
        if (*at == x) {
            *at = x->next;
            c->last = x->next == NULL ? at : c->last;
            break;
        }
    }
    if (x->line != NULL) { /* in the middle of it */
        line_close(x->line);
    }
    x->t = NULL;
    uv_close((uv_handle_t *)&x->deadline, deadline_closed);
}

static void deadline_cb(uv_timer_t *h)
{
    struct ride *x = (struct ride *)h;
    if (x->t != NULL) {
        outbound_finished(x->t, x->late);
    }
}

/* From within send: in the next turn. */
static void fail(struct ride *x, err_t e)
{
    x->late = e;
    (void)uv_timer_start(&x->deadline, deadline_cb, 0, 0);
}

static void whole(struct line *l)
{
    struct outbound_transfer *t = l->ride->t;
    t->reply.status = l->answer.status;
    if (l->answer.keep_alive && !l->ride->writing) {
        line_rest(l);
    } else {
        line_close(l);
    }
    outbound_finished(t, ERR_OK);
}

/* The server said no more, or the way to it broke. */
static void broken(struct line *l)
{
    struct ride *x = l->ride;
    if (x == NULL) {
        line_close(l);
        return;
    }
    bool mute = !l->answer.begun;
    bool stale = l->answered && mute && !x->again && !x->once && !x->writing;
    if (!stale && http1_answer_end(&l->answer) == ERR_OK) {
        whole(l);
        return;
    }
    line_close(l);
    if (stale) {
        x->again = true;
        start(x->t->site->state, x);
        return;
    }
    outbound_finished(x->t, mute && x->once ? ERR_PEER_LOST : ERR_PEER_NONSENSE);
}

/* -- what comes ------------------------------------------------------------------------------------------ */
static void on_begin(void *arg)
{
    outbound_reply_begin(arg);
}

static err_t on_header(void *arg, struct text name, struct text value)
{
    return outbound_reply_header(arg, name, value);
}

static err_t on_body(void *arg, struct bytes part)
{
    return outbound_reply_body(arg, part);
}

static void room_cb(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct carrier *c = ((struct line *)h)->carrier;
    (void)suggested;
    *buf = uv_buf_init((char *)c->room, sizeof(c->room));
}

static void read_cb(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
    struct line *l = (struct line *)h;
    (void)buf;
    if (n == 0) {
        return;
    }
    if (n < 0) {
        broken(l);
        return;
    }
    uint8_t *room = l->carrier->room;
    err_t e = l->ride == NULL ? ERR_MALFORMED_HTTP : http1_answer_feed(&l->answer, bytes_of(room, (size_t)n));
    ct_wipe(room, (size_t)n); /* there may be a key in it */
    if (e == ERR_OK && l->answer.done) {
        whole(l);
    } else if (e != ERR_OK && l->ride != NULL) {
        struct outbound_transfer *t = l->ride->t;
        line_close(l);
        outbound_finished(t, ERR_PEER_NONSENSE);
    } else if (e != ERR_OK) { /* nobody asked */
        line_close(l);
    }
}

/* -- what is said ---------------------------------------------------------------------------------------- */
static void written_cb(uv_write_t *w, int status)
{
    struct ride *x = w->data;
    (void)status; /* the reader notices, too */
    x->writing = false;
    ride_free(x);
}

static bool say_rest(struct line *l, struct ride *x)
{
    uv_buf_t rest = uv_buf_init((char *)x->said.p + x->sent, (unsigned)(x->said.n - x->sent));
    x->write.data = x;
    x->writing = uv_write(&x->write, (uv_stream_t *)&l->tcp, &rest, 1, written_cb) == 0;
    return x->writing;
}

static bool say(struct line *l, struct ride *x)
{
    static const struct http1_answer_to to = {on_begin, on_header, on_body};
    uv_buf_t all = uv_buf_init((char *)x->said.p, (unsigned)x->said.n);
    http1_answer_begin(&l->answer, &to, &x->t->reply);
    int n = uv_try_write((uv_stream_t *)&l->tcp, &all, 1);
    x->sent = n > 0 ? (size_t)n : 0;
    return x->sent == x->said.n || ((n >= 0 || n == UV_EAGAIN) && say_rest(l, x));
}

/* -- a connection begins --------------------------------------------------------------------------------- */
static void connected_cb(uv_connect_t *r, int status)
{
    struct line *l = r->data;
    struct carrier *c = l->carrier;
    struct ride *x = l->ride;
    if (x == NULL) { /* it was dropped meanwhile */
        return;
    }
    bool listed = x->list == c->name.list; /* else the addresses were replaced meanwhile */
    if (status == 0 && uv_read_start((uv_stream_t *)&l->tcp, room_cb, read_cb) == 0 && say(l, x)) {
        c->name.good = listed ? (x->from + x->tried) % c->name.n : c->name.good;
        x->tried = 0;
        return;
    }
    line_close(l);
    x->tried++;
    if (listed && x->tried >= c->name.n) {
        outbound_finished(x->t, ERR_PEER_UNREACHABLE);
        return;
    }
    start(c, x);
}

/* ERR_PEER_UNREACHABLE: the address was refused at once (no route to it), and the line goes. */
static err_t dial_one(struct carrier *c, struct ride *x)
{
    struct line *l = calloc(1, sizeof(*l));
    if (l == NULL || uv_tcp_init(c->site->loop, &l->tcp) != 0) {
        free(l);
        return ERR_LIMIT_BUSY;
    }
    l->carrier = c;
    l->at = &c->lines;
    l->next = c->lines;
    if (l->next != NULL) {
        l->next->at = &l->next;
    }
    c->lines = l;
    c->lines_n++;
    l->ride = x;
    x->line = l;
    l->connect.data = l;
    (void)uv_tcp_nodelay(&l->tcp, 1);
    if (x->tried == 0 || x->list != c->name.list) {
        x->tried = 0;
        x->from = c->name.good;
        x->list = c->name.list;
    }
    const struct sockaddr *a = &c->name.at[(x->from + x->tried) % c->name.n].any;
    if (uv_tcp_connect(&l->connect, &l->tcp, a, connected_cb) != 0) {
        line_close(l);
        return ERR_PEER_UNREACHABLE;
    }
    return ERR_OK;
}

static err_t dial(struct carrier *c, struct ride *x)
{
    err_t e = dial_one(c, x);
    while (e == ERR_PEER_UNREACHABLE && ++x->tried < c->name.n) {
        e = dial_one(c, x);
    }
    return e;
}

/* -- those that wait -------------------------------------------------------------------------------------- */
static struct ride *take_first(struct carrier *c)
{
    struct ride *x = c->first;
    if (x != NULL) {
        c->first = x->next;
        c->last = x->next == NULL ? &c->first : c->last;
    }
    return x;
}

/* -- its address ----------------------------------------------------------------------------------------- */
static void fail_waiting(struct carrier *c, err_t e)
{
    struct ride *x = NULL;
    while ((x = take_first(c)) != NULL) {
        fail(x, e);
    }
}

/* What was found before stays when nothing is found now: connections may be on their way there. */
static void found(void *owner, bool any)
{
    struct carrier *c = owner;
    if (any) {
        serve_waiting(c);
    } else {
        fail_waiting(c, ERR_PEER_UNREACHABLE);
    }
    carrier_settle(c);
}

/* -- a request goes its way ------------------------------------------------------------------------------ */
static bool on_resting(struct carrier *c, struct ride *x)
{
    while (c->resting != NULL) {
        struct line *l = c->resting;
        c->resting = l->next_resting;
        l->ride = x;
        x->line = l;
        if (uv_now(c->site->loop) - l->since < REST_MS && say(l, x)) {
            return true;
        }
        line_close(l);
    }
    return false;
}

static bool may_dial(const struct carrier *c)
{
    return outbound_name_is_known(&c->name) && c->lines_n < OUTBOUND_CONNECTIONS_MAX;
}

/* The first of those that wait, and it keeps its turn when each resting connection was too old. */
static void serve_first(struct carrier *c)
{
    struct ride *x = take_first(c);
    if (!x->again && on_resting(c, x)) {
        return;
    }
    if (!may_dial(c)) {
        x->next = c->first;
        c->last = x->next == NULL ? &x->next : c->last;
        c->first = x;
        return;
    }
    err_t e = dial(c, x);
    if (e != ERR_OK) {
        fail(x, e);
    }
}

/* After each change that may let somebody go on. One that is sent again takes no resting connection, but the place of one. */
static void serve_waiting(struct carrier *c)
{
    while (c->first != NULL && ((c->resting != NULL && !c->first->again) || may_dial(c))) {
        serve_first(c);
    }
    if (c->first == NULL) {
        return;
    }
    if (c->lines_n >= OUTBOUND_CONNECTIONS_MAX) {
        if (c->resting != NULL && c->closing == 0) {
            line_close(c->resting); /* line_closed() goes on from here */
        }
    } else if (outbound_name_look(&c->name) != ERR_OK) {
        fail_waiting(c, ERR_PEER_UNREACHABLE);
    }
}

static void start(struct carrier *c, struct ride *x)
{
    x->next = NULL;
    *c->last = x;
    c->last = &x->next;
    serve_waiting(c);
}

/* -- what is asked --------------------------------------------------------------------------------------- */
/* The URL is as outbound_target.h writes it: "http://" and the host of the site in front. */
static struct text path_of(const struct outbound_site *s, const struct outbound_order *o)
{
    return text_skip(text_of(o->url), strlen("http://") + strlen(s->host));
}

static err_t send_one(struct outbound_transfer *t, const struct outbound_order *o)
{
    struct carrier *c = t->site->state;
    struct ride *x = calloc(1, sizeof(*x));
    if (x == NULL || uv_timer_init(c->site->loop, &x->deadline) != 0) {
        free(x);
        return ERR_LIMIT_BUSY;
    }
    x->t = t;
    x->timed = true;
    x->late = ERR_PEER_TIMEOUT;
    x->once = outbound_said_once(o->rq);
    t->state = x;
    uint64_t ms = o->time < 1000 ? 1 : (uint64_t)(o->time / 1000);
    const struct outbound_said what = {o->rq, text_of(t->site->host), path_of(t->site, o), o->serial};
    TRY(outbound_said_octets(&what, &x->said) ? ERR_OK : ERR_MALFORMED);
    TRY(uv_timer_start(&x->deadline, deadline_cb, ms, 0) == 0 ? ERR_OK : ERR_LIMIT_BUSY);
    start(c, x);
    return ERR_OK;
}

/* -- life ------------------------------------------------------------------------------------------------ */
static err_t open_site(struct outbound_site *s)
{
    struct carrier *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return ERR_LIMIT_BUSY;
    }
    c->site = s;
    c->last = &c->first;
    if (outbound_name_init(&c->name, s->loop, text_of(s->host), found, c) != ERR_OK) {
        free(c);
        return ERR_LIMIT_BUSY;
    }
    s->state = c;
    return ERR_OK;
}

static void close_site(struct outbound_site *s)
{
    struct carrier *c = s->state;
    c->ending = true;
    for (struct line *l = c->lines, *next = NULL; l != NULL; l = next) {
        next = l->next;
        line_close(l);
    }
    outbound_name_cancel(&c->name);
    carrier_settle(c);
}

const struct outbound_engine outbound_plain_engine = {open_site, send_one, forget_one, close_site};
