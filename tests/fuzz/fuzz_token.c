/* The claims of a token, what it permits, and the record of one that is kept: as hostile as its sender, and never more than they say. */
#include "fuzz.h"

#include "role/cse/cse_holder.h"
#include "role/cse/cse_token.h"
#include "wire/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buf[ACCESS_TOKEN_COMPILED_MAX];
    const struct access_query q = {.op = ACCESS_RETRIEVE, .now = INT64_C(1700000000) * USEC_PER_SEC};
    const struct access_place nowhere = {.self = text_of("//sp.example.com/in"), .base = text_of("cse-in")};
    char detail[ROLE_DETAIL_MAX] = "";
    const char *fault = NULL;
    struct writer w = WRITER_ARRAY(buf);
    struct jwt j;
    struct cse_token k;
    struct cse_holder_entry entry;
    if (jwt_parse(bytes_of(data, size), &j, &fault) == ERR_OK) {
        MUST_HOLD(j.id.n > 0 && j.issuer.n > 0 && j.holder.n > 0 && j.not_before >= 0 && j.not_after >= 0);
        if (access_token_compile(j.permissions, &w, detail) == ERR_OK) {
            MUST_HOLD(!access_token_permits(writer_view(&w), &nowhere, &q)); /* rules are for resources that are named */
        }
    }
    jwt_wipe(&j);
    if (cse_token_record_parse(bytes_of(data, size), &k) == ERR_OK) {
        (void)access_token_permits(k.permissions, &nowhere, &q);
        (void)access_token_holds(k.permissions, &nowhere, text_of("reader@das.example.com"));
    }
    if (cse_holder_entry_parse(bytes_of(data, size), &entry) == ERR_OK) {
        MUST_HOLD(entry.until >= 0 && entry.ri.n < size);
    }
    return 0;
}
