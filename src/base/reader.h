/*
 * The bounded cursor: the only way octets from outside are taken apart. It has a sticky
 * error: after the first read past the end every further read gives zero or empty, and
 * reader_finish() reports it once. Nobody computes an offset by hand.
 *
 *     struct reader r = reader_of(msg);
 *     uint8_t version = reader_u8(&r);
 *     struct bytes id = reader_block16(&r);
 *     TRY(reader_finish(&r));           all consumed, nothing overrun
 */
#ifndef KEYSTEAD_BASE_READER_H
#define KEYSTEAD_BASE_READER_H

#include "base/text.h"

struct reader {
    const uint8_t *p;
    const uint8_t *end;
    bool failed;
};

struct reader reader_of(struct bytes b);
size_t reader_left(const struct reader *r);
bool reader_failed(const struct reader *r);

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r); /* network byte order, as all below */
uint32_t reader_u24(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
struct bytes reader_take(struct reader *r, size_t n);
void reader_copy(struct reader *r, uint8_t *dst, size_t n); /* zeros on failure */

/* A block preceded by its length in one, two or four octets. */
struct bytes reader_block8(struct reader *r);
struct bytes reader_block16(struct reader *r);
struct bytes reader_block32(struct reader *r);

/* Text of a block16 into a terminated array; a NUL inside or too long fails the reader. */
void reader_text16(struct reader *r, char *dst, size_t cap);

/* ERR_OK only if nothing overran and everything was consumed. */
MUST_USE err_t reader_finish(const struct reader *r);

#endif
