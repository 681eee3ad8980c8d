/*
 * The access decision [TS-0003 7.1.5]: a pure function from compiled rules and the facts of a request to yes or no.
 * Everything undeterminable is no: a rule that cannot be read, an unknown address, an unknown location.
 *
 * Compiled rules are what access_rules.h makes of `pv` / `pvs`; a decision reads them where they lie.
 *
 * Compiled: u16 rules, each a block16 of
 *   u8 acop, u8 flags, block16 originators (text16...), u8 contexts (block16 each), u8 details (block16 each)
 *   context: u8 parts present, u8 windows (schedule...), u8 nets (u8 length, octets, u8 prefix), and with a location
 *            u8 countries (two octets each; 0: a circle of u32 and u32 micro-degrees from the south pole and the date line,
 *            u64 millimetres)
 *   detail:  u8 parts present, u32 ty, text16 spty, u8 children (u32...)
 */
#ifndef KEYSTEAD_ROLE_CSE_ACCESS_H
#define KEYSTEAD_ROLE_CSE_ACCESS_H

#include "wire/ipaddr.h"
#include "wire/primitive.h"
#include "wire/timestamp.h"

enum { /* accessControlOperations */
    ACCESS_CREATE = 1, ACCESS_RETRIEVE = 2, ACCESS_UPDATE = 4, ACCESS_DELETE = 8, ACCESS_NOTIFY = 16,
    ACCESS_DISCOVERY = 32, ACCESS_ALL = 63
};

/* flags and parts of a compiled rule */
enum { ACCESS_RULE_AUTHN = 1 };
enum { ACCESS_CONTEXT_TIME = 1, ACCESS_CONTEXT_IP = 2, ACCESS_CONTEXT_LOCATION = 4 };
enum { ACCESS_DETAIL_TY = 1, ACCESS_DETAIL_SPTY = 2 };

/* The originator in every form it may be written in [CHOICE-74]; a form that does not apply is empty. */
struct access_forms {
    struct text absolute;    /* //sp/... , SP part in lower case */
    struct text sp_relative; /* empty for an originator of another SP */
    struct text stem;        /* empty unless the stem means this AE here */
};

/* rq_loc; what is not known is in no region [CHOICE-72]. */
struct access_location {
    bool known;               /* latitude and longitude */
    double latitude, longitude; /* degrees, north and east */
    char country[3];          /* ISO 3166-1, or empty */
};

#define ACCESS_OPEN_MAX 32

struct access_query {
    struct access_forms from;
    struct access_location location;
    unsigned op;            /* one ACCESS_ bit */
    usec_t now;
    struct ipaddr ip;
    bool authenticated;     /* rq_authn */
    uint32_t target_ty;
    uint32_t child_ty;      /* CREATE: the type to be made */
    struct text definition; /* CREATE of a specialization: its definition as text; else empty */
};

unsigned access_op_bit(enum op op, bool discovery); /* 0 for no operation */

bool access_decide(struct bytes rules, const struct access_query *q);

/*
 * Elements of the rules that would permit if only the originator were in the group they name or had that role: what the caller
 * has to find out about. Each once, the first `cap`.
 */
size_t access_open(struct bytes rules, const struct access_query *q, struct text *out, size_t cap);
bool access_is_role(struct text element); /* a Role-ID; else it may be the address of a group */

/* Does one accessControlOriginators element name this originator? */
bool access_originator(struct text pattern, const struct access_forms *from);

#endif
