/* Timestamps and durations as text, and any number of microseconds as a timestamp. */
#include "fuzz.h"
#include "wire/timestamp.h"

#include <string.h>

static void check_moment(usec_t t)
{
    char out[TIMESTAMP_LEN];
    struct writer w = WRITER_ARRAY(out);
    struct timestamp_parts p;
    usec_t back;
    timestamp_write(&w, t);
    MUST_HOLD(w.n == TIMESTAMP_LEN && timestamp_parse(writer_view_text(&w), &back) == ERR_OK);
    MUST_HOLD(t < 0 || t > INT64_C(253402300799999999) || back == t - t % USEC_PER_SEC);
    timestamp_split(t, &p);
    MUST_HOLD(p.weekday >= 0 && p.weekday <= 6 && p.month >= 1 && p.month <= 12 && p.day >= 1 && p.day <= 31);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = text_span((const char *)data, size);
    usec_t t;
    if (timestamp_parse(in, &t) == ERR_OK) {
        MUST_HOLD(t >= 0);
        check_moment(t);
    }
    if (timestamp_duration(in, &t) == ERR_OK) {
        MUST_HOLD(t >= 0 && t <= INT64_C(253402300799) * USEC_PER_SEC);
    }
    if (timestamp_xs_duration(in, &t) == ERR_OK) {
        MUST_HOLD(t >= 0 && t <= INT64_C(253402300799) * USEC_PER_SEC);
    }
    if (size >= sizeof(t)) {
        memcpy(&t, data, sizeof(t));
        check_moment(t);
    }
    return 0;
}
