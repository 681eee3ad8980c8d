/*
 * What the tests of the TLS adapter share: a folder of certificates, made-up keys, and a TLS client of OpenSSL in the
 * same process that talks to the adapter through memory.
 */
#ifndef KEYSTEAD_TEST_TLS_FIXTURE_H
#define KEYSTEAD_TEST_TLS_FIXTURE_H

#include "shell/pki.h"
#include "shell/tls.h"
#include "shell/x509.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIXTURE_FQDN "mef.keystead.test"
#define FIXTURE_IDENTITY "made-up-kpm@mef.keystead.test"
#define FIXTURE_KEY "made up key of 32 octets, no more"

/* A path in the folder of this run; up to eight are valid at a time. fixture_setup makes the folder with
 * ca.pem ca.key, server.pem server.key, client.pem client.key. */
const char *fixture_path(const char *name);
const char *fixture_file(const char *name, const char *suffix); /* NAME.SUFFIX there */
int fixture_setup(void **state);
int fixture_teardown(void **state);

struct fixture_cert { /* one certificate with whatever is wrong with it, signed by ca (or foreign-ca) */
    const char *name;  /* NAME.pem, NAME.key */
    const char *ca;    /* "ca" */
    const char *group; /* NULL: RSA 2048 */
    const char *key_usage; /* NULL: none */
    const char *san;       /* as in x509v3_config(5), or NULL */
    const uint8_t *san_raw; /* or the DER of the extension */
    int san_raw_n;
    long from_day, to_day; /* relative to now */
};
void fixture_cert_make(const struct fixture_cert *c);
/* NAME.key and NAME.pem. */
void fixture_pem_put(const char *name, EVP_PKEY *key, X509 *cert);

struct tls_ctx *fixture_ctx_psk(void);
struct tls_ctx *fixture_ctx_cert(void);
struct tls_ctx *fixture_ctx_datagram(bool cert); /* DTLS; repeats a flight after FIXTURE_RETRANSMIT */
#define FIXTURE_RETRANSMIT 20000

/* The client. */
struct peer_options {
    const char *identity; /* NULL: no PSK */
    const char *key;
    const char *sni;
    int version_min, version_max; /* 0: 1.2 */
    uint64_t options;
    const char *cert; /* NAME of NAME.pem and NAME.key */
    bool datagram;    /* DTLS: each step or feed is one datagram */
};
struct peer {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out;
    BIO_METHOD *method;
    struct peer_options opt;
    bool done;
    int alert; /* fatal alert received, or -1 */
};
void peer_open(struct peer *p, const struct peer_options *opt);
void peer_close(struct peer *p);

/* Lets the client run and gives what it wants to send. */
size_t peer_step(struct peer *p, uint8_t *out, size_t cap);
void peer_feed(struct peer *p, struct bytes in);

/* Moves octets both ways until nothing moves; returns the server's state. */
enum tls_state pump(struct tls *t, struct peer *p);

/* Goes on from TLS_WANT_KEY with this key. */
enum tls_state pump_answer(struct tls *t, struct peer *p, const char *key);

struct tls *server_new(struct tls_ctx *ctx);
extern const struct peer_options fixture_good; /* PSK with the right identity and key */

#endif
