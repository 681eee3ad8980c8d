/*
 * Any From, path and content at the gate, from an AE, a CSE and the plain listener: it hands on nobody but whom the association
 * is, sends a notification nowhere but to what the operator listed, and says the same when it refuses.
 */
#include "fuzz.h"
#include "role/gate/gate_from.h"
#include "role/gate/gate_hop.h"
#include "store/store_memory.h"

#include <string.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)
#define LISTED "http://192.0.2.7:8080"

static bool may_call(const void *who, const char *url)
{
    (void)who;
    size_t n = strlen(LISTED);
    return strncmp(url, LISTED, n) == 0 && (url[n] == '/' || url[n] == '\0');
}

static void prepare(struct gate_ctx *g)
{
    memset(g, 0, sizeof(*g));
    g->cse.env.may_call = may_call;
    g->cse.frameworks = 1U << ASSOCIATION_PSK;
    strcpy(g->cse.sp.z, "sp.example.com");
    strcpy(g->cse.csi.z, "/in");
    strcpy(g->cse.self.z, "//sp.example.com/in");
    strcpy(g->behind, "http://127.0.0.1:8080");
    MUST_HOLD(ipaddr_net_parse(text_of("127.0.0.1"), &g->notifiers[g->notifiers_n++]) == ERR_OK);
}

static void associate(struct association *a, unsigned who)
{
    association_init_plain(a);
    if (who == 2) {
        return;
    }
    a->framework = ASSOCIATION_PSK;
    a->peer = who == 0 ? PEER_AE : PEER_CSE;
    strcpy(a->ids[0].z, who == 0 ? "//sp.example.com/in/Cone" : "//sp.example.com/mn");
    a->ids_n = 1;
}

static void check(const struct gate_ctx *g, const struct request *rq, struct txn *t, unsigned who)
{
    struct hop to;
    static uint8_t body[4096];
    struct response rs = {.body = WRITER_ARRAY(body)};
    err_t e = gate_hop_next(g, rq, t, &to);
    MUST_HOLD(gate_hop_refuse(g, rq, t, &rs) == (e == ERR_OK ? ERR_LIMIT_BUSY : e));
    if (e != ERR_OK) {
        return;
    }
    if (who == 2) {
        MUST_HOLD(rq->prim->op == OP_NOTIFY && to.whole && may_call(NULL, to.url));
        return;
    }
    MUST_HOLD(!to.whole && strcmp(to.url, g->behind) == 0);
    MUST_HOLD(who == 0 ? strcmp(to.from, "Cone") == 0
                       : strcmp(to.from, "/mn") == 0 || strncmp(to.from, "/mn/C", 5) == 0);
}

static struct text text_in(struct bytes b)
{
    return text_span((const char *)b.p, b.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gate_ctx g;
    static struct store *store;
    static uint8_t memory[65536];
    if (store == NULL) {
        prepare(&g);
        MUST_HOLD(store_memory_open(&store) == ERR_OK);
    }
    struct reader r = reader_of(bytes_of(data, size));
    unsigned who = reader_u8(&r) % 3;
    unsigned what = reader_u8(&r);
    struct bytes from = reader_block16(&r);
    struct bytes path = reader_block16(&r);
    if (reader_failed(&r) || from.n >= M2MID_MAX || path.n > 512) {
        return 0;
    }
    struct association a;
    associate(&a, who);
    const struct primitive p = {.op = OP_CREATE + what % 5, .path = text_in(path), .to = text_in(path), .has_from = from.n > 0,
                                .from = text_in(from), .has_ty = (what & 64) != 0, .ty = 2, .expires = USEC_NEVER};
    const struct request rq = {.prim = &p, .assoc = &a, .ip = {.b = {127, 0, 0, 1}, .len = 4}, .now = NOW};
    struct arena arena = arena_of(memory, sizeof(memory));
    struct txn t;
    MUST_HOLD(store_begin(store, false) == ERR_OK);
    txn_init(&t, store, &arena, false);
    check(&g, &rq, &t, who);
    store_rollback(store);
    return 0;
}
