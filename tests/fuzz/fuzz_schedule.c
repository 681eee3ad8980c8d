/* A schedule entry: what parses reads back as it was written, and matches only moments whose every field it names. */
#include "fuzz.h"

#include "role/cse/schedule.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct schedule s, back;
    uint8_t buf[256];
    if (schedule_parse(text_span((const char *)data, size), &s) == ERR_OK) {
        struct writer w = WRITER_ARRAY(buf);
        schedule_write(&s, &w);
        struct reader r = reader_of(writer_view(&w));
        schedule_read(&r, &back);
        MUST_HOLD(reader_finish(&r) == ERR_OK && memcmp(&s, &back, sizeof(s)) == 0);
        struct timestamp_parts t;
        timestamp_split(INT64_C(1700000000) * USEC_PER_SEC, &t);
        MUST_HOLD(!schedule_match(&s, &t) || (s.hour >> t.hour & 1) != 0);
        t.month = 13;
        MUST_HOLD(!schedule_match(&s, &t));
    }
    struct reader r = reader_of(bytes_of(data, size));
    schedule_read(&r, &back);
    struct timestamp_parts any = {2024, 2, 29, 23, 59, 59, 4};
    (void)schedule_match(&back, &any);
    return 0;
}
