/*
 * `ctl client allow`: which client may register keys, for which targets. MAF and MEF have a table each. A name or target may contain '*',
 * which matches within one path segment; names with one are stored under a leading '*' so that they are found by a scan.
 */
#ifndef KEYSTEAD_ROLE_REG_REC_ALLOW_H
#define KEYSTEAD_ROLE_REG_REC_ALLOW_H

#include "role/reg/rec_client.h"

#define REC_ALLOW_ID_MAX (REC_CLIENT_NAME_MAX + 1)

struct rec_allow {
    char client[REC_CLIENT_NAME_MAX]; /* Enrolee-ID, FQDN, KmId or KeId, as given */
    bool any;                         /* every target */
    struct rec_list targets;          /* if not any */
};

MUST_USE err_t rec_allow_write(const struct rec_allow *a, struct writer *w);
MUST_USE err_t rec_allow_parse(struct bytes b, struct rec_allow *out);

/* The id of the row for this client: key identifiers and host names without case. ERR_MALFORMED_ID. */
MUST_USE err_t rec_allow_id(struct text client, char out[static REC_ALLOW_ID_MAX]);
bool rec_allow_permits(const struct rec_allow *a, struct text target);

#endif
