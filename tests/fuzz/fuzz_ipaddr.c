/* IP addresses: exactly what the C library takes, with the same octets; prefixes contain their own address. */
#include "fuzz.h"
#include "wire/ipaddr.h"

#include <arpa/inet.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = text_span((const char *)data, size);
    struct ipaddr a;
    struct ipaddr_net n;
    char z[64];
    bool ours = ipaddr_parse(in, &a) == ERR_OK;
    if (TEXT_COPY(in, z) == ERR_OK) {
        uint8_t octets[16];
        bool v6 = strchr(z, ':') != NULL;
        bool theirs = inet_pton(v6 ? AF_INET6 : AF_INET, z, octets) == 1;
        MUST_HOLD(ours == theirs);
        struct ipaddr b = ipaddr_of_octets(bytes_of(octets, v6 ? 16 : 4));
        MUST_HOLD(!ours || (a.len == b.len && memcmp(a.b, b.b, a.len) == 0));
    } else {
        MUST_HOLD(!ours);
    }
    if (ipaddr_net_parse(in, &n) == ERR_OK) {
        MUST_HOLD(n.prefix <= n.addr.len * 8 && ipaddr_in(&n.addr, &n));
    } else {
        MUST_HOLD(!ours);
    }
    a = ipaddr_of_octets(bytes_of(data, size));
    MUST_HOLD(a.len == 0 || a.len == 4 || a.len == 16);
    return 0;
}
