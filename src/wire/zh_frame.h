/*
 * Between the server and its Diameter process (keystead-diameter), over a socket pair: a question of Zh and its answer, and the other way
 * round a question of Zn and its answer. A length of two octets, the kind, a token, then fixed fields. An answer holds keys: wipe
 * it with zh_frame_wipe().
 */
#ifndef KEYSTEAD_WIRE_ZH_FRAME_H
#define KEYSTEAD_WIRE_ZH_FRAME_H

#include "wire/gsup.h"

#define ZH_FRAME_GUSS_MAX 16384
#define ZH_FRAME_MAX (ZH_FRAME_GUSS_MAX + 512)

#define ZH_FRAME_HOST_MAX 255 /* octets of a DiameterIdentity */
#define ZH_FRAME_BODY_MAX 4096

enum zh_frame_kind { ZH_FRAME_QUESTION = 1, ZH_FRAME_ANSWER = 2, ZH_FRAME_ZN = 3, ZH_FRAME_ZN_ANSWER = 4 };

struct zh_frame {
    enum zh_frame_kind kind;
    uint32_t token;
    /* of a question */
    struct text impi;
    bool has_resync;
    struct gsup_resync resync;
    usec_t guss_made; /* for GUSS-Timestamp; 0: none */
    /* of an answer: ERR_OK and a vector, or one of zh_frame.c's rows */
    err_t err;
    struct gsup_tuple vector;
    struct bytes guss; /* XML as the HSS sent it, or empty; a view into `in` */
    /* of Zn: who asks, and JSON as of docs/procedures/zn.md; of its answer `err`, one of zh_frame.c's rows for Zn, and JSON */
    struct text host;
    struct bytes body;
};

/* One frame at the start of `in`; *used is its length, 0: more octets are needed. ERR_LIMIT_SIZE, ERR_PEER_NONSENSE. */
MUST_USE err_t zh_frame_parse(struct bytes in, struct zh_frame *out, size_t *used);
MUST_USE err_t zh_frame_write(const struct zh_frame *f, struct writer *w); /* an error without a row goes as ERR_PEER_REFUSED */
void zh_frame_wipe(struct zh_frame *f);

#endif
