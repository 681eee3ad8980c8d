/*
 * One TLS 1.2 or DTLS 1.2 server connection over memory: octets in, octets out, and a question when the key of
 * a psk_identity has to be fetched first. This is the only file that drives OpenSSL's SSL object on the server side.
 *
 *   tls_feed(octets from the socket) ; s = tls_step() ; tls_drain(octets for the socket)
 *
 *   TLS_HANDSHAKE    more octets are needed
 *   TLS_WANT_KEY     suspended inside the handshake: look up tls_identity(), then tls_answer() or tls_refuse(), then step again
 *   TLS_ESTABLISHED  the handshake is complete but its last flight is HELD: commit what must be durable, then
 *                    tls_release(), or tls_abort() which throws the flight away and sends one plaintext alert
 *   TLS_OPEN         tls_read() / tls_write()
 *   TLS_CLOSED       the peer closed in good order; drain and close
 *   TLS_FAILED       tls_error() says why; drain (the alert) and close
 *
 * With datagrams each tls_feed is one datagram, each tls_drain too (room: TLS_DATAGRAM_MTU); the first is a ClientHello
 * whose cookie the door has proved (cookie.h), so that no packet with a forged sender ever makes a struct tls. What is
 * too much at a time is dropped, as a network may. tls_timeout says when to call tls_step for a retransmission.
 *
 * Rules kept here (design section 5): version 1.2 only, the mandatory suites, extended master secret
 * required [CHOICE-09], no tickets, no session cache, no renegotiation, no compression; SNI selects or is refused
 * (112); an identity with a NUL is refused (true length from ClientKeyExchange); a suspended SSL is never freed.
 */
#ifndef KEYSTEAD_SHELL_TLS_H
#define KEYSTEAD_SHELL_TLS_H

#include "keys/keys.h"
#include "role/role.h"

enum tls_state { TLS_HANDSHAKE, TLS_WANT_KEY, TLS_ESTABLISHED, TLS_OPEN, TLS_CLOSED, TLS_FAILED };

struct tls_ctx_config {
    const char *cert_file;  /* PEM chain, or NULL: PSK suites only */
    const char *key_file;   /* PEM, mode 0600 */
    const char *trust_file; /* PEM anchors for client certificates, or NULL: none are accepted */
    const char *const *names; /* FQDN first, then aliases; NULL-terminated */
    size_t tag;             /* of the caller: whom these names stand for */
    bool psk;               /* accept PSK suites */
    bool anonymous;         /* clients show nothing: no PSK, and no certificate is asked for */
    const char *hint;       /* psk_identity_hint, or NULL: none is sent */
    bool require_ems;       /* default on */
    bool datagram;          /* DTLS 1.2 */
    const char *crl_files;  /* PEM lists joined by ',', or NULL: revocation is not checked */
    bool crl_stale_ok;      /* a list past its nextUpdate still counts */
    bool unconstrained_ok;  /* CAs without name constraints are fine [CHOICE-40] */
    const char *ocsp_file;  /* DER response for cert_file, stapled while it is in force; or NULL */
    bool pinned;            /* self-signed client certificates pass as raw keys: role_cert.raw */
    usec_t retransmit;      /* DTLS: the first wait before a flight is sent again; 0: one second, as RFC 6347 says */
};

/* Once in each thread (process) before its first tls_new: at most suspended_max handshakes wait for a key at a time
 * (each holds a stack of 32 KiB; 0: no limit); one more fails with ERR_LIMIT_BUSY. Never while one is suspended. */
MUST_USE err_t tls_thread_init(size_t suspended_max);
void tls_thread_cleanup(void);

/* A certificate without trust_file: mutual authentication stays required [spec 4.7], so every client certificate is
 * refused. ERR_CONFIG, ERR_FILE_MODE, ERR_IO, ERR_DENIED_CERT_PROFILE, ERR_DENIED_OCSP_*; detail names the file. */
struct tls_ctx; /* immutable; shared by all connections of a listener */
MUST_USE err_t tls_ctx_new(const struct tls_ctx_config *cfg, struct tls_ctx **out, char detail[static ROLE_DETAIL_MAX]);
void tls_ctx_free(struct tls_ctx *ctx); /* with those that joined it */
usec_t tls_ctx_ocsp_end(const struct tls_ctx *ctx); /* nextUpdate of what is stapled; USEC_NEVER: nothing is */
/* What the certificate shown for `tag` says of its holder; x509_names_free(*store). ERR_NOT_FOUND: none is shown, or one that
 * signs itself and so stands for its key alone. */
MUST_USE err_t tls_ctx_shown(const struct tls_ctx *ctx, size_t tag, struct role_cert *out, void **store);
usec_t tls_ctx_crl_end(const struct tls_ctx *ctx); /* when the first revocation list ends; USEC_NEVER: there is none */
/*
 * Several instances behind one address: a ClientHello with a name of `other` goes on with its certificate, trust and
 * suites, one without a name with those of `ctx`. Takes `other` over, also on failure. Both are of one transport and agree
 * in psk and require_ems (ERR_CONFIG), and no name is in two (ERR_EXISTS).
 */
MUST_USE err_t tls_ctx_join(struct tls_ctx *ctx, struct tls_ctx *other);

struct tls;
MUST_USE err_t tls_new(struct tls_ctx *ctx, struct tls **out);
void tls_free(struct tls *t); /* in any state, also while suspended (it refuses and resumes first) */

/* A handshake of more octets fails: a stranger's connection costs little memory. The largest honest one has a chain of
 * certificates of 16 KiB. */
#define TLS_HANDSHAKE_MAX (32U * 1024U)
/* ERR_LIMIT_SIZE when TLS_FEED_MAX octets wait unread: stop reading the socket while suspended or held. */
#define TLS_FEED_MAX (128U * 1024U)
#define TLS_DATAGRAM_MTU 1200 /* octets of a datagram that every path carries */
MUST_USE err_t tls_feed(struct tls *t, struct bytes in);
enum tls_state tls_step(struct tls *t);
/* Takes what is to be sent (at most cap octets); 0 while the last flight is held or nothing is pending. */
size_t tls_drain(struct tls *t, uint8_t *out, size_t cap);
bool tls_has_output(struct tls *t);

struct text tls_identity(const struct tls *t); /* in TLS_WANT_KEY and later; empty for certificates */
/* Name, serial and issuer of the certificate that the client showed, refused or not; empty: it showed none that can be read. */
struct text tls_shown(struct tls *t);
void tls_answer(struct tls *t, const struct secret *key);
void tls_refuse(struct tls *t, err_t why); /* the alert of why's row is sent */

/* DTLS in its handshake: how long until a flight must be repeated (tls_step does it); USEC_NEVER otherwise. */
usec_t tls_timeout(const struct tls *t);
/* How much one tls_write may carry. */
size_t tls_message_max(const struct tls *t);

void tls_release(struct tls *t);
void tls_abort(struct tls *t, err_t why);

/* The exporter of RFC 5705 without context; the caller keeps the rule "once a session". */
MUST_USE err_t tls_export(struct tls *t, const char *label, struct keys_export *out);
bool tls_is_psk(const struct tls *t);
bool tls_is_anonymous(const struct tls *t); /* the client showed nothing, as the configuration has it */
size_t tls_tag(const struct tls *t); /* of the context that the server name chose; once TLS_WANT_KEY or TLS_ESTABLISHED came */
uint16_t tls_version(const struct tls *t);
uint16_t tls_suite(const struct tls *t); /* from TLS_WANT_KEY on: the one that the hellos agreed on */
/* Names of the verified client certificate; views live as long as t. ERR_DENIED_CERT_MISSING. */
MUST_USE err_t tls_peer(struct tls *t, struct role_cert *out);

/* Application data. *n = 0: nothing there now, or the peer closed: tls_step() tells which. */
MUST_USE err_t tls_read(struct tls *t, uint8_t *out, size_t cap, size_t *n);
MUST_USE err_t tls_write(struct tls *t, struct bytes in);
void tls_rest(struct tls *t);  /* of a connection that has nothing under way: gives its buffers back until it has */
void tls_close(struct tls *t); /* queues close_notify */
err_t tls_error(const struct tls *t);

#endif
