/*
 * The resource types as one table: attributes, who may set them and when, allowed children [TS-0001 9.6,
 * TS-0004 7.4]. docs/resources.md is written from it; adding a type is adding a row (and a hook, if it has rules of its own).
 */
#ifndef KEYSTEAD_ROLE_CSE_TYPES_H
#define KEYSTEAD_ROLE_CSE_TYPES_H

#include "base/text.h"

enum { /* [TS-0004 6.3.4.2.1] */
    TYPE_ACP = 1, TYPE_AE = 2, TYPE_CNT = 3, TYPE_CIN = 4, TYPE_CB = 5,
    TYPE_GRP = 9, TYPE_MSSP = 11, TYPE_NOD = 14, TYPE_PCH = 15, TYPE_CSR = 16, TYPE_ASAR = 19, TYPE_SVSN = 20,
    TYPE_SUB = 23, TYPE_ROL = 31, TYPE_TK = 32, TYPE_DAC = 34, TYPE_AUDS = 35, TYPE_AUPY = 36, TYPE_AUIF = 37,
    TYPE_AE_ANNC = 10002, TYPE_CNT_ANNC = 10003, TYPE_CIN_ANNC = 10004, TYPE_CB_ANNC = 10005 /* announcements: 10000 + original */
};

#define TYPES_MEMBERS_MAX 64 /* of a group */
#define TYPES_TARGETS_MAX 4  /* of a subscription */
#define TYPES_ANNOUNCE_MAX 8 /* CSEs that a resource is announced to */

enum types_kind {
    TYPES_TEXT,   /* min..max octets */
    TYPES_NAME,   /* resource name: unreserved characters */
    TYPES_UINT,   /* min..max */
    TYPES_BOOL,
    TYPES_TIME,   /* m2m:timestamp, in the future */
    TYPES_TEXTS,  /* 1..max texts of at most 256 octets */
    TYPES_OBJECT,
    TYPES_ANY,    /* any value but null */
    TYPES_E2E,    /* e2eSecInfo: its inside is checked by e2e_info.h */
    TYPES_RULES,  /* pv, pvs: compiled and so checked by access_rules.h */
    TYPES_REFUSED, /* of the standard, and not implemented: said so by name */
    TYPES_NULL    /* null only: creator, by which the originator asks to be named */
};

enum types_presence { TYPES_NP, TYPES_O, TYPES_M };

/* Does an announcement have it: never; if announcedAttribute names it; always [TS-0001 9.6.26]? */
enum types_announce { TYPES_NA, TYPES_OA, TYPES_MA };

/* Where the value comes from when a resource is written out. */
enum types_source {
    TYPES_GIVEN,  /* as the originator gave it, or a hook of the type set it */
    TYPES_HEADER, /* of the record's header, fixed for its life: ri, ty, pi, ct, et ... */
    TYPES_TAIL    /* of the header, changing without the text being written again: lt, st, cni, cbs */
};

struct types_attr {
    const char *name;
    const char *long_name;
    enum types_kind kind;
    enum types_presence create, update;
    enum types_source source;
    int64_t min, max;
    enum types_announce announce;
};

enum {
    TYPES_HAS_ACPI = 1,     /* has accessControlPolicyIDs; else its parent's policies hold (12.4 rule 2) */
    TYPES_HAS_STATE = 2,    /* stateTag */
    TYPES_HAS_VIRTUAL = 4,  /* la and ol */
    TYPES_IMMUTABLE = 8,    /* UPDATE is refused with 4005 */
    TYPES_NOT_BY_REQUEST = 16, /* neither CREATE nor DELETE by request */
    TYPES_HAS_CHILDREN = 32,
    TYPES_REGISTRATION = 128, /* of its originator: a hook gives it its identifier, and no policy is asked (12.4 rule 5) */
    TYPES_HAS_FANOUT = 256, /* fopt */
    TYPES_ANNOUNCED = 512, /* stands for a resource of another CSE, which alone makes and keeps it: no policy is asked (cse_announced.h) */
    TYPES_ADMIN = 64 /* of the administrator: under the CSEBase nobody else creates one, whatever its policies say */
};

struct types_row {
    uint32_t ty;
    const char *root; /* "m2m:cnt" */
    const char *name; /* "container" */
    const struct types_attr *attrs;
    size_t attrs_n;
    uint32_t children[20]; /* zero-terminated */
    unsigned flags;
    const char *clause;
    uint32_t original; /* of an announcement: whose attributes it has */
};

#define TYPES_COUNT 23
const struct types_row *types_at(size_t i);        /* NULL beyond the last */
const struct types_row *types_find(uint32_t ty);   /* NULL: not supported */
const struct types_row *types_announcement(const struct types_row *original); /* NULL: it cannot be announced */
bool types_is_child(const struct types_row *parent, uint32_t ty);

/* Universal attributes first, then those of the type; NULL beyond the last. */
const struct types_attr *types_attr_at(const struct types_row *type, size_t i);
const struct types_attr *types_attr_find(const struct types_row *type, const char *name);

/* Presence in a CREATE and in an UPDATE: that of its row, or O for what an announcement has of its original. */
enum types_presence types_on_create(const struct types_row *type, const struct types_attr *a);
enum types_presence types_on_update(const struct types_row *type, const struct types_attr *a);

const char *types_kind_name(enum types_kind k);
const char *types_presence_name(enum types_presence p);
const char *types_announce_name(enum types_announce a);

#endif
