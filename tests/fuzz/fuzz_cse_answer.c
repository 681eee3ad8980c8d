/* The answer of a MAF to a Key Retrieval: a key comes out only with its SUID, its end and 32 octets. */
#include "fuzz.h"

#include "role/cse/cse_skr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cse_skr s;
    if (cse_skr_parse(bytes_of(data, size), &s) == ERR_OK) {
        MUST_HOLD(secret_view(&s.kc).n == 32 && s.et > 0);
        MUST_HOLD(s.source.z[0] == '\0' || m2mid_kind(text_of(s.source.z)) != M2MID_INVALID);
    }
    cse_skr_wipe(&s);
    return 0;
}
