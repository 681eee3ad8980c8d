/*
 * User Security Settings: what the GUSS of a subscriber says about one service [TS 33.220 4.4.2.1, TS 29.109 A; R001-135].
 * A line of text at the operator's and in records, an element in GUSS and SOAP. Who they are read by decides what they mean: an
 * Enrolment Target takes its Enrolee's identity from a uid if the BSF has no other.
 *
 *     7;type=0;group=m2m;flag=1;uid=//sp.example.com/Sdev
 */
#ifndef KEYSTEAD_WIRE_USS_H
#define KEYSTEAD_WIRE_USS_H

#include "wire/m2mid.h"
#include "wire/xml.h"

#define USS_MAX 4          /* of one subscriber */
#define USS_TEXT_MAX 320   /* of the line, with its NUL */
#define USS_UIDS_MAX 2
#define USS_FLAGS_MAX 8
#define USS_GROUP_MAX 254 /* it may be the FQDN of a target (guss.h) */

struct uss {
    uint32_t gsid, type; /* service, and the code of its kind */
    char group[USS_GROUP_MAX];
    uint32_t flags[USS_FLAGS_MAX];
    size_t flags_n;
    char uids[USS_UIDS_MAX][M2MID_MAX];
    size_t uids_n;
};

/* ERR_MALFORMED_USS; ERR_LIMIT_CAPACITY: more flags or uids than there is room for. */
MUST_USE err_t uss_parse(struct text line, struct uss *out);
MUST_USE err_t uss_write(const struct uss *u, char out[static USS_TEXT_MAX]);
/* The same for what came in another form: may it stand in a line? */
MUST_USE err_t uss_add_uid(struct uss *u, struct text uid);
MUST_USE err_t uss_add_flag(struct uss *u, struct text flag);
MUST_USE err_t uss_set_group(struct uss *u, struct text group);

/* <uss id type nafGroup><uids><uid/></uids><flags><flag/></flags></uss>, in the namespace of `n` itself. */
MUST_USE err_t uss_of_xml(struct xml_node n, struct uss *out);
void uss_to_xml(const struct uss *u, struct writer *w);

#endif
