/*
 * The pre-shared key a peer is asked with: the one of its section, or what `keystead device` keeps up to date in a state of its
 * own: Kpsa, else Kc that was registered at the MAF [TS-0003 8.2.2.1, 8.2.2.3]. Read again now and then, since it is renewed there.
 */
#ifndef KEYSTEAD_SHELL_OUTBOUND_KEY_H
#define KEYSTEAD_SHELL_OUTBOUND_KEY_H

#include "keys/keyid.h"
#include "shell/client_tls.h"
#include "shell/snapshot.h"

struct outbound_key {
    struct keyid id;
    struct secret psk;
    usec_t not_after;
    usec_t read; /* clock_monotonic; 0: never */
};
void outbound_key_wipe(struct outbound_key *k);

/* Whose certificate the peer is shown: that of an instance with one of its own, unless a key is used; or NULL. */
const struct snapshot_role *outbound_key_role(const struct snapshot_peer *p, const struct snapshot_role *as);

/* All about TLS with this peer, with the credential of `as` (outbound_key_role) or that of its section. `k` is borrowed until the
 * session is over. */
MUST_USE err_t outbound_key_tls(const struct snapshot_peer *p, const struct snapshot_role *as, const struct crypto *c,
                                struct outbound_key *k, struct client_tls *out);

#endif
