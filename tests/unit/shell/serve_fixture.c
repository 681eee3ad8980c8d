#include "serve_fixture.h"

#include "shell/crypto_openssl.h"
#include "shell/pki.h"
#include "shell/supervisor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 20000

static const char *path(const struct server *s, const char *name, char out[PATH_MAX])
{
    return scratch_path(&s->scratch, name, out);
}

static int listening_socket(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 16) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void secret_make(const struct server *s, const char *name)
{
    char file[PATH_MAX];
    const char hex[] = "0001020304050607000102030405060700010203040506070001020304050607\n";
    scratch_write(path(s, name, file), hex, sizeof(hex) - 1);
    assert_int_equal(chmod(file, 0600), 0);
}

static void certificates_make(const struct server *s)
{
    char f[6][PATH_MAX];
    struct pki_ca_request ca = {"made-up CA", "keystead.test", path(s, "ca.crt", f[0]), path(s, "ca.key", f[1]), 10};
    assert_int_equal(pki_ca_make(&ca), ERR_OK);
    struct pki_leaf_request leaf = {f[0], f[1], TINY_FQDN, path(s, "tiny.crt", f[2]), path(s, "tiny.key", f[3]), 10};
    assert_int_equal(pki_leaf_make(&leaf), ERR_OK);
}

/* Two ports that were free a moment ago: the server is its own peer, so its address must be known beforehand. */
static void ports_choose(struct server *s)
{
    int a = listening_socket(&s->plain);
    int b = listening_socket(&s->tls);
    (void)close(a);
    (void)close(b);
}

static int dead_port(const struct server *s)
{
    struct sockaddr_in a;
    socklen_t n = sizeof(a);
    assert_int_equal(getsockname(s->dead, (struct sockaddr *)&a, &n), 0);
    return ntohs(a.sin_port);
}

void server_conf(struct server *s, const char *word, const char *limits, const char *extra)
{
    char file[PATH_MAX];
    char text[4096];
    int n =
        snprintf(text, sizeof(text),
                 "[server]\nroles = tiny\nstore = tiny.db\nroot-secret = root\naudit-key = audit\ncontrol = ctl\n"
                 "log-level = error\n[limits]\n%s[tiny]\nfqdn = " TINY_FQDN "\nword = %s\n"
                 "[listener plain]\nrole = tiny\naddress = 127.0.0.1:%d\ntls = off\n"
                 "[listener tls]\nrole = tiny\naddress = 127.0.0.1:%d\ncertificate = tiny.crt\nkey = tiny.key\n"
                 "trust = ca.crt\n"
                 "[peer " TINY_FQDN "]\nkind = mef\naddress = 127.0.0.1:%d\ncertificate = tiny.crt\nkey = tiny.key\n"
                 "trust = ca.crt\n"
                 "[peer dead.keystead.test]\nkind = mef\naddress = 127.0.0.1:%d\ntrust = ca.crt\n%s",
                 limits, word, s->plain, s->tls, s->tls, dead_port(s), extra);
    assert_true(n > 0 && (size_t)n < sizeof(text));
    scratch_write(path(s, "tiny.conf", file), text, (size_t)n);
}

static void run_server(const struct server *s, unsigned workers, int ready)
{
    static const struct role *const roles[] = {&tiny_role};
    char file[PATH_MAX];
    struct supervisor_options o = {
        .source = {.file = path(s, "tiny.conf", file),
                   .roles = roles,
                   .roles_n = 1,
                   .workers = workers,
                   .crypto = crypto_openssl()},
        .ready_fd = ready,
    };
    struct conf_faults faults = {.n = 0};
    char detail[ROLE_DETAIL_MAX] = "";
    (void)signal(SIGXFSZ, SIG_IGN); /* a full disk, for the test of failing commits */
    err_t e = supervisor_run(&o, &faults, detail);
    for (size_t i = 0; i < faults.n && i < CONF_FAULTS_MAX; i++) {
        (void)fprintf(stderr, "line %d: %s\n", faults.at[i].line, faults.at[i].text);
    }
    if (e != ERR_OK) {
        (void)fprintf(stderr, "server: %s (%s)\n", err_code(e), detail);
    }
    _exit(e == ERR_OK ? 0 : 1);
}

void server_start(struct server *s, unsigned workers, const char *limits)
{
    int ready[2];
    char line[4096];
    memset(s, 0, sizeof(*s));
    scratch_make(&s->scratch);
    int unused = 0;
    s->dead = listening_socket(&unused);
    ports_choose(s);
    secret_make(s, "root");
    secret_make(s, "audit");
    certificates_make(s);
    server_conf(s, "one", limits, "");
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that fails leaves no server behind */
        (void)close(ready[0]);
        run_server(s, workers, ready[1]);
    }
    (void)close(ready[1]);
    struct pollfd p = {ready[0], POLLIN, 0};
    assert_int_equal(poll(&p, 1, START_MS), 1);
    assert_true(read(ready[0], line, sizeof(line)) > 0); /* nothing: it could not start */
    (void)close(ready[0]);
}

void server_stop(struct server *s)
{
    int status = -1;
    assert_int_equal(kill(s->pid, SIGTERM), 0);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)close(s->dead);
    scratch_remove(&s->scratch);
}

/* -- control --------------------------------------------------------------------------------------------------- */
json_t *server_ctl(const struct server *s, const char *line)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char file[PATH_MAX];
    char answer[65536];
    size_t n = 0;
    assert_true(strlen(path(s, "ctl", file)) < sizeof(a.sun_path));
    strcpy(a.sun_path, file);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(write(fd, line, strlen(line)), (ssize_t)strlen(line));
    while (n == 0 || answer[n - 1] != '\n') {
        ssize_t got = read(fd, answer + n, sizeof(answer) - n);
        assert_true(got > 0);
        n += (size_t)got;
    }
    (void)close(fd);
    json_t *v = json_loadb(answer, n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(v);
    return v;
}

long server_counter(const struct server *s, const char *name)
{
    json_t *v = server_ctl(s, "{\"noun\":\"status\",\"verb\":\"\"}\n");
    const json_t *counters = json_object_get(json_object_get(v, "result"), "counters");
    const json_t *c = json_object_get(counters, name);
    c = c != NULL ? c : json_object_get(json_object_get(counters, "refusals"), name);
    long n = (long)json_integer_value(c);
    json_decref(v);
    return n;
}

pid_t server_process(const struct server *s, bool writer)
{
    json_t *v = server_ctl(s, "{\"noun\":\"status\",\"verb\":\"\"}\n");
    const json_t *list = json_object_get(json_object_get(v, "result"), "processes");
    pid_t pid = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *p = json_array_get(list, i);
        if (json_is_true(json_object_get(p, "writer")) == writer) {
            pid = (pid_t)json_integer_value(json_object_get(p, "pid"));
        }
    }
    json_decref(v);
    assert_true(pid > 0);
    return pid;
}

/* -- clients --------------------------------------------------------------------------------------------------- */
static void client_connect(struct client *c, int port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval limit = {3, 0};
    memset(c, 0, sizeof(*c));
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&a, sizeof(a)), 0);
}

void client_plain(struct client *c, const struct server *s)
{
    client_connect(c, s->plain);
}

static unsigned psk_cb(SSL *ssl, const char *hint, char *identity, unsigned identity_max, unsigned char *psk,
                       unsigned psk_max)
{
    const char **who = SSL_get_app_data(ssl);
    (void)hint;
    (void)psk_max;
    (void)snprintf(identity, identity_max, "%s", who[0]);
    memcpy(psk, who[1], strlen(who[1]));
    return (unsigned)strlen(who[1]);
}

static _Thread_local int alert_got;
static void info_cb(const SSL *ssl, int where, int ret)
{
    (void)ssl;
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (ret >> 8) == SSL3_AL_FATAL) {
        alert_got = ret & 0xff;
    }
}

int client_tls(struct client *c, const struct server *s, const char *identity, const char *key)
{
    const char *who[] = {identity, key};
    client_connect(c, s->tls);
    c->ctx = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_set_max_proto_version(c->ctx, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_set_cipher_list(c->ctx, "PSK-AES128-CBC-SHA256"), 1);
    SSL_CTX_set_psk_client_callback(c->ctx, psk_cb);
    SSL_CTX_set_info_callback(c->ctx, info_cb);
    c->ssl = SSL_new(c->ctx);
    SSL_set_app_data(c->ssl, who);
    (void)SSL_set_tlsext_host_name(c->ssl, TINY_FQDN);
    assert_int_equal(SSL_set_fd(c->ssl, c->fd), 1);
    alert_got = -1;
    int rc = SSL_connect(c->ssl);
    ERR_clear_error();
    return rc == 1 ? 0 : alert_got;
}

void client_send(struct client *c, const void *octets, size_t n)
{
    const uint8_t *p = octets;
    while (n > 0) {
        ssize_t sent = c->ssl != NULL ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; /* the test sees it when it reads */
        }
        p += sent;
        n -= (size_t)sent;
    }
}

void client_send_z(struct client *c, const char *z)
{
    client_send(c, z, strlen(z));
}

static bool more(struct client *c)
{
    size_t room = sizeof(c->buf) - 1 - c->n;
    ssize_t got = c->ssl != NULL ? SSL_read(c->ssl, c->buf + c->n, (int)room) : recv(c->fd, c->buf + c->n, room, 0);
    ERR_clear_error();
    c->n += got > 0 ? (size_t)got : 0;
    c->buf[c->n] = '\0';
    return got > 0;
}

int client_response(struct client *c, char **body)
{
    static char kept[sizeof(c->buf)];
    char *head = NULL;
    while ((head = strstr(c->buf, "\r\n\r\n")) == NULL) {
        if (!more(c)) {
            return -1;
        }
    }
    size_t head_n = (size_t)(head - c->buf) + 4;
    const char *length = strstr(c->buf, "Content-Length: ");
    const char *rsc = strstr(c->buf, "X-M2M-RSC: ");
    assert_true(length != NULL && length < head && rsc != NULL && rsc < head);
    size_t body_n = (size_t)atol(length + strlen("Content-Length: "));
    int result = atoi(rsc + strlen("X-M2M-RSC: "));
    while (c->n < head_n + body_n) {
        if (!more(c)) {
            return -1;
        }
    }
    memcpy(kept, c->buf + head_n, body_n);
    kept[body_n] = '\0';
    memmove(c->buf, c->buf + head_n + body_n, c->n - head_n - body_n);
    c->n -= head_n + body_n;
    c->buf[c->n] = '\0';
    if (body != NULL) {
        *body = kept;
    }
    return result;
}

int client_get(struct client *c, const char *target, char **body)
{
    char text[512];
    (void)snprintf(text, sizeof(text),
                   "GET %s HTTP/1.1\r\nHost: t\r\nX-M2M-Origin: CAdmin\r\nX-M2M-RI: r1\r\nX-M2M-RVI: 3\r\n\r\n",
                   target);
    client_send_z(c, text);
    return client_response(c, body);
}

int client_post_note(struct client *c, const char *name)
{
    char content[256];
    char text[768];
    (void)snprintf(content, sizeof(content), "{\"n\":{\"name\":\"%s\"}}", name);
    (void)snprintf(text, sizeof(text),
                   "POST /note HTTP/1.1\r\nHost: t\r\nX-M2M-Origin: CAdmin\r\nX-M2M-RI: w1\r\nX-M2M-RVI: 3\r\n"
                   "Content-Type: application/json;ty=3\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(content), content);
    client_send_z(c, text);
    return client_response(c, NULL);
}

bool client_is_ended(struct client *c)
{
    while (more(c)) {
        c->n = 0;
    }
    char octet;
    return c->ssl != NULL || recv(c->fd, &octet, 1, MSG_DONTWAIT) == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

void client_close(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    (void)close(c->fd);
}
