/* What every role has in common: routes, refusals, what is kept of a request, and how an association is born. */
#include "role/dispatch.h"
#include "shell/crypto_openssl.h"
#include "store/store_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)

static err_t verdict; /* what the handler answers */
static unsigned calls;
static bool saw_export;

static err_t handler(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    (void)ctx;
    calls++;
    saw_export = rq->exported->set;
    writer_z(&rs->body, "{\"secret\":1}");
    if (t->writable) {
        const struct audit_event e = {.kind = AUDIT_RESOURCE_CREATED, .time = rq->now, .object = "a"};
        TRY(txn_put(t, TABLE_CSE_RES, text_of("a"), text_bytes(text_of("data")), STORE_PUT_ANY, 0));
        TRY(txn_audit(t, &e));
    }
    strcpy(rs->detail, verdict == ERR_OK ? "" : "the \"detail\"");
    strcpy(rs->location, "/a");
    rs->rsc = 2001;
    return verdict;
}

static err_t silent(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    (void)ctx;
    (void)rq;
    (void)t;
    (void)rs;
    return ERR_OK; /* without a status */
}

static const struct route routes[] = {
    {OP_RETRIEVE, "/fixed", 0, PEER_AE | PEER_PLAIN, 0, handler, "-"},
    {OP_RETRIEVE, "/key/{id}", 0, PEER_MAF, 0, handler, "-"},
    {OP_RETRIEVE, "/key/{id}/{suid}", 0, PEER_AE, 0, handler, "-"},
    {OP_CREATE, "/box", 3, PEER_AE, ROUTE_WRITES, handler, "-"},
    {OP_CREATE, "/box", 4, PEER_AE, ROUTE_WRITES | ROUTE_EXPORT, handler, "-"},
    {OP_CREATE, "/box", 4, PEER_CSE, ROUTE_WRITES, silent, "-"},
    {OP_DELETE, "/tree/**", 0, PEER_AE, ROUTE_WRITES, handler, "-"},
};

static enum role_verdict psk_verdict;
static size_t psk_octets;
static usec_t psk_end;
static err_t psk(const void *ctx, struct txn *t, struct text identity, usec_t now, struct role_psk *out)
{
    (void)ctx;
    (void)t;
    (void)identity;
    (void)now;
    out->verdict = psk_verdict;
    out->assoc.peer = PEER_AE;
    out->assoc.not_after = psk_end;
    const uint8_t key[32] = "made up";
    return secret_set(&out->key, bytes_of(key, psk_octets));
}

static err_t answer(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                    struct role_psk *out)
{
    (void)q;
    TRY(a->err);
    TRY(txn_put(t, TABLE_CSE_RES, text_of("answer"), text_bytes(text_of("x")), STORE_PUT_ANY, 0));
    return psk(ctx, t, text_empty(), now, out);
}

static err_t cert(const void *ctx, struct txn *t, const struct role_cert *c, usec_t now, struct association *out)
{
    (void)ctx;
    (void)t;
    (void)c;
    (void)now;
    out->peer = PEER_MAF;
    out->not_after = USEC_NEVER;
    return ERR_OK;
}

static const struct role role = {
    .name = "r", .routes = routes, .routes_n = ARRAY_LEN(routes), .psk = psk, .answer = answer, .cert = cert};
static const struct role bare = {.name = "bare"};

/* -- a request in a store -------------------------------------------------------------------------------- */
struct bench {
    struct store *store;
    struct arena arena;
    uint8_t memory[16384];
    uint8_t body[1024];
    struct txn t;
    struct primitive prim;
    struct association assoc;
    struct keys_export exported;
    struct audit_chain chain;
};

static struct bench *bench_new(bool writable)
{
    struct bench *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    assert_int_equal(store_memory_open(&b->store), ERR_OK);
    assert_int_equal(store_begin(b->store, true), ERR_OK);
    b->arena = arena_of(b->memory, sizeof(b->memory));
    txn_init(&b->t, b->store, &b->arena, writable);
    b->assoc.peer = PEER_AE;
    b->assoc.not_after = USEC_NEVER;
    strcpy(b->assoc.credential_id, "made-up-credential");
    b->prim = (struct primitive){.op = OP_RETRIEVE, .path = text_of("/fixed"), .expires = USEC_NEVER};
    b->exported.set = true;
    verdict = ERR_OK;
    calls = 0;
    return b;
}

static void bench_free(struct bench *b)
{
    store_rollback(b->store);
    store_close(b->store);
    free(b);
}

static err_t run(struct bench *b, struct response *rs)
{
    const struct request rq = {.prim = &b->prim, .assoc = &b->assoc, .exported = &b->exported, .now = NOW};
    rs->body = writer_of(b->body, sizeof(b->body));
    return dispatch_run(&role, NULL, &rq, &b->t, rs);
}

static err_t route_of(enum op op, const char *path, uint32_t ty, enum association_peer peer)
{
    const struct primitive p = {.op = op, .path = text_of(path), .has_ty = ty != 0, .ty = ty};
    const struct association a = {.peer = peer};
    const struct route *r = NULL;
    return dispatch_route(&role, &p, &a, &r);
}

/* -- routes ---------------------------------------------------------------------------------------------- */
static void paths_match_by_segment(void **state)
{
    (void)state;
    assert_int_equal(route_of(OP_RETRIEVE, "/fixed", 0, PEER_AE), ERR_OK);
    static const char *const not_there[] = {"/fixe",   "/fixed/", "/fixed/x", "/Fixed",  "fixed",   "",
                                            "//fixed", "/key",    "/key/",    "/key//1", "/key/a/", "/key/a/1/2"};
    for (size_t i = 0; i < ARRAY_LEN(not_there); i++) {
        assert_int_equal(route_of(OP_RETRIEVE, not_there[i], 0, PEER_AE), ERR_NOT_FOUND);
    }
    assert_int_equal(route_of(OP_RETRIEVE, "/", 0, PEER_AE), ERR_MALFORMED_TO); /* Ub's alone */
    assert_int_equal(route_of(OP_RETRIEVE, "/key/a", 0, PEER_MAF), ERR_OK);
    assert_int_equal(route_of(OP_RETRIEVE, "/key/a/21", 0, PEER_AE), ERR_OK);
    assert_int_equal(route_of(OP_DELETE, "/tree", 0, PEER_AE), ERR_OK);
    assert_int_equal(route_of(OP_DELETE, "/tree/a/b/c", 0, PEER_AE), ERR_OK);
    assert_int_equal(route_of(OP_DELETE, "/trees", 0, PEER_AE), ERR_NOT_FOUND);
}

static void the_row_that_agrees_furthest_names_the_refusal(void **state)
{
    (void)state;
    assert_int_equal(route_of(OP_UPDATE, "/fixed", 0, PEER_AE), ERR_OPERATION);
    assert_int_equal(route_of(OP_CREATE, "/box", 9, PEER_AE), ERR_TYPE_UNSUPPORTED);
    assert_int_equal(route_of(OP_CREATE, "/box", 0, PEER_AE), ERR_TYPE_UNSUPPORTED);
    assert_int_equal(route_of(OP_CREATE, "/box", 3, PEER_PLAIN), ERR_DENIED_NO_ASSOCIATION);
    assert_int_equal(route_of(OP_CREATE, "/box", 3, PEER_MEF), ERR_DENIED_CLIENT);
    assert_int_equal(route_of(OP_CREATE, "/box", 3, PEER_NONE), ERR_DENIED_CLIENT);
    assert_int_equal(route_of(OP_RETRIEVE, "/key/a", 0, PEER_AE), ERR_DENIED_CLIENT);
}

/* -- running --------------------------------------------------------------------------------------------- */
static void a_success_keeps_what_the_handler_said(void **state)
{
    (void)state;
    struct bench *b = bench_new(false);
    struct response rs;
    assert_int_equal(run(b, &rs), ERR_OK);
    assert_int_equal(rs.rsc, 2001);
    b->prim.rqi = text_of("q7");
    struct primitive_response p = dispatch_reply(&b->prim, &rs);
    assert_true(text_eq_z(p.rqi, "q7") && text_eq_z(p.location, "/a") && p.rsc == 2001);
    assert_int_equal(p.body.n, strlen("{\"secret\":1}"));
    assert_false(saw_export); /* the route does not take it */
    bench_free(b);
}

static void a_refusal_leaves_nothing_of_the_handler(void **state)
{
    (void)state;
    struct bench *b = bench_new(true);
    struct response rs;
    verdict = ERR_DENIED_PRIVILEGE;
    b->prim =
        (struct primitive){.op = OP_CREATE, .path = text_of("/box"), .has_ty = true, .ty = 3, .expires = USEC_NEVER};
    assert_int_equal(run(b, &rs), ERR_DENIED_PRIVILEGE);
    assert_int_equal(rs.rsc, 4103);
    assert_string_equal(rs.location, "");
    assert_int_equal(b->t.staged_n, 0);
    assert_int_equal(b->t.audit_n, 0);
    static const char want[] = "{\"m2m:dbg\":\"no-privilege: no access control rule permits this (the \\\"detail\\\"); "
                               "ask the owner of the accessControlPolicy [TS-0003 7.1.5]\"}";
    assert_int_equal(rs.body.n, strlen(want));
    assert_memory_equal(b->body, want, strlen(want));
    assert_null(memmem(b->body, sizeof(b->body), "secret", 6));
    bench_free(b);
}

static void a_body_too_small_for_its_refusal_stays_empty(void **state)
{
    (void)state;
    uint8_t little[8];
    struct response rs = {.detail = "", .body = writer_of(little, sizeof(little))};
    dispatch_refuse(&rs, ERR_NOT_FOUND);
    assert_int_equal(rs.rsc, 4004);
    assert_int_equal(rs.body.n, 0);
    assert_false(rs.body.overflow);
}

/* R004-21: after its lifetime an association is not usable */
static void what_expired_is_not_served(void **state)
{
    (void)state;
    struct bench *b = bench_new(false);
    struct response rs;
    b->assoc.not_after = NOW;
    assert_int_equal(run(b, &rs), ERR_DENIED_NO_ASSOCIATION);
    b->assoc.not_after = NOW + 1;
    assert_int_equal(run(b, &rs), ERR_OK);
    b->prim.expires = NOW;
    assert_int_equal(run(b, &rs), ERR_REQUEST_EXPIRED);
    assert_int_equal(rs.rsc, 4008);
    b->prim.expires = USEC_NEVER;
    b->prim.unsupported = true;
    strcpy(b->prim.unsupported_name, "drt");
    assert_int_equal(run(b, &rs), ERR_NOT_IMPLEMENTED);
    assert_string_equal(rs.detail, "drt");
    assert_int_equal(calls, 1);
    bench_free(b);
}

static void a_handler_that_forgets_is_a_bug_and_not_a_success(void **state)
{
    (void)state;
    struct bench *b = bench_new(true);
    struct response rs;
    b->assoc.peer = PEER_CSE;
    b->prim =
        (struct primitive){.op = OP_CREATE, .path = text_of("/box"), .has_ty = true, .ty = 4, .expires = USEC_NEVER};
    assert_int_equal(run(b, &rs), ERR_BUG);
    assert_int_equal(rs.rsc, 5000);
    bench_free(b);
}

/* CHOICE-10 */
static void an_export_goes_to_its_route(void **state)
{
    (void)state;
    struct bench *b = bench_new(true);
    struct response rs;
    b->prim =
        (struct primitive){.op = OP_CREATE, .path = text_of("/box"), .has_ty = true, .ty = 4, .expires = USEC_NEVER};
    assert_int_equal(run(b, &rs), ERR_OK);
    assert_true(saw_export);
    bench_free(b);
}

/* -- keeping --------------------------------------------------------------------------------------------- */
static uint64_t events;
static struct audit_event last;
static bool count_event(void *arg, uint64_t number, const struct audit_event *e)
{
    (void)arg;
    events = number;
    last = *e;
    return true;
}

static uint64_t chain_length(struct bench *b)
{
    events = 0;
    assert_int_equal(audit_tail(b->store, 10, count_event, NULL), ERR_OK);
    return events;
}

static err_t keep(struct bench *b, err_t outcome, const struct association *a)
{
    const struct dispatch_about about = {a, text_of("/box"), NOW};
    return dispatch_keep(&b->t, outcome, &about, crypto_openssl(), &b->chain);
}

static struct bench *bench_staged(void)
{
    struct bench *b = bench_new(true);
    struct response rs;
    assert_int_equal(audit_chain_load(b->store, crypto_openssl(), &b->arena, &b->chain), ERR_OK);
    b->prim =
        (struct primitive){.op = OP_CREATE, .path = text_of("/box"), .has_ty = true, .ty = 3, .expires = USEC_NEVER};
    assert_int_equal(run(b, &rs), ERR_OK);
    assert_int_equal(b->t.staged_n, 1);
    return b;
}

static void changes_and_events_are_kept_together(void **state)
{
    (void)state;
    struct bench *b = bench_staged();
    struct store_value v;
    assert_int_equal(keep(b, ERR_OK, &b->assoc), ERR_OK);
    assert_int_equal(store_get(b->store, TABLE_CSE_RES, text_bytes(text_of("a")), &b->arena, &v), ERR_OK);
    assert_int_equal(chain_length(b), 1);
    assert_int_equal(last.kind, AUDIT_RESOURCE_CREATED);
    bench_free(b);
}

static void of_a_refusal_only_the_event_is_kept(void **state)
{
    (void)state;
    struct bench *b = bench_staged();
    struct store_value v;
    assert_int_equal(keep(b, ERR_DENIED_PRIVILEGE, &b->assoc), ERR_OK);
    assert_int_equal(store_get(b->store, TABLE_CSE_RES, text_bytes(text_of("a")), &b->arena, &v), ERR_NOT_FOUND);
    assert_int_equal(chain_length(b), 1);
    assert_int_equal(last.kind, AUDIT_REFUSED);
    assert_int_equal(last.outcome, ERR_DENIED_PRIVILEGE);
    assert_string_equal(last.peer, "made-up-credential");
    assert_string_equal(last.object, "/box");
    assert_int_equal(keep(b, ERR_NOT_FOUND, &b->assoc), ERR_OK); /* not of the audited kind */
    assert_int_equal(keep(b, ERR_DENIED_PRIVILEGE, NULL), ERR_OK);
    b->assoc.peer = PEER_PLAIN; /* a stranger costs no durable record */
    assert_int_equal(keep(b, ERR_DENIED_PRIVILEGE, &b->assoc), ERR_OK);
    assert_int_equal(chain_length(b), 1);
    bench_free(b);
}

/* -- handshakes ------------------------------------------------------------------------------------------ */
static const struct role_hello hello = {{"x", 1}, 0x00ae};

static err_t ask_psk(struct bench *b, enum role_verdict v, size_t octets, usec_t end)
{
    struct role_psk out;
    psk_verdict = v;
    psk_octets = octets;
    psk_end = end;
    err_t e = dispatch_psk(&role, NULL, &b->t, &hello, NOW, &out);
    secret_wipe(&out.key);
    return e;
}

static void a_key_must_be_one_and_alive(void **state)
{
    (void)state;
    struct bench *b = bench_new(false);
    struct role_psk out;
    assert_int_equal(ask_psk(b, ROLE_KEY, 32, NOW + 1), ERR_OK);
    assert_int_equal(ask_psk(b, ROLE_KEY, 32, NOW), ERR_DENIED_EXPIRED);
    assert_int_equal(ask_psk(b, ROLE_KEY, 0, NOW + 1), ERR_BUG);
    assert_int_equal(ask_psk(b, ROLE_ASK, 0, 0), ERR_OK);
    assert_int_equal(dispatch_psk(&bare, NULL, &b->t, &hello, NOW, &out), ERR_DENIED_PSK_UNKNOWN);
    bench_free(b);
}

static err_t resolve(struct bench *b, enum role_verdict v, err_t fetched)
{
    const struct question q = {.peer = "mef.example.com"};
    const struct answer a = {.err = fetched, .status = 200, .body = bytes_empty()};
    const struct dispatch_asked asked = {&q, &a, NOW};
    struct role_psk out;
    psk_verdict = v;
    psk_octets = 32;
    psk_end = NOW + 1;
    return dispatch_answer(&role, NULL, &asked, &b->t, &out);
}

static void an_answer_must_resolve_or_leaves_nothing(void **state)
{
    (void)state;
    struct bench *b = bench_new(true);
    assert_int_equal(resolve(b, ROLE_ASK, ERR_OK), ERR_PEER_NONSENSE); /* a second question: no */
    assert_int_equal(b->t.staged_n, 0);
    assert_int_equal(resolve(b, ROLE_KEY, ERR_PEER_TIMEOUT), ERR_PEER_TIMEOUT);
    assert_int_equal(resolve(b, ROLE_KEY, ERR_OK), ERR_OK);
    assert_int_equal(b->t.staged_n, 1);
    bench_free(b);
}

/* R002-85 */
static void an_association_ends_with_the_certificate(void **state)
{
    (void)state;
    struct bench *b = bench_new(false);
    struct role_cert c = {.not_after = NOW + 5};
    struct association a;
    assert_int_equal(dispatch_cert(&role, NULL, &b->t, &c, NOW, &a), ERR_OK);
    assert_int_equal(a.not_after, NOW + 5);
    c.not_after = NOW;
    assert_int_equal(dispatch_cert(&role, NULL, &b->t, &c, NOW, &a), ERR_DENIED_CERT_EXPIRED);
    assert_int_equal(dispatch_cert(&bare, NULL, &b->t, &c, NOW, &a), ERR_DENIED_CERT_CA);
    bench_free(b);
}

/* R004-19, R004-22 */
static void association_ids_are_unique_and_in_order_of_time(void **state)
{
    (void)state;
    char before[ASSOCIATION_ID_LEN + 1] = "";
    for (int i = 0; i < 100; i++) {
        struct association a = {.peer = PEER_AE, .not_after = USEC_NEVER};
        assert_int_equal(dispatch_associate(&a, crypto_openssl(), 0x0303, 0x00AE, NOW + i * 1000, 10), ERR_OK);
        assert_int_equal(strlen(a.id), ASSOCIATION_ID_LEN);
        assert_true(strcmp(before, a.id) < 0);
        assert_int_equal(a.tls_version, 0x0303);
        assert_int_equal(a.suite, 0x00AE);
        assert_int_equal(a.not_after, NOW + i * 1000 + 10);
        strcpy(before, a.id);
    }
    struct association one = {.not_after = 7};
    struct association two = {.not_after = 7};
    assert_int_equal(dispatch_associate(&one, crypto_openssl(), 0, 0, NOW, USEC_NEVER), ERR_OK);
    assert_int_equal(dispatch_associate(&two, crypto_openssl(), 0, 0, NOW, USEC_NEVER), ERR_OK);
    assert_string_not_equal(one.id, two.id);
    assert_int_equal(one.not_after, 6); /* shorter than its credential: R002-85 refuses as long */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_match_by_segment),
        cmocka_unit_test(the_row_that_agrees_furthest_names_the_refusal),
        cmocka_unit_test(a_success_keeps_what_the_handler_said),
        cmocka_unit_test(a_refusal_leaves_nothing_of_the_handler),
        cmocka_unit_test(a_body_too_small_for_its_refusal_stays_empty),
        cmocka_unit_test(what_expired_is_not_served),
        cmocka_unit_test(a_handler_that_forgets_is_a_bug_and_not_a_success),
        cmocka_unit_test(an_export_goes_to_its_route),
        cmocka_unit_test(changes_and_events_are_kept_together),
        cmocka_unit_test(of_a_refusal_only_the_event_is_kept),
        cmocka_unit_test(a_key_must_be_one_and_alive),
        cmocka_unit_test(an_answer_must_resolve_or_leaves_nothing),
        cmocka_unit_test(an_association_ends_with_the_certificate),
        cmocka_unit_test(association_ids_are_unique_and_in_order_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
