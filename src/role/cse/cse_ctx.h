/*
 * What the CSE knows about itself: the immutable context that configure() fills in and every handler gets.
 * Authorities (MAF, MEF) that may be asked for keys are copied out of the [peer] sections.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_CTX_H
#define KEYSTEAD_ROLE_CSE_CSE_CTX_H

#include "role/credential_args.h"
#include "role/cse/cse_issuer.h"
#include "role/naf.h"
#include "role/naming.h"

#define CSE_PEERS_MAX 16
#define CSE_NODE_ROOT "cb" /* internal node of the CSEBase */

enum cse_peer_kind { CSE_PEER_MAF, CSE_PEER_MEF };

struct cse_peer {
    struct m2mid fqdn;
    enum cse_peer_kind kind;
    enum credential_profile profile; /* of a MEF */
};

enum cse_kind { CSE_KIND_IN = 1, CSE_KIND_MN = 2, CSE_KIND_ASN = 3 }; /* cseTypeID [TS-0004 6.3.4.2.2] */

struct cse_registrar {
    struct m2mid fqdn; /* of its [peer] section; empty: none */
    struct m2mid csi;  /* absolute */
    bool anonymous;    /* Step 001 has an empty From and no CSE-ID (R002-18, R002-20) */
    usec_t check;      /* how often its <remoteCSE> of us is looked at */
};

struct cse_way { /* another CSE that is reached over an association of our own making */
    struct m2mid fqdn;
    struct m2mid csi; /* absolute */
};

struct cse {
    struct role_env env;
    struct m2mid sp;    /* example.com */
    struct m2mid csi;   /* /in */
    struct m2mid self;  /* //example.com/in */
    struct m2mid name;  /* resource name of the CSEBase */
    struct m2mid root;  /* resource identifier of the CSEBase: csi without its slash */
    struct m2mid admin; /* absolute, or empty: nobody */
    struct m2mid issuers[CSE_PEERS_MAX]; /* of roles, absolute */
    size_t issuers_n;
    struct cse_issuers token_issuers;
    struct cse_decides {
        struct m2mid prefix;  /* absolute address */
        struct text policies; /* addresses, with commas between */
    } decide[CSE_ISSUERS_MAX]; /* what the PDP says of resources of other CSEs */
    size_t decide_n;
    bool distributed;         /* what no policy permits is put to the PDPs and PRPs that it names (12.9) */
    usec_t decision_lifetime; /* how long their word holds */
    bool dynamic;       /* what no policy permits is put to the DAS of the resource (12.7) */
    usec_t dynamic_lifetime; /* how long its word holds at most */
    bool mca_optional;  /* requests of AEs outside an association are served (R000-37) */
    bool mcc_optional;  /* the same for CSEs (R002-10); else R000-36 */
    bool inter_domain;  /* an IN-CSE of another service provider may register here (R002-06) */
    bool mcc_prime_optional; /* and outside an association (Mcc') */
    struct naming_server dns; /* that maps field CSEs to dns_addresses; without a zone: none (R002-30) */
    struct text dns_addresses;
    unsigned frameworks; /* of associations that are accepted: 1 << ASSOCIATION_* (R000-10) */
    bool subscription;  /* AEs are checked against the service subscription [CHOICE-68] */
    struct m2mid enrolled_rule; /* name of the rule that enrolled AEs go into (7.5.1), or empty */
    enum cse_kind kind;
    struct cse_registrar registrar; /* of a field CSE */
    struct m2mid in_cse; /* of a field CSE: where AEs with S-type stems are announced; absolute, or empty */
    struct cse_way ways[CSE_PEERS_MAX];
    size_t ways_n;
    struct text poa;    /* points of access told to the registrar, with commas between */
    usec_t lifetime;    /* expirationTime given to resources that ask for none */
    uint64_t announced_max;  /* AEs with names of the provider that one field CSE may have announced here */
    size_t notify_queue;     /* events that wait for one target of a subscription */
    struct cse_peer peers[CSE_PEERS_MAX];
    size_t peers_n;
    struct naf naf; /* BSFs */
};

enum { CSE_CTX_ROWS_N = 36 };
extern const struct conf_row cse_ctx_rows[CSE_CTX_ROWS_N];

MUST_USE err_t cse_ctx_configure(void *ctx, const struct conf *cf, const struct role_env *env,
                                 char detail[static ROLE_DETAIL_MAX]);

/* What every role of a CSE's associations has, from the rows sp, csi and frameworks of its section, and the [peer] sections. */
MUST_USE err_t cse_ctx_common(struct cse *cse, const struct conf *cf, const char *section, char detail[static ROLE_DETAIL_MAX]);

/* The configured authority with this name, or NULL. */
const struct cse_peer *cse_ctx_peer(const struct cse *cse, struct text fqdn);

#endif
