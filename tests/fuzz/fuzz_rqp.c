/* A request primitive inside another content: what parses has one operation and an address, and its answer is JSON again. */
#include "fuzz.h"
#include "wire/json.h"
#include "wire/rqp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char scratch[65536];
    static char out[65536];
    struct writer s = WRITER_ARRAY(scratch);
    struct writer w = WRITER_ARRAY(out);
    char detail[BINDING_DETAIL_MAX];
    struct primitive p;
    if (rqp_parse(bytes_of(data, n), &s, &p, detail) == ERR_OK) {
        MUST_HOLD(p.op >= OP_CREATE && p.op <= OP_NOTIFY && p.to.n > 0 && p.rqi.n > 0 && p.has_ty == (p.op == OP_CREATE));
        const struct primitive_response r = {.rsc = 2000, .rqi = p.rqi, .rvi = p.rvi, .body = p.content, .next = 1};
        if (rqp_response_write(&r, &w) == ERR_OK) {
            SCOPED(json_scope) json_t *v = NULL;
            err_t e = json_parse(writer_view(&w), &v);
            MUST_HOLD(e == ERR_OK || e == ERR_LIMIT_DEPTH);
        }
    }
    rqp_wipe(&p);
    return 0;
}
