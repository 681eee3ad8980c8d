/*
 * Our codec and engines against libcoap, in plaintext over UDP on the loopback: its client asks our server half, our
 * client half asks its server. Needs coap-client-notls and coap-server-notls (package libcoap3-bin).
 */
#include "coap_fixture.h"
#include "wire/coap_binding.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BODY_MAX 16384

extern char **environ;

struct peer {
    struct coap_engine e;
    struct coap_engine_params params;
    uint8_t server[BODY_MAX], client[BODY_MAX];
    int fd;
    struct sockaddr_in to;
    char out[64]; /* a file that the child writes */

    bool is_onem2m; /* answer with the options of oneM2M */
    unsigned handled;
    usec_t think, answer_at;
    struct coap_event asked;
    uint8_t answer[BODY_MAX];
    size_t answer_n;
    uint8_t seen[BODY_MAX];
    size_t seen_n;
    bool has_outcome;
    struct coap_event outcome;
};

static usec_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in a;
    socklen_t n = sizeof(a);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    return ntohs(a.sin_port);
}

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static struct peer *peer_new(void)
{
    struct peer *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    p->params = coap_engine_defaults;
    p->params.szx = 5;
    struct coap_engine_memory memory = {p->server, p->client, BODY_MAX, BODY_MAX};
    assert_int_equal(coap_engine_init(&p->e, &p->params, &memory, &crypto), ERR_OK);
    p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = loopback(0);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    snprintf(p->out, sizeof(p->out), "/tmp/coap-interop-XXXXXX");
    int fd = mkstemp(p->out);
    assert_true(fd >= 0);
    close(fd);
    return p;
}

static void peer_free(struct peer *p)
{
    close(p->fd);
    unlink(p->out);
    free(p);
}

static void flush(struct peer *p)
{
    uint8_t b[COAP_ENGINE_DATAGRAM];
    for (;;) {
        struct writer w = WRITER_ARRAY(b);
        if (!coap_engine_poll(&p->e, &w)) {
            return;
        }
        ssize_t n = sendto(p->fd, b, w.n, 0, (struct sockaddr *)&p->to, sizeof(p->to));
        assert_true(n == (ssize_t)w.n || n < 0); /* a peer that is not there yet */
    }
}

static void on_event(struct peer *p, const struct coap_event *ev)
{
    if (ev->kind == COAP_EVENT_REQUEST) {
        p->handled++;
        p->asked = *ev;
        p->seen_n = ev->message.payload.n;
        memcpy(p->seen, ev->message.payload.p, p->seen_n);
        p->answer_at = now() + p->think;
    } else if (ev->kind != COAP_EVENT_NONE) {
        p->has_outcome = true;
        p->outcome = *ev;
    }
}

/* The answer a role would give: OK with the request's identifier, and content. */
static void answer(struct peer *p)
{
    char scratch[COAP_BINDING_SCRATCH];
    char out[256];
    char detail[96];
    struct writer s = WRITER_ARRAY(scratch);
    struct writer o = WRITER_ARRAY(out);
    struct primitive q;
    struct coap_message m;
    err_t e = coap_binding_parse(&p->asked.message, &s, &q, detail);
    struct primitive_response r = {2000, q.rqi, q.rvi, text_empty(), bytes_of(p->answer, p->answer_n), MEDIA_JSON, 0, text_empty(), text_empty(), text_empty(), false};
    if (e != ERR_OK) {
        r.rsc = err_info(e)->rsc;
        r.body = bytes_of(detail, strlen(detail));
    }
    assert_int_equal(coap_binding_response(q.op, &r, &o, &m), ERR_OK);
    if (!p->is_onem2m) { /* options of oneM2M are critical: a client that knows CoAP alone refuses such a response */
        coap_remove(&m, COAP_OPT_M2M_RSC);
        coap_remove(&m, COAP_OPT_M2M_RQI);
        coap_remove(&m, COAP_OPT_M2M_RVI);
    }
    assert_int_equal(coap_engine_answer(&p->e, &m, now()), ERR_OK);
    coap_binding_wipe(&q);
    p->answer_at = 0;
}

/* Everything that happens in the next 10 ms. */
static void turn(struct peer *p)
{
    uint8_t b[65536];
    struct coap_event ev;
    struct pollfd f = {p->fd, POLLIN, 0};
    if (poll(&f, 1, 10) > 0) {
        socklen_t n = sizeof(p->to);
        ssize_t got = recvfrom(p->fd, b, sizeof(b), 0, (struct sockaddr *)&p->to, &n);
        if (got >= 0) {
            coap_engine_recv(&p->e, bytes_of(b, (size_t)got), now(), &ev);
            on_event(p, &ev);
        }
    }
    if (p->answer_at != 0 && now() >= p->answer_at) {
        answer(p);
    }
    if (coap_engine_deadline(&p->e) <= now()) {
        coap_engine_tick(&p->e, now(), &ev);
        on_event(p, &ev);
    }
    flush(p);
}

static pid_t spawn(const struct peer *p, char **argv)
{
    pid_t pid;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, p->out, O_WRONLY | O_TRUNC, 0);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    if (posix_spawnp(&pid, argv[0], &files, NULL, argv, environ) != 0) {
        fail_msg("%s does not start: install libcoap3-bin", argv[0]);
    }
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

/* Runs coap-client with these arguments against our server half; what it printed goes into `printed`. */
static size_t ask_us(struct peer *p, const char *options, char *printed, size_t cap)
{
    char line[1024];
    char url[64];
    char *argv[40] = {(char *)"coap-client-notls", (char *)"-B", (char *)"20"};
    size_t n = 3;
    int status;
    snprintf(line, sizeof(line), "%s", options);
    snprintf(url, sizeof(url), "coap://127.0.0.1:%u/~/in/x?rcn=1", port_of(p->fd));
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[n++] = word;
    }
    argv[n] = url;
    p->handled = 0;
    pid_t pid = spawn(p, argv);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        turn(p);
    }
    FILE *f = fopen(p->out, "r");
    assert_non_null(f);
    size_t got = fread(printed, 1, cap - 1, f);
    printed[got] = '\0';
    fclose(f);
    return got;
}

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)('a' + (i / 16 + i) % 26);
    }
}

static void their_client_gets(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 512, 513, 5000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct peer *p = peer_new();
        char printed[BODY_MAX];
        p->answer_n = sizes[i];
        fill(p->answer, p->answer_n);
        ask_us(p, "-m get -O 279,Cdev -O 283,r1 -O 271,3", printed, sizeof(printed));
        assert_int_equal(p->handled, 1);
        p->answer[p->answer_n] = '\0';
        assert_non_null(strstr(printed, (char *)p->answer)); /* whole, whatever blocks it took */
        assert_true(bytes_eq(coap_find(&p->asked.message, COAP_OPT_M2M_FR)->value, bytes_of("Cdev", 4)));
        peer_free(p);
    }
}

/*
 * The empty ACK goes first. Only what fits into one block: libcoap 4.3.1 has forgotten its request by then and puts no
 * blocks of a separate answer together ("large body receive internal issue").
 */
static void their_client_gets_a_late_answer(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    char printed[BODY_MAX];
    p->think = 1300 * 1000;
    p->answer_n = 500;
    fill(p->answer, p->answer_n);
    ask_us(p, "-m get -O 279,Cdev", printed, sizeof(printed));
    assert_int_equal(p->handled, 1);
    p->answer[p->answer_n] = '\0';
    assert_non_null(strstr(printed, (char *)p->answer));
    peer_free(p);
}

static void their_client_puts(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    char printed[BODY_MAX];
    char options[256];
    char file[] = "/tmp/coap-interop-in-XXXXXX";
    uint8_t text[6000];
    int fd = mkstemp(file);
    fill(text, sizeof(text));
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + sizeof(text) - 2, "\"}", 2);
    assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
    close(fd);
    p->answer_n = 3000; /* blocks both ways */
    fill(p->answer, p->answer_n);
    static const char *const sizes[] = {"", "-b 64", "-b 1024"};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        snprintf(options, sizeof(options), "-m put -t 50 -O 279,Cdev %s -f %s", sizes[i], file);
        ask_us(p, options, printed, sizeof(printed));
        assert_int_equal(p->handled, 1);
        assert_true(bytes_eq(bytes_of(p->seen, p->seen_n), BYTES_ARRAY(text)));
        p->answer[p->answer_n] = '\0';
        assert_non_null(strstr(printed, (char *)p->answer));
    }
    unlink(file);
    peer_free(p);
}

static void their_client_is_refused(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    char printed[BODY_MAX];
    ask_us(p, "-m get -O 9,x", printed, sizeof(printed));
    assert_int_equal(p->handled, 0);
    assert_non_null(strstr(printed, "4.02"));
    ask_us(p, "-m put -t 41 -e <a/>", printed, sizeof(printed));
    assert_int_equal(p->handled, 1);
    assert_non_null(strstr(printed, "4.15"));
    ask_us(p, "-m get -A 41", printed, sizeof(printed));
    assert_non_null(strstr(printed, "4.06"));
    ask_us(p, "-m fetch -e x -t 50", printed, sizeof(printed));
    assert_non_null(strstr(printed, "4.05"));
    peer_free(p);
}

/* It reads our response, says so at this verbosity, and drops it as RFC 7252 5.4.1 asks of who does not know oneM2M. */
static void their_client_reads_onem2m(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    char printed[BODY_MAX];
    p->is_onem2m = true;
    p->answer_n = 2;
    memcpy(p->answer, "{}", 2);
    ask_us(p, "-v 7 -B 1 -m get -O 279,Cdev -O 283,r1 -O 271,3", printed, sizeof(printed));
    assert_int_equal(p->handled, 1);
    assert_non_null(strstr(printed, "Content-Format:application/json, 271:\\x33, 283:\\x72\\x31, 307:\\x07\\xD0 ] :: '{}'"));
    peer_free(p);
}

/* Its client drops datagrams that it should send: what it repeats runs once. */
static void their_client_loses_datagrams(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    char printed[BODY_MAX];
    p->answer_n = 1200;
    fill(p->answer, p->answer_n);
    ask_us(p, "-m get -l 1,3", printed, sizeof(printed));
    assert_int_equal(p->handled, 1);
    p->answer[p->answer_n] = '\0';
    assert_non_null(strstr(printed, (char *)p->answer));
    peer_free(p);
}

/* -- their server ------------------------------------------------------------------------------------ */

static struct coap_event ask_them(struct peer *p, uint8_t code, const char *path, const char *query, struct bytes payload)
{
    struct coap_message m = coap_blank(COAP_CON, code);
    struct text rest = text_of(path);
    struct text part;
    while (text_next(&rest, '/', &part)) {
        assert_int_equal(coap_add(&m, COAP_OPT_URI_PATH, text_bytes(part)), ERR_OK);
    }
    if (query != NULL) {
        assert_int_equal(coap_add(&m, COAP_OPT_URI_QUERY, bytes_of(query, strlen(query))), ERR_OK);
    }
    m.payload = payload;
    p->has_outcome = false;
    assert_int_equal(coap_engine_request(&p->e, &m, now()), ERR_OK);
    flush(p);
    while (!p->has_outcome) {
        turn(p);
    }
    return p->outcome;
}

static void our_client_and_their_server(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct peer *free_port = peer_new(); /* its port, once closed, is the server's */
    char port[8];
    char *argv[] = {(char *)"coap-server-notls", (char *)"-A", (char *)"127.0.0.1", (char *)"-p", port,
                    (char *)"-d",                (char *)"5",  (char *)"-e",        NULL};
    uint8_t text[5000];
    fill(text, sizeof(text));
    p->to = loopback(port_of(free_port->fd));
    snprintf(port, sizeof(port), "%u", port_of(free_port->fd));
    peer_free(free_port);
    pid_t pid = spawn(p, argv);

    struct coap_event ev = ask_them(p, COAP_GET, "", NULL, bytes_empty()); /* retransmitted until it is up */
    assert_int_equal(ev.kind, COAP_EVENT_RESPONSE);
    assert_int_equal(ev.message.code, COAP_CODE(2, 5));
    ev = ask_them(p, COAP_GET, "no-such", NULL, bytes_empty());
    assert_int_equal(ev.message.code, COAP_CODE(4, 4));
    ev = ask_them(p, COAP_GET, "async", "2", bytes_empty()); /* answers separately, after 2 s */
    assert_int_equal(ev.message.code, COAP_CODE(2, 5));
    assert_true(bytes_eq(ev.message.payload, bytes_of("done", 4)));
    for (uint8_t szx = 2; szx <= 6; szx += 2) {
        p->params.szx = szx;
        ev = ask_them(p, COAP_PUT, "example_data", NULL, BYTES_ARRAY(text));
        assert_int_equal(ev.kind, COAP_EVENT_RESPONSE);
        assert_int_equal(ev.message.code >> 5, 2);
        ev = ask_them(p, COAP_GET, "example_data", NULL, bytes_empty());
        assert_int_equal(ev.message.code, COAP_CODE(2, 5));
        assert_true(bytes_eq(ev.message.payload, BYTES_ARRAY(text)));
        text[0]++;
    }
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    p->params.ack_timeout = USEC_PER_SEC / 50;
    ev = ask_them(p, COAP_GET, "", NULL, bytes_empty());
    assert_int_equal(ev.reason, ERR_PEER_TIMEOUT);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(their_client_gets),
        cmocka_unit_test(their_client_gets_a_late_answer),
        cmocka_unit_test(their_client_puts),
        cmocka_unit_test(their_client_is_refused),
        cmocka_unit_test(their_client_reads_onem2m),
        cmocka_unit_test(their_client_loses_datagrams),
        cmocka_unit_test(our_client_and_their_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
