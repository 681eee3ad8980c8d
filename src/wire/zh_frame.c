#include "wire/zh_frame.h"

#include "base/ct.h"
#include "base/reader.h"

enum { HEAD = 2, KEY = 16, RES_MIN = 4, RES_MAX = 16 };

/* What an answer may say, by its number on the pair. */
static const err_t outcomes[] = {ERR_OK,           ERR_DENIED_SUBSCRIBER, ERR_DENIED_AUTS, ERR_PEER_REFUSED,
                                 ERR_PEER_TIMEOUT, ERR_PEER_UNREACHABLE,  ERR_PEER_NONSENSE};
enum { OUTCOME_REFUSED = 3 };
static const err_t zn_outcomes[] = {ERR_OK, ERR_DENIED_B_TID, ERR_DENIED_FROM, ERR_PEER_REFUSED, ERR_MALFORMED, ERR_LIMIT_BUSY};

static uint8_t outcome_of(const err_t *rows, size_t n, err_t e)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i] == e) {
            return (uint8_t)i;
        }
    }
    return OUTCOME_REFUSED; /* of both tables */
}

void zh_frame_wipe(struct zh_frame *f)
{
    ct_wipe(f, sizeof(*f));
}

/* -- octets to struct ----------------------------------------------------------------------------------- */
static err_t parse_question(struct reader *r, struct zh_frame *f)
{
    struct bytes impi = reader_block8(r);
    uint8_t has = reader_u8(r);
    f->impi = text_span((const char *)impi.p, impi.n);
    f->has_resync = has == 1;
    if (f->has_resync) {
        reader_copy(r, f->resync.rand.b, sizeof(f->resync.rand.b));
        reader_copy(r, f->resync.auts, sizeof(f->resync.auts));
    }
    uint64_t made = reader_u64(r);
    f->guss_made = (usec_t)(made & INT64_MAX);
    return has <= 1 && made <= INT64_MAX && impi_is(f->impi) ? ERR_OK : ERR_PEER_NONSENSE;
}

static err_t parse_vector(struct reader *r, struct zh_frame *f)
{
    reader_copy(r, f->vector.rand.b, sizeof(f->vector.rand.b));
    reader_copy(r, f->vector.autn, sizeof(f->vector.autn));
    struct bytes xres = reader_block8(r), ck = reader_take(r, KEY), ik = reader_take(r, KEY);
    f->guss = reader_block16(r);
    if (reader_failed(r) || xres.n < RES_MIN || xres.n > RES_MAX || f->guss.n > ZH_FRAME_GUSS_MAX) {
        return ERR_PEER_NONSENSE;
    }
    TRY(secret_set(&f->vector.xres.s, xres));
    TRY(secret_set(&f->vector.ck.s, ck));
    return secret_set(&f->vector.ik.s, ik);
}

static err_t parse_answer(struct reader *r, struct zh_frame *f)
{
    uint8_t outcome = reader_u8(r);
    if (outcome >= ARRAY_LEN(outcomes)) {
        return ERR_PEER_NONSENSE;
    }
    f->err = outcomes[outcome];
    return f->err == ERR_OK ? parse_vector(r, f) : ERR_OK;
}

static err_t parse_zn(struct reader *r, struct zh_frame *f)
{
    struct bytes host = reader_block8(r);
    f->host = text_span((const char *)host.p, host.n);
    f->body = reader_block16(r);
    return f->body.n <= ZH_FRAME_BODY_MAX && f->host.n > 0 ? ERR_OK : ERR_PEER_NONSENSE;
}

static err_t parse_zn_answer(struct reader *r, struct zh_frame *f)
{
    uint8_t outcome = reader_u8(r);
    f->body = reader_block16(r);
    if (outcome >= ARRAY_LEN(zn_outcomes) || f->body.n > ZH_FRAME_BODY_MAX) {
        return ERR_PEER_NONSENSE;
    }
    f->err = zn_outcomes[outcome];
    return ERR_OK;
}

/* -- struct to octets ----------------------------------------------------------------------------------- */
static void write_question(const struct zh_frame *f, struct writer *w)
{
    writer_u8(w, (uint8_t)f->impi.n);
    writer_text(w, f->impi);
    writer_u8(w, f->has_resync);
    if (f->has_resync) {
        writer_bytes(w, BYTES_ARRAY(f->resync.rand.b));
        writer_bytes(w, BYTES_ARRAY(f->resync.auts));
    }
    writer_u64(w, (uint64_t)f->guss_made);
}

static void write_answer(const struct zh_frame *f, struct writer *w)
{
    struct bytes xres = secret_view(&f->vector.xres.s);
    uint8_t outcome = outcome_of(outcomes, ARRAY_LEN(outcomes), f->err);
    writer_u8(w, outcome);
    if (outcome != 0) {
        return;
    }
    writer_bytes(w, BYTES_ARRAY(f->vector.rand.b));
    writer_bytes(w, BYTES_ARRAY(f->vector.autn));
    writer_u8(w, (uint8_t)xres.n);
    writer_bytes(w, xres);
    writer_bytes(w, secret_view(&f->vector.ck.s));
    writer_bytes(w, secret_view(&f->vector.ik.s));
    writer_u16(w, (uint16_t)f->guss.n);
    writer_bytes(w, f->guss);
}

static void write_zn(const struct zh_frame *f, struct writer *w)
{
    writer_u8(w, (uint8_t)f->host.n);
    writer_text(w, f->host);
    writer_block16(w, f->body);
}

static void write_zn_answer(const struct zh_frame *f, struct writer *w)
{
    writer_u8(w, outcome_of(zn_outcomes, ARRAY_LEN(zn_outcomes), f->err));
    writer_block16(w, f->body);
}

/* -- frames --------------------------------------------------------------------------------------------- */
static const struct {
    err_t (*parse)(struct reader *r, struct zh_frame *f);
    void (*write)(const struct zh_frame *f, struct writer *w);
} kinds[] = {
    [ZH_FRAME_QUESTION] = {parse_question, write_question},
    [ZH_FRAME_ANSWER] = {parse_answer, write_answer},
    [ZH_FRAME_ZN] = {parse_zn, write_zn},
    [ZH_FRAME_ZN_ANSWER] = {parse_zn_answer, write_zn_answer},
};

static err_t parse(struct bytes content, struct zh_frame *f)
{
    struct reader r = reader_of(content);
    uint8_t kind = reader_u8(&r);
    f->token = reader_u32(&r);
    if (kind >= ARRAY_LEN(kinds) || kinds[kind].parse == NULL) {
        return ERR_PEER_NONSENSE;
    }
    f->kind = kind;
    TRY(kinds[kind].parse(&r, f));
    return reader_finish(&r) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE;
}

err_t zh_frame_parse(struct bytes in, struct zh_frame *out, size_t *used)
{
    struct reader r = reader_of(in);
    size_t n = reader_u16(&r);
    *used = 0;
    *out = (struct zh_frame){.kind = ZH_FRAME_QUESTION};
    if (reader_failed(&r)) {
        return ERR_OK;
    }
    if (n > ZH_FRAME_MAX - HEAD) {
        return ERR_LIMIT_SIZE;
    }
    if (reader_left(&r) < n) {
        return ERR_OK;
    }
    err_t e = parse(reader_take(&r, n), out);
    if (e != ERR_OK) {
        zh_frame_wipe(out);
        return e;
    }
    *used = HEAD + n;
    return ERR_OK;
}

err_t zh_frame_write(const struct zh_frame *f, struct writer *w)
{
    if (f->impi.n >= IMPI_MAX || f->guss.n > ZH_FRAME_GUSS_MAX || f->host.n > ZH_FRAME_HOST_MAX || f->body.n > ZH_FRAME_BODY_MAX) {
        return ERR_LIMIT_SIZE;
    }
    size_t mark = writer_mark16(w);
    writer_u8(w, (uint8_t)f->kind);
    writer_u32(w, f->token);
    kinds[f->kind].write(f, w);
    writer_close16(w, mark);
    return writer_finish(w);
}
