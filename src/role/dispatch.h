/*
 * What every role has in common, as pure functions over memory: which route serves a request, who may call it, what
 * a refusal looks like, what is staged and audited, and what an association is given at birth. The shell runs whole
 * procedures with these, and the scenario tests run the same ones without a socket.
 *
 * One exported key per session [CHOICE-10]: the caller keeps one flag a session. A request whose route has
 * ROUTE_EXPORT is given the export while the flag is down; its success raises the flag. A handler that needs the export
 * and finds it unset answers ERR_EXPORT_USED.
 */
#ifndef KEYSTEAD_ROLE_DISPATCH_H
#define KEYSTEAD_ROLE_DISPATCH_H

#include "role/hello.h"
#include "role/role.h"

/* -- requests -------------------------------------------------------------------------------------- */
/*
 * The row that serves `p` for this peer. ERR_NOT_FOUND (no row has the path), ERR_OPERATION, ERR_TYPE_UNSUPPORTED,
 * and, when only the peer is wrong, ERR_DENIED_NO_ASSOCIATION on a plain connection, else ERR_DENIED_CLIENT.
 */
MUST_USE err_t dispatch_route(const struct role *role, const struct primitive *p, const struct association *a,
                              const struct route **out);

/*
 * One request: expired association or request, unsupported parameters, route, handler. *rs is complete afterwards, in
 * success and in failure (rs->body.buf and .cap are the caller's, the rest need not be initialised); the result is the
 * reason. On failure nothing stays staged in *t.
 */
err_t dispatch_run(const struct role *role, const void *ctx, const struct request *rq, struct txn *t,
                   struct response *rs);

/* Makes *rs the refusal for `e`: rsc of its row and {"m2m:dbg":"CODE: text (detail); hint [clause]"}. */
void dispatch_refuse(struct response *rs, err_t e);

/* Views into both; valid while they are. */
struct primitive_response dispatch_reply(const struct primitive *p, const struct response *rs);

/* -- what lasts ------------------------------------------------------------------------------------ */
struct dispatch_about { /* whom and what a refusal's audit event names */
    const struct association *assoc;
    struct text object;
    usec_t now;
};

/* Is this refusal written to the audit chain? Only rows marked so, and never for a stranger. */
bool dispatch_is_audited(err_t outcome, const struct association *a);

/*
 * Inside the open write transaction of t->store: the staged changes and their audit events if outcome is ERR_OK, else
 * the one event of the refusal if it is audited. On failure the caller rolls back and restores *chain.
 */
MUST_USE err_t dispatch_keep(struct txn *t, err_t outcome, const struct dispatch_about *about, const struct crypto *c,
                             struct audit_chain *chain);

/* -- handshakes ------------------------------------------------------------------------------------ */
/* role->psk, role->ua / role->answer with what holds for every role: an answer must resolve, a key must be one and alive. */
MUST_USE err_t dispatch_psk(const struct role *role, const void *ctx, struct txn *t, const struct role_hello *hello,
                            usec_t now, struct role_psk *out);
/* role->ua alone, for who proves itself after the handshake (shell/ua_gate.h). */
MUST_USE err_t dispatch_ua(const struct role *role, const void *ctx, struct txn *t, const struct role_ua *ua, usec_t now,
                           struct role_psk *out);
struct dispatch_asked {
    const struct question *q;
    const struct answer *a;
    usec_t now;
};
MUST_USE err_t dispatch_answer(const struct role *role, const void *ctx, const struct dispatch_asked *x, struct txn *t,
                               struct role_psk *out);
MUST_USE err_t dispatch_cert(const struct role *role, const void *ctx, struct txn *t, const struct role_cert *cert,
                             usec_t now, struct association *out);

/* Gives an association its id (48-bit milliseconds, then random: time-ordered and unique, R004-19), the TLS
 * parameters and its birth; its end is at latest now + lifetime. */
MUST_USE err_t dispatch_associate(struct association *a, const struct crypto *c, uint16_t tls_version, uint16_t suite,
                                  usec_t now, usec_t lifetime);

/* role->established, or nothing if the role has none. On failure nothing stays staged. */
MUST_USE err_t dispatch_established(const struct role *role, const void *ctx, struct association *a,
                                    const struct keys_export *x, struct txn *t, usec_t now);

#endif
