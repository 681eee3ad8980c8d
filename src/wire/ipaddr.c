#include "wire/ipaddr.h"

#include "base/writer.h"

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

/* Four decimal numbers without leading zeros (RFC 4632 2). */
static bool v4_parse(struct text t, uint8_t out[V4_LEN])
{
    for (size_t i = 0; i < V4_LEN; i++) {
        uint64_t v;
        size_t dot = text_find(t, '.');
        if ((dot == t.n) != (i == V4_LEN - 1) || text_u64(text_take(t, dot), UINT8_MAX, &v) != ERR_OK) {
            return false;
        }
        out[i] = (uint8_t)v;
        t = text_skip(t, dot + 1);
    }
    return true;
}

/* One to four hexadecimal digits. */
static bool group_parse(struct text t, uint8_t out[2])
{
    unsigned v = 0;
    for (size_t i = 0; i < t.n; i++) {
        char c = text_lower(t.p[i]);
        bool digit = c >= '0' && c <= '9';
        if (!digit && (c < 'a' || c > 'f')) {
            return false;
        }
        v = v << 4 | (unsigned)(digit ? c - '0' : c - 'a' + 10);
        v &= 0xffff;
    }
    out[0] = (uint8_t)(v >> 8);
    out[1] = (uint8_t)v;
    return t.n >= 1 && t.n <= 4;
}

/* Groups separated by ':', the last of the whole address perhaps as dotted quad (RFC 4291 2.2). Appends to out. */
static bool groups_parse(struct text t, bool at_end, struct writer *out)
{
    while (t.n > 0) {
        size_t colon = text_find(t, ':');
        struct text part = text_take(t, colon);
        bool quad = at_end && colon == t.n && text_find(part, '.') < part.n;
        uint8_t octets[V4_LEN];
        if (!(quad ? v4_parse(part, octets) : group_parse(part, octets)) || colon + 1 == t.n) {
            return false;
        }
        writer_bytes(out, bytes_of(octets, quad ? 4 : 2));
        t = text_skip(t, colon + 1);
    }
    return !out->overflow;
}

static bool v6_parse(struct text t, uint8_t out[V6_LEN])
{
    uint8_t tail[V6_LEN];
    struct writer left = writer_of(out, V6_LEN);
    struct writer right = WRITER_ARRAY(tail);
    size_t gap = 0;
    while (gap + 1 < t.n && !(t.p[gap] == ':' && t.p[gap + 1] == ':')) {
        gap++;
    }
    if (gap + 1 >= t.n) {
        return groups_parse(t, true, &left) && left.n == V6_LEN;
    }
    if (!groups_parse(text_take(t, gap), false, &left) || !groups_parse(text_skip(t, gap + 2), true, &right) ||
        left.n + right.n > V6_LEN - 2) {
        return false;
    }
    memset(out + left.n, 0, V6_LEN - left.n);
    memcpy(out + V6_LEN - right.n, tail, right.n);
    return true;
}

/* The octets as written: a mapped address is still 16 octets here, because its prefix counts from there. */
static err_t octets_parse(struct text t, uint8_t octets[V6_LEN], size_t *n)
{
    bool v6 = text_find(t, ':') < t.n;
    *n = v6 ? V6_LEN : V4_LEN;
    return (v6 ? v6_parse(t, octets) : v4_parse(t, octets)) ? ERR_OK : ERR_ATTRIBUTE_TYPE;
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
