#include "shell/intake.h"

#include "base/ct.h"
#include "shell/growing.h"
#include "shell/clock.h"
#include "shell/log.h"

#include <stdlib.h>
#include <string.h>

#define WAITING_MAX 8192
#define LINK_READ (256u << 10)
#define TICK_MS 1000
#define RETRY_MS 20
#define RESULT_ROOM (sizeof(struct job_result) + 256) /* as octets, and its body */

struct intake_origin {
    struct intake_link *link; /* or NULL: of this process */
    intake_done_fn *done;
    void *arg;
    void (*release)(void *arg); /* or NULL */
    void *owned;
};

struct intake_queue {
    struct job *jobs;
    struct intake_origin *from;
    size_t n, cap;
};

struct intake_link {
    uv_pipe_t *pipe;
    struct intake *in;
    struct intake_link *next;
    struct growing buf;
    uint64_t number;
    bool dead;
    bool paused; /* not reading: `buf` is as large as it gets */
};

struct outgoing {
    uv_write_t req;
    size_t n;
    uint8_t octets[];
};

/* -- queues ---------------------------------------------------------------------------------------- */
static err_t queue_push(struct intake_queue *q, const struct job *j, struct intake_origin from)
{
    if (q->n == q->cap) {
        size_t cap = q->cap == 0 ? COMMITTER_BATCH_MAX : q->cap * 2;
        struct job *jobs = cap > WAITING_MAX ? NULL : malloc(cap * sizeof(*jobs));
        struct intake_origin *origins = jobs == NULL ? NULL : realloc(q->from, cap * sizeof(*origins));
        if (origins == NULL) {
            free(jobs);
            return ERR_LIMIT_BUSY;
        }
        if (q->n > 0) { /* exported keys are in there: no realloc, which leaves what it copied from */
            memcpy(jobs, q->jobs, q->n * sizeof(*jobs));
            ct_wipe(q->jobs, q->n * sizeof(*jobs));
        }
        free(q->jobs);
        q->jobs = jobs;
        q->from = origins;
        q->cap = cap;
    }
    q->jobs[q->n] = *j;
    q->from[q->n++] = from;
    return ERR_OK;
}

static void release(const struct intake_origin *from)
{
    if (from->release != NULL) {
        from->release(from->owned);
    }
}

static void queue_clear(struct intake_queue *q)
{
    for (size_t i = 0; i < q->n; i++) {
        release(&q->from[i]);
        job_wipe(&q->jobs[i]);
    }
    q->n = 0;
}

static void spin_cb(uv_idle_t *h)
{
    (void)h;
}

err_t intake_submit(struct intake *in, const struct job *j, intake_done_fn *done, void *arg)
{
    TRY(queue_push(in->waiting, j, (struct intake_origin){.done = done, .arg = arg}));
    if (intake_is_open(in)) {
        (void)uv_idle_start(&in->spin, spin_cb);
    }
    return ERR_OK;
}

/* -- links ----------------------------------------------------------------------------------------- */
static void link_closed(uv_handle_t *h)
{
    struct intake_link *l = h->data;
    growing_wipe(&l->buf);
    free(l->pipe);
    free(l);
}

static void link_close(struct intake_link *l)
{
    struct intake *in = l->in;
    if (l->dead) {
        return;
    }
    l->dead = true;
    for (struct intake_link **at = &in->links; *at != NULL; at = &(*at)->next) {
        if (*at == l) {
            *at = l->next;
            in->links_n--;
            break;
        }
    }
    uv_close((uv_handle_t *)l->pipe, link_closed);
}

static void link_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct intake_link *l = h->data;
    if (l->buf.cap - l->buf.n < LINK_READ) {
        size_t cap = l->buf.cap == 0 ? LINK_READ * 2 : l->buf.cap * 2;
        if (cap > 4 * (size_t)JOB_FRAME_MAX || !growing_reserve(&l->buf, cap)) {
            *buf = uv_buf_init(NULL, 0);
            return;
        }
    }
    *buf = uv_buf_init((char *)l->buf.p + l->buf.n, (unsigned)(l->buf.cap - l->buf.n));
}

static void link_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    struct intake_link *l = s->data;
    if (n == UV_ENOBUFS) { /* a store that is not open yet: the worker's jobs wait in the socket, and then with it */
        l->paused = true;
        (void)uv_read_stop(s);
    } else if (n < 0) {
        link_close(l); /* the worker is gone: nobody waits for its results */
    } else {
        l->buf.n += (size_t)n;
    }
}

void intake_attach(struct intake *in, uv_pipe_t *pipe)
{
    struct intake_link *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        log_event(ERR_LEVEL_ERROR, "no-memory", NULL, 0);
        uv_close((uv_handle_t *)pipe, (uv_close_cb)free);
        return;
    }
    l->pipe = pipe;
    l->in = in;
    l->next = in->links;
    pipe->data = l;
    l->number = ++in->links_made;
    in->links = l;
    in->links_n++;
    (void)uv_read_start((uv_stream_t *)pipe, link_alloc, link_read);
}

static void written(uv_write_t *req, int status)
{
    (void)status; /* the read side notices a broken pair */
    struct outgoing *o = (struct outgoing *)req;
    ct_wipe(o->octets, o->n);
    free(o);
}

static void link_send(struct intake_link *l, struct outgoing *o)
{
    uv_buf_t b = uv_buf_init((char *)o->octets, (unsigned)o->n);
    int sent = uv_try_write((uv_stream_t *)l->pipe, &b, 1);
    size_t done = sent > 0 ? (size_t)sent : 0;
    b = uv_buf_init((char *)o->octets + done, (unsigned)(o->n - done));
    if (done == o->n || uv_write(&o->req, (uv_stream_t *)l->pipe, &b, 1, written) != 0) {
        written(&o->req, 0);
    }
}

static void link_send_one(struct intake_link *l, const struct job_result *r)
{
    const size_t room = r->body.n + RESULT_ROOM;
    struct outgoing *o = malloc(sizeof(*o) + room);
    if (o == NULL) {
        link_close(l); /* the worker closes what waits */
        return;
    }
    struct writer w = writer_of(o->octets, room);
    job_result_write(r, &w);
    o->n = w.n;
    link_send(l, o);
}

/* -- once more ------------------------------------------------------------------------------------- */
static void turn_away(struct intake_link *l, const struct job *j, const struct intake_ticket *t)
{
    const struct job_result r = {.kind = j->kind, .id = j->id, .err = ERR_LIMIT_BUSY, .rsc = err_info(ERR_LIMIT_BUSY)->rsc};
    if (l != NULL) {
        link_send_one(l, &r);
    } else {
        t->done(t->arg, &r);
    }
}

/* A link that is named here lives until the queue has run: both are of this turn of the loop. Who asked gets a result whatever
 * happens: it would wait for one for ever. */
void intake_resume(struct intake *in, const struct job *j, const struct intake_ticket *t, void (*done_with)(void *arg), void *arg)
{
    struct intake_link *l = in->links;
    while (l != NULL && l->number != t->link) {
        l = l->next;
    }
    const struct intake_origin from = {.link = l, .done = t->done, .arg = t->arg, .release = done_with, .owned = arg};
    const bool gone = t->link != 0 && l == NULL;
    const bool queued = !gone && queue_push(in->waiting, j, from) == ERR_OK;
    if (!gone && !queued) {
        turn_away(l, j, t);
    }
    if (!queued) {
        done_with(arg);
    }
    (void)uv_idle_start(&in->spin, spin_cb);
}

/* -- a batch --------------------------------------------------------------------------------------- */
/* What has to be asked first is no result yet. */
static bool is_for(const struct intake *in, size_t i, const struct intake_link *l)
{
    return in->running->from[i].link == l && !in->results[i].vector.asked;
}

static void put_aside(struct intake *in, size_t i)
{
    const struct intake_origin *from = &in->running->from[i];
    const struct intake_ticket t = {from->link == NULL ? 0 : from->link->number, from->done, from->arg};
    struct job_result *r = &in->results[i];
    if (in->ask == NULL || !in->ask(in->ask_arg, &in->running->jobs[i], &r->vector, &t)) {
        r->vector.asked = false;
        r->err = ERR_LIMIT_BUSY;
        r->rsc = err_info(r->err)->rsc;
    }
}

static void deliver_link(struct intake *in, struct intake_link *l, size_t n)
{
    size_t room = 0;
    for (size_t i = 0; i < n; i++) {
        room += is_for(in, i, l) ? in->results[i].body.n + RESULT_ROOM : 0;
    }
    if (room == 0 || l->dead) {
        return;
    }
    struct outgoing *o = malloc(sizeof(*o) + room);
    if (o == NULL) {
        link_close(l); /* the worker closes what waits */
        return;
    }
    struct writer w = writer_of(o->octets, room);
    for (size_t i = 0; i < n; i++) {
        if (is_for(in, i, l)) {
            job_result_write(&in->results[i], &w);
        }
    }
    o->n = w.n;
    link_send(l, o);
}

static void deliver(struct intake *in, size_t n)
{
    struct intake_link *next = NULL;
    in->delivered++;
    for (size_t i = 0; i < n; i++) {
        if (in->results[i].vector.asked) {
            put_aside(in, i);
        }
    }
    for (struct intake_link *l = in->links; l != NULL; l = next) {
        next = l->next;
        deliver_link(in, l, n);
    }
    for (size_t i = 0; i < n; i++) {
        struct intake_origin *from = &in->running->from[i];
        if (from->link == NULL && !in->results[i].vector.asked) {
            from->done(from->arg, &in->results[i]);
        }
        release(from);
        job_result_wipe(&in->results[i]);
    }
    committer_forget(&in->committer);
}

static void run_queue(struct intake *in)
{
    struct intake_queue *q = in->running;
    while (q->n > 0) {
        size_t n = committer_run(&in->committer, q->jobs, q->n, in->results);
        deliver(in, n);
        memmove(q->jobs, q->jobs + n, (q->n - n) * sizeof(*q->jobs));
        memmove(q->from, q->from + n, (q->n - n) * sizeof(*q->from));
        q->n -= n;
        for (size_t i = 0; i < n; i++) {
            job_wipe(&q->jobs[q->n + i]); /* what is done, or has moved up and still stands where it was */
        }
        committer_rest(&in->committer, false, clock_now());
    }
}

/* One frame to a job of the queue, and its room with it. */
static err_t link_push(struct intake *in, struct intake_link *l, struct bytes frame)
{
    SCOPED(job_wipe) struct job j;
    union job_room *room = malloc(sizeof(*room));
    job_init(&j, JOB_REQUEST, 0, 0);
    err_t e = room == NULL ? ERR_LIMIT_BUSY : job_parse(frame, room, &j);
    e = e == ERR_OK ? queue_push(in->running, &j, (struct intake_origin){.link = l, .release = free, .owned = room}) : e;
    if (e != ERR_OK) {
        free(room);
    }
    return e;
}

/* Whole frames of one link to jobs, at most a batch; true if there was any. */
static size_t link_parse(struct intake *in, struct intake_link *l, size_t *at)
{
    size_t found = 0;
    while (found < COMMITTER_BATCH_MAX && in->running->n < WAITING_MAX && !l->dead) { /* the rest has its turn next */
        struct bytes frame;
        size_t used = 0;
        err_t e = job_frame(bytes_of(l->buf.p + *at, l->buf.n - *at), &frame, &used);
        if (e == ERR_OK && used == 0) {
            break;
        }
        e = e == ERR_OK ? link_push(in, l, frame) : e;
        if (e != ERR_OK) { /* cannot happen between two processes of one program: give that worker up */
            log_event(ERR_LEVEL_ERROR, "job-malformed", (struct log_field[]){{"code", text_of(err_code(e))}}, 1);
            link_close(l);
            break;
        }
        *at += used;
        found++;
    }
    return found;
}

static void link_consume(struct intake_link *l, size_t at)
{
    if (at == 0) {
        return;
    }
    growing_drop(&l->buf, at);
    if (l->paused && !l->dead) {
        l->paused = false;
        (void)uv_read_start((uv_stream_t *)l->pipe, link_alloc, link_read);
    }
}

#define ROUND_LINKS 256
static void run_links(struct intake *in)
{
    struct intake_link *links[ROUND_LINKS];
    size_t at[ROUND_LINKS] = {0};
    size_t n = 0;
    size_t found = 0;
    for (struct intake_link *l = in->links; l != NULL && n < ROUND_LINKS; l = l->next) {
        links[n++] = l;
    }
    for (size_t i = 0; i < n; i++) {
        found += link_parse(in, links[i], &at[i]);
    }
    if (found > 0) {
        run_queue(in);
        (void)uv_idle_start(&in->spin, spin_cb); /* there may be more in the buffers */
    }
    for (size_t i = 0; i < n; i++) { /* memory of a dead link lives until the loop's closing phase */
        link_consume(links[i], at[i]);
    }
}

static void run_all(struct intake *in)
{
    (void)uv_idle_stop(&in->spin);
    if (!intake_is_open(in)) {
        return;
    }
    if (in->waiting->n > 0) {
        struct intake_queue *q = in->waiting;
        in->waiting = in->running;
        in->running = q;
        run_queue(in);
    }
    run_links(in);
}

static void check_cb(uv_check_t *h)
{
    run_all(h->data);
}

/* -- life ------------------------------------------------------------------------------------------ */
static void tick_cb(uv_timer_t *h)
{
    struct intake *in = h->data;
    committer_rest(&in->committer, true, clock_now());
}

static void retry_cb(uv_timer_t *h)
{
    struct intake *in = h->data;
    err_t e = intake_open(in, true);
    if (e != ERR_OK) {
        log_event(ERR_LEVEL_ERROR, "store-open", (struct log_field[]){{"code", text_of(err_code(e))}}, 1);
        exit(3); /* the supervisor starts another writer, more slowly each time */
    }
}

err_t intake_start(struct intake *in, uv_loop_t *loop, const struct snapshot *snap, struct metrics *metrics)
{
    *in = (struct intake){.loop = loop};
    in->waiting = calloc(1, sizeof(*in->waiting));
    in->running = calloc(1, sizeof(*in->running));
    in->results = calloc(COMMITTER_BATCH_MAX, sizeof(*in->results));
    if (in->waiting == NULL || in->running == NULL || in->results == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(committer_init(&in->committer, snap, metrics));
    in->check.data = in;
    in->spin.data = in;
    in->tick.data = in;
    bool ok = uv_check_init(loop, &in->check) == 0 && uv_idle_init(loop, &in->spin) == 0 &&
              uv_timer_init(loop, &in->tick) == 0 && uv_check_start(&in->check, check_cb) == 0;
    return ok ? ERR_OK : ERR_IO;
}

err_t intake_open(struct intake *in, bool patient)
{
    err_t e = committer_open(&in->committer, clock_now());
    if (e == ERR_STORE_LOCKED && patient) {
        (void)uv_timer_start(&in->tick, retry_cb, RETRY_MS, 0);
        return ERR_OK;
    }
    TRY(e);
    (void)uv_timer_start(&in->tick, tick_cb, TICK_MS, TICK_MS);
    (void)uv_idle_start(&in->spin, spin_cb);
    return ERR_OK;
}

bool intake_is_open(const struct intake *in)
{
    return in->committer.store != NULL;
}

void intake_stop(struct intake *in)
{
    if (in->stopped) {
        return;
    }
    in->stopped = true;
    run_all(in);
    (void)uv_timer_stop(&in->tick);
    (void)uv_idle_stop(&in->spin);
    (void)uv_check_stop(&in->check);
    queue_clear(in->waiting);
    committer_close(&in->committer, clock_now());
}
