/*
 * Filter criteria of a RETRIEVE [TS-0004 7.3.3.17, TS-0001 8.1.2]: from query parameters to one struct of bounds and lists, a
 * row a criterion. What they mean for a resource is the registrar's business (role/cse/cse_match.h).
 */
#ifndef KEYSTEAD_WIRE_FILTER_H
#define KEYSTEAD_WIRE_FILTER_H

#include "base/writer.h"

#define FILTER_LIST_MAX 16
#define FILTER_OFFSET_MAX 10000000 /* the largest count; beyond it is what the registrar chose to go on with */

enum filter_criterion { /* conditions first: they are what `fo` combines */
    FILTER_CRB, FILTER_CRA, FILTER_MS, FILTER_US, FILTER_EXB, FILTER_EXA, FILTER_STS, FILTER_STB, FILTER_SZA, FILTER_SZB,
    FILTER_TY, FILTER_LBL, FILTER_CTY, FILTER_CONDITIONS,
    FILTER_FO = FILTER_CONDITIONS, FILTER_LIM, FILTER_OFST, FILTER_LVL, FILTER_ARP, FILTER_DRT, FILTER_N
};
enum { FILTER_AND = 1, FILTER_OR = 2, FILTER_XOR = 3 };
enum { FILTER_STRUCTURED = 1, FILTER_UNSTRUCTURED = 2 };

struct filter_list {
    size_t n;
    struct text at[FILTER_LIST_MAX];
};

struct filter {
    uint32_t given;               /* a bit per criterion */
    usec_t time[FILTER_EXA + 1];
    uint64_t number[FILTER_DRT + 1]; /* sts .. szb, fo, lim, ofst (from 1), lvl, drt */
    uint32_t ty[FILTER_LIST_MAX];
    size_t ty_n;
    struct filter_list lbl, cty;
    struct text arp;
};

bool filter_has(const struct filter *f, enum filter_criterion c);
bool filter_is_name(struct text name);

/*
 * One "name=value" with a name of the table. Lists come as one=a+b or one=a&one=b; anything else comes once. With
 * `scratch` escapes (%XX) are read into it; without, octets mean themselves, as in CoAP. ERR_MALFORMED_QUERY.
 */
MUST_USE err_t filter_parse(struct text name, struct text value, struct writer *scratch, struct filter *out);

/*
 * What parses to the same filter: with `escape` the query of a URL, "&" before each parameter; else the options of CoAP,
 * FILTER_BREAK before each, which no value holds. ERR_MALFORMED_QUERY: CoAP has no way to say it ("+" in one of a list).
 */
#define FILTER_BREAK '\n'
MUST_USE err_t filter_write(const struct filter *f, bool escape, struct writer *w);

#endif
