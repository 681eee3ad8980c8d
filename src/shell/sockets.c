#include "shell/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

void sockets_init(struct sockets *s)
{
    memset(s, 0, sizeof(*s));
    s->control = -1;
}

static socklen_t length_of(const struct sockaddr *a)
{
    return a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* For datagrams SO_REUSEADDR would let two servers share a port; for streams it is what survives a restart. Each connection
 * inherits TCP_NODELAY: an answer never waits for an acknowledgement. */
static int socket_bound(const struct sockaddr *a, bool datagram, bool shared)
{
    const int on = 1;
    int fd = socket(a->sa_family, (datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    bool ok = (datagram || (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0)) &&
              (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
              (a->sa_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
              bind(fd, a, length_of(a)) == 0;
    if (!ok) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* With SO_REUSEPORT a second server on the same port would silently share its connections: ask without it first. */
static bool is_taken(const struct sockaddr *a, bool datagram)
{
    int fd = socket_bound(a, datagram, false);
    bool taken = fd < 0 || (!datagram && listen(fd, 1) != 0);
    if (fd >= 0) {
        (void)close(fd);
    }
    return taken;
}

static void print_address(const struct sockaddr *a, char out[static SNAPSHOT_ADDRESS_MAX])
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool v6 = a->sa_family == AF_INET6;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)a;
    (void)inet_ntop(a->sa_family, v6 ? (const void *)&six->sin6_addr : (const void *)&v4->sin_addr, host, sizeof(host));
    (void)snprintf(out, SNAPSHOT_ADDRESS_MAX, v6 ? "[%s]:%u" : "%s:%u", host,
                   (unsigned)ntohs(v6 ? six->sin6_port : v4->sin_port));
}

static void close_all(struct sockets_listener *l)
{
    for (size_t i = 0; i < l->n; i++) {
        (void)close(l->fds[i]);
    }
    free(l->fds);
    l->fds = NULL;
    l->n = 0;
}

/* `had`: our own sockets of that address, for another number of workers; NULL if there are none. */
static err_t open_listener(struct sockets_listener *l, const struct snapshot_listener *want, size_t workers,
                           const struct sockets_listener *had)
{
    struct snapshot_listener at = *want; /* port 0 becomes a port with the first socket */
    socklen_t size = sizeof(at.addr);
    if (had != NULL ? getsockname(had->fds[0], &at.addr.any, &size) != 0 : is_taken(&at.addr.any, want->datagram)) {
        return ERR_IO;
    }
    l->fds = calloc(workers, sizeof(*l->fds));
    if (l->fds == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    for (l->n = 0; l->n < workers; l->n++) {
        int fd = socket_bound(&at.addr.any, want->datagram, true);
        socklen_t n = sizeof(at.addr);
        if (fd < 0 || (!want->datagram && listen(fd, BACKLOG) != 0) || getsockname(fd, &at.addr.any, &n) != 0) {
            if (fd >= 0) {
                (void)close(fd);
            }
            close_all(l);
            return ERR_IO;
        }
        l->fds[l->n] = fd;
    }
    print_address(&at.addr.any, l->actual);
    l->datagram = want->datagram;
    return TEXT_COPY(text_of(want->address), l->address);
}

/* The n-th listener of that address: several may have asked for port 0. */
static const struct sockets_listener *nth_of(const struct sockets *s, const struct snapshot_listener *want, size_t n)
{
    for (size_t i = 0; s != NULL && i < s->listeners_n; i++) {
        const struct sockets_listener *l = &s->listeners[i];
        if (strcmp(l->address, want->address) == 0 && l->datagram == want->datagram && n-- == 0) {
            return l;
        }
    }
    return NULL;
}

static const struct sockets_listener *same(const struct sockets *old, const struct sockets *s,
                                           const struct snapshot_listener *want)
{
    size_t n = 0;
    while (nth_of(s, want, n) != NULL) {
        n++;
    }
    return nth_of(old, want, n);
}

/* -- control --------------------------------------------------------------------------------------------- */
/* A socket that nobody listens on. A file that is none also refuses a connection: it is somebody's, and stays. */
static bool is_stale(const struct sockaddr_un *a)
{
    struct stat st;
    if (lstat(a->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); /* a full queue must not hold us */
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)a, sizeof(*a)) != 0 && errno == ECONNREFUSED;
    if (fd >= 0) {
        (void)close(fd);
    }
    return refused;
}

static err_t open_control(struct sockets *s, const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    TRY(TEXT_COPY(text_of(path), a.sun_path));
    TRY(TEXT_COPY(text_of(path), s->control_path));
    if (is_stale(&a)) {
        (void)unlink(path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0177); /* 0600 from the first moment on */
    bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
    (void)umask(before);
    if (!ok || listen(fd, 16) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return ERR_IO;
    }
    s->control = fd;
    return ERR_OK;
}

/* -- the whole ------------------------------------------------------------------------------------------- */
static err_t open_all(struct sockets *s, const struct sockets *old, struct snapshot *snap,
                      char detail[static ROLE_DETAIL_MAX])
{
    errno = 0;
    for (size_t i = 0; i < snap->listeners_n; i++) {
        struct snapshot_listener *want = &snap->listeners[i];
        const struct sockets_listener *kept = same(old, s, want);
        struct sockets_listener *l = &s->listeners[i];
        (void)snprintf(detail, ROLE_DETAIL_MAX, "address %s", want->address);
        if (kept != NULL && kept->n == snap->workers) {
            *l = *kept;
        } else {
            TRY(open_listener(l, want, snap->workers, kept));
        }
        s->listeners_n = i + 1;
        (void)snprintf(want->actual, sizeof(want->actual), "%s", l->actual);
    }
    (void)snprintf(detail, ROLE_DETAIL_MAX, "control socket %s", snap->control);
    if (old != NULL && strcmp(old->control_path, snap->control) == 0) {
        s->control = old->control;
        return TEXT_COPY(text_of(old->control_path), s->control_path);
    }
    return open_control(s, snap->control);
}

err_t sockets_open(struct sockets *s, const struct sockets *old, struct snapshot *snap,
                   char detail[static ROLE_DETAIL_MAX])
{
    sockets_init(s);
    err_t e = open_all(s, old, snap, detail);
    if (e != ERR_OK) {
        size_t n = strlen(detail);
        (void)snprintf(detail + n, ROLE_DETAIL_MAX - n, ": %s", errno == 0 ? err_info(e)->text : strerror(errno));
        sockets_close(s, old);
    }
    return e;
}

static bool shares(const struct sockets *keep, const struct sockets_listener *l)
{
    for (size_t i = 0; keep != NULL && i < keep->listeners_n; i++) {
        if (keep->listeners[i].fds == l->fds) {
            return true;
        }
    }
    return false;
}

void sockets_close(struct sockets *s, const struct sockets *keep)
{
    for (size_t i = 0; i < s->listeners_n; i++) {
        if (!shares(keep, &s->listeners[i])) {
            close_all(&s->listeners[i]);
        }
    }
    s->listeners_n = 0;
    if (s->control >= 0 && (keep == NULL || keep->control != s->control)) {
        (void)unlink(s->control_path);
        (void)close(s->control);
    }
    s->control = -1;
}

/* A socket that the supervisor gives up must not live on in a process that never accepts from it: the kernel would go
 * on to queue connections there. */
int sockets_inherit(const struct sockets *s, size_t index, bool control, int out[static SNAPSHOT_LISTENERS_MAX])
{
    for (size_t i = 0; i < s->listeners_n; i++) {
        const struct sockets_listener *l = &s->listeners[i];
        out[i] = index < l->n ? l->fds[index] : -1;
        for (size_t k = 0; k < l->n; k++) {
            if (k != index) {
                (void)close(l->fds[k]);
            }
        }
    }
    if (!control && s->control >= 0) {
        (void)close(s->control);
    }
    return control ? s->control : -1;
}
