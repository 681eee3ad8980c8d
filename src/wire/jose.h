/*
 * A JOSE object taken apart: compact, JSON (general and flattened) or JSON in base64, JWE or JWS [TS-0003 8.5; RFC 7515,
 * RFC 7516]. Structure only: which algorithm, key or class is good is for who asks (proto/esdata.c). Every JSON in it is
 * strict: duplicates are refused, and a header parameter stands in one of the headers only.
 */
#ifndef KEYSTEAD_WIRE_JOSE_H
#define KEYSTEAD_WIRE_JOSE_H

#include "wire/json.h"

#define JOSE_PARTS_MAX 16             /* recipients or signatures */
#define JOSE_OBJECT_MAX (96U * 1024U) /* octets of an object */
#define JOSE_HEADER_MAX 4096          /* octets of a decoded header */

enum jose_kind { JOSE_JWE = 1, JOSE_JWS = 2 };
/* The numbers of m2m:contentSecurity [TS-0004 6.3.4.2.38]. */
enum jose_form { JOSE_COMPACT = 1, JOSE_JSON = 2, JOSE_JSON_BASE64 = 3 };

/* What one recipient or signature says; views into `root` and `header`. */
struct jose_part {
    struct text alg, kid, enc, cty;
    bool alg_protected, enc_protected;
    struct text value; /* encrypted_key or signature, base64url */
    const char *forbidden; /* a parameter that must not be there: crit, zip, b64, jku, jwk, x5u; or NULL */
};

struct jose_object {
    enum jose_kind kind;
    enum jose_form form;
    struct jose_part part[JOSE_PARTS_MAX];
    size_t parts;
    json_t *root;                    /* the object in JSON serialization, also if it came compact */
    json_t *header[JOSE_PARTS_MAX];  /* the merged JOSE header of each part */
};

/* ERR_OBJECT_MALFORMED, ERR_LIMIT_SIZE. Wiped or not, *out may be passed to jose_wipe afterwards. */
MUST_USE err_t jose_parse(struct bytes in, struct jose_object *out);
void jose_wipe(struct jose_object *o);

/* The object as text of this form; compact needs one part and no unprotected header: ERR_OBJECT_MALFORMED otherwise. */
MUST_USE err_t jose_write(const json_t *root, enum jose_form form, struct writer *out);

#endif
