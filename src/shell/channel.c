#include "shell/channel.h"

#include "base/ct.h"
#include "shell/log.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX 65536
#define OUT_MAX (64u << 20)
#define READ_ROOM (256u << 10)
#define NONE UINT32_MAX

struct channel_slot {
    channel_fn *fn; /* NULL: free */
    void *owner;
    uint32_t generation;
    uint32_t next_free;
    bool sent;
};

void channel_init(struct channel *c, struct intake *local)
{
    *c = (struct channel){.local = local, .free = NONE};
}

/* -- slots ------------------------------------------------------------------------------------------- */
static err_t slot_take(struct channel *c, uint32_t *index)
{
    if (c->free == NONE) {
        size_t n = c->slots_n == 0 ? 256 : c->slots_n * 2;
        struct channel_slot *s = n > SLOTS_MAX ? NULL : realloc(c->slots, n * sizeof(*s));
        if (s == NULL) {
            return ERR_LIMIT_BUSY;
        }
        for (size_t i = c->slots_n; i < n; i++) {
            s[i] = (struct channel_slot){.next_free = i + 1 < n ? (uint32_t)(i + 1) : NONE};
        }
        c->free = (uint32_t)c->slots_n;
        c->slots = s;
        c->slots_n = n;
    }
    *index = c->free;
    c->free = c->slots[c->free].next_free;
    c->pending++;
    return ERR_OK;
}

static void slot_give(struct channel *c, uint32_t index)
{
    struct channel_slot *s = &c->slots[index];
    s->fn = NULL;
    s->owner = NULL;
    s->generation++;
    s->next_free = c->free;
    c->free = index;
    c->pending--;
}

static void finish(struct channel *c, uint32_t index, const struct job_result *r)
{
    channel_fn *fn = c->slots[index].fn;
    void *owner = c->slots[index].owner;
    slot_give(c, index);
    fn(owner, r);
}

static void done(void *arg, const struct job_result *r)
{
    struct channel *c = arg;
    uint32_t index = (uint32_t)r->id;
    if (index < c->slots_n && c->slots[index].fn != NULL && c->slots[index].generation == (uint32_t)(r->id >> 32)) {
        finish(c, index, r);
    }
}

static void lose(struct channel *c)
{
    for (uint32_t i = 0; i < c->slots_n; i++) {
        if (c->slots[i].fn != NULL && c->slots[i].sent) {
            finish(c, i, NULL);
        }
    }
}

/* -- sending --------------------------------------------------------------------------------------- */
static err_t out_room(struct channel *c, size_t n)
{
    if (c->out.cap - c->out.n >= n) {
        return ERR_OK;
    }
    size_t cap = c->out.cap == 0 ? 65536 : c->out.cap;
    while (cap - c->out.n < n) {
        cap *= 2;
    }
    return cap <= OUT_MAX && growing_reserve(&c->out, cap) ? ERR_OK : ERR_LIMIT_BUSY;
}

static err_t enqueue(struct channel *c, const struct job *j)
{
    TRY(out_room(c, job_room(j)));
    struct writer w = writer_of(c->out.p + c->out.n, c->out.cap - c->out.n);
    job_write(j, &w);
    TRY(writer_finish(&w));
    c->out.n += w.n;
    return ERR_OK;
}

err_t channel_submit(struct channel *c, struct job *j, channel_fn *fn, void *owner)
{
    uint32_t index = 0;
    TRY(slot_take(c, &index));
    j->id = (uint64_t)c->slots[index].generation << 32 | index;
    err_t e = c->local != NULL ? intake_submit(c->local, j, done, c) : enqueue(c, j);
    if (e != ERR_OK) {
        slot_give(c, index);
        return e;
    }
    c->slots[index].fn = fn;
    c->slots[index].owner = owner;
    c->slots[index].sent = false;
    return ERR_OK;
}

struct sending {
    uv_write_t req;
    uint8_t *octets;
    size_t n;
};

static void sent_cb(uv_write_t *req, int status)
{
    (void)status; /* the read side notices a broken pair */
    struct sending *s = (struct sending *)req;
    ct_wipe(s->octets, s->n);
    free(s->octets);
    free(s);
}

static void send_rest(struct channel *c, size_t from)
{
    struct sending *s = malloc(sizeof(*s));
    uint8_t *copy = malloc(c->out.n - from);
    if (s == NULL || copy == NULL) {
        abort(); /* half a frame went out: there is no way on but a restart by the supervisor */
    }
    s->octets = copy;
    s->n = c->out.n - from;
    memcpy(copy, c->out.p + from, s->n);
    uv_buf_t b = uv_buf_init((char *)copy, (unsigned)s->n);
    if (uv_write(&s->req, (uv_stream_t *)c->pipe, &b, 1, sent_cb) != 0) {
        sent_cb(&s->req, 0);
    }
}

void channel_flush(struct channel *c)
{
    if (c->out.n == 0 || c->pipe == NULL) {
        return;
    }
    for (size_t i = 0; i < c->slots_n; i++) {
        c->slots[i].sent = c->slots[i].fn != NULL;
    }
    uv_buf_t b = uv_buf_init((char *)c->out.p, (unsigned)c->out.n);
    int n = uv_try_write((uv_stream_t *)c->pipe, &b, 1);
    size_t at = n > 0 ? (size_t)n : 0;
    if (at < c->out.n) {
        send_rest(c, at);
    }
    ct_wipe(c->out.p, c->out.n);
    c->out.n = 0;
}

/* -- receiving ------------------------------------------------------------------------------------- */
static void free_handle(uv_handle_t *h)
{
    free(h);
}

static void disconnect(struct channel *c)
{
    log_event(ERR_LEVEL_WARN, "writer-lost", NULL, 0);
    uv_close((uv_handle_t *)c->pipe, free_handle);
    c->pipe = NULL;
    ct_wipe(c->in.p, c->in.n);
    c->in.n = 0;
    lose(c);
}

static void alloc_cb(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct channel *c = h->data;
    if (c->in.cap - c->in.n < READ_ROOM) {
        if (!growing_reserve(&c->in, c->in.cap == 0 ? READ_ROOM * 2 : c->in.cap * 2)) {
            *buf = uv_buf_init(NULL, 0);
            return;
        }
    }
    *buf = uv_buf_init((char *)c->in.p + c->in.n, (unsigned)(c->in.cap - c->in.n));
}

static err_t take_frames(struct channel *c, size_t *at)
{
    for (;;) {
        struct bytes frame;
        struct job_result r;
        size_t used = 0;
        TRY(job_frame(bytes_of(c->in.p + *at, c->in.n - *at), &frame, &used));
        if (used == 0) {
            return ERR_OK;
        }
        err_t e = job_result_parse(frame, &r);
        if (e == ERR_OK) {
            done(c, &r);
        }
        job_result_wipe(&r);
        TRY(e);
        *at += used;
    }
}

static void read_cb(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    struct channel *c = s->data;
    if (n < 0) {
        disconnect(c);
        return;
    }
    c->in.n += (size_t)n;
    c->arrivals++;
    size_t at = 0;
    err_t e = take_frames(c, &at);
    growing_drop(&c->in, at);
    if (e != ERR_OK) {
        log_event(ERR_LEVEL_ERROR, "result-malformed", (struct log_field[]){{"code", text_of(err_code(e))}}, 1);
        disconnect(c);
    }
}

uint64_t channel_arrivals(const struct channel *c)
{
    return c->local != NULL ? c->local->delivered : c->arrivals;
}

void channel_connect(struct channel *c, uv_pipe_t *pipe)
{
    if (c->pipe != NULL) {
        disconnect(c);
    }
    c->pipe = pipe;
    pipe->data = c;
    (void)uv_read_start((uv_stream_t *)pipe, alloc_cb, read_cb);
    channel_flush(c);
}
