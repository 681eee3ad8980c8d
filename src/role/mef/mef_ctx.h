/* What the files of the MEF share: its configured context and the handlers that its tables in mef.c name. */
#ifndef KEYSTEAD_ROLE_MEF_MEF_CTX_H
#define KEYSTEAD_ROLE_MEF_MEF_CTX_H

#include "role/reg/reg.h"

struct mef {
    struct reg reg;            /* first: the handlers of role/reg get this context */
    size_t max_live_ke;        /* per credential */
    usec_t credential_lifetime; /* of an instruction without --lifetime */
    usec_t ke_lifetime;        /* at most; the instruction's end may be earlier */
    usec_t command_retry;      /* retryDuration of NO_MORE_COMMANDS */
    usec_t est_lifetime;       /* of a certificate that it provisions; reg.env.issuer is NULL if it provisions none */
};

/* mef_enrol.c */
err_t mef_enrol_psk(const void *ctx, struct txn *t, struct text identity, usec_t now, struct role_psk *out);
err_t mef_enrol_established(const void *ctx, struct association *a, const struct keys_export *x, struct txn *t,
                            usec_t now);
err_t mef_enrol_cert(const void *ctx, struct txn *t, const struct role_cert *cert, usec_t now,
                     struct association *out);
err_t mef_enrol_alive(const void *ctx, struct txn *t, const struct association *a);
/* Takes the live Enrolment Keys of this credential (folded) away, the oldest first, as many as one transaction holds. */
MUST_USE err_t mef_enrol_drop(struct txn *t, const struct keyid *credential);
/* mef_target.c */
/* Remembers the target of an instruction; without one it does nothing. */
MUST_USE err_t mef_target_put(struct txn *t, const struct m2mid *target);
/* Is an identity of this association the target of some instruction (R001-100)? */
MUST_USE err_t mef_target_is(struct txn *t, const struct association *a, bool *out);
err_t mef_target_seed(const void *ctx, struct txn *t, usec_t now);
/* mef_reg.c */
extern const struct reg_kind mef_reg_kind;
/* mef_fetch.c */
role_handler mef_fetch_credential;
/* mef_est.c */
/* The bootstrap credential behind a certificate that came from here; empty for any other certificate. ERR_DENIED_NOT_LATEST,
 * ERR_DENIED_REVOKED. */
err_t mef_est_origin(struct txn *t, const struct role_cert *cert, struct keyid *out);
role_handler mef_est_ca_certs, mef_est_csr_attrs, mef_est_enroll, mef_est_reenroll, mef_est_unsupported;
/* mef_cmd.c */
#define MEF_CMD_NAME "cmd" /* of the mefClientCmd under a registration */
role_handler mef_cmd_retrieve, mef_cmd_update;
err_t mef_cmd_children(const struct reg *r, struct txn *t, const struct rec_client *c, struct emit *e);
/* mef_ctl.c */
ctl_handler mef_ctl_credential_add;
ctl_handler mef_ctl_credential_list;
ctl_handler mef_ctl_credential_show;
ctl_handler mef_ctl_credential_revoke, mef_ctl_credential_suspend, mef_ctl_credential_resume;
ctl_handler mef_ctl_enrolment_list;
ctl_handler mef_ctl_enrolment_show;
ctl_handler mef_ctl_certificate_list;
/* mef_ctl_instruction.c */
ctl_handler mef_ctl_instruction_add, mef_ctl_instruction_list, mef_ctl_instruction_show, mef_ctl_instruction_remove;
enum { MEF_CTL_INSTRUCTION_ADD_N = 7, MEF_CTL_INSTRUCTION_ONE_N = 2 };
extern const struct ctl_arg mef_ctl_instruction_add_args[MEF_CTL_INSTRUCTION_ADD_N];
extern const struct ctl_arg mef_ctl_instruction_one_args[MEF_CTL_INSTRUCTION_ONE_N];
/* mef_ctl_reassign.c */
ctl_handler mef_ctl_reassign, mef_ctl_reassign_name;
enum { MEF_CTL_REASSIGN_N = 6, MEF_CTL_RENAME_N = 2 };
extern const struct ctl_arg mef_ctl_reassign_args[MEF_CTL_REASSIGN_N], mef_ctl_reassign_name_args[MEF_CTL_RENAME_N];
/* mef_explain.c */
err_t mef_explain(const void *ctx, struct txn *t, struct explain *x);

#endif
