/* JSON: what is taken comes back the same; any octets become a string that is taken. */
#include "fuzz.h"
#include "wire/json.h"

#include <string.h>

static void round_trip(struct bytes in)
{
    SCOPED(json_scope) json_t *v = NULL;
    SCOPED(json_scope) json_t *again = NULL;
    static char first[1 << 18];
    static char second[1 << 18];
    if (json_parse(in, &v) != ERR_OK) {
        MUST_HOLD(v == NULL);
        return;
    }
    struct writer a = WRITER_ARRAY(first);
    struct writer b = WRITER_ARRAY(second);
    if (json_write(v, &a) != ERR_OK) {
        MUST_HOLD(a.overflow);
        return;
    }
    MUST_HOLD(json_parse(writer_view(&a), &again) == ERR_OK);
    MUST_HOLD(json_write(again, &b) == ERR_OK && bytes_eq(writer_view(&a), writer_view(&b)));
}

static void any_text(struct bytes in)
{
    SCOPED(json_scope) json_t *v = NULL;
    static char out[1 << 16];
    struct writer w = WRITER_ARRAY(out);
    writer_z(&w, "{\"s\":");
    json_write_string(&w, text_span((const char *)in.p, in.n));
    writer_z(&w, "}");
    if (w.overflow || memchr(in.p, 0, in.n) != NULL) {
        return; /* an escaped NUL is refused on the way in */
    }
    MUST_HOLD(json_parse(writer_view(&w), &v) == ERR_OK);
    struct text s = json_get_text(v, "s");
    json_t *same = json_stringn((const char *)in.p, in.n);
    MUST_HOLD(same == NULL || text_eq(s, text_span((const char *)in.p, in.n)));
    json_decref(same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    round_trip(bytes_of(data, size));
    any_text(bytes_of(data, size));
    return 0;
}
