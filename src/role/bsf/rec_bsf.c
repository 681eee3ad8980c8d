#include "role/bsf/rec_bsf.h"

#include <string.h>

enum { VERSION = 1, STATE_BEFORE = 2, STATE_VERSION = 5 };

/* -- sealing ------------------------------------------------------------------------------------------ */
/* Another name of a secret is another id: none can take the place of another. */
static err_t part_id(const struct rec_bsf_part *p, const char *name, struct writer *w)
{
    writer_text(w, p->id);
    writer_u8(w, '/');
    writer_z(w, name);
    return writer_finish(w);
}

err_t rec_bsf_seal(const struct rec_bsf_part *p, const char *name, const struct secret *in, struct writer *room,
                   struct bytes *out)
{
    char id[IMPI_MAX + 16];
    struct writer w = WRITER_ARRAY(id);
    TRY(part_id(p, name, &w));
    size_t at = room->n + 2; /* behind its length */
    TRY(seal_write(p->sealer, p->table, writer_view_text(&w), in, room));
    TRY(writer_finish(room));
    *out = bytes_of(room->buf + at, room->n - at);
    return ERR_OK;
}

err_t rec_bsf_unseal(const struct rec_bsf_part *p, const char *name, struct bytes sealed, struct secret *out)
{
    char id[IMPI_MAX + 16];
    struct writer w = WRITER_ARRAY(id);
    TRY(part_id(p, name, &w));
    return seal_open(p->sealer, p->table, writer_view_text(&w), sealed, out);
}

/* -- the state of an IMPI ---------------------------------------------------------------------------- */
/* As it was when challenges, and the names of Ks, stood in it: they are forgotten, and devices run Ub again. */
struct state_before {
    struct rec_bsf_state state;
    usec_t minute;
    uint8_t count, strangers;
    char open[REC_BSF_OPEN_MAX][REC_BSF_RAND_MAX];
    size_t open_n;
    char live[REC_BSF_LIVE_MAX][REC_BSF_RAND_MAX];
    size_t live_n;
};
static const struct rec_field before_fields[] = {
    {REC_TIME, REC_AT(struct state_before, state.seq)},
    {REC_TIME, REC_AT(struct state_before, minute)},
    {REC_U8, REC_AT(struct state_before, count), .high = UINT8_MAX},
    {REC_U8, REC_AT(struct state_before, strangers), .high = UINT8_MAX, .since = STATE_BEFORE},
    {REC_TEXT, REC_AT(struct state_before, state.home), .since = STATE_BEFORE},
    {REC_TEXTS, REC_AT(struct state_before, open), .high = REC_BSF_OPEN_MAX, .count = offsetof(struct state_before, open_n)},
    {REC_TEXTS, REC_AT(struct state_before, live), .high = REC_BSF_LIVE_MAX, .count = offsetof(struct state_before, live_n)},
};
static const struct rec_layout before_layout = REC_LAYOUT(struct state_before, before_fields, VERSION, STATE_BEFORE);

static err_t parse_before(struct bytes b, struct rec_bsf_state *out)
{
    struct state_before before;
    TRY(rec_parse(&before_layout, b, &before));
    *out = before.state;
    return ERR_OK;
}

static err_t parse_state(struct bytes b, struct rec_bsf_state *out)
{
    struct reader r = reader_of(b);
    *out = (struct rec_bsf_state){.seq = 0};
    rec_version(&r, STATE_VERSION);
    out->seq = rec_time(&r);
    out->number = reader_u64(&r);
    out->minute = rec_time(&r);
    out->blocks = reader_u8(&r);
    reader_text16(&r, out->home, sizeof(out->home));
    out->live_n = rec_u8(&r, 0, REC_BSF_LIVE_MAX);
    for (size_t i = 0; i < out->live_n; i++) {
        out->live[i] = reader_block16(&r);
    }
    return out->number <= KEYS_RAND_NUMBER_MAX ? rec_finish(&r) : ERR_MALFORMED_RECORD;
}

err_t rec_bsf_state_parse(struct bytes b, struct rec_bsf_state *out)
{
    TRY((b.n > 0 && b.p[0] <= STATE_BEFORE ? parse_before : parse_state)(b, out));
    return out->seq <= (int64_t)AKA_SEQ_MAX ? ERR_OK : ERR_MALFORMED_RECORD;
}

err_t rec_bsf_state_get(struct txn *t, struct text impi, struct rec_bsf_state *out)
{
    struct bytes b;
    *out = (struct rec_bsf_state){.seq = 0};
    err_t e = rec_get(t, TABLE_BSF_STATE, impi, &b);
    return e == ERR_NOT_FOUND ? ERR_OK : e == ERR_OK ? rec_bsf_state_parse(b, out) : e;
}

err_t rec_bsf_state_put(struct txn *t, struct text impi, const struct rec_bsf_state *s)
{
    uint8_t buf[64 + REC_BSF_LIVE_MAX * (2 + REC_BSF_KS_MAX)];
    struct writer w = WRITER_ARRAY(buf);
    writer_u8(&w, STATE_VERSION);
    writer_u64(&w, (uint64_t)s->seq);
    writer_u64(&w, s->number);
    writer_u64(&w, (uint64_t)s->minute);
    writer_u8(&w, s->blocks);
    writer_text16(&w, s->home);
    writer_u8(&w, (uint8_t)s->live_n);
    for (size_t i = 0; i < s->live_n; i++) {
        writer_block16(&w, s->live[i]);
    }
    TRY(writer_finish(&w));
    return rec_put(t, TABLE_BSF_STATE, impi, &w, STORE_PUT_ANY);
}

/* -- what is open at an IMPI --------------------------------------------------------------------------- */
static void take_challenge(struct reader *r, struct rec_bsf_challenge *c)
{
    c->made = rec_time(r);
    reader_copy(r, c->rand, sizeof(c->rand));
    reader_copy(r, c->autn, sizeof(c->autn));
    reader_text16(r, c->from, sizeof(c->from));
    c->sealed = reader_block16(r);
}

err_t rec_bsf_open_parse(struct bytes b, struct rec_bsf_open *out)
{
    struct reader r = reader_of(b);
    *out = (struct rec_bsf_open){.n = 0};
    rec_version(&r, VERSION);
    out->minute = rec_time(&r);
    out->count = reader_u8(&r);
    out->strangers = reader_u8(&r);
    out->seq = rec_time(&r);
    out->reserved = rec_time(&r);
    out->n = rec_u8(&r, 0, REC_BSF_OPEN_MAX);
    for (size_t i = 0; i < out->n; i++) {
        take_challenge(&r, &out->at[i]);
    }
    TRY(rec_finish(&r));
    return out->seq <= out->reserved && out->reserved <= (int64_t)AKA_SEQ_MAX ? ERR_OK : ERR_MALFORMED_RECORD;
}

err_t rec_bsf_open_get(struct txn *t, struct text impi, struct rec_bsf_open *out)
{
    struct bytes b;
    *out = (struct rec_bsf_open){.n = 0};
    err_t e = rec_get(t, TABLE_BSF_OPEN, impi, &b);
    return e == ERR_NOT_FOUND ? ERR_OK : e == ERR_OK ? rec_bsf_open_parse(b, out) : e;
}

err_t rec_bsf_open_put(struct txn *t, struct text impi, const struct rec_bsf_open *o)
{
    uint8_t buf[64 + REC_BSF_OPEN_MAX * (sizeof(struct rec_bsf_challenge) + SEAL_MAX)];
    struct writer w = WRITER_ARRAY(buf);
    writer_u8(&w, VERSION);
    writer_u64(&w, (uint64_t)o->minute);
    writer_u8(&w, o->count);
    writer_u8(&w, o->strangers);
    writer_u64(&w, (uint64_t)o->seq);
    writer_u64(&w, (uint64_t)o->reserved);
    writer_u8(&w, (uint8_t)o->n);
    for (size_t i = 0; i < o->n; i++) {
        writer_u64(&w, (uint64_t)o->at[i].made);
        writer_bytes(&w, BYTES_ARRAY(o->at[i].rand));
        writer_bytes(&w, BYTES_ARRAY(o->at[i].autn));
        writer_text16(&w, o->at[i].from);
        writer_block16(&w, o->at[i].sealed);
    }
    TRY(writer_finish(&w));
    return rec_put(t, TABLE_BSF_OPEN, impi, &w, STORE_PUT_ANY);
}

static void answer_wipe(struct key_answer *a)
{
    secret_wipe(&a->s);
}

err_t rec_bsf_challenge_seal(const struct sealer *s, struct text impi, const struct aka_vector *v, struct writer *room,
                         struct rec_bsf_challenge *out)
{
    SCOPED(answer_wipe) struct key_answer all = {0};
    TRY(keys_answer_join(&v->xres, &v->ck, &v->ik, &all));
    size_t at = room->n + 2; /* behind its length */
    TRY(seal_write(s, TABLE_BSF_OPEN, impi, &all.s, room));
    memcpy(out->rand, v->rand.b, sizeof(out->rand));
    memcpy(out->autn, v->autn.b, sizeof(out->autn));
    out->sealed = bytes_of(room->buf + at, room->n - at);
    return ERR_OK;
}

err_t rec_bsf_challenge_open(const struct rec_bsf_challenge *c, const struct sealer *s, struct text impi, struct ub_expected *out)
{
    SCOPED(answer_wipe) struct key_answer all = {0};
    memcpy(out->autn.b, c->autn, sizeof(out->autn.b));
    TRY(seal_open(s, TABLE_BSF_OPEN, impi, c->sealed, &all.s));
    return keys_answer_split(&all, &out->res, &out->ck, &out->ik);
}

/* -- Ks ---------------------------------------------------------------------------------------------- */
err_t rec_bsf_ks_parse(struct bytes b, struct text impi, struct rec_ks *out)
{
    char bsf[GBA_FQDN_MAX + 1];
    struct reader r = reader_of(b);
    *out = (struct rec_ks){.gba_u = 0};
    rec_version(&r, VERSION);
    reader_copy(&r, out->rand.b, sizeof(out->rand.b));
    reader_text16(&r, bsf, sizeof(bsf));
    out->gba_u = rec_bool(&r);
    out->elsewhere = rec_bool(&r);
    out->made = rec_time(&r);
    out->not_after = rec_time(&r);
    reader_text16(&r, out->tmpi, sizeof(out->tmpi));
    reader_text16(&r, out->enrolee_id.z, sizeof(out->enrolee_id.z));
    out->sealed = reader_block16(&r);
    TRY(rec_finish(&r));
    TRY(TEXT_COPY(impi, out->impi.z));
    return b_tid_of(&out->rand, text_of(bsf), &out->b_tid);
}

err_t rec_bsf_ks_write(const struct sealer *s, const struct rec_ks *k, const struct key_ks *ks, struct writer *w)
{
    const struct text b_tid = text_of(k->b_tid.z);
    writer_u8(w, VERSION);
    writer_bytes(w, BYTES_ARRAY(k->rand.b));
    writer_block16(w, text_bytes(text_skip(b_tid, text_find(b_tid, '@') + 1)));
    writer_u8(w, k->gba_u);
    writer_u8(w, k->elsewhere);
    writer_u64(w, (uint64_t)k->made);
    writer_u64(w, (uint64_t)k->not_after);
    writer_text16(w, k->tmpi);
    writer_text16(w, k->enrolee_id.z);
    return seal_write(s, TABLE_BSF_STATE, text_of(k->b_tid.z), &ks->s, w);
}

err_t rec_bsf_ks_key(const struct rec_ks *k, const struct sealer *s, struct key_ks *out)
{
    return seal_open(s, TABLE_BSF_STATE, text_of(k->b_tid.z), k->sealed, &out->s);
}
