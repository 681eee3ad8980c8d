#include "base/base64.h"

/* Eight symbols are six octets. A word holds either, the first one at the top on every machine, and one step does all eight: no
 * branch, no table that is looked up by a value, no shift by one. */
enum { SYMBOLS = 8, OCTETS = 6 };
#define EACH(octet) (UINT64_MAX / 255 * (uint8_t)(octet)) /* in each of the eight octets of a word */

/* From the symbol `first` to `last` one number lies between a symbol and its value. */
static const struct run {
    uint8_t first, last, value;
} runs[] = {{'A', 'Z', 0}, {'a', 'z', 26}, {'0', '9', 52}, {'+', '+', 62}, {'/', '/', 63}};

/* The next n octets, eight at most; `fill` where there are none. */
static uint64_t load(const void *from, size_t n, uint8_t fill)
{
    const uint8_t *p = from;
    uint64_t v = 0;
    if (n >= sizeof(v)) { /* a loop of its own: the compiler makes one load of it */
        for (size_t i = 0; i < sizeof(v); i++) {
            v = v << 8 | p[i];
        }
        return v;
    }
    for (size_t i = 0; i < n; i++) {
        v = v << 8 | p[i];
    }
    for (size_t i = n; i < sizeof(v); i++) {
        v = v << 8 | fill;
    }
    return v;
}

/* Into the next n octets, eight at most. */
static void store(uint8_t *to, size_t n, uint64_t v)
{
    if (n >= sizeof(v)) {
        for (size_t i = 0; i < sizeof(v); i++) {
            to[i] = (uint8_t)(v >> (56 - 8 * i));
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        to[i] = (uint8_t)(v >> (56 - 8 * i));
    }
}

/* 0xFF where first <= octet <= last, which are below 128; 0 elsewhere. */
static uint64_t within(uint64_t v, unsigned first, unsigned last)
{
    const uint64_t top = EACH(0x80), low = v & ~top;
    const uint64_t in = (low + EACH(0x80 - first)) & ~(low + EACH(0x7F - last)) & ~v & top;
    return (in << 1) - (in >> 7);
}

static uint64_t to_values(uint64_t symbols, uint64_t *bad)
{
    uint64_t add = 0, known = 0;
    for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
        const uint64_t in = within(symbols, runs[i].first, runs[i].last);
        add |= in & EACH((runs[i].value - runs[i].first) & 0x7F);
        known |= in;
    }
    *bad |= ~known;
    return ((symbols & EACH(0x7F)) + add) & EACH(0x7F);
}

static uint64_t to_symbols(uint64_t values)
{
    uint64_t add = 0;
    for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
        const unsigned last = (unsigned)(runs[i].value + (runs[i].last - runs[i].first));
        add |= within(values, runs[i].value, last) & EACH((runs[i].first - runs[i].value) & 0x7F);
    }
    return (values + add) & EACH(0x7F);
}

/* Six bits in each of eight octets to 48 in the six octets at the top, and back. */
static uint64_t joined(uint64_t v)
{
    const uint64_t six = 0x003F003F003F003F, twelve = 0x00000FFF00000FFF, all = 0xFFFFFF;
    v = (v >> 8 & six) << 6 | (v & six);
    v = (v >> 16 & twelve) << 12 | (v & twelve);
    return ((v >> 32 & all) << 24 | (v & all)) << 16;
}

static uint64_t parted(uint64_t v)
{
    const uint64_t six = 0x003F003F003F003F, twelve = 0x00000FFF00000FFF, all = 0xFFFFFF;
    v = (v >> 40 & all) << 32 | (v >> 16 & all);
    v = (v >> 12 & twelve) << 16 | (v & twelve);
    return (v >> 6 & six) << 8 | (v & six);
}

void base64_write(struct writer *w, struct bytes b)
{
    const size_t n = (b.n * 4 + 2) / 3; /* without what fills up */
    uint8_t *at = writer_reserve(w, BASE64_LEN(b.n));
    for (size_t i = 0, o = 0; at != NULL && i < n; i += SYMBOLS, o += OCTETS) {
        store(at + i, n - i, to_symbols(parted(load(b.p + o, b.n - o, 0)))); /* of eight octets six count */
    }
    for (size_t i = n; at != NULL && i < BASE64_LEN(b.n); i++) {
        at[i] = '=';
    }
}

err_t base64_parse(struct text t, struct writer *out)
{
    if (t.n % 4 != 0) {
        return ERR_MALFORMED_BASE64;
    }
    size_t pad = t.n == 0 ? 0 : (size_t)(t.p[t.n - 1] == '=') + (size_t)(t.p[t.n - 1] == '=' && t.p[t.n - 2] == '=');
    const size_t n = t.n - pad, octets = n / 4 * 3 + n % 4 * 3 / 4;
    uint8_t *at = writer_reserve(out, octets);
    uint64_t bad = 0;
    for (size_t i = 0, o = 0; i < n; i += SYMBOLS, o += OCTETS) {
        const uint64_t v = joined(to_values(load(t.p + i, n - i, 'A'), &bad));
        const size_t left = octets - o;
        bad |= left < OCTETS ? v & UINT64_MAX >> 8 * left : 0; /* non-canonical tail bits */
        if (at != NULL) {
            store(at + o, left, v); /* where there is room, two zeros that the next round writes over */
        }
    }
    if (bad != 0) {
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
