/* Which client makes a request on Mmaf or Mmef, and for which targets it may register keys. */
#ifndef KEYSTEAD_ROLE_REG_REG_WHO_H
#define KEYSTEAD_ROLE_REG_REG_WHO_H

#include "role/reg/reg.h"

/* From against the association first (CHOICE-66), then the credential as it is now: it may have been revoked, or have got
 * another name, since the handshake. */
MUST_USE err_t reg_who_of(const struct reg *r, const struct request *rq, struct txn *t, struct reg_who *out,
                          char detail[static ROLE_DETAIL_MAX]);
/* In one spelling, so that one client is not several. */
MUST_USE err_t reg_who_name(struct text given, char out[static REC_CLIENT_NAME_MAX]);
/* The part of it that every certificate has in common; *out is zeroed before. */
MUST_USE err_t reg_who_cert(const struct request *rq, struct reg_who *out);

/* A table of rows by client, under the identifiers of rec_allow_id(): does one fit that names this client? `fits` judges the
 * record, and says whom it names, as it was given. */
typedef bool reg_who_fits(void *arg, struct bytes record, struct text *client);
MUST_USE err_t reg_who_row(const struct reg_who *w, struct txn *t, enum store_table table, reg_who_fits *fits, void *arg, bool *out);

/* ctl client allow: may this client register a key for this target? ERR_DENIED_CLIENT. */
MUST_USE err_t reg_who_check(const struct reg *r, const struct reg_who *w, struct txn *t, struct text target,
                             char detail[static ROLE_DETAIL_MAX]);

#endif
