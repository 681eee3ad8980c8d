/* The scanner without a library takes only what jansson takes, and sees the same value in it. */
#include "fuzz.h"
#include "wire/json.h"
#include "wire/json_member.h"

#include <string.h>

static void same_value(struct text raw, const json_t *v)
{
    struct text t = json_member_text(raw, false);
    struct text one = json_member_text(raw, true);
    if (t.n > 0) {
        MUST_HOLD(json_is_string(v) && text_eq(t, text_span(json_string_value(v), json_string_length(v))));
    }
    if (one.n > 0) {
        const json_t *first = json_array_get(v, 0);
        MUST_HOLD(json_array_size(v) == 1 && text_eq(one, text_span(json_string_value(first), json_string_length(first))));
    }
    json_error_t e;
    json_t *again = json_loadb(raw.p, raw.n, JSON_DECODE_ANY, &e);
    MUST_HOLD(again != NULL && json_equal(again, v));
    json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_error_t e;
    struct text in = text_span((const char *)data, size), raw, inner;
    json_t *v = json_loadb(in.p, in.n, 0, &e); /* duplicates of other members are not the scanner's to see */
    if (json_member_find(in, "r", &raw) == ERR_OK) {
        MUST_HOLD(json_is_object(v));
        MUST_HOLD((raw.n > 0) == (json_object_get(v, "r") != NULL));
        if (raw.n > 0) {
            same_value(raw, json_object_get(v, "r"));
            bool object = json_member_find(raw, "ri", &inner) == ERR_OK;
            MUST_HOLD(!object || json_is_object(json_object_get(v, "r")));
            MUST_HOLD(!object || (inner.n > 0) == (json_object_get(json_object_get(v, "r"), "ri") != NULL));
        }
    } else {
        MUST_HOLD(raw.n == 0);
    }
    json_decref(v);
    return 0;
}
