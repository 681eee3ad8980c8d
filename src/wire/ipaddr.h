/* IP addresses as values: text to octets, and prefix matching [TS-0003 7.1.3, CHOICE-76]. */
#ifndef KEYSTEAD_WIRE_IPADDR_H
#define KEYSTEAD_WIRE_IPADDR_H

#include "base/text.h"

struct ipaddr {
    uint8_t b[16];
    uint8_t len; /* 4, 16, or 0 for unknown; an IPv4-mapped IPv6 address is stored as IPv4 */
};

struct ipaddr_net {
    struct ipaddr addr;
    uint8_t prefix;
};

MUST_USE err_t ipaddr_parse(struct text t, struct ipaddr *out);         /* ERR_ATTRIBUTE_TYPE */
MUST_USE err_t ipaddr_net_parse(struct text t, struct ipaddr_net *out); /* with optional /prefix */
struct ipaddr ipaddr_of_octets(struct bytes b);                         /* 4 or 16 octets; else unknown */
bool ipaddr_in(const struct ipaddr *a, const struct ipaddr_net *net);   /* unknown matches nothing */

#endif
