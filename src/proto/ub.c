#include "proto/ub.h"

#include "base/ct.h"

#include <string.h>

void ub_expected_wipe(struct ub_expected *x)
{
    secret_wipe(&x->res.s);
    secret_wipe(&x->ck.s);
    secret_wipe(&x->ik.s);
}

static void password_wipe(struct key_password *p)
{
    secret_wipe(&p->s);
}

/* -- what the UE says -------------------------------------------------------------------------------- */
/* What every message with a nonce must have [TS 24.109 4.3]: the integrity of what it carries, and a first use of the nonce. */
static err_t read_answer(const struct ub_bsf *b, struct ub_request *out)
{
    enum digest_algorithm a = DIGEST_MD5;
    TRY(digest_algorithm(&out->d, &a));
    if (a != b->algorithm || !text_eq_z(out->d.v[DIGEST_QOP], "auth-int") || out->d.v[DIGEST_CNONCE].n == 0 ||
        !text_eq_z(out->d.v[DIGEST_NC], "00000001")) {
        return ERR_MALFORMED_DIGEST;
    }
    TRY(aka_nonce_parse(out->d.v[DIGEST_NONCE], &out->nonce));
    out->step = UB_ANSWER;
    if (out->d.given[DIGEST_AUTS]) {
        out->step = UB_RESYNC;
        return aka_nonce_parse_auts(out->d.v[DIGEST_AUTS], out->auts.b);
    }
    return ERR_OK;
}

err_t ub_read(const struct ub_bsf *b, const struct ub_message *m, struct writer *scratch, struct ub_request *out)
{
    memset(out, 0, sizeof(*out));
    TRY(digest_parse(DIGEST_AUTHORIZATION, m->authorization, scratch, &out->d));
    out->body = m->body;
    if (!text_eq_nocase(out->d.v[DIGEST_REALM], b->fqdn)) {
        return ERR_DENIED_REALM;
    }
    if (!text_eq_z(out->d.v[DIGEST_URI], UB_PATH)) { /* of another request */
        return ERR_DENIED_DIGEST;
    }
    out->step = UB_OPEN;
    return out->d.v[DIGEST_NONCE].n == 0 ? ERR_OK : read_answer(b, out);
}

/* -- what the BSF says ------------------------------------------------------------------------------- */
err_t ub_challenge(const struct ub_bsf *b, const struct aka_rand *rand, const struct aka_autn *autn, bool stale,
                   struct writer *w)
{
    char nonce[AKA_NONCE_TEXT_MAX];
    struct writer n = WRITER_ARRAY(nonce);
    struct aka_nonce parts = {.data_n = 0};
    _Static_assert(AKA_RAND_LEN == AKA_NONCE_PART && AKA_AUTN_LEN == AKA_NONCE_PART, "the nonce is RAND and AUTN");
    memcpy(parts.rand, rand->b, AKA_NONCE_PART);
    memcpy(parts.autn, autn->b, AKA_NONCE_PART);
    TRY(aka_nonce_write(&parts, &n));
    struct digest d = digest_blank();
    digest_set(&d, DIGEST_REALM, b->fqdn);
    digest_set(&d, DIGEST_NONCE, writer_view_text(&n));
    digest_set(&d, DIGEST_ALGORITHM, text_of(digest_algorithm_name(b->algorithm)));
    digest_set(&d, DIGEST_QOP, text_of("auth-int"));
    if (stale) {
        digest_set(&d, DIGEST_STALE, text_of("true"));
    }
    return digest_write(DIGEST_CHALLENGE, &d, w);
}

static err_t password_of(const struct ub_bsf *b, const struct ub_request *rq, const struct ub_expected *x,
                         struct key_password *out)
{
    if (rq->step == UB_RESYNC) { /* the card gave no RES: the password is empty (RFC 3310 3.4) */
        return ERR_OK;
    }
    return b->algorithm == DIGEST_AKAV2_MD5 ? keys_password_akav2(b->crypto, &x->res, &x->ik, &x->ck, out)
                                            : keys_password_akav1(&x->res, out);
}

static err_t ha1_of(const struct ub_bsf *b, const struct ub_request *rq, const struct ub_expected *x, struct key_ha1 *out)
{
    SCOPED(password_wipe) struct key_password password = {0};
    TRY(password_of(b, rq, x, &password));
    return keys_digest_ha1(b->crypto, CRYPTO_MD5, rq->d.v[DIGEST_USERNAME], rq->d.v[DIGEST_REALM], &password, out);
}

static struct keys_digest digest_of(const struct ub_request *rq, const char *method, struct bytes body)
{
    return (struct keys_digest){.hash = CRYPTO_MD5,
                                .integrity = true,
                                .nonce = rq->d.v[DIGEST_NONCE],
                                .nc = rq->d.v[DIGEST_NC],
                                .cnonce = rq->d.v[DIGEST_CNONCE],
                                .uri = rq->d.v[DIGEST_URI],
                                .method = text_of(method),
                                .body = body};
}

err_t ub_check(const struct ub_bsf *b, const struct ub_request *rq, const struct ub_expected *x, struct key_ha1 *h_a1)
{
    secret_wipe(&h_a1->s);
    TRY(ha1_of(b, rq, x, h_a1));
    const struct keys_digest d = digest_of(rq, "GET", rq->body);
    const err_t e = keys_digest_check(b->crypto, &d, h_a1, rq->d.v[DIGEST_RESPONSE]);
    if (e != ERR_OK) {
        secret_wipe(&h_a1->s);
    }
    return e;
}

err_t ub_finish(const struct ub_bsf *b, const struct ub_request *rq, const struct key_ha1 *h_a1, struct bytes body,
                struct writer *w)
{
    char rspauth[KEYS_DIGEST_CAP];
    const struct keys_digest of = digest_of(rq, "", body);
    TRY(keys_digest_response(b->crypto, &of, h_a1, rspauth));
    struct digest d = digest_blank();
    digest_set(&d, DIGEST_QOP, text_of("auth-int"));
    digest_set(&d, DIGEST_RSPAUTH, text_of(rspauth));
    digest_set(&d, DIGEST_CNONCE, rq->d.v[DIGEST_CNONCE]);
    digest_set(&d, DIGEST_NC, rq->d.v[DIGEST_NC]);
    return digest_write(DIGEST_INFO, &d, w);
}
