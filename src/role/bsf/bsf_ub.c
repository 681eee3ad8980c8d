/*
 * Ub [TS 33.220 4.5.2, TS 24.109 4; R001-125]: whoever opens it is challenged with a vector of his own, and whoever answers the
 * challenge shares Ks with the BSF, durable before the 200 leaves. A nonce is good for one answer, right or wrong. A challenge
 * itself is kept in memory alone: whoever answers one that is forgotten gets another, as for one that is too old.
 */
#include "aka/aka_gba_u.h"
#include "base/ct.h"
#include "base/hex.h"
#include "role/bsf/bsf_ctx.h"
#include "role/detail.h"
#include "role/key_wipe.h"
#include "wire/bsf_info.h"

#include <string.h>

enum { RSC_CHALLENGE = 4199, RSC_OK = 2000 };
enum { BLOCK = 32, AHEAD = 16 }; /* numbers that are reserved at once; that should be there when the next challenge comes */
enum { BLOCKS_MOST = 3 };        /* in a minute, beyond what challenges-per-minute needs */
#define MINUTE (60 * USEC_PER_SEC)

struct run {
    const struct bsf *b;
    const struct request *rq;
    struct txn *t;
    struct response *rs;
    struct ub_bsf ub;
    struct ub_request in;
    struct rec_subscriber sub;
    struct rec_bsf_state state;
    struct rec_bsf_open open;
    uint8_t sealed[SEAL_MAX + 2]; /* of the challenge that is made here, until it is put */
    uint8_t ks[REC_BSF_KS_MAX];   /* the same of Ks */
};

/* -- who it is --------------------------------------------------------------------------------------- */
static err_t find_subscriber(struct run *r)
{
    struct text name = r->in.d.v[DIGEST_USERNAME];
    struct impi impi;
    err_t e = ERR_NOT_FOUND;
    if (text_eq_z(text_skip(name, text_find(name, '@')), BSF_TMPI_DOMAIN)) {
        e = name.n < REC_BSF_TMPI_MAX ? bsf_ks_whose(r->t, TABLE_BSF_TMPI, name, &impi) : ERR_NOT_FOUND;
    } else if (impi_is(name)) {
        e = TEXT_COPY(name, impi.z);
    }
    bool known = e == ERR_OK;
    e = known ? rec_subscriber_get(r->t, text_of(impi.z), &r->sub) : e;
    if (known && e == ERR_NOT_FOUND && r->b->zh) { /* the HLR or HSS knows him in any spelling: his challenges are counted under one */
        impi_fold(&impi);
        e = rec_subscriber_get(r->t, text_of(impi.z), &r->sub);
    }
    if (known && e == ERR_NOT_FOUND && r->b->zh) {
        e = bsf_zh_check_name(r->t, text_of(impi.z));
        e = e == ERR_OK ? bsf_zh_stranger(&impi, r->rq->now, &r->sub) : e;
    } else if (e == ERR_OK && r->sub.source != SUBSCRIBER_HERE && !r->b->zh) { /* whom nobody is asked about any more */
        e = ERR_NOT_FOUND;
    }
    if (e == ERR_NOT_FOUND || e == ERR_DENIED_IMPI) {
        return detail_fail(r->rs->detail, ERR_DENIED_IMPI, "username", name);
    }
    TRY(e);
    TRY(rec_bsf_state_get(r->t, text_of(r->sub.impi.z), &r->state));
    return rec_bsf_open_get(r->t, text_of(r->sub.impi.z), &r->open);
}

static err_t check_guss(const struct run *r)
{
    return rec_subscriber_may_bootstrap(&r->sub) ? ERR_OK : ERR_DENIED_GUSS_KEY; /* R001-123 */
}

static err_t save(struct run *r)
{
    return rec_bsf_state_put(r->t, text_of(r->sub.impi.z), &r->state);
}

static err_t save_open(struct run *r)
{
    return rec_bsf_open_put(r->t, text_of(r->sub.impi.z), &r->open);
}

/* -- 401 --------------------------------------------------------------------------------------------- */
static struct text address_of(const struct run *r, char out[static REC_BSF_HOME_MAX])
{
    struct writer w = writer_of(out, REC_BSF_HOME_MAX);
    size_t n = r->rq->ip.len < 8 ? r->rq->ip.len : 8; /* a /64 is one stranger */
    hex_write_lower(&w, bytes_of(r->rq->ip.b, n));
    return writer_finish_z(&w) == ERR_OK ? writer_view_text(&w) : text_empty();
}

/* Each challenge costs a sequence number, and anybody may ask for one: so many a minute [TS 33.220 4.5.2]. Half of them are kept for
 * the address from which the subscriber last answered one: who only knows its IMPI cannot keep it waiting there. */
static err_t count_challenge(struct run *r)
{
    struct rec_bsf_open *s = &r->open;
    char z[REC_BSF_HOME_MAX];
    if (r->rq->now < s->minute || r->rq->now - s->minute >= MINUTE) {
        s->minute = r->rq->now;
        s->count = s->strangers = 0;
    }
    bool home = r->state.home[0] == '\0' || text_eq_z(address_of(r, z), r->state.home);
    if (s->count >= r->b->challenges || (!home && s->strangers >= r->b->challenges - r->b->challenges / 2)) {
        return ERR_DENIED_CHALLENGES;
    }
    s->count++;
    s->strangers = (uint8_t)(s->strangers + (home ? 0 : 1));
    return ERR_OK;
}

/* A block is gone when memory forgets what was given of it, and a card takes no jump beyond 2^28 [TS 33.102 C.2.1]: strangers who
 * make it forget (want of room) must not be able to use the numbers of a SIM up. */
static err_t count_block(struct run *r)
{
    struct rec_bsf_state *s = &r->state;
    if (r->rq->now < s->minute || r->rq->now - s->minute >= MINUTE) {
        s->minute = r->rq->now;
        s->blocks = 0;
    }
    if (s->blocks >= BLOCKS_MOST + r->b->challenges / BLOCK) {
        return ERR_DENIED_CHALLENGES;
    }
    s->blocks++;
    return ERR_OK;
}

/* The number after `given`, of those that the store knows as used up; more of them if there is none left. In memory stands which of
 * them were given: where that is forgotten, or is of other numbers, all were. */
static err_t reserve(struct run *r, struct aka_counter *n, uint64_t least)
{
    uint64_t upto = 0;
    aka_sqn_counter_grant(n, (uint64_t)r->state.seq);
    if (n->reserved >= n->seq + least) {
        return ERR_OK;
    }
    TRY(count_block(r));
    TRY(aka_sqn_counter_want(&(struct aka_counter){n->seq, n->seq}, BLOCK, &upto));
    r->state.seq = (int64_t)upto; /* the caller saves it */
    aka_sqn_counter_grant(n, upto);
    return ERR_OK;
}

static uint64_t given(const struct run *r)
{
    return (uint64_t)(r->open.reserved == r->state.seq ? r->open.seq : r->state.seq);
}

static void give(struct run *r, const struct aka_counter *n)
{
    r->open.seq = (int64_t)n->seq;
    r->open.reserved = r->state.seq;
}

/* After a SIGKILL a number was never sent, or is never used again: what is sent was reserved before. */
static err_t make_vector(struct run *r, struct aka_vector *v)
{
    const struct crypto *c = r->b->env.crypto;
    SCOPED(aka_keys_wipe) struct aka_keys keys = {0};
    SCOPED(aka_auc_wipe) struct aka_auc auc = {0};
    struct aka_rand rand;
    TRY(rec_subscriber_keys(&r->sub, r->b->env.sealer, &keys));
    TRY(aka_auc_init(&auc, &keys, rec_subscriber_amf(&r->sub), given(r)));
    if (r->in.step == UB_RESYNC) {
        memcpy(rand.b, r->in.nonce.rand, sizeof(rand.b));
        TRY(aka_auc_resync(c, &auc, &rand, &r->in.auts));
    }
    const int64_t before = r->state.seq;
    TRY(reserve(r, &auc.counter, 1));
    const bool named = r->state.number != 0;
    TRY(named ? ERR_OK : bsf_ks_number(r->b, r->t, text_of(r->sub.impi.z), &r->state));
    TRY(named && r->state.seq == before ? ERR_OK : save(r));
    TRY(c->random(rand.b, sizeof(rand.b)));
    TRY(keys_rand_name(c, &r->b->rand_key, r->state.number, &rand));
    TRY(aka_auc_vector(c, &auc, &rand, v));
    give(r, &auc.counter);
    return r->sub.gba_u != 0 ? aka_gba_u_vector(c, v) : ERR_OK;
}

static void forget_open(struct rec_bsf_open *s, size_t i)
{
    s->n--;
    memmove(&s->at[i], &s->at[i + 1], (s->n - i) * sizeof(s->at[0]));
}

/* Which of them makes room: the oldest of who asks now, else of a stranger, else of all. So strangers, however many they are, leave the
 * challenge alone that waits for the subscriber where it last answered. */
static size_t oldest(const struct run *r, struct text from)
{
    const struct rec_bsf_open *s = &r->open;
    size_t stranger = s->n;
    for (size_t i = 0; i < s->n; i++) {
        if (text_eq_z(from, s->at[i].from)) {
            return i;
        }
        stranger = stranger == s->n && strcmp(s->at[i].from, r->state.home) != 0 ? i : stranger;
    }
    return stranger < s->n ? stranger : 0;
}

static err_t remember(struct run *r, const struct aka_vector *v)
{
    struct rec_bsf_open *s = &r->open;
    struct writer room = WRITER_ARRAY(r->sealed);
    char from[REC_BSF_HOME_MAX];
    struct text address = address_of(r, from);
    if (s->n == REC_BSF_OPEN_MAX) {
        forget_open(s, oldest(r, address));
    }
    struct rec_bsf_challenge *c = &s->at[s->n++];
    c->made = r->rq->now;
    TRY(TEXT_COPY(address, c->from));
    TRY(rec_bsf_challenge_seal(r->b->env.sealer, text_of(r->sub.impi.z), v, &room, c));
    return save_open(r);
}

static err_t send_challenge(struct run *r, const struct aka_vector *v, bool stale)
{
    TRY(remember(r, v));
    struct writer w = WRITER_ARRAY(r->rs->headers);
    writer_z(&w, "WWW-Authenticate: ");
    TRY(ub_challenge(&r->ub, &v->rand, &v->autn, stale, &w));
    writer_z(&w, "\n");
    r->rs->rsc = RSC_CHALLENGE;
    return writer_finish_z(&w);
}

/* What is staged until here lasts: the nonce that was answered is used up. The challenge is counted when there is one, so that the
 * names that strangers make up leave no record; the shell lets one question of an IMPI at a time through. */
static err_t ask(struct run *r, bool stale)
{
    struct vector_question *q = &r->rs->vector;
    *q = (struct vector_question){.asked = true, .impi = r->sub.impi, .stale = stale, .resync = r->in.step == UB_RESYNC,
                                    .guss_made = r->sub.source == SUBSCRIBER_ELSEWHERE ? r->sub.guss_made : 0};
    if (q->resync) {
        memcpy(q->rand.b, r->in.nonce.rand, sizeof(q->rand.b));
        q->auts = r->in.auts;
    }
    r->rs->rsc = RSC_CHALLENGE;
    return ERR_OK;
}

static err_t challenge(struct run *r, bool stale)
{
    SCOPED(aka_auc_vector_wipe) struct aka_vector v = {0};
    TRY(check_guss(r));
    TRY(count_challenge(r));
    if (r->sub.source != SUBSCRIBER_HERE) {
        return ask(r, stale);
    }
    TRY(make_vector(r, &v));
    return send_challenge(r, &v, stale);
}

/* The answer of the HLR or HSS is here: the settings may be others by now, and so may the count. */
static err_t resume(struct run *r)
{
    SCOPED(aka_auc_vector_wipe) struct aka_vector v = {0};
    const struct vector_answer *a = r->rq->vector;
    err_t e = bsf_zh_take(r->b, r->t, a, &r->sub, &v);
    for (size_t i = 0; e == ERR_OK && i < r->open.n; i++) { /* an old vector: its RAND names a challenge, and then a Ks */
        e = memcmp(r->open.at[i].rand, v.rand.b, sizeof(v.rand.b)) == 0 ? ERR_ZH_NONSENSE : ERR_OK;
    }
    if (e != ERR_OK) {
        return detail_fail(r->rs->detail, e, "username", text_of(a->question->impi.z));
    }
    TRY(check_guss(r));
    TRY(count_challenge(r));
    return send_challenge(r, &v, a->question->stale);
}

/* -- 200 --------------------------------------------------------------------------------------------- */
static err_t name_ks(const struct run *r, const struct aka_rand *rand, const struct key_ks *ks, struct rec_ks *k)
{
    struct writer w = WRITER_ARRAY(k->tmpi);
    TRY(b_tid_of(rand, r->ub.fqdn, &k->b_tid));
    TRY(keys_ks_tmpi(r->b->env.crypto, ks, rand, text_of(k->impi.z), r->ub.fqdn, &w));
    return writer_finish_z(&w);
}

/* The state is written here anyway: with numbers for the next challenges, so that these need not. */
static err_t reserve_ahead(struct run *r)
{
    struct aka_counter n;
    if (r->sub.source != SUBSCRIBER_HERE) {
        return save(r);
    }
    r->state.blocks = 0; /* the card is there, and has come along */
    aka_sqn_counter_init(&n, given(r));
    TRY(reserve(r, &n, AHEAD));
    give(r, &n);
    TRY(save_open(r));
    return save(r);
}

/* What leads to Ks: the TMPI, for as long as it is remembered; and RAND, where a number of ours does not stand in it. */
static err_t index_ks(struct run *r, const struct rec_ks *k)
{
    uint8_t buf[IMPI_MAX + 16];
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_name_write(k->impi.z, &w));
    TRY(rec_put(r->t, TABLE_BSF_TMPI, text_of(k->tmpi), &w, STORE_PUT_ANY));
    struct text b_tid = text_of(k->b_tid.z);
    return k->elsewhere == 0 ? ERR_OK : rec_put(r->t, TABLE_BSF_RAND_OF, text_take(b_tid, text_find(b_tid, '@')), &w, STORE_PUT_IF_ABSENT);
}

/* Ke is Ks, without any export, and KeId is its B-TID (R001-129, R001-130). */
static err_t keep_ks(struct run *r, const struct ub_expected *x, struct rec_ks *k)
{
    SCOPED(key_wipe_ks) struct key_ks ks = {0};
    struct rec_bsf_state *s = &r->state;
    struct writer w = WRITER_ARRAY(r->ks);
    memcpy(k->rand.b, r->in.nonce.rand, sizeof(k->rand.b));
    TRY(keys_ks_join(&x->ck, &x->ik, &ks));
    TRY(name_ks(r, &k->rand, &ks, k));
    while (s->live_n >= r->b->max_live_ks) {
        TRY(bsf_ks_drop(r->t, text_of(k->impi.z), s, 0));
    }
    TRY(rec_bsf_ks_write(r->b->env.sealer, k, &ks, &w));
    s->live[s->live_n++] = writer_view(&w);
    TRY(index_ks(r, k));
    (void)address_of(r, s->home);
    return reserve_ahead(r);
}

static err_t tell(struct run *r, const struct rec_ks *k)
{
    struct audit_event e = {.kind = AUDIT_BOOTSTRAPPED, .time = r->rq->now, .outcome = ERR_OK};
    TRY(TEXT_COPY(text_take(text_of(k->impi.z), sizeof(e.peer) - 1), e.peer));
    TRY(TEXT_COPY(text_take(text_of(k->b_tid.z), sizeof(e.object) - 1), e.object));
    return txn_audit(r->t, &e);
}

static err_t finish(struct run *r, const struct ub_expected *x, const struct key_ha1 *h_a1)
{
    usec_t life = r->sub.ks_lifetime > 0 ? r->sub.ks_lifetime : r->b->ks_lifetime;
    usec_t end = (r->rq->now + life) / USEC_PER_SEC * USEC_PER_SEC; /* whole seconds, as the UE is told */
    struct rec_ks k = {.impi = r->sub.impi, .enrolee_id = r->sub.enrolee_id, .gba_u = r->sub.gba_u,
                       .elsewhere = r->sub.source != SUBSCRIBER_HERE, .made = r->rq->now, .not_after = end};
    TRY(keep_ks(r, x, &k));
    TRY(tell(r, &k));
    const struct bsf_info info = {.b_tid = k.b_tid, .lifetime = end};
    TRY(bsf_info_write(&info, &r->rs->body));
    struct writer w = WRITER_ARRAY(r->rs->headers);
    writer_z(&w, "Authentication-Info: ");
    TRY(ub_finish(&r->ub, &r->in, h_a1, writer_view(&r->rs->body), &w));
    writer_z(&w, "\nExpires: "); /* the end of the key for who reads headers alone [TS 24.109 4.4]; the body is what rspauth protects */
    bsf_info_expires_write(&w, end);
    writer_z(&w, "\n");
    r->rs->media = MEDIA_BSF_INFO;
    r->rs->rsc = RSC_OK;
    return writer_finish_z(&w);
}

/* -- answers ----------------------------------------------------------------------------------------- */
static struct rec_bsf_challenge *find_open(struct run *r)
{
    for (size_t i = 0; i < r->open.n; i++) {
        if (memcmp(r->open.at[i].rand, r->in.nonce.rand, AKA_RAND_LEN) == 0) {
            return &r->open.at[i];
        }
    }
    return NULL;
}

/* Takes the challenge away; ERR_NOT_FOUND: it is none, was used, is forgotten, too old or another's. */
static err_t use_nonce(struct run *r, struct ub_expected *x)
{
    const struct rec_bsf_challenge *c = find_open(r);
    if (c == NULL || r->in.nonce.data_n > 0 || memcmp(c->autn, r->in.nonce.autn, AKA_AUTN_LEN) != 0) {
        return ERR_NOT_FOUND;
    }
    usec_t made = c->made;
    TRY(rec_bsf_challenge_open(c, r->b->env.sealer, text_of(r->sub.impi.z), x));
    forget_open(&r->open, (size_t)(c - r->open.at));
    TRY(save_open(r));
    return r->rq->now < made || r->rq->now - made > r->b->nonce_lifetime ? ERR_NOT_FOUND : ERR_OK;
}

static err_t judge(struct run *r, const struct ub_expected *x)
{
    SCOPED(key_wipe_ha1) struct key_ha1 h_a1 = {0};
    TRY(ub_check(&r->ub, &r->in, x, &h_a1));
    return r->in.step == UB_RESYNC ? challenge(r, false) : finish(r, x, &h_a1);
}

static err_t answer(struct run *r)
{
    SCOPED(ub_expected_wipe) struct ub_expected x = {0};
    err_t e = use_nonce(r, &x);
    if (e == ERR_NOT_FOUND) {
        r->in.step = UB_OPEN; /* whatever it answers, it answers nothing of ours */
        return challenge(r, true);
    }
    TRY(e);
    size_t staged = r->t->staged_n;
    e = judge(r, &x);
    if (e != ERR_OK) { /* the nonce is used up all the same */
        r->t->staged_n = staged;
        r->t->audit_n = 0;
        r->t->keep = true;
    }
    return e;
}

err_t bsf_ub(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    const struct bsf *b = ctx;
    char scratch[DIGEST_TEXT_MAX];
    struct writer w = WRITER_ARRAY(scratch);
    struct run r; /* not cleared: each part is before it is read */
    r.b = b;
    r.rq = rq;
    r.t = t;
    r.rs = rs;
    r.ub = (struct ub_bsf){b->env.crypto, text_of(b->fqdn), b->algorithm};
    const struct ub_message m = {rq->prim->authorization, rq->prim->content};
    if (m.authorization.n == 0) {
        return detail_fail(rs->detail, ERR_MALFORMED_DIGEST, "the header Authorization is missing", text_empty());
    }
    TRY(ub_read(&r.ub, &m, &w, &r.in));
    TRY(find_subscriber(&r));
    if (rq->vector != NULL) {
        return text_eq_z(text_of(r.sub.impi.z), rq->vector->question->impi.z) ? resume(&r) : ERR_ZH_BUSY; /* its TMPI is another's */
    }
    return r.in.step == UB_OPEN ? challenge(&r, false) : answer(&r);
}
