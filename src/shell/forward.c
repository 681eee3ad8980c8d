#include "shell/forward.h"

#include "shell/clock.h"
#include "shell/outbound.h"

#include <stdlib.h>

struct forward {
    struct conn *c;
    forward_fn *fn;
    usec_t expires;
    bool whole; /* of the hop */
};

static void answered(void *owner, const struct outbound_answer *a)
{
    struct forward *f = owner;
    bool body = a->media == MEDIA_JSON || a->media == MEDIA_CBOR;
    struct primitive_response r = {.rsc = a->rsc,
                                   .location = a->location,
                                   .body = body ? a->body : bytes_empty(),
                                   .media = body ? a->media : MEDIA_JSON,
                                   .next = a->next};
    err_t e = a->err;
    if (f->whole && r.rsc == 0 && a->status / 100 == 2) {
        r.rsc = 2000;
    }
    e = e == ERR_OK && r.rsc == 0 ? ERR_PEER_NONSENSE : e;
    e = e != ERR_OK && f->expires <= clock_now() ? ERR_REQUEST_EXPIRED : e;
    f->fn(f->c, e, &r);
    free(f);
}

err_t forward_send(struct conn *c, const struct primitive *p, const struct hop *to, usec_t now, forward_fn *fn)
{
    char path[OUTBOUND_PATH_MAX];
    struct writer w = WRITER_ARRAY(path);
    usec_t most = c->w->snap->limits.fetch_time;
    struct forward *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return ERR_LIMIT_BUSY;
    }
    *f = (struct forward){.c = c, .fn = fn, .expires = primitive_end(p, now), .whole = to->whole};
    writer_text(&w, p->path);
    writer_z(&w, p->query.n > 0 ? "?" : "");
    writer_text(&w, p->query);
    struct outbound_request rq = outbound_request_to(conn_role(c), to, path);
    rq.op = p->op;
    rq.ty = p->ty;
    rq.rqi = p->rqi;
    rq.rvi = p->rvi;
    rq.authorization = !to->whole && p->tokens.n > 0 ? p->authorization : text_empty(); /* never to an application */
    rq.expires = f->expires;
    rq.media = p->media;
    rq.body = p->content;
    rq.time = f->expires - now < most ? f->expires - now : most;
    rq.answer_max = WORKER_BODY_MAX;
    err_t e = writer_finish_z(&w);
    e = e == ERR_OK ? outbound_send(c->w->notices, &rq, answered, f) : e;
    if (e != ERR_OK) {
        free(f);
    }
    return e;
}
