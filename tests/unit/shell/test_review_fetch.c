/*
 * The HTTPS client against a real TLS server that notes which certificate each connection showed: two credentials never
 * share a connection (design section 8), one credential keeps its own, and a peer that spoils a kept connection, or
 * sends headers without end, harms nobody.
 */
#include "tls_fixture.h"

#include "shell/fetch.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST "first.keystead.test"
#define SECOND "second.keystead.test"
#define CONNS 32
#define SEEN 128

static struct {
    int fd, port;
    SSL_CTX *ctx;
    pthread_t thread, conn_threads[CONNS];
    size_t conns;
    pthread_mutex_t lock;
    struct {
        size_t conn;
        char shown[64]; /* the dNSName of the client's certificate */
        char path[64];
    } seen[SEEN];
    size_t seen_n;
} server;

/* -- the server ------------------------------------------------------------------------------------------------ */
struct serving {
    SSL *ssl;
    size_t conn;
    char shown[64];
};

static void note(const struct serving *c, const char *path)
{
    (void)pthread_mutex_lock(&server.lock);
    if (server.seen_n < SEEN) {
        server.seen[server.seen_n].conn = c->conn;
        (void)snprintf(server.seen[server.seen_n].shown, sizeof(c->shown), "%s", c->shown);
        (void)snprintf(server.seen[server.seen_n].path, sizeof(server.seen[0].path), "%s", path);
        server.seen_n++;
    }
    (void)pthread_mutex_unlock(&server.lock);
}

/* A record that nobody can decrypt: OpenSSL's own answer is a fatal alert on the established session. */
static void fatal_alert(SSL *ssl)
{
    uint8_t record[5 + 64] = {SSL3_RT_APPLICATION_DATA, 3, 3, 0, 64};
    char octet;
    SSL_set0_rbio(ssl, BIO_new_mem_buf(record, sizeof(record)));
    assert_true(SSL_read(ssl, &octet, 1) <= 0);
}

static void headers_without_end(SSL *ssl)
{
    static const char line[] = "X-Made-Up: ................................................................\r\n";
    (void)SSL_write(ssl, "HTTP/1.1 200 OK\r\n", 17);
    for (int i = 0; i < 100000 && SSL_write(ssl, line, sizeof(line) - 1) > 0; i++) {
        continue;
    }
}

/* False: the connection is over. */
static bool answer_one(const struct serving *c, const char *request)
{
    char path[64] = "";
    char response[256];
    if (sscanf(request, "GET %63s ", path) != 1) {
        return false;
    }
    note(c, path);
    if (strcmp(path, "/alert") == 0) {
        fatal_alert(c->ssl);
        return false;
    }
    if (strcmp(path, "/headers") == 0) {
        headers_without_end(c->ssl);
        return false;
    }
    int n = snprintf(response, sizeof(response), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(path), path);
    return SSL_write(c->ssl, response, n) == n;
}

static void *serve_one(void *arg)
{
    struct serving *c = arg;
    char buf[8192] = "";
    size_t n = 0;
    struct role_cert names;
    void *store = NULL;
    X509 *cert = SSL_accept(c->ssl) == 1 ? SSL_get0_peer_certificate(c->ssl) : NULL;
    bool going = cert != NULL && x509_names(cert, &names, &store) == ERR_OK && names.dns_n == 1;
    if (going) {
        (void)snprintf(c->shown, sizeof(c->shown), "%.*s", (int)names.dns[0].n, names.dns[0].p);
    }
    x509_names_free(store);
    while (going) {
        int got = SSL_read(c->ssl, buf + n, (int)(sizeof(buf) - 1 - n));
        n += got > 0 ? (size_t)got : 0;
        buf[n] = '\0';
        going = got > 0;
        if (going && strstr(buf, "\r\n\r\n") != NULL) {
            going = answer_one(c, buf);
            n = 0;
        }
    }
    (void)close(SSL_get_fd(c->ssl) >= 0 ? SSL_get_fd(c->ssl) : SSL_get_wfd(c->ssl));
    SSL_free(c->ssl);
    ERR_clear_error();
    free(c);
    return NULL;
}

static void *accept_all(void *arg)
{
    (void)arg;
    for (int fd = 0; (fd = accept(server.fd, NULL, NULL)) >= 0 && server.conns < CONNS;) {
        struct serving *c = calloc(1, sizeof(*c));
        c->ssl = SSL_new(server.ctx);
        c->conn = server.conns;
        (void)SSL_set_fd(c->ssl, fd);
        (void)pthread_create(&server.conn_threads[server.conns++], NULL, serve_one, c);
    }
    return NULL;
}

static void server_open(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    memset(&server, 0, sizeof(server));
    (void)pthread_mutex_init(&server.lock, NULL);
    server.ctx = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_chain_file(server.ctx, fixture_path("two.pem")), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(server.ctx, fixture_path("two.key"), SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_load_verify_locations(server.ctx, fixture_path("ca.pem"), NULL), 1);
    SSL_CTX_set_verify(server.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server.fd >= 0 && bind(server.fd, (struct sockaddr *)&a, n) == 0 && listen(server.fd, 16) == 0);
    assert_int_equal(getsockname(server.fd, (struct sockaddr *)&a, &n), 0);
    server.port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&server.thread, NULL, accept_all, NULL), 0);
}

static void server_close(void)
{
    (void)shutdown(server.fd, SHUT_RDWR);
    assert_int_equal(pthread_join(server.thread, NULL), 0);
    for (size_t i = 0; i < server.conns; i++) {
        assert_int_equal(pthread_join(server.conn_threads[i], NULL), 0);
    }
    (void)close(server.fd);
    SSL_CTX_free(server.ctx);
}

/* -- the client ------------------------------------------------------------------------------------------------ */
static struct {
    uv_loop_t loop;
    struct snapshot snap;
    struct fetch *fetch;
    char address[32];
    size_t under_way;
    err_t err; /* of the last answer */
    char body[64];
} client;

static void client_open(void)
{
    memset(&client, 0, sizeof(client));
    (void)snprintf(client.address, sizeof(client.address), "127.0.0.1:%d", server.port);
    client.snap.limits.fetch_time = 5 * USEC_PER_SEC;
    static const char *const names[2][3] = {{FIRST, "one.pem", "one.key"}, {SECOND, "other.pem", "other.key"}};
    for (size_t i = 0; i < 2; i++) {
        client.snap.peers[i] = (struct snapshot_peer){
            .fqdn = names[i][0],
            .address = client.address,
            .certificate = strdup(fixture_path(names[i][1])),
            .key = strdup(fixture_path(names[i][2])),
            .trust = strdup(fixture_path("ca.pem")),
        };
    }
    client.snap.peers_n = 2;
    assert_int_equal(uv_loop_init(&client.loop), 0);
    assert_int_equal(fetch_new(&client.loop, &client.snap, &client.fetch), ERR_OK);
}

static void client_close(void)
{
    fetch_free(client.fetch);
    (void)uv_run(&client.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&client.loop), 0);
    for (size_t i = 0; i < 2; i++) {
        free((void *)(uintptr_t)client.snap.peers[i].certificate);
        free((void *)(uintptr_t)client.snap.peers[i].key);
        free((void *)(uintptr_t)client.snap.peers[i].trust);
    }
}

static void answered(void *owner, const struct answer *a)
{
    (void)owner;
    client.err = a->err;
    (void)snprintf(client.body, sizeof(client.body), "%.*s", (int)a->body.n, (const char *)a->body.p);
    client.under_way--;
}

static void ask(const char *peer, const char *path)
{
    struct question q = {0};
    assert_int_equal(TEXT_COPY(text_of(peer), q.peer), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(path), q.path), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of("maf.keystead.test"), q.origin), ERR_OK);
    assert_int_equal(fetch_get(client.fetch, &client.snap.roles[0], &q, answered, NULL), ERR_OK);
    client.under_way++;
}

static void wait_for_all(void)
{
    while (client.under_way > 0) {
        (void)uv_run(&client.loop, UV_RUN_ONCE);
    }
}

static void get(const char *peer, const char *path)
{
    ask(peer, path);
    wait_for_all();
}

/* -- tests ------------------------------------------------------------------------------------------------------- */
static int open_both(void **state)
{
    (void)state;
    server_open();
    client_open();
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    client_close();
    server_close();
    return 0;
}

static void check_credentials(void)
{
    for (size_t i = 0; i < server.seen_n; i++) {
        const char *want = strncmp(server.seen[i].path, "/first", 6) == 0 ? "maf.keystead.test" : "cse.keystead.test";
        assert_string_equal(server.seen[i].shown, want);
    }
}

static void two_credentials_never_share_a_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) { /* in turn: what one leaves open must not serve the other */
        get(FIRST, "/first");
        assert_int_equal(client.err, ERR_OK);
        assert_string_equal(client.body, "/first");
        get(SECOND, "/second");
        assert_int_equal(client.err, ERR_OK);
    }
    assert_int_equal(server.seen_n, 10);
    check_credentials();
    assert_int_equal(server.conns, 2); /* each credential kept its own */
    for (int i = 0; i < 6; i++) {      /* and all at once */
        ask(FIRST, "/first/more");
        ask(SECOND, "/second/more");
    }
    wait_for_all();
    assert_int_equal(server.seen_n, 22);
    check_credentials();
}

static void one_credential_keeps_its_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        get(FIRST, "/first");
        assert_int_equal(client.err, ERR_OK);
    }
    assert_int_equal(server.conns, 1);
    assert_int_equal(server.seen_n, 8);
}

/* The connection outlives the request that made it, and so do OpenSSL's callbacks on it. */
static void a_fatal_alert_on_a_kept_connection_harms_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        get(FIRST, "/first");
        assert_int_equal(client.err, ERR_OK);
        get(FIRST, "/alert");
        assert_true(client.err == ERR_PEER_NONSENSE || client.err == ERR_PEER_UNREACHABLE ||
                    client.err == ERR_PEER_REFUSED);
    }
    get(FIRST, "/first");
    assert_int_equal(client.err, ERR_OK);
}

static void headers_have_an_end(void **state)
{
    (void)state;
    get(FIRST, "/headers");
    assert_int_equal(client.err, ERR_PEER_NONSENSE);
    get(FIRST, "/first");
    assert_int_equal(client.err, ERR_OK);
}

static void what_is_under_way_can_be_dropped(void **state)
{
    (void)state;
    get(FIRST, "/first");
    ask(FIRST, "/first");
    ask(SECOND, "/second");
    (void)uv_run(&client.loop, UV_RUN_ONCE); /* the teardown frees them in the middle */
    client.under_way = 0;
}

static int group_setup(void **state)
{
    static const struct fixture_cert made[] = {
        {.name = "two", .ca = "ca", .group = "P-256", .key_usage = "critical,digitalSignature",
         .san = "DNS:" FIRST ",DNS:" SECOND, .to_day = 5},
        {.name = "one", .ca = "ca", .group = "P-256", .key_usage = "critical,digitalSignature",
         .san = "DNS:maf.keystead.test", .to_day = 5},
        {.name = "other", .ca = "ca", .group = "P-256", .key_usage = "critical,digitalSignature",
         .san = "DNS:cse.keystead.test", .to_day = 5},
    };
    (void)signal(SIGPIPE, SIG_IGN);
    int rc = fixture_setup(state);
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(made); i++) {
        fixture_cert_make(&made[i]);
    }
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_credentials_never_share_a_connection, open_both, close_both),
        cmocka_unit_test_setup_teardown(one_credential_keeps_its_connection, open_both, close_both),
        cmocka_unit_test_setup_teardown(a_fatal_alert_on_a_kept_connection_harms_nobody, open_both, close_both),
        cmocka_unit_test_setup_teardown(headers_have_an_end, open_both, close_both),
        cmocka_unit_test_setup_teardown(what_is_under_way_can_be_dropped, open_both, close_both),
    };
    return cmocka_run_group_tests(tests, group_setup, fixture_teardown);
}
