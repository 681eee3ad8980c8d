#include "aka/aka_apdu.h"

#include "base/reader.h"

#include <string.h>

enum { CLA = 0x00, SELECT = 0xA4, READ = 0xB0, GET_RESPONSE = 0xC0, AUTHENTICATE = 0x88 };
enum { CONTEXT_3G = 0x81, CONTEXT_GBA = 0x84, TAG_BOOTSTRAP = 0xDD, TAG_DERIVE = 0xDE, TAG_GOOD = 0xDB, TAG_SYNC = 0xDC };
enum { GBA_SERVICE = 68, DATA_MAX = 255 };

/* -- commands ------------------------------------------------------------------------------------------- */
static void head(struct writer *w, uint8_t ins, uint8_t p1, uint8_t p2)
{
    const uint8_t b[] = {CLA, ins, p1, p2};
    writer_bytes(w, BYTES_ARRAY(b));
}

/* Length, data, and Le 00: as much as there is. */
static err_t with_data(struct writer *w, struct bytes data)
{
    if (data.n > DATA_MAX) {
        return ERR_LIMIT_SIZE;
    }
    writer_u8(w, (uint8_t)data.n);
    writer_bytes(w, data);
    writer_u8(w, 0);
    return writer_finish(w);
}

err_t aka_apdu_select_usim(struct writer *w)
{
    static const uint8_t aid[] = {0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02};
    head(w, SELECT, 0x04, 0x04);
    return with_data(w, BYTES_ARRAY(aid));
}

err_t aka_apdu_select(struct writer *w, enum aka_apdu_file file)
{
    const uint8_t id[] = {(uint8_t)((unsigned)file >> 8), (uint8_t)((unsigned)file & 0xFF)};
    head(w, SELECT, 0x00, 0x04);
    return with_data(w, BYTES_ARRAY(id));
}

static err_t without_data(struct writer *w, uint8_t ins, uint8_t n)
{
    head(w, ins, 0, 0);
    writer_u8(w, n);
    return writer_finish(w);
}

err_t aka_apdu_read(struct writer *w, uint8_t n)
{
    return without_data(w, READ, n);
}

err_t aka_apdu_get_response(struct writer *w, uint8_t n)
{
    return without_data(w, GET_RESPONSE, n);
}

static void block8(struct writer *w, struct bytes b)
{
    writer_u8(w, (uint8_t)b.n);
    writer_bytes(w, b);
}

err_t aka_apdu_authenticate(struct writer *w, const struct aka_rand *rand, const struct aka_autn *autn)
{
    uint8_t data[DATA_MAX];
    struct writer d = WRITER_ARRAY(data);
    block8(&d, BYTES_ARRAY(rand->b));
    block8(&d, BYTES_ARRAY(autn->b));
    head(w, AUTHENTICATE, 0, CONTEXT_3G);
    return with_data(w, writer_view(&d));
}

err_t aka_apdu_bootstrap(struct writer *w, const struct aka_rand *rand, const struct aka_autn *autn_star)
{
    uint8_t data[DATA_MAX];
    struct writer d = WRITER_ARRAY(data);
    writer_u8(&d, TAG_BOOTSTRAP);
    block8(&d, BYTES_ARRAY(rand->b));
    block8(&d, BYTES_ARRAY(autn_star->b));
    head(w, AUTHENTICATE, 0, CONTEXT_GBA);
    return with_data(w, writer_view(&d));
}

err_t aka_apdu_derive(struct writer *w, const struct naf_id *id, struct text impi)
{
    uint8_t data[DATA_MAX];
    struct writer d = WRITER_ARRAY(data);
    if (naf_id_view(id).n > DATA_MAX || impi.n > DATA_MAX) {
        return ERR_LIMIT_SIZE;
    }
    writer_u8(&d, TAG_DERIVE);
    block8(&d, naf_id_view(id));
    block8(&d, text_bytes(impi));
    TRY(writer_finish(&d));
    head(w, AUTHENTICATE, 0, CONTEXT_GBA);
    return with_data(w, writer_view(&d));
}

/* -- answers -------------------------------------------------------------------------------------------- */
err_t aka_apdu_status(uint16_t sw)
{
    static const struct {
        uint16_t sw;
        err_t e;
    } rows[] = {
        {0x9000, ERR_OK},       {0x9862, ERR_DENIED_AUTN},        {0x9864, ERR_DENIED_GBA_VARIANT},
        {0x6982, ERR_SIM_PIN},  {0x6983, ERR_SIM_PIN_BLOCKED},           {0x6985, ERR_STATE},
        {0x6A88, ERR_STATE},    {0x6A86, ERR_DENIED_GBA_VARIANT}, {0x6D00, ERR_DENIED_GBA_VARIANT},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].sw == sw) {
            return rows[i].e;
        }
    }
    return sw >> 8 == 0x61 ? ERR_OK : ERR_SIM_CARD;
}

static err_t auts(struct reader *r, struct aka_answer *out)
{
    struct bytes b = reader_block8(r);
    if (reader_finish(r) != ERR_OK || b.n != AKA_AUTS_LEN) {
        return ERR_SIM_CARD;
    }
    memcpy(out->auts.b, b.p, AKA_AUTS_LEN);
    return ERR_SQN_RANGE;
}

static err_t part(struct reader *r, size_t low, size_t high, struct secret *out)
{
    struct bytes b = reader_block8(r);
    return reader_failed(r) || b.n < low || b.n > high || secret_set(out, b) != ERR_OK ? ERR_SIM_CARD : ERR_OK;
}

/* Kc of 2G may follow; it is nobody's business here. */
static err_t good(struct reader *r, bool gba, struct aka_answer *out)
{
    TRY(part(r, 4, 16, &out->res.s));
    if (gba) {
        return reader_finish(r) == ERR_OK ? ERR_OK : ERR_SIM_CARD;
    }
    TRY(part(r, 16, 16, &out->ck.s));
    TRY(part(r, 16, 16, &out->ik.s));
    if (reader_left(r) > 0) {
        (void)reader_block8(r);
    }
    return reader_finish(r) == ERR_OK ? ERR_OK : ERR_SIM_CARD;
}

err_t aka_apdu_answer(struct bytes b, bool gba, struct aka_answer *out)
{
    struct reader r = reader_of(b);
    aka_card_answer_wipe(out);
    uint8_t tag = reader_u8(&r);
    err_t e = tag == TAG_SYNC ? auts(&r, out) : tag == TAG_GOOD ? good(&r, gba, out) : ERR_SIM_CARD;
    if (e != ERR_OK && e != ERR_SQN_RANGE) {
        aka_card_answer_wipe(out);
    }
    return e;
}

err_t aka_apdu_derived(struct bytes b, struct key_ks_ext_naf *out)
{
    struct reader r = reader_of(b);
    secret_wipe(&out->s);
    if (reader_u8(&r) != TAG_GOOD || part(&r, KEYS_DERIVED_LEN, KEYS_DERIVED_LEN, &out->s) != ERR_OK) {
        return ERR_SIM_CARD;
    }
    if (reader_finish(&r) != ERR_OK) { /* a key with something behind it is none */
        secret_wipe(&out->s);
        return ERR_SIM_CARD;
    }
    return ERR_OK;
}

/* Length, then digits in nibbles, the first of which is parity [TS 31.102 4.2.2]; the MNC's length is the fourth octet of EF_AD. */
err_t aka_apdu_impi(struct bytes imsi, struct bytes ad, struct impi *out)
{
    char digits[2 * 8];
    size_t n = 0;
    struct reader r = reader_of(imsi);
    struct bytes b = reader_block8(&r);
    if (reader_failed(&r) || b.n == 0 || b.n > 8 || ad.n < 4) {
        return ERR_SIM_CARD;
    }
    for (size_t i = 1; i < 2 * b.n; i++) {
        uint8_t nibble = i % 2 == 0 ? b.p[i / 2] & 0x0F : b.p[i / 2] >> 4;
        if (nibble == 0x0F && i + 1 == 2 * b.n) {
            break;
        }
        if (nibble > 9) {
            return ERR_SIM_CARD;
        }
        digits[n++] = (char)('0' + nibble);
    }
    size_t mnc = ad.p[3] & 0x0F;
    return impi_of_imsi(text_span(digits, n), mnc, out) == ERR_OK ? ERR_OK : ERR_SIM_CARD;
}

bool aka_apdu_has_gba(struct bytes ust)
{
    const size_t at = (GBA_SERVICE - 1) / 8;
    return ust.n > at && (ust.p[at] & (1U << ((GBA_SERVICE - 1) % 8))) != 0;
}
