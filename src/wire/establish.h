/*
 * The association procedure of 2013 (seed 004, fact sheet 15.6) as tables: its mechanisms, its prerequisites with a refusal
 * each, and the kinds of its lifetime. What the device library and the command line both run before a connection is made.
 */
#ifndef KEYSTEAD_WIRE_ESTABLISH_H
#define KEYSTEAD_WIRE_ESTABLISH_H

#include "base/text.h"

enum establish_mechanism { ESTABLISH_KEY, ESTABLISH_CERTIFICATE, ESTABLISH_MAF, ESTABLISH_GBA, ESTABLISH_MECHANISMS };

/* R000-41: one row a mechanism. */
struct establish_row {
    const char *name;
    unsigned suid;     /* of the credential the association is made with [TS-0004 6.3.4.2.39] */
    unsigned app_suid; /* of the application key that takes the place of a CSE's key; 0: the mechanism has none */
    bool is_available;
    bool wants_secret;      /* a long term key, or the application key of an AE */
    bool wants_certificate;
    bool wants_provider;    /* a MAF must have been chosen */
    const char *clause;
};
const struct establish_row *establish_row(enum establish_mechanism m);
MUST_USE err_t establish_by_name(struct text name, enum establish_mechanism *out); /* ERR_USAGE */

enum establish_lifetime {
    ESTABLISH_CREDENTIAL, /* as long as the credential it came from */
    ESTABLISH_SESSION,    /* R002-86: the duration of the session */
    ESTABLISH_DATA,       /* R002-87: the validity of the protected data */
    ESTABLISH_CONTRACT,   /* R002-88: a contract between the subscribers of two AEs */
    ESTABLISH_LIFETIMES
};
const char *establish_lifetime_name(enum establish_lifetime kind);
MUST_USE err_t establish_lifetime_by_name(struct text name, enum establish_lifetime *out); /* ERR_USAGE */

struct establish_input {
    struct text self, peer; /* absolute CSE-ID or AE-ID of both ends (R004-17) */
    struct text local_cse;  /* of an AE behind a CSE: the CSE-ID of that; else empty (R004-13) */
    enum establish_mechanism mechanism;
    enum establish_lifetime lifetime;
    usec_t until;           /* DATA and CONTRACT: when validity or contract ends */
    usec_t credential_end;
    bool is_provisioned;    /* the node, or the local CSE, has a provider's credential: pre-provisioned or by a bootstrap */
    bool has_secret;        /* of the caller itself: for an AE behind a CSE its application key */
    bool has_certificate;
    bool has_provider;
    bool has_network;
};

bool establish_is_ae(struct text id); /* an absolute AE-ID */

/*
 * The first prerequisite that is not met; *what says it in words. ERR_ENTITY_MISSING, ERR_DENIED_CALLER, ERR_USAGE,
 * ERR_DENIED_MECHANISM, ERR_LIFETIME_KIND, ERR_DENIED_UNPROVISIONED, ERR_DENIED_PROVIDER, ERR_DENIED_SECRET, ERR_DENIED_EXPIRED,
 * ERR_PEER_UNREACHABLE.
 */
MUST_USE err_t establish_check(const struct establish_input *in, usec_t now, const char **what);

/* Its last moment: before the end of the credential (R002-85), and not after what its kind says (R004-21). */
usec_t establish_end(const struct establish_input *in);

#endif
