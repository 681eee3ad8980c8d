/*
 * A real server of the tiny role in processes of its own, on free ports of the loopback, and plain and TLS clients
 * that use blocking sockets with a time limit.
 */
#ifndef KEYSTEAD_TEST_SERVE_FIXTURE_H
#define KEYSTEAD_TEST_SERVE_FIXTURE_H

#include "scratch.h"
#include "tiny_role.h"

#include "shell/openssl.h"

#include <jansson.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct server {
    struct scratch scratch;
    pid_t pid;
    int plain, tls; /* ports */
    int dead;       /* a listening socket that nobody serves: the peer dead.keystead.test */
};

#define SERVER_LIMITS                                                                                                  \
    "handshake-time = 500ms\nidle-time = 1s\nmessage = 8192\nconnections = 300\nconnections-per-peer = 200\n"          \
    "fetch-time = 700ms\nwaiting-handshakes = 20\n"

/* `limits`: lines of [limits]. Ends the test if the server does not come up. */
void server_start(struct server *s, unsigned workers, const char *limits);
/* SIGTERM; the exit status must be 0 and nothing may be left. */
void server_stop(struct server *s);
void server_conf(struct server *s, const char *word, const char *limits, const char *extra);
/* A line of the control interface; the answer is the caller's. */
json_t *server_ctl(const struct server *s, const char *line);
/* The counter, or 0. */
long server_counter(const struct server *s, const char *name);
pid_t server_process(const struct server *s, bool writer);

/* -- clients ----------------------------------------------------------------------------------------------- */
struct client {
    int fd;
    SSL_CTX *ctx; /* NULL: plain */
    SSL *ssl;
    char buf[400000];
    size_t n;
};
void client_plain(struct client *c, const struct server *s);
/* Returns 0, or the fatal alert that came back (-1: the connection just ended). */
int client_tls(struct client *c, const struct server *s, const char *identity, const char *key);
void client_send(struct client *c, const void *octets, size_t n);
void client_send_z(struct client *c, const char *z);
/* One whole response: its X-M2M-RSC, or -1 when the connection ended; body terminated in *body (may be NULL). */
int client_response(struct client *c, char **body);
int client_get(struct client *c, const char *path, char **body);
int client_post_note(struct client *c, const char *name);
bool client_is_ended(struct client *c); /* reads until the end, at most 3 s */
void client_close(struct client *c);

#endif
