#include "role/bsf/rec_bsf.h"

#include <string.h>

enum { VERSION = 1, KS_VERSION = 2, STATE_BEFORE = 2, STATE_FIRST = 3, STATE_VERSION = 4 };

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
static const struct rec_field state_fields[] = {
    {REC_TIME, REC_AT(struct rec_bsf_state, seq)},
    {REC_TEXT, REC_AT(struct rec_bsf_state, home)},
    {REC_TEXTS, REC_AT(struct rec_bsf_state, live), .high = REC_BSF_LIVE_MAX, .count = offsetof(struct rec_bsf_state, live_n)},
    {REC_TIME, REC_AT(struct rec_bsf_state, minute), .since = STATE_VERSION},
    {REC_U8, REC_AT(struct rec_bsf_state, blocks), .high = UINT8_MAX, .since = STATE_VERSION},
};
static const struct rec_layout state_layout = REC_LAYOUT(struct rec_bsf_state, state_fields, STATE_FIRST, STATE_VERSION);

/* As it was when the challenges stood in it too: they are forgotten. */
struct state_before {
    struct rec_bsf_state state;
    usec_t minute;
    uint8_t count, strangers;
    char open[REC_BSF_OPEN_MAX][REC_BSF_RAND_MAX];
    size_t open_n;
};
static const struct rec_field before_fields[] = {
    {REC_TIME, REC_AT(struct state_before, state.seq)},
    {REC_TIME, REC_AT(struct state_before, minute)},
    {REC_U8, REC_AT(struct state_before, count), .high = UINT8_MAX},
    {REC_U8, REC_AT(struct state_before, strangers), .high = UINT8_MAX, .since = STATE_BEFORE},
    {REC_TEXT, REC_AT(struct state_before, state.home), .since = STATE_BEFORE},
    {REC_TEXTS, REC_AT(struct state_before, open), .high = REC_BSF_OPEN_MAX, .count = offsetof(struct state_before, open_n)},
    {REC_TEXTS, REC_AT(struct state_before, state.live), .high = REC_BSF_LIVE_MAX, .count = offsetof(struct state_before, state.live_n)},
};
static const struct rec_layout before_layout = REC_LAYOUT(struct state_before, before_fields, VERSION, STATE_BEFORE);

err_t rec_bsf_state_parse(struct bytes b, struct rec_bsf_state *out)
{
    if (b.n > 0 && b.p[0] < STATE_FIRST) {
        struct state_before before;
        TRY(rec_parse(&before_layout, b, &before));
        *out = before.state;
    } else {
        TRY(rec_parse(&state_layout, b, out));
    }
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
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_write(&state_layout, STATE_VERSION, s, NULL, &w));
    return rec_put(t, TABLE_BSF_STATE, impi, &w, STORE_PUT_ANY);
}

/* -- what is open at an IMPI --------------------------------------------------------------------------- */
static void take_challenge(struct reader *r, struct rec_bsf_challenge *c)
{
    c->made = rec_time(r);
    reader_copy(r, c->rand, sizeof(c->rand));
    reader_copy(r, c->autn, sizeof(c->autn));
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
static const struct rec_field ks_fields[] = {
    {REC_TEXT, REC_AT(struct rec_ks, b_tid.z)},      {REC_TEXT, REC_AT(struct rec_ks, impi.z)},
    {REC_TEXT, REC_AT(struct rec_ks, enrolee_id.z)}, {REC_U8, REC_AT(struct rec_ks, gba_u), .high = 1},
    {REC_TEXT, REC_AT(struct rec_ks, tmpi)},         {REC_TIME, REC_AT(struct rec_ks, made)},
    {REC_TIME, REC_AT(struct rec_ks, not_after)},    {REC_U8, REC_AT(struct rec_ks, elsewhere), .high = 1, .since = 2},
    {REC_SEALED, REC_AT(struct rec_ks, sealed)},
};
static const struct rec_layout ks_layout = REC_LAYOUT(struct rec_ks, ks_fields, VERSION, KS_VERSION);

err_t rec_bsf_ks_parse(struct bytes b, struct rec_ks *out)
{
    return rec_parse(&ks_layout, b, out);
}

err_t rec_bsf_ks_get(struct txn *t, struct text b_tid, struct rec_ks *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_BSF_KS, b_tid, &b));
    return rec_bsf_ks_parse(b, out);
}

err_t rec_bsf_ks_put(struct txn *t, const struct sealer *s, const struct rec_ks *k, const struct key_ks *ks)
{
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    const struct rec_seal seal = {.sealer = s, .table = TABLE_BSF_KS, .id = text_of(k->b_tid.z), .key = &ks->s};
    TRY(rec_write(&ks_layout, KS_VERSION, k, &seal, &w));
    return rec_put(t, TABLE_BSF_KS, text_of(k->b_tid.z), &w, STORE_PUT_IF_ABSENT);
}

struct drop {
    struct b_tid id; /* empty: none was found */
    char tmpi[REC_BSF_TMPI_MAX];
};

static bool drop_found(void *arg, struct bytes id, struct store_value value)
{
    struct drop *d = arg;
    struct rec_ks k;
    if (TEXT_COPY(text_span((const char *)id.p, id.n), d->id.z) != ERR_OK) {
        d->id.z[0] = '\0';
    }
    d->tmpi[0] = '\0';
    if (rec_bsf_ks_parse(value.data, &k) == ERR_OK) {
        memcpy(d->tmpi, k.tmpi, sizeof(d->tmpi));
    }
    return false;
}

/* Made before the BSF was given another name: its right half is not known here. */
static err_t find_renamed(struct txn *t, const char *rand, struct drop *d)
{
    char prefix[REC_BSF_RAND_MAX + 1];
    struct writer w = WRITER_ARRAY(prefix);
    writer_z(&w, rand);
    writer_z(&w, "@");
    TRY(writer_finish(&w));
    const struct store_scan q = {.table = TABLE_BSF_KS, .prefix = writer_view(&w), .limit = 1};
    return txn_scan(t, &q, drop_found, d);
}

err_t rec_bsf_ks_drop(struct txn *t, const char *rand, struct text bsf)
{
    struct drop d = {.tmpi = ""};
    struct rec_ks k;
    struct writer w = WRITER_ARRAY(d.id.z);
    writer_z(&w, rand);
    writer_z(&w, "@");
    writer_text(&w, bsf);
    TRY(writer_finish_z(&w));
    err_t e = rec_bsf_ks_get(t, text_of(d.id.z), &k);
    if (e == ERR_OK) {
        memcpy(d.tmpi, k.tmpi, sizeof(d.tmpi));
    } else {
        d.id.z[0] = '\0';
        TRY(e == ERR_NOT_FOUND ? find_renamed(t, rand, &d) : e);
    }
    TRY(d.tmpi[0] != '\0' ? txn_del(t, TABLE_BSF_TMPI, text_of(d.tmpi)) : ERR_OK);
    return d.id.z[0] != '\0' ? txn_del(t, TABLE_BSF_KS, text_of(d.id.z)) : ERR_OK;
}

err_t rec_bsf_ks_key(const struct rec_ks *k, const struct sealer *s, struct key_ks *out)
{
    return seal_open(s, TABLE_BSF_KS, text_of(k->b_tid.z), k->sealed, &out->s);
}
