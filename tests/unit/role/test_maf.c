/* M2M Authentication Function: handshakes, answers of a MEF, registrations and keys, each refusal, over a memory store. */
#include "authority.h"

#include "role/maf/maf.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static err_t register_key(struct authority *f, const char *body)
{
    return authority_request(f, OP_CREATE, 60003, f->ri, NULL, body);
}

/* -- handshake ------------------------------------------------------------------------------------------ */
static void test_preprovisioned(void **state)
{
    struct authority *f = *state;
    struct secret wrong;
    authority_add_km(f);
    assert_null(strstr(f->r.body, KM));
    assert_int_equal(authority_connect(f, "DEV1@maf.example.com", &f->key), ERR_OK); /* R000-44, R001-01, R001-03 */
    assert_int_equal(f->s.assoc.peer, PEER_AE);
    assert_int_equal(f->s.assoc.framework, ASSOCIATION_PSK);
    assert_true(association_is_bound_to(&f->s.assoc, text_of("//sp.example.com/Sdev1")));
    assert_string_equal(f->s.assoc.credential_id, "11-dev1@maf.example.com");
    assert_int_equal(f->s.assoc.not_after, T0 + 30 * 24 * HOUR - 1);
    world_secret("0000000000000000000000000000000f", &wrong);
    assert_int_equal(authority_connect(f, "dev1@maf.example.com", &wrong), ERR_DENIED_PSK_WRONG); /* refuses R000-45 */
    f->w.now = T0 + 30 * 24 * HOUR;
    assert_int_equal(authority_connect(f, "dev1@maf.example.com", &f->key), ERR_DENIED_EXPIRED); /* refuses R002-63 */
    assert_int_equal(f->w.asked, 0);
}

/* R004-10: a client belongs to a service subscription, or nothing is done for it; with every request, as the contract stands. */
static void test_contract(void **state)
{
    struct authority *f = *state;
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
    authority_ready(f);
    world_reload(&f->w, f->n, MAF_CONF_WITH("service-subscription = on\n"));
    assert_int_equal(authority_connect(f, "dev1@maf.example.com", &f->key), ERR_OK);
    assert_int_equal(register_key(f, SKR), ERR_DENIED_CONTRACT); /* refuses R004-10 */
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_DENIED_CONTRACT);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(authority_ctl(f, "contract", "add", wrong[i].args), wrong[i].want);
    }
    assert_int_equal(authority_ctl(f, "contract", "add", "{\"client\":\"//sp.example.com/Sother\",\"subscription\":\"c\"}"), ERR_OK);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_DENIED_CONTRACT); /* another's */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(args, sizeof(args), by, names[i]);
        assert_int_equal(authority_ctl(f, "contract", "add", args), ERR_OK);
        assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_OK);
        f->w.now += 3 * HOUR; /* it is over, and so is what it was good for */
        assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_DENIED_CONTRACT);
        assert_int_equal(authority_ctl(f, "contract", "list", "{}"), ERR_OK);
        assert_non_null(strstr(f->r.body, "\"over\""));
        assert_int_equal(authority_ctl(f, "contract", "add", args), ERR_OK);
        assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_OK);
        (void)snprintf(args, sizeof(args), "{\"client\":\"%s\"}", names[i]);
        assert_int_equal(authority_ctl(f, "contract", "remove", args), ERR_OK);
        assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_DENIED_CONTRACT);
        assert_int_equal(authority_ctl(f, "contract", "remove", args), ERR_NOT_FOUND);
    }
    world_reload(&f->w, f->n, MAF_CONF);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_OK);
}

static void test_unknown(void **state) /* refuses R001-01, R004-09 */
{
    struct authority *f = *state;
    assert_int_equal(authority_connect(f, "nobody@maf.example.com", &f->key), ERR_DENIED_PSK_UNKNOWN); /* refuses R001-41 */
    assert_int_equal(authority_connect(f, "AA@elsewhere.example.com", &f->key), ERR_DENIED_PEER);
    assert_int_equal(authority_connect(f, "AA@in.sp.example.com", &f->key), ERR_DENIED_PEER); /* configured, but no MEF */
    assert_int_equal(authority_connect(f, "nonsense", &f->key), ERR_MALFORMED_KEY_ID);
    assert_int_equal(authority_connect(f, "", &f->key), ERR_MALFORMED_KEY_ID);
    assert_int_equal(authority_connect(f, "a/../b@mef.example.com", &f->key), ERR_MALFORMED_KEY_ID); /* never into a path */
    assert_int_equal(f->w.asked, 0); /* a stranger cannot make the MAF call anybody */
    world_reload(&f->w, f->n, "[maf]\nfqdn = maf.example.com\nhide-identities = on\n");
    assert_int_equal(authority_connect(f, "nobody@maf.example.com", &f->key), ERR_DENIED_PSK_WRONG); /* CHOICE-34 */
}

static void test_fetched(void **state)
{
    struct authority *f = *state;
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_OK); /* R001-40, R001-48, R001-57 */
    assert_int_equal(f->w.asked, 1);
    assert_true(association_is_bound_to(&f->s.assoc, text_of("//sp.example.com/Sdev1"))); /* R001-55 */
    assert_string_equal(f->s.assoc.credential_id, "11-" KEID);
    assert_int_equal(world_audited(f->n, AUDIT_KM_STORED), 1);
    assert_int_equal(f->s.assoc.not_after, T0 + 24 * HOUR - 1);
    f->w.away = ERR_PEER_UNREACHABLE;
    assert_int_equal(authority_connect(f, "00112233445566778899aabbccddeeff@MEF.example.com", &f->other), ERR_OK); /* R001-45, R001-47 */
    assert_int_equal(f->w.asked, 1);
    f->w.now = T0 + 24 * HOUR; /* refused after expiry; not asked again */
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_DENIED_EXPIRED);
    assert_int_equal(f->w.asked, 1);
}

static void test_km_lifetime_caps(void **state)
{
    struct authority *f = *state;
    f->w.forged = "{\"status\":true,\"credential\":\"" K42 "\",\"lifetime\":3153600000,\"profile\":\"r3\"}";
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_OK);
    assert_int_equal(f->s.assoc.not_after, T0 + 30 * 24 * HOUR - 1);
    assert_int_equal(f->s.assoc.ids_n, 0); /* no Enrolee-ID: the Credential-ID alone [CHOICE-43] */
    assert_int_equal(f->s.assoc.peer, PEER_CLIENT);
}

static void test_away(void **state)
{
    struct authority *f = *state;
    f->w.away = ERR_PEER_UNREACHABLE;
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_PEER_UNREACHABLE);
    f->w.away = ERR_PEER_TIMEOUT;
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_PEER_TIMEOUT);
    assert_int_equal(world_count(f->n, TABLE_MAF_KM), 0);
    f->w.away = ERR_OK;
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_OK); /* it comes back */
}

static void test_answers(void **state)
{
    struct authority *f = *state;
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
        assert_int_equal(authority_connect(f, KEID, &f->other), cases[i].want);
    }
    assert_int_equal(world_count(f->n, TABLE_MAF_KM), 0);
    assert_int_equal(world_audited(f->n, AUDIT_KM_STORED), 0);
}

static void test_question(void **state)
{
    struct authority *f = *state;
    uint8_t memory[65536];
    struct arena a = arena_of(memory, sizeof(memory));
    struct txn t;
    struct role_psk p;
    const struct role_hello first = {text_of("00aabb@MEF.example.com"), WORLD_SUITE};
    const struct role_hello second = {text_of("00AABB@mef2.example.com"), WORLD_SUITE};
    assert_int_equal(store_begin(f->n->store, false), ERR_OK);
    txn_init(&t, f->n->store, &a, false);
    assert_int_equal(dispatch_psk(&role_maf, f->n->ctx, &t, &first, T0, &p), ERR_OK);
    assert_int_equal(p.verdict, ROLE_ASK);
    assert_string_equal(p.ask.peer, "mef.example.com");
    assert_string_equal(p.ask.origin, "maf.example.com"); /* R001-49 */
    assert_string_equal(p.ask.path, "/fetchCredentials/00AABB@mef.example.com/21");
    assert_int_equal(dispatch_psk(&role_maf, f->n->ctx, &t, &second, T0, &p), ERR_OK);
    assert_string_equal(p.ask.path, "/fetchCredentials/00AABB@mef2.example.com"); /* seed form */
    store_rollback(f->n->store);
}

/* Two handshakes asked about one KeId: the second answer changes nothing, also if the MEF is away by then. */
static void test_second_answer(void **state)
{
    struct authority *f = *state;
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_OK);
    authority_register(f, NULL); /* KmId assigned */
    struct question q = {.peer = "mef.example.com", .key_id = {"00112233445566778899aabbccddeeff@mef.example.com"}};
    struct answer answers[] = {{.err = ERR_PEER_TIMEOUT}, {.status = 200, .body = text_bytes(text_of("garbage"))}};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        uint8_t memory[65536];
        struct arena a = arena_of(memory, sizeof(memory));
        struct txn t;
        struct role_psk p;
        assert_int_equal(store_begin(f->n->store, true), ERR_OK);
        txn_init(&t, f->n->store, &a, true);
        const struct dispatch_asked asked = {&q, &answers[i], T0};
        assert_int_equal(dispatch_answer(&role_maf, f->n->ctx, &asked, &t, &p), ERR_OK);
        assert_true(secret_eq(&p.key, &f->other));
        assert_int_equal(t.staged_n, 0);
        store_rollback(f->n->store);
    }
}

static void test_revoked(void **state)
{
    struct authority *f = *state;
    char args[300];
    char aski[128];
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_OK);
    authority_register(f, NULL);
    authority_member(f, "m2m:macr", "aski", aski, sizeof(aski));
    snprintf(args, sizeof(args), "{\"ID\":\"%s\"}", aski);
    assert_int_equal(authority_ctl(f, "credential", "revoke", args), ERR_OK);
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_DENIED_REVOKED); /* under both names */
    assert_int_equal(authority_connect(f, aski, &f->other), ERR_DENIED_REVOKED);
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", NULL, MACR), ERR_DENIED_REVOKED); /* in a session that stands */
    assert_int_equal(f->w.asked, 1);
}

/* -- client registration --------------------------------------------------------------------------------- */
static void test_register_r3(void **state)
{
    struct authority *f = *state;
    char aski[128];
    char text[128];
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_OK);
    authority_register(f, NULL);
    authority_member(f, "m2m:macr", "aski", aski, sizeof(aski));
    assert_true(text_starts(text_of(aski), "k"));
    assert_non_null(strstr(aski, "@maf.example.com"));
    authority_member(f, "m2m:macr", "cr", text, sizeof(text));
    assert_string_equal(text, "//sp.example.com/Sdev1");
    authority_member(f, "m2m:macr", "et", text, sizeof(text));
    assert_string_equal(text, "20231115T221320"); /* not later than Km */
    assert_int_equal(world_audited(f->n, AUDIT_MAF_CLIENT_REGISTERED), 1);
    f->w.away = ERR_PEER_UNREACHABLE;
    assert_int_equal(authority_connect(f, aski, &f->other), ERR_OK); /* R001-44, R001-45: both names, no MEF */
    assert_string_equal(f->s.assoc.credential_id + 3, aski);
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", NULL, MACR), ERR_REGISTERED); /* 4117 */
    assert_int_equal(f->r.rsc, 4117);
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_OK);
    assert_string_equal(f->s.assoc.credential_id + 3, aski);
    /* who still comes with KeId never saw the answer that assigned KmId: it gets it again */
    char first[sizeof(f->ri)];
    strcpy(first, f->ri);
    authority_register(f, NULL);
    assert_string_equal(f->ri, first);
    authority_member(f, "m2m:macr", "aski", text, sizeof(text));
    assert_string_equal(text, aski);
    assert_int_equal(world_count(f->n, TABLE_MAF_CLIENT), 1);
    /* another stakeholder: another registration, the same KmId */
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", NULL, "{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"two.example.com\",\"lbl\":[\"a\",\"b\"]}}"), ERR_OK);
    authority_member(f, "m2m:macr", "aski", text, sizeof(text));
    assert_string_equal(text, aski);
    assert_non_null(strstr(f->r.body, "\"lbl\":[\"a\",\"b\"]"));
    assert_int_equal(authority_ctl(f, "credential", "list", "{}"), ERR_OK);
    json_t *list = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &list), ERR_OK);
    assert_int_equal(json_array_size(json_object_get(list, "credentials")), 1); /* shown once */
    json_decref(list);
}

static void test_register_seed(void **state)
{
    struct authority *f = *state;
    assert_int_equal(authority_connect(f, SEED_KEID, &f->other), ERR_OK);
    assert_string_equal(f->s.assoc.credential_id, "11-" SEED_KEID); /* KmId := KeId (R001-60) */
    authority_register(f, NULL);
    assert_null(strstr(f->r.body, "aski"));
    assert_int_equal(world_count(f->n, TABLE_MAF_KM), 1);
}

static void test_register_refused(void **state)
{
    struct authority *f = *state;
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
    authority_add_km(f);
    assert_int_equal(authority_connect(f, "dev1@maf.example.com", &f->key), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", NULL, cases[i].body), cases[i].want);
        assert_int_equal(f->r.rsc, cases[i].rsc);
    }
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", "//sp.example.com/Sother", MACR), ERR_DENIED_FROM); /* 4106 */
    assert_int_equal(f->r.rsc, 4106);
    assert_int_equal(authority_request(f, OP_CREATE, 60004, "/-", NULL, MACR), ERR_TYPE_UNSUPPORTED);
    assert_int_equal(authority_request(f, OP_DELETE, 0, "/-", NULL, NULL), ERR_OPERATION); /* 4005 */
    assert_int_equal(authority_request(f, OP_NOTIFY, 0, "/-/AA", NULL, NULL), ERR_OPERATION);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, "/nothing/here", NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(world_count(f->n, TABLE_MAF_CLIENT), 0);
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", "//sp.example.com/Sdev1", MACR), ERR_OK); /* CHOICE-66 */
    association_init_plain(&f->s.assoc);
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", NULL, MACR), ERR_DENIED_NO_ASSOCIATION);
    assert_int_equal(f->r.rsc, 4107);
}

static void test_register_again(void **state)
{
    struct authority *f = *state;
    char first[64];
    assert_int_equal(authority_connect(f, KEID, &f->other), ERR_OK);
    authority_register(f, NULL);
    strcpy(first, f->ri);
    /* a new enrolment of the same Enrolee: the registration goes on with the new Km */
    assert_int_equal(authority_connect(f, "AABBCCDDEEFF00112233445566778899@mef.example.com", &f->other), ERR_OK);
    authority_register(f, NULL);
    assert_string_equal(first, f->ri);
    assert_int_equal(world_count(f->n, TABLE_MAF_CLIENT), 1);
    /* an expired one does too */
    f->w.now += 24 * HOUR;
    assert_int_equal(authority_connect(f, "BBBBCCDDEEFF00112233445566778899@mef.example.com", &f->other), ERR_OK);
    authority_register(f, NULL);
    assert_int_equal(world_count(f->n, TABLE_MAF_CLIENT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_preprovisioned, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_contract, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_unknown, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_fetched, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_km_lifetime_caps, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_away, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_answers, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_question, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_second_answer, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_revoked, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_register_r3, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_register_seed, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_register_refused, authority_maf_setup, authority_teardown),
        cmocka_unit_test_setup_teardown(test_register_again, authority_maf_setup, authority_teardown),
    };
    return cmocka_run_group_tests_name("maf", tests, NULL, NULL);
}
