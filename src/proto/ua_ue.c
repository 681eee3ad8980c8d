#include "proto/ua_ue.h"

#include "base/ct.h"
#include "base/hex.h"

#include <string.h>

#define NC "00000001" /* one request to a challenge */

void ua_ue_wipe(struct ua_ue *u)
{
    ct_wipe(u, sizeof(*u));
}

static void password_wipe(struct key_password *p)
{
    secret_wipe(&p->s);
}

/* -- the challenge ---------------------------------------------------------------------------------------- */
/* Whoever is in the middle has his own name in the realm, or none that is called here [TS 33.222 5.3]. */
static bool is_host(const struct ua_ue *u, struct text realm)
{
    return text_starts(realm, UA_REALM) && text_eq_nocase(text_skip(realm, sizeof(UA_REALM) - 1), u->host);
}

/* With auth-int if it is there: then the answer is proved to its last octet. */
static err_t offer_take(struct ua_ue *u, const struct digest *d)
{
    u->integrity = digest_offers(d, "auth-int");
    bool known = digest_algorithm(d, &u->algorithm) == ERR_OK && (u->algorithm == DIGEST_MD5 || u->algorithm == DIGEST_SHA256);
    return known && (u->integrity || digest_offers(d, "auth")) ? ERR_OK : ERR_DENIED_UA_WEAK;
}

static err_t cnonce_make(struct ua_ue *u)
{
    uint8_t b[UA_UE_CNONCE_LEN];
    struct writer w = WRITER_ARRAY(u->cnonce);
    TRY(u->crypto->random(b, sizeof(b)));
    hex_write_lower(&w, BYTES_ARRAY(b));
    return writer_finish_z(&w);
}

err_t ua_ue_challenged(struct ua_ue *u, struct text challenge)
{
    char room[DIGEST_TEXT_MAX];
    struct writer scratch = WRITER_ARRAY(room);
    struct digest d;
    secret_wipe(&u->ha1.s);
    TRY(challenge.n > 0 ? ERR_OK : ERR_DENIED_UA_WEAK);
    TRY(digest_parse(DIGEST_CHALLENGE, challenge, &scratch, &d));
    TRY(is_host(u, d.v[DIGEST_REALM]) ? ERR_OK : ERR_UA_REALM);
    TRY(offer_take(u, &d));
    TRY(TEXT_COPY(d.v[DIGEST_REALM], u->realm)); /* as it was written: it is hashed */
    TRY(TEXT_COPY(d.v[DIGEST_NONCE], u->nonce));
    TRY(TEXT_COPY(d.v[DIGEST_OPAQUE], u->opaque));
    u->stale = text_eq_nocase(d.v[DIGEST_STALE], text_of("true"));
    return cnonce_make(u);
}

/* -- the request ------------------------------------------------------------------------------------------ */
static enum crypto_hash hash_of(const struct ua_ue *u)
{
    return u->algorithm == DIGEST_SHA256 ? CRYPTO_SHA256 : CRYPTO_MD5;
}

static const char *qop_of(const struct ua_ue *u)
{
    return u->integrity ? "auth-int" : "auth";
}

static struct keys_digest digest_of(const struct ua_ue *u, struct text method, struct bytes body)
{
    return (struct keys_digest){.hash = hash_of(u),
                                .integrity = u->integrity,
                                .nonce = text_of(u->nonce),
                                .nc = text_of(NC),
                                .cnonce = text_of(u->cnonce),
                                .uri = text_of(u->uri),
                                .method = method,
                                .body = body};
}

static err_t ha1_make(struct ua_ue *u, const struct secret *naf_key)
{
    SCOPED(password_wipe) struct key_password password = {.s = {.n = 0}};
    TRY(keys_password_naf(naf_key, &password));
    return keys_digest_ha1(u->crypto, hash_of(u), u->b_tid, text_of(u->realm), &password, &u->ha1);
}

err_t ua_ue_request(struct ua_ue *u, const struct ua_message *m, const struct secret *naf_key, struct writer *authorization)
{
    char response[KEYS_DIGEST_CAP];
    struct digest d = digest_blank();
    TRY(ha1_make(u, naf_key));
    TRY(TEXT_COPY(m->uri, u->uri));
    const struct keys_digest q = digest_of(u, m->method, m->body);
    TRY(keys_digest_response(u->crypto, &q, &u->ha1, response));
    const struct {
        enum digest_param p;
        struct text value;
    } rows[] = {
        {DIGEST_USERNAME, u->b_tid},       {DIGEST_REALM, text_of(u->realm)},         {DIGEST_NONCE, q.nonce},
        {DIGEST_URI, q.uri},               {DIGEST_RESPONSE, text_of(response)},      {DIGEST_CNONCE, q.cnonce},
        {DIGEST_QOP, text_of(qop_of(u))},  {DIGEST_NC, q.nc},
        {DIGEST_ALGORITHM, text_of(digest_algorithm_name(u->algorithm))},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        digest_set(&d, rows[i].p, rows[i].value);
    }
    if (u->opaque[0] != '\0') {
        digest_set(&d, DIGEST_OPAQUE, text_of(u->opaque));
    }
    return digest_write(DIGEST_AUTHORIZATION, &d, authorization);
}

/* -- the answer ------------------------------------------------------------------------------------------- */
err_t ua_ue_answered(const struct ua_ue *u, struct text info, struct bytes body)
{
    char room[DIGEST_TEXT_MAX];
    struct writer scratch = WRITER_ARRAY(room);
    struct digest d;
    if (info.n == 0 || !secret_is_set(&u->ha1.s)) {
        return ERR_DENIED_NAF_PROOF;
    }
    TRY(digest_parse(DIGEST_INFO, info, &scratch, &d));
    bool other = (d.given[DIGEST_CNONCE] && !text_eq_z(d.v[DIGEST_CNONCE], u->cnonce)) ||
                 (d.given[DIGEST_NC] && !text_eq_z(d.v[DIGEST_NC], NC)) ||
                 (d.given[DIGEST_QOP] && !text_eq_z(d.v[DIGEST_QOP], qop_of(u)));
    const struct keys_digest q = digest_of(u, text_empty(), body);
    if (other || !d.given[DIGEST_RSPAUTH]) {
        return ERR_DENIED_NAF_PROOF;
    }
    err_t e = keys_digest_check(u->crypto, &q, &u->ha1, d.v[DIGEST_RSPAUTH]);
    return e == ERR_DENIED_DIGEST ? ERR_DENIED_NAF_PROOF : e;
}
