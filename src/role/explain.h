/*
 * What a role tells of an identifier (`ctl explain`): each object that has it, that it came from or that came of it, where
 * that stands, its times, and the names under which the audit chain may speak of it. Never a key: records are read, sealed
 * octets are not opened.
 */
#ifndef KEYSTEAD_ROLE_EXPLAIN_H
#define KEYSTEAD_ROLE_EXPLAIN_H

#include "keys/keyid.h"
#include "role/emit.h"
#include "role/standing.h"
#include "role/states.h"
#include "store/audit_find.h"
#include "store/txn.h"

#define EXPLAIN_OBJECTS_MAX 24
#define EXPLAIN_NAMES_MAX 16
#define EXPLAIN_NEAR_MAX 8
#define EXPLAIN_GAVE_MAX 16   /* of each kind that came of one object */
#define EXPLAIN_SCAN_MAX 20000 /* records that are looked at where no index leads to them */

struct explain {
    struct emit *e;
    struct text id;      /* as asked */
    struct keyid folded; /* of a key identifier; else empty */
    usec_t now;
    struct {
        enum states_machine machine;
        struct keyid id;
    } objects[EXPLAIN_OBJECTS_MAX];
    size_t objects_n;
    enum states_state state; /* of the first object */
    char names[EXPLAIN_NAMES_MAX][AUDIT_FIND_NAME_MAX];
    size_t names_n;
    char near[EXPLAIN_NEAR_MAX][KEYID_MAX];
    size_t near_n;
    bool cut; /* something was not looked at: too many records */
};

void explain_init(struct explain *x, struct emit *e, struct text id, usec_t now);
/* Begins an object; false: it was told already, or there are too many. The caller adds members and closes it. */
bool explain_open(struct explain *x, enum states_state s, const char *id);
void explain_close(struct explain *x);
void explain_name(struct explain *x, const char *name); /* the audit chain may speak of it under this name too */
void explain_near(struct explain *x, struct text id);   /* of the same left part */
/* Identifiers in `table` with the left part of the one that was asked for, and another FQDN. */
MUST_USE err_t explain_scan_near(struct explain *x, struct txn *t, enum store_table table);
/* Whose records these are, where no index leads from an absolute identifier to them; of at most EXPLAIN_SCAN_MAX records. */
struct explain_found {
    struct keyid keys[EXPLAIN_GAVE_MAX];
    size_t n;
};
/* How many octets of the id name the record to tell of; 0: it is somebody else's. */
typedef size_t explain_is_whose(struct text id, struct bytes record, struct text who);
MUST_USE err_t explain_scan_whose(struct explain *x, struct txn *t, enum store_table table, explain_is_whose *is,
                                  struct explain_found *out);
struct explain_stand { /* what the standing and the end of a credential make of it */
    enum states_state revoked, suspended, expired;
};
enum states_state explain_standing(const struct explain_stand *s, uint8_t standing, usec_t left,
                                   enum states_state alive);
/* ERR_NOT_FOUND is no fault here. */
err_t explain_maybe(err_t e);

#endif
