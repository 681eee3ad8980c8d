/* base/: hex and base64 (what is taken is canonical), numbers, and the cursor driven by the input itself. */
#include "base/base64.h"
#include "base/hex.h"
#include "base/reader.h"
#include "fuzz.h"

static void texts(struct text in)
{
    static uint8_t octets[8192];
    static uint8_t text[8192];
    struct writer o = WRITER_ARRAY(octets);
    struct writer t = WRITER_ARRAY(text);
    if (hex_parse(in, &o) == ERR_OK) {
        hex_write_lower(&t, writer_view(&o));
        MUST_HOLD(t.overflow || text_eq_nocase(writer_view_text(&t), in));
        MUST_HOLD(in.n == 0 || hex_is_text(in));
    }
    o = WRITER_ARRAY(octets);
    t = WRITER_ARRAY(text);
    if (base64_parse(in, &o) == ERR_OK) {
        base64_write(&t, writer_view(&o));
        MUST_HOLD(t.overflow || text_eq(writer_view_text(&t), in));
    }
    uint64_t v;
    t = WRITER_ARRAY(text);
    if (text_u64(in, UINT64_MAX, &v) == ERR_OK) {
        writer_decimal(&t, v);
        MUST_HOLD(text_eq(writer_view_text(&t), in));
    }
}

static void cursor(struct bytes in)
{
    struct reader r = reader_of(in);
    char name[16];
    uint8_t copy[8];
    while (reader_left(&r) > 0) {
        size_t before = reader_left(&r);
        switch (reader_u8(&r) % 8) {
        case 0:
            (void)reader_u16(&r);
            break;
        case 1:
            (void)reader_u24(&r);
            break;
        case 2:
            (void)reader_u64(&r);
            break;
        case 3:
            MUST_HOLD(reader_block8(&r).n <= before);
            break;
        case 4:
            MUST_HOLD(reader_block16(&r).n <= before);
            break;
        case 5:
            MUST_HOLD(reader_block32(&r).n <= before);
            break;
        case 6:
            reader_copy(&r, copy, sizeof(copy));
            break;
        default:
            reader_text16(&r, name, sizeof(name));
            break;
        }
        MUST_HOLD(reader_left(&r) < before);
    }
    err_t e = reader_finish(&r);
    MUST_HOLD(e == (reader_failed(&r) ? ERR_MALFORMED_TRUNCATED : ERR_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    texts(text_span((const char *)data, size));
    cursor(bytes_of(data, size));
    return 0;
}
