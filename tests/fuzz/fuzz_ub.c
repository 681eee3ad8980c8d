/*
 * Ub against the BSF in the world of the scenario tests: headers that somebody else wrote, in any order, some of them with the nonce of the last
 * challenge. Nobody without K gets Ks, and no sequence number comes twice.
 */
#include "fuzz.h"
#include "fuzz_steps.h"
#include "role/bsf/bsf_ctx.h"
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
    char body[8192];
    char memory[1u << 16];
};

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
    MUST_HOLD(dispatch_keep(&f->t, e, &about, f->bsf->env.crypto, &f->bsf->chain) == ERR_OK);
    MUST_HOLD(store_commit(f->bsf->store) == ERR_OK);
    MUST_HOLD(e != ERR_OK || f->rs.rsc == 4199); /* without K there is no 200 */
    const char *at = e == ERR_OK ? strstr(f->rs.headers, "nonce=\"") : NULL;
    if (at != NULL) {
        MUST_HOLD(sscanf(at, "nonce=\"%127[^\"]\"", f->nonce) == 1);
    }
}

static void step(struct fixture *f, const struct fuzz_step *s)
{
    char header[2048];
    const char *more = (s->what & 4) != 0 ? ", auts=\"AAAAAAAAAAAAAAAAAAA=\"" : "";
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
    MUST_HOLD(world_count(f.bsf, TABLE_BSF_KS) == 0);
    world_free(&f.w);
    return 0;
}
