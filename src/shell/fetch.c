#include "shell/fetch.h"

#include "base/ct.h"
#include "shell/client_tls.h"
#include "shell/log.h"
#include "shell/wiped.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct site { /* one peer, asked under one name: its own multi handle, so its own connections (design 8) */
    struct site *next;
    struct fetch *f;
    const struct snapshot_peer *peer;
    const struct snapshot_role *as; /* NULL: with the certificate that the peer's section gives */
    CURLM *multi;
    uv_timer_t timer;
};

struct fetch {
    uv_loop_t *loop;
    const struct snapshot *snap;
    struct site *sites; /* opened with the first question */
    struct transfer *under_way;
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
    fetch_fn *fn;
    void *owner;
    bool too_large;
    size_t head_n;
    size_t n;
    uint8_t body[FETCH_BODY_MAX];
};

struct watch {
    uv_poll_t poll;
    struct site *site;
    curl_socket_t fd;
};

/* -- one transfer -------------------------------------------------------------------------------------- */
static void transfer_free(struct transfer *t)
{
    *t->at = t->next;
    if (t->next != NULL) {
        t->next->at = t->at;
    }
    if (t->easy != NULL) {
        (void)curl_multi_remove_handle(t->site->multi, t->easy);
        curl_easy_cleanup(t->easy);
    }
    client_tls_forget(&t->tls);
    curl_slist_free_all(t->headers);
    ct_wipe(t->body, t->n); /* there is a key in it */
    free(t);
}

static size_t body_cb(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    n *= size;
    if (n > sizeof(t->body) - t->n) {
        t->too_large = true;
        return 0;
    }
    memcpy(t->body + t->n, p, n);
    t->n += n;
    return n;
}

/* Headers that never end would be kept by libcurl until the time is up. */
static size_t head_cb(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    (void)p;
    t->head_n += size * n;
    t->too_large = t->too_large || t->head_n > FETCH_HEAD_MAX;
    return t->too_large ? 0 : size * n;
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
    struct answer a = {.err = outcome(t, code), .body = bytes_empty()};
    if (a.err == ERR_OK) {
        (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        a.status = (unsigned)status;
        a.body = bytes_of(t->body, t->n);
    }
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
        if (w == NULL || uv_poll_init_socket(s->f->loop, &w->poll, fd) != 0) {
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
    if (s->f->ending) {
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
    struct fetch *f = s->f;
    free(s);
    if (--f->open == 0 && f->ending) {
        free(f);
    }
}

static void site_close(struct site *s)
{
    (void)curl_multi_cleanup(s->multi);
    uv_close((uv_handle_t *)&s->timer, timer_closed);
}

static struct site *site_open(struct fetch *f, const struct snapshot_peer *peer, const struct snapshot_role *as)
{
    struct site *s = calloc(1, sizeof(*s));
    if (s == NULL || uv_timer_init(f->loop, &s->timer) != 0) {
        free(s);
        return NULL;
    }
    f->open++;
    s->f = f;
    s->peer = peer;
    s->as = as;
    s->multi = curl_multi_init();
    s->timer.data = s;
    bool ok = s->multi != NULL && curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, socket_cb) == CURLM_OK &&
              curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s) == CURLM_OK &&
              curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, timeout_cb) == CURLM_OK &&
              curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s) == CURLM_OK &&
              curl_multi_setopt(s->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 16L) == CURLM_OK &&
              curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, 16L) == CURLM_OK;
    if (!ok) {
        site_close(s);
        return NULL;
    }
    s->next = f->sites;
    f->sites = s;
    return s;
}

err_t fetch_new(uv_loop_t *loop, const struct snapshot *snap, struct fetch **out)
{
    struct fetch *f = calloc(1, sizeof(*f));
    if (f == NULL || wiped_curl() != ERR_OK) { /* answers carry keys */
        free(f);
        return ERR_LIMIT_CAPACITY;
    }
    f->loop = loop;
    f->snap = snap;
    *out = f;
    return ERR_OK;
}

void fetch_free(struct fetch *f)
{
    f->ending = true;
    while (f->under_way != NULL) {
        transfer_free(f->under_way);
    }
    if (f->open == 0) {
        free(f);
        return;
    }
    for (struct site *s = f->sites, *next = NULL; s != NULL; s = next) {
        next = s->next;
        site_close(s);
    }
}

/* -- asking ---------------------------------------------------------------------------------------------- */
static bool is_visible(const char *z)
{
    const char *p = z;
    while (*p > ' ' && *p <= '~' && *p != '#') {
        p++;
    }
    return *p == '\0' && p != z;
}

static bool add_header(struct transfer *t, const char *name, const char *value)
{
    char line[M2MID_MAX + 64];
    int n = snprintf(line, sizeof(line), "%s: %s", name, value);
    struct curl_slist *l = n < 0 || (size_t)n >= sizeof(line) ? NULL : curl_slist_append(t->headers, line);
    t->headers = l != NULL ? l : t->headers;
    return l != NULL;
}

static bool set_request(struct transfer *t, const struct question *q)
{
    char url[1024];
    char ri[32];
    const char *port = strrchr(t->site->peer->address, ':');
    int n = snprintf(url, sizeof(url), "https://%s%s%s", t->site->peer->fqdn, port == NULL ? "" : port, q->path);
    (void)snprintf(ri, sizeof(ri), "q%llu", (unsigned long long)++t->site->f->serial);
    long ms = (long)(t->site->f->snap->limits.fetch_time / 1000);
    return n > 0 && (size_t)n < sizeof(url) && q->path[0] == '/' && is_visible(q->path) && is_visible(q->origin) &&
           add_header(t, "X-M2M-Origin", q->origin) && add_header(t, "X-M2M-RI", ri) &&
           add_header(t, "X-M2M-RVI", "3") && add_header(t, "Accept", "application/json") &&
           curl_easy_setopt(t->easy, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, ms) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, ms) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, body_cb) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, head_cb) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK;
}

/* An instance with a certificate of its own never asks on a connection of another one. */
static err_t site_of(struct fetch *f, const char *fqdn, const struct snapshot_role *as, struct site **out)
{
    const struct snapshot_peer *p = snapshot_peer_of(f->snap, fqdn);
    if (p == NULL) {
        return ERR_DENIED_PEER;
    }
    as = as->certificate == NULL ? NULL : as;
    struct site *s = f->sites;
    while (s != NULL && (s->peer != p || s->as != as)) {
        s = s->next;
    }
    *out = s != NULL ? s : site_open(f, p, as);
    return *out == NULL ? ERR_LIMIT_BUSY : ERR_OK;
}

static struct transfer *transfer_new(struct site *s)
{
    struct transfer *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return NULL;
    }
    t->site = s;
    t->next = s->f->under_way;
    t->at = &s->f->under_way;
    if (t->next != NULL) {
        t->next->at = &t->next;
    }
    s->f->under_way = t;
    t->easy = curl_easy_init();
    t->tls = (struct client_tls){
        .certificate = s->as != NULL ? s->as->certificate : s->peer->certificate,
        .key = s->as != NULL ? s->as->key : s->peer->key,
        .fqdn = s->peer->fqdn,
        .address = s->peer->address,
        .trust = s->peer->trust,
        .trust_store = s->peer->trust_store,
        .ocsp = s->peer->ocsp,
    };
    return t;
}

err_t fetch_get(struct fetch *f, const struct snapshot_role *as, const struct question *q, fetch_fn *fn, void *owner)
{
    struct site *s = NULL;
    TRY(site_of(f, q->peer, as, &s));
    struct transfer *t = transfer_new(s);
    if (t == NULL) {
        return ERR_LIMIT_BUSY;
    }
    t->fn = fn;
    t->owner = owner;
    bool ok = t->easy != NULL && client_tls_apply(t->easy, &t->tls) == ERR_OK && set_request(t, q) &&
              curl_multi_add_handle(s->multi, t->easy) == CURLM_OK;
    if (!ok) {
        transfer_free(t);
        return ERR_LIMIT_BUSY;
    }
    return ERR_OK;
}
