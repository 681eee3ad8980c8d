/*
 * What a handshake is decided by, between the role (role.psk, role.answer, role.cert) and the shell: nothing of the network that
 * carried it (R000-06, R000-07).
 */
#ifndef KEYSTEAD_ROLE_HANDSHAKE_H
#define KEYSTEAD_ROLE_HANDSHAKE_H

#include "keys/keys.h"
#include "proto/association.h"
#include "wire/m2mid.h"
#include "wire/media.h"

/* What the role must learn from another authority before a handshake can go on. */
struct question {
    char peer[256];   /* FQDN: a configured [peer], or with a body a URL that may be called; anything else is refused by the shell */
    char path[512];   /* path to GET; with a body for a URL: what the answer is about, for answer() alone */
    struct bytes body; /* to NOTIFY, borrowed until it is sent; empty: GET */
    enum media media;  /* of the body, and of the answer that is wanted */
    bool to_peer;     /* the body goes to this path of a [peer], not to a URL */
    bool update;      /* that is an UPDATE; else a NOTIFY */
    char origin[M2MID_MAX]; /* X-M2M-Origin */
    struct keyid key_id;    /* the identity asked about: equal questions are coalesced */
    unsigned suid;          /* what the key is wanted for: an answer for one usage is none for another. Of a B-TID: naf.h */
};

struct answer {
    err_t err;       /* ERR_OK: an HTTP response came; else why not */
    unsigned status; /* HTTP */
    struct bytes body;
};

enum role_verdict { ROLE_KEY, ROLE_ASK, ROLE_TAKEN /* of answer(): it is staged; there is no key in it */ };

struct role_psk {
    enum role_verdict verdict;
    struct secret key;          /* ROLE_KEY; the shell wipes it */
    struct association assoc;   /* ROLE_KEY: framework, peer, ids, credential_id, key_id, not_after filled in */
    struct question ask;        /* ROLE_ASK */
};

/* What a verified peer certificate says (path, time, status and profile were checked by the shell). */
struct role_cert {
    struct text dns[8]; /* subjectAltName dNSName */
    size_t dns_n;
    struct text uri[8]; /* uniformResourceIdentifier */
    size_t uri_n;
    struct text device[4]; /* otherName of the M2M Device Indication ID arc: the whole OID, dotted [TS-0003 10.1.1.4] */
    size_t device_n;
    struct text key_id; /* sha-256 name of the SubjectPublicKeyInfo: "sha-256;<base64url>" [10.1.2, CHOICE-36] */
    bool raw;           /* a raw public key or a certificate pinned by key_id: no path was validated */
    char serial[ASSOCIATION_SERIAL_MAX]; /* hexadecimal digits, or empty if there are too many */
    usec_t not_after;
};

#endif
