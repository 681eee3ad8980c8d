#include "cli/demo_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { OUTPUT_MAX = 262144, RUN_SECONDS = 30, READY_SECONDS = 20, STOP_TENTHS = 50, READY_FD = 3 };

static char output[OUTPUT_MAX + 1]; /* one command runs at a time */

void demo_proc_result_free(struct demo_proc_result *r)
{
    json_decref(r->json);
    r->json = NULL;
}

static pid_t spawn(const char *const *argv, posix_spawn_file_actions_t *actions)
{
    const char *full[DEMO_PROC_ARGS_MAX + 2] = {"keystead"};
    size_t n = 1;
    for (; argv[n - 1] != NULL && n <= DEMO_PROC_ARGS_MAX; n++) {
        full[n] = argv[n - 1];
    }
    pid_t pid = -1;
    /* posix_spawn takes pointers to char for historical reasons and does not write through them */
    int e = posix_spawn(&pid, "/proc/self/exe", actions, NULL, (char *const *)(uintptr_t)full, environ);
    return e == 0 ? pid : -1;
}

/* Reads until the other end closes or the time is up. */
static size_t drain(int fd, int seconds)
{
    size_t n = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (n < OUTPUT_MAX && poll(&p, 1, seconds * 1000) > 0) {
        ssize_t got = read(fd, output + n, OUTPUT_MAX - n);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
    }
    output[n] = '\0';
    return n;
}

static int exit_code(pid_t pid)
{
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
        return -1;
    }
    return WEXITSTATUS(status);
}

err_t demo_proc_run(const char *const *argv, struct demo_proc_result *out)
{
    int fd[2];
    posix_spawn_file_actions_t actions;
    *out = (struct demo_proc_result){.code = -1};
    if (pipe2(fd, O_CLOEXEC) != 0) {
        return ERR_IO;
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, fd[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, fd[1], STDERR_FILENO);
    pid_t pid = spawn(argv, &actions);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(fd[1]);
    size_t n = pid > 0 ? drain(fd[0], RUN_SECONDS) : 0;
    (void)close(fd[0]);
    if (pid <= 0) {
        return ERR_IO;
    }
    out->code = exit_code(pid);
    (void)snprintf(out->text, sizeof(out->text), "%.*s", (int)sizeof(out->text) - 1, output);
    out->json = json_loadb(output, n, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, NULL);
    return ERR_OK;
}

err_t demo_proc_serve(const char *conf, const char *log, pid_t *out)
{
    int fd[2];
    posix_spawn_file_actions_t actions;
    const char *argv[] = {"serve", "-c", conf, "--ready-fd", "3", NULL};
    if (pipe2(fd, O_CLOEXEC) != 0) {
        return ERR_IO;
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    if (fd[1] == READY_FD) {
        (void)fcntl(fd[1], F_SETFD, 0); /* dup2 onto itself would leave close-on-exec set */
    } else {
        (void)posix_spawn_file_actions_adddup2(&actions, fd[1], READY_FD);
    }
    *out = spawn(argv, &actions);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(fd[1]);
    struct pollfd p = {.fd = fd[0], .events = POLLIN};
    char line[8];
    bool ready = *out > 0 && poll(&p, 1, READY_SECONDS * 1000) == 1 && read(fd[0], line, sizeof(line)) > 0;
    (void)close(fd[0]);
    return ready ? ERR_OK : ERR_PEER_UNREACHABLE;
}

void demo_proc_stop(pid_t pid)
{
    if (pid <= 0 || kill(pid, SIGTERM) != 0) {
        return;
    }
    for (int i = 0; i < STOP_TENTHS; i++) {
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            return;
        }
        (void)poll(NULL, 0, 100);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}
