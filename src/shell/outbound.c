#include "shell/outbound.h"

#include "shell/client_tls.h"
#include "shell/growing.h"
#include "shell/log.h"
#include "shell/outbound_key.h"
#include "shell/outbound_target.h"
#include "shell/wiped.h"
#include "wire/timestamp.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 32 /* of a site: what is asked at once is committed at once by who answers, so few cost him more */

struct site { /* one target, asked under one name: its own multi handle, so its own connections (design 8) */
    struct site *next;
    struct outbound *o;
    const struct snapshot_peer *peer; /* NULL: plain HTTP to `host` */
    const struct snapshot_role *as;   /* NULL: with the credential that the peer's section gives */
    char host[OUTBOUND_TARGET_HOST];
    struct outbound_key key; /* of the peer */
    size_t under_way;
    CURL *rested[CONNECTIONS_MAX]; /* of plain ones, to be used again: making one costs as much as a request */
    size_t rested_n;
    CURLM *multi;
    uv_timer_t timer;
};

struct outbound {
    uv_loop_t *loop;
    const struct snapshot *snap;
    struct outbound_limits limits;
    struct site *sites; /* opened with the first request */
    struct transfer *under_way;
    size_t under_way_n;
    uint64_t serial;
    bool ending;
    size_t open; /* timers that libuv still knows */
};

struct transfer {
    struct transfer *next, **at;
    struct site *site;
    CURL *easy;
    struct curl_slist *headers;
    struct client_tls tls;
    outbound_fn *fn;
    void *owner;
    bool too_large;
    size_t head_n, body_max;
    struct growing body;
    uint16_t rsc;
    uint32_t part;
    enum media media;
    char rqi[M2MID_MAX];
    char location[M2MID_MAX * 2];
};

struct watch {
    uv_poll_t poll;
    struct site *site;
    curl_socket_t fd;
};

/* -- one transfer -------------------------------------------------------------------------------------- */
/* Those of peers are given back to libcurl: their buffers had keys in them, and are wiped when they go. */
static void easy_rest(struct site *s, CURL *easy)
{
    (void)curl_multi_remove_handle(s->multi, easy);
    if (s->peer != NULL || s->rested_n == ARRAY_LEN(s->rested)) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy);
    s->rested[s->rested_n++] = easy;
}

static void transfer_free(struct transfer *t)
{
    *t->at = t->next;
    if (t->next != NULL) {
        t->next->at = t->at;
    }
    t->site->under_way--;
    t->site->o->under_way_n--;
    if (t->easy != NULL) {
        easy_rest(t->site, t->easy);
    }
    client_tls_forget(&t->tls);
    curl_slist_free_all(t->headers);
    growing_wipe(&t->body); /* there may be a key in it */
    free(t);
}

static size_t body_cb(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    n *= size;
    size_t want = t->body.n + n;
    size_t twice = t->body.cap * 2 < t->body_max ? t->body.cap * 2 : t->body_max;
    if (n > t->body_max - t->body.n ||
        (want > t->body.cap && !growing_reserve(&t->body, want > twice ? want : twice))) {
        t->too_large = true;
        return 0;
    }
    memcpy(t->body.p + t->body.n, p, n);
    t->body.n += n;
    return n;
}

static void header_take(struct transfer *t, struct text line)
{
    size_t colon = text_find(line, ':');
    struct text name = text_take(line, colon);
    struct text value = text_trim(text_skip(line, colon + 1), " \t\r\n");
    uint64_t n = 0;
    if (text_starts(line, "HTTP/")) { /* of the last response, when there are several */
        t->rsc = 0;
        t->part = 0;
        t->media = MEDIA_N;
        t->rqi[0] = t->location[0] = '\0';
    } else if (text_eq_nocase(name, text_of("X-M2M-RSC")) && text_u64(value, 65535, &n) == ERR_OK) {
        t->rsc = (uint16_t)n;
    } else if (text_eq_nocase(name, text_of("X-M2M-CTO")) && text_u64(value, UINT32_MAX, &n) == ERR_OK) {
        t->part = (uint32_t)n;
    } else if (text_eq_nocase(name, text_of("X-M2M-RI")) && TEXT_COPY(value, t->rqi) != ERR_OK) {
        t->rqi[0] = '\0';
    } else if (text_eq_nocase(name, text_of("Content-Location")) && TEXT_COPY(value, t->location) != ERR_OK) {
        t->location[0] = '\0';
    } else if (text_eq_nocase(name, text_of("Content-Type")) &&
               media_parse(text_trim(text_take(value, text_find(value, ';')), " \t"), &t->media) != ERR_OK) {
        t->media = MEDIA_N;
    }
}

/* Headers that never end would be kept by libcurl until the time is up. */
static size_t head_cb(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    n *= size;
    t->head_n += n;
    t->too_large = t->too_large || t->head_n > OUTBOUND_HEAD_MAX;
    header_take(t, text_span(p, n));
    return t->too_large ? 0 : n;
}

static err_t outcome(const struct transfer *t, CURLcode code)
{
    if (t->too_large) {
        return ERR_PEER_NONSENSE;
    }
    err_t e = client_tls_outcome(&t->tls, (int)code);
    if (t->tls.reason != ERR_OK || t->tls.alert != 0) {
        log_event(ERR_LEVEL_WARN, "peer-tls",
                  (struct log_field[]){{"peer", text_of(t->tls.fqdn)}, {"code", text_of(err_code(e))}}, 2);
        return t->tls.reason != ERR_OK ? ERR_PEER_NONSENSE : ERR_PEER_REFUSED;
    }
    if (code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING ||
        code == CURLE_PARTIAL_FILE) {
        return ERR_PEER_NONSENSE;
    }
    return e;
}

static void finish(struct transfer *t, CURLcode code)
{
    long status = 0;
    struct outbound_answer a = {.err = outcome(t, code), .media = MEDIA_N, .body = bytes_empty()};
    if (a.err == ERR_OK) {
        (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        a.status = (unsigned)status;
        a.rsc = t->rsc;
        a.next = t->part;
        a.media = t->media;
        a.body = bytes_of(t->body.p, t->body.n);
    }
    a.rqi = text_of(t->rqi);
    a.location = text_of(t->location);
    t->fn(t->owner, &a);
    transfer_free(t);
}

static void reap(struct site *s)
{
    int left = 0;
    CURLMsg *m = NULL;
    while ((m = curl_multi_info_read(s->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        CURLcode code = m->data.result;
        if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK) {
            finish(t, code);
        }
    }
}

/* -- libcurl on the loop --------------------------------------------------------------------------------- */
static void act(struct site *s, curl_socket_t fd, int events)
{
    int running = 0;
    (void)curl_multi_socket_action(s->multi, fd, events, &running);
    reap(s);
}

static void poll_cb(uv_poll_t *p, int status, int events)
{
    struct watch *w = (struct watch *)p;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    act(w->site, w->fd, flags);
}

static void free_handle(uv_handle_t *h)
{
    free(h);
}

static int socket_cb(CURL *easy, curl_socket_t fd, int what, void *arg, void *attached)
{
    (void)easy;
    struct site *s = arg;
    struct watch *w = attached;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            (void)uv_poll_stop(&w->poll);
            (void)curl_multi_assign(s->multi, fd, NULL);
            uv_close((uv_handle_t *)&w->poll, free_handle);
        }
        return 0;
    }
    if (w == NULL) {
        w = calloc(1, sizeof(*w));
        if (w == NULL || uv_poll_init_socket(s->o->loop, &w->poll, fd) != 0) {
            free(w);
            return -1;
        }
        w->site = s;
        w->fd = fd;
        (void)curl_multi_assign(s->multi, fd, w);
    }
    int events = (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    (void)uv_poll_start(&w->poll, events, poll_cb);
    return 0;
}

static void timer_cb(uv_timer_t *h)
{
    act(h->data, CURL_SOCKET_TIMEOUT, 0);
}

static int timeout_cb(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    struct site *s = arg;
    if (s->o->ending) {
        return 0;
    }
    if (ms < 0) {
        (void)uv_timer_stop(&s->timer);
    } else { /* 0: in the next turn, never from inside libcurl's own call */
        (void)uv_timer_start(&s->timer, timer_cb, (uint64_t)ms, 0);
    }
    return 0;
}

static void timer_closed(uv_handle_t *h)
{
    struct site *s = h->data;
    struct outbound *o = s->o;
    outbound_key_wipe(&s->key);
    free(s);
    if (--o->open == 0 && o->ending) {
        free(o);
    }
}

static void site_close(struct site *s)
{
    while (s->rested_n > 0) {
        curl_easy_cleanup(s->rested[--s->rested_n]);
    }
    (void)curl_multi_cleanup(s->multi);
    uv_close((uv_handle_t *)&s->timer, timer_closed);
}

static struct site *site_open(struct outbound *o, const struct outbound_target *to, const struct snapshot_role *as)
{
    struct site *s = calloc(1, sizeof(*s));
    if (s == NULL || uv_timer_init(o->loop, &s->timer) != 0) {
        free(s);
        return NULL;
    }
    o->open++;
    s->o = o;
    s->peer = to->peer;
    s->as = as;
    memcpy(s->host, to->host, sizeof(s->host));
    s->multi = curl_multi_init();
    s->timer.data = s;
    bool ok = s->multi != NULL && curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, socket_cb) == CURLM_OK &&
              curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s) == CURLM_OK &&
              curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, timeout_cb) == CURLM_OK &&
              curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s) == CURLM_OK &&
              curl_multi_setopt(s->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS_MAX) == CURLM_OK &&
              curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX) == CURLM_OK;
    if (!ok) {
        site_close(s);
        return NULL;
    }
    s->next = o->sites;
    o->sites = s;
    return s;
}

err_t outbound_new(uv_loop_t *loop, const struct snapshot *snap, const struct outbound_limits *limits,
                   struct outbound **out)
{
    struct outbound *o = calloc(1, sizeof(*o));
    if (o == NULL || wiped_curl() != ERR_OK) { /* answers carry keys */
        free(o);
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
    for (struct site *s = o->sites, *next = NULL; s != NULL; s = next) {
        next = s->next;
        site_close(s);
    }
}

/* -- what is asked --------------------------------------------------------------------------------------- */
static bool add_header(struct transfer *t, const char *name, struct text value)
{
    char line[M2MID_MAX * 2 + 64];
    struct writer w = WRITER_ARRAY(line);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < ' ' || value.p[i] > '~') {
            return false; /* no header of the requester's making */
        }
    }
    writer_z(&w, name);
    writer_z(&w, value.n == 0 ? ";" : ": "); /* libcurl: with an empty value */
    writer_text(&w, value);
    struct curl_slist *l = writer_finish_z(&w) != ERR_OK ? NULL : curl_slist_append(t->headers, line);
    t->headers = l != NULL ? l : t->headers;
    return l != NULL;
}

/* Without it libcurl asks a server first whether it may send a long body. */
static bool no_expect(struct transfer *t)
{
    t->headers = curl_slist_append(NULL, "Expect:");
    return t->headers != NULL;
}

static bool set_headers(struct transfer *t, const struct outbound_request *rq)
{
    char type[64], ri[32], ret[TIMESTAMP_LEN + 2];
    struct writer expires = WRITER_ARRAY(ret);
    int n = snprintf(ri, sizeof(ri), "q%llu", (unsigned long long)++t->site->o->serial);
    bool ok = n > 0 && no_expect(t) && (!rq->has_from || add_header(t, "X-M2M-Origin", rq->from)) &&
              add_header(t, "X-M2M-RI", rq->rqi.n > 0 ? rq->rqi : text_of(ri)) &&
              add_header(t, "X-M2M-RVI", rq->rvi.n > 0 ? rq->rvi : text_of("3")) &&
              add_header(t, "Accept", text_of(media_name(rq->accept)));
    if (rq->expires != 0 && rq->expires != USEC_NEVER) {
        timestamp_write(&expires, rq->expires);
        ok = ok && writer_finish_z(&expires) == ERR_OK && add_header(t, "X-M2M-RET", text_of(ret));
    }
    if (rq->body.n > 0) {
        struct writer w = WRITER_ARRAY(type);
        writer_z(&w, media_name(rq->media));
        if (rq->op == OP_CREATE) {
            writer_z(&w, ";ty=");
            writer_decimal(&w, rq->ty);
        }
        ok = ok && writer_finish_z(&w) == ERR_OK && add_header(t, "Content-Type", text_of(type)) &&
             (rq->media != MEDIA_SOAP || add_header(t, "SOAPAction", text_of("\"\""))); /* SOAP 1.1 6.1.1 */
    }
    return ok && curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

static bool set_method(struct transfer *t, const struct outbound_request *rq)
{
    static const char *const methods[] = {[OP_CREATE] = "POST", [OP_RETRIEVE] = "GET", [OP_UPDATE] = "PUT",
                                          [OP_DELETE] = "DELETE", [OP_NOTIFY] = "POST"};
    if ((unsigned)rq->op >= ARRAY_LEN(methods) || methods[rq->op] == NULL) {
        return false;
    }
    bool ok = curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, methods[rq->op]) == CURLE_OK;
    bool body = rq->body.n > 0 || methods[rq->op][0] == 'P';
    return ok && (!body || (curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.n) == CURLE_OK &&
                            curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, rq->body.n > 0 ? (const char *)rq->body.p : "") == CURLE_OK));
}

static bool set_transfer(struct transfer *t, const char *url, const struct outbound_request *rq)
{
    usec_t time = rq->time != 0 ? rq->time : t->site->o->snap->limits.fetch_time;
    long ms = time < 1000 ? 1 : (long)(time / 1000);
    return curl_easy_setopt(t->easy, CURLOPT_URL, url) == CURLE_OK && set_headers(t, rq) && set_method(t, rq) &&
           curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, ms) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, ms) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, body_cb) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, head_cb) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK;
}

struct outbound_request outbound_request_to(const struct snapshot_role *as, const struct hop *to, const char *path)
{
    return (struct outbound_request){.as = as, .peer = to->peer[0] != '\0' ? to->peer : NULL, .url = to->url,
                                     .path = to->whole ? NULL : path, .has_from = true, .from = text_of(to->from),
                                     .media = MEDIA_JSON, .accept = MEDIA_JSON};
}

/* -- sending ---------------------------------------------------------------------------------------------- */
/* An instance with a certificate of its own never asks on a connection of another one. */
static err_t site_of(struct outbound *o, const struct outbound_target *to, const struct snapshot_role *as,
                     struct site **out)
{
    as = as == NULL || as->certificate == NULL || to->peer == NULL || outbound_key_is_used(to->peer) ? NULL : as;
    struct site *s = o->sites;
    while (s != NULL && (s->peer != to->peer || s->as != as || strcmp(s->host, to->host) != 0)) {
        s = s->next;
    }
    *out = s != NULL ? s : site_open(o, to, as);
    return *out == NULL ? ERR_LIMIT_BUSY : ERR_OK;
}

static struct transfer *transfer_new(struct site *s)
{
    struct transfer *t = calloc(1, sizeof(*t));
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
    t->easy = s->rested_n > 0 ? s->rested[--s->rested_n] : curl_easy_init();
    t->tls = (struct client_tls){.fqdn = s->host};
    return t;
}

/* R002-11: a request to a peer leaves only when the association with it stands. */
static err_t apply(struct transfer *t)
{
    struct site *s = t->site;
    const struct snapshot_peer *p = s->peer;
    if (t->easy == NULL) {
        return ERR_LIMIT_BUSY;
    }
    if (p == NULL) {
        return outbound_target_plain(t->easy);
    }
    bool psk = outbound_key_is_used(p);
    TRY(psk ? outbound_key_get(p, s->o->snap->env.crypto, &s->key) : ERR_OK);
    t->tls = (struct client_tls){
        .psk_identity = text_of(psk ? s->key.id.z : NULL),
        .psk = psk ? &s->key.psk : NULL,
        .certificate = s->as != NULL ? s->as->certificate : p->certificate,
        .key = s->as != NULL ? s->as->key : p->key,
        .fqdn = p->fqdn,
        .address = p->address,
        .trust = p->trust,
        .trust_store = p->trust_store,
        .ocsp = p->ocsp,
    };
    return client_tls_apply(t->easy, &t->tls);
}

err_t outbound_send(struct outbound *o, const struct outbound_request *rq, outbound_fn *fn, void *owner)
{
    struct site *s = NULL;
    struct outbound_target to;
    TRY(outbound_target_of(o->snap, rq, &to));
    TRY(site_of(o, &to, rq->as, &s));
    if ((o->limits.all != 0 && o->under_way_n >= o->limits.all) ||
        (o->limits.per_target != 0 && s->under_way >= o->limits.per_target)) {
        return ERR_LIMIT_BUSY;
    }
    struct transfer *t = transfer_new(s);
    if (t == NULL) {
        return ERR_LIMIT_BUSY;
    }
    t->fn = fn;
    t->owner = owner;
    t->media = MEDIA_N;
    t->body_max = rq->answer_max != 0 ? rq->answer_max : OUTBOUND_BODY_MAX;
    err_t e = apply(t);
    e = e == ERR_OK && !set_transfer(t, to.url, rq) ? ERR_MALFORMED : e;
    e = e == ERR_OK && curl_multi_add_handle(s->multi, t->easy) != CURLM_OK ? ERR_LIMIT_BUSY : e;
    if (e != ERR_OK) {
        transfer_free(t);
    }
    return e;
}
