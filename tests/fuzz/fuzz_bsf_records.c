/*
 * Records of the BSF from a store that somebody else may have written: a subscriber with its settings, the state of an IMPI with its Ks, what is
 * open there, the three indexes. One of them, made of the input or damaged by it, stands in the place of the right one while everything that
 * reads it is called: what cannot be read is refused, never a bug, and no key comes out but the one that was sealed.
 */
#include "base/secret.h"
#include "fuzz.h"
#include "fuzz_steps.h"
#include "role/bsf/bsf_ctx.h"
#include "role/explain.h"
#include "shell/crypto_openssl.h"
#include "store/store_volatile.h"
#include "wire/aka_nonce.h"
#include "world.h"

#include <string.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define IMPI "made-up@example.com"
#define BSF "bsf.example.com"
#define NUMBER "0700000000"
#define TMPI "dG1waQ==" BSF_TMPI_DOMAIN
#define KS "4b534b534b534b534b534b534b534b534b534b534b534b534b534b534b534b53"
#define KEYS "465b5ce8b199b49faa5f0a2ee238a6bccd63cb71954a9f4e48a5994e37a02baf"

struct fixture {
    struct world w;
    struct crypto crypto;
    struct world_node *bsf;
    struct txn t;
    struct response rs;
    struct rec_ks ks;
    char nonce[128]; /* of the challenge that is open */
    json_t *args;
    uint8_t right[6][REC_MAX]; /* the records as they should be */
    size_t right_n[6];
    char body[1u << 14];
    char memory[1u << 18];
};

enum record { SUBSCRIBER, STATE, NUMBERS, RAND_OF, OPEN, TMPIS, RECORDS };
struct place {
    enum store_table table;
    const char *id;
};
static const struct place places[RECORDS] = {
    [SUBSCRIBER] = {TABLE_BSF_SUBSCRIBER, IMPI}, [STATE] = {TABLE_BSF_STATE, IMPI},
    [NUMBERS] = {TABLE_BSF_NUMBER, NUMBER},      [RAND_OF] = {TABLE_BSF_RAND_OF, NULL}, /* the left part of the B-TID */
    [OPEN] = {TABLE_BSF_OPEN, IMPI},             [TMPIS] = {TABLE_BSF_TMPI, TMPI},
};

/* Not drawn, so that an input does the same in each run. */
static err_t same(uint8_t *out, size_t n)
{
    memset(out, 0x52, n);
    return ERR_OK;
}

static struct text id_of(const struct fixture *f, enum record i)
{
    struct text b_tid = text_of(f->ks.b_tid.z);
    return places[i].id != NULL ? text_of(places[i].id) : text_take(b_tid, text_find(b_tid, '@'));
}

/* -- codecs: what parses writes itself again ---------------------------------------------------------------- */
/* An older version is written as the newest. */
static void check_again(const struct fixture *f, err_t e, struct bytes in)
{
    MUST_HOLD(e == ERR_OK && f->t.staged_n == 1);
    MUST_HOLD(bytes_eq(f->t.staged[0].data, in) || f->t.staged[0].data.p[0] > in.p[0]);
}

static bool subscriber(struct fixture *f, struct bytes b)
{
    struct rec_subscriber s;
    if (rec_subscriber_parse(b, &s) != ERR_OK) {
        return false;
    }
    MUST_HOLD(s.added >= 0 && s.ks_lifetime >= 0 && (s.source == SUBSCRIBER_HERE) == (s.k.n > 0));
    MUST_HOLD(rec_subscriber_guss(&s, text_of("maf.example.com")) <= GUSS_BOTH);
    if (s.source != SUBSCRIBER_HERE) { /* else it is sealed anew, with another nonce */
        s.source = SUBSCRIBER_ELSEWHERE; /* which may be put over another */
        err_t e = rec_subscriber_put(&f->t, f->bsf->env.sealer, &s, NULL);
        MUST_HOLD(e == ERR_OK && f->t.staged_n == 1 && f->t.staged[0].data.n >= b.n);
    }
    return text_eq_z(text_of(s.impi.z), IMPI);
}

/* The key of each Ks: what was sealed, or none. */
static void ks(const struct fixture *f, struct bytes b)
{
    struct rec_ks k;
    struct key_ks key = {0};
    struct secret right = {0};
    if (rec_bsf_ks_parse(b, text_of(IMPI), &k) == ERR_OK && rec_bsf_ks_key(&k, f->bsf->env.sealer, &key) == ERR_OK) {
        world_secret(KS, &right);
        MUST_HOLD(secret_eq(&key.s, &right) && strcmp(k.b_tid.z, f->ks.b_tid.z) == 0);
    }
}

static bool state(struct fixture *f, struct bytes b)
{
    struct rec_bsf_state s;
    if (rec_bsf_state_parse(b, &s) != ERR_OK) {
        return false;
    }
    MUST_HOLD(s.seq >= 0 && s.number <= KEYS_RAND_NUMBER_MAX && s.live_n <= REC_BSF_LIVE_MAX);
    for (size_t i = 0; i < s.live_n; i++) {
        ks(f, s.live[i]);
    }
    err_t e = rec_bsf_state_put(&f->t, text_of(IMPI), &s);
    if (e != ERR_LIMIT_CAPACITY) { /* a Ks longer than any that is written */
        check_again(f, e, b);
    }
    return true;
}

static bool open_of(struct fixture *f, struct bytes b)
{
    struct rec_bsf_open o;
    if (rec_bsf_open_parse(b, &o) != ERR_OK) {
        return false;
    }
    MUST_HOLD(o.n <= REC_BSF_OPEN_MAX && o.seq <= o.reserved);
    for (size_t i = 0; i < o.n; i++) {
        struct ub_expected x = {0};
        if (rec_bsf_challenge_open(&o.at[i], f->bsf->env.sealer, text_of(IMPI), &x) == ERR_OK) {
            MUST_HOLD(x.res.s.n > 0);
        }
        ub_expected_wipe(&x);
    }
    err_t e = rec_bsf_open_put(&f->t, text_of(IMPI), &o);
    if (e != ERR_LIMIT_CAPACITY) {
        check_again(f, e, b);
    }
    return true;
}

static bool name(struct fixture *f, struct bytes b)
{
    struct impi impi;
    uint8_t buf[IMPI_MAX + 16];
    struct writer w = WRITER_ARRAY(buf);
    (void)f;
    if (rec_name_parse(b, impi.z, sizeof(impi.z)) != ERR_OK) {
        return false;
    }
    MUST_HOLD(rec_name_write(impi.z, &w) == ERR_OK && bytes_eq(writer_view(&w), b));
    return impi_is(text_of(impi.z));
}

/* -- those who read it ------------------------------------------------------------------------------------------ */
static void begin(struct fixture *f)
{
    static struct arena arena;
    arena = arena_of(f->memory, sizeof(f->memory));
    txn_init(&f->t, f->bsf->store, &arena, true);
}

static err_t get(struct fixture *f, const char *name_of, const char *nonce)
{
    static const struct keys_export none;
    char header[1024];
    struct association plain;
    association_init_plain(&plain);
    snprintf(header, sizeof(header),
             "Digest username=\"%s\", realm=\"" BSF "\", nonce=\"%s\", uri=\"/\", response=\"%s\"%s", name_of, nonce,
             nonce[0] == '\0' ? "" : "0123456789abcdef0123456789abcdef",
             nonce[0] == '\0' ? "" : ", algorithm=AKAv1-MD5, qop=auth-int, nc=00000001, cnonce=\"0a4f113b\"");
    struct primitive p = {.op = OP_RETRIEVE, .path = text_of("/"), .expires = USEC_NEVER, .authorization = text_of(header)};
    struct request rq = {.prim = &p, .assoc = &plain, .exported = &none, .now = f->w.now};
    begin(f);
    f->rs.body = WRITER_ARRAY(f->body);
    err_t e = dispatch_run(&role_bsf, f->bsf->ctx, &rq, &f->t, &f->rs);
    MUST_HOLD(e != ERR_BUG && (e == ERR_OK) == (f->rs.rsc < 5000 && f->rs.rsc == 4199)); /* without K there is no 200 */
    return e;
}

static err_t naf(struct fixture *f)
{
    struct naf_id n;
    struct bsf_naf out = {0};
    MUST_HOLD(naf_id_of(text_of("maf.example.com"), naf_id_ua_digest(), &n) == ERR_OK);
    begin(f);
    err_t e = bsf_naf_keys(f->bsf->ctx, &f->t, text_of(f->ks.b_tid.z), &n, f->w.now, &out);
    MUST_HOLD(e != ERR_BUG && (e == ERR_OK) == (secret_is_set(&out.me.s) || secret_is_set(&out.in.s)));
    MUST_HOLD(e != ERR_OK || out.ks.not_after > f->w.now); /* R001-127 */
    bsf_naf_wipe(&out);
    return e;
}

static err_t ctl(struct fixture *f, ctl_handler *handler)
{
    char detail[ROLE_DETAIL_MAX] = "";
    struct ctl_request rq = {.args = f->args, .now = f->w.now};
    struct writer w = WRITER_ARRAY(f->body);
    begin(f);
    err_t e = handler(f->bsf->ctx, &rq, &f->t, &w, detail);
    MUST_HOLD(e != ERR_BUG);
    MUST_HOLD(e != ERR_OK || (writer_finish_z(&w) == ERR_OK && strstr(f->body, KEYS) == NULL));
    return e;
}

static void explain(struct fixture *f, const char *id)
{
    struct explain x;
    struct writer w = WRITER_ARRAY(f->body);
    struct emit e = emit_to(&w);
    begin(f);
    explain_init(&x, &e, text_of(id), f->w.now);
    MUST_HOLD(bsf_explain(f->bsf->ctx, &f->t, &x) != ERR_BUG);
}

/* `good`: the record in the place of the right one can be read; `which` it is. */
static void read_all(struct fixture *f, enum record which, bool good)
{
    const err_t opened = get(f, IMPI, "");
    const err_t answered = get(f, IMPI, f->nonce);
    const err_t by_tmpi = get(f, TMPI, "");
    const err_t key = naf(f);
    const err_t shown = ctl(f, bsf_ctl_show);
    const err_t removed = ctl(f, bsf_ctl_remove);
    (void)ctl(f, bsf_ctl_list);
    explain(f, IMPI);
    explain(f, TMPI);
    explain(f, f->ks.b_tid.z);
    explain(f, "//sp.example.com/Ssim");
    const bool of_impi = which == SUBSCRIBER || which == STATE || which == OPEN;
    MUST_HOLD(good || !of_impi || (opened != ERR_OK && answered != ERR_OK && removed != ERR_OK));
    MUST_HOLD(good || by_tmpi != ERR_OK || which == NUMBERS || which == RAND_OF);
    MUST_HOLD(good || key != ERR_OK || which == OPEN || which == TMPIS || which == RAND_OF);
    MUST_HOLD(good || shown != ERR_OK || which != SUBSCRIBER);
}

/* -- the world, once ------------------------------------------------------------------------------------------------ */
static void keep_right(struct fixture *f, enum record i)
{
    struct store_value v;
    MUST_HOLD(txn_get(&f->t, places[i].table, id_of(f, i), &v) == ERR_OK && v.data.n <= sizeof(f->right[i]));
    memcpy(f->right[i], v.data.p, v.data.n);
    f->right_n[i] = v.data.n;
}

static void put_name(struct fixture *f, enum record i)
{
    uint8_t buf[64];
    struct writer w = WRITER_ARRAY(buf);
    MUST_HOLD(rec_name_write(IMPI, &w) == ERR_OK);
    MUST_HOLD(rec_put(&f->t, places[i].table, id_of(f, i), &w, STORE_PUT_ANY) == ERR_OK);
}

/* A Ks that is live, made up. */
static void bootstrap(struct fixture *f)
{
    static uint8_t buf[REC_BSF_KS_MAX];
    const struct bsf *b = f->bsf->ctx;
    struct writer w = WRITER_ARRAY(buf);
    struct key_ks key = {0};
    struct rec_bsf_state s;
    world_secret(KS, &key.s);
    f->ks = (struct rec_ks){.impi = {IMPI}, .made = T0, .not_after = T0 + INT64_C(3600) * USEC_PER_SEC, .tmpi = TMPI,
                            .enrolee_id = {"//sp.example.com/Ssim"}};
    MUST_HOLD(keys_rand_name(&f->crypto, &b->rand_key, 7, &f->ks.rand) == ERR_OK);
    MUST_HOLD(b_tid_of(&f->ks.rand, text_of(BSF), &f->ks.b_tid) == ERR_OK);
    MUST_HOLD(rec_bsf_ks_write(f->bsf->env.sealer, &f->ks, &key, &w) == ERR_OK);
    MUST_HOLD(rec_bsf_state_get(&f->t, text_of(IMPI), &s) == ERR_OK);
    s.number = 7;
    s.live[0] = writer_view(&w);
    s.live_n = 1;
    MUST_HOLD(rec_bsf_state_put(&f->t, text_of(IMPI), &s) == ERR_OK);
}

static void make_world(struct fixture *f)
{
    static struct world_reply r;
    world_init(&f->w, T0);
    f->bsf = world_add(&f->w, &role_bsf, BSF, "[bsf]\nfqdn = " BSF "\n");
    f->crypto = *crypto_openssl();
    f->crypto.random = same;
    f->bsf->sealer.crypto = f->bsf->env.crypto = &f->crypto;
    world_reload(&f->w, f->bsf, "[bsf]\nfqdn = " BSF "\n");
    MUST_HOLD(world_ctl(&f->w, f->bsf, "subscriber", "add",
                        "{\"impi\":\"" IMPI "\",\"kind\":\"milenage\",\"key\":\"" KEYS "\",\"enrolee-id\":\"//sp.example.com/Ssim\","
                        "\"naf\":\"maf.example.com\",\"uss\":\"7;type=0;group=m2m;flag=1;uid=a\"}", &r) == ERR_OK);
    f->args = json_pack("{s:s}", "IMPI", IMPI);
    MUST_HOLD(f->args != NULL && store_begin(f->bsf->store, true) == ERR_OK);
    MUST_HOLD(get(f, IMPI, "") == ERR_OK && sscanf(strstr(f->rs.headers, "nonce=\""), "nonce=\"%127[^\"]\"", f->nonce) == 1);
    bootstrap(f);
    put_name(f, NUMBERS);
    put_name(f, RAND_OF);
    put_name(f, TMPIS);
    for (enum record i = 0; i < RECORDS; i++) {
        keep_right(f, i);
    }
    MUST_HOLD(txn_apply(&f->t) == ERR_OK && store_commit(f->bsf->store) == ERR_OK);
}

/* -- one input ------------------------------------------------------------------------------------------------------ */
/* The octets themselves, or pairs of a place in the right record and what stands there instead, and how much is cut off. */
static struct bytes made_of(const struct fixture *f, enum record i, uint8_t how, struct reader *r)
{
    static uint8_t buf[REC_MAX];
    struct bytes in = reader_take(r, reader_left(r));
    size_t n = f->right_n[i];
    if ((how & 1) != 0) {
        return in;
    }
    memcpy(buf, f->right[i], n);
    for (size_t k = 0; k + 2 < in.n; k += 3) {
        buf[(in.p[k] * 256u + in.p[k + 1]) % n] = in.p[k + 2];
    }
    return bytes_of(buf, (how & 2) != 0 ? n - (how >> 2) % n : n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture f;
    static bool (*const codecs[RECORDS])(struct fixture *f, struct bytes b) = {
        [SUBSCRIBER] = subscriber, [STATE] = state, [NUMBERS] = name, [RAND_OF] = name, [OPEN] = open_of, [TMPIS] = name};
    if (f.bsf == NULL) {
        make_world(&f);
    }
    struct reader r = reader_of(bytes_of(data, size));
    const enum record which = reader_u8(&r) % RECORDS;
    const struct bytes b = made_of(&f, which, reader_u8(&r), &r);
    MUST_HOLD(store_begin(f.bsf->store, true) == ERR_OK);
    for (enum record i = OPEN; i < RECORDS; i++) { /* a rollback leaves these as they are */
        MUST_HOLD(store_put(f.bsf->store, places[i].table, text_bytes(id_of(&f, i)), bytes_of(f.right[i], f.right_n[i]), STORE_PUT_ANY, 0) == ERR_OK);
    }
    if (b.n <= REC_MAX) {
        MUST_HOLD(store_put(f.bsf->store, places[which].table, text_bytes(id_of(&f, which)), b, STORE_PUT_ANY, 0) == ERR_OK);
        begin(&f);
        read_all(&f, which, codecs[which](&f, b));
    }
    store_rollback(f.bsf->store);
    return 0;
}
