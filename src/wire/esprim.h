/*
 * What ESPrim and ESCertKE put on the wire: random objects, the header of an ESPrim Object, securityInfo, and the two
 * members of an inner primitive that the checks need [TS-0003 8.4; TS-0004 6.3.5.50, 7.6.2]. Text in, structs out.
 */
#ifndef KEYSTEAD_WIRE_ESPRIM_H
#define KEYSTEAD_WIRE_ESPRIM_H

#include "base/writer.h"

#include <jansson.h>

#define ESPRIM_NAME_MAX 65   /* esprimRandID and esprimRandValue, terminated */
#define ESPRIM_KID_MAX 256
#define ESPRIM_LIST_MAX 8
#define ESPRIM_INNER_MAX (32U * 1024U)
#define ESPRIM_OBJECT_MAX (48U * 1024U)
#define ESPRIM_FROM_MAX 256
#define ESPRIM_RQI_MAX 128
#define ESPRIM_HMAC_SHA256 1 /* esprimKeyGenAlgID */
#define ESPRIM_A128GCM 10    /* esprimProtocolAndAlgID: JWE compact with ... */
#define ESPRIM_A192GCM 11
#define ESPRIM_A256GCM 12

/* Of an originator (one key generation algorithm) or a receiver (a list). */
struct esprim_rand {
    char id[ESPRIM_NAME_MAX], value[ESPRIM_NAME_MAX];
    usec_t expiry;
    uint8_t keygen[ESPRIM_LIST_MAX], algs[ESPRIM_LIST_MAX];
    uint8_t keygen_n, algs_n;
    bool single; /* the originator's */
};
/* Relative expiry counts from `now`. ERR_OBJECT_MALFORMED. */
MUST_USE err_t esprim_rand_parse(struct text json, bool single, usec_t now, struct esprim_rand *out);
void esprim_rand_write(const struct esprim_rand *r, struct writer *out); /* JSON */

struct esprim_header {
    unsigned alg; /* ESPRIM_A128GCM ..; 0: something else */
    char kid[ESPRIM_KID_MAX], ori[ESPRIM_NAME_MAX], rri[ESPRIM_NAME_MAX];
    bool has_oro, has_rro;
    struct esprim_rand oro, rro;
};
struct esprim_object { /* views into the text it was parsed from */
    struct esprim_header h;
    struct text protected, iv, ciphertext, tag;
};
/* ERR_OBJECT_MALFORMED: not JWE compact with an empty key, a header without kid, ori, rri, with crit or zip. */
MUST_USE err_t esprim_object_parse(struct text jwe, usec_t now, struct esprim_object *out);
void esprim_header_write(const struct esprim_header *h, struct writer *out); /* JSON, cty application/json */

struct esprim_inner {
    bool is_response;
    char from[ESPRIM_FROM_MAX];
    char rqi[ESPRIM_RQI_MAX];
};
/* One m2m:rqp with fr and rqi, or one m2m:rsp with rqi. ERR_ESPRIM_DECRYPT otherwise. */
MUST_USE err_t esprim_inner_parse(struct bytes json, struct esprim_inner *out);

/* securityInfo types [TS-0004 6.3.4.2.35]. */
enum { ESPRIM_SECI_RAND_REQUEST = 3, ESPRIM_SECI_RAND = 4, ESPRIM_SECI_OBJECT = 5, ESPRIM_SECI_ESCERTKE = 6 };
/* {"m2m:seci":{"sit":..}}, from octets or parsed already: `value` is the JSON of ero, the text of epo, or the octets of eckm. ERR_OBJECT_MALFORMED. */
MUST_USE err_t esprim_seci_parse(struct bytes json, unsigned *type, struct writer *value);
MUST_USE err_t esprim_seci_read(const json_t *content, unsigned *type, struct writer *value);
MUST_USE err_t esprim_seci_write(unsigned type, struct bytes value, struct writer *out);

#endif
