/*
 * Reference point Zh to a subscriber database of others [TS 33.220 4.4.6]: one vector of AKA for an IMPI, and the
 * resynchronisation of its card. The database is an HLR that speaks GSUP, osmo-hlr, or an HSS that speaks Diameter [TS 29.109 4],
 * through keystead-diameter. A question is answered later, by callback on the loop, exactly once and within conf.answer (Diameter:
 * and a second); nothing here blocks, and a database that is away or slow holds up who asked and nobody else. The connection is made
 * at once, kept, and made anew when it is lost.
 *
 * GSUP knows neither passwords nor encryption: HLR and BSF belong on one machine or into a tunnel.
 */
#ifndef KEYSTEAD_SHELL_ZH_H
#define KEYSTEAD_SHELL_ZH_H

#include "aka/aka_auc.h"

#include <uv.h>

#define ZH_TEXT_MAX 254
#define ZH_PATH_MAX 1024

enum zh_protocol { ZH_GSUP, ZH_DIAMETER, ZH_PROTOCOLS };

/* A question of Zn from a NAF that is a Diameter peer: its host name, and JSON as of role/zn.h. */
#define ZH_ZN_BODY_MAX 4096
struct zh_zn {
    uint32_t token;
    uint64_t run; /* of the process: an answer goes to the one that asked */
    struct text host;
    struct bytes body;
};
typedef void zh_zn_fn(void *owner, const struct zh_zn *q); /* what it points at lives during the call */

struct zh_conf {
    enum zh_protocol protocol;
    usec_t answer; /* how long a connection, a greeting, an answer may take; 1 ms or more */
    /* GSUP */
    char host[ZH_TEXT_MAX]; /* name or address */
    uint16_t port;
    char name[64]; /* what the HLR logs of us */
    /* Diameter */
    char program[ZH_PATH_MAX]; /* keystead-diameter */
    char file[ZH_PATH_MAX];    /* freeDiameter's configuration */
    char realm[ZH_TEXT_MAX];   /* of the HSS; "-": there is none, Zn alone */
    zh_zn_fn *zn;              /* or NULL: no Zn */
    void *zn_owner;
};

struct zh_resync {
    struct aka_rand rand; /* of the challenge that the card refused */
    struct aka_auts auts;
};
struct zh_question {
    struct text impi;
    const struct zh_resync *resync; /* or NULL */
    usec_t guss_made; /* Diameter: GUSS-Timestamp of the settings that are here already; 0: none */
};
struct zh_answer {
    err_t err; /* ERR_DENIED_SUBSCRIBER; ERR_DENIED_AUTS of a resynchronisation; ERR_PEER_TIMEOUT, _UNREACHABLE, _REFUSED;
                * ERR_PEER_NONSENSE */
    const struct aka_vector *vector; /* if ERR_OK; it is wiped after the call */
    struct bytes guss;               /* XML, or empty: GSUP has none, and an HSS leaves out what it was told to be here */
};
typedef void zh_fn(void *owner, const struct zh_answer *a);

struct zh;
MUST_USE err_t zh_new(uv_loop_t *loop, const struct zh_conf *conf, struct zh **out);
/* Ends what is under way without callbacks; not to be called from one. The memory goes when the loop has closed its handles. */
void zh_free(struct zh *z);
bool zh_is_up(const struct zh *z); /* connected to the HLR; of Diameter: the process runs */

/* ERR_DENIED_SUBSCRIBER: not an IMPI, for an HLR: not that of an IMSI, which is all that it knows; ERR_PEER_UNREACHABLE: not
 * connected now; ERR_LIMIT_BUSY: too many questions, or one of this IMSI, are under way. Then there is no callback. */
MUST_USE err_t zh_ask(struct zh *z, const struct zh_question *q, zh_fn *fn, void *owner);
/* ERR_OK and JSON, or ERR_DENIED_B_TID, ERR_DENIED_FROM, ERR_MALFORMED, ERR_LIMIT_BUSY, ERR_PEER_REFUSED; to nobody if it is gone. */
void zh_zn_answer(struct zh *z, const struct zh_zn *q, err_t e, struct bytes body);

#endif
