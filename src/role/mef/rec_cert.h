/*
 * Certificates that the MEF has issued: one record each by serial number (TABLE_MEF_CERT), and which one is a client's
 * latest (TABLE_MEF_CERT_OF, by the client's first subjectAltName) [TS-0003 8.3.1.2, 8.3.6.2]. Neither holds a secret.
 */
#ifndef KEYSTEAD_ROLE_MEF_REC_CERT_H
#define KEYSTEAD_ROLE_MEF_REC_CERT_H

#include "role/rec.h"

#define REC_CERT_NAME_MAX (M2MID_MAX + 16)

struct rec_cert {
    char serial[ASSOCIATION_SERIAL_MAX];
    char name[REC_CERT_NAME_MAX];         /* "URI:m2m://sp/Sx" or "DNS:in.sp": the client */
    struct keyid credential;              /* folded identifier of the bootstrap credential that it goes back to */
    char association[ASSOCIATION_ID_LEN + 1]; /* in which it was issued */
    usec_t issued;
    usec_t not_after;
};

MUST_USE err_t rec_cert_write(const struct rec_cert *c, struct writer *w);
MUST_USE err_t rec_cert_parse(struct bytes b, struct rec_cert *out);

MUST_USE err_t rec_cert_get(struct txn *t, struct text serial, struct rec_cert *out);      /* ERR_NOT_FOUND */
MUST_USE err_t rec_cert_latest(struct txn *t, struct text name, struct rec_cert *out);     /* ERR_NOT_FOUND */
MUST_USE err_t rec_cert_put(struct txn *t, const struct rec_cert *c); /* a new one, from now on the latest */

#endif
