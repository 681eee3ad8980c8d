/*
 * What the files of the TLS adapter share: tls.c the connection, tls_ctx.c the context, tls_datagram.c what
 * DTLS has besides, tls_hook.c the callbacks of a
 * handshake, tls_psk.c the one of them that waits, tls_staple.c the OCSP response, tls_reason.c why it failed, tls_shown.c whose
 * certificate it was. Nobody else includes this.
 */
#ifndef KEYSTEAD_SHELL_TLS_IMPL_H
#define KEYSTEAD_SHELL_TLS_IMPL_H

#include "shell/openssl.h" /* before any other header of OpenSSL */
#include "shell/tls.h"
#include "shell/x509_ocsp.h"

#include <openssl/ssl.h>

#define TLS_SHOWN_MAX 320
#define TLS_IDENTITY_MAX 255 /* octets of a psk_identity [CHOICE-32] */

struct tls_staple {
    struct x509_ocsp_span span;
    size_t n;
    uint8_t der[X509_OCSP_MAX];
};

struct tls_ctx {
    SSL_CTX *ssl;
    char **names; /* NULL-terminated copies */
    size_t tag;
    struct tls_ctx *next; /* joined: owned; its own next are of the same address */
    bool psk, anonymous;
    bool require_ems;
    BIO_METHOD *datagram; /* NULL: TLS */
    usec_t retransmit;
    struct tls_staple *staple; /* or NULL */
};

struct tls {
    SSL *ssl; /* its app data is this struct */
    BIO *in;  /* both memory, both owned by ssl */
    BIO *out;
    const struct tls_ctx *ctx; /* the server name may choose another of the same address */
    enum tls_state state;
    err_t err;     /* why TLS_FAILED */
    err_t refused; /* set by a callback or by tls_refuse: stronger than what OpenSSL then reports */
    bool answered; /* the suspended callback may go on */
    bool held;     /* the last flight is in `out` and stays there */
    bool keyed;    /* a key was handed to OpenSSL: what cannot be decrypted now means that keys differ */
    bool alert_out; /* OpenSSL has put its own fatal alert into `out` */
    bool alert_in;  /* the peer ended it: no alert answers an alert */
    bool admitted;  /* DTLS: behind the cookie exchange */
    bool cipher_in; /* DTLS: the client's ChangeCipherSpec has come */
    bool sealed_in; /* DTLS: and an encrypted record since this was last looked at */
    unsigned unopened; /* DTLS: how often that did not complete the handshake, counted as far as it matters */
    usec_t unopened_since; /* clock_monotonic: the first of them */
    size_t fed;     /* octets of the handshake */
    size_t cke_identity_n; /* true length, from ClientKeyExchange: the callback's text ends at a NUL */
    struct text identity;
    struct secret key; /* between tls_answer and the callback */
    void *names;       /* of the peer's certificate, x509_names */
    char *shown;       /* tls_shown, or NULL */
    char identity_buf[TLS_IDENTITY_MAX + 1];
};

/* -- tls_hook.c ---- */
void tls_hook_install(SSL_CTX *ssl, struct tls_ctx *ctx);

/* -- tls_datagram.c ---- */
BIO_METHOD *tls_datagram_method(void);
void tls_datagram_ctx(SSL_CTX *ssl);
void tls_datagram_begin(struct tls *t);
/* Before each step: through the entry, and what is due is sent again. */
MUST_USE err_t tls_datagram_ready(struct tls *t);
bool tls_datagram_key_differs(struct tls *t); /* after a step that did not complete */
void tls_datagram_header(struct tls *t, struct bytes head);
void tls_datagram_arrived(struct tls *t, struct bytes datagram); /* before OpenSSL reads it */
void tls_datagram_alert(struct tls *t, uint8_t description);
size_t tls_datagram_message_max(void);
usec_t tls_datagram_timeout(const struct tls *t);

/* -- tls_psk.c ---- */
/* The psk server callback: length of the key, 0 refuses with the alert of t->refused. */
unsigned tls_psk_take(SSL *ssl, const char *identity, unsigned char *psk, unsigned cap);

/* -- tls_staple.c ---- */
/* The certificate and whom clients must be vouched for by are in the context already. */
MUST_USE err_t tls_staple_set(struct tls_ctx *ctx, const char *file, char detail[static ROLE_DETAIL_MAX]);
usec_t tls_staple_end(const struct tls_ctx *ctx);

/* -- tls_shown.c ---- */
int tls_shown_verify(X509_STORE_CTX *path, void *arg);

/* -- tls_reason.c ---- */
/* Empties OpenSSL's error queue. */
err_t tls_reason_take(const struct tls *t);
err_t tls_reason_size(const struct tls *t); /* of a handshake that is too long */

#endif
