/* Records of the CSE from a store that somebody else may have written: what parses is canonical, or at least harmless. */
#include "fuzz.h"

#include "role/cse/access.h"
#include "role/cse/cse_acp.h"
#include "role/cse/cse_annc.h"
#include "role/cse/cse_join.h"
#include "role/cse/cse_key.h"
#include "role/cse/cse_res.h"
#include "role/cse/cse_sub.h"

static void resource(struct bytes b)
{
    static uint8_t buf[1 << 16];
    struct cse_res r;
    if (cse_res_parse(b, &r) != ERR_OK || b.n > sizeof(buf)) {
        return;
    }
    struct writer w = WRITER_ARRAY(buf);
    cse_res_write(&r, &w);
    MUST_HOLD(bytes_eq(writer_view(&w), b));
    static uint8_t body[1 << 17];
    w = WRITER_ARRAY(body);
    cse_res_emit(&r, &w);
}

static void key(struct bytes b)
{
    struct cse_key k;
    struct cse cse = {0};
    uint8_t buf[4096];
    struct writer w = WRITER_ARRAY(buf);
    if (cse_key_parse(b, &k) == ERR_OK && cse_key_write(&cse, &k, NULL, &w) == ERR_OK) {
        MUST_HOLD(bytes_eq(writer_view(&w), b));
    }
}

static void policy(struct bytes b)
{
    struct cse_acp acp;
    struct access_query q = {.from = {text_of("//sp.example.com/Sa"), text_of("/Sa"), text_of("Sa")},
                             .op = ACCESS_RETRIEVE, .now = INT64_C(1700000000) * USEC_PER_SEC, .target_ty = 3,
                             .definition = text_empty()};
    if (cse_acp_parse(b, &acp) == ERR_OK) {
        (void)access_decide(acp.pv, &q);
        (void)access_decide(acp.pvs, &q);
    }
    (void)access_decide(b, &q);
}

static void subscription(struct bytes b)
{
    struct cse_sub s;
    uint8_t buf[4096];
    struct writer w = WRITER_ARRAY(buf);
    if (cse_sub_parse(b, &s) == ERR_OK && cse_sub_write(&s, &w) == ERR_OK) {
        MUST_HOLD(bytes_eq(writer_view(&w), b));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes b = bytes_of(data, size);
    struct cse_child c;
    struct cse_join j;
    (void)cse_join_parse(b, &j);
    struct cse_annc annc;
    (void)cse_annc_parse(b, &annc);
    resource(b);
    key(b);
    policy(b);
    subscription(b);
    (void)cse_res_child_parse(b, &c);
    return 0;
}
