#include "base/ct.h"
#include "shell/clock.h"
#include "shell/log.h"
#include "shell/zh_driver.h"
#include "wire/zh_frame.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_MAX 256
#define PATIENCE_FIRST (USEC_PER_SEC / 4)
#define PATIENCE_MOST (30 * USEC_PER_SEC)
#define STEADY (10 * USEC_PER_SEC) /* a process that ran for so long may be started again soon */
#define MARGIN USEC_PER_SEC        /* the process keeps the deadline itself; this is for one that is late */
#define MUTE (3 * USEC_PER_SEC)    /* and one that says nothing at all for so long after that hangs */
#define BEGIN (60 * USEC_PER_SEC)  /* but it takes its time to begin: freeDiameter makes parameters of TLS first */
#define FRAME_MAX (ZH_FRAME_BODY_MAX + 512) /* of what goes out: a question of Zh, an answer of Zn */

enum state { AWAY, RUNNING, ENDING };

struct waiting {
    zh_fn *fn;
    void *owner;
    uint32_t token;
    usec_t until;
};

struct helper {
    uv_loop_t *loop;
    struct zh_conf conf;
    enum state state;
    bool ended;
    unsigned held; /* what libuv still has of this memory */
    unsigned open; /* of these, what belongs to this run of the process */
    usec_t due, patience, started;
    usec_t asked; /* the first question since it said anything; 0: none */
    bool spoke;   /* this run of it has said something */
    uint64_t run; /* of the process, counted */
    uv_timer_t timer;
    uv_process_t process;
    uv_pipe_t pair;
    uint32_t tokens;
    struct waiting waiting[WAITING_MAX];
    uint8_t in[2 * ZH_FRAME_MAX];
    size_t in_n;
};

struct sending {
    uv_write_t write;
    uint8_t b[FRAME_MAX];
};

static void arm(struct helper *h);

static void let_go(struct helper *h)
{
    h->held--;
    if (h->held == 0) { /* only after end(): before it the timer holds on */
        ct_wipe(h, sizeof(*h));
        free(h);
    }
}

/* -- questions that end ------------------------------------------------------------------------------------- */
static void tell(struct helper *h, struct waiting *at, const struct zh_answer *a)
{
    struct waiting w = *at;
    *at = (struct waiting){0};
    if (!h->ended) {
        w.fn(w.owner, a);
    }
}

static void tell_err(struct helper *h, struct waiting *at, err_t e)
{
    tell(h, at, &(struct zh_answer){.err = e, .vector = NULL, .guss = bytes_empty()});
}

static void answered(struct helper *h, const struct zh_frame *f)
{
    struct waiting *at = &h->waiting[f->token % WAITING_MAX];
    SCOPED(aka_auc_vector_wipe) struct aka_vector v = {.rand = f->vector.rand, .xres = f->vector.xres, .ck = f->vector.ck, .ik = f->vector.ik};
    if (at->fn == NULL || at->token != f->token) { /* it was given up */
        return;
    }
    memcpy(v.autn.b, f->vector.autn, sizeof(v.autn.b));
    tell(h, at, &(struct zh_answer){.err = f->err, .vector = f->err == ERR_OK ? &v : NULL, .guss = f->guss});
}

/* -- the process -------------------------------------------------------------------------------------------- */
static void closed(uv_handle_t *u)
{
    struct helper *h = u->data;
    h->open--;
    if (h->open == 0 && !h->ended) {
        bool steady = clock_monotonic() - h->started > STEADY;
        h->patience = steady || h->patience == 0 ? PATIENCE_FIRST : h->patience * 2;
        h->patience = h->patience < PATIENCE_MOST ? h->patience : PATIENCE_MOST;
        h->state = AWAY;
        h->due = clock_monotonic() + h->patience;
        arm(h);
    }
    let_go(h);
}

/* It keeps nothing that could be lost, and one that hangs hears no other signal. Its handle is closed when it is gone, so that it is no
 * zombie. */
static void hang_up(struct helper *h)
{
    if (h->state != RUNNING) {
        return;
    }
    h->state = ENDING;
    if (uv_is_active((uv_handle_t *)&h->process)) { /* else it is gone, or never was: its number is nobody's or another's */
        uv_process_kill(&h->process, SIGKILL);
    }
    uv_close((uv_handle_t *)&h->pair, closed);
    ct_wipe(h->in, sizeof(h->in));
    h->in_n = 0;
    if (!h->ended) {
        log_event(ERR_LEVEL_WARN, "diameter-away", (struct log_field[]){{"file", text_of(h->conf.file)}}, 1);
    }
    for (size_t i = 0; i < WAITING_MAX; i++) {
        if (h->waiting[i].fn != NULL) {
            tell_err(h, &h->waiting[i], ERR_PEER_UNREACHABLE);
        }
    }
}

static void exited(uv_process_t *p, int64_t status, int signal_number)
{
    struct helper *h = p->data;
    (void)status;
    (void)signal_number;
    hang_up(h);
    uv_close((uv_handle_t *)p, closed);
}

static void room(uv_handle_t *u, size_t hint, uv_buf_t *buf)
{
    struct helper *h = u->data;
    (void)hint;
    *buf = uv_buf_init((char *)h->in + h->in_n, (unsigned)(sizeof(h->in) - h->in_n));
}

static void came(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct helper *h = s->data;
    size_t used = 1;
    err_t e = n < 0 ? ERR_PEER_UNREACHABLE : ERR_OK;
    (void)buf;
    h->in_n += n > 0 ? (size_t)n : 0;
    h->asked = n > 0 ? 0 : h->asked;
    h->spoke = h->spoke || n > 0;
    while (e == ERR_OK && used > 0) {
        SCOPED(zh_frame_wipe) struct zh_frame f;
        e = zh_frame_parse(bytes_of(h->in, h->in_n), &f, &used);
        if (e == ERR_OK && used > 0 && f.kind == ZH_FRAME_ANSWER) {
            answered(h, &f);
        } else if (e == ERR_OK && used > 0 && f.kind == ZH_FRAME_ZN && h->conf.zn != NULL && !h->ended) {
            h->conf.zn(h->conf.zn_owner, &(struct zh_zn){.token = f.token, .run = h->run, .host = f.host, .body = f.body});
        }
        if (h->state != RUNNING) { /* who was told has ended it: what came is wiped */
            return;
        }
        memmove(h->in, h->in + used, h->in_n - used);
        h->in_n -= used;
        ct_wipe(h->in + h->in_n, used);
    }
    if (e != ERR_OK) {
        hang_up(h);
    }
}

static void start(struct helper *h)
{
    char ms[24];
    snprintf(ms, sizeof(ms), "%lld", (long long)h->conf.answer / 1000);
    char zn[] = "zn";
    char *args[] = {h->conf.program, h->conf.file, h->conf.realm, ms, h->conf.zn == NULL ? NULL : zn, NULL};
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&h->pair},
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = 2}};
    uv_process_options_t o = {.file = h->conf.program, .args = args, .exit_cb = exited, .stdio = stdio, .stdio_count = 3};
    h->started = clock_monotonic();
    h->asked = 0;
    h->spoke = false;
    h->state = RUNNING;
    h->run++;
    h->held += 2;
    h->open = 2;
    if (uv_pipe_init(h->loop, &h->pair, 0) != 0) {
        abort(); /* cannot fail: it allocates nothing */
    }
    h->pair.data = h->process.data = h;
    int spawned = uv_spawn(h->loop, &h->process, &o);
    if (spawned != 0) {
        log_event(ERR_LEVEL_ERROR, "diameter-not-started",
                  (struct log_field[]){{"program", text_of(h->conf.program)},
                                       {"reason", text_of(uv_strerror(spawned))},
                                       {"hint", text_of("is the package keystead-diameter installed?")}},
                  3);
        hang_up(h);
        uv_close((uv_handle_t *)&h->process, closed);
    } else if (uv_read_start((uv_stream_t *)&h->pair, room, came) != 0) {
        hang_up(h);
    }
    arm(h);
}

static usec_t mute_at(const struct helper *h)
{
    return h->state != RUNNING || h->asked == 0 ? USEC_NEVER : h->asked + h->conf.answer + (h->spoke ? MUTE : BEGIN);
}

/* -- time ----------------------------------------------------------------------------------------------------- */
static void rang(uv_timer_t *t)
{
    struct helper *h = t->data;
    usec_t now = clock_monotonic();
    for (size_t i = 0; i < WAITING_MAX; i++) {
        if (h->waiting[i].fn != NULL && now >= h->waiting[i].until) {
            tell_err(h, &h->waiting[i], ERR_PEER_TIMEOUT);
        }
    }
    if (now >= mute_at(h)) {
        hang_up(h);
    }
    if (h->state == AWAY && now >= h->due) {
        start(h);
    } else {
        arm(h);
    }
}

static void arm(struct helper *h)
{
    usec_t at = h->state == AWAY ? h->due : mute_at(h);
    for (size_t i = 0; i < WAITING_MAX; i++) {
        at = h->waiting[i].fn != NULL && h->waiting[i].until < at ? h->waiting[i].until : at;
    }
    usec_t left = at == USEC_NEVER ? USEC_NEVER : at - clock_monotonic();
    if (h->ended || at == USEC_NEVER) {
        return;
    }
    uv_timer_start(&h->timer, rang, left > 0 ? (uint64_t)left / 1000 + 1 : 0, 0);
}

/* -- for zh.c --------------------------------------------------------------------------------------------------- */
static err_t open_helper(uv_loop_t *loop, const struct zh_conf *conf, void **out)
{
    struct helper *h = calloc(1, sizeof(*h));
    if (h == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    h->loop = loop;
    h->conf = *conf;
    if (uv_timer_init(loop, &h->timer) != 0) {
        free(h);
        return ERR_IO;
    }
    h->timer.data = h;
    h->held = 1;
    start(h);
    *out = h;
    return ERR_OK;
}

static void stopped(uv_handle_t *u)
{
    let_go(u->data);
}

static void end(void *it)
{
    struct helper *h = it;
    h->ended = true;
    hang_up(h);
    uv_close((uv_handle_t *)&h->timer, stopped);
}

static bool is_up(const void *it)
{
    const struct helper *h = it;
    return h->state == RUNNING;
}

static void sent(uv_write_t *w, int status)
{
    struct sending *s = w->data;
    (void)status; /* the reader notices */
    ct_wipe(s->b, sizeof(s->b)); /* of Zn: a key */
    free(s);
}

static err_t send_frame(struct helper *h, const struct zh_frame *f)
{
    struct sending *s = malloc(sizeof(*s));
    if (s == NULL) {
        return ERR_LIMIT_BUSY;
    }
    struct writer w = WRITER_ARRAY(s->b);
    err_t e = zh_frame_write(f, &w);
    uv_buf_t buf = uv_buf_init((char *)s->b, (unsigned)w.n);
    s->write.data = s;
    if (e == ERR_OK && uv_write(&s->write, (uv_stream_t *)&h->pair, &buf, 1, sent) != 0) {
        e = ERR_PEER_UNREACHABLE;
    }
    if (e != ERR_OK) {
        ct_wipe(s->b, sizeof(s->b));
        free(s);
    }
    return e;
}

static err_t ask(void *it, const struct zh_question *q, zh_fn *fn, void *owner)
{
    struct helper *h = it;
    struct zh_frame f = {.kind = ZH_FRAME_QUESTION, .impi = q->impi, .has_resync = q->resync != NULL, .guss_made = q->guss_made};
    size_t n = 0;
    if (!impi_is(q->impi)) {
        return ERR_DENIED_SUBSCRIBER;
    }
    if (h->state != RUNNING) {
        return ERR_PEER_UNREACHABLE;
    }
    while (n < WAITING_MAX && h->waiting[h->tokens % WAITING_MAX].fn != NULL) { /* the place is the end of the token */
        h->tokens++;
        n++;
    }
    if (n == WAITING_MAX) {
        return ERR_LIMIT_BUSY;
    }
    f.token = h->tokens++;
    if (q->resync != NULL) {
        f.resync.rand = q->resync->rand;
        memcpy(f.resync.auts, q->resync->auts.b, sizeof(f.resync.auts));
    }
    TRY(send_frame(h, &f));
    h->waiting[f.token % WAITING_MAX] = (struct waiting){
        .fn = fn, .owner = owner, .token = f.token, .until = clock_monotonic() + h->conf.answer + MARGIN};
    h->asked = h->asked != 0 ? h->asked : clock_monotonic();
    arm(h);
    return ERR_OK;
}

/* The process keeps a place for each of its questions until this answers it: a refusal is said where the answer cannot be, and a
 * process that does not take that either starts anew, which frees them all. One that was started anew never asked. */
static void zn_answer(void *it, const struct zh_zn *q, err_t e, struct bytes body)
{
    struct helper *h = it;
    const struct zh_frame f = {.kind = ZH_FRAME_ZN_ANSWER, .token = q->token, .err = e, .body = body};
    const struct zh_frame refusal = {.kind = ZH_FRAME_ZN_ANSWER, .token = q->token, .err = ERR_PEER_REFUSED, .body = bytes_empty()};
    if (h->state != RUNNING || h->run != q->run || send_frame(h, &f) == ERR_OK) {
        return;
    }
    log_event(ERR_LEVEL_WARN, "zn-unanswered", NULL, 0);
    if (send_frame(h, &refusal) != ERR_OK) {
        hang_up(h);
    }
}

const struct zh_driver zh_diameter_driver = {.open = open_helper, .end = end, .is_up = is_up, .ask = ask, .zn_answer = zn_answer};
