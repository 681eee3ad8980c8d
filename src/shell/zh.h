/*
 * Reference point Zh to a subscriber database of others [TS 33.220 4.4.6]: one vector of AKA for an IMPI, and the
 * resynchronisation of its card. The database is an HLR that speaks GSUP, osmo-hlr. A question is answered later, by callback on
 * the loop, exactly once and within conf.answer; nothing here blocks, and an HLR that is away or slow holds up who asked and
 * nobody else. The connection is made at once, kept, and made anew when it is lost.
 *
 * GSUP knows neither passwords nor encryption: HLR and BSF belong on one machine or into a tunnel.
 */
#ifndef KEYSTEAD_SHELL_ZH_H
#define KEYSTEAD_SHELL_ZH_H

#include "aka/aka_auc.h"

#include <uv.h>

#define ZH_HOST_MAX 254
#define ZH_PORT_GSUP 4222

struct zh_conf {
    char host[ZH_HOST_MAX]; /* name or address */
    uint16_t port;
    char name[64];          /* what the HLR logs of us */
    usec_t answer;          /* how long a connection, a greeting, an answer may take */
};

struct zh_resync {
    struct aka_rand rand; /* of the challenge that the card refused */
    struct aka_auts auts;
};
struct zh_question {
    struct text impi;
    const struct zh_resync *resync; /* or NULL */
};
struct zh_answer {
    err_t err; /* ERR_DENIED_SUBSCRIBER; ERR_DENIED_AUTS of a resynchronisation; ERR_PEER_TIMEOUT, _UNREACHABLE, _REFUSED */
    const struct aka_vector *vector; /* if ERR_OK; it is wiped after the call */
};
typedef void zh_fn(void *owner, const struct zh_answer *a);

struct zh;
MUST_USE err_t zh_new(uv_loop_t *loop, const struct zh_conf *conf, struct zh **out);
/* Ends what is under way without callbacks; not to be called from one. The memory goes when the loop has closed its handles. */
void zh_free(struct zh *z);
bool zh_is_up(const struct zh *z);

/* ERR_DENIED_SUBSCRIBER: the IMPI is not that of an IMSI, which is all that an HLR knows; ERR_PEER_UNREACHABLE: not connected now;
 * ERR_LIMIT_BUSY: too many questions, or one of this IMPI, are under way. Then there is no callback. */
MUST_USE err_t zh_ask(struct zh *z, const struct zh_question *q, zh_fn *fn, void *owner);

#endif
