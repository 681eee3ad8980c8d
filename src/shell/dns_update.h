/*
 * DNS UPDATE [RFC 2136] with TSIG [RFC 8945, hmac-sha256] as octets: what is asked of a name server, and what its answer says.
 * No socket. A record is made only under a name that nobody uses, and only our own record is taken away.
 */
#ifndef KEYSTEAD_SHELL_DNS_UPDATE_H
#define KEYSTEAD_SHELL_DNS_UPDATE_H

#include "base/secret.h"
#include "base/writer.h"
#include "role/naming.h"

#define DNS_UPDATE_MAX 1232 /* octets of a message */
#define DNS_UPDATE_MAC_MAX 64

enum dns_update_step {
    DNS_UPDATE_ADD,    /* the name is not in use: the records are made */
    DNS_UPDATE_OURS,   /* changes nothing: are the records of the name just ours? */
    DNS_UPDATE_REMOVE  /* our records go */
};

struct dns_update {
    enum dns_update_step step;
    const struct naming *what;
    const struct secret *key;
    uint16_t id;
    uint8_t mac[DNS_UPDATE_MAC_MAX]; /* of the request: the answer is bound to it */
    size_t mac_n;
};

/* ERR_DNS_ZONE: the name is outside of the zone; nothing is to be sent. Fills in the MAC. */
MUST_USE err_t dns_update_write(struct dns_update *u, struct writer *w);
/* ERR_OK: done. ERR_DNS_TAKEN: the name is in use. ERR_DNS_ZONE, ERR_DNS_KEY, ERR_DNS_REFUSED; ERR_PEER_NONSENSE: no answer to
 * this request, wait for another. */
MUST_USE err_t dns_update_read(const struct dns_update *u, struct bytes answer);

#endif
