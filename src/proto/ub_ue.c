#include "proto/ub_ue.h"

#include "base/ct.h"
#include "base/hex.h"
#include "proto/ub.h"

#include <string.h>

#define NC "00000001" /* a nonce is good for one answer */
#define STALE_MAX 2

enum { HTTP_OK = 200, HTTP_UNAUTHORIZED = 401, HTTP_REFUSALS = 400, HTTP_FAULTS = 500 };

static void password_wipe(struct key_password *p)
{
    secret_wipe(&p->s);
}

void ub_ue_start(struct ub_ue *u, const struct ub_ue_conf *conf)
{
    memset(u, 0, sizeof(*u));
    u->conf = *conf;
    u->by_impi = conf->tmpi.n == 0;
    u->step = UB_UE_OPEN;
}

void ub_ue_wipe(struct ub_ue *u)
{
    ct_wipe(u, sizeof(*u));
    u->step = UB_UE_FAILED;
}

static err_t failed(struct ub_ue *u, err_t e)
{
    u->step = UB_UE_FAILED;
    secret_wipe(&u->h_a1.s);
    secret_wipe(&u->candidate.s);
    secret_wipe(&u->ks.s);
    return e;
}

static struct text username(const struct ub_ue *u)
{
    return u->by_impi ? u->conf.impi : u->conf.tmpi;
}

/* -- requests ---------------------------------------------------------------------------------------- */
static struct keys_digest digest_of(const struct ub_ue *u, const char *method, struct bytes body)
{
    return (struct keys_digest){.hash = CRYPTO_MD5,
                                .integrity = true,
                                .nonce = text_of(u->nonce),
                                .nc = text_of(NC),
                                .cnonce = text_of(u->cnonce),
                                .uri = text_of(UB_PATH),
                                .method = text_of(method),
                                .body = body};
}

static err_t answer_set(const struct ub_ue *u, struct digest *d, char response[KEYS_DIGEST_CAP])
{
    const struct keys_digest q = digest_of(u, "GET", bytes_empty());
    TRY(keys_digest_response(u->conf.crypto, &q, &u->h_a1, response));
    const struct {
        enum digest_param p;
        const char *value;
    } rows[] = {
        {DIGEST_REALM, u->realm}, {DIGEST_NONCE, u->nonce}, {DIGEST_RESPONSE, response},
        {DIGEST_ALGORITHM, digest_algorithm_name(u->algorithm)}, {DIGEST_CNONCE, u->cnonce}, {DIGEST_QOP, "auth-int"},
        {DIGEST_NC, NC},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        digest_set(d, rows[i].p, text_of(rows[i].value));
    }
    if (u->opaque[0] != '\0') {
        digest_set(d, DIGEST_OPAQUE, text_of(u->opaque));
    }
    if (u->step == UB_UE_RESYNC) {
        digest_set(d, DIGEST_AUTS, text_of(u->auts));
    }
    return ERR_OK;
}

/* R001-125: the first request has no response, the others have (TS 24.109 4.2, A.3). */
err_t ub_ue_request(struct ub_ue *u, struct writer *authorization)
{
    char response[KEYS_DIGEST_CAP] = "";
    struct digest d = digest_blank();
    if (u->waiting || (u->step != UB_UE_OPEN && u->step != UB_UE_ANSWER && u->step != UB_UE_RESYNC)) {
        return ERR_BUG;
    }
    digest_set(&d, DIGEST_USERNAME, username(u));
    digest_set(&d, DIGEST_URI, text_of(UB_PATH));
    if (u->step == UB_UE_OPEN) {
        digest_set(&d, DIGEST_REALM, u->conf.bsf);
        digest_set(&d, DIGEST_NONCE, text_empty());
        digest_set(&d, DIGEST_RESPONSE, text_empty());
    } else {
        TRY(answer_set(u, &d, response));
    }
    TRY(digest_write(DIGEST_AUTHORIZATION, &d, authorization));
    u->waiting = true;
    return ERR_OK;
}

/* -- a challenge -------------------------------------------------------------------------------------- */
/* Only AKA, and only with the integrity of the body: nothing weaker is talked into [TS 24.109 4.3]. */
static err_t offer_check(struct ub_ue *u, const struct digest *d)
{
    bool known = digest_algorithm(d, &u->algorithm) == ERR_OK;
    bool v1 = known && u->algorithm == DIGEST_AKAV1_MD5;
    bool v2 = known && u->algorithm == DIGEST_AKAV2_MD5 && !u->conf.card_keeps_ks; /* made of CK and IK (RFC 4169 3.3) */
    return (v1 || v2) && digest_offers(d, "auth-int") ? ERR_OK : ERR_DENIED_UB_WEAK;
}

static err_t challenge_take(struct ub_ue *u, const struct digest *d)
{
    struct aka_nonce n;
    if (!text_eq_nocase(d->v[DIGEST_REALM], u->conf.bsf)) {
        return ERR_DENIED_REALM;
    }
    TRY(offer_check(u, d));
    TRY(aka_nonce_parse(d->v[DIGEST_NONCE], &n));
    _Static_assert(AKA_RAND_LEN == AKA_NONCE_PART && AKA_AUTN_LEN == AKA_NONCE_PART, "the nonce is RAND and AUTN");
    memcpy(u->rand.b, n.rand, AKA_RAND_LEN);
    memcpy(u->autn.b, n.autn, AKA_AUTN_LEN);
    TRY(TEXT_COPY(d->v[DIGEST_REALM], u->realm)); /* as it was written: it is hashed */
    TRY(TEXT_COPY(d->v[DIGEST_NONCE], u->nonce));
    TRY(TEXT_COPY(d->v[DIGEST_OPAQUE], u->opaque));
    u->step = UB_UE_CARD;
    return ERR_OK;
}

static err_t challenged(struct ub_ue *u, const struct ub_ue_reply *r)
{
    char scratch[DIGEST_TEXT_MAX];
    struct writer w = WRITER_ARRAY(scratch);
    struct digest d;
    bool answered = u->step == UB_UE_ANSWER;
    TRY(digest_parse(DIGEST_CHALLENGE, r->challenge, &w, &d));
    bool stale = text_eq_nocase(d.v[DIGEST_STALE], text_of("true"));
    if (stale && ++u->stale > STALE_MAX) { /* or it would go round for ever, a sequence number each time */
        return ERR_DENIED_STALE;
    }
    if (answered && !stale) { /* RES was wrong, and another would be too */
        return ERR_DENIED_DIGEST;
    }
    return challenge_take(u, &d);
}

/* -- the card ----------------------------------------------------------------------------------------- */
static err_t cnonce_make(struct ub_ue *u)
{
    uint8_t b[UB_UE_CNONCE_LEN];
    struct writer w = WRITER_ARRAY(u->cnonce);
    TRY(u->conf.crypto->random(b, sizeof(b)));
    hex_write_lower(&w, BYTES_ARRAY(b));
    return writer_finish_z(&w);
}

static err_t ha1_make(struct ub_ue *u, const struct key_password *password)
{
    return keys_digest_ha1(u->conf.crypto, CRYPTO_MD5, username(u), text_of(u->realm), password, &u->h_a1);
}

static err_t respond(struct ub_ue *u, const struct aka_answer *a)
{
    SCOPED(password_wipe) struct key_password password = {0};
    if (u->algorithm == DIGEST_AKAV2_MD5) {
        TRY(keys_password_akav2(u->conf.crypto, &a->res, &a->ik, &a->ck, &password));
    } else {
        TRY(keys_password_akav1(&a->res, &password));
    }
    TRY(u->conf.card_keeps_ks ? ERR_OK : keys_ks_join(&a->ck, &a->ik, &u->candidate));
    TRY(ha1_make(u, &password));
    u->step = UB_UE_ANSWER;
    return ERR_OK;
}

/* No RES, so the password is empty (RFC 3310 3.4). A network that still is behind will stay so. */
static err_t resync(struct ub_ue *u, const struct aka_auts *auts)
{
    const struct key_password none = {0};
    struct writer w = WRITER_ARRAY(u->auts);
    if (u->resynced) {
        return ERR_SQN_RANGE;
    }
    u->resynced = true;
    TRY(aka_nonce_write_auts(auts->b, &w));
    TRY(writer_finish_z(&w));
    TRY(ha1_make(u, &none));
    u->step = UB_UE_RESYNC;
    return ERR_OK;
}

err_t ub_ue_card(struct ub_ue *u, err_t outcome, const struct aka_answer *answer)
{
    if (u->step != UB_UE_CARD) {
        return failed(u, ERR_BUG);
    }
    err_t e = outcome == ERR_OK || outcome == ERR_SQN_RANGE ? cnonce_make(u) : outcome;
    if (e == ERR_OK) {
        e = outcome == ERR_OK ? respond(u, answer) : resync(u, &answer->auts);
    }
    return e == ERR_OK ? ERR_OK : failed(u, e);
}

/* -- success ------------------------------------------------------------------------------------------ */
/* That the BSF has RES too, and that nobody changed B-TID or lifetime on the way: required, not only looked at if there. */
static err_t rspauth_check(const struct ub_ue *u, const struct ub_ue_reply *r)
{
    char scratch[DIGEST_TEXT_MAX];
    struct writer w = WRITER_ARRAY(scratch);
    struct digest d;
    if (r->info.n == 0) {
        return ERR_DENIED_RSPAUTH;
    }
    TRY(digest_parse(DIGEST_INFO, r->info, &w, &d));
    bool other = (d.given[DIGEST_CNONCE] && !text_eq_z(d.v[DIGEST_CNONCE], u->cnonce)) ||
                 (d.given[DIGEST_NC] && !text_eq_z(d.v[DIGEST_NC], NC)) ||
                 (d.given[DIGEST_QOP] && !text_eq_z(d.v[DIGEST_QOP], "auth-int"));
    if (other || !d.given[DIGEST_RSPAUTH]) {
        return ERR_DENIED_RSPAUTH;
    }
    const struct keys_digest q = digest_of(u, "", r->body);
    err_t e = keys_digest_check(u->conf.crypto, &q, &u->h_a1, d.v[DIGEST_RSPAUTH]);
    return e == ERR_DENIED_DIGEST ? ERR_DENIED_RSPAUTH : e;
}

/* R001-126, R001-127, R001-130: B-TID is of this RAND, and the lifetime one that has begun and will end. */
static err_t info_check(const struct ub_ue *u, const struct bsf_info *i, usec_t now)
{
    struct b_tid_parts parts;
    TRY(b_tid_parse(text_of(i->b_tid.z), &parts));
    if (memcmp(parts.rand.b, u->rand.b, AKA_RAND_LEN) != 0) {
        return ERR_DENIED_B_TID_FOREIGN;
    }
    return i->lifetime <= now || i->lifetime - now > UB_UE_LIFE_MAX ? ERR_DENIED_KS_LIFETIME : ERR_OK;
}

/* First who it is, then what it says. */
static err_t finish(struct ub_ue *u, const struct ub_ue_reply *r)
{
    struct bsf_info i;
    if (r->body.n > BSF_INFO_MAX) {
        return ERR_LIMIT_SIZE;
    }
    TRY(rspauth_check(u, r));
    TRY(bsf_info_parse(r->body, &i));
    TRY(info_check(u, &i, r->now));
    u->b_tid = i.b_tid;
    u->not_after = i.lifetime;
    u->ks = u->candidate; /* R001-129: Ke is Ks */
    secret_wipe(&u->candidate.s);
    secret_wipe(&u->h_a1.s);
    u->step = UB_UE_DONE;
    return ERR_OK;
}

static err_t judge(struct ub_ue *u, const struct ub_ue_reply *r)
{
    if (r->status == HTTP_UNAUTHORIZED) {
        return challenged(u, r);
    }
    if (r->status == HTTP_OK && u->step == UB_UE_ANSWER) {
        return finish(u, r);
    }
    bool refused = r->status >= HTTP_REFUSALS && r->status < HTTP_FAULTS;
    if (refused && u->step == UB_UE_OPEN && !u->by_impi) { /* it has forgotten the name that it gave */
        u->by_impi = true;
        return ERR_OK;
    }
    return refused ? ERR_PEER_REFUSED : ERR_PEER_NONSENSE;
}

err_t ub_ue_reply(struct ub_ue *u, const struct ub_ue_reply *r)
{
    if (!u->waiting) {
        return failed(u, ERR_BUG);
    }
    u->waiting = false;
    err_t e = judge(u, r);
    return e == ERR_OK ? ERR_OK : failed(u, e);
}
