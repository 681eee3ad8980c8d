/*
 * The Enrolment Target's side of /fetchCredentials [TS-0003 8.3.2.1 last part]: the question to the MEF that a KeId names, and
 * its answer. The same for a MAF, that wants a Km, and a CSE, that wants a Kpsa: as part of the handshake in which the KeId is met (R001-36), over a TLS
 * connection that the target opens and in which both authenticate (R001-50). No KmId comes with a key (R001-43).
 */
#ifndef KEYSTEAD_ROLE_FETCHED_H
#define KEYSTEAD_ROLE_FETCHED_H

#include "role/credential_args.h"

enum { FETCHED_SUID_KM = 21, FETCHED_SUID_KPSA = 22 }; /* provisioned by RSPF [TS-0004 6.3.4.2.39] */

struct fetched_ask {
    struct text mef;    /* FQDN of a configured peer */
    enum credential_profile profile; /* r3: the SUID goes into the path */
    unsigned suid;
    struct text origin; /* who asks: the target's own identity */
};

struct fetched {
    struct secret key;
    struct m2mid enrolee_id; /* empty: the MEF has none */
    usec_t lifetime;
};

/* Which profile the section [peer MEF] has. */
MUST_USE err_t fetched_profile(const struct conf *cf, const char *mef, enum credential_profile *out,
                               char detail[static ROLE_DETAIL_MAX]);
/* KeId as its MEF wrote it: hexadecimal part upper case [CHOICE-14]. */
MUST_USE err_t fetched_ke_id(const struct keyid_parts *p, struct keyid *out);
MUST_USE err_t fetched_question(const struct fetched_ask *a, struct text identity, struct question *q);
/* The answer is hostile until proven otherwise: ERR_PEER_NONSENSE, ERR_DENIED_FETCH. */
MUST_USE err_t fetched_parse(const struct answer *a, enum credential_profile profile, struct fetched *out);
/* A member that names the Enrolee: empty if there is none; ERR_PEER_NONSENSE. */
MUST_USE err_t fetched_enrolee(const json_t *v, struct m2mid *out);
MUST_USE err_t fetched_enrolee_text(struct text id, struct m2mid *out);
void fetched_wipe(struct fetched *f);

#endif
