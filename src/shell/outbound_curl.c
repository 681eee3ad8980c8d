/* libcurl on the loop: peers, by TLS with the credential of their section. */
#include "shell/client_tls.h"
#include "shell/log.h"
#include "shell/outbound_engine.h"
#include "shell/outbound_said.h"
#include "shell/wiped.h"

#include <curl/curl.h>
#include <stdlib.h>

struct carrier { /* of a site */
    struct outbound_site *site;
    CURLM *multi;
    uv_timer_t timer;
    bool ending;
};

struct ride { /* of a transfer */
    CURL *easy;
    struct curl_slist *headers;
    struct client_tls tls;
    bool once; /* never sent a second time */
    bool sent; /* on a connection that stands, so that it may have been done */
};

struct poll {
    uv_poll_t poll;
    struct carrier *carrier;
    curl_socket_t fd;
};

/* -- what comes ------------------------------------------------------------------------------------------ */
static size_t body_cb(char *p, size_t size, size_t n, void *arg)
{
    struct outbound_transfer *t = arg;
    n *= size;
    return outbound_reply_body(&t->reply, bytes_of((const uint8_t *)p, n)) == ERR_OK ? n : 0;
}

/* A line at a time; the first of each response is its status. */
static size_t head_cb(char *p, size_t size, size_t n, void *arg)
{
    struct outbound_transfer *t = arg;
    n *= size;
    struct text line = text_span(p, n);
    size_t colon = text_find(line, ':');
    if (text_starts(line, "HTTP/")) {
        outbound_reply_begin(&t->reply);
        colon = line.n;
    }
    return outbound_reply_header(&t->reply, text_take(line, colon), text_skip(line, colon + 1)) == ERR_OK ? n : 0;
}

/* When a kept connection ends without a word, libcurl sends any request once more, on a new one. Before each time it asks here. */
static int again_cb(void *arg, char *to, char *from, int to_port, int from_port)
{
    struct ride *x = arg;
    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    bool again = x->sent;
    x->sent = true;
    return again && x->once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static bool is_cut_off(CURLcode code)
{
    return code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE;
}

static err_t outcome(const struct outbound_transfer *t, CURLcode code)
{
    const struct ride *x = t->state;
    if (t->reply.useless) {
        return ERR_PEER_NONSENSE;
    }
    if (x->once && x->sent && (code == CURLE_ABORTED_BY_CALLBACK || (is_cut_off(code) && t->reply.head_n == 0 && x->tls.alert == 0))) {
        return ERR_PEER_LOST;
    }
    err_t e = client_tls_outcome(&x->tls, (int)code);
    if (x->tls.reason != ERR_OK || x->tls.alert != 0) {
        log_event(ERR_LEVEL_WARN, "peer-tls",
                  (struct log_field[]){{"peer", text_of(x->tls.fqdn)}, {"code", text_of(err_code(e))}}, 2);
        return x->tls.reason != ERR_OK ? ERR_PEER_NONSENSE : e == ERR_PEER_FAILING ? e : ERR_PEER_REFUSED;
    }
    if (code == CURLE_WEIRD_SERVER_REPLY || (is_cut_off(code) && code != CURLE_SEND_ERROR)) {
        return ERR_PEER_NONSENSE;
    }
    return e;
}

static void finish(struct outbound_transfer *t, CURLcode code)
{
    long status = 0;
    const struct ride *x = t->state;
    err_t e = outcome(t, code);
    if (e == ERR_OK) {
        (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
        t->reply.status = (unsigned)status;
    }
    outbound_finished(t, e);
}

static void reap(struct carrier *c)
{
    int left = 0;
    CURLMsg *m = NULL;
    while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
        struct outbound_transfer *t = NULL;
        CURLcode code = m->data.result;
        if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK) {
            finish(t, code);
        }
    }
}

/* -- libcurl on the loop --------------------------------------------------------------------------------- */
static void act(struct carrier *c, curl_socket_t fd, int events)
{
    int running = 0;
    (void)curl_multi_socket_action(c->multi, fd, events, &running);
    reap(c);
}

static void poll_cb(uv_poll_t *p, int status, int events)
{
    struct poll *w = (struct poll *)p;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    act(w->carrier, w->fd, flags);
}

static void free_handle(uv_handle_t *h)
{
    free(h);
}

static int socket_cb(CURL *easy, curl_socket_t fd, int what, void *arg, void *attached)
{
    (void)easy;
    struct carrier *c = arg;
    struct poll *w = attached;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            (void)uv_poll_stop(&w->poll);
            (void)curl_multi_assign(c->multi, fd, NULL);
            uv_close((uv_handle_t *)&w->poll, free_handle);
        }
        return 0;
    }
    if (w == NULL) {
        w = calloc(1, sizeof(*w));
        if (w == NULL || uv_poll_init_socket(c->site->loop, &w->poll, fd) != 0) {
            free(w);
            return -1;
        }
        w->carrier = c;
        w->fd = fd;
        (void)curl_multi_assign(c->multi, fd, w);
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
    struct carrier *c = arg;
    if (c->ending) {
        return 0;
    }
    if (ms < 0) {
        (void)uv_timer_stop(&c->timer);
    } else { /* 0: in the next turn, never from inside libcurl's own call */
        (void)uv_timer_start(&c->timer, timer_cb, (uint64_t)ms, 0);
    }
    return 0;
}

static void timer_closed(uv_handle_t *h)
{
    struct carrier *c = h->data;
    struct outbound_site *s = c->site;
    free(c);
    outbound_site_gone(s);
}

static void close_site(struct outbound_site *s)
{
    struct carrier *c = s->state;
    c->ending = true;
    (void)curl_multi_cleanup(c->multi);
    uv_close((uv_handle_t *)&c->timer, timer_closed);
}

static bool set_multi(struct carrier *c)
{
    return c->multi != NULL && curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, socket_cb) == CURLM_OK &&
           curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) == CURLM_OK &&
           curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, timeout_cb) == CURLM_OK &&
           curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) == CURLM_OK &&
           curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)OUTBOUND_CONNECTIONS_MAX) == CURLM_OK &&
           curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)OUTBOUND_CONNECTIONS_MAX) == CURLM_OK;
}

static err_t open_site(struct outbound_site *s)
{
    struct carrier *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return ERR_LIMIT_BUSY;
    }
    c->site = s;
    c->multi = wiped_curl() == ERR_OK ? curl_multi_init() : NULL; /* answers carry keys */
    c->timer.data = c;
    if (!set_multi(c) || uv_timer_init(s->loop, &c->timer) != 0) {
        (void)curl_multi_cleanup(c->multi);
        free(c);
        return ERR_LIMIT_BUSY;
    }
    s->state = c;
    return ERR_OK;
}

/* -- what is asked --------------------------------------------------------------------------------------- */
static bool add_header(void *arg, const char *name, struct text value)
{
    struct ride *x = arg;
    char line[OUTBOUND_HEAD_MAX];
    struct writer w = WRITER_ARRAY(line);
    writer_z(&w, name);
    writer_z(&w, value.n == 0 ? ";" : ": "); /* libcurl: with an empty value */
    writer_text(&w, value);
    struct curl_slist *l = writer_finish_z(&w) != ERR_OK ? NULL : curl_slist_append(x->headers, line);
    x->headers = l != NULL ? l : x->headers;
    return l != NULL;
}

/* Without it libcurl asks a server first whether it may send a long body. */
static bool no_expect(struct ride *x)
{
    x->headers = curl_slist_append(NULL, "Expect:");
    return x->headers != NULL;
}

static bool set_request(struct ride *x, const struct outbound_order *o)
{
    const struct outbound_request *rq = o->rq;
    const char *method = outbound_said_method(rq->op);
    bool ok = method != NULL && no_expect(x) && outbound_said_headers(rq, o->serial, add_header, x) &&
              curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK &&
              curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
    return ok && (!outbound_said_body(rq) ||
                  (curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.n) == CURLE_OK &&
                   curl_easy_setopt(x->easy, CURLOPT_COPYPOSTFIELDS, rq->body.n > 0 ? (const char *)rq->body.p : "") == CURLE_OK));
}

static bool set_transfer(struct outbound_transfer *t, const struct outbound_order *o)
{
    struct ride *x = t->state;
    long ms = o->time < 1000 ? 1 : (long)(o->time / 1000);
    return curl_easy_setopt(x->easy, CURLOPT_URL, o->url) == CURLE_OK && set_request(x, o) &&
           curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, ms) == CURLE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, ms) == CURLE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, body_cb) == CURLE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, t) == CURLE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, head_cb) == CURLE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, t) == CURLE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_PREREQFUNCTION, again_cb) == CURLE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_PREREQDATA, x) == CURLE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_PRIVATE, t) == CURLE_OK;
}

/* R002-11: a request to a peer leaves only when the association with it stands. */
static err_t apply(struct outbound_site *s, struct ride *x)
{
    TRY(outbound_key_tls(s->peer, s->as, s->snap->env.crypto, &s->key, &x->tls));
    return client_tls_apply(x->easy, &x->tls);
}

static err_t send_one(struct outbound_transfer *t, const struct outbound_order *o)
{
    struct carrier *c = t->site->state;
    struct ride *x = calloc(1, sizeof(*x));
    t->state = x;
    if (x == NULL || (x->easy = curl_easy_init()) == NULL) {
        return ERR_LIMIT_BUSY;
    }
    x->tls = (struct client_tls){.fqdn = t->site->host};
    x->once = outbound_said_once(o->rq);
    TRY(apply(t->site, x));
    TRY(set_transfer(t, o) ? ERR_OK : ERR_MALFORMED);
    return curl_multi_add_handle(c->multi, x->easy) == CURLM_OK ? ERR_OK : ERR_LIMIT_BUSY;
}

/* The handle is given back to libcurl: its buffers had keys in them, and are wiped when they go. */
static void forget_one(struct outbound_transfer *t)
{
    struct carrier *c = t->site->state;
    struct ride *x = t->state;
    if (x == NULL) {
        return;
    }
    if (x->easy != NULL) {
        (void)curl_multi_remove_handle(c->multi, x->easy);
        curl_easy_cleanup(x->easy);
    }
    client_tls_forget(&x->tls);
    curl_slist_free_all(x->headers);
    free(x);
}

const struct outbound_engine outbound_curl_engine = {open_site, send_one, forget_one, close_site};
