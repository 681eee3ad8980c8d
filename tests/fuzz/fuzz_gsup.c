/* GSUP in its frames: a stream cut anywhere; an answer that is taken holds a vector or a cause, one that is not holds nothing. */
#include "fuzz.h"
#include "wire/gsup.h"
#include "wire/ipa.h"

static void answer(struct bytes payload)
{
    struct gsup_answer a;
    if (gsup_parse_answer(payload, &a) == ERR_OK) {
        MUST_HOLD(a.imsi[0] != '\0' && a.tuples_n <= GSUP_TUPLES_MAX);
        MUST_HOLD(a.type == GSUP_INFO_ERROR ? a.cause != 0 : a.tuples_n > 0 && secret_is_set(&a.tuples[0].ik.s));
        gsup_wipe(&a);
    }
    MUST_HOLD(a.tuples_n == 0 && !secret_is_set(&a.tuples[0].ck.s) && a.imsi[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ipa_frame f;
    size_t at = 0, used = 0;
    enum ipa_ccm m;
    while (ipa_parse(bytes_of(data + at, size - at), &f, &used) == ERR_OK && used > 0) {
        MUST_HOLD(used <= size - at && f.payload.n < used);
        if (f.stream == IPA_GSUP) {
            answer(f.payload);
        } else {
            MUST_HOLD(ipa_parse_ccm(f.payload, &m) != ERR_OK || f.payload.n > 0);
        }
        at += used;
    }
    answer(bytes_of(data, size));
    return 0;
}
