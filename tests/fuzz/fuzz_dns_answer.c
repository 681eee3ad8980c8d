/* What may come to the socket of DNS UPDATE: without the key no octets are an answer of the name server that decides about a name. */
#include "fuzz.h"
#include "shell/dns_update.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t octets[32] = {1};
    struct naming what = {.order = NAMING_ADD,
                          .server = {.zone = text_of("cse.example"), .key_name = text_of("updates")},
                          .name = {.z = "a.cse.example"},
                          .addresses = "192.0.2.1,2001:db8::1"};
    struct secret key = {0};
    struct dns_update u = {.what = &what, .key = &key, .id = 0x1234, .mac = {1}, .mac_n = 32};
    MUST_HOLD(secret_set(&key, BYTES_ARRAY(octets)) == ERR_OK);
    if (size == 0) {
        return 0;
    }
    u.step = (enum dns_update_step)(data[0] % (DNS_UPDATE_REMOVE + 1));
    err_t e = dns_update_read(&u, bytes_of(data + 1, size - 1));
    MUST_HOLD(e == ERR_PEER_NONSENSE || e == ERR_DNS_KEY || e == ERR_DNS_REFUSED);
    return 0;
}
