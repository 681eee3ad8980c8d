#include "base/writer.h"

#include <string.h>

struct writer writer_of(void *buf, size_t cap)
{
    return (struct writer){buf, cap, 0, false};
}

uint8_t *writer_reserve(struct writer *w, size_t n)
{
    if (w->overflow || n > w->cap - w->n) {
        w->overflow = true;
        return NULL;
    }
    uint8_t *at = w->buf + w->n;
    w->n += n;
    return at;
}

void writer_bytes(struct writer *w, struct bytes b)
{
    uint8_t *at = writer_reserve(w, b.n);
    if (at != NULL && b.n > 0) {
        memcpy(at, b.p, b.n);
    }
}

static void number(struct writer *w, uint64_t v, size_t octets)
{
    uint8_t b[8];
    for (size_t i = 0; i < octets; i++) {
        b[i] = (uint8_t)(v >> (8 * (octets - 1 - i)));
    }
    writer_bytes(w, bytes_of(b, octets));
}

void writer_u8(struct writer *w, uint8_t v)
{
    if (w->overflow || w->n >= w->cap) {
        w->overflow = true;
        return;
    }
    w->buf[w->n++] = v;
}

void writer_u16(struct writer *w, uint16_t v)
{
    number(w, v, 2);
}

void writer_u32(struct writer *w, uint32_t v)
{
    number(w, v, 4);
}

void writer_u64(struct writer *w, uint64_t v)
{
    number(w, v, 8);
}

void writer_text(struct writer *w, struct text t)
{
    writer_bytes(w, text_bytes(t));
}

void writer_text_lower(struct writer *w, struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        writer_u8(w, (uint8_t)text_lower(t.p[i]));
    }
}

void writer_z(struct writer *w, const char *z)
{
    writer_text(w, text_of(z));
}

void writer_decimal(struct writer *w, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    writer_bytes(w, bytes_of(digits + at, sizeof(digits) - at));
}

void writer_block16(struct writer *w, struct bytes b)
{
    if (b.n > UINT16_MAX) {
        w->overflow = true;
        return;
    }
    writer_u16(w, (uint16_t)b.n);
    writer_bytes(w, b);
}

void writer_block32(struct writer *w, struct bytes b)
{
    if (b.n > UINT32_MAX) {
        w->overflow = true;
        return;
    }
    writer_u32(w, (uint32_t)b.n);
    writer_bytes(w, b);
}

void writer_text16(struct writer *w, const char *z)
{
    writer_block16(w, text_bytes(text_of(z)));
}

size_t writer_mark16(struct writer *w)
{
    writer_u16(w, 0);
    return w->n;
}

void writer_close16(struct writer *w, size_t mark)
{
    if (w->overflow || mark < 2 || mark > w->n || w->n - mark > UINT16_MAX) {
        w->overflow = true;
        return;
    }
    size_t n = w->n - mark;
    w->buf[mark - 2] = (uint8_t)(n >> 8);
    w->buf[mark - 1] = (uint8_t)n;
}

struct bytes writer_view(const struct writer *w)
{
    return bytes_of(w->buf, w->n);
}

struct text writer_view_text(const struct writer *w)
{
    return text_span((const char *)w->buf, w->n);
}

err_t writer_finish(const struct writer *w)
{
    return w->overflow ? ERR_LIMIT_SIZE : ERR_OK;
}

err_t writer_finish_z(struct writer *w)
{
    writer_u8(w, 0);
    TRY(writer_finish(w));
    w->n--;
    return ERR_OK;
}
