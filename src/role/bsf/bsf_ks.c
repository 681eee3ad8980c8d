/*
 * Where Ks is found: in the state of its IMPI. RAND, and so the B-TID, tells whose it is: one of our own challenges by the number in it
 * (keys_rand.c), one of an HLR or HSS by an index. So a bootstrapping of a SIM of our own writes one record.
 */
#include "base/hex.h"
#include "role/bsf/bsf_ctx.h"

#include <string.h>

enum { NUMBER_TEXT = 2 * 5 + 1, DRAWS = 8 };

static err_t number_text(uint64_t number, char out[static NUMBER_TEXT])
{
    uint8_t b[5];
    struct writer w = writer_of(out, NUMBER_TEXT);
    for (size_t i = 0; i < sizeof(b); i++) {
        b[i] = (uint8_t)(number >> (8 * i));
    }
    hex_write_lower(&w, BYTES_ARRAY(b));
    return writer_finish_z(&w);
}

err_t bsf_ks_whose(struct txn *t, enum store_table table, struct text id, struct impi *out)
{
    struct bytes b;
    TRY(rec_get(t, table, id, &b));
    TRY(rec_name_parse(b, out->z, sizeof(out->z)));
    return impi_is(text_of(out->z)) ? ERR_OK : ERR_MALFORMED_RECORD;
}

static err_t by_number(const struct bsf *b, struct txn *t, const struct aka_rand *rand, struct impi *out)
{
    char z[NUMBER_TEXT];
    uint64_t number = 0;
    TRY(keys_rand_number(b->env.crypto, &b->rand_key, rand, &number));
    TRY(number_text(number, z));
    return bsf_ks_whose(t, TABLE_BSF_NUMBER, text_of(z), out);
}

static err_t find_in(struct txn *t, const struct impi *impi, const struct b_tid_parts *p, struct rec_ks *out)
{
    struct rec_bsf_state s;
    TRY(rec_bsf_state_get(t, text_of(impi->z), &s));
    for (size_t i = 0; i < s.live_n; i++) {
        TRY(rec_bsf_ks_parse(s.live[i], text_of(impi->z), out));
        struct text id = text_of(out->b_tid.z);
        if (memcmp(out->rand.b, p->rand.b, sizeof(p->rand.b)) == 0 && text_eq_nocase(text_skip(id, text_find(id, '@') + 1), p->fqdn)) {
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

err_t bsf_ks_get(const struct bsf *b, struct txn *t, struct text b_tid, struct rec_ks *out)
{
    struct b_tid_parts parts;
    struct impi impi;
    if (b_tid_parse(b_tid, &parts) != ERR_OK) {
        return ERR_NOT_FOUND;
    }
    err_t e = by_number(b, t, &parts.rand, &impi);
    e = e == ERR_OK ? find_in(t, &impi, &parts, out) : e;
    if (e != ERR_NOT_FOUND) {
        return e;
    }
    TRY(bsf_ks_whose(t, TABLE_BSF_RAND_OF, text_take(b_tid, text_find(b_tid, '@')), &impi));
    return find_in(t, &impi, &parts, out);
}

err_t bsf_ks_drop(struct txn *t, struct text impi, struct rec_bsf_state *s, size_t i)
{
    struct rec_ks k;
    TRY(rec_bsf_ks_parse(s->live[i], impi, &k));
    if (k.elsewhere != 0) {
        TRY(txn_del(t, TABLE_BSF_RAND_OF, text_take(text_of(k.b_tid.z), text_find(text_of(k.b_tid.z), '@'))));
    }
    s->live_n--;
    memmove(&s->live[i], &s->live[i + 1], (s->live_n - i) * sizeof(s->live[0]));
    return ERR_OK;
}

static err_t draw(const struct bsf *b, struct txn *t, uint64_t *out, char z[static NUMBER_TEXT])
{
    struct impi whose;
    err_t e = ERR_OK;
    for (int i = 0; i < DRAWS && e == ERR_OK; i++) { /* ERR_OK: it is somebody else's */
        uint64_t drawn = 0;
        TRY(b->env.crypto->random((uint8_t *)&drawn, sizeof(drawn)));
        *out = drawn & KEYS_RAND_NUMBER_MAX;
        TRY(number_text(*out, z));
        e = *out == 0 ? ERR_OK : bsf_ks_whose(t, TABLE_BSF_NUMBER, text_of(z), &whose);
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e == ERR_OK ? ERR_LIMIT_CAPACITY : e;
}

err_t bsf_ks_number(const struct bsf *b, struct txn *t, struct text impi, struct rec_bsf_state *s)
{
    char z[NUMBER_TEXT];
    uint8_t buf[IMPI_MAX + 16];
    struct impi name;
    struct writer w = WRITER_ARRAY(buf);
    TRY(TEXT_COPY(impi, name.z));
    TRY(draw(b, t, &s->number, z));
    TRY(rec_name_write(name.z, &w));
    return rec_put(t, TABLE_BSF_NUMBER, text_of(z), &w, STORE_PUT_IF_ABSENT);
}
