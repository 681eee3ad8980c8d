/*
 * Who asks: From against the association [TS-0003 7.2.1, CHOICE-46, CHOICE-66] on the interfaces of MEF and MAF. An
 * identity from a certificate may be an FQDN, so an absolute CSE-ID is also matched by its FQDN representation
 * [CHOICE-03]. An AE-ID is not: a certificate names an AE by a URI only (table 5.4).
 */
#ifndef KEYSTEAD_ROLE_ORIGINATOR_H
#define KEYSTEAD_ROLE_ORIGINATOR_H

#include "role/role.h"

/* Is the authenticated peer this entity (FQDN or absolute identifier)? */
bool originator_is(const struct association *a, struct text id);

/* From must be an identity of the association; it may be absent where a symmetric key names the client, who may know no
 * more of itself than its Credential-ID [CHOICE-66]. ERR_MALFORMED_FROM (absent with a certificate), ERR_DENIED_FROM. */
MUST_USE err_t originator_check(const struct request *rq, char detail[static ROLE_DETAIL_MAX]);

/* Peer kind of an identity: PEER_AE, PEER_CSE, else PEER_CLIENT. */
enum association_peer originator_peer(struct text id);

/* A client that showed a certificate: bound to every name of it that is an FQDN or an absolute AE-ID (R001-51); a device
 * or node is its Credential-ID alone. ERR_DENIED_CERT_NAME if it names nobody, or more than an association holds. */
MUST_USE err_t originator_of_cert(const struct role_cert *cert, struct association *out);

#endif
