/*
 * ESCertKE: two end points make a pairwiseE2EKey by their certificates, in four messages that anything may carry
 * [TS-0003 8.7]: a TLS 1.2 handshake as octets (securityInfo type 6), driven through memory BIOs [CHOICE-83].
 *
 *   initiator   start() -> message 1     recv(message 2) -> message 3     recv(message 4), done
 *   target      recv(message 1) -> message 2                recv(message 3) -> message 4, done
 *
 * The extended master secret is required [CHOICE-09], as is the one suite of 10.2.3. After an error *out may hold an
 * alert for the peer, and the engine is of no more use.
 */
#ifndef KEYSTEAD_SHELL_ESCERTKE_H
#define KEYSTEAD_SHELL_ESCERTKE_H

#include "proto/esprim.h"
#include "role/cert_id.h"

#define ESCERTKE_MESSAGE_MAX (32U * 1024U)

struct escertke_config {
    const char *cert_file, *key_file;  /* who we are; PEM with the chain */
    const char *trust_file, *crl_files; /* whom we believe; not for a raw key */
    enum cert_id_flavour flavour;      /* of the peer's certificate [8.1.2.4] */
    const char *peer;                  /* its identity, exactly */
    usec_t lifetime;                   /* of the key; never beyond the peer's certificate */
};

struct escertke;
MUST_USE err_t escertke_new(const struct escertke_config *cfg, bool initiator, struct escertke **out,
                            char detail[static ROLE_DETAIL_MAX]);
void escertke_free(struct escertke *e);

MUST_USE err_t escertke_start(struct escertke *e, struct writer *out); /* ERR_STATE for the target */
/* ERR_DENIED_CERT_*, ERR_DENIED_TLS, ERR_OBJECT_MALFORMED (no handshake message, or not the whole), ERR_STATE. */
MUST_USE err_t escertke_recv(struct escertke *e, struct bytes message, struct writer *out);
bool escertke_is_done(const struct escertke *e);
/* pairwiseESPrimKey of SUID 43, bound to the peer; once. The identifier is the 16 octets in upper case hex. */
MUST_USE err_t escertke_key(struct escertke *e, usec_t now, struct esprim_key *out);

#endif
