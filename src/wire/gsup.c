#include "wire/gsup.h"

#include "base/reader.h"

#include <string.h>

enum tag {
    TAG_IMSI = 0x01,
    TAG_CAUSE = 0x02,
    TAG_TUPLE = 0x03,
    TAG_CLASS = 0x0a,
    TAG_RAND = 0x20,
    TAG_IK = 0x23,
    TAG_CK = 0x24,
    TAG_AUTN = 0x25,
    TAG_AUTS = 0x26,
    TAG_RES = 0x27,
    TAG_VECTORS = 0x52
};
enum { CLASS_SUBSCRIBER = 1, IMSI_OCTETS = (GSUP_IMSI_MAX - 1 + 1) / 2, NO_DIGIT = 0xf, KEY = 16, RES_MIN = 4, RES_MAX = 16 };
enum { CAUSE_IMSI_UNKNOWN = 2 };

/* -- what is asked ------------------------------------------------------------------------------------------------ */
static void element(struct writer *w, enum tag tag, struct bytes value)
{
    writer_u8(w, (uint8_t)tag);
    writer_u8(w, (uint8_t)value.n);
    writer_bytes(w, value);
}

static void octet(struct writer *w, enum tag tag, uint8_t value)
{
    element(w, tag, bytes_of(&value, 1));
}

/* Two digits an octet, the first in the low half; the last half of an odd number is F [TS 29.002 17.7.8]. osmo-hlr wants eight octets. */
static void imsi(struct writer *w, struct text digits)
{
    uint8_t b[IMSI_OCTETS];
    memset(b, 0xff, sizeof(b));
    for (size_t i = 0; i < digits.n; i++) {
        uint8_t digit = (uint8_t)(digits.p[i] - '0');
        b[i / 2] = (uint8_t)(i % 2 == 0 ? 0xf0 | digit : (b[i / 2] & 0x0f) | digit << 4);
    }
    element(w, TAG_IMSI, bytes_of(b, (digits.n + 1) / 2));
}

err_t gsup_write_request(const struct gsup_request *q, struct writer *w)
{
    if (!impi_is_imsi(q->imsi)) {
        return ERR_MALFORMED_ID;
    }
    if (q->vectors == 0 || q->vectors > GSUP_TUPLES_MAX) {
        return ERR_LIMIT_SIZE;
    }
    writer_u8(w, GSUP_INFO_REQUEST);
    imsi(w, q->imsi);
    octet(w, TAG_VECTORS, q->vectors);
    octet(w, TAG_CLASS, CLASS_SUBSCRIBER);
    if (q->resync != NULL) {
        element(w, TAG_AUTS, BYTES_ARRAY(q->resync->auts));
        element(w, TAG_RAND, BYTES_ARRAY(q->resync->rand.b));
    }
    return writer_finish(w);
}

/* -- what is answered --------------------------------------------------------------------------------------------------- */
static bool next(struct reader *r, uint8_t *tag, struct bytes *value)
{
    if (reader_left(r) == 0) {
        return false;
    }
    *tag = reader_u8(r);
    *value = reader_block8(r);
    return !reader_failed(r);
}

static err_t parse_imsi(struct bytes b, char out[GSUP_IMSI_MAX])
{
    size_t n = 0;
    if (out[0] != '\0') { /* twice */
        return ERR_MALFORMED_GSUP;
    }
    for (size_t i = 0; i < 2 * b.n; i++) {
        uint8_t digit = i % 2 == 0 ? b.p[i / 2] & 0x0f : b.p[i / 2] >> 4;
        if (digit == NO_DIGIT && i == 2 * b.n - 1) {
            break;
        }
        if (digit > 9 || n == GSUP_IMSI_MAX - 1) {
            return ERR_MALFORMED_GSUP;
        }
        out[n++] = (char)('0' + digit);
    }
    out[n] = '\0';
    return impi_is_imsi(text_span(out, n)) ? ERR_OK : ERR_MALFORMED_GSUP;
}

/* What GBA needs of a vector; the rest is of GSM. */
enum part { PART_RAND, PART_AUTN, PART_RES, PART_CK, PART_IK, PARTS };
static const struct {
    enum tag tag;
    uint8_t min, max;
} parts[PARTS] = {
    [PART_RAND] = {TAG_RAND, AKA_RAND_LEN, AKA_RAND_LEN},
    [PART_AUTN] = {TAG_AUTN, GSUP_AUTN_LEN, GSUP_AUTN_LEN},
    [PART_RES] = {TAG_RES, RES_MIN, RES_MAX},
    [PART_CK] = {TAG_CK, KEY, KEY},
    [PART_IK] = {TAG_IK, KEY, KEY},
};

static err_t take_parts(struct bytes tuple, struct bytes at[PARTS], size_t *found)
{
    struct reader r = reader_of(tuple);
    struct bytes value;
    uint8_t tag;
    while (next(&r, &tag, &value)) {
        for (size_t i = 0; i < PARTS; i++) {
            if (tag != parts[i].tag) {
                continue;
            }
            if (at[i].n > 0 || value.n < parts[i].min || value.n > parts[i].max) {
                return ERR_MALFORMED_GSUP;
            }
            at[i] = value;
            (*found)++;
        }
    }
    return reader_finish(&r) == ERR_OK ? ERR_OK : ERR_MALFORMED_GSUP;
}

static err_t parse_tuple(struct bytes value, struct gsup_answer *a)
{
    struct bytes at[PARTS] = {0};
    size_t found = 0;
    TRY(take_parts(value, at, &found));
    if (found < PARTS) { /* of GSM alone: SRES and Kc */
        return ERR_OK;
    }
    if (a->tuples_n == GSUP_TUPLES_MAX) {
        return ERR_MALFORMED_GSUP;
    }
    struct gsup_tuple *t = &a->tuples[a->tuples_n++];
    memcpy(t->rand.b, at[PART_RAND].p, sizeof(t->rand.b));
    memcpy(t->autn, at[PART_AUTN].p, sizeof(t->autn));
    TRY(secret_set(&t->xres.s, at[PART_RES]));
    TRY(secret_set(&t->ck.s, at[PART_CK]));
    return secret_set(&t->ik.s, at[PART_IK]);
}

static err_t parse_cause(struct bytes value, struct gsup_answer *a)
{
    if (value.n != 1 || value.p[0] == 0 || a->cause != 0) {
        return ERR_MALFORMED_GSUP;
    }
    a->cause = value.p[0];
    return ERR_OK;
}

static err_t take(uint8_t tag, struct bytes value, struct gsup_answer *a)
{
    switch (tag) {
    case TAG_IMSI:
        return parse_imsi(value, a->imsi);
    case TAG_CAUSE:
        return parse_cause(value, a);
    case TAG_TUPLE:
        return parse_tuple(value, a);
    default:
        return ERR_OK;
    }
}

static err_t parse(struct reader *r, struct gsup_answer *a)
{
    struct bytes value;
    uint8_t tag;
    uint8_t type = reader_u8(r);
    if (type != GSUP_INFO_ERROR && type != GSUP_INFO_RESULT) {
        return ERR_MALFORMED_GSUP;
    }
    a->type = type;
    while (next(r, &tag, &value)) {
        TRY(take(tag, value, a));
    }
    bool whole = reader_finish(r) == ERR_OK && a->imsi[0] != '\0';
    bool good = type == GSUP_INFO_ERROR ? a->cause != 0 : a->tuples_n > 0;
    return whole && good ? ERR_OK : ERR_MALFORMED_GSUP;
}

err_t gsup_parse_answer(struct bytes message, struct gsup_answer *out)
{
    struct reader r = reader_of(message);
    *out = (struct gsup_answer){0};
    err_t e = parse(&r, out);
    if (e != ERR_OK) {
        gsup_wipe(out);
    }
    return e;
}

void gsup_wipe(struct gsup_answer *a)
{
    for (size_t i = 0; i < GSUP_TUPLES_MAX; i++) {
        secret_wipe(&a->tuples[i].xres.s);
        secret_wipe(&a->tuples[i].ck.s);
        secret_wipe(&a->tuples[i].ik.s);
    }
    *a = (struct gsup_answer){0};
}

err_t gsup_cause_err(uint8_t cause)
{
    return cause == CAUSE_IMSI_UNKNOWN ? ERR_DENIED_SUBSCRIBER : ERR_PEER_REFUSED;
}
