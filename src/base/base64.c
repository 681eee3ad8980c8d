#include "base/base64.h"

/* All arithmetic is branch-free in the value: see hex.c. `ge` is 1 if a >= b for a, b < 256. */
static unsigned ge(unsigned a, unsigned b)
{
    return ((a - b) >> 8 & 1U) ^ 1U;
}

static uint8_t symbol(unsigned v)
{
    unsigned c = v + 'A';
    c += ge(v, 26) * (unsigned)('a' - 'A' - 26);
    c -= ge(v, 52) * (unsigned)('a' + 26 - '0');
    c -= ge(v, 62) * (unsigned)('0' + 10 - '+');
    c += ge(v, 63) * (unsigned)('/' - '+' - 1);
    return (uint8_t)c;
}

void base64_write(struct writer *w, struct bytes b)
{
    for (size_t i = 0; i < b.n; i += 3) {
        size_t left = b.n - i;
        unsigned v = (unsigned)b.p[i] << 16;
        v |= left > 1 ? (unsigned)b.p[i + 1] << 8 : 0U;
        v |= left > 2 ? b.p[i + 2] : 0U;
        const uint8_t four[] = {symbol(v >> 18 & 63U), symbol(v >> 12 & 63U), left > 1 ? symbol(v >> 6 & 63U) : '=',
                                left > 2 ? symbol(v & 63U) : '='};
        writer_bytes(w, BYTES_ARRAY(four));
    }
}

static unsigned value(unsigned c, unsigned *bad)
{
    unsigned upper = ge(c, 'A') & ge('Z', c);
    unsigned lower = ge(c, 'a') & ge('z', c);
    unsigned digit = ge(c, '0') & ge('9', c);
    unsigned plus = ge(c, '+') & ge('+', c);
    unsigned slash = ge(c, '/') & ge('/', c);
    *bad |= (upper | lower | digit | plus | slash) ^ 1U;
    return upper * (c - 'A') + lower * (c - 'a' + 26U) + digit * (c - '0' + 52U) + plus * 62U + slash * 63U;
}

err_t base64_parse(struct text t, struct writer *out)
{
    if (t.n % 4 != 0) {
        return ERR_MALFORMED_BASE64;
    }
    size_t pad = t.n == 0 ? 0 : (size_t)(t.p[t.n - 1] == '=') + (size_t)(t.p[t.n - 1] == '=' && t.p[t.n - 2] == '=');
    unsigned bad = 0;
    for (size_t i = 0; i < t.n; i += 4) {
        size_t skip = i + 4 == t.n ? pad : 0;
        unsigned v = 0;
        for (size_t k = 0; k < 4; k++) {
            v = v << 6 | (k < 4 - skip ? value((uint8_t)t.p[i + k], &bad) : 0U);
        }
        bad |= (skip == 1 && (v & 0xFFU)) || (skip == 2 && (v & 0xFFFFU)); /* non-canonical tail bits */
        writer_u8(out, (uint8_t)(v >> 16 & 255U));
        if (skip < 2) {
            writer_u8(out, (uint8_t)(v >> 8 & 255U));
        }
        if (skip < 1) {
            writer_u8(out, (uint8_t)(v & 255U));
        }
    }
    if (bad) {
        return ERR_MALFORMED_BASE64;
    }
    return writer_finish(out);
}

enum { LINE_OCTETS = 48 };

void base64_write_lines(struct writer *w, struct bytes b)
{
    for (size_t i = 0; i < b.n; i += LINE_OCTETS) {
        base64_write(w, bytes_of(b.p + i, b.n - i < LINE_OCTETS ? b.n - i : LINE_OCTETS));
        writer_u8(w, '\n');
    }
}

err_t base64_parse_lines(struct text t, struct writer *scratch, struct writer *out)
{
    size_t start = scratch->n;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] != '\r' && t.p[i] != '\n' && t.p[i] != ' ' && t.p[i] != '\t') {
            writer_u8(scratch, (uint8_t)t.p[i]);
        }
    }
    TRY(writer_finish(scratch));
    return base64_parse(text_skip(writer_view_text(scratch), start), out);
}
