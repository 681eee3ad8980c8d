#include "shell/zh_driver.h"

#include "base/ct.h"
#include "proto/gsup_client.h"
#include "shell/clock.h"
#include "shell/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_FIRST (USEC_PER_SEC / 4)
#define PATIENCE_MOST (5 * USEC_PER_SEC) /* for so long at most an HLR that is back is not noticed */
#define OUT_MAX 4096

enum state { AWAY, FINDING, CONNECTING, OPEN, CLOSING };

struct waiting { /* the token of a question is its place here */
    zh_fn *fn;
    void *owner;
    bool resync;
};

struct hlr {
    uv_loop_t *loop;
    struct zh_conf conf;
    struct gsup_client_params times;
    struct gsup_client client;
    enum state state;
    bool up, told_away, writing, ended;
    unsigned held; /* what libuv still has of this memory */
    usec_t due;    /* of AWAY and CONNECTING; clock_monotonic */
    usec_t patience;
    err_t lost; /* why it is being closed */
    uv_timer_t timer;
    uv_tcp_t tcp;
    uv_getaddrinfo_t find;
    uv_connect_t connect;
    uv_write_t write;
    struct waiting waiting[GSUP_CLIENT_WAITING];
    uint8_t in[2 * IPA_FRAME_MAX];
    uint8_t out[OUT_MAX];
};

static void arm(struct hlr *z);
static void pump(struct hlr *z);

static void let_go(struct hlr *z)
{
    z->held--;
    if (z->held == 0) { /* only after end(): before it the timer holds on */
        ct_wipe(z, sizeof(*z));
        free(z);
    }
}

/* -- when it goes wrong --------------------------------------------------------------------------------- */
static void tell(struct hlr *z, const char *event, enum err_level level, err_t e)
{
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)z->conf.port);
    struct log_field fields[] = {{"host", text_of(z->conf.host)}, {"port", text_of(port)}, {"reason", text_of(err_code(e))}};
    log_event(level, event, fields, e == ERR_OK ? 2 : 3);
}

/* One word when it goes, one when it is back; not one a try. */
static void go_away(struct hlr *z, err_t e)
{
    if (z->up || !z->told_away) {
        tell(z, "hlr-away", ERR_LEVEL_WARN, e);
    }
    z->told_away = true;
    z->patience = z->up || z->patience == 0 ? PATIENCE_FIRST : z->patience * 2;
    z->patience = z->patience < PATIENCE_MOST ? z->patience : PATIENCE_MOST;
    z->up = false;
    z->state = AWAY;
    z->due = clock_monotonic() + z->patience;
    arm(z);
}

static void closed(uv_handle_t *h)
{
    struct hlr *z = h->data;
    if (!z->ended) {
        go_away(z, z->lost);
    }
    let_go(z);
}

/* The questions under way end as the engine says: unreachable. */
static void hang_up(struct hlr *z, err_t e)
{
    z->state = CLOSING;
    gsup_client_close(&z->client);
    pump(z);
    z->lost = e;
    uv_close((uv_handle_t *)&z->tcp, closed);
}

/* -- what goes out -------------------------------------------------------------------------------------- */
static void flush(struct hlr *z);

static void written(uv_write_t *w, int status)
{
    struct hlr *z = w->data;
    z->writing = false;
    if (status == 0 && z->state == OPEN) {
        flush(z);
    }
}

/* One write at a time. What cannot be written is not answered: its question ends in time, and then the connection. */
static void flush(struct hlr *z)
{
    struct bytes b = gsup_client_unsent(&z->client);
    size_t n = b.n < sizeof(z->out) ? b.n : sizeof(z->out);
    if (z->writing || n == 0) {
        return;
    }
    memcpy(z->out, b.p, n);
    uv_buf_t buf = uv_buf_init((char *)z->out, (unsigned)n);
    z->write.data = z;
    z->writing = uv_write(&z->write, (uv_stream_t *)&z->tcp, &buf, 1, written) == 0;
    if (z->writing) {
        gsup_client_sent(&z->client, n);
    }
}

/* -- what comes in -------------------------------------------------------------------------------------- */
static void answer(struct hlr *z, const struct gsup_client_event *ev)
{
    struct waiting w = z->waiting[ev->token];
    SCOPED(aka_auc_vector_wipe) struct aka_vector v = {0};
    struct zh_answer a = {.err = ev->err, .vector = NULL, .guss = bytes_empty()};
    z->waiting[ev->token] = (struct waiting){0};
    if (w.resync && ev->err == ERR_DENIED_SUBSCRIBER) { /* osmo-hlr has one cause for both, and it knew him when it made the challenge */
        a.err = ERR_DENIED_AUTS;
    }
    if (ev->err == ERR_OK) { /* one was asked for */
        const struct gsup_tuple *t = &ev->answer.tuples[0];
        v = (struct aka_vector){.rand = t->rand, .xres = t->xres, .ck = t->ck, .ik = t->ik};
        memcpy(v.autn.b, t->autn, sizeof(v.autn.b));
        a.vector = &v;
    }
    if (!z->ended) {
        w.fn(w.owner, &a);
    }
}

static void pump(struct hlr *z)
{
    struct gsup_client_event ev;
    while (gsup_client_event(&z->client, clock_monotonic(), &ev)) {
        switch (ev.kind) {
        case GSUP_CLIENT_UP:
            z->up = true;
            z->told_away = false;
            z->patience = 0;
            tell(z, "hlr-up", ERR_LEVEL_INFO, ERR_OK);
            break;
        case GSUP_CLIENT_ANSWER:
            answer(z, &ev);
            break;
        case GSUP_CLIENT_LOST:
            hang_up(z, ev.err);
            return;
        }
        gsup_wipe(&ev.answer);
    }
    if (z->state == OPEN) {
        flush(z);
    }
    if (z->state == OPEN) {
        arm(z);
    }
}

static void room(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
    struct hlr *z = h->data;
    (void)hint;
    *buf = uv_buf_init((char *)z->in, (unsigned)gsup_client_room(&z->client)); /* never more than z->in, never none after pump() */
}

static void came(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct hlr *z = s->data;
    if (n == 0) {
        return;
    }
    err_t e = n < 0 ? ERR_PEER_UNREACHABLE
                    : gsup_client_recv(&z->client, bytes_of((const uint8_t *)buf->base, (size_t)n), clock_monotonic());
    ct_wipe(z->in, sizeof(z->in)); /* keys came through */
    if (e != ERR_OK) {
        hang_up(z, e);
        return;
    }
    pump(z);
}

/* -- the connection ------------------------------------------------------------------------------------- */
static void connected(uv_connect_t *c, int status)
{
    struct hlr *z = c->data;
    if (z->state != CONNECTING) { /* took too long, or end() */
        return;
    }
    if (status != 0 || uv_read_start((uv_stream_t *)&z->tcp, room, came) != 0) {
        hang_up(z, ERR_PEER_UNREACHABLE);
        return;
    }
    uv_tcp_nodelay(&z->tcp, 1);
    z->state = OPEN;
    gsup_client_open(&z->client, clock_monotonic());
    pump(z);
}

static void found(uv_getaddrinfo_t *f, int status, struct addrinfo *list)
{
    struct hlr *z = f->data;
    if (!z->ended) {
        if (status != 0 || uv_tcp_init(z->loop, &z->tcp) != 0) {
            go_away(z, ERR_PEER_UNREACHABLE);
        } else {
            z->tcp.data = z;
            z->held++;
            z->state = CONNECTING;
            z->due = clock_monotonic() + z->conf.answer;
            z->connect.data = z;
            if (uv_tcp_connect(&z->connect, &z->tcp, list->ai_addr, connected) != 0) {
                hang_up(z, ERR_PEER_UNREACHABLE);
            }
            arm(z);
        }
    }
    uv_freeaddrinfo(list);
    let_go(z);
}

static void find(struct hlr *z)
{
    char port[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    snprintf(port, sizeof(port), "%u", (unsigned)z->conf.port);
    z->state = FINDING;
    z->find.data = z;
    if (uv_getaddrinfo(z->loop, &z->find, found, z->conf.host, port, &hints) != 0) {
        go_away(z, ERR_PEER_UNREACHABLE);
        return;
    }
    z->held++;
}

/* -- time ----------------------------------------------------------------------------------------------- */
static void rang(uv_timer_t *t)
{
    struct hlr *z = t->data;
    const bool due = clock_monotonic() >= z->due;
    if (z->state == OPEN) {
        pump(z);
    } else if (z->state == AWAY && due) {
        find(z);
    } else if (z->state == CONNECTING && due) {
        hang_up(z, ERR_PEER_TIMEOUT);
    } else {
        arm(z);
    }
}

static void arm(struct hlr *z)
{
    usec_t at = z->state == OPEN ? gsup_client_deadline(&z->client) : z->due;
    usec_t left = at - clock_monotonic();
    if (z->ended || z->state == FINDING || z->state == CLOSING) { /* their callbacks come by themselves */
        return;
    }
    uv_timer_start(&z->timer, rang, left > 0 ? (uint64_t)left / 1000 + 1 : 0, 0);
}

/* -- for the caller --------------------------------------------------------------------------------------- */
static err_t open_hlr(uv_loop_t *loop, const struct zh_conf *conf, void **out)
{
    struct hlr *z = calloc(1, sizeof(*z));
    if (z == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    z->loop = loop;
    z->conf = *conf;
    z->times = gsup_client_defaults;
    z->times.answer = conf->answer;
    err_t e = gsup_client_init(&z->client, &z->times, text_of(conf->name));
    if (e == ERR_OK && uv_timer_init(loop, &z->timer) != 0) {
        e = ERR_IO;
    }
    if (e != ERR_OK) {
        free(z);
        return e;
    }
    z->timer.data = z;
    z->held = 1;
    find(z);
    *out = z;
    return ERR_OK;
}

static void stopped(uv_handle_t *h)
{
    let_go(h->data);
}

static void end(void *it)
{
    struct hlr *z = it;
    z->ended = true;
    if (z->state == FINDING) {
        (void)uv_cancel((uv_req_t *)&z->find); /* found() comes either way */
    }
    if (z->state == CONNECTING || z->state == OPEN) {
        hang_up(z, ERR_OK);
    }
    uv_close((uv_handle_t *)&z->timer, stopped);
}

static bool is_up(const void *it)
{
    const struct hlr *z = it;
    return z->up;
}

/* The digits alone are no proof: only the home network's own form of them names this subscriber [TS 23.003 13.3]. */
static struct text imsi_of(struct text impi)
{
    struct text imsi = impi_imsi(impi);
    for (size_t mnc_digits = 2; mnc_digits <= 3; mnc_digits++) {
        struct impi own;
        if (impi_of_imsi(imsi, mnc_digits, &own) == ERR_OK && text_eq_z(impi, own.z)) {
            return imsi;
        }
    }
    return text_empty();
}

static err_t ask(void *it, const struct zh_question *q, zh_fn *fn, void *owner)
{
    struct hlr *z = it;
    struct gsup_resync resync;
    struct gsup_request request = {.imsi = imsi_of(q->impi), .vectors = 1, .resync = NULL};
    size_t at = 0;
    if (request.imsi.n == 0) {
        return ERR_DENIED_SUBSCRIBER;
    }
    while (at < GSUP_CLIENT_WAITING && z->waiting[at].fn != NULL) {
        at++;
    }
    if (at == GSUP_CLIENT_WAITING) {
        return ERR_LIMIT_BUSY;
    }
    if (q->resync != NULL) {
        resync.rand = q->resync->rand;
        memcpy(resync.auts, q->resync->auts.b, sizeof(resync.auts));
        request.resync = &resync;
    }
    TRY(gsup_client_ask(&z->client, &request, at, clock_monotonic()));
    z->waiting[at] = (struct waiting){.fn = fn, .owner = owner, .resync = q->resync != NULL};
    arm(z);
    flush(z);
    return ERR_OK;
}

const struct zh_driver zh_gsup_driver = {.open = open_hlr, .end = end, .is_up = is_up, .ask = ask};
