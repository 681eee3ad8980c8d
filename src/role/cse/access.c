#include "role/cse/access.h"

#include "role/cse/schedule.h"
#include "wire/m2mid.h"

#include <math.h>

#define EARTH 6371000.0 /* metres [CHOICE-77] */
#define RADIAN 0.017453292519943295
#define MICRO 1e6

unsigned access_op_bit(enum op op, bool discovery)
{
    static const unsigned bits[] = {
        [OP_NONE] = 0,           [OP_CREATE] = ACCESS_CREATE, [OP_RETRIEVE] = ACCESS_RETRIEVE,
        [OP_UPDATE] = ACCESS_UPDATE, [OP_DELETE] = ACCESS_DELETE, [OP_NOTIFY] = ACCESS_NOTIFY,
    };
    if (op == OP_RETRIEVE && discovery) { /* [TS-0003 7.1.3]: Retrieve with filterUsage 1 */
        return ACCESS_DISCOVERY;
    }
    return (size_t)op < ARRAY_LEN(bits) ? bits[op] : 0;
}

static struct text text_block(struct reader *r)
{
    struct bytes b = reader_block16(r);
    return text_span((const char *)b.p, b.n);
}

/* //sp alone: every CSE and AE of that domain. */
static bool domain_matches(struct text pattern, struct text absolute)
{
    size_t host = text_find(text_skip(absolute, 2), '/');
    return absolute.n > 2 && m2mid_match(text_skip(pattern, 2), text_take(text_skip(absolute, 2), host));
}

bool access_originator(struct text pattern, const struct access_forms *from)
{
    if (text_eq_z(pattern, "all")) {
        return true;
    }
    if (text_starts(pattern, "//")) {
        if (text_find(text_skip(pattern, 2), '/') == pattern.n - 2) {
            return pattern.n > 2 && domain_matches(pattern, from->absolute);
        }
        return from->absolute.n > 0 && m2mid_match(pattern, from->absolute);
    }
    /* The SP-relative form is compared with SP-relative patterns only: `/` + `*` + `/x` must not meet //sp/x. */
    if (text_starts(pattern, "/")) {
        return from->sp_relative.n > 0 && m2mid_match(pattern, from->sp_relative);
    }
    if (access_is_role(pattern)) { /* no AE has one for its stem: see access_open */
        return false;
    }
    return from->stem.n > 0 && m2mid_match(pattern, from->stem);
}

bool access_is_role(struct text element)
{
    return text_find(element, '@') != element.n;
}

static bool originators_match(struct reader r, const struct access_query *q)
{
    while (reader_left(&r) > 0) {
        struct text pattern = text_block(&r);
        if (reader_failed(&r)) {
            return false;
        }
        if (access_originator(pattern, &q->from)) {
            return true;
        }
    }
    return false;
}

static bool windows_match(struct reader *r, unsigned parts, const struct access_query *q)
{
    bool hit = (parts & ACCESS_CONTEXT_TIME) == 0;
    uint8_t n = reader_u8(r);
    struct timestamp_parts now = {0};
    if (n > 0) {
        timestamp_split(q->now, &now);
    }
    for (uint8_t i = 0; i < n && !reader_failed(r); i++) {
        struct schedule s;
        schedule_read(r, &s);
        hit = hit || (!reader_failed(r) && schedule_match(&s, &now));
    }
    return hit;
}

static bool nets_match(struct reader *r, unsigned parts, const struct access_query *q)
{
    bool hit = (parts & ACCESS_CONTEXT_IP) == 0;
    uint8_t n = reader_u8(r);
    for (uint8_t i = 0; i < n && !reader_failed(r); i++) {
        struct bytes addr = reader_block8(r);
        struct ipaddr_net net = {.addr = ipaddr_of_octets(addr), .prefix = reader_u8(r)};
        hit = hit || (!reader_failed(r) && net.addr.len > 0 && ipaddr_in(&q->ip, &net));
    }
    return hit;
}

/* Great-circle distance by the haversine formula [CHOICE-77]. */
static double distance(double lat1, double lon1, double lat2, double lon2)
{
    double a = sin((lat2 - lat1) * RADIAN / 2);
    double b = sin((lon2 - lon1) * RADIAN / 2);
    double h = a * a + cos(lat1 * RADIAN) * cos(lat2 * RADIAN) * b * b;
    return 2 * EARTH * asin(sqrt(h < 1 ? h : 1));
}

static bool circle_matches(struct reader *r, const struct access_location *at)
{
    double latitude = reader_u32(r) / MICRO - 90;
    double longitude = reader_u32(r) / MICRO - 180;
    double radius = (double)reader_u64(r) / 1000;
    return at->known && distance(latitude, longitude, at->latitude, at->longitude) <= radius;
}

static bool region_matches(struct reader *r, unsigned parts, const struct access_query *q)
{
    if ((parts & ACCESS_CONTEXT_LOCATION) == 0) {
        return true;
    }
    uint8_t n = reader_u8(r);
    bool hit = n == 0 && circle_matches(r, &q->location);
    for (uint8_t i = 0; i < n && !reader_failed(r); i++) {
        struct bytes country = reader_take(r, 2);
        hit = hit || (!reader_failed(r) && text_eq_z(text_span((const char *)country.p, country.n), q->location.country));
    }
    return hit;
}

/* time(m) & ip(m) & loc(m); what is absent matches anything, an unknown location nothing [CHOICE-72]. */
static bool context_matches(struct bytes b, const struct access_query *q)
{
    struct reader r = reader_of(b);
    unsigned parts = reader_u8(&r);
    bool time = windows_match(&r, parts, q);
    bool ip = nets_match(&r, parts, q);
    bool location = region_matches(&r, parts, q);
    return reader_finish(&r) == ERR_OK && time && ip && location;
}

static bool detail_matches(struct bytes b, const struct access_query *q)
{
    struct reader r = reader_of(b);
    unsigned parts = reader_u8(&r);
    uint32_t ty = reader_u32(&r);
    struct text definition = text_block(&r);
    uint8_t n = reader_u8(&r);
    bool child = false;
    for (uint8_t i = 0; i < n; i++) {
        child = reader_u32(&r) == q->child_ty || child;
    }
    if (reader_finish(&r) != ERR_OK) {
        return false;
    }
    bool type = (parts & ACCESS_DETAIL_TY) == 0 || ty == q->target_ty;
    bool special = (parts & ACCESS_DETAIL_SPTY) == 0 || (q->definition.n > 0 && text_eq(definition, q->definition));
    return type && special && child;
}

typedef bool part_matches(struct bytes b, const struct access_query *q);

/* No part: TRUE; else OR over all of them. A list that cannot be read is FALSE. */
static bool any_or_none(struct reader *r, part_matches *match, const struct access_query *q)
{
    uint8_t n = reader_u8(r);
    bool hit = n == 0;
    for (uint8_t i = 0; i < n && !reader_failed(r); i++) {
        struct bytes part = reader_block16(r);
        hit = hit || (!reader_failed(r) && match(part, q));
    }
    return hit && !reader_failed(r);
}

/* All of a rule but its originators, which come back. */
static bool rule_applies(struct bytes b, const struct access_query *q, struct bytes *originators)
{
    struct reader r = reader_of(b);
    unsigned acop = reader_u8(&r);
    unsigned flags = reader_u8(&r);
    *originators = reader_block16(&r);
    if (reader_failed(&r) || q->op == 0 || (acop & q->op) != q->op) {
        return false;
    }
    if ((flags & ACCESS_RULE_AUTHN) != 0 && !q->authenticated) {
        return false;
    }
    if (!any_or_none(&r, context_matches, q)) {
        return false;
    }
    bool objects = any_or_none(&r, detail_matches, q);
    return reader_finish(&r) == ERR_OK && (objects || q->op != ACCESS_CREATE);
}

/* Operation and originators first: they tell the rules of one apart from those of others, and cost least. */
static bool rule_permits(struct bytes b, const struct access_query *q)
{
    struct reader r = reader_of(b);
    unsigned acop = reader_u8(&r);
    (void)reader_u8(&r); /* flags */
    struct bytes originators = reader_block16(&r);
    return !reader_failed(&r) && (acop & q->op) != 0 && originators_match(reader_of(originators), q) &&
           rule_applies(b, q, &originators);
}

bool access_decide(struct bytes rules, const struct access_query *q)
{
    struct reader r = reader_of(rules);
    uint16_t n = reader_u16(&r);
    for (uint16_t i = 0; i < n && !reader_failed(&r); i++) { /* permit-overrides: the first TRUE ends it */
        struct bytes rule = reader_block16(&r);
        if (!reader_failed(&r) && rule_permits(rule, q)) {
            return true;
        }
    }
    return false;
}

static bool is_open(struct text element, const struct text *out, size_t n)
{
    if (text_find(element, '*') != element.n || text_eq_z(element, "all")) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (text_eq(element, out[i])) {
            return false;
        }
    }
    return true;
}

size_t access_open(struct bytes rules, const struct access_query *q, struct text *out, size_t cap)
{
    struct reader r = reader_of(rules);
    uint16_t n = reader_u16(&r);
    size_t found = 0;
    for (uint16_t i = 0; i < n && !reader_failed(&r); i++) {
        struct bytes rule = reader_block16(&r);
        struct bytes list = bytes_empty();
        struct reader elements;
        if (reader_failed(&r) || !rule_applies(rule, q, &list)) {
            continue;
        }
        elements = reader_of(list);
        while (found < cap && reader_left(&elements) > 0) {
            struct text element = text_block(&elements);
            if (!reader_failed(&elements) && is_open(element, out, found)) {
                out[found++] = element;
            }
        }
    }
    return found;
}
