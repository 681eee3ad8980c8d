/* The BSF under a virtual clock: what NAFs are given, each permission, the end of Ks and of a challenge, how many are kept. */
#include "aka/aka_card.h"
#include "role/bsf/bsf_ctx.h"
#include "role/originator.h"
#include "role/zn.h"
#include "shell/crypto_openssl.h"
#include "store/store_volatile.h"
#include "wire/json.h"
#include "wire/bsf_info.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define IMPI "001010123456789@ims.mnc001.mcc001.3gppnetwork.org"
#define BSF "bsf.example.com"
#define K_HEX "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OPC_HEX "cd63cb71954a9f4e48a5994e37a02baf"

struct fixture {
    struct world w;
    struct world_node *bsf;
    struct world_reply r;
    struct aka_card card;
    struct arena arena;
    struct txn t;
    struct response rs;
    bool fail; /* the next commits */
    char body[8192];
    char memory[1u << 17];
    const char *impi; /* under which the card answers */
    const struct vector_answer *vector;
    uint8_t from; /* the end of the address that asks, or 0 */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    world_init(&f->w, T0);
    f->impi = IMPI;
    f->bsf = world_add(&f->w, &role_bsf, BSF, "[bsf]\nfqdn = " BSF "\nks-lifetime = 12h\n");
    struct aka_keys keys = aka_keys_milenage();
    world_secret(K_HEX, &keys.k.s);
    world_secret(OPC_HEX, &keys.opc.s);
    assert_int_equal(aka_card_init(&f->card, &keys), ERR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    aka_card_wipe(&f->card);
    world_free(&f->w);
    free(f);
    return 0;
}

static void add(struct fixture *f, const char *more)
{
    char args[512];
    snprintf(args, sizeof(args), "{\"impi\":\"" IMPI "\",\"kind\":\"milenage\",\"key\":\"" K_HEX OPC_HEX "\"%s}", more);
    assert_int_equal(world_ctl(&f->w, f->bsf, "subscriber", "add", args, &f->r), ERR_OK);
    assert_null(strstr(f->r.body, K_HEX));
}

static void begin(struct fixture *f, bool write)
{
    f->arena = arena_of(f->memory, sizeof(f->memory));
    assert_int_equal(store_begin(f->bsf->store, write), ERR_OK);
    txn_init(&f->t, f->bsf->store, &f->arena, write);
}

/* One GET as the writer runs it. */
static err_t get(struct fixture *f, const char *authorization)
{
    static const struct keys_export none;
    struct association plain;
    association_init_plain(&plain);
    struct primitive p = {.op = OP_RETRIEVE, .path = text_of("/"), .expires = USEC_NEVER, .authorization = text_of(authorization)};
    struct request rq = {.prim = &p, .assoc = &plain, .exported = &none, .now = f->w.now, .vector = f->vector,
                         .ip = {.len = f->from != 0 ? 4 : 0, .b = {192, 0, 2, f->from}}};
    begin(f, true);
    f->rs.body = WRITER_ARRAY(f->body);
    err_t e = dispatch_run(&role_bsf, f->bsf->ctx, &rq, &f->t, &f->rs);
    struct dispatch_about about = {&plain, text_of("/"), f->w.now};
    assert_int_equal(dispatch_keep(&f->t, e, &about, f->bsf->env.crypto, &f->bsf->chain), ERR_OK);
    if (f->fail) {
        store_rollback(f->bsf->store);
    } else {
        assert_int_equal(store_commit(f->bsf->store), ERR_OK);
    }
    return e;
}

/* The nonce of the last challenge. */
static void nonce_of(const struct fixture *f, char out[128])
{
    const char *at = strstr(f->rs.headers, "nonce=\"");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "nonce=\"%127[^\"]\"", out), 1);
}

static void open_ub(struct fixture *f, char nonce[128])
{
    assert_int_equal(get(f, "Digest username=\"" IMPI "\", realm=\"" BSF "\", nonce=\"\", uri=\"/\", response=\"\""), ERR_OK);
    assert_int_equal(primitive_http_status(f->rs.rsc), 401);
    nonce_of(f, nonce);
}

static err_t answer(struct fixture *f, const char *nonce)
{
    const struct crypto *c = f->bsf->env.crypto;
    struct aka_nonce n;
    struct aka_rand rand;
    struct aka_autn autn;
    struct aka_answer a = {0};
    struct key_password password = {0};
    struct key_ha1 h_a1 = {0};
    char response[KEYS_DIGEST_CAP];
    char header[1024];
    assert_int_equal(aka_nonce_parse(text_of(nonce), &n), ERR_OK);
    memcpy(rand.b, n.rand, sizeof(rand.b));
    memcpy(autn.b, n.autn, sizeof(autn.b));
    assert_int_equal(aka_card_authenticate(c, &f->card, &rand, &autn, &a), ERR_OK);
    assert_int_equal(keys_password_akav1(&a.res, &password), ERR_OK);
    assert_int_equal(keys_digest_ha1(c, CRYPTO_MD5, text_of(f->impi), text_of(BSF), &password, &h_a1), ERR_OK);
    const struct keys_digest d = {.hash = CRYPTO_MD5, .integrity = true, .nonce = text_of(nonce), .nc = text_of("00000001"),
                                  .cnonce = text_of("0a4f113b"), .uri = text_of("/"), .method = text_of("GET"), .body = bytes_empty()};
    assert_int_equal(keys_digest_response(c, &d, &h_a1, response), ERR_OK);
    snprintf(header, sizeof(header),
             "Digest username=\"%s\", realm=\"" BSF "\", nonce=\"%s\", uri=\"/\", response=\"%s\", algorithm=AKAv1-MD5, "
             "qop=auth-int, nc=00000001, cnonce=\"0a4f113b\"", f->impi, nonce, response);
    aka_card_answer_wipe(&a);
    return get(f, header);
}

static struct b_tid bootstrap(struct fixture *f)
{
    char nonce[128];
    struct bsf_info info;
    open_ub(f, nonce);
    assert_int_equal(answer(f, nonce), ERR_OK);
    assert_int_equal(primitive_http_status(f->rs.rsc), 200);
    assert_int_equal(bsf_info_parse(writer_view(&f->rs.body), &info), ERR_OK);
    assert_int_equal(info.lifetime, f->w.now + 12 * HOUR); /* R001-127 */
    return info.b_tid;
}

static err_t naf(struct fixture *f, const struct b_tid *id, const char *fqdn, struct bsf_naf *out)
{
    struct naf_id n;
    memset(out, 0, sizeof(*out));
    assert_int_equal(naf_id_of(text_of(fqdn), naf_id_ua_digest(), &n), ERR_OK);
    begin(f, false);
    err_t e = bsf_naf_keys(f->bsf->ctx, &f->t, text_of(id->z), &n, f->w.now, out);
    store_rollback(f->bsf->store);
    return e;
}

static void test_naf_keys_and_permissions(void **state)
{
    struct fixture *f = *state;
    struct bsf_naf n;
    add(f, ",\"enrolee-id\":\"//sp.example.com/Ssim\","
           "\"naf\":\"MAF.example.com,one.example.com=establish,two.example.com=distribute\"");
    struct b_tid id = bootstrap(f);
    assert_int_equal(naf(f, &id, "maf.example.com", &n), ERR_OK);
    assert_true(secret_is_set(&n.me.s) && !secret_is_set(&n.in.s)); /* R001-136 */
    assert_string_equal(n.ks.enrolee_id.z, "//sp.example.com/Ssim"); /* R001-120, R001-122 */
    bsf_naf_wipe(&n);
    assert_int_equal(naf(f, &id, "one.example.com", &n), ERR_DENIED_GUSS_GIVE);   /* refuses R001-124 */
    assert_int_equal(naf(f, &id, "two.example.com", &n), ERR_DENIED_GUSS_KEY);    /* refuses R001-123 */
    assert_int_equal(naf(f, &id, "three.example.com", &n), ERR_DENIED_GUSS_KEY);  /* refuses R001-123 */
    struct b_tid other = id; /* the same RAND at another BSF */
    memcpy(strchr(other.z, '@') + 1, "BSG", 3);
    assert_int_equal(naf(f, &other, "maf.example.com", &n), ERR_DENIED_B_TID);
    f->w.now += 12 * HOUR;
    assert_int_equal(naf(f, &id, "maf.example.com", &n), ERR_DENIED_EXPIRED); /* refuses R001-127 */
    id.z[0] = id.z[0] == 'A' ? 'B' : 'A';
    assert_int_equal(naf(f, &id, "maf.example.com", &n), ERR_DENIED_B_TID);
}

static struct rec_bsf_state state_of(struct fixture *f)
{
    struct rec_bsf_state s;
    begin(f, false);
    assert_int_equal(rec_bsf_state_get(&f->t, text_of(IMPI), &s), ERR_OK);
    store_rollback(f->bsf->store);
    return s;
}

static void test_a_late_answer(void **state)
{
    struct fixture *f = *state;
    char nonce[128];
    add(f, "");
    open_ub(f, nonce);
    f->w.now += 61 * USEC_PER_SEC;
    assert_int_equal(answer(f, nonce), ERR_OK);
    assert_int_equal(primitive_http_status(f->rs.rsc), 401);
    assert_non_null(strstr(f->rs.headers, "stale=true"));
    assert_int_equal(state_of(f).live_n, 0);
}

static struct rec_bsf_open open_of(struct fixture *f)
{
    struct rec_bsf_open o;
    begin(f, false);
    assert_int_equal(rec_bsf_open_get(&f->t, text_of(IMPI), &o), ERR_OK);
    store_rollback(f->bsf->store);
    return o;
}

static void test_bounds(void **state)
{
    struct fixture *f = *state;
    char nonce[128];
    struct bsf_naf n;
    add(f, "");
    struct b_tid first = bootstrap(f);
    for (int i = 0; i < 6; i++) {
        f->w.now += 61 * USEC_PER_SEC;
        open_ub(f, nonce);
        assert_true(open_of(f).n <= REC_BSF_OPEN_MAX);
    }
    for (int i = 0; i < 2; i++) {
        f->w.now += 61 * USEC_PER_SEC;
        (void)bootstrap(f);
    }
    assert_int_equal(state_of(f).live_n, 2);
    assert_int_equal(naf(f, &first, "maf.example.com", &n), ERR_DENIED_B_TID);
    assert_int_equal(world_ctl(&f->w, f->bsf, "subscriber", "remove", "{\"IMPI\":\"" IMPI "\"}", &f->r), ERR_OK);
    assert_int_equal(state_of(f).live_n + open_of(f).n, 0);
    assert_int_equal(world_count(f->bsf, TABLE_BSF_STATE), 1); /* no number twice, whoever comes back */
}

/* More challenges than wait: the oldest makes room, and the others are still good. */
static void test_the_oldest_challenge_makes_room(void **state)
{
    struct fixture *f = *state;
    char nonce[REC_BSF_OPEN_MAX + 1][128];
    add(f, "");
    for (size_t i = 0; i <= REC_BSF_OPEN_MAX; i++) {
        open_ub(f, nonce[i]);
    }
    assert_int_equal(answer(f, nonce[REC_BSF_OPEN_MAX]), ERR_OK);
    assert_int_equal(primitive_http_status(f->rs.rsc), 200);
    assert_int_equal(answer(f, nonce[1]), ERR_OK);
    assert_int_equal(primitive_http_status(f->rs.rsc), 200);
    assert_int_equal(answer(f, nonce[0]), ERR_OK);
    assert_int_equal(primitive_http_status(f->rs.rsc), 401);
}

/* Who removes a subscriber ends what it has, also what it got when the BSF had another name: the IMPI may be another SIM's next. */
/* A stranger who knows an IMPI asks for challenges without end, from two addresses and on both sides of a minute's end: the one that waits
 * for the subscriber, where it last answered, is still there. */
static void test_strangers_push_no_challenge_out(void **state)
{
    struct fixture *f = *state;
    char nonce[128], last[128];
    add(f, "");
    f->from = 1;
    (void)bootstrap(f);
    f->w.now += 61 * USEC_PER_SEC;
    f->from = 66;
    open_ub(f, nonce); /* begins the minute */
    f->w.now += 59 * USEC_PER_SEC;
    f->from = 1;
    open_ub(f, nonce);
    for (int i = 0; i < 5; i++) {
        f->w.now += i == 2 ? USEC_PER_SEC : 0;
        f->from = (uint8_t)(66 + i % 2);
        open_ub(f, last);
    }
    f->from = 1;
    assert_int_equal(answer(f, nonce), ERR_OK);
    assert_int_equal(primitive_http_status(f->rs.rsc), 200);
}

/* Who asks again and again makes room himself, also before anybody has answered. */
static void test_one_address_has_its_own_room(void **state)
{
    struct fixture *f = *state;
    char nonce[128], last[128];
    add(f, "");
    f->from = 66;
    open_ub(f, last);
    f->from = 1;
    open_ub(f, nonce);
    f->from = 66;
    for (int i = 0; i < 4; i++) {
        open_ub(f, last);
    }
    f->from = 1;
    assert_int_equal(answer(f, nonce), ERR_OK);
    assert_int_equal(primitive_http_status(f->rs.rsc), 200);
}

/* A question of a NAF as the writer runs it. */
static err_t ask_zn_as(struct fixture *f, const struct b_tid *id, const char *naf_fqdn)
{
    static const struct keys_export none;
    const struct role_cert cert = {.dns = {text_of("maf.example.com")}, .dns_n = 1, .not_after = USEC_NEVER};
    struct association maf = {.not_after = 0};
    struct zn_ask ask = {.gsids_n = 0};
    uint8_t octets[1024];
    struct writer w = WRITER_ARRAY(octets);
    assert_int_equal(originator_of_cert(&cert, &maf), ERR_OK);
    assert_int_equal(naf_id_of(text_of(naf_fqdn), naf_id_ua_digest(), &ask.naf_id), ERR_OK);
    memcpy(ask.naf_id.b, naf_fqdn, strlen(naf_fqdn)); /* as it is spelled */
    assert_int_equal(TEXT_COPY(text_of(id->z), ask.b_tid), ERR_OK);
    assert_int_equal(zn_json_form.ask_write(&ask, &w), ERR_OK);
    struct primitive p = {.op = OP_NOTIFY, .path = text_of(zn_json_form.path), .rqi = text_of("1"), .rvi = text_of("3"),
                          .expires = USEC_NEVER, .media = MEDIA_JSON, .content = writer_view(&w)};
    assert_int_equal(json_parse(p.content, &p.pc), ERR_OK);
    struct request rq = {.prim = &p, .assoc = &maf, .exported = &none, .now = f->w.now};
    begin(f, true);
    f->rs.body = WRITER_ARRAY(f->body);
    err_t e = dispatch_run(&role_bsf, f->bsf->ctx, &rq, &f->t, &f->rs);
    struct dispatch_about about = {&maf, p.path, f->w.now};
    assert_int_equal(dispatch_keep(&f->t, e, &about, f->bsf->env.crypto, &f->bsf->chain), ERR_OK);
    assert_int_equal(store_commit(f->bsf->store), ERR_OK);
    json_decref(p.pc);
    return e;
}

static err_t ask_zn(struct fixture *f, const struct b_tid *id)
{
    return ask_zn_as(f, id, "maf.example.com");
}

/* A NAF that asks without end, in every spelling of its name and for what it may not have: its events are so many, and those of others go on. */
static void test_a_naf_that_asks_without_end(void **state)
{
    static const char *const spellings[] = {"maf.example.com", "MAF.example.com", "mAf.example.com", "maf.EXAMPLE.com", "maf.example.COM"};
    struct fixture *f = *state;
    add(f, ",\"naf\":\"in.example.com\"");
    struct b_tid forbidden = bootstrap(f);
    const uint64_t before = f->bsf->chain.next;
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(ask_zn_as(f, &forbidden, spellings[i % 5]), ERR_DENIED_GUSS_KEY);
    }
    assert_int_equal(f->bsf->chain.next, before + 30);
    for (int i = 0; i < 100; i++) { /* another reason, other events */
        assert_int_equal(ask_zn_as(f, &forbidden, "in.example.com"), ERR_DENIED_FROM);
    }
    assert_int_equal(f->bsf->chain.next, before + 60);
    (void)bootstrap(f); /* somebody else: an event as ever */
    assert_int_equal(f->bsf->chain.next, before + 61);
    f->w.now += 61 * USEC_PER_SEC; /* the next minute */
    assert_int_equal(ask_zn(f, &forbidden), ERR_DENIED_GUSS_KEY);
    assert_int_equal(f->bsf->chain.next, before + 62);
}

/* Given, too: a name has as many spellings as letters allow. */
static void test_spellings_of_a_naf_are_one(void **state)
{
    struct fixture *f = *state;
    add(f, "");
    struct b_tid id = bootstrap(f);
    const uint64_t before = f->bsf->chain.next;
    for (int i = 0; i < 100; i++) {
        char name[] = "maf.example.com";
        for (int k = 0; k < 7; k++) {
            name[4 + k] = (char)(name[4 + k] ^ ((i >> k & 1) != 0 ? 0x20 : 0));
        }
        assert_int_equal(ask_zn_as(f, &id, name), ERR_OK);
    }
    assert_int_equal(f->bsf->chain.next, before + 30);
}

/* Whoever shows a NAF a B-TID makes it ask, without a proof: neither names that he made up nor one that he has seen fill the disk of the BSF. */
static void test_what_strangers_make_a_naf_ask_is_bounded(void **state)
{
    struct fixture *f = *state;
    const struct b_tid made_up = {.z = "AAECAwQFBgcICQoLDA0ODw==@" BSF};
    add(f, "");
    struct b_tid seen = bootstrap(f);
    uint64_t before = f->bsf->chain.next;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ask_zn(f, &made_up), ERR_DENIED_B_TID);
    }
    assert_int_equal(f->bsf->chain.next, before);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ask_zn(f, &seen), ERR_OK);
        f->w.now += USEC_PER_SEC / 2;
    }
    assert_int_equal(f->bsf->chain.next, before + 30);
    f->w.now += 10 * USEC_PER_SEC; /* the next minute */
    assert_int_equal(ask_zn(f, &seen), ERR_OK);
    assert_int_equal(f->bsf->chain.next, before + 31);
}

static void test_another_name_of_the_bsf(void **state)
{
    struct fixture *f = *state;
    struct bsf_naf n;
    add(f, "");
    struct b_tid id = bootstrap(f);
    world_reload(&f->w, f->bsf, "[bsf]\nfqdn = other.example.com\nks-lifetime = 12h\n");
    assert_int_equal(naf(f, &id, "maf.example.com", &n), ERR_OK);
    bsf_naf_wipe(&n);
    assert_int_equal(world_ctl(&f->w, f->bsf, "subscriber", "remove", "{\"IMPI\":\"" IMPI "\"}", &f->r), ERR_OK);
    add(f, "");
    assert_int_equal(naf(f, &id, "maf.example.com", &n), ERR_DENIED_B_TID);
    assert_int_equal(state_of(f).live_n, 0);
}

/* Numbers of a SIM end: a card takes no jump of more than 2^28 [TS 33.102 C.2.1], and who makes memory forget makes blocks of them go. */
static void test_what_forgetting_costs(void **state)
{
    struct fixture *f = *state;
    char nonce[128];
    size_t n = 0;
    const char *open = "Digest username=\"" IMPI "\", realm=\"" BSF "\", nonce=\"\", uri=\"/\", response=\"\"";
    add(f, "");
    for (err_t e = ERR_OK; e == ERR_OK; n++) {
        assert_in_range(n, 0, 6);
        store_volatile_forget(f->bsf->store);
        e = get(f, open);
        assert_true(e == ERR_OK || e == ERR_DENIED_CHALLENGES);
    }
    f->w.now += 61 * USEC_PER_SEC;
    open_ub(f, nonce);
    assert_int_equal(answer(f, nonce), ERR_OK);
    assert_int_equal(primitive_http_status(f->rs.rsc), 200);
    for (size_t i = 0; i < 3; i++) { /* who proves who he is begins anew */
        store_volatile_forget(f->bsf->store);
        (void)bootstrap(f);
    }
}

/* What an operator says was given elsewhere is never given here, also if it is within what is reserved here. */
static void test_numbers_given_elsewhere(void **state)
{
    struct fixture *f = *state;
    char nonce[128];
    add(f, "");
    (void)bootstrap(f);
    assert_int_equal(world_ctl(&f->w, f->bsf, "subscriber", "remove", "{\"IMPI\":\"" IMPI "\"}", &f->r), ERR_OK);
    add(f, ",\"sqn\":\"000000000145\""); /* SEQ 10 */
    for (unsigned i = 0; i < AKA_WINDOW; i++) {
        f->card.window.seq[i] = 10;
    }
    open_ub(f, nonce);
    assert_int_equal(answer(f, nonce), ERR_OK); /* the card takes it */
    assert_int_equal(primitive_http_status(f->rs.rsc), 200);
}

/* -- subscribers of an HLR ------------------------------------------------------------------------------- */
#define OTHER "001010123456789@ims.mnc010.mcc001.3gppnetwork.org" /* the same SIM, if its MNC had three digits */

static int setup_hlr(void **state)
{
    (void)setup(state);
    struct fixture *f = *state;
    world_reload(&f->w, f->bsf, "[bsf]\nfqdn = " BSF "\nks-lifetime = 12h\nsubscribers = gsup\nhlr = 127.0.0.1:4222\n");
    return 0;
}

/* A request of a SIM that the HLR knows, once more with the vector that it gave. */
static err_t get_with_settings(struct fixture *f, const char *authorization, uint64_t seq, const char *guss)
{
    const struct crypto *c = f->bsf->env.crypto;
    struct aka_vector v;
    struct aka_rand rand;
    const struct aka_f1_input in = {.rand = &rand, .sqn = aka_sqn_make(seq, (unsigned)seq)};
    TRY(get(f, authorization));
    assert_true(f->rs.vector.asked);
    const struct vector_question q = f->rs.vector;
    assert_int_equal(c->random(rand.b, sizeof(rand.b)), ERR_OK);
    assert_int_equal(aka_auc_compute(c, &f->card.keys, &in, &v), ERR_OK);
    const struct vector_answer a = {.question = &q, .err = ERR_OK, .vector = &v, .guss = text_bytes(text_of(guss))};
    f->vector = &a;
    err_t e = get(f, authorization);
    f->vector = NULL;
    aka_auc_vector_wipe(&v);
    return e;
}

static err_t get_with_vector(struct fixture *f, const char *authorization, uint64_t seq)
{
    return get_with_settings(f, authorization, seq, "");
}

#define OPEN_AS(impi) "Digest username=\"" impi "\", realm=\"" BSF "\", nonce=\"\", uri=\"/\", response=\"\""

static void test_two_names_of_a_sim(void **state)
{
    struct fixture *f = *state;
    struct bsf_naf n;
    struct bsf_info info;
    char nonce[128];
    f->impi = OTHER;
    assert_int_equal(get_with_vector(f, OPEN_AS(OTHER), 1), ERR_OK);
    nonce_of(f, nonce);
    assert_int_equal(answer(f, nonce), ERR_OK);
    assert_int_equal(bsf_info_parse(writer_view(&f->rs.body), &info), ERR_OK);
    assert_int_equal(naf(f, &info.b_tid, "maf.example.com", &n), ERR_OK); /* nobody has said anything of it */
    bsf_naf_wipe(&n);
    const char *settings = "{\"impi\":\"" IMPI "\",\"kind\":\"hlr\",\"naf\":\"maf.example.com=none\"}";
    assert_int_equal(world_ctl(&f->w, f->bsf, "subscriber", "add", settings, &f->r), ERR_OK);
    assert_int_equal(naf(f, &info.b_tid, "maf.example.com", &n), ERR_DENIED_B_TID); /* refuses R001-124 */
    assert_int_equal(get(f, OPEN_AS(OTHER)), ERR_DENIED_IMPI);                      /* refuses R001-123 */
    assert_int_equal(get(f, OPEN_AS(IMPI)), ERR_DENIED_GUSS_KEY);                   /* refuses R001-123 */
    world_reload(&f->w, f->bsf, "[bsf]\nfqdn = " BSF "\n"); /* its keys were another's, and nobody is asked any more */
    assert_int_equal(get(f, OPEN_AS(IMPI)), ERR_DENIED_IMPI);
}

/* What an operator says of a SIM holds however he spells the domain: the BSF asks and counts under the one in lower case. */
static void test_settings_hold_in_any_spelling(void **state)
{
    struct fixture *f = *state;
    const char *named = "{\"IMPI\":\"001010123456789@IMS.mnc001.mcc001.3gppnetwork.org\"}";
    const char *settings = "{\"impi\":\"001010123456789@IMS.mnc001.mcc001.3gppnetwork.org\",\"kind\":\"hlr\",\"naf\":\"maf.example.com=none\"}";
    assert_int_equal(world_ctl(&f->w, f->bsf, "subscriber", "add", settings, &f->r), ERR_OK);
    assert_int_equal(get(f, OPEN_AS(IMPI)), ERR_DENIED_GUSS_KEY); /* refuses R001-123 */
    assert_int_equal(world_ctl(&f->w, f->bsf, "subscriber", "show", named, &f->r), ERR_OK);
    assert_int_equal(world_ctl(&f->w, f->bsf, "subscriber", "remove", named, &f->r), ERR_OK);
    assert_int_equal(get(f, OPEN_AS(IMPI)), ERR_OK);
    assert_true(f->rs.vector.asked);
}

/* -- commands -------------------------------------------------------------------------------------------- */
static void test_an_import_with_shifted_columns_shows_no_key(void **state)
{
    static const char *const heads[] = {"impi,k,opc", "imsi,k,opc", "k,amf,opc", "k,naf,opc", "k,lifetime,opc", "k,enrolee-id,opc", "k,uss,opc"};
    struct fixture *f = *state;
    char args[1024];
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        snprintf(args, sizeof(args), "{\"line\":\"2\",\"head\":\"%s,card\",\"key\":\"" K_HEX "," OPC_HEX "," OPC_HEX ",me\"}", heads[i]);
        assert_int_equal(world_ctl(&f->w, f->bsf, "subscriber", "import", args, &f->r), ERR_OK);
        assert_non_null(strstr(f->r.body, "\"line\":2"));
        assert_null(strstr(f->r.body, "465b5ce8"));
        assert_null(strstr(f->r.body, "cd63cb71"));
    }
}

static void test_a_lifetime_that_no_device_takes(void **state)
{
    struct fixture *f = *state;
    const char *args = "{\"impi\":\"" IMPI "\",\"kind\":\"milenage\",\"key\":\"" K_HEX OPC_HEX "\",\"lifetime\":\"3651d\"}";
    assert_int_equal(world_ctl(&f->w, f->bsf, "subscriber", "add", args, &f->r), ERR_MALFORMED_TIME);
    add(f, ",\"lifetime\":\"3650d\"");
}

static uint64_t seq_of(struct fixture *f, const char *nonce)
{
    struct aka_keys keys = aka_keys_milenage();
    struct aka_nonce n;
    struct aka_rand rand;
    struct aka_output o = {0};
    world_secret(K_HEX, &keys.k.s);
    world_secret(OPC_HEX, &keys.opc.s);
    assert_int_equal(aka_nonce_parse(text_of(nonce), &n), ERR_OK);
    memcpy(rand.b, n.rand, sizeof(rand.b));
    assert_int_equal(aka_f2345(f->bsf->env.crypto, &keys, &rand, &o), ERR_OK);
    return aka_sqn_seq(aka_sqn_reveal(n.autn, &o.ak));
}

/* A challenge is kept in memory: it costs no record but once in a block of numbers, and what a restart forgets is asked for again. No
 * number comes twice, whatever is forgotten and whatever could not be committed. */
static void test_numbers_and_restarts(void **state)
{
    struct fixture *f = *state;
    char nonce[128];
    uint64_t last = 0;
    size_t durable = 0;
    add(f, "");
    for (int i = 0; i < 200; i++) {
        f->w.now += 61 * USEC_PER_SEC;
        if (i % 50 == 20) {
            store_volatile_forget(f->bsf->store); /* a restart */
        }
        open_ub(f, nonce);
        durable += txn_is_durable(&f->t) ? 1 : 0;
        assert_true(seq_of(f, nonce) > last);
        last = seq_of(f, nonce);
        if (i % 50 == 30) {
            assert_int_equal(answer(f, nonce), ERR_OK);
            assert_int_equal(primitive_http_status(f->rs.rsc), 200);
        }
    }
    assert_true(durable <= 4 + 200 / 32 + 1);
    store_volatile_forget(f->bsf->store);
    assert_int_equal(answer(f, nonce), ERR_OK);
    assert_non_null(strstr(f->rs.headers, "stale=true"));
    nonce_of(f, nonce);
    assert_true(seq_of(f, nonce) > last);
    assert_int_equal(answer(f, nonce), ERR_OK);
    assert_int_equal(primitive_http_status(f->rs.rsc), 200);
}

/* What was reserved in a transaction that failed was not reserved. */
static void test_a_commit_that_fails(void **state)
{
    struct fixture *f = *state;
    char nonce[128];
    add(f, "");
    f->fail = true;
    open_ub(f, nonce);
    f->fail = false;
    assert_int_equal(state_of(f).seq, 0);
    assert_true(open_of(f).seq > 0);
    open_ub(f, nonce);
    assert_true(txn_is_durable(&f->t)); /* reserved now */
}

/* What the store gives back cut short, at each octet, is no record. */
static void test_records_cut_short(void **state)
{
    struct fixture *f = *state;
    struct bytes b[2];
    char nonce[128];
    add(f, "");
    (void)bootstrap(f);
    open_ub(f, nonce);
    begin(f, false);
    assert_int_equal(rec_get(&f->t, TABLE_BSF_STATE, text_of(IMPI), &b[0]), ERR_OK);
    assert_int_equal(rec_get(&f->t, TABLE_BSF_OPEN, text_of(IMPI), &b[1]), ERR_OK);
    for (size_t n = 0; n < b[0].n; n++) {
        struct rec_bsf_state s;
        assert_int_equal(rec_bsf_state_parse(bytes_of(b[0].p, n), &s), ERR_MALFORMED_RECORD);
    }
    for (size_t n = 0; n < b[1].n; n++) {
        struct rec_bsf_open o;
        assert_int_equal(rec_bsf_open_parse(bytes_of(b[1].p, n), &o), ERR_MALFORMED_RECORD);
    }
    struct rec_bsf_state s;
    struct rec_ks k;
    assert_int_equal(rec_bsf_state_parse(b[0], &s), ERR_OK);
    assert_int_equal(s.live_n, 1);
    for (size_t n = 0; n < s.live[0].n; n++) {
        assert_int_equal(rec_bsf_ks_parse(bytes_of(s.live[0].p, n), text_of(IMPI), &k), ERR_MALFORMED_RECORD);
    }
    assert_int_equal(rec_bsf_ks_parse(s.live[0], text_of(IMPI), &k), ERR_OK);
    store_rollback(f->bsf->store);
}

/* Settings of an HSS: it is told when those that are here were made, and leaves them out if it has no others. */
static void test_settings_that_are_here(void **state)
{
    static const char guss[] = "<guss><timestamp>2023-11-14T22:13:20Z</timestamp><ussList><uss id='7' nafGroup='maf.example.com'/></ussList></guss>";
    struct fixture *f = *state;
    struct rec_subscriber s;
    struct aka_vector v = {0};
    assert_int_equal(get_with_settings(f, OPEN_AS(IMPI), 1, guss), ERR_OK);
    assert_int_equal(get(f, OPEN_AS(IMPI)), ERR_OK);
    assert_int_equal(f->rs.vector.guss_made, INT64_C(1700000000) * USEC_PER_SEC);
    const struct vector_question q = f->rs.vector;
    assert_int_equal(get_with_settings(f, OPEN_AS(IMPI), 2, ""), ERR_OK);
    begin(f, false);
    assert_int_equal(rec_subscriber_get(&f->t, text_of(IMPI), &s), ERR_OK);
    assert_int_equal(s.nafs_n, 1);
    store_rollback(f->bsf->store);
    /* removed while the question was under way: not let in without what they forbid, but asked again, and then they come whole */
    assert_int_equal(world_ctl(&f->w, f->bsf, "subscriber", "remove", "{\"IMPI\":\"" IMPI "\"}", &f->r), ERR_OK);
    memset(v.rand.b, 0x77, sizeof(v.rand.b));
    f->vector = &(struct vector_answer){.question = &q, .err = ERR_OK, .vector = &v, .guss = bytes_empty()};
    assert_int_equal(get(f, OPEN_AS(IMPI)), ERR_ZH_BUSY);
    f->vector = NULL;
    assert_int_equal(get(f, OPEN_AS(IMPI)), ERR_OK);
    assert_true(f->rs.vector.asked && f->rs.vector.guss_made == 0);
}

/* Records that somebody else may have put there: another's settings in the place of one's own, keys where there may be none, a TMPI of nobody. */
static void test_records_of_others(void **state)
{
    struct fixture *f = *state;
    struct bytes own;
    uint8_t buf[64];
    add(f, "");
    begin(f, true);
    assert_int_equal(rec_get(&f->t, TABLE_BSF_SUBSCRIBER, text_of(IMPI), &own), ERR_OK);
    assert_int_equal(txn_put(&f->t, TABLE_BSF_SUBSCRIBER, text_of("other@example.com"), own, STORE_PUT_ANY, 0), ERR_OK);
    struct rec_subscriber s;
    assert_int_equal(rec_subscriber_get(&f->t, text_of("other@example.com"), &s), ERR_MALFORMED_RECORD);
    assert_int_equal(rec_subscriber_get(&f->t, text_of(IMPI), &s), ERR_OK);
    size_t source = own.n - (2 + s.k.n) - (2 + s.opc.n) - 10; /* then no USS, no time, K and OPc */
    assert_int_equal(own.p[source], SUBSCRIBER_HERE);
    uint8_t *p = memcpy(f->body, own.p, own.n);
    p[source] = SUBSCRIBER_SETTINGS;
    assert_int_equal(rec_subscriber_parse(bytes_of(p, own.n), &s), ERR_MALFORMED_RECORD);
    struct writer w = WRITER_ARRAY(buf);
    assert_int_equal(rec_name_write("", &w), ERR_OK);
    assert_int_equal(rec_put(&f->t, TABLE_BSF_TMPI, text_of("x" BSF_TMPI_DOMAIN), &w, STORE_PUT_ANY), ERR_OK);
    assert_int_equal(txn_apply(&f->t), ERR_OK);
    assert_int_equal(store_commit(f->bsf->store), ERR_OK);
    assert_int_equal(get(f, "Digest username=\"x" BSF_TMPI_DOMAIN "\", realm=\"" BSF "\", nonce=\"\", uri=\"/\", response=\"\""),
                     ERR_MALFORMED_RECORD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_naf_keys_and_permissions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_late_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_oldest_challenge_makes_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strangers_push_no_challenge_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_address_has_its_own_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_strangers_make_a_naf_ask_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_name_of_the_bsf, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_forgetting_costs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers_given_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_naf_that_asks_without_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spellings_of_a_naf_are_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_names_of_a_sim, setup_hlr, teardown),
        cmocka_unit_test_setup_teardown(test_settings_hold_in_any_spelling, setup_hlr, teardown),
        cmocka_unit_test_setup_teardown(test_an_import_with_shifted_columns_shows_no_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_lifetime_that_no_device_takes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers_and_restarts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_commit_that_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_records_cut_short, setup, teardown),
        cmocka_unit_test_setup_teardown(test_records_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_settings_that_are_here, setup_hlr, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
