/*
 * Finding in the audit chain what is about one name. Of each name the last refusal is indexed when it is written
 * (TABLE_REFUSAL_OF), so that it is found however long the chain is: one small record a name, and names come from peers
 * that are known, or as slowly as shell/refusal.h lets strangers write events.
 */
#ifndef KEYSTEAD_STORE_AUDIT_FIND_H
#define KEYSTEAD_STORE_AUDIT_FIND_H

#include "store/audit.h"

#define AUDIT_FIND_NAMES_MAX 4
#define AUDIT_FIND_NAME_MAX AUDIT_TEXT_MAX

/* What an event is about: peer, association, key identifiers, the name and the serial number of a certificate; folded. */
struct audit_find_names {
    char at[AUDIT_FIND_NAMES_MAX][AUDIT_FIND_NAME_MAX];
    size_t n;
};
void audit_find_names(const struct audit_event *e, struct audit_find_names *out);
/* Key identifiers and hexadecimal names in lower case, others as they are. */
void audit_find_fold(struct text name, char out[static AUDIT_FIND_NAME_MAX]);
bool audit_find_is_about(const struct audit_event *e, const char *folded);

/* Of a refusal: under each of its names. Of any other event nothing. Inside an open write transaction. */
MUST_USE err_t audit_find_note(struct store *s, uint64_t number, const struct audit_event *e);

struct audit_find_last {
    uint64_t number, count;
    struct audit_event event;
};
MUST_USE err_t audit_find_last(struct store *s, const char *folded, struct arena *a,
                               struct audit_find_last *out); /* ERR_NOT_FOUND */

#endif
