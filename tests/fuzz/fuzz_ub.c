/*
 * Ub against the BSF in the world of the scenario tests: headers that somebody else wrote, in any order, some of them with the nonce of the last
 * challenge, while commits fail and memory is forgotten. Nobody without K gets Ks, and no sequence number is sent twice.
 */
#include "aka/aka_auc.h"
#include "base/hex.h"
#include "fuzz.h"
#include "fuzz_steps.h"
#include "role/bsf/bsf_ctx.h"
#include "store/store_volatile.h"
#include "wire/aka_nonce.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define IMPI "made-up@example.com"
#define BSF "bsf.example.com"
#define KEYS "465b5ce8b199b49faa5f0a2ee238a6bccd63cb71954a9f4e48a5994e37a02baf"

struct fixture {
    struct world w;
    struct world_node *bsf;
    struct world_reply r;
    struct txn t;
    struct response rs;
    char nonce[128];
    uint64_t sqn;  /* the highest that was sent */
    bool lost;     /* the next commit fails, and its answer never leaves */
    char body[8192];
    char memory[1u << 16];
};

static void check_number(struct fixture *f)
{
    struct aka_keys keys = aka_keys_milenage();
    struct aka_output o = {0};
    struct aka_nonce n;
    struct aka_rand rand;
    struct writer k = writer_of(keys.k.s.b, 16), opc = writer_of(keys.opc.s.b, 16);
    MUST_HOLD(hex_parse(text_take(text_of(KEYS), 32), &k) == ERR_OK && hex_parse(text_skip(text_of(KEYS), 32), &opc) == ERR_OK);
    keys.k.s.n = keys.opc.s.n = 16;
    MUST_HOLD(aka_nonce_parse(text_of(f->nonce), &n) == ERR_OK);
    memcpy(rand.b, n.rand, sizeof(rand.b));
    MUST_HOLD(aka_f2345(f->bsf->env.crypto, &keys, &rand, &o) == ERR_OK);
    const uint64_t sqn = aka_sqn_reveal(n.autn, &o.ak);
    MUST_HOLD(aka_sqn_seq(sqn) > aka_sqn_seq(f->sqn));
    f->sqn = sqn;
}

static void get(struct fixture *f, struct text authorization)
{
    static const struct keys_export none;
    struct association plain;
    struct arena arena = arena_of(f->memory, sizeof(f->memory));
    association_init_plain(&plain);
    struct primitive p = {.op = OP_RETRIEVE, .path = text_of("/"), .expires = USEC_NEVER, .authorization = authorization};
    struct request rq = {.prim = &p, .assoc = &plain, .exported = &none, .now = f->w.now};
    MUST_HOLD(store_begin(f->bsf->store, true) == ERR_OK);
    txn_init(&f->t, f->bsf->store, &arena, true);
    f->rs.body = WRITER_ARRAY(f->body);
    err_t e = dispatch_run(&role_bsf, f->bsf->ctx, &rq, &f->t, &f->rs);
    struct dispatch_about about = {&plain, text_of("/"), f->w.now};
    const struct audit_chain before = f->bsf->chain;
    MUST_HOLD(dispatch_keep(&f->t, e, &about, f->bsf->env.crypto, &f->bsf->chain) == ERR_OK);
    if (f->lost) {
        f->lost = false;
        store_rollback(f->bsf->store);
        f->bsf->chain = before;
        return;
    }
    MUST_HOLD(store_commit(f->bsf->store) == ERR_OK);
    MUST_HOLD(e != ERR_OK || f->rs.rsc == 4199); /* without K there is no 200 */
    const char *at = e == ERR_OK ? strstr(f->rs.headers, "nonce=\"") : NULL;
    if (at != NULL) {
        MUST_HOLD(sscanf(at, "nonce=\"%127[^\"]\"", f->nonce) == 1);
        check_number(f);
    }
}

static void step(struct fixture *f, const struct fuzz_step *s)
{
    char header[2048];
    const char *more = (s->what & 4) != 0 ? ", auts=\"AAAAAAAAAAAAAAAAAAA=\"" : "";
    f->lost = (s->what & 8) != 0;
    if ((s->what & 16) != 0) {
        store_volatile_forget(f->bsf->store);
    }
    switch (s->what & 3) {
    case 0:
        get(f, text_of(s->text));
        break;
    case 1:
        get(f, text_of("Digest username=\"" IMPI "\", realm=\"" BSF "\", nonce=\"\", uri=\"/\", response=\"\""));
        break;
    case 2:
        snprintf(header, sizeof(header),
                 "Digest username=\"" IMPI "\", realm=\"" BSF "\", nonce=\"%s\", uri=\"/\", response=\"0123456789abcdef0123456789abcdef\", "
                 "algorithm=AKAv1-MD5, qop=auth-int, nc=00000001, cnonce=\"%.200s\"%s", f->nonce, s->text, more);
        get(f, text_of(header));
        break;
    default:
        f->w.now += (usec_t)strlen(s->text) * 10 * USEC_PER_SEC;
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture f;
    memset(&f, 0, sizeof(f));
    world_init(&f.w, T0);
    f.bsf = world_add(&f.w, &role_bsf, BSF, "[bsf]\nfqdn = " BSF "\n");
    MUST_HOLD(world_ctl(&f.w, f.bsf, "subscriber", "add", "{\"impi\":\"" IMPI "\",\"kind\":\"milenage\",\"key\":\"" KEYS "\"}", &f.r) == ERR_OK);
    struct reader r = reader_of(bytes_of(data, size));
    struct fuzz_step s = {0};
    for (int i = 0; i < FUZZ_STEPS_MAX && fuzz_next_step(&r, &s); i++) {
        step(&f, &s);
    }
    MUST_HOLD(world_count(f.bsf, TABLE_BSF_NUMBER) <= 1);
    world_free(&f.w);
    return 0;
}
