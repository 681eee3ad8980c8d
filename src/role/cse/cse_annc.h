/*
 * What is announced where, and what is still to be said about it: one record a resource and CSE, written in the transaction of
 * the change, and an index by time of those that something is to be done for. Acknowledged means durable: what was answered for
 * is announced after any crash, and removed again when the resource is gone (cse_announce.h does both).
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ANNC_H
#define KEYSTEAD_ROLE_CSE_CSE_ANNC_H

#include "role/cse/cse_ctx.h"
#include "role/cse/types.h"
#include "role/states.h"

#define CSE_ANNC_REMOTE_MAX 480 /* fits the path of an errand */
#define CSE_ANNC_KEY_MAX (2 * M2MID_MAX + 32)

enum cse_annc_state { /* what is to be done next; numbers are on disk */
    CSE_ANNC_NEW = 1,     /* CREATE */
    CSE_ANNC_FOUND = 2,   /* UPDATE with the link: one is there, made by us or by the registrar before us */
    CSE_ANNC_CHANGED = 3, /* UPDATE */
    CSE_ANNC_CURRENT = 4, /* nothing, but to look again before it ends */
    CSE_ANNC_LEAVING = 5  /* DELETE */
};

struct cse_annc {
    uint8_t state;  /* enum cse_annc_state */
    uint8_t tries;  /* refusals one after the other */
    struct text node, ri; /* of the original */
    struct text target;   /* CSE-ID, absolute */
    struct text remote;   /* address of the announcement: /in/Sx */
    usec_t ty;      /* of the original */
    usec_t change;  /* counts changes: what came of an errand is compared with it */
    usec_t due;     /* when something is to be done: its place in the index */
    usec_t since;
    usec_t rsc;     /* of the last refusal; 0: none */
};

enum states_state cse_annc_standing(const struct cse_annc *a);
MUST_USE err_t cse_annc_parse(struct bytes b, struct cse_annc *out); /* views; ERR_MALFORMED_RECORD */
/* NODE TARGET: names the record. */
MUST_USE err_t cse_annc_key(struct text node, struct text target, struct writer *w);
MUST_USE err_t cse_annc_get(struct txn *t, struct text node, struct text target, struct cse_annc *out);
MUST_USE err_t cse_annc_find(struct txn *t, struct text key, struct cse_annc *out);

/* Stages the record with its place in the index, which moves from `a->due` to `due`. */
MUST_USE err_t cse_annc_put(struct txn *t, struct cse_annc *a, usec_t due);
MUST_USE err_t cse_annc_remove(struct txn *t, const struct cse_annc *a);

/* The announcements of a resource: those that are wanted and those that still leave, on as many lanes as there are. */
struct cse_annc_list {
    struct cse_annc at[CSE_PEERS_MAX + 2];
    size_t n;
};
MUST_USE err_t cse_annc_of(struct txn *t, struct text node, struct cse_annc_list *out);

/* The first for this CSE that is due; ERR_NOT_FOUND: none. *stale: what the index has first leads to no record, or to one with
 * another time, and is to be tidied; then `out` has only its node and target, as with ERR_MALFORMED_RECORD. */
MUST_USE err_t cse_annc_due(struct txn *t, struct text target, usec_t now, struct cse_annc *out, bool *stale);
/* Removes such entries for this CSE from the start of the index. */
MUST_USE err_t cse_annc_tidy(struct txn *t, struct text target);

/* Out of the way of its lane and of its resource, for the operator to see; its entry in the index is then one to tidy. */
#define CSE_ANNC_ASIDE '!' /* before its key */
MUST_USE err_t cse_annc_set_aside(struct txn *t, struct text key);

/* The CSEBase has changed: its announcements are to say so. */
MUST_USE err_t cse_annc_base_changed(struct txn *t, usec_t now);

/* The resource is gone: so will be its announcements. */
MUST_USE err_t cse_annc_gone(struct txn *t, struct text node);

#endif
