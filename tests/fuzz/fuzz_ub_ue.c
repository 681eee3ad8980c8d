/*
 * The device's side of Ub against a BSF that says whatever the input says; some of its successes are signed with the right RES. Nothing unsigned
 * ends in a Ks, and what ends has the B-TID of the challenge and a lifetime.
 */
#include "base/reader.h"
#include "fuzz.h"
#include "proto/ub_ue.h"
#include "shell/crypto_openssl.h"

#include <string.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)
#define STEPS_MAX 24

static void octets(struct secret *s, size_t n, uint8_t v)
{
    uint8_t b[SECRET_MAX];
    memset(b, v, n);
    MUST_HOLD(secret_set(s, bytes_of(b, n)) == ERR_OK);
}

static struct text text_in(struct reader *r)
{
    struct bytes b = reader_block16(r);
    return text_span((const char *)b.p, b.n);
}

/* Authentication-Info as who knows RES writes it. */
static void sign(const struct ub_ue *u, struct bytes body, struct writer *w)
{
    char rspauth[KEYS_DIGEST_CAP];
    struct digest d = digest_blank();
    const struct keys_digest q = {.hash = CRYPTO_MD5, .integrity = true, .nonce = text_of(u->nonce), .nc = text_of("00000001"),
                                  .cnonce = text_of(u->cnonce), .uri = text_of("/"), .method = text_empty(), .body = body};
    MUST_HOLD(keys_digest_response(u->conf.crypto, &q, &u->h_a1, rspauth) == ERR_OK);
    digest_set(&d, DIGEST_RSPAUTH, text_of(rspauth));
    MUST_HOLD(digest_write(DIGEST_INFO, &d, w) == ERR_OK);
}

static void done(const struct ub_ue *u, bool signed_by_us)
{
    struct b_tid_parts parts;
    MUST_HOLD(signed_by_us && u->not_after > NOW && b_tid_parse(text_of(u->b_tid.z), &parts) == ERR_OK);
    MUST_HOLD(memcmp(parts.rand.b, u->rand.b, AKA_RAND_LEN) == 0);
    MUST_HOLD(secret_is_set(&u->ks.s) != u->conf.card_keeps_ks && !secret_is_set(&u->h_a1.s));
}

static bool reply(struct ub_ue *u, uint8_t what, struct reader *r)
{
    static const unsigned statuses[] = {401, 200, 403, 500, 302, 0, 200, 401};
    char info[1024];
    struct writer w = WRITER_ARRAY(info);
    char request[8192];
    struct writer out = WRITER_ARRAY(request);
    struct ub_ue_reply p = {.status = statuses[what & 7], .now = NOW};
    p.challenge = p.info = text_in(r);
    p.body = reader_block16(r);
    err_t e = ub_ue_request(u, &out);
    MUST_HOLD(e == ERR_OK);
    bool ours = (what & 8) != 0 && u->step == UB_UE_ANSWER;
    if (ours) {
        sign(u, p.body, &w);
        p.info = writer_view_text(&w);
    }
    e = ub_ue_reply(u, &p);
    if (e == ERR_OK && u->step == UB_UE_DONE) {
        done(u, ours);
    }
    MUST_HOLD(e == ERR_OK || (u->step == UB_UE_FAILED && !secret_is_set(&u->ks.s) && !secret_is_set(&u->candidate.s)));
    return e == ERR_OK && u->step != UB_UE_DONE;
}

static bool card(struct ub_ue *u, uint8_t what)
{
    struct aka_answer a = {0};
    octets(&a.res.s, 8, 0x11);
    octets(&a.ck.s, 16, 0x22);
    octets(&a.ik.s, 16, 0x33);
    memset(a.auts.b, 0x44, sizeof(a.auts.b));
    const err_t outcomes[] = {ERR_OK, ERR_SQN_RANGE, ERR_OK, ERR_DENIED_AUTN};
    return ub_ue_card(u, outcomes[(what >> 4) & 3], &a) == ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ub_ue u;
    struct reader r = reader_of(bytes_of(data, size));
    uint8_t first = reader_u8(&r);
    const struct ub_ue_conf conf = {.crypto = crypto_openssl(), .impi = text_of("made-up@example.com"), .bsf = text_of("bsf.example.com"),
                                    .tmpi = text_of((first & 1) != 0 ? "made-up@tmpi.bsf.3gppnetwork.org" : NULL),
                                    .card_keeps_ks = (first & 2) != 0};
    ub_ue_start(&u, &conf);
    bool on = true;
    for (int i = 0; i < STEPS_MAX && on; i++) {
        uint8_t what = reader_u8(&r);
        if (reader_failed(&r)) {
            break;
        }
        on = u.step == UB_UE_CARD ? card(&u, what) : reply(&u, what, &r);
    }
    ub_ue_wipe(&u);
    return 0;
}
