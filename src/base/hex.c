#include "base/hex.h"

/* 0..15 to a digit without a table or branch: a lookup would tell the nibble through the cache. */
static uint8_t digit(unsigned nibble, unsigned letter_base)
{
    unsigned over = (9U - nibble) >> 8 & 1U; /* 1 for 10..15 */
    return (uint8_t)('0' + nibble + over * (letter_base - 10U - '0'));
}

static void write_all(struct writer *w, struct bytes b, unsigned letter_base)
{
    uint8_t *at = writer_reserve(w, 2 * b.n);
    for (size_t i = 0; at != NULL && i < b.n; i++) {
        at[2 * i] = digit(b.p[i] >> 4, letter_base);
        at[2 * i + 1] = digit(b.p[i] & 15U, letter_base);
    }
}

void hex_write_upper(struct writer *w, struct bytes b)
{
    write_all(w, b, 'A');
}

void hex_write_lower(struct writer *w, struct bytes b)
{
    write_all(w, b, 'a');
}

/* 1 if lo <= c <= hi, without a branch. */
static unsigned within(unsigned c, unsigned lo, unsigned hi)
{
    return (((c - lo) | (hi - c)) >> 8 & 1U) ^ 1U;
}

static unsigned value(unsigned c, unsigned *bad)
{
    unsigned is_digit = within(c, '0', '9');
    unsigned is_upper = within(c, 'A', 'F');
    unsigned is_lower = within(c, 'a', 'f');
    *bad |= (is_digit | is_upper | is_lower) ^ 1U;
    return is_digit * (c - '0') + is_upper * (c - 'A' + 10U) + is_lower * (c - 'a' + 10U);
}

err_t hex_parse(struct text t, struct writer *out)
{
    unsigned bad = 0;
    if (t.n % 2 != 0) {
        return ERR_MALFORMED_HEX;
    }
    for (size_t i = 0; i < t.n; i += 2) {
        unsigned hi = value((uint8_t)t.p[i], &bad);
        unsigned lo = value((uint8_t)t.p[i + 1], &bad);
        writer_u8(out, (uint8_t)((hi << 4 | lo) & 255U));
    }
    if (bad) {
        return ERR_MALFORMED_HEX;
    }
    return writer_finish(out);
}

bool hex_is_text(struct text t)
{
    unsigned bad = 0;
    for (size_t i = 0; i < t.n; i++) {
        (void)value((uint8_t)t.p[i], &bad);
    }
    return t.n > 0 && t.n % 2 == 0 && bad == 0;
}
