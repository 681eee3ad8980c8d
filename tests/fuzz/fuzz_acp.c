/*
 * pv as an AE sends it: it compiles or is refused with the attribute at fault, and what compiles decides: everybody at all
 * times is at least as permitted as somebody, and an operation that no rule names is denied.
 */
#include "fuzz.h"

#include "role/cse/access.h"
#include "role/cse/access_rules.h"
#include "wire/json.h"

#include <string.h>

static bool decide(struct bytes rules, const char *absolute, unsigned op, bool authn)
{
    struct access_query q = {.from = {text_of(absolute), text_of("/Sa"), text_of("Sa")}, .op = op,
                             .now = INT64_C(1700000000) * USEC_PER_SEC, .authenticated = authn, .target_ty = 3,
                             .child_ty = 4, .definition = text_empty()};
    return access_decide(rules, &q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buf[ACCESS_COMPILED_MAX + 64];
    SCOPED(json_scope) json_t *pv = NULL;
    if (json_parse(bytes_of(data, size), &pv) != ERR_OK) {
        return 0;
    }
    char detail[ROLE_DETAIL_MAX] = "";
    struct writer w = WRITER_ARRAY(buf);
    err_t e = access_rules_compile(pv, "pv", &w, detail);
    MUST_HOLD(memchr(detail, '\0', sizeof(detail)) != NULL);
    if (e != ERR_OK) {
        MUST_HOLD(strncmp(detail, "pv", 2) == 0 || strstr(detail, "pv") != NULL);
        return 0;
    }
    MUST_HOLD(access_rules_count(writer_view(&w)) == json_array_size(json_object_get(pv, "acr")));
    unsigned granted = 0;
    for (size_t i = 0; i < json_array_size(json_object_get(pv, "acr")); i++) {
        granted |= (unsigned)json_integer_value(json_object_get(json_array_get(json_object_get(pv, "acr"), i), "acop"));
    }
    for (unsigned op = 1; op <= ACCESS_DISCOVERY; op <<= 1) {
        bool yes = decide(writer_view(&w), "//sp.example.com/Sa", op, false);
        MUST_HOLD(!yes || (granted & op) != 0);
        MUST_HOLD(!yes || decide(writer_view(&w), "//sp.example.com/Sa", op, true)); /* authenticated never loses */
    }
    return 0;
}
