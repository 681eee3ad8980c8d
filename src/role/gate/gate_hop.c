#include "role/gate/gate_hop.h"

#include "role/detail.h"
#include "role/gate/gate_from.h"

#include <string.h>

static bool may_notify(const struct gate_ctx *g, const struct ipaddr *ip)
{
    for (size_t i = 0; i < g->notifiers_n; i++) {
        if (ipaddr_in(ip, &g->notifiers[i])) {
            return true;
        }
    }
    return false;
}

static bool take_segment(struct text *rest, struct text *out)
{
    *rest = text_starts(*rest, "/") ? text_skip(*rest, 1) : *rest;
    *out = text_take(*rest, text_find(*rest, '/'));
    *rest = text_skip(*rest, out->n);
    return out->n > 0;
}

/* /http/HOST/PORT/rest and /https/FQDN/rest: a colon is no character of an address of oneM2M. */
static err_t url_of(struct text path, char url[static 512])
{
    struct writer w = writer_of(url, 512);
    struct text scheme = text_empty(), host = text_empty(), port = text_empty();
    bool ok = take_segment(&path, &scheme) && take_segment(&path, &host);
    writer_text(&w, scheme);
    writer_z(&w, "://");
    writer_text(&w, host);
    if (text_eq_z(scheme, "http")) {
        ok = ok && take_segment(&path, &port);
        writer_z(&w, ":");
        writer_text(&w, ok ? port : text_empty());
    } else {
        ok = ok && text_eq_z(scheme, "https");
    }
    writer_text(&w, path);
    return ok ? writer_finish_z(&w) : ERR_NOT_FOUND;
}

/* From the CSE behind to an AE. Where to is the requester's word, so it must be on the operator's list. */
static err_t notification(const struct gate_ctx *g, const struct request *rq, struct hop *out, char *detail)
{
    const struct primitive *p = rq->prim;
    if (p->op != OP_NOTIFY || !may_notify(g, &rq->ip)) {
        return detail_fail(detail, ERR_DENIED_NO_ASSOCIATION, "[gate] notify-from", text_empty());
    }
    TRY(url_of(p->path, out->url));
    if (!role_may_call(&g->cse.env, out->url)) {
        return detail_fail(detail, ERR_DENIED_OUTBOUND, "target", text_take(text_of(out->url), 64));
    }
    out->whole = true;
    return TEXT_COPY(p->has_from ? p->from : text_of(g->cse.csi.z), out->from);
}

static err_t next(const struct gate_ctx *g, const struct request *rq, struct txn *t, struct hop *out, char *detail)
{
    struct m2mid from;
    const struct primitive *p = rq->prim;
    memset(out, 0, sizeof(*out));
    detail[0] = '\0';
    if (p->unsupported) { /* it would be lost on the way */
        return detail_fail(detail, ERR_NOT_IMPLEMENTED, "parameter", text_of(p->unsupported_name));
    }
    TRY(p->expires <= rq->now ? ERR_REQUEST_EXPIRED : ERR_OK);
    TRY(media_is_content(p->media) ? ERR_OK : ERR_MEDIA_TYPE);
    if (rq->assoc->peer == PEER_PLAIN) {
        return notification(g, rq, out, detail);
    }
    TRY(gate_from_check(g, rq, t, &from, detail));
    TRY(TEXT_COPY(text_of(from.z), out->from));
    return TEXT_COPY(text_of(g->behind), out->url);
}

err_t gate_hop_next(const void *ctx, const struct request *rq, struct txn *t, struct hop *out)
{
    char detail[ROLE_DETAIL_MAX];
    return next(ctx, rq, t, out, detail);
}

err_t gate_hop_refuse(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct hop to;
    TRY(next(ctx, rq, t, &to, rs->detail));
    return ERR_LIMIT_BUSY; /* it may pass, but not now: the server is ending */
}
