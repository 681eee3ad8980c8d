/*
 * BootstrappingInfo: what ends Ub, B-TID and key lifetime [TS 24.109 C.1], application/vnd.3gpp.bsf+xml. Read under the
 * bounds of wire/xml.h; unknown elements and attributes are passed over.
 */
#ifndef KEYSTEAD_WIRE_BSF_INFO_H
#define KEYSTEAD_WIRE_BSF_INFO_H

#include "keys/gba_id.h"

#define BSF_INFO_MAX 4096 /* octets of a document */

struct bsf_info {
    struct b_tid b_tid;
    usec_t lifetime; /* when Ks ends; UTC, whole seconds */
};
MUST_USE err_t bsf_info_write(const struct bsf_info *i, struct writer *w);
/* ERR_MALFORMED_XML: not that document, btid or lifetime missing or twice; ERR_XML_DOCTYPE; ERR_XML_NAMESPACE; ERR_LIMIT_DEPTH; ERR_MALFORMED_TIME: not a UTC time that ends in
 * Z; ERR_MALFORMED_KEY_ID: no B-TID; ERR_LIMIT_SIZE. */
MUST_USE err_t bsf_info_parse(struct bytes xml, struct bsf_info *out);

/* A time as GBA writes it: YYYY-MM-DDThh:mm:ssZ. ERR_MALFORMED_TIME. */
void bsf_info_time_write(struct writer *w, usec_t t);
void bsf_info_expires_write(struct writer *w, usec_t t); /* as HTTP writes it (RFC 9110 5.6.7) */
MUST_USE err_t bsf_info_time_parse(struct text t, usec_t *out);

#endif
