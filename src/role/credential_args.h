/*
 * The arguments of `ctl credential add`, the same at the MEF (--kind kpm), the MAF (km), the CSE (kpsa) and for the
 * identity of a certificate (cert): one parser, one set of rules, one row of rules a kind. The key comes as hexadecimal
 * text and leaves as a secret; no detail text ever repeats it.
 */
#ifndef KEYSTEAD_ROLE_CREDENTIAL_ARGS_H
#define KEYSTEAD_ROLE_CREDENTIAL_ARGS_H

#include "role/cert_key.h"

#define CREDENTIAL_LIFETIME_MAX (INT64_C(36500) * 86400 * USEC_PER_SEC)

/* Which form of derivation a credential or a peer uses (design section 12). Numbers are on disk. */
enum credential_profile {
    CREDENTIAL_R3 = 1,  /* published text: SUID in the derivation and in the request, KmId assigned by the MAF */
    CREDENTIAL_SEED = 2 /* the seeds: Km by 10.3.2, Kpsa by 10.3.3, KmId := KeId */
};

/* Set of m2mid_kind values, a bit each. */
#define CREDENTIAL_ID_OF(kind) (1U << (kind))
#define CREDENTIAL_IDS_ENTITY                                                                                          \
    (CREDENTIAL_ID_OF(M2MID_ABS_CSE) | CREDENTIAL_ID_OF(M2MID_ABS_AE_C) | CREDENTIAL_ID_OF(M2MID_ABS_AE_S))
#define CREDENTIAL_IDS_TARGET (CREDENTIAL_IDS_ENTITY | CREDENTIAL_ID_OF(M2MID_FQDN))

/* What one role takes. */
struct credential_rules {
    const char *kind;    /* the only --kind: "kpm", "km", "kpsa", "cert" */
    bool certificate;    /* --id is the identity of a certificate: --flavour is allowed, a key is not */
    size_t enrolees;     /* how many --enrolee-id may name; 0 is 1 */
    struct text fqdn;    /* the FQDN that the identifier must name; empty: any */
    unsigned targets;    /* identifiers allowed as --target; 0: the argument is refused */
    bool takes_profile;  /* --profile is allowed */
    usec_t lifetime;     /* if --lifetime is not given */
};

struct credential_args {
    struct keyid id;        /* as given; of a certificate its name in one spelling */
    enum cert_id_flavour flavour; /* of a certificate */
    struct keyid folded;    /* the form under which it is stored */
    struct secret key;      /* 16..64 octets [CHOICE-01] */
    struct m2mid enrolee_id; /* absolute AE-ID or CSE-ID, the first of them; empty if not given */
    struct m2mid enrolee_ids[ASSOCIATION_IDS_MAX];
    size_t enrolee_ids_n;
    struct m2mid target;     /* FQDN (lower case), or absolute CSE-ID or AE-ID; empty if not given */
    enum credential_profile profile; /* CREDENTIAL_R3 if not given */
    usec_t lifetime;
};

/* ERR_USAGE for another --kind, before anything else is looked at: with several roles in one process the next one is
 * to be tried. Else the error of the first argument at fault, which `detail` names. */
MUST_USE err_t credential_args_parse(const struct credential_rules *rules, const json_t *args,
                                     struct credential_args *out, char detail[static ROLE_DETAIL_MAX]);
/* Only what a bootstrap instruction has of it: --target, --enrolee-id, --profile, --lifetime. */
MUST_USE err_t credential_args_instruction(const struct credential_rules *rules, const json_t *args,
                                           struct credential_args *out, char detail[static ROLE_DETAIL_MAX]);
void credential_args_wipe(struct credential_args *a);

/* The rules whose kind --kind names, else the first: its refusal names it. */
const struct credential_rules *credential_args_rules(const struct credential_rules *rows, size_t n, const json_t *args);

/* The positional ID of `credential show` and `credential revoke`, folded; _named: a positional of another name, and
 * the identifier of a key. */
MUST_USE err_t credential_args_id(const json_t *args, struct keyid *folded, char detail[static ROLE_DETAIL_MAX]);
MUST_USE err_t credential_args_named(const json_t *args, const char *name, struct keyid *folded,
                                     char detail[static ROLE_DETAIL_MAX]);

const char *credential_args_profile_name(enum credential_profile p); /* "r3", "seed" */
MUST_USE err_t credential_args_profile(struct text t, enum credential_profile *out); /* ERR_USAGE */

/* Argument tables for the rows of `credential add` (all roles), and of `show` and `revoke` (one positional ID). */
enum { CREDENTIAL_ARGS_ADD_N = 8, CREDENTIAL_ARGS_ONE_N = 1 };
extern const struct ctl_arg credential_args_add[CREDENTIAL_ARGS_ADD_N];
extern const struct ctl_arg credential_args_one[CREDENTIAL_ARGS_ONE_N];

#endif
