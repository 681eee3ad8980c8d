/* M2M Authentication Function: handshakes, answers of a MEF, registrations and keys, each refusal, over a memory store. */
#include "base/base64.h"
#include "base/hex.h"
#include "role/maf/maf.h"
#include "wire/json.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC) /* 2023-11-14T22:13:20Z */
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define KM "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define KEID "00112233445566778899AABBCCDDEEFF@mef.example.com"
#define SEED_KEID "00112233445566778899AABBCCDDEEFF@mef2.example.com"
#define MAF_CONF                                                                                                       \
    MAF_CONF_WITH("")
#define MAF_CONF_WITH(more)                                                                                            \
    "[maf]\nfqdn = maf.example.com\nkm-lifetime = 30d\nkc-lifetime = 12h\n" more                                       \
    "[peer mef.example.com]\nkind = mef\n[peer mef2.example.com]\nkind = mef\nprofile = seed\n"                        \
    "[peer in.sp.example.com]\nkind = cse\n"
/* 32 octets of 0x42 */
#define K42 "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="
#define GOOD                                                                                                           \
    "{\"status\":true,\"credential\":\"" K42 "\",\"enroleeID\":\"//sp.example.com/Sdev1\",\"lifetime\":86400}"
#define MACR "{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\"}}"
#define SKR "{\"m2m:skr\":{\"adfq\":\"sp.example.com\",\"suid\":32,\"tgis\":[\"//sp.example.com/in\"]}}"
#define SKR_OF(members) "{\"m2m:skr\":{" members "}}"

struct fixture {
    struct world w;
    struct world_node *maf;
    struct secret km;  /* of the pre-provisioned client */
    struct secret k42; /* what the forged MEF gives */
    struct world_session s;
    struct world_reply r;
    char ri[64];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    world_init(&f->w, T0);
    f->maf = world_add(&f->w, &role_maf, "maf.example.com", MAF_CONF);
    world_secret(KM, &f->km);
    uint8_t b[32];
    memset(b, 0x42, sizeof(b));
    assert_int_equal(secret_set(&f->k42, BYTES_ARRAY(b)), ERR_OK);
    f->w.forged = GOOD;
    f->w.forged_status = 200;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    world_free(&f->w);
    free(f);
    return 0;
}

static err_t ctl(struct fixture *f, const char *noun, const char *verb, const char *args)
{
    return world_ctl(&f->w, f->maf, noun, verb, args, &f->r);
}

static void add_km(struct fixture *f)
{
    assert_int_equal(ctl(f, "credential", "add",
                         "{\"kind\":\"km\",\"id\":\"dev1@maf.example.com\",\"enrolee-id\":\"//sp.example.com/Sdev1\",\"key\":\"" KM "\"}"),
                     ERR_OK);
}

static void allow(struct fixture *f, const char *client)
{
    char args[256];
    snprintf(args, sizeof(args), "{\"client\":\"%s\",\"target\":\"//sp.example.com/in\"}", client);
    assert_int_equal(ctl(f, "client", "allow", args), ERR_OK);
}

static err_t connect_as(struct fixture *f, const char *identity, const struct secret *key)
{
    return world_connect(&f->w, f->maf, identity, key, &f->s);
}

static err_t request(struct fixture *f, enum op op, uint32_t ty, const char *path, const char *from, const char *body)
{
    struct world_request rq = {.op = op, .ty = ty, .path = path, .from = from, .body = body};
    return world_request(&f->s, &rq, &f->r);
}

static json_t *reply(struct fixture *f, const char *root)
{
    json_t *o = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    json_t *inner = json_incref(json_object_get(o, root));
    json_decref(o);
    assert_non_null(inner);
    return inner;
}

static void member(struct fixture *f, const char *root, const char *name, char *out, size_t cap)
{
    json_t *o = reply(f, root);
    assert_int_equal(text_copy(json_get_text(o, name), out, cap), ERR_OK);
    json_decref(o);
}

/* Registers the connected client and remembers the path of its registration. */
static void register_client(struct fixture *f)
{
    assert_int_equal(request(f, OP_CREATE, 60002, "/-", NULL, MACR), ERR_OK);
    assert_int_equal(f->r.rsc, 2001);
    f->ri[0] = '/';
    member(f, "m2m:macr", "ri", f->ri + 1, sizeof(f->ri) - 1);
    assert_string_equal(f->r.location, f->ri);
}

static err_t register_key(struct fixture *f, const char *body)
{
    return request(f, OP_CREATE, 60003, f->ri, NULL, body);
}

/* A client with a pre-provisioned Km that is registered and may register keys for the IN-CSE. */
static void ready(struct fixture *f)
{
    add_km(f);
    allow(f, "//sp.example.com/Sdev1");
    assert_int_equal(connect_as(f, "dev1@maf.example.com", &f->km), ERR_OK);
    register_client(f);
}

/* -- handshake ------------------------------------------------------------------------------------------ */
static void test_preprovisioned(void **state)
{
    struct fixture *f = *state;
    struct secret wrong;
    add_km(f);
    assert_null(strstr(f->r.body, KM));
    assert_int_equal(connect_as(f, "DEV1@maf.example.com", &f->km), ERR_OK); /* R000-44, R001-01, R001-03 */
    assert_int_equal(f->s.assoc.peer, PEER_AE);
    assert_int_equal(f->s.assoc.framework, ASSOCIATION_PSK);
    assert_true(association_is_bound_to(&f->s.assoc, text_of("//sp.example.com/Sdev1")));
    assert_string_equal(f->s.assoc.credential_id, "11-dev1@maf.example.com");
    assert_int_equal(f->s.assoc.not_after, T0 + 30 * 24 * HOUR - 1);
    world_secret("0000000000000000000000000000000f", &wrong);
    assert_int_equal(connect_as(f, "dev1@maf.example.com", &wrong), ERR_DENIED_PSK_WRONG); /* refuses R000-45 */
    f->w.now = T0 + 30 * 24 * HOUR;
    assert_int_equal(connect_as(f, "dev1@maf.example.com", &f->km), ERR_DENIED_EXPIRED); /* refuses R002-63 */
    assert_int_equal(f->w.asked, 0);
}

/* R004-10: a client belongs to a service subscription, or nothing is done for it; with every request, as the contract stands. */
static void test_contract(void **state)
{
    struct fixture *f = *state;
    static const char by[] = "{\"client\":\"%s\",\"subscription\":\"contract-7\",\"lifetime\":\"2h\"}";
    static const char *const names[] = {"//sp.example.com/Sdev1", "//SP.example.com/Sdev*", "dev1@maf.example.com"};
    static const struct {
        const char *args;
        err_t want;
    } wrong[] = {
        {"{\"client\":\"Sdev1\",\"subscription\":\"c\"}", ERR_MALFORMED_ID},
        {"{\"client\":\"//sp.example.com/Sdev1\",\"subscription\":\"a b\"}", ERR_MALFORMED_ID},
        {"{\"client\":\"//sp.example.com/Sdev1\",\"subscription\":\"\"}", ERR_MALFORMED_ID},
        {"{\"client\":\"//sp.example.com/Sdev1\",\"subscription\":\"c\",\"lifetime\":\"soon\"}", ERR_MALFORMED_TIME},
        {"{\"client\":\"//sp.example.com/Sdev1\",\"subscription\":\"c\",\"lifetime\":\"0s\"}", ERR_MALFORMED_TIME},
    };
    char args[256];
    ready(f);
    world_reload(&f->w, f->maf, MAF_CONF_WITH("service-subscription = on\n"));
    assert_int_equal(connect_as(f, "dev1@maf.example.com", &f->km), ERR_OK);
    assert_int_equal(register_key(f, SKR), ERR_DENIED_CONTRACT); /* refuses R004-10 */
    assert_int_equal(request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_DENIED_CONTRACT);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(ctl(f, "contract", "add", wrong[i].args), wrong[i].want);
    }
    assert_int_equal(ctl(f, "contract", "add", "{\"client\":\"//sp.example.com/Sother\",\"subscription\":\"c\"}"), ERR_OK);
    assert_int_equal(request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_DENIED_CONTRACT); /* another's */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(args, sizeof(args), by, names[i]);
        assert_int_equal(ctl(f, "contract", "add", args), ERR_OK);
        assert_int_equal(request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_OK);
        f->w.now += 3 * HOUR; /* it is over, and so is what it was good for */
        assert_int_equal(request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_DENIED_CONTRACT);
        assert_int_equal(ctl(f, "contract", "list", "{}"), ERR_OK);
        assert_non_null(strstr(f->r.body, "\"over\""));
        assert_int_equal(ctl(f, "contract", "add", args), ERR_OK);
        assert_int_equal(request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_OK);
        (void)snprintf(args, sizeof(args), "{\"client\":\"%s\"}", names[i]);
        assert_int_equal(ctl(f, "contract", "remove", args), ERR_OK);
        assert_int_equal(request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_DENIED_CONTRACT);
        assert_int_equal(ctl(f, "contract", "remove", args), ERR_NOT_FOUND);
    }
    world_reload(&f->w, f->maf, MAF_CONF);
    assert_int_equal(request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_OK);
}

static void test_unknown(void **state) /* refuses R001-01, R004-09 */
{
    struct fixture *f = *state;
    assert_int_equal(connect_as(f, "nobody@maf.example.com", &f->km), ERR_DENIED_PSK_UNKNOWN); /* refuses R001-41 */
    assert_int_equal(connect_as(f, "AA@elsewhere.example.com", &f->km), ERR_DENIED_PEER);
    assert_int_equal(connect_as(f, "AA@in.sp.example.com", &f->km), ERR_DENIED_PEER); /* configured, but no MEF */
    assert_int_equal(connect_as(f, "nonsense", &f->km), ERR_MALFORMED_KEY_ID);
    assert_int_equal(connect_as(f, "", &f->km), ERR_MALFORMED_KEY_ID);
    assert_int_equal(connect_as(f, "a/../b@mef.example.com", &f->km), ERR_MALFORMED_KEY_ID); /* never into a path */
    assert_int_equal(f->w.asked, 0); /* a stranger cannot make the MAF call anybody */
    world_reload(&f->w, f->maf, "[maf]\nfqdn = maf.example.com\nhide-identities = on\n");
    assert_int_equal(connect_as(f, "nobody@maf.example.com", &f->km), ERR_DENIED_PSK_WRONG); /* CHOICE-34 */
}

static void test_fetched(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_OK); /* R001-40, R001-48, R001-57 */
    assert_int_equal(f->w.asked, 1);
    assert_true(association_is_bound_to(&f->s.assoc, text_of("//sp.example.com/Sdev1"))); /* R001-55 */
    assert_string_equal(f->s.assoc.credential_id, "11-" KEID);
    assert_int_equal(world_audited(f->maf, AUDIT_KM_STORED), 1);
    assert_int_equal(f->s.assoc.not_after, T0 + 24 * HOUR - 1);
    f->w.away = ERR_PEER_UNREACHABLE;
    assert_int_equal(connect_as(f, "00112233445566778899aabbccddeeff@MEF.example.com", &f->k42), ERR_OK); /* R001-45, R001-47 */
    assert_int_equal(f->w.asked, 1);
    f->w.now = T0 + 24 * HOUR; /* refused after expiry; not asked again */
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_DENIED_EXPIRED);
    assert_int_equal(f->w.asked, 1);
}

static void test_km_lifetime_caps(void **state)
{
    struct fixture *f = *state;
    f->w.forged = "{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":3153600000,\"profile\":\"r3\"}";
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_OK);
    assert_int_equal(f->s.assoc.not_after, T0 + 30 * 24 * HOUR - 1);
    assert_int_equal(f->s.assoc.ids_n, 0); /* no Enrolee-ID: the Credential-ID alone [CHOICE-43] */
    assert_int_equal(f->s.assoc.peer, PEER_CLIENT);
}

static void test_away(void **state)
{
    struct fixture *f = *state;
    f->w.away = ERR_PEER_UNREACHABLE;
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_PEER_UNREACHABLE);
    f->w.away = ERR_PEER_TIMEOUT;
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_PEER_TIMEOUT);
    assert_int_equal(world_count(f->maf, TABLE_MAF_KM), 0);
    f->w.away = ERR_OK;
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_OK); /* it comes back */
}

static void test_answers(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *body;
        unsigned status;
        err_t want;
    } cases[] = {
        {"{\"status\":false,\"errorString\":\"not-the-target\"}", 403, ERR_DENIED_FETCH}, /* refuses R001-42 */
        {"{\"status\":false,\"errorString\":\"not-found\"}", 404, ERR_DENIED_FETCH},
        {"{\"status\":false}", 200, ERR_DENIED_FETCH},
        {"{\"status\":false}", 500, ERR_PEER_NONSENSE},
        {"", 200, ERR_PEER_NONSENSE},
        {"", 404, ERR_PEER_NONSENSE},
        {"<html>", 200, ERR_PEER_NONSENSE},
        {"[]", 200, ERR_PEER_NONSENSE},
        {"true", 200, ERR_PEER_NONSENSE},
        {"{}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":\"true\",\"credential\":\"" K42 "\",\"lifetime\":1}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":1,\"credential\":\"" K42 "\",\"lifetime\":1}", 200, ERR_PEER_NONSENSE},
        {GOOD, 404, ERR_PEER_NONSENSE},
        {GOOD, 302, ERR_PEER_NONSENSE},
        {GOOD "x", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":1}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"lifetime\":1}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":null,\"lifetime\":1}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":42,\"lifetime\":1}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"\",\"lifetime\":1}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"QkI=\",\"lifetime\":1}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC\",\"lifetime\":1}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQ!I=\",\"lifetime\":1}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ=\",\"lifetime\":1}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\"}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":0}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":-5}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":1.5}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":\"60\"}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":9223372036854775807}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":60,\"enroleeID\":\"\"}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":60,\"enroleeID\":7}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":60,\"enroleeID\":\"S1\"}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":60,\"enroleeID\":\"/in/C1\"}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":60,\"enroleeID\":\"maf.example.com\"}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":60,\"profile\":\"seed\"}", 200, ERR_PEER_NONSENSE},
        {"{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":60,\"profile\":3}", 200, ERR_PEER_NONSENSE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        f->w.forged = cases[i].body;
        f->w.forged_status = cases[i].status;
        assert_int_equal(connect_as(f, KEID, &f->k42), cases[i].want);
    }
    assert_int_equal(world_count(f->maf, TABLE_MAF_KM), 0);
    assert_int_equal(world_audited(f->maf, AUDIT_KM_STORED), 0);
}

static void test_question(void **state)
{
    struct fixture *f = *state;
    uint8_t memory[65536];
    struct arena a = arena_of(memory, sizeof(memory));
    struct txn t;
    struct role_psk p;
    const struct role_hello first = {text_of("00aabb@MEF.example.com"), WORLD_SUITE};
    const struct role_hello second = {text_of("00AABB@mef2.example.com"), WORLD_SUITE};
    assert_int_equal(store_begin(f->maf->store, false), ERR_OK);
    txn_init(&t, f->maf->store, &a, false);
    assert_int_equal(dispatch_psk(&role_maf, f->maf->ctx, &t, &first, T0, &p), ERR_OK);
    assert_int_equal(p.verdict, ROLE_ASK);
    assert_string_equal(p.ask.peer, "mef.example.com");
    assert_string_equal(p.ask.origin, "maf.example.com"); /* R001-49 */
    assert_string_equal(p.ask.path, "/fetchCredentials/00AABB@mef.example.com/21");
    assert_int_equal(dispatch_psk(&role_maf, f->maf->ctx, &t, &second, T0, &p), ERR_OK);
    assert_string_equal(p.ask.path, "/fetchCredentials/00AABB@mef2.example.com"); /* seed form */
    store_rollback(f->maf->store);
}

/* Two handshakes asked about one KeId: the second answer changes nothing, also if the MEF is away by then. */
static void test_second_answer(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_OK);
    register_client(f); /* KmId assigned */
    struct question q = {.peer = "mef.example.com", .key_id = {"00112233445566778899aabbccddeeff@mef.example.com"}};
    struct answer answers[] = {{.err = ERR_PEER_TIMEOUT}, {.status = 200, .body = text_bytes(text_of("garbage"))}};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        uint8_t memory[65536];
        struct arena a = arena_of(memory, sizeof(memory));
        struct txn t;
        struct role_psk p;
        assert_int_equal(store_begin(f->maf->store, true), ERR_OK);
        txn_init(&t, f->maf->store, &a, true);
        const struct dispatch_asked asked = {&q, &answers[i], T0};
        assert_int_equal(dispatch_answer(&role_maf, f->maf->ctx, &asked, &t, &p), ERR_OK);
        assert_true(secret_eq(&p.key, &f->k42));
        assert_int_equal(t.staged_n, 0);
        store_rollback(f->maf->store);
    }
}

static void test_revoked(void **state)
{
    struct fixture *f = *state;
    char args[300];
    char aski[128];
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_OK);
    register_client(f);
    member(f, "m2m:macr", "aski", aski, sizeof(aski));
    snprintf(args, sizeof(args), "{\"ID\":\"%s\"}", aski);
    assert_int_equal(ctl(f, "credential", "revoke", args), ERR_OK);
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_DENIED_REVOKED); /* under both names */
    assert_int_equal(connect_as(f, aski, &f->k42), ERR_DENIED_REVOKED);
    assert_int_equal(request(f, OP_CREATE, 60002, "/-", NULL, MACR), ERR_DENIED_REVOKED); /* in a session that stands */
    assert_int_equal(f->w.asked, 1);
}

/* -- client registration --------------------------------------------------------------------------------- */
static void test_register_r3(void **state)
{
    struct fixture *f = *state;
    char aski[128];
    char text[128];
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_OK);
    register_client(f);
    member(f, "m2m:macr", "aski", aski, sizeof(aski));
    assert_true(text_starts(text_of(aski), "k"));
    assert_non_null(strstr(aski, "@maf.example.com"));
    member(f, "m2m:macr", "cr", text, sizeof(text));
    assert_string_equal(text, "//sp.example.com/Sdev1");
    member(f, "m2m:macr", "et", text, sizeof(text));
    assert_string_equal(text, "20231115T221320"); /* not later than Km */
    assert_int_equal(world_audited(f->maf, AUDIT_MAF_CLIENT_REGISTERED), 1);
    f->w.away = ERR_PEER_UNREACHABLE;
    assert_int_equal(connect_as(f, aski, &f->k42), ERR_OK); /* R001-44, R001-45: both names, no MEF */
    assert_string_equal(f->s.assoc.credential_id + 3, aski);
    assert_int_equal(request(f, OP_CREATE, 60002, "/-", NULL, MACR), ERR_REGISTERED); /* 4117 */
    assert_int_equal(f->r.rsc, 4117);
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_OK);
    assert_string_equal(f->s.assoc.credential_id + 3, aski);
    /* who still comes with KeId never saw the answer that assigned KmId: it gets it again */
    char first[sizeof(f->ri)];
    strcpy(first, f->ri);
    register_client(f);
    assert_string_equal(f->ri, first);
    member(f, "m2m:macr", "aski", text, sizeof(text));
    assert_string_equal(text, aski);
    assert_int_equal(world_count(f->maf, TABLE_MAF_CLIENT), 1);
    /* another stakeholder: another registration, the same KmId */
    assert_int_equal(request(f, OP_CREATE, 60002, "/-", NULL, "{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"two.example.com\",\"lbl\":[\"a\",\"b\"]}}"), ERR_OK);
    member(f, "m2m:macr", "aski", text, sizeof(text));
    assert_string_equal(text, aski);
    assert_non_null(strstr(f->r.body, "\"lbl\":[\"a\",\"b\"]"));
    assert_int_equal(ctl(f, "credential", "list", "{}"), ERR_OK);
    json_t *list = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &list), ERR_OK);
    assert_int_equal(json_array_size(json_object_get(list, "credentials")), 1); /* shown once */
    json_decref(list);
}

static void test_register_seed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(connect_as(f, SEED_KEID, &f->k42), ERR_OK);
    assert_string_equal(f->s.assoc.credential_id, "11-" SEED_KEID); /* KmId := KeId (R001-60) */
    register_client(f);
    assert_null(strstr(f->r.body, "aski"));
    assert_int_equal(world_count(f->maf, TABLE_MAF_KM), 1);
}

static void test_register_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *body;
        err_t want;
        uint16_t rsc;
    } cases[] = {
        {NULL, ERR_MISSING, 4000},
        {"{\"m2m:macr\":", ERR_MALFORMED_JSON, 4000},
        {"{\"m2m:ae\":{}}", ERR_MISSING, 4000},
        {"{\"m2m:macr\":[]}", ERR_MISSING, 4000},
        {"{\"m2m:macr\":{\"adfq\":\"sp.example.com\"}}", ERR_MISSING, 4000},
        {"{\"m2m:macr\":{\"et\":\"20991231T000000\"}}", ERR_MISSING, 4000},
        {"{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\"},\"x\":1}", ERR_MISSING, 4000},
        {"{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"no name\"}}", ERR_ATTRIBUTE_TYPE, 4000},
        {"{\"m2m:macr\":{\"et\":\"tomorrow\",\"adfq\":\"sp.example.com\"}}", ERR_ATTRIBUTE_TYPE, 4000},
        {"{\"m2m:macr\":{\"et\":5,\"adfq\":\"sp.example.com\"}}", ERR_ATTRIBUTE_TYPE, 4000},
        {"{\"m2m:macr\":{\"et\":\"20200101T000000\",\"adfq\":\"sp.example.com\"}}", ERR_CONTENTS, 4102},
        {"{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\",\"aski\":\"a@b.c\"}}", ERR_CONTENTS, 4102},
        {"{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\",\"cr\":\"x\"}}", ERR_CONTENTS, 4102},
        {"{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\",\"suid\":32}}", ERR_CONTENTS, 4102},
        {"{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\",\"zz\":1}}", ERR_UNKNOWN_ATTRIBUTE, 4000},
        {"{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\",\"lbl\":[]}}", ERR_ATTRIBUTE_TYPE, 4000},
        {"{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\",\"lbl\":[1]}}", ERR_ATTRIBUTE_TYPE, 4000},
        {"{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\",\"lbl\":[\"a\",\"a\"]}}", ERR_ATTRIBUTE_TYPE, 4000},
    };
    add_km(f);
    assert_int_equal(connect_as(f, "dev1@maf.example.com", &f->km), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(request(f, OP_CREATE, 60002, "/-", NULL, cases[i].body), cases[i].want);
        assert_int_equal(f->r.rsc, cases[i].rsc);
    }
    assert_int_equal(request(f, OP_CREATE, 60002, "/-", "//sp.example.com/Sother", MACR), ERR_DENIED_FROM); /* 4106 */
    assert_int_equal(f->r.rsc, 4106);
    assert_int_equal(request(f, OP_CREATE, 60004, "/-", NULL, MACR), ERR_TYPE_UNSUPPORTED);
    assert_int_equal(request(f, OP_DELETE, 0, "/-", NULL, NULL), ERR_OPERATION); /* 4005 */
    assert_int_equal(request(f, OP_NOTIFY, 0, "/-/AA", NULL, NULL), ERR_OPERATION);
    assert_int_equal(request(f, OP_RETRIEVE, 0, "/nothing/here", NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(world_count(f->maf, TABLE_MAF_CLIENT), 0);
    assert_int_equal(request(f, OP_CREATE, 60002, "/-", "//sp.example.com/Sdev1", MACR), ERR_OK); /* CHOICE-66 */
    association_init_plain(&f->s.assoc);
    assert_int_equal(request(f, OP_CREATE, 60002, "/-", NULL, MACR), ERR_DENIED_NO_ASSOCIATION);
    assert_int_equal(f->r.rsc, 4107);
}

static void test_register_again(void **state)
{
    struct fixture *f = *state;
    char first[64];
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_OK);
    register_client(f);
    strcpy(first, f->ri);
    /* a new enrolment of the same Enrolee: the registration goes on with the new Km */
    assert_int_equal(connect_as(f, "AABBCCDDEEFF00112233445566778899@mef.example.com", &f->k42), ERR_OK);
    register_client(f);
    assert_string_equal(first, f->ri);
    assert_int_equal(world_count(f->maf, TABLE_MAF_CLIENT), 1);
    /* an expired one does too */
    f->w.now += 24 * HOUR;
    assert_int_equal(connect_as(f, "BBBBCCDDEEFF00112233445566778899@mef.example.com", &f->k42), ERR_OK);
    register_client(f);
    assert_int_equal(world_count(f->maf, TABLE_MAF_CLIENT), 1);
}

/* -- keys ------------------------------------------------------------------------------------------------- */
static void expect_kv(struct fixture *f, const uint8_t *want)
{
    char text[128];
    uint8_t b[64];
    struct writer w = WRITER_ARRAY(b);
    member(f, "m2m:skr", "kv", text, sizeof(text));
    assert_int_equal(base64_parse(text_of(text), &w), ERR_OK);
    assert_int_equal(w.n, 32);
    assert_memory_equal(b, want, 32);
}

static void test_key_by_export(void **state)
{
    struct fixture *f = *state;
    struct key_kc kc;
    struct keys_relative rel;
    char path[128] = "/-/";
    char rn[64];
    ready(f);
    assert_int_equal(keys_kc_split(&f->s.exported, &kc, &rel), ERR_OK);
    assert_int_equal(register_key(f, SKR), ERR_OK); /* R001-59 */
    assert_int_equal(f->r.rsc, 2001);
    assert_null(strstr(f->r.body, "kv"));
    assert_non_null(strstr(f->r.body, "\"tgis\":[\"//sp.example.com/in\"]"));
    member(f, "m2m:skr", "rn", rn, sizeof(rn));
    struct writer hex = WRITER_ARRAY(path);
    writer_z(&hex, "/-/");
    hex_write_upper(&hex, BYTES_ARRAY(rel.b));
    assert_int_equal(writer_finish_z(&hex), ERR_OK);
    assert_string_equal(rn, path + 3);
    assert_string_equal(f->r.location, path);
    assert_int_equal(world_audited(f->maf, AUDIT_MAF_KEY_REGISTERED), 1);
    assert_int_equal(register_key(f, SKR), ERR_EXPORT_USED); /* CHOICE-10 */
    assert_int_equal(f->r.rsc, 4105);
    /* a Source never reads it back */
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, NULL, NULL), ERR_DENIED_TARGET);
    /* the target does, and learns whose it is */
    assert_int_equal(world_connect_cert(&f->w, f->maf, "in.sp.example.com", &f->s), ERR_OK);
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, "//sp.example.com/in", NULL), ERR_OK);
    assert_int_equal(f->r.rsc, 2000);
    expect_kv(f, kc.s.b);
    char text[128];
    member(f, "m2m:skr", "cr", text, sizeof(text));
    assert_string_equal(text, "//sp.example.com/Sdev1");
    member(f, "m2m:skr", "aski", text, sizeof(text));
    assert_string_equal(text, "dev1@maf.example.com");
    member(f, "m2m:skr", "et", text, sizeof(text));
    assert_string_equal(text, "20231115T101320"); /* 12 h */
    assert_int_equal(world_audited(f->maf, AUDIT_MAF_KEY_RETRIEVED), 1);
    for (char *c = path; *c != '\0'; c++) {
        *c = text_lower(*c);
    }
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, "in.sp.example.com", NULL), ERR_OK);
    f->w.now += 12 * HOUR;
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, "in.sp.example.com", NULL), ERR_DENIED_EXPIRED); /* 4004 */
    assert_int_equal(f->r.rsc, 4004);
}

static void test_key_by_value(void **state)
{
    struct fixture *f = *state;
    char path[128] = "/-/";
    ready(f);
#define BY_VALUE SKR_OF("\"adfq\":\"sp.example.com\",\"suid\":32,\"tgis\":[\"//sp.example.com/in\"],\"kv\":\"" K42 "\",\"lbl\":[\"x\"]")
    assert_int_equal(register_key(f, BY_VALUE), ERR_OK);
    assert_null(strstr(f->r.body, K42));
    assert_int_equal(register_key(f, BY_VALUE), ERR_OK); /* needs no export, gets another name */
    member(f, "m2m:skr", "rn", path + 3, sizeof(path) - 3);
    assert_int_equal(world_count(f->maf, TABLE_MAF_KEY), 2);
    assert_int_equal(world_connect_cert(&f->w, f->maf, "in.sp.example.com", &f->s), ERR_OK);
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, "//sp.example.com/in", NULL), ERR_OK);
    expect_kv(f, f->k42.b);
}

static void test_key_refused(void **state)
{
    struct fixture *f = *state;
#define COMMON "\"adfq\":\"sp.example.com\","
#define IN "\"//sp.example.com/in\""
    static const struct {
        const char *body;
        err_t want;
    } cases[] = {
        {NULL, ERR_MISSING},
        {SKR_OF("\"suid\":32,\"tgis\":[" IN "]"), ERR_MISSING},
        {SKR_OF(COMMON "\"tgis\":[" IN "]"), ERR_MISSING},
        {SKR_OF(COMMON "\"suid\":32"), ERR_CONTENTS},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[]"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":" IN), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN "," IN "]"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN ",\"//sp.example.com/in2\"]"), ERR_CONTENTS},
        {SKR_OF(COMMON "\"suid\":33,\"tgis\":[" IN ",\"//sp.example.com/in2\"]"), ERR_CONTENTS},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[\"/in\"]"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[\"in.sp.example.com\"]"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[\"//sp.example.com/Sdev1\"]"), ERR_CONTENTS}, /* itself */
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[\"//sp.example.com/in9\"]"), ERR_DENIED_CLIENT},
        {SKR_OF(COMMON "\"suid\":31,\"tgis\":[" IN "]"), ERR_MALFORMED_SUID},
        {SKR_OF(COMMON "\"suid\":21,\"tgis\":[" IN "]"), ERR_MALFORMED_SUID},
        {SKR_OF(COMMON "\"suid\":-1,\"tgis\":[" IN "]"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":\"32\",\"tgis\":[" IN "]"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF("\"adfq\":\"two.example.com\",\"suid\":32,\"tgis\":[" IN "]"), ERR_CONTENTS},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN "],\"kv\":\"QkI=\""), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN "],\"kv\":5"), ERR_ATTRIBUTE_TYPE},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN "],\"rn\":\"AA\""), ERR_CONTENTS},
        {SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN "],\"et\":\"20200101T000000\""), ERR_CONTENTS},
    };
    ready(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(register_key(f, cases[i].body), cases[i].want);
    }
    assert_int_equal(request(f, OP_CREATE, 60003, "/macr00", NULL, SKR), ERR_NOT_FOUND);
    assert_int_equal(request(f, OP_CREATE, 60003, "/-", NULL, SKR), ERR_NOT_FOUND);
    assert_int_equal(world_count(f->maf, TABLE_MAF_KEY), 0);
    assert_int_equal(register_key(f, SKR), ERR_OK); /* refusals did not use up the export */
}

static void test_key_of_another(void **state)
{
    struct fixture *f = *state;
    struct secret other;
    ready(f);
    world_secret("b0b1b2b3b4b5b6b7b8b9babbbcbdbebf", &other);
    assert_int_equal(ctl(f, "credential", "add",
                         "{\"kind\":\"km\",\"id\":\"dev2@maf.example.com\",\"enrolee-id\":\"//sp.example.com/Sdev2\",\"key\":\"b0b1b2b3b4b5b6b7b8b9babbbcbdbebf\"}"),
                     ERR_OK);
    allow(f, "//sp.example.com/Sdev2");
    assert_int_equal(connect_as(f, "dev2@maf.example.com", &other), ERR_OK);
    assert_int_equal(register_key(f, SKR), ERR_DENIED_CLIENT);
    assert_int_equal(world_audited(f->maf, AUDIT_REFUSED), 1);
}

static void test_key_id_taken(void **state)
{
    struct fixture *f = *state;
    struct keys_export x;
    ready(f);
    x = f->s.exported;
    assert_int_equal(register_key(f, SKR), ERR_OK);
    f->w.next_export = &x;
    assert_int_equal(connect_as(f, "dev1@maf.example.com", &f->km), ERR_OK);
    assert_int_equal(register_key(f, SKR), ERR_KEY_ID_TAKEN); /* CHOICE-25 */
    assert_int_equal(f->r.rsc, 4105);
}

static void test_retrieval_refused(void **state)
{
    struct fixture *f = *state;
    char path[128] = "/-/";
    ready(f);
    assert_int_equal(register_key(f, SKR), ERR_OK);
    member(f, "m2m:skr", "rn", path + 3, sizeof(path) - 3);
    size_t before = world_audited(f->maf, AUDIT_REFUSED);
    assert_int_equal(world_connect_cert(&f->w, f->maf, "in2.sp.example.com", &f->s), ERR_OK);
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, "//sp.example.com/in2", NULL), ERR_DENIED_TARGET); /* 4103 */
    assert_int_equal(f->r.rsc, 4103);
    assert_null(strstr(f->r.body, "kv"));
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, "//sp.example.com/in", NULL), ERR_DENIED_FROM);
    assert_int_equal(world_audited(f->maf, AUDIT_REFUSED), before + 2);
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, NULL, NULL), ERR_MALFORMED_FROM);
    assert_int_equal(world_connect_cert(&f->w, f->maf, "in.sp.example.com", &f->s), ERR_OK);
    assert_int_equal(request(f, OP_RETRIEVE, 0, "/-/00112233445566778899AABBCCDDEEFF", "//sp.example.com/in", NULL), ERR_NOT_FOUND);
    assert_int_equal(request(f, OP_RETRIEVE, 0, "/-/zz", "//sp.example.com/in", NULL), ERR_NOT_FOUND);
    assert_int_equal(request(f, OP_RETRIEVE, 0, "/-/0011223344556677889900112233445566778899001122334455667788990011", "//sp.example.com/in", NULL), ERR_NOT_FOUND);
    assert_int_equal(ctl(f, "credential", "revoke", "{\"ID\":\"dev1@maf.example.com\"}"), ERR_OK);
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, "//sp.example.com/in", NULL), ERR_DENIED_REVOKED);
}

static void test_lifetimes(void **state)
{
    struct fixture *f = *state;
    char et[32];
    /* Km ends before kc-lifetime would: the key ends with Km */
    f->w.forged = "{\"status\":true,\"credential\":\"" K42 "\",\"enroleeID\":\"//sp.example.com/Sdev1\",\"lifetime\":3600}";
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_OK);
    allow(f, "//sp.example.com/Sdev1");
    register_client(f);
    assert_int_equal(register_key(f, SKR), ERR_OK);
    member(f, "m2m:skr", "et", et, sizeof(et));
    assert_string_equal(et, "20231114T231320");
    /* what the client asks for, if that is earlier */
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_OK);
    assert_int_equal(register_key(f, SKR_OF(COMMON "\"suid\":32,\"tgis\":[" IN "],\"et\":\"20231114T223000\"")), ERR_OK);
    member(f, "m2m:skr", "et", et, sizeof(et));
    assert_string_equal(et, "20231114T223000");
    f->w.now += HOUR;
    assert_int_equal(register_key(f, SKR), ERR_DENIED_NO_ASSOCIATION); /* the association is over */
}

/* -- who may -------------------------------------------------------------------------------------------------- */
static void test_allow(void **state)
{
    struct fixture *f = *state;
    add_km(f);
    assert_int_equal(connect_as(f, "dev1@maf.example.com", &f->km), ERR_OK);
    register_client(f);
    assert_int_equal(register_key(f, SKR), ERR_DENIED_CLIENT); /* no row: refused */
    assert_int_equal(f->r.rsc, 4103);
    static const char *const rows[] = {
        "{\"client\":\"//SP.example.com/Sdev1\"}",                                            /* every target */
        "{\"client\":\"DEV1@maf.example.com\",\"target\":\"//sp.example.com/in\"}",           /* by KmId */
        "{\"client\":\"//sp.example.com/S*\",\"target\":\"//sp.example.com/x,//sp.example.com/*\"}",
        "{\"client\":\"//sp.example.com/Sdev1\",\"target\":[\"//sp.example.com/in\",\"//sp.example.com/in2\"]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(ctl(f, "client", "allow", rows[i]), ERR_OK);
        assert_int_equal(connect_as(f, "dev1@maf.example.com", &f->km), ERR_OK);
        assert_int_equal(register_key(f, SKR), ERR_OK);
        assert_int_equal(ctl(f, "client", "list", "{}"), ERR_OK);
        assert_non_null(strstr(f->r.body, "targets"));
        assert_int_equal(ctl(f, "client", "remove", rows[i]), ERR_OK);
        assert_int_equal(connect_as(f, "dev1@maf.example.com", &f->km), ERR_OK);
        assert_int_equal(register_key(f, SKR), ERR_DENIED_CLIENT);
    }
    static const char *const not_enough[] = {
        "{\"client\":\"//sp.example.com/Sdev1\",\"target\":\"//sp.example.com/in2\"}",
        "{\"client\":\"//sp.example.com/Sdev2\"}",
        "{\"client\":\"//sp.example.com/T*\"}",
        "{\"client\":\"//other.example.com/S*\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(not_enough); i++) {
        assert_int_equal(ctl(f, "client", "allow", not_enough[i]), ERR_OK);
        assert_int_equal(register_key(f, SKR), ERR_DENIED_CLIENT);
    }
    /* targets add up */
    assert_int_equal(ctl(f, "client", "allow", "{\"client\":\"//sp.example.com/Sdev1\",\"target\":\"//sp.example.com/in\"}"), ERR_OK);
    assert_non_null(strstr(f->r.body, "in2"));
    assert_int_equal(register_key(f, SKR), ERR_OK);
    assert_int_equal(ctl(f, "client", "allow", "{\"client\":\"Sdev1\"}"), ERR_MALFORMED_ID);
    assert_int_equal(ctl(f, "client", "allow", "{}"), ERR_MALFORMED_ID);
    assert_int_equal(ctl(f, "client", "allow", "{\"client\":\"//sp.example.com/S1\",\"target\":\"in\"}"), ERR_MALFORMED_ID);
    assert_int_equal(ctl(f, "client", "remove", "{\"client\":\"//sp.example.com/Snone\"}"), ERR_NOT_FOUND);
    assert_int_equal(world_audited(f->maf, AUDIT_CLIENT_ALLOWED), 9);
    assert_int_equal(world_audited(f->maf, AUDIT_CLIENT_REMOVED), 4);
}

/* A client without Enrolee-ID is its Credential-ID, before and after it got its KmId. */
static void test_credential_id_alone(void **state)
{
    struct fixture *f = *state;
    char aski[128];
    char cr[160];
    f->w.forged = "{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":86400}";
    assert_int_equal(connect_as(f, KEID, &f->k42), ERR_OK);
    register_client(f);
    member(f, "m2m:macr", "aski", aski, sizeof(aski));
    member(f, "m2m:macr", "cr", cr, sizeof(cr));
    assert_string_equal(cr + 3, aski);
    assert_int_equal(request(f, OP_CREATE, 60002, "/-", NULL, MACR), ERR_OK); /* not yet under KmId */
    assert_int_equal(request(f, OP_CREATE, 60002, "/-", "//sp.example.com/Sdev1", MACR), ERR_DENIED_FROM);
    allow(f, KEID);
    assert_int_equal(register_key(f, SKR), ERR_OK);
    assert_int_equal(connect_as(f, aski, &f->k42), ERR_OK);
    assert_int_equal(register_key(f, SKR), ERR_OK);
    assert_int_equal(request(f, OP_CREATE, 60002, "/-", NULL, MACR), ERR_REGISTERED);
}

static void test_credential_add_refused(void **state)
{
    struct fixture *f = *state;
    add_km(f);
    assert_int_equal(ctl(f, "credential", "add", "{\"kind\":\"km\",\"id\":\"DEV1@maf.example.com\",\"key\":\"" KM "\"}"), ERR_EXISTS);
    assert_int_equal(ctl(f, "credential", "add", "{\"kind\":\"kpm\",\"id\":\"d@maf.example.com\",\"key\":\"" KM "\"}"), ERR_USAGE);
    assert_int_equal(ctl(f, "credential", "add", "{\"kind\":\"km\",\"id\":\"d@mef.example.com\",\"key\":\"" KM "\"}"), ERR_MALFORMED_KEY_ID);
    assert_int_equal(ctl(f, "credential", "add", "{\"kind\":\"km\",\"id\":\"d@maf.example.com\",\"target\":\"//a.b/c\",\"key\":\"" KM "\"}"), ERR_USAGE);
    assert_int_equal(ctl(f, "credential", "show", "{\"ID\":\"dev1@maf.example.com\"}"), ERR_OK);
    assert_null(strstr(f->r.body, KM));
    assert_non_null(strstr(f->r.body, "pre-provisioned"));
    assert_int_equal(world_count(f->maf, TABLE_MAF_KM), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_preprovisioned, setup, teardown),
        cmocka_unit_test_setup_teardown(test_contract, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fetched, setup, teardown),
        cmocka_unit_test_setup_teardown(test_km_lifetime_caps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_question, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_revoked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_register_r3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_register_seed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_register_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_register_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_by_export, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_by_value, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_of_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_id_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retrieval_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lifetimes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_allow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_credential_id_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_credential_add_refused, setup, teardown),
    };
    return cmocka_run_group_tests_name("maf", tests, NULL, NULL);
}
