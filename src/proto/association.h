/*
 * The security association: the result of every establishment procedure and the only thing a
 * role learns about its peer (design section 4, R004-19 .. R004-22). A plain value; its codec is used
 * between processes.
 */
#ifndef KEYSTEAD_PROTO_ASSOCIATION_H
#define KEYSTEAD_PROTO_ASSOCIATION_H

#include "base/reader.h"
#include "keys/keyid.h"
#include "wire/m2mid.h"

#define ASSOCIATION_ID_LEN 32 /* hexadecimal digits: unique; with a CSE what both ends export (R004-19) */
#define ASSOCIATION_IDS_MAX 4
#define ASSOCIATION_SERIAL_MAX 41 /* hexadecimal digits of 20 octets [RFC 5280 4.1.2.2] */
#define ASSOCIATION_CREDENTIAL_MAX (KEYID_MAX + 4)

enum association_framework { /* of TS-0003 8.2 and the seeds */
    ASSOCIATION_NONE, /* outside any association: a plain listener */
    ASSOCIATION_PSK,
    ASSOCIATION_CERT,
    ASSOCIATION_MAF,
    ASSOCIATION_GBA,
    ASSOCIATION_E2E /* none of a connection: one ESPrim Object, whose key stands for its originator (12.3, 13.1) */
};

enum association_peer { /* a bit each, so that routes can name sets of them */
    PEER_NONE = 0,
    PEER_UNKNOWN = 1, /* authenticated, but only the Credential-ID is known [CHOICE-43] */
    PEER_ENROLEE = 2,
    PEER_MAF = 4,
    PEER_MEF = 8,
    PEER_CSE = 16,
    PEER_AE = 32,
    PEER_NODE = 64,
    PEER_CLIENT = 128, /* MAF or MEF client whose identity may be an AE, CSE or its Credential-ID */
    PEER_PLAIN = 256   /* nobody authenticated: outside any association */
};

struct association {
    char id[ASSOCIATION_ID_LEN + 1];
    enum association_framework framework;
    enum association_peer peer;
    uint16_t tls_version; /* 0x0303 TLS 1.2, 0xFEFD DTLS 1.2, 0 none (R004-22) */
    uint16_t suite;       /* IANA number */
    bool by_digest;       /* not by the handshake: each request proves itself, and its Authorization was judged (Ua) */
    struct m2mid ids[ASSOCIATION_IDS_MAX]; /* absolute identities it is bound to; FQDN for MEF and MAF */
    size_t ids_n;                          /* 0: Credential-ID alone */
    char credential_id[ASSOCIATION_CREDENTIAL_MAX]; /* e.g. 12-NAME@FQDN [TS-0003 10.4], or empty */
    struct keyid key_id;                   /* psk_identity as sent, table key of a certificate's identity, or empty */
    char serial[ASSOCIATION_SERIAL_MAX];   /* of the certificate that the peer showed, or empty */
    usec_t established;
    usec_t not_after; /* never later than the credential it came from (R002-85) */
};

void association_init_plain(struct association *a); /* framework none, peer plain, never expires */

/* The identity that logs and audit show: first bound identity, else Credential-ID, else "-". */
struct text association_name(const struct association *a);

/* Is `absolute` one of the bound identities? */
bool association_is_bound_to(const struct association *a, struct text absolute);

/* Cuts not_after down to `limit` if that is earlier (R002-85). */
void association_limit(struct association *a, usec_t limit);

void association_write(const struct association *a, struct writer *w);
MUST_USE err_t association_parse(struct reader *r, struct association *out);

#endif
