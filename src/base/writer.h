/*
 * The mirror image of reader.h: appends to the caller's fixed buffer, with a sticky overflow.
 * Nothing is written past the capacity; writer_finish() reports the overflow once.
 */
#ifndef KEYSTEAD_BASE_WRITER_H
#define KEYSTEAD_BASE_WRITER_H

#include "base/text.h"

struct writer {
    uint8_t *buf;
    size_t cap;
    size_t n;
    bool overflow;
};

struct writer writer_of(void *buf, size_t cap);
#define WRITER_ARRAY(a) writer_of((a), sizeof(a))

void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v);
void writer_u32(struct writer *w, uint32_t v);
void writer_u64(struct writer *w, uint64_t v);
void writer_bytes(struct writer *w, struct bytes b);
void writer_text(struct writer *w, struct text t);
void writer_text_lower(struct writer *w, struct text t); /* ASCII only */
void writer_z(struct writer *w, const char *z);
void writer_decimal(struct writer *w, uint64_t v);
void writer_block16(struct writer *w, struct bytes b); /* length in two octets, then b */
void writer_block32(struct writer *w, struct bytes b);
void writer_text16(struct writer *w, const char *z);

/* A length prefix filled in later: mark, write the block, close. */
size_t writer_mark16(struct writer *w);
void writer_close16(struct writer *w, size_t mark);

/* Room for n octets that the caller fills in, or NULL on overflow. */
uint8_t *writer_reserve(struct writer *w, size_t n);

struct bytes writer_view(const struct writer *w); /* what was written so far */
struct text writer_view_text(const struct writer *w);
MUST_USE err_t writer_finish(const struct writer *w);   /* ERR_LIMIT_SIZE after an overflow */
MUST_USE err_t writer_finish_z(struct writer *w);       /* the same, and terminates with NUL (not counted) */

#endif
