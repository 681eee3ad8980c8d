#include "proto/ua.h"

#include "base/ct.h"
#include "base/hex.h"
#include "base/reader.h"

#include <string.h>

enum { TIME_LEN = 8, MAC_LEN = 16, NONCE_LEN = TIME_LEN + MAC_LEN };
#define REALM_MAX (sizeof(UA_REALM_UICC) + GBA_FQDN_MAX)

/* -- nonces --------------------------------------------------------------------------------------------- */
/* When, for whom and for which NAF: the rest is a signature. */
static err_t nonce_octets(const struct ua_naf *n, usec_t made, uint8_t out[NONCE_LEN])
{
    uint8_t mac[CRYPTO_HASH_LEN];
    struct writer w = writer_of(out, NONCE_LEN);
    writer_u64(&w, (uint64_t)made);
    const struct bytes parts[] = {bytes_of(out, TIME_LEN), text_bytes(n->session), bytes_of("@", 1), text_bytes(n->fqdn)};
    TRY(crypto_hmac(n->crypto, n->secret, parts, ARRAY_LEN(parts), mac));
    writer_bytes(&w, bytes_of(mac, MAC_LEN));
    return writer_finish(&w);
}

static err_t nonce_write(const struct ua_naf *n, usec_t now, struct writer *w)
{
    uint8_t octets[NONCE_LEN];
    TRY(nonce_octets(n, now, octets));
    base64_write(w, BYTES_ARRAY(octets));
    return writer_finish(w);
}

/* One that is not ours, or of another connection, is like one that is too old: there is a new one for the asking. */
static err_t nonce_check(const struct ua_naf *n, struct text nonce, usec_t now, usec_t *made)
{
    uint8_t given[NONCE_LEN], want[NONCE_LEN];
    struct writer w = WRITER_ARRAY(given);
    if (base64_parse(nonce, &w) != ERR_OK || w.n != NONCE_LEN) {
        return ERR_UA_STALE;
    }
    struct reader r = reader_of(BYTES_ARRAY(given));
    *made = (usec_t)reader_u64(&r);
    TRY(nonce_octets(n, *made, want));
    bool good = ct_eq(BYTES_ARRAY(given), BYTES_ARRAY(want)) && *made >= 0 && *made <= now && now - *made <= UA_NONCE_LIFETIME;
    return good ? ERR_OK : ERR_UA_STALE;
}

/* -- what the UE says ----------------------------------------------------------------------------------- */
/* The name behind the realm is the host that the UE believes to talk to: it must be this one [TS 33.222 5.3]. */
static bool is_realm(struct text realm, const char *prefix, struct text fqdn)
{
    return text_starts(realm, prefix) && text_eq_nocase(text_skip(realm, strlen(prefix)), fqdn);
}

static err_t read_realm(const struct ua_naf *n, struct ua_request *out)
{
    struct text realm = out->d.v[DIGEST_REALM];
    out->of_card = is_realm(realm, UA_REALM_UICC, n->fqdn);
    return out->of_card || is_realm(realm, UA_REALM, n->fqdn) ? ERR_OK : ERR_UA_REALM;
}

/* MD5 is what TS 24.109 has; who says SHA-256 means more, not less. */
static err_t read_algorithm(struct ua_request *out)
{
    enum digest_algorithm a = DIGEST_MD5;
    TRY(digest_algorithm(&out->d, &a));
    out->hash = a == DIGEST_SHA256 ? CRYPTO_SHA256 : CRYPTO_MD5;
    return a == DIGEST_MD5 || a == DIGEST_SHA256 ? ERR_OK : ERR_NOT_IMPLEMENTED;
}

static err_t read_count(struct ua_request *out)
{
    uint8_t octets[4];
    struct writer w = WRITER_ARRAY(octets);
    if (hex_parse(out->d.v[DIGEST_NC], &w) != ERR_OK || w.n != sizeof(octets)) {
        return ERR_MALFORMED_DIGEST;
    }
    struct reader r = reader_of(BYTES_ARRAY(octets));
    out->nc = reader_u32(&r);
    return ERR_OK;
}

err_t ua_read(const struct ua_naf *n, struct text authorization, usec_t now, struct writer *scratch, struct ua_request *out)
{
    memset(out, 0, sizeof(*out));
    TRY(digest_parse(DIGEST_AUTHORIZATION, authorization, scratch, &out->d));
    out->integrity = text_eq_nocase(out->d.v[DIGEST_QOP], text_of("auth-int"));
    if (!out->integrity && !text_eq_nocase(out->d.v[DIGEST_QOP], text_of("auth"))) { /* without it nothing counts the requests */
        return ERR_MALFORMED_DIGEST;
    }
    if (out->d.v[DIGEST_CNONCE].n >= UA_CNONCE_MAX) { /* it is repeated in the answer */
        return ERR_MALFORMED_DIGEST;
    }
    TRY(read_algorithm(out));
    TRY(read_count(out));
    TRY(read_realm(n, out));
    out->b_tid = out->d.v[DIGEST_USERNAME];
    return nonce_check(n, out->d.v[DIGEST_NONCE], now, &out->made);
}

/* -- is it true ----------------------------------------------------------------------------------------- */
static void password_wipe(struct key_password *p)
{
    secret_wipe(&p->s);
}

static void ha1_wipe(struct key_ha1 *h)
{
    secret_wipe(&h->s);
}

static err_t ha1_make(const struct ua_naf *n, const struct ua_request *rq, const struct secret *naf_key, struct key_ha1 *out)
{
    SCOPED(password_wipe) struct key_password password = {.s = {.n = 0}};
    TRY(keys_password_naf(naf_key, &password));
    return keys_digest_ha1(n->crypto, rq->hash, rq->b_tid, rq->d.v[DIGEST_REALM], &password, out);
}

static err_t check_response(const struct ua_naf *n, const struct ua_request *rq, const struct ua_message *m, const struct secret *naf_key)
{
    SCOPED(ha1_wipe) struct key_ha1 ha1 = {.s = {.n = 0}};
    const struct keys_digest digest = {
        .hash = rq->hash, .integrity = rq->integrity, .nonce = rq->d.v[DIGEST_NONCE], .nc = rq->d.v[DIGEST_NC],
        .cnonce = rq->d.v[DIGEST_CNONCE], .uri = rq->d.v[DIGEST_URI], .method = m->method, .body = m->body};
    if (!text_eq(rq->d.v[DIGEST_URI], m->uri)) { /* of another request */
        return ERR_DENIED_DIGEST;
    }
    TRY(ha1_make(n, rq, naf_key, &ha1));
    return keys_digest_check(n->crypto, &digest, &ha1, rq->d.v[DIGEST_RESPONSE]);
}

/* Only what was proved counts: who guesses cannot make the owner's next request a replay. */
err_t ua_check(const struct ua_naf *n, const struct ua_request *rq, const struct ua_message *m, const struct secret *naf_key,
               struct ua_count *last)
{
    TRY(check_response(n, rq, m, naf_key));
    if (rq->nc == 0 || rq->made < last->made || (rq->made == last->made && rq->nc <= last->nc)) {
        return ERR_UA_REPLAYED;
    }
    *last = (struct ua_count){rq->made, rq->nc};
    return ERR_OK;
}

/* -- what the NAF says ---------------------------------------------------------------------------------- */
err_t ua_challenge(const struct ua_naf *n, bool of_card, bool stale, usec_t now, struct writer *w)
{
    char realm[REALM_MAX], nonce[UA_NONCE_MAX];
    struct writer r = WRITER_ARRAY(realm), o = WRITER_ARRAY(nonce);
    struct digest d = digest_blank();
    writer_z(&r, of_card ? UA_REALM_UICC : UA_REALM);
    writer_text(&r, n->fqdn);
    TRY(writer_finish(&r));
    TRY(nonce_write(n, now, &o));
    digest_set(&d, DIGEST_REALM, writer_view_text(&r));
    digest_set(&d, DIGEST_NONCE, writer_view_text(&o));
    digest_set(&d, DIGEST_ALGORITHM, text_of(digest_algorithm_name(DIGEST_MD5)));
    digest_set(&d, DIGEST_QOP, text_of("auth,auth-int"));
    if (stale) {
        digest_set(&d, DIGEST_STALE, text_of("true"));
    }
    return digest_write(DIGEST_CHALLENGE, &d, w);
}

/* -- the answer ----------------------------------------------------------------------------------------- */
void ua_proof_wipe(struct ua_proof *p)
{
    ct_wipe(p, sizeof(*p));
}

err_t ua_proof_make(const struct ua_naf *n, const struct ua_request *rq, const struct secret *naf_key, struct ua_proof *out)
{
    out->hash = rq->hash;
    out->integrity = rq->integrity;
    out->made = rq->made;
    TRY(TEXT_COPY(rq->d.v[DIGEST_NONCE], out->nonce));
    TRY(TEXT_COPY(rq->d.v[DIGEST_NC], out->nc));
    TRY(TEXT_COPY(rq->d.v[DIGEST_CNONCE], out->cnonce));
    TRY(TEXT_COPY(rq->d.v[DIGEST_URI], out->uri));
    return ha1_make(n, rq, naf_key, &out->ha1);
}

err_t ua_answer(const struct ua_naf *n, const struct ua_proof *p, struct bytes body, usec_t now, struct writer *w)
{
    char rspauth[KEYS_DIGEST_CAP], next[UA_NONCE_MAX];
    struct writer o = WRITER_ARRAY(next);
    struct digest d = digest_blank();
    const struct keys_digest k = {.hash = p->hash, .integrity = p->integrity, .nonce = text_of(p->nonce), .nc = text_of(p->nc),
                                  .cnonce = text_of(p->cnonce), .uri = text_of(p->uri), .method = text_empty(), .body = body};
    TRY(keys_digest_response(n->crypto, &k, &p->ha1, rspauth));
    digest_set(&d, DIGEST_RSPAUTH, text_of(rspauth));
    digest_set(&d, DIGEST_QOP, text_of(p->integrity ? "auth-int" : "auth"));
    digest_set(&d, DIGEST_CNONCE, k.cnonce);
    digest_set(&d, DIGEST_NC, k.nc);
    if (now - p->made > UA_NONCE_LIFETIME / 2) {
        TRY(nonce_write(n, now, &o));
        digest_set(&d, DIGEST_NEXTNONCE, writer_view_text(&o));
    }
    return digest_write(DIGEST_INFO, &d, w);
}
