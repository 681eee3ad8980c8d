#include "cli/ctl_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_SECONDS 120 /* a backup of a large store takes its time */

static void close_fd(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static err_t connect_to(const char *path, int *fd)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    TRY(TEXT_COPY(text_of(path), sa.sun_path));
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0) {
        return ERR_IO;
    }
    const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    (void)setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(*fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0) {
        return ERR_OK;
    }
    return errno == ENOENT || errno == ECONNREFUSED ? ERR_NOT_FOUND : ERR_IO;
}

static err_t send_all(int fd, struct text line)
{
    while (line.n > 0) {
        ssize_t n = send(fd, line.p, line.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return ERR_PEER_UNREACHABLE;
        }
        line = text_skip(line, (size_t)n);
    }
    return ERR_OK;
}

static err_t recv_line(int fd, struct writer *answer)
{
    size_t start = answer->n;
    for (;;) {
        char buf[4096];
        ssize_t n = recv(fd, buf, sizeof(buf), 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN ? ERR_PEER_TIMEOUT : ERR_PEER_UNREACHABLE;
        }
        if (n == 0) {
            return answer->n == start ? ERR_PEER_UNREACHABLE : ERR_PEER_NONSENSE;
        }
        const char *end = memchr(buf, '\n', (size_t)n); /* a server that leaves may say so behind its answer */
        writer_bytes(answer, bytes_of(buf, end == NULL ? (size_t)n : (size_t)(end - buf)));
        if (answer->overflow) {
            return ERR_PEER_NONSENSE;
        }
        if (end != NULL) {
            return ERR_OK;
        }
    }
}

err_t ctl_client_call(const char *socket_path, struct text line, struct writer *answer)
{
    SCOPED(close_fd) int fd = -1;
    TRY(connect_to(socket_path, &fd));
    err_t sent = send_all(fd, line);
    err_t e = recv_line(fd, answer); /* also then: a server that leaves has said so before it closed */
    return e != ERR_OK && sent != ERR_OK ? sent : e;
}
