#include "shell/outbound_target.h"

#include "wire/ipaddr.h"

#include <string.h>

/* One that libcurl takes as it stands: visible ASCII, no fragment, no user name. */
static bool is_visible(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] <= ' ' || t.p[i] > '~' || t.p[i] == '#' || t.p[i] == '\\') {
            return false;
        }
    }
    return true;
}

/* As the operator wrote it, so that each spelling of it is the same target, with the same limits. */
static bool find_listed(const struct snapshot *snap, struct text *host)
{
    struct text list = snap->points;
    struct text part;
    while (text_next(&list, ',', &part)) {
        if (text_eq_nocase(part, *host)) {
            *host = part;
            return true;
        }
    }
    return false;
}

static const struct scheme {
    const char *name;
    bool tls, coap;
} schemes[] = {{"https://", true, false}, {"http://", false, false}, {"coaps://", true, true}, {"coap://", false, true}};

static const struct scheme *scheme_of(struct text url)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct text name = text_of(schemes[i].name);
        if (text_eq_nocase(text_take(url, name.n), name)) {
            return &schemes[i];
        }
    }
    return NULL;
}

/* An authority answers our own questions with other people's keys, and another CSE takes what we say for what this CSE says: no
 * word of a requester leads a request there. Who is to be told there is named by his address (cse_hop.h). */
static bool is_for_urls(const struct snapshot_peer *p)
{
    return p != NULL && strcmp(p->kind, "cse") == 0 && p->csi == NULL;
}

/* For CoAP: a name would have to be looked up, and that blocks. */
static bool is_in_digits(struct text address)
{
    struct ipaddr ip;
    struct text host = text_take(address, text_find_last(address, ':'));
    if (text_starts(host, "[")) {
        host = text_take(text_skip(host, 1), text_find(host, ']') - 1);
    }
    return ipaddr_parse(host, &ip) == ERR_OK;
}

/* Takes scheme and host off a URL; what is left is its path. */
static err_t take_host(const struct snapshot *snap, struct text *url, struct outbound_target *out)
{
    const struct scheme *s = scheme_of(*url);
    if (s == NULL) {
        return ERR_DENIED_OUTBOUND;
    }
    *url = text_skip(*url, text_of(s->name).n);
    struct text host = text_take(*url, text_find(*url, '/'));
    *url = text_skip(*url, host.n);
    out->coap = s->coap;
    if (s->tls) {
        host = text_take(host, text_find(host, ':')); /* the port is the one that is configured */
    } else if (!find_listed(snap, &host)) {
        return ERR_DENIED_OUTBOUND;
    }
    TRY(TEXT_COPY(host, out->host) == ERR_OK ? ERR_OK : ERR_DENIED_OUTBOUND);
    out->peer = s->tls ? snapshot_peer_of(snap, out->host) : NULL;
    TRY(!s->tls || is_for_urls(out->peer) ? ERR_OK : ERR_DENIED_OUTBOUND);
    return !s->coap || is_in_digits(s->tls ? text_of(out->peer->address) : host) ? ERR_OK : ERR_DENIED_OUTBOUND;
}

static err_t write_url(struct text base, struct text path, struct outbound_target *out)
{
    struct writer w = WRITER_ARRAY(out->url);
    const char *address = out->peer != NULL && !out->coap ? out->peer->address : NULL;
    if (!out->coap) {
        writer_z(&w, out->peer != NULL ? "https://" : "http://");
        writer_z(&w, out->host);
    }
    if (address != NULL) { /* the connection goes to `address` whatever stands here */
        struct text a = text_of(address);
        writer_text(&w, text_skip(a, text_find_last(a, ':')));
    }
    if (path.n > 0 && base.n > 0 && base.p[base.n - 1] == '/') {
        base.n--;
    }
    writer_text(&w, base);
    writer_text(&w, path);
    if (base.n + path.n == 0) {
        writer_z(&w, "/");
    }
    return writer_finish_z(&w);
}

err_t outbound_target_of(const struct snapshot *snap, const struct outbound_request *rq, struct outbound_target *out)
{
    struct text base = text_of(rq->url);
    struct text path = text_of(rq->path);
    if (!is_visible(base) || !is_visible(path) || (path.n > 0 && path.p[0] != '/')) {
        return ERR_MALFORMED;
    }
    *out = (struct outbound_target){.peer = NULL};
    if (rq->peer != NULL) {
        out->peer = snapshot_peer_of(snap, rq->peer);
        TRY(out->peer == NULL ? ERR_DENIED_PEER : TEXT_COPY(text_of(out->peer->fqdn), out->host));
    } else {
        TRY(take_host(snap, &base, out));
        TRY(out->peer == NULL ? ERR_OK : TEXT_COPY(text_of(out->peer->fqdn), out->host));
    }
    return write_url(base, path, out);
}

err_t outbound_target_check(const struct snapshot *snap, const char *url)
{
    struct outbound_target to;
    struct outbound_request rq = {.url = url};
    return outbound_target_of(snap, &rq, &to);
}
