/* What a dynamic authorization system, a PDP, a PRP or a PIP answers: what is taken has rules and an end, no later than the operator lets it; and its record. */
#include "fuzz.h"

#include "role/cse/access_rules.h"
#include "role/cse/cse_das.h"
#include "role/cse/cse_pep.h"
#include "role/cse/cse_pip.h"
#include "wire/json.h"

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
    static const struct cse nobody; /* knows no issuer of roles: none is taken from whomever */
    SCOPED(json_scope) json_t *auif = NULL;
    if (json_parse(bytes_of(data, size), &auif) == ERR_OK) {
        w = WRITER_ARRAY(buf);
        if (cse_pip_response(&nobody, auif, now, &w) == ERR_OK) {
            MUST_HOLD(w.n <= 1);
        }
    }
    (void)cse_pip_has(bytes_of(data, size), text_of("//sp.example.com/Sguest"), text_of("reader@sp.example.com"), now);
    if (cse_das_grant_parse(bytes_of(data, size), &g) == ERR_OK) {
        const struct access_query q = {.op = ACCESS_RETRIEVE, .now = now};
        (void)access_decide(g.rules, &q);
    }
    return 0;
}
