/* What a dynamic authorization system, a PDP or a PRP answers: what is taken has rules and an end, no later than the operator lets it; and its record. */
#include "fuzz.h"

#include "role/cse/access_rules.h"
#include "role/cse/cse_das.h"
#include "role/cse/cse_pep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buf[2 * ACCESS_COMPILED_MAX];
    const usec_t now = INT64_C(1700000000) * USEC_PER_SEC;
    const usec_t latest = now + 3600 * USEC_PER_SEC;
    struct writer w = WRITER_ARRAY(buf);
    struct cse_das_grant g;
    usec_t until = latest;
    if (cse_das_response(bytes_of(data, size), now, &until, &w) == ERR_OK) {
        MUST_HOLD(until > now && until <= latest);
        MUST_HOLD(access_rules_count(writer_view(&w)) > 0);
    }
    for (int decision = 0; decision < 2; decision++) {
        w = WRITER_ARRAY(buf);
        if (cse_pep_response(bytes_of(data, size), decision == 1, &w) == ERR_OK) {
            MUST_HOLD(w.n == 0 || (decision == 1 ? access_rules_count(writer_view(&w)) <= 1 : w.n >= 2));
        }
    }
    if (cse_das_grant_parse(bytes_of(data, size), &g) == ERR_OK) {
        const struct access_query q = {.op = ACCESS_RETRIEVE, .now = now};
        (void)access_decide(g.rules, &q);
    }
    return 0;
}
