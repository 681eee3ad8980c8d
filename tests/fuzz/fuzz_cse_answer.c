/* The answer of a MAF to a Key Retrieval: a key comes out only with its SUID, its end and a length that is allowed. */
#include "fuzz.h"

#include "role/skr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skr s;
    if (skr_parse(bytes_of(data, size), &s) == ERR_OK) {
        size_t n = secret_view(&s.kc).n; /* a client's own value may be longer or shorter than an exported one (CHOICE-54) */
        MUST_HOLD(n >= KEYS_PROVISIONED_MIN && n <= KEYS_PROVISIONED_MAX && s.et > 0);
        MUST_HOLD(s.source.z[0] == '\0' || m2mid_kind(text_of(s.source.z)) != M2MID_INVALID);
    }
    skr_wipe(&s);
    return 0;
}
