#include "proto/esprim_state.h"

#include "base/reader.h"

#include <string.h>

enum { VERSION = 1, ORIGINATOR = 'o', RECEIVER = 'r', OFFERS = 'f', SESSION = 's' };

static void rand_write(const struct esprim_rand *r, struct writer *w)
{
    writer_text16(w, r->id);
    writer_text16(w, r->value);
    writer_u64(w, (uint64_t)r->expiry);
    writer_u8(w, r->single);
    writer_u8(w, r->keygen_n);
    writer_bytes(w, bytes_of(r->keygen, r->keygen_n));
    writer_u8(w, r->algs_n);
    writer_bytes(w, bytes_of(r->algs, r->algs_n));
}

static void list_read(struct reader *in, uint8_t list[ESPRIM_LIST_MAX], uint8_t *n)
{
    *n = reader_u8(in);
    if (*n > ESPRIM_LIST_MAX) {
        in->failed = true;
        *n = 0;
    }
    reader_copy(in, list, *n);
}

static void rand_read(struct reader *in, struct esprim_rand *r)
{
    *r = (struct esprim_rand){0};
    reader_text16(in, r->id, sizeof(r->id));
    reader_text16(in, r->value, sizeof(r->value));
    r->expiry = (usec_t)(reader_u64(in) & INT64_MAX);
    r->single = reader_u8(in) == 1;
    list_read(in, r->keygen, &r->keygen_n);
    list_read(in, r->algs, &r->algs_n);
}

static err_t finish(const struct reader *in)
{
    return reader_finish(in) == ERR_OK ? ERR_OK : ERR_MALFORMED_RECORD;
}

void esprim_state_originator_write(const struct esprim_originator *o, struct writer *out)
{
    writer_u8(out, VERSION);
    writer_u8(out, ORIGINATOR);
    for (size_t i = 0; i < 2; i++) {
        rand_write(&o->own[i], out);
        rand_write(&o->receiver[i], out);
    }
    writer_u32(out, o->sent);
    writer_u8(out, o->confirmed);
    writer_u8(out, o->retried);
}

err_t esprim_state_originator_parse(struct bytes b, struct esprim_originator *o)
{
    struct reader in = reader_of(b);
    in.failed |= reader_u8(&in) != VERSION || reader_u8(&in) != ORIGINATOR;
    for (size_t i = 0; i < 2; i++) {
        rand_read(&in, &o->own[i]);
        rand_read(&in, &o->receiver[i]);
        in.failed |= o->own[i].id[0] != '\0' && o->own[i].algs_n == 0;
    }
    o->sent = reader_u32(&in);
    o->confirmed = reader_u8(&in) == 1;
    o->retried = reader_u8(&in) == 1;
    return finish(&in);
}

static void session_write(const struct esprim_session *s, struct writer *out)
{
    writer_text16(out, s->kid);
    rand_write(&s->originator, out);
    writer_u64(out, (uint64_t)s->forget_at);
    writer_u16(out, s->seen_n);
    for (size_t i = 0; i < s->seen_n; i++) {
        writer_u64(out, s->seen[i]);
    }
}

void esprim_state_session_write(const struct esprim_session *s, struct writer *out)
{
    writer_u8(out, VERSION);
    writer_u8(out, SESSION);
    session_write(s, out);
}

static void offers_write(const struct esprim_offer offers[ESPRIM_OFFERS_MAX], struct writer *out)
{
    for (size_t i = 0; i < ESPRIM_OFFERS_MAX; i++) {
        rand_write(&offers[i].r, out);
        writer_u8(out, offers[i].shared);
        writer_text16(out, offers[i].kid);
    }
}

void esprim_state_offers_write(const struct esprim_offer offers[ESPRIM_OFFERS_MAX], struct writer *out)
{
    writer_u8(out, VERSION);
    writer_u8(out, OFFERS);
    offers_write(offers, out);
}

void esprim_state_receiver_write(const struct esprim_receiver *r, const struct esprim_exchange *x, struct writer *out)
{
    writer_u8(out, VERSION);
    writer_u8(out, RECEIVER);
    offers_write(r->offers, out);
    writer_u16(out, (uint16_t)r->sessions_n);
    for (size_t i = 0; i < r->sessions_n; i++) {
        session_write(&r->sessions[i], out);
    }
    writer_text16(out, x->h.kid);
    writer_text16(out, x->h.ori);
    writer_text16(out, x->h.rri);
    writer_u8(out, (uint8_t)x->h.alg);
    writer_u8(out, (uint8_t)x->offer);
    writer_text16(out, x->inner.from);
    writer_text16(out, x->inner.rqi);
}

static void session_read(struct reader *in, struct esprim_session *s)
{
    reader_text16(in, s->kid, sizeof(s->kid));
    rand_read(in, &s->originator);
    s->forget_at = (usec_t)(reader_u64(in) & INT64_MAX);
    s->seen_n = reader_u16(in);
    if (s->seen_n > ESPRIM_SESSION_REQUESTS) {
        in->failed = true;
        s->seen_n = 0;
    }
    for (size_t i = 0; i < s->seen_n; i++) {
        s->seen[i] = reader_u64(in);
    }
}

static void exchange_read(struct reader *in, struct esprim_exchange *x)
{
    *x = (struct esprim_exchange){0};
    reader_text16(in, x->h.kid, sizeof(x->h.kid));
    reader_text16(in, x->h.ori, sizeof(x->h.ori));
    reader_text16(in, x->h.rri, sizeof(x->h.rri));
    x->h.alg = reader_u8(in);
    x->offer = reader_u8(in);
    reader_text16(in, x->inner.from, sizeof(x->inner.from));
    reader_text16(in, x->inner.rqi, sizeof(x->inner.rqi));
    in->failed |= x->offer >= ESPRIM_OFFERS_MAX;
}

static void offers_read(struct reader *in, struct esprim_offer offers[ESPRIM_OFFERS_MAX])
{
    for (size_t i = 0; i < ESPRIM_OFFERS_MAX; i++) {
        rand_read(in, &offers[i].r);
        offers[i].shared = reader_u8(in) == 1;
        reader_text16(in, offers[i].kid, sizeof(offers[i].kid));
    }
}

err_t esprim_state_offers_parse(struct bytes b, struct esprim_offer offers[ESPRIM_OFFERS_MAX])
{
    struct reader in = reader_of(b);
    in.failed |= reader_u8(&in) != VERSION || reader_u8(&in) != OFFERS;
    offers_read(&in, offers);
    return finish(&in);
}

err_t esprim_state_session_parse(struct bytes b, struct esprim_session *s)
{
    struct reader in = reader_of(b);
    in.failed |= reader_u8(&in) != VERSION || reader_u8(&in) != SESSION;
    session_read(&in, s);
    return finish(&in);
}

err_t esprim_state_receiver_parse(struct bytes b, struct esprim_receiver *r, struct esprim_exchange *x)
{
    struct reader in = reader_of(b);
    in.failed |= reader_u8(&in) != VERSION || reader_u8(&in) != RECEIVER;
    offers_read(&in, r->offers);
    in.failed |= reader_u16(&in) != r->sessions_n;
    for (size_t i = 0; i < r->sessions_n && !in.failed; i++) {
        session_read(&in, &r->sessions[i]);
    }
    exchange_read(&in, x);
    return finish(&in);
}
