#include "role/bsf/rec_bsf.h"

#include "base/hex.h"

enum { VERSION = 1, KS_VERSION = 2, STATE_VERSION = 2 };

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
    {REC_TIME, REC_AT(struct rec_bsf_state, minute)},
    {REC_U8, REC_AT(struct rec_bsf_state, count), .high = UINT8_MAX},
    {REC_U8, REC_AT(struct rec_bsf_state, strangers), .high = UINT8_MAX, .since = STATE_VERSION},
    {REC_TEXT, REC_AT(struct rec_bsf_state, home), .since = STATE_VERSION},
    {REC_TEXTS, REC_AT(struct rec_bsf_state, open), .high = REC_BSF_OPEN_MAX, .count = offsetof(struct rec_bsf_state, open_n)},
    {REC_TEXTS, REC_AT(struct rec_bsf_state, live), .high = REC_BSF_LIVE_MAX, .count = offsetof(struct rec_bsf_state, live_n)},
};
static const struct rec_layout state_layout = REC_LAYOUT(struct rec_bsf_state, state_fields, VERSION, STATE_VERSION);

err_t rec_bsf_state_parse(struct bytes b, struct rec_bsf_state *out)
{
    TRY(rec_parse(&state_layout, b, out));
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

/* -- a challenge that waits -------------------------------------------------------------------------- */
static const struct rec_field pending_fields[] = {
    {REC_TEXT, REC_AT(struct rec_pending, impi.z)},   {REC_TIME, REC_AT(struct rec_pending, made)},
    {REC_TEXT, REC_AT(struct rec_pending, autn)},     {REC_VIEW16, REC_AT(struct rec_pending, res)},
    {REC_VIEW16, REC_AT(struct rec_pending, ck)},     {REC_VIEW16, REC_AT(struct rec_pending, ik)},
};
static const struct rec_layout pending_layout = REC_LAYOUT(struct rec_pending, pending_fields, VERSION, VERSION);

err_t rec_bsf_pending_parse(struct bytes b, struct rec_pending *out)
{
    uint8_t autn[AKA_AUTN_LEN];
    struct writer w = WRITER_ARRAY(autn);
    TRY(rec_parse(&pending_layout, b, out));
    return hex_parse(text_of(out->autn), &w) == ERR_OK && w.n == AKA_AUTN_LEN ? ERR_OK : ERR_MALFORMED_RECORD;
}

err_t rec_bsf_pending_get(struct txn *t, struct text rand, struct rec_pending *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_BSF_PENDING, rand, &b));
    return rec_bsf_pending_parse(b, out);
}

err_t rec_bsf_pending_put(struct txn *t, const struct sealer *s, struct text rand, struct rec_pending *p,
                      const struct aka_vector *v)
{
    uint8_t sealed[3 * (SEAL_MAX + 2)];
    uint8_t buf[REC_MAX];
    struct writer room = WRITER_ARRAY(sealed);
    struct writer w = WRITER_ARRAY(buf);
    struct writer autn = WRITER_ARRAY(p->autn);
    const struct rec_bsf_part part = {s, TABLE_BSF_PENDING, rand};
    hex_write_lower(&autn, BYTES_ARRAY(v->autn.b));
    TRY(writer_finish_z(&autn));
    TRY(rec_bsf_seal(&part, "res", &v->xres.s, &room, &p->res));
    TRY(rec_bsf_seal(&part, "ck", &v->ck.s, &room, &p->ck));
    TRY(rec_bsf_seal(&part, "ik", &v->ik.s, &room, &p->ik));
    TRY(rec_write(&pending_layout, VERSION, p, NULL, &w));
    p->res = p->ck = p->ik = bytes_empty(); /* their room ends here */
    return rec_put(t, TABLE_BSF_PENDING, rand, &w, STORE_PUT_IF_ABSENT);
}

err_t rec_bsf_pending_open(const struct rec_pending *p, const struct sealer *s, struct text rand, struct ub_expected *out)
{
    const struct rec_bsf_part part = {s, TABLE_BSF_PENDING, rand};
    struct writer w = WRITER_ARRAY(out->autn.b);
    TRY(hex_parse(text_of(p->autn), &w));
    TRY(rec_bsf_unseal(&part, "res", p->res, &out->res.s));
    TRY(rec_bsf_unseal(&part, "ck", p->ck, &out->ck.s));
    return rec_bsf_unseal(&part, "ik", p->ik, &out->ik.s);
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

err_t rec_bsf_ks_drop(struct txn *t, const char *rand, struct text bsf)
{
    struct b_tid id;
    struct rec_ks k;
    struct writer w = WRITER_ARRAY(id.z);
    writer_z(&w, rand);
    writer_z(&w, "@");
    writer_text(&w, bsf);
    TRY(writer_finish_z(&w));
    err_t e = rec_bsf_ks_get(t, text_of(id.z), &k);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(txn_del(t, TABLE_BSF_TMPI, text_of(k.tmpi)));
    return txn_del(t, TABLE_BSF_KS, text_of(id.z));
}

err_t rec_bsf_ks_key(const struct rec_ks *k, const struct sealer *s, struct key_ks *out)
{
    return seal_open(s, TABLE_BSF_KS, text_of(k->b_tid.z), k->sealed, &out->s);
}
