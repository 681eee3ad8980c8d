#include "wire/ipaddr.h"

#include <arpa/inet.h> /* inet_pton alone: a pure function from text to octets */
#include <string.h>

#define V4_LEN 4
#define V6_LEN 16
#define MAPPED_BITS 96 /* ::ffff:0:0/96 */

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

struct ipaddr ipaddr_of_octets(struct bytes b)
{
    struct ipaddr out = {{0}, 0};
    if (b.n == V6_LEN && memcmp(b.p, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        b = bytes_of(b.p + sizeof(mapped_prefix), V4_LEN); /* CHOICE-76 */
    }
    if (b.n == V4_LEN || b.n == V6_LEN) {
        memcpy(out.b, b.p, b.n);
        out.len = (uint8_t)b.n;
    }
    return out;
}

/* The octets as written: a mapped address is still 16 octets here, because its prefix counts from there. */
static err_t octets_parse(struct text t, uint8_t octets[V6_LEN], size_t *n)
{
    char z[INET6_ADDRSTRLEN];
    if (TEXT_COPY(t, z) != ERR_OK) {
        return ERR_ATTRIBUTE_TYPE;
    }
    bool v6 = strchr(z, ':') != NULL;
    *n = v6 ? V6_LEN : V4_LEN;
    return inet_pton(v6 ? AF_INET6 : AF_INET, z, octets) == 1 ? ERR_OK : ERR_ATTRIBUTE_TYPE;
}

err_t ipaddr_parse(struct text t, struct ipaddr *out)
{
    uint8_t octets[V6_LEN];
    size_t n;
    TRY(octets_parse(t, octets, &n));
    *out = ipaddr_of_octets(bytes_of(octets, n));
    return ERR_OK;
}

err_t ipaddr_net_parse(struct text t, struct ipaddr_net *out)
{
    uint8_t octets[V6_LEN];
    size_t n;
    size_t slash = text_find(t, '/');
    TRY(octets_parse(text_take(t, slash), octets, &n));
    uint64_t prefix = n * 8;
    if (slash < t.n && text_u64(text_skip(t, slash + 1), n * 8, &prefix) != ERR_OK) {
        return ERR_ATTRIBUTE_TYPE;
    }
    struct ipaddr addr = ipaddr_of_octets(bytes_of(octets, n));
    if (addr.len != n) {
        /* Mapped. A prefix shorter than the mapping itself would mean "all of IPv4 and some of IPv6": refused. */
        if (prefix < MAPPED_BITS) {
            return ERR_ATTRIBUTE_TYPE;
        }
        prefix -= MAPPED_BITS;
    }
    *out = (struct ipaddr_net){addr, (uint8_t)prefix};
    return ERR_OK;
}

bool ipaddr_in(const struct ipaddr *a, const struct ipaddr_net *net)
{
    if (a->len == 0 || a->len != net->addr.len || net->prefix > a->len * 8) {
        return false;
    }
    size_t whole = net->prefix / 8;
    unsigned bits = net->prefix % 8;
    if (memcmp(a->b, net->addr.b, whole) != 0) {
        return false;
    }
    return bits == 0 || ((unsigned)(a->b[whole] ^ net->addr.b[whole]) >> (8 - bits)) == 0;
}
