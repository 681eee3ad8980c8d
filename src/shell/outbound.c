#include "shell/outbound.h"

#include "shell/outbound_engine.h"
#include "shell/outbound_said.h"

#include <stdlib.h>
#include <string.h>

struct outbound {
    uv_loop_t *loop;
    const struct snapshot *snap;
    struct outbound_limits limits;
    struct outbound_site *sites; /* opened with the first request */
    struct outbound_transfer *under_way;
    size_t under_way_n;
    uint64_t serial;
    bool ending;
    size_t open; /* sites whose engine has not closed them */
};

/* -- one transfer -------------------------------------------------------------------------------------- */
static void transfer_free(struct outbound_transfer *t)
{
    *t->at = t->next;
    if (t->next != NULL) {
        t->next->at = t->at;
    }
    t->site->under_way--;
    t->site->o->under_way_n--;
    t->site->engine->forget(t);
    growing_wipe(&t->reply.body); /* there may be a key in it */
    free(t);
}

static struct outbound_transfer *transfer_new(struct outbound_site *s)
{
    struct outbound_transfer *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return NULL;
    }
    t->site = s;
    t->next = s->o->under_way;
    t->at = &s->o->under_way;
    if (t->next != NULL) {
        t->next->at = &t->next;
    }
    s->o->under_way = t;
    s->o->under_way_n++;
    s->under_way++;
    return t;
}

void outbound_finished(struct outbound_transfer *t, err_t e)
{
    const struct outbound_reply *r = &t->reply;
    struct outbound_answer a = {.err = e, .media = MEDIA_N, .body = bytes_empty()};
    if (e == ERR_OK) {
        a.status = r->status;
        a.rsc = r->rsc;
        a.next = r->next;
        a.media = r->media;
        a.body = bytes_of(r->body.p, r->body.n);
    }
    a.rqi = text_of(r->rqi);
    a.location = text_of(r->location);
    t->fn(t->owner, &a);
    transfer_free(t);
}

/* -- targets --------------------------------------------------------------------------------------------- */
void outbound_site_gone(struct outbound_site *s)
{
    struct outbound *o = s->o;
    outbound_key_wipe(&s->key);
    free(s);
    if (--o->open == 0 && o->ending) {
        free(o);
    }
}

static const struct outbound_engine *engine_of(const struct outbound_target *to)
{
    return to->coap ? &outbound_coap_engine : to->peer == NULL ? &outbound_plain_engine : &outbound_curl_engine;
}

static struct outbound_site *site_open(struct outbound *o, const struct outbound_target *to, const struct snapshot_role *as)
{
    struct outbound_site *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->o = o;
    s->loop = o->loop;
    s->snap = o->snap;
    s->peer = to->peer;
    s->as = as;
    s->engine = engine_of(to);
    memcpy(s->host, to->host, sizeof(s->host));
    if (s->engine->open(s) != ERR_OK) {
        free(s);
        return NULL;
    }
    o->open++;
    s->next = o->sites;
    o->sites = s;
    return s;
}

/* An instance with a certificate of its own never asks on a connection of another one. */
static err_t site_of(struct outbound *o, const struct outbound_target *to, const struct snapshot_role *as,
                     struct outbound_site **out)
{
    as = to->peer == NULL ? NULL : outbound_key_role(to->peer, as);
    struct outbound_site *s = o->sites;
    while (s != NULL && (s->engine != engine_of(to) || s->peer != to->peer || s->as != as || strcmp(s->host, to->host) != 0)) {
        s = s->next;
    }
    *out = s != NULL ? s : site_open(o, to, as);
    return *out == NULL ? ERR_LIMIT_BUSY : ERR_OK;
}

err_t outbound_new(uv_loop_t *loop, const struct snapshot *snap, const struct outbound_limits *limits,
                   struct outbound **out)
{
    struct outbound *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    o->loop = loop;
    o->snap = snap;
    o->limits = *limits;
    *out = o;
    return ERR_OK;
}

void outbound_free(struct outbound *o)
{
    o->ending = true;
    while (o->under_way != NULL) {
        transfer_free(o->under_way);
    }
    if (o->open == 0) {
        free(o);
        return;
    }
    for (struct outbound_site *s = o->sites, *next = NULL; s != NULL; s = next) {
        next = s->next;
        s->engine->close(s);
    }
}

/* -- sending ---------------------------------------------------------------------------------------------- */
struct outbound_request outbound_request_to(const struct snapshot_role *as, const struct hop *to, const char *path)
{
    return (struct outbound_request){.as = as, .peer = to->peer[0] != '\0' ? to->peer : NULL, .url = to->url,
                                     .path = to->whole ? NULL : path, .has_from = true, .from = text_of(to->from),
                                     .media = MEDIA_JSON, .accept = MEDIA_JSON};
}

err_t outbound_send(struct outbound *o, const struct outbound_request *rq, outbound_fn *fn, void *owner)
{
    struct outbound_site *s = NULL;
    struct outbound_target to;
    TRY(outbound_target_of(o->snap, rq, &to));
    TRY(site_of(o, &to, rq->as, &s));
    if ((o->limits.all != 0 && o->under_way_n >= o->limits.all) ||
        (o->limits.per_target != 0 && s->under_way >= o->limits.per_target)) {
        return ERR_LIMIT_BUSY;
    }
    struct outbound_transfer *t = transfer_new(s);
    if (t == NULL) {
        return ERR_LIMIT_BUSY;
    }
    t->fn = fn;
    t->owner = owner;
    t->reply.media = MEDIA_N;
    t->reply.body_max = rq->answer_max != 0 ? rq->answer_max : OUTBOUND_BODY_MAX;
    const struct outbound_order order = {
        .rq = rq, .url = to.url, .time = rq->time != 0 ? rq->time : o->snap->limits.fetch_time, .serial = ++o->serial};
    char own[OUTBOUND_SAID_RQI];
    err_t e = TEXT_COPY(outbound_said_rqi(rq, order.serial, own), t->reply.asked);
    e = e == ERR_OK ? s->engine->send(t, &order) : ERR_MALFORMED;
    if (e != ERR_OK) {
        transfer_free(t);
    }
    return e;
}
