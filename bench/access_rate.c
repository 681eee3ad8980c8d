#include "access_rate.h"

#include "load.h"
#include "role/cse/access.h"
#include "role/cse/access_rules.h"
#include "wire/json.h"

#include <time.h>

#define DECISIONS 10000 /* between looks at the clock */
#define SOME_DAY INT64_C(1800000000) /* seconds; a schedule knows no year before 2000 */

static int64_t cpu_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

err_t access_rate_run(const char *pv, const char *from, usec_t time, struct access_rate_result *out)
{
    static uint8_t compiled[ACCESS_COMPILED_MAX];
    struct writer w = WRITER_ARRAY(compiled);
    SCOPED(json_scope) json_t *rules = NULL;
    *out = (struct access_rate_result){0};
    TRY(json_parse(text_bytes(text_of(pv)), &rules));
    TRY(access_rules_compile(rules, "pv", &w, out->detail));
    struct access_query q = {
        .from = {text_of(from), text_empty(), text_empty()},
        .op = ACCESS_RETRIEVE,
        .ip = ipaddr_of_octets(bytes_of("\x7f\x00\x00\x01", 4)),
        .authenticated = true,
        .target_ty = 4,
        .definition = text_empty(),
    };
    int64_t begun = cpu_now();
    for (usec_t start = load_now(); load_now() - start < time; out->done += DECISIONS) {
        for (unsigned i = 0; i < DECISIONS; i++) {
            q.now = (SOME_DAY + (usec_t)i) * USEC_PER_SEC;
            if (!access_decide(writer_view(&w), &q)) {
                return ERR_DENIED_PRIVILEGE;
            }
        }
    }
    out->cpu_ns = cpu_now() - begun;
    return ERR_OK;
}
