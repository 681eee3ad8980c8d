/* What the files of the MAF share: its configured context and the handlers that its tables in maf.c name. */
#ifndef KEYSTEAD_ROLE_MAF_MAF_CTX_H
#define KEYSTEAD_ROLE_MAF_MAF_CTX_H

#include "role/maf/rec_km.h"
#include "role/naf.h"
#include "role/reg/reg.h"

#define MAF_PEERS_MAX 64

struct maf_peer { /* a configured MEF */
    char fqdn[KEYID_MAX]; /* lower case */
    enum credential_profile profile;
};

struct maf {
    struct reg reg;       /* first: the handlers of role/reg get this context */
    usec_t km_lifetime;   /* at most, of a fetched Km */
    bool takes_remote, takes_pre; /* provisioning that is accepted (R000-09): by a MEF, by the operator */
    bool contracts; /* clients need a service subscription (R004-10) */
    bool hide_identities; /* CHOICE-34: an unknown identity fails like a wrong key */
    struct maf_peer mefs[MAF_PEERS_MAX];
    size_t mefs_n;
    struct naf naf; /* BSFs */
};

/* maf_handshake.c */
err_t maf_handshake_psk(const void *ctx, struct txn *t, struct text identity, usec_t now, struct role_psk *out);
err_t maf_handshake_cert(const void *ctx, struct txn *t, const struct role_cert *cert, usec_t now,
                         struct association *out);
/* Key and association of a Km that is held, under the identity the client sent. */
MUST_USE err_t maf_handshake_resolve(const struct maf *m, const struct rec_km *k, struct text identity, usec_t now,
                                     struct role_psk *out);
/* With hide-identities what would tell which identities exist becomes a key that nobody has. */
MUST_USE err_t maf_handshake_hide(const struct maf *m, err_t e, struct role_psk *out);
/* NULL if no such MEF is configured. */
const struct maf_peer *maf_handshake_mef(const struct maf *m, struct text fqdn);

/* maf_answer.c */
err_t maf_answer_take(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                      struct role_psk *out);

/* maf_gba.c */
err_t maf_gba_ua(const void *ctx, struct txn *t, const struct role_ua *ua, usec_t now, struct role_psk *out);
MUST_USE err_t maf_gba_answer(const struct maf *m, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                              struct role_psk *out);

/* maf_heard.c: what the configured MEFs withdraw (role/heard.h) */
err_t maf_heard_alive(const void *ctx, struct txn *t, const struct association *a);
MUST_USE err_t maf_heard_note(struct txn *t, const struct rec_km *k, usec_t until, usec_t now); /* it has a new
    standing; nothing that came from it lives beyond `until` */
err_t maf_heard_watch(const void *ctx, struct txn *t, size_t i, struct question *out);
err_t maf_heard_take(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now, bool *more);

/* maf_reg.c */
extern const struct reg_kind maf_reg_kind;

/* maf_ctl.c */
ctl_handler maf_ctl_credential_add;
ctl_handler maf_ctl_credential_list;
ctl_handler maf_ctl_credential_show;
ctl_handler maf_ctl_credential_revoke, maf_ctl_credential_suspend, maf_ctl_credential_resume;
/* maf_contract.c: which service subscription a client belongs to */
MUST_USE err_t maf_contract_check(const struct maf *m, const struct reg_who *w, struct txn *t, usec_t now);
ctl_handler maf_contract_add, maf_contract_list, maf_contract_remove;
enum { MAF_CONTRACT_ADD_N = 3, MAF_CONTRACT_ONE_N = 1 };
extern const struct ctl_arg maf_contract_add_args[MAF_CONTRACT_ADD_N], maf_contract_one_args[MAF_CONTRACT_ONE_N];

/* maf_explain.c */
err_t maf_explain(const void *ctx, struct txn *t, struct explain *x);

#endif
