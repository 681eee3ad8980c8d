#include "base/reader.h"

#include <string.h>

struct reader reader_of(struct bytes b)
{
    return (struct reader){b.p, b.p + b.n, false};
}

size_t reader_left(const struct reader *r)
{
    return r->failed ? 0 : (size_t)(r->end - r->p);
}

bool reader_failed(const struct reader *r)
{
    return r->failed;
}

struct bytes reader_take(struct reader *r, size_t n)
{
    if (n > reader_left(r)) {
        r->failed = true;
        return bytes_empty();
    }
    struct bytes out = bytes_of(r->p, n);
    r->p += n;
    return out;
}

static uint64_t number(struct reader *r, size_t octets)
{
    struct bytes b = reader_take(r, octets);
    uint64_t v = 0;
    for (size_t i = 0; i < b.n; i++) {
        v = v << 8 | b.p[i];
    }
    return v;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)number(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)number(r, 2);
}

uint32_t reader_u24(struct reader *r)
{
    return (uint32_t)number(r, 3);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)number(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
    return number(r, 8);
}

void reader_copy(struct reader *r, uint8_t *dst, size_t n)
{
    struct bytes b = reader_take(r, n);
    memset(dst, 0, n);
    memcpy(dst, b.p, b.n);
}

struct bytes reader_block8(struct reader *r)
{
    return reader_take(r, reader_u8(r));
}

struct bytes reader_block16(struct reader *r)
{
    return reader_take(r, reader_u16(r));
}

struct bytes reader_block32(struct reader *r)
{
    return reader_take(r, reader_u32(r));
}

void reader_text16(struct reader *r, char *dst, size_t cap)
{
    struct bytes b = reader_block16(r);
    dst[0] = '\0';
    if (text_copy(text_span((const char *)b.p, b.n), dst, cap) != ERR_OK) {
        dst[0] = '\0';
        r->failed = true;
    }
}

err_t reader_finish(const struct reader *r)
{
    if (r->failed) {
        return ERR_MALFORMED_TRUNCATED;
    }
    return r->p == r->end ? ERR_OK : ERR_MALFORMED_TRAILING;
}
