/*
 * The association procedure: what an AE or a CSE hands in before it connects to another AE or CSE, and what it gets out when
 * the handshake is over. Trigger: the wish to communicate securely. Pure like keystead.h, whose steps (1 to 3 with a MAF) give the
 * key that the handshake itself is made with; see docs/procedures/association.md.
 *
 *   keystead_association_check()   before anything is sent: every prerequisite, with a refusal each
 *   (D)TLS 1.2 handshake with the peer; export 48 octets with KEYSTEAD_LABEL_ASSOCIATION, no context (RFC 5705)
 *   keystead_association_made()    identifier, key, lifetime, methods and parameters
 *   keystead_association_is_alive() before each use
 *
 * An AE behind a CSE has no key of its own: its local CSE calls keystead_association_application_key() when it instantiates the AE, and
 * handles its connections with that key in the place of its own.
 */
#ifndef KEYSTEAD_ASSOCIATION_H
#define KEYSTEAD_ASSOCIATION_H

#include <keystead/keystead.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KEYSTEAD_LABEL_ASSOCIATION "EXPERIMENTAL-keystead-association"
#define KEYSTEAD_ASSOCIATION_ID_LEN 32 /* hexadecimal digits */

typedef enum keystead_mechanism {
    KEYSTEAD_BY_KEY,         /* pre-provisioned key, or Kpsa of a bootstrap */
    KEYSTEAD_BY_CERTIFICATE,
    KEYSTEAD_BY_MAF,
    KEYSTEAD_BY_GBA          /* not available in this build: refused */
} keystead_mechanism;

typedef enum keystead_lifetime {
    KEYSTEAD_FOR_CREDENTIAL, /* until the credential ends */
    KEYSTEAD_FOR_SESSION,    /* until the session ends */
    KEYSTEAD_FOR_DATA,       /* until the protected data lose their validity: `until` */
    KEYSTEAD_FOR_CONTRACT    /* until the contract between the subscribers of two AEs ends: `until` */
} keystead_lifetime;

typedef enum keystead_refusal {
    KEYSTEAD_GRANTED = 0,
    KEYSTEAD_NO_ENTITY,      /* an identifier is missing, or both are the same, or the local CSE is not that of the AE */
    KEYSTEAD_NO_CALLER,      /* the caller is neither AE nor CSE */
    KEYSTEAD_NO_MECHANISM,   /* not available in this build */
    KEYSTEAD_NO_LIFETIME,    /* `until` is over, or a contract is not between two AEs */
    KEYSTEAD_NOT_PROVISIONED,/* run the bootstrap first */
    KEYSTEAD_NO_PROVIDER,    /* the MAF of the provider is not chosen */
    KEYSTEAD_NO_SECRET,      /* long term key, application key or certificate */
    KEYSTEAD_UNMATCHED,      /* the secret held for the peer is another */
    KEYSTEAD_EXPIRED,
    KEYSTEAD_NETWORK_DOWN,
    KEYSTEAD_WRONG_USE       /* NULL, an unknown number, a time out of range */
} keystead_refusal;

typedef struct keystead_entity { /* an end of the connection */
    const char *id;             /* absolute CSE-ID or AE-ID */
    const keystead_key *secret; /* CSE: its long term key; AE: its application key. NULL: none, or not held on this side */
} keystead_entity;

typedef struct keystead_association_input {
    keystead_entity self;
    keystead_entity peer;        /* secret: only by KEYSTEAD_BY_KEY, where both ends hold one; NULL if it is not held apart */
    const char *local_cse;       /* of an AE behind a CSE: absolute CSE-ID; else NULL */
    keystead_mechanism mechanism;
    const char *maf_fqdn;        /* KEYSTEAD_BY_MAF: the provider's; else NULL */
    bool provisioned;            /* pre-provisioned or bootstrapped; for an AE behind a CSE: its local CSE is */
    bool has_certificate;
    bool network_up;
    int64_t credential_expires;
    keystead_lifetime lifetime;
    int64_t until;               /* KEYSTEAD_FOR_DATA, KEYSTEAD_FOR_CONTRACT */
} keystead_association_input;

typedef struct keystead_association {
    char id[KEYSTEAD_ASSOCIATION_ID_LEN + 1]; /* unique; the peer finds the same */
    keystead_key key;                         /* short-term key; the caller's to wipe */
    int64_t expires;                          /* earlier than the credential */
    keystead_lifetime lifetime;
    keystead_mechanism mechanism;
    unsigned suid;                            /* of the credential: 22, 32, 42 [TS-0004 6.3.4.2.39] */
    uint16_t tls_version;                     /* 0x0303, DTLS 0xFEFD */
    uint16_t suite;                           /* IANA number */
} keystead_association;

/* The first prerequisite that is not met. Nothing has been sent and no state changed. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_refusal keystead_association_check(const keystead_association_input *in, int64_t now);

typedef struct keystead_handshake { /* what the caller's TLS stack knows when the handshake is over */
    const uint8_t *exported; /* KEYSTEAD_EXPORT_LEN octets */
    uint16_t tls_version;
    uint16_t suite;
} keystead_handshake;

/* Checks again (time has passed), then fills *out. Empty (zeros) unless KEYSTEAD_GRANTED. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_refusal keystead_association_made(const keystead_association_input *in, int64_t now,
                                                                       const keystead_handshake *done,
                                                                       keystead_association *out);

/* May it be used now? `session_open`: the connection that made it still stands. */
KEYSTEAD_API bool keystead_association_is_alive(const keystead_association *a, int64_t now, bool session_open);

/* The application key of an AE instance, an absolute AE-ID, for one mechanism (key or MAF), from the long term key of its
 * local CSE. Two instances have two keys. KEYSTEAD_BAD_ARGUMENT for a mechanism without one. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_association_application_key(const keystead_crypto *c, const keystead_key *long_term,
                                                                     keystead_mechanism mechanism, const char *ae_id,
                                                                     keystead_key *key);

#ifdef __cplusplus
}
#endif

#endif
