/*
 * The way out against a real HTTP server on loopback: what a request says, who may be called at all, that a target which
 * hangs ends with its deadline and delays nobody, and that what is under way is bounded.
 */
#include "shell/clock.h"
#include "shell/outbound_target.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ANSWER_TO(rqi) \
    "HTTP/1.1 201 Created\r\nX-M2M-RSC: 2001\r\n" rqi "Content-Location: cse-in/x\r\n" \
    "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
#define OTHER "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nX-M2M-RI: other\r\nContent-Length: 2\r\n\r\n{}"
#define KEPT "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nContent-Length: 2\r\n\r\n{}"
#define IN_CHUNKS "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
#define TO_THE_END "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\n\r\n{}"
#define TOO_LARGE "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n"
#define CUT_SHORT "HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\nContent-Length: 3\r\n\r\n{}"

static struct {
    int fd, silent, port, silent_port; /* the silent one takes connections and never says a word */
    unsigned accepted;
    pthread_t thread;
    char seen[4096];
} server;

static struct {
    uv_loop_t loop;
    struct snapshot snap;
    struct outbound *out;
    char points[128], url[64], silent_url[64];
    size_t under_way;
    struct outbound_answer last;
    char body[16], location[32], rqi[16];
} client;

/* -- the server -------------------------------------------------------------------------------------------------- */
enum after { KEEP, CLOSE, FILL };
static const struct {
    const char *path, *octets;
    enum after after;
} behaviours[] = {
    {"/kept", KEPT, KEEP},          {"/chunked", IN_CHUNKS, KEEP}, {"/to-the-end", TO_THE_END, CLOSE},
    {"/cut", CUT_SHORT, CLOSE},     {"/garbage", "SSH-2.0-x\r\n", KEEP}, {"/silence", "", CLOSE},
    {"/large", TOO_LARGE, FILL},    {"/endless", "HTTP/1.1 200 OK\r\n", FILL}, {"/other", OTHER, KEEP},
    {"/base/more?rcn=1", ANSWER_TO("X-M2M-RI: r1\r\n"), CLOSE}, {"", ANSWER_TO(""), CLOSE},
};

/* False: this was the last on the connection. `/late` is kept, and the next on it closes it without a word. */
static bool behave(int fd, const char *asked, bool *late)
{
    char line[1024];
    if (*late) {
        return false;
    }
    *late = strstr(asked, "/late") != NULL;
    size_t i = 0;
    while (strstr(asked, *late ? "" : behaviours[i].path) == NULL) {
        i++;
    }
    (void)send(fd, behaviours[i].octets, strlen(behaviours[i].octets), MSG_NOSIGNAL);
    memset(line, 'x', sizeof(line));
    memcpy(line + sizeof(line) - 4, ": \r\n", 4);
    while (behaviours[i].after == FILL && send(fd, line, sizeof(line), MSG_NOSIGNAL) > 0) {
    }
    return behaviours[i].after == KEEP;
}

static void *serve(void *arg)
{
    (void)arg;
    for (int fd = 0; (fd = accept(server.fd, NULL, NULL)) >= 0; (void)close(fd)) {
        char buf[4096];
        bool late = false;
        ssize_t got = 1;
        server.accepted++;
        for (bool more = true; more && got > 0;) {
            size_t n = 0;
            buf[0] = '\0';
            while (strstr(buf, "\r\n\r\n") == NULL && n < sizeof(buf) - 1 && (got = read(fd, buf + n, sizeof(buf) - 1 - n)) > 0) {
                n += (size_t)got;
                buf[n] = '\0';
            }
            if (got > 0) {
                memcpy(server.seen, buf, n + 1);
                more = behave(fd, buf, &late);
            }
        }
    }
    return NULL;
}

static int listening(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 16) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static int open_both(void **state)
{
    (void)state;
    memset(&server, 0, sizeof(server));
    memset(&client, 0, sizeof(client));
    server.fd = listening(&server.port);
    server.silent = listening(&server.silent_port);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
    (void)snprintf(client.points, sizeof(client.points), "127.0.0.1:%d,127.0.0.1:%d,localhost:%d,127.0.0.1:1,a..b:80", server.port, server.silent_port, server.port);
    (void)snprintf(client.url, sizeof(client.url), "http://127.0.0.1:%d/base/", server.port);
    (void)snprintf(client.silent_url, sizeof(client.silent_url), "http://127.0.0.1:%d", server.silent_port);
    client.snap.points = text_of(client.points);
    client.snap.limits.fetch_time = 5 * USEC_PER_SEC;
    client.snap.peers[0] = (struct snapshot_peer){.fqdn = "mn.keystead.test", .kind = "cse", .address = "127.0.0.1:1"};
    client.snap.peers_n = 1;
    assert_int_equal(uv_loop_init(&client.loop), 0);
    const struct outbound_limits limits = {.all = 3, .per_target = 2};
    assert_int_equal(outbound_new(&client.loop, &client.snap, &limits, &client.out), ERR_OK);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    outbound_free(client.out);
    (void)uv_run(&client.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&client.loop), 0);
    (void)shutdown(server.fd, SHUT_RDWR);
    assert_int_equal(pthread_join(server.thread, NULL), 0);
    (void)close(server.fd);
    (void)close(server.silent);
    return 0;
}

static void answered(void *owner, const struct outbound_answer *a)
{
    (void)owner;
    client.last = *a;
    (void)snprintf(client.body, sizeof(client.body), "%.*s", (int)a->body.n, (const char *)a->body.p);
    (void)snprintf(client.location, sizeof(client.location), "%s", a->location.p);
    (void)snprintf(client.rqi, sizeof(client.rqi), "%s", a->rqi.p);
    client.under_way--;
}

static err_t send_it(const struct outbound_request *rq)
{
    err_t e = outbound_send(client.out, rq, answered, NULL);
    client.under_way += e == ERR_OK;
    return e;
}

static void wait_until(size_t under_way)
{
    while (client.under_way > under_way) {
        (void)uv_run(&client.loop, UV_RUN_ONCE);
    }
}

/* -- time, and a name service that is away ------------------------------------------------------------------- */
static struct {
    uint64_t later; /* ms: how much the clock of the loop is ahead */
    _Atomic bool away; /* no name is found: asked from a thread of libuv */
    _Atomic int no_way; /* so many addresses of each name have no way to them */
} world;

__attribute__((visibility("default"))) uint64_t uv_now(const uv_loop_t *l)
{
    uint64_t (*real)(const uv_loop_t *) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "uv_now");
    return real(l) + world.later;
}

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (world.no_way == 0) {
        return world.away ? EAI_AGAIN : real(name, service, hints, out);
    }
    struct addrinfo **last = out; /* addresses that no connection may begin to, so the kernel says at once */
    for (int i = 0; i < world.no_way; i++) {
        int e = real("255.255.255.255", service, hints, last);
        assert_int_equal(e, 0);
        last = &(*last)->ai_next;
    }
    return world.no_way > 3 ? 0 : real(name, service, hints, last);
}

/* -- a server with many connections, on the loop of the client ----------------------------------------------- */
#define CROWD 200
static struct {
    uv_tcp_t listener;
    struct guest {
        uv_tcp_t tcp;
        uv_timer_t timer;
        char said[1024];
        size_t n;
    } guest[CROWD];
    size_t guests;
    unsigned wait_ms; /* before each answer */
    bool drop;        /* the next request gets none, and its connection ends */
} crowd;

static struct {
    size_t sent, n, ok, last_of_first; /* requests, answers; the latest answer to one of the first 40 */
    size_t more;                       /* to be sent, one with each answer */
    char url[64];
} many;

static void guest_answers(uv_timer_t *t)
{
    struct guest *g = t->data;
    uv_buf_t b = uv_buf_init((char *)(uintptr_t)KEPT, (unsigned)strlen(KEPT));
    (void)uv_try_write((uv_stream_t *)&g->tcp, &b, 1);
}

static void guest_room(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
    struct guest *g = h->data;
    (void)suggested;
    *b = uv_buf_init(g->said + g->n, (unsigned)(sizeof(g->said) - 1 - g->n));
}

static void guest_close(struct guest *g)
{
    if (!uv_is_closing((uv_handle_t *)&g->tcp)) {
        uv_close((uv_handle_t *)&g->tcp, NULL);
        uv_close((uv_handle_t *)&g->timer, NULL);
    }
}

static void guest_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
    struct guest *g = h->data;
    (void)b;
    if (n < 0) {
        guest_close(g);
        return;
    }
    g->n += (size_t)n;
    g->said[g->n] = '\0';
    if (strstr(g->said, "\r\n\r\n") == NULL) {
        return;
    }
    g->n = 0;
    if (crowd.drop) {
        crowd.drop = false;
        guest_close(g);
    } else {
        (void)uv_timer_start(&g->timer, guest_answers, crowd.wait_ms, 0);
    }
}

static void guest_comes(uv_stream_t *h, int status)
{
    assert_true(status == 0 && crowd.guests < CROWD);
    struct guest *g = &crowd.guest[crowd.guests++];
    (void)uv_tcp_init(h->loop, &g->tcp);
    (void)uv_timer_init(h->loop, &g->timer);
    g->tcp.data = g->timer.data = g;
    assert_int_equal(uv_accept(h, (uv_stream_t *)&g->tcp), 0);
    (void)uv_read_start((uv_stream_t *)&g->tcp, guest_room, guest_read);
}

static void many_answered(void *owner, const struct outbound_answer *a);

static void many_send(size_t n, enum op op)
{
    for (; n > 0; n--) {
        const struct outbound_request rq = {.url = many.url, .op = op, .repeatable = true, .time = 3 * USEC_PER_SEC};
        assert_int_equal(outbound_send(client.out, &rq, many_answered, (void *)(uintptr_t)many.sent), ERR_OK);
        many.sent++;
    }
}

static void many_answered(void *owner, const struct outbound_answer *a)
{
    many.n++;
    many.ok += a->err == ERR_OK;
    many.last_of_first = (uintptr_t)owner < 40 ? many.n : many.last_of_first;
    if (many.more > 0) {
        many.more--;
        many_send(1, OP_RETRIEVE);
    }
}

static void many_wait(size_t answers)
{
    while (many.n < answers) {
        (void)uv_run(&client.loop, UV_RUN_ONCE);
    }
}

static int open_crowd(void **state)
{
    struct sockaddr_in a;
    int port = 0;
    (void)open_both(state);
    outbound_free(client.out);
    memset(&crowd, 0, sizeof(crowd));
    memset(&many, 0, sizeof(many));
    int fd = listening(&port);
    assert_int_equal(uv_ip4_addr("127.0.0.1", port, &a), 0);
    assert_int_equal(uv_tcp_init(&client.loop, &crowd.listener), 0);
    assert_int_equal(uv_tcp_open(&crowd.listener, fd), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&crowd.listener, CROWD, guest_comes), 0);
    (void)snprintf(client.points, sizeof(client.points), "localhost:%d", port);
    (void)snprintf(many.url, sizeof(many.url), "http://localhost:%d", port);
    client.snap.points = text_of(client.points);
    const struct outbound_limits none = {0};
    assert_int_equal(outbound_new(&client.loop, &client.snap, &none, &client.out), ERR_OK);
    return 0;
}

static int close_crowd(void **state)
{
    uv_close((uv_handle_t *)&crowd.listener, NULL);
    for (size_t i = 0; i < crowd.guests; i++) {
        guest_close(&crowd.guest[i]);
    }
    world.later = 0;
    return close_both(state);
}

/* -- tests --------------------------------------------------------------------------------------------------------- */
static void a_request_says_what_it_is(void **state)
{
    (void)state;
    struct outbound_request rq = {.url = client.url, .path = "/more?rcn=1", .op = OP_CREATE, .ty = 16, .has_from = true,
                                  .rqi = text_of("r1"), .body = text_bytes(text_of("{\"a\":1}")), .expires = USEC_PER_SEC};
    assert_int_equal(send_it(&rq), ERR_OK);
    wait_until(0);
    assert_int_equal(client.last.err, ERR_OK);
    assert_int_equal(client.last.status, 201);
    assert_int_equal(client.last.rsc, 2001);
    assert_int_equal(client.last.media, MEDIA_JSON);
    assert_string_equal(client.body, "{}");
    assert_string_equal(client.location, "cse-in/x");
    assert_string_equal(client.rqi, "r1");
    assert_ptr_equal(strstr(server.seen, "POST /base/more?rcn=1 HTTP/1.1\r\n"), server.seen);
    static const char *const lines[] = {"\r\nX-M2M-Origin:\r\n", "\r\nX-M2M-RI: r1\r\n", "\r\nX-M2M-RVI: 3\r\n",
                                        "\r\nX-M2M-RET: 19700101T000001\r\n", "\r\nContent-Type: application/json;ty=16\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_non_null(strstr(server.seen, lines[i]));
    }
    assert_null(strstr(server.seen, "Expect"));
    rq = (struct outbound_request){.url = client.url, .op = OP_RETRIEVE, .has_from = true, .from = text_of("/in\r\nEvil: 1")};
    assert_int_equal(send_it(&rq), ERR_MALFORMED);
    rq = (struct outbound_request){.url = client.url, .path = "/a b", .op = OP_RETRIEVE};
    assert_int_equal(send_it(&rq), ERR_MALFORMED);
    rq = (struct outbound_request){.url = client.url, .op = OP_NOTIFY};
    assert_int_equal(send_it(&rq), ERR_OK);
    wait_until(0);
    assert_ptr_equal(strstr(server.seen, "POST /base/ HTTP/1.1\r\n"), server.seen);
    assert_null(strstr(server.seen, "X-M2M-Origin"));
}

static void nobody_is_called_who_was_not_configured(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "http://127.0.0.1:2/", "http://127.0.0.1", "https://other.keystead.test/", "ftp://127.0.0.1:1/", "127.0.0.1:1",
        "file:///etc/passwd", "http://user@127.0.0.1:1/", "", "https://mn.keystead.test.evil/", "http://mn.keystead.test/"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct outbound_request rq = {.url = bad[i], .op = OP_NOTIFY};
        assert_int_equal(send_it(&rq), ERR_DENIED_OUTBOUND);
        assert_int_equal(outbound_target_check(&client.snap, bad[i]), ERR_DENIED_OUTBOUND);
    }
    struct outbound_request rq = {.peer = "other.keystead.test", .path = "/", .op = OP_RETRIEVE};
    assert_int_equal(send_it(&rq), ERR_DENIED_PEER);
    assert_int_equal(outbound_target_check(&client.snap, "https://MN.keystead.test:9999/x"), ERR_OK);
    assert_int_equal(outbound_target_check(&client.snap, client.url), ERR_OK);
}

/* An authority that gives us keys is asked by ourselves alone: no URL leads there, and none over CoAP to a name. */
static void no_url_leads_to_an_authority(void **state)
{
    (void)state;
    static const char *const kinds[] = {"bsf", "maf", "mef"};
    static const char *const urls[] = {"https://a.keystead.test/nbsp-gba/v1/x", "HTTPS://A.keystead.test:1/x", "coaps://a.keystead.test/x"};
    struct snapshot snap = {.points = text_of("localhost:5683,127.0.0.1:5683,[::1]:5683,1.2:5683")};
    struct outbound_target to;
    snap.peers_n = 1;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        snap.peers[0] = (struct snapshot_peer){.fqdn = "a.keystead.test", .kind = kinds[i], .address = "127.0.0.1:1"};
        for (size_t k = 0; k < ARRAY_LEN(urls); k++) {
            assert_int_equal(outbound_target_check(&snap, urls[k]), ERR_DENIED_OUTBOUND);
        }
        const struct outbound_request rq = {.peer = "a.keystead.test", .path = "/x"}; /* a question of ours */
        assert_int_equal(outbound_target_of(&snap, &rq, &to), ERR_OK);
    }
    snap.peers[0].kind = "cse";
    for (size_t k = 0; k < ARRAY_LEN(urls); k++) {
        assert_int_equal(outbound_target_check(&snap, urls[k]), ERR_OK);
    }
    snap.peers[0].csi = "/a"; /* a CSE: it would take a request of a stranger's making for one of this CSE */
    for (size_t k = 0; k < ARRAY_LEN(urls); k++) {
        assert_int_equal(outbound_target_check(&snap, urls[k]), ERR_DENIED_OUTBOUND);
    }
    const struct outbound_request to_a_cse = {.peer = "a.keystead.test", .path = "/~/a/x"};
    assert_int_equal(outbound_target_of(&snap, &to_a_cse, &to), ERR_OK);
    snap.peers[0].csi = NULL;
    snap.peers[0].address = "a.keystead.test:1";
    assert_int_equal(outbound_target_check(&snap, urls[0]), ERR_OK);
    assert_int_equal(outbound_target_check(&snap, urls[2]), ERR_DENIED_OUTBOUND);
    assert_int_equal(outbound_target_check(&snap, "coap://127.0.0.1:5683/x"), ERR_OK);
    assert_int_equal(outbound_target_check(&snap, "coap://[::1]:5683/x"), ERR_OK);
    assert_int_equal(outbound_target_check(&snap, "coap://localhost:5683/x"), ERR_DENIED_OUTBOUND);
    assert_int_equal(outbound_target_check(&snap, "coap://1.2:5683/x"), ERR_DENIED_OUTBOUND);
    assert_int_equal(outbound_target_check(&snap, "http://localhost:5683/x"), ERR_OK);
}

static void no_tokens_over_coap(void **state)
{
    (void)state;
    struct outbound_request rq = {.url = "coap://127.0.0.1:1/x", .op = OP_RETRIEVE, .authorization = text_of("aa.bb.cc")};
    assert_int_equal(send_it(&rq), ERR_NOT_IMPLEMENTED);
    rq.authorization = text_empty();
    assert_int_equal(send_it(&rq), ERR_OK);
}

static void each_spelling_of_a_target_is_one_target(void **state)
{
    (void)state;
    const struct snapshot snap = {.points = text_of("first.keystead.test:1,App.keystead.test:80")};
    static const char *const spelt[] = {"http://App.keystead.test:80/a", "HTTP://APP.KEYSTEAD.TEST:80/a", "http://app.keystead.test:80/a"};
    for (size_t i = 0; i < ARRAY_LEN(spelt); i++) {
        struct outbound_target to;
        const struct outbound_request rq = {.url = spelt[i], .op = OP_NOTIFY};
        assert_int_equal(outbound_target_of(&snap, &rq, &to), ERR_OK);
        assert_string_equal(to.host, "App.keystead.test:80"); /* else each had connections and limits of its own */
        assert_string_equal(to.url, "http://App.keystead.test:80/a");
    }
}

static void a_silent_target_delays_nobody(void **state)
{
    (void)state;
    usec_t began = clock_monotonic();
    const struct outbound_request silent = {.url = client.silent_url, .op = OP_NOTIFY, .time = USEC_PER_SEC * 4 / 10};
    const struct outbound_request good = {.url = client.url, .op = OP_NOTIFY};
    assert_int_equal(send_it(&silent), ERR_OK);
    assert_int_equal(send_it(&silent), ERR_OK);
    assert_int_equal(send_it(&silent), ERR_LIMIT_BUSY); /* two per target */
    assert_int_equal(send_it(&good), ERR_OK);
    assert_int_equal(send_it(&good), ERR_LIMIT_BUSY); /* three in all */
    wait_until(2);
    assert_int_equal(client.last.rsc, 2001);
    assert_true(clock_monotonic() - began < USEC_PER_SEC * 4 / 10);
    wait_until(0);
    assert_int_equal(client.last.err, ERR_PEER_TIMEOUT);
    assert_int_equal(send_it(&silent), ERR_OK); /* and is dropped in the middle */
}

static struct outbound_answer ask(const char *url, const char *path)
{
    const struct outbound_request rq = {.url = url, .path = path, .op = OP_RETRIEVE};
    assert_int_equal(send_it(&rq), ERR_OK);
    assert_int_equal(client.under_way, 1); /* never told from within the call */
    wait_until(0);
    return client.last;
}

static void a_connection_is_used_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(ask(client.url, i % 2 == 0 ? "/kept" : "/chunked").rsc, 2000);
        assert_string_equal(client.body, "{}");
    }
    assert_int_equal(server.accepted, 1);
    assert_null(strstr(server.seen, "Content-Length")); /* a RETRIEVE has no body */
    assert_int_equal(ask(client.url, "/more").rsc, 2001); /* and this one is closed */
    assert_int_equal(ask(client.url, "/to-the-end").rsc, 2000);
    assert_string_equal(client.body, "{}");
    assert_int_equal(server.accepted, 2);
}

/* A server that closes a kept connection just then was not asked: it is asked once more, on a new one. */
static void a_stale_connection_is_no_failure(void **state)
{
    (void)state;
    assert_int_equal(ask(client.url, "/late").rsc, 2000);
    assert_int_equal(server.accepted, 1);
    assert_int_equal(ask(client.url, "/kept").rsc, 2000);
    assert_int_equal(server.accepted, 2);
    assert_int_equal(ask(client.url, "/silence").err, ERR_PEER_NONSENSE); /* on the kept one, then on one of its own */
    assert_int_equal(server.accepted, 3);
}

static void what_is_no_answer(void **state)
{
    (void)state;
    static const char *const paths[] = {"/garbage", "/cut", "/silence", "/large", "/endless"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        assert_int_equal(ask(client.url, paths[i]).err, ERR_PEER_NONSENSE);
    }
    assert_int_equal(ask(client.url, "/kept").rsc, 2000);
}

static void who_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(ask("http://127.0.0.1:1", "/x").err, ERR_PEER_UNREACHABLE);
    assert_int_equal(ask("http://a..b:80", "/x").err, ERR_PEER_UNREACHABLE);
}

static void a_name_is_looked_up(void **state)
{
    (void)state;
    char url[64];
    (void)snprintf(url, sizeof(url), "http://localhost:%d", server.port);
    assert_int_equal(ask(url, "/kept").rsc, 2000); /* ::1 comes first where there is one, and nobody listens there */
    assert_int_equal(ask(url, "/kept?rcn=1").rsc, 2000);
    assert_int_equal(server.accepted, 1);
    assert_ptr_equal(strstr(server.seen, "GET /kept?rcn=1 HTTP/1.1\r\nHost: localhost:"), server.seen);
}

/* More than there are connections: the rest waits its turn, and one that is dropped meanwhile takes nobody along. */
/* An address without a way there is no reason to leave out the next one. */
static void an_address_that_is_refused_at_once(void **state)
{
    (void)state;
    char url[64];
    (void)snprintf(url, sizeof(url), "http://localhost:%d", server.port);
    world.no_way = 2;
    assert_int_equal(ask(url, "/kept").rsc, 2000);
    world.no_way = 4; /* no more are looked at */
    (void)snprintf(url, sizeof(url), "http://LOCALHOST:%d", server.port);
    assert_int_equal(ask(url, "/kept").rsc, 2000); /* the same target, and its connection is still there */
    assert_int_equal(ask("http://a..b:80", "/x").err, ERR_PEER_UNREACHABLE);
    world.no_way = 0;
}

static void more_at_once_than_connections(void **state)
{
    (void)state;
    struct outbound *few = client.out;
    const struct outbound_limits none = {0};
    assert_int_equal(outbound_new(&client.loop, &client.snap, &none, &client.out), ERR_OK);
    struct outbound_request rq = {.url = client.silent_url, .op = OP_NOTIFY, .time = USEC_PER_SEC / 10};
    for (size_t i = 0; i < 40; i++) {
        rq.time += USEC_PER_SEC / 400;
        assert_int_equal(send_it(&rq), ERR_OK);
    }
    wait_until(0);
    assert_int_equal(client.last.err, ERR_PEER_TIMEOUT);
    assert_int_equal(ask(client.url, "/kept").rsc, 2000);
    outbound_free(client.out);
    client.out = few;
}

/* All connections are busy, one ends without a word: its request gets a place of its own, and nobody waits for ever. */
static void one_of_all_connections_is_stale(void **state)
{
    (void)state;
    crowd.wait_ms = 20;
    many_send(32, OP_NOTIFY);
    many_wait(32);
    assert_int_equal(crowd.guests, 32); /* all are kept */
    crowd.wait_ms = 200;
    crowd.drop = true;
    many_send(40, OP_NOTIFY);
    many_wait(72);
    assert_int_equal(many.ok, 72);
}

/* What waits for a connection goes first, and is not forgotten when the name is to be looked up again. */
static void those_that_wait_go_first(void **state)
{
    (void)state;
    crowd.wait_ms = 50;
    many_send(40, OP_RETRIEVE);
    while (crowd.guests < 32) {
        (void)uv_run(&client.loop, UV_RUN_ONCE);
    }
    world.later = 61000;
    many.more = 100;
    many_wait(140);
    assert_int_equal(many.ok, 140);
    assert_true(many.last_of_first <= 72);
}

/* A name that cannot be looked up again fails those that wait for it, not a connection on its way. */
static void a_name_is_lost_while_a_connection_begins(void **state)
{
    (void)state;
    int port = 0, full[4], fd = listening(&port), got = -1;
    char url[64], buf[1024];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    (void)snprintf(client.points, sizeof(client.points), "localhost:%d", port);
    client.snap.points = text_of(client.points);
    (void)snprintf(url, sizeof(url), "http://localhost:%d", port);
    assert_int_equal(listen(fd, 0), 0); /* whoever comes next is let in when there is room: the kernel asks again after 1 s */
    for (size_t i = 0; i < ARRAY_LEN(full); i++) {
        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(full[i], (struct sockaddr *)&a, sizeof(a));
    }
    const struct outbound_request rq = {.url = url, .op = OP_RETRIEVE};
    assert_int_equal(send_it(&rq), ERR_OK);
    for (usec_t until = clock_monotonic() + USEC_PER_SEC / 5; clock_monotonic() < until;) {
        (void)uv_run(&client.loop, UV_RUN_NOWAIT);
    }
    world.later = 61000;
    world.away = true;
    assert_int_equal(send_it(&rq), ERR_OK);
    wait_until(1);
    world.away = false;
    assert_int_equal(client.last.err, ERR_PEER_UNREACHABLE);
    for (size_t i = 0; i < ARRAY_LEN(full); i++) {
        (void)close(full[i]);
    }
    do { /* those of `full` said nothing */
        got = accept(fd, NULL, NULL);
        for (usec_t until = clock_monotonic() + USEC_PER_SEC / 5; clock_monotonic() < until;) {
            (void)uv_run(&client.loop, UV_RUN_NOWAIT);
        }
    } while (recv(got, buf, sizeof(buf), 0) <= 0 && close(got) == 0);
    assert_true(send(got, KEPT, strlen(KEPT), MSG_NOSIGNAL) > 0);
    wait_until(0);
    assert_int_equal(client.last.err, ERR_OK);
    (void)close(got);
    (void)close(fd);
    world.later = 0;
}

/* RFC 9110 9.2.2: the server may have done it before the connection broke. */
static void what_is_not_to_be_done_twice_is_sent_once(void **state)
{
    (void)state;
    static const struct {
        enum op op;
        bool repeatable;
        err_t err;
    } of[] = {{OP_CREATE, false, ERR_PEER_LOST}, {OP_CREATE, true, ERR_PEER_LOST}, {OP_NOTIFY, false, ERR_PEER_LOST},
              {OP_NOTIFY, true, ERR_OK}, {OP_UPDATE, false, ERR_OK}, {OP_DELETE, false, ERR_OK}};
    for (size_t i = 0; i < ARRAY_LEN(of); i++) {
        const struct outbound_request rq = {.url = client.url, .path = "/kept", .op = of[i].op, .repeatable = of[i].repeatable};
        assert_int_equal(ask(client.url, "/late").rsc, 2000);
        unsigned before = server.accepted;
        assert_int_equal(send_it(&rq), ERR_OK);
        wait_until(0);
        assert_int_equal(client.last.err, of[i].err);
        assert_int_equal(server.accepted, before + (of[i].err == ERR_OK));
        (void)ask(client.url, "/more"); /* this one is closed */
    }
}

static void an_answer_to_another_question(void **state)
{
    (void)state;
    assert_int_equal(ask(client.url, "/kept").rsc, 2000);
    assert_int_equal(ask(client.url, "/other").err, ERR_PEER_NONSENSE);
    assert_int_equal(server.accepted, 1);
    assert_int_equal(ask(client.url, "/kept").rsc, 2000);
    assert_int_equal(server.accepted, 2); /* who knows what else comes on that connection */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_says_what_it_is, open_both, close_both),
        cmocka_unit_test(each_spelling_of_a_target_is_one_target),
        cmocka_unit_test(no_url_leads_to_an_authority),
        cmocka_unit_test_setup_teardown(no_tokens_over_coap, open_both, close_both),
        cmocka_unit_test_setup_teardown(nobody_is_called_who_was_not_configured, open_both, close_both),
        cmocka_unit_test_setup_teardown(a_silent_target_delays_nobody, open_both, close_both),
        cmocka_unit_test_setup_teardown(a_connection_is_used_again, open_both, close_both),
        cmocka_unit_test_setup_teardown(a_stale_connection_is_no_failure, open_both, close_both),
        cmocka_unit_test_setup_teardown(what_is_no_answer, open_both, close_both),
        cmocka_unit_test_setup_teardown(who_is_not_there, open_both, close_both),
        cmocka_unit_test_setup_teardown(a_name_is_looked_up, open_both, close_both),
        cmocka_unit_test_setup_teardown(an_address_that_is_refused_at_once, open_both, close_both),
        cmocka_unit_test_setup_teardown(more_at_once_than_connections, open_both, close_both),
        cmocka_unit_test_setup_teardown(one_of_all_connections_is_stale, open_crowd, close_crowd),
        cmocka_unit_test_setup_teardown(those_that_wait_go_first, open_crowd, close_crowd),
        cmocka_unit_test_setup_teardown(a_name_is_lost_while_a_connection_begins, open_both, close_both),
        cmocka_unit_test_setup_teardown(what_is_not_to_be_done_twice_is_sent_once, open_both, close_both),
        cmocka_unit_test_setup_teardown(an_answer_to_another_question, open_both, close_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
