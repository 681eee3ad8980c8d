#include "cli/ctl_client.h"

#include "shell/conf_file.h"
#include "shell/control.h"
#include "wire/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Sends `line` (with its newline) and appends the answer's line. ERR_NOT_FOUND: nobody listens there; ERR_IO: not allowed; ERR_LIMIT_SIZE:
 * the path is too long. */
static err_t call(const char *socket_path, struct text line, struct writer *answer)
{
    SCOPED(close_fd) int fd = -1;
    TRY(connect_to(socket_path, &fd));
    err_t sent = send_all(fd, line);
    err_t e = recv_line(fd, answer); /* also then: a server that leaves has said so before it closed */
    return e != ERR_OK && sent != ERR_OK ? sent : e;
}

static err_t say(char detail[static CTL_CLIENT_DETAIL_MAX], err_t e, const char *what, const char *why)
{
    if (snprintf(detail, CTL_CLIENT_DETAIL_MAX, "%s%s%s", what, why[0] == '\0' ? "" : ": ", why) < 0) {
        detail[0] = '\0';
    }
    return e;
}

err_t ctl_client_find(const char *file, struct ctl_client_server *out, char detail[static CTL_CLIENT_DETAIL_MAX])
{
    char control[CTL_CLIENT_PATH_MAX];
    struct writer w = WRITER_ARRAY(control);
    struct writer roles = WRITER_ARRAY(out->roles);
    int line = 0;
    err_t e = conf_file_peek(file, "server", "roles", &roles, &line);
    if (e == ERR_OK) {
        e = conf_file_peek(file, "server", "control", &w, &line);
    }
    if (e != ERR_OK) {
        return say(detail, ERR_CONFIG, file, e == ERR_IO ? "cannot be read" : "has no [server] roles and control");
    }
    TRY(writer_finish_z(&roles));
    size_t slash = text_find_last(text_of(file), '/');
    bool relative = control[0] != '/' && slash < strlen(file);
    struct writer path = WRITER_ARRAY(out->socket);
    writer_text(&path, relative ? text_take(text_of(file), slash + 1) : text_empty());
    writer_text(&path, writer_view_text(&w));
    return writer_finish_z(&path);
}

static err_t answer_read(struct bytes line, json_t **result, char detail[static CTL_CLIENT_DETAIL_MAX])
{
    SCOPED(json_scope) json_t *answer = NULL;
    if (json_parse(line, &answer) != ERR_OK || !json_is_boolean(json_object_get(answer, "ok"))) {
        return say(detail, ERR_PEER_NONSENSE, "the server's answer is no JSON object with \"ok\"", "");
    }
    if (json_is_true(json_object_get(answer, "ok"))) {
        *result = json_incref(json_object_get(answer, "result"));
        return ERR_OK;
    }
    char code[64] = "";
    char why[ROLE_DETAIL_MAX] = "";
    (void)!TEXT_COPY(json_get_text(answer, "code"), code);
    (void)!TEXT_COPY(text_take(json_get_text(answer, "detail"), sizeof(why) - 1), why);
    err_t e = err_of_code(code);
    return e == ERR_OK ? say(detail, ERR_PEER_REFUSED, code, why) : say(detail, e, why, "");
}

err_t ctl_client_ask(const char *socket_path, struct text line, json_t **result, bool *served,
                     char detail[static CTL_CLIENT_DETAIL_MAX])
{
    char *answer = malloc(CONTROL_LINE_MAX);
    struct writer w = writer_of(answer, answer == NULL ? 0 : CONTROL_LINE_MAX);
    err_t e = call(socket_path, line, &w);
    *served = e != ERR_NOT_FOUND;
    const char *gone = "the server went away before it answered; look whether the command was done";
    e = e == ERR_PEER_UNREACHABLE ? say(detail, e, socket_path, gone)
        : e != ERR_OK             ? say(detail, e, socket_path, e == ERR_IO ? strerror(errno) : "")
                                  : answer_read(writer_view(&w), result, detail);
    free(answer);
    return e;
}
