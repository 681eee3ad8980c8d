/*
 * The TLS side of a libcurl handle, written once for servers that ask each other and for the device: TLS 1.2 only, our
 * own suites, a pre-shared key or a certificate of our own, the peer's certificate checked for path, profile and the
 * exact FQDN (stricter than libcurl's own check, which is off), and the exporter taken when the handshake completes.
 */
#ifndef KEYSTEAD_SHELL_CLIENT_TLS_H
#define KEYSTEAD_SHELL_CLIENT_TLS_H

#include "keys/keyid.h"
#include "keys/keys.h"
#include "shell/x509_ocsp.h"

/* A key that depends on what was agreed on: asked for in the handshake, with the server's hint. The identity has KEYID_MAX
 * octets; the key goes into OpenSSL and nowhere else. An error is why the handshake fails. */
typedef err_t client_tls_psk_fn(void *arg, struct text hint, uint16_t suite, char identity[static KEYID_MAX], struct secret *psk);

struct client_tls {
    /* Who we are: a pre-shared key, or a certificate, or (neither) nobody. Borrowed until the transfer is over. */
    struct text psk_identity;
    const struct secret *psk;  /* not NULL: PSK suites only, and the peer shows no certificate */
    client_tls_psk_fn *psk_of; /* the same, instead of the two above */
    void *psk_arg;
    const char *certificate;  /* PEM files */
    const char *key;
    /* Who they are. */
    const char *fqdn;    /* SNI and the name that must be in the certificate */
    const char *address; /* where they are: host:port or [v6]:port */
    bool datagram;       /* DTLS 1.2 (dtls_client.h) */
    const char *trust;   /* PEM anchors; not used with a PSK */
    void *trust_store;   /* an X509_STORE of x509_trust_load instead, with revocation lists; or NULL */
    enum x509_ocsp ocsp; /* must it staple an OCSP response? Not with a PSK */
    /* Filled at the end of the handshake if export_label is set (RFC 5705, CHOICE-08, CHOICE-09). */
    const char *export_label;
    struct keys_export *exported;
    /* What happened. */
    bool done;                   /* the handshake completed */
    err_t reason;                /* why we refused the peer, or ERR_OK */
    bool extended_master_secret; /* the server agreed to it (RFC 7627) */
    uint16_t version, suite;     /* what was agreed on; 0 before that */
    uint8_t alert;               /* fatal alert that came from the peer, or 0 */
    void *connect_to;            /* of client_tls_apply */
};

/*
 * Sets everything about TLS and addressing on a fresh CURL easy handle; the URL then is https://FQDN[:any port]/path.
 * `c` must outlive the transfer. Never follows redirects, never uses a proxy, never resumes a session.
 */
MUST_USE err_t client_tls_apply(void *easy, struct client_tls *c);
void client_tls_forget(struct client_tls *c); /* frees what apply made; after the easy handle is cleaned up */

/* The next transfer of this handle ends at clock_monotonic() == until; ERR_PEER_TIMEOUT if that is over. */
MUST_USE err_t client_tls_limit(void *easy, usec_t until);

bool client_tls_by_psk(const struct client_tls *c); /* else certificates */

/* The same for an SSL_CTX that libcurl does not drive. */
MUST_USE err_t client_tls_context(void *ssl_ctx, struct client_tls *c);
/* Who refused whom, as far as this side knows: ERR_OK if nobody did. */
err_t client_tls_refusal(const struct client_tls *c);

const char *client_tls_alert_name(const struct client_tls *c); /* in words, of the alert that came */

/* What a failed transfer means: `code` is a CURLcode. */
err_t client_tls_outcome(const struct client_tls *c, int code);

#endif
