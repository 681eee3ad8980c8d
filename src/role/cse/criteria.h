/*
 * eventNotificationCriteria (enc) [TS-0001 9.6.8, TS-0004 7.5.1.2.2]: from hostile JSON to a struct, and the decision whether an
 * event meets it. Pure. The conditions are joined by and; they are about the resource that the event is about: the
 * subscribed-to one itself for events 1 and 2, its child for 3 and 4. A condition on what that resource does not have is not met.
 */
#ifndef KEYSTEAD_ROLE_CSE_CRITERIA_H
#define KEYSTEAD_ROLE_CSE_CRITERIA_H

#include "base/reader.h"
#include "role/role.h"

#define CRITERIA_ATTRIBUTES_MAX 32
#define CRITERIA_TYPES_MAX 16
#define CRITERIA_OCTETS_MAX 4096 /* of a written one: 32 names of 64 octets, and the rest */

enum criteria_event_kind { /* notificationEventType [TS-0004 6.3.4.2.19] */
    CRITERIA_UPDATE = 1, CRITERIA_DELETE = 2, CRITERIA_CREATE_CHILD = 3, CRITERIA_DELETE_CHILD = 4
};

enum criteria_window { /* each before or above its bound, or at or after it; the rows in criteria.c say which */
    CRITERIA_CRB, CRITERIA_CRA, CRITERIA_MS, CRITERIA_US, CRITERIA_STS, CRITERIA_STB, CRITERIA_EXB, CRITERIA_EXA,
    CRITERIA_SZA, CRITERIA_SZB, CRITERIA_WINDOWS
};

struct criteria {
    unsigned net;    /* a bit (1 << criteria_event_kind) an event type */
    unsigned given;  /* a bit (1 << criteria_window) a window */
    uint64_t bound[CRITERIA_WINDOWS]; /* times in microseconds */
    struct text attributes[CRITERIA_ATTRIBUTES_MAX]; /* views into what it was made from */
    size_t attributes_n;
    uint32_t types[CRITERIA_TYPES_MAX]; /* childResourceType */
    size_t types_n;
};

struct criteria_event {
    enum criteria_event_kind kind;
    uint32_t ty;             /* of the resource that it is about */
    usec_t ct, lt, et;       /* et USEC_NEVER: none */
    bool has_state, has_size;
    uint64_t state, size;
    const json_t *changed;   /* UPDATE: the attributes of the request */
};

/* `enc` NULL: only updates. ERR_UNKNOWN_ATTRIBUTE, ERR_ATTRIBUTE_TYPE, ERR_NOT_IMPLEMENTED; the detail names the member. */
MUST_USE err_t criteria_compile(const json_t *enc, struct criteria *out, char detail[static ROLE_DETAIL_MAX]);

bool criteria_match(const struct criteria *c, const struct criteria_event *e);

void criteria_write(const struct criteria *c, struct writer *w);
void criteria_read(struct reader *r, struct criteria *out); /* views; sticky error of the reader */

#endif
