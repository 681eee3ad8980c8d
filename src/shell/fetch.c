#include "shell/fetch.h"

#include "shell/outbound.h"

#include <stdlib.h>

struct fetch {
    struct outbound *out;
    struct pending *pending;
};

struct pending {
    struct pending *next, **at;
    fetch_fn *fn;
    void *owner;
};

static void pending_free(struct pending *p)
{
    *p->at = p->next;
    if (p->next != NULL) {
        p->next->at = p->at;
    }
    free(p);
}

err_t fetch_new(uv_loop_t *loop, const struct snapshot *snap, struct fetch **out)
{
    const struct outbound_limits none = {0}; /* who asks counts the handshakes that wait */
    struct fetch *f = calloc(1, sizeof(*f));
    err_t e = f == NULL ? ERR_LIMIT_CAPACITY : outbound_new(loop, snap, &none, &f->out);
    if (e != ERR_OK) {
        free(f);
        return e;
    }
    *out = f;
    return ERR_OK;
}

void fetch_free(struct fetch *f)
{
    outbound_free(f->out);
    while (f->pending != NULL) {
        pending_free(f->pending);
    }
    free(f);
}

static void answered(void *owner, const struct outbound_answer *x)
{
    struct pending *p = owner;
    const struct answer a = {.err = x->err, .status = x->status, .body = x->body};
    p->fn(p->owner, &a);
    pending_free(p);
}

err_t fetch_get(struct fetch *f, const struct snapshot_role *as, const struct question *q, fetch_fn *fn, void *owner)
{
    struct outbound_request rq = {.as = as, .peer = q->peer, .path = q->path, .op = OP_RETRIEVE, .has_from = true,
                                  .from = text_of(q->origin), .answer_max = FETCH_BODY_MAX};
    if (q->body.n > 0) {
        rq.peer = q->to_peer ? q->peer : NULL;
        rq.path = q->to_peer ? q->path : NULL;
        rq.url = q->to_peer ? NULL : q->peer;
        rq.op = q->update ? OP_UPDATE : OP_NOTIFY;
        rq.media = rq.accept = q->media;
        rq.body = q->body;
    }
    struct pending *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return ERR_LIMIT_BUSY;
    }
    p->fn = fn;
    p->owner = owner;
    p->next = f->pending;
    p->at = &f->pending;
    if (p->next != NULL) {
        p->next->at = &p->next;
    }
    f->pending = p;
    err_t e = outbound_send(f->out, &rq, answered, p);
    if (e != ERR_OK) {
        pending_free(p);
    }
    return e;
}
