/* Client and key registration: every procedure and refusal on Mmaf and on Mmef with the same steps [TS-0003 8.8.2, 8.3.5.2]. */
#include "role/maf/maf.h"
#include "role/mef/mef.h"
#include "role/reg/reg_leave.h"
#include "role/secret_text.h"
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
#define KEY "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define KEY2 "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define K42 "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=" /* 32 octets of 0x42 */
#define K16 "QkJCQkJCQkJCQkJCQkJCQg=="
#define K8 "QkJCQkJCQkI="
#define SP "sp.example.com"

struct side {
    const struct role *role;
    const char *fqdn, *conf, *kind;
    const char *root;
    uint32_t client_ty, base_ty;
    const char *base_root;
    unsigned suid, suid_many, suid_other; /* of a key for one target, for several, and one that is not registered here */
    const char *target, *target_cert;     /* of suid */
    const char *wrong_target;             /* of the wrong kind */
    enum store_table client, client_of, key, key_of;
    enum audit_kind client_registered, key_registered, key_retrieved;
    const char *cfg;
};
static const struct side sides[] = {
    {.role = &role_maf, .fqdn = "maf.example.com", .kind = "km", .root = "m2m:macr", .client_ty = 60002, .base_ty = 60001,
     .conf = "[maf]\nfqdn = maf.example.com\nkc-lifetime = 12h\n", .base_root = "m2m:mafb",
     .suid = 32, .suid_many = 34, .suid_other = 22, .target = "//sp.example.com/in", .target_cert = "in.sp.example.com",
     .wrong_target = "mef.example.com", .client = TABLE_MAF_CLIENT, .client_of = TABLE_MAF_CLIENT_OF,
     .key = TABLE_MAF_KEY, .key_of = TABLE_MAF_KEY_OF, .client_registered = AUDIT_MAF_CLIENT_REGISTERED,
     .key_registered = AUDIT_MAF_KEY_REGISTERED, .key_retrieved = AUDIT_MAF_KEY_RETRIEVED, .cfg = "sec:mafClientCfg"},
    {.role = &role_mef, .fqdn = "mef.example.com", .kind = "kpm", .root = "m2m:mecr", .client_ty = 60005, .base_ty = 60004,
     .conf = "[mef]\nfqdn = mef.example.com\nkey-lifetime = 12h\n", .base_root = "m2m:mefb",
     .suid = 21, .suid_many = 24, .suid_other = 32, .target = "maf.example.com", .target_cert = "maf.example.com",
     .wrong_target = "//sp.example.com/in", .client = TABLE_MEF_CLIENT, .client_of = TABLE_MEF_CLIENT_OF,
     .key = TABLE_MEF_KEY, .key_of = TABLE_MEF_KEY_OF, .client_registered = AUDIT_MEF_CLIENT_REGISTERED,
     .key_registered = AUDIT_MEF_KEY_REGISTERED, .key_retrieved = AUDIT_MEF_KEY_RETRIEVED, .cfg = "sec:mefClientCfg"},
};

struct fixture {
    const struct side *x;
    struct world w;
    struct world_node *n;
    struct secret key, key2;
    struct world_session s;
    struct world_reply r;
    char ri[64];    /* "/macr..." */
    char path[128]; /* "/-/RelativeKeyID" */
};

static err_t ctl(struct fixture *f, const char *noun, const char *verb, const char *args)
{
    return world_ctl(&f->w, f->n, noun, verb, args, &f->r);
}

static void add(struct fixture *f, const char *name, const char *key)
{
    char args[512];
    snprintf(args, sizeof(args), "{\"kind\":\"%s\",\"id\":\"%s@%s\",\"enrolee-id\":\"//sp.example.com/S%s\"%s,\"key\":\"%s\"}",
             f->x->kind, name, f->x->fqdn, name, f->x->role == &role_mef ? ",\"target\":\"maf.example.com\"" : "", key);
    assert_int_equal(ctl(f, "credential", "add", args), ERR_OK);
    snprintf(args, sizeof(args), "{\"client\":\"//sp.example.com/S%s\",\"target\":\"%s,//sp.example.com/in*\"}", name, f->x->target);
    assert_int_equal(ctl(f, "client", "allow", args), ERR_OK);
}

static void *start(const struct side *x)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->x = x;
    world_init(&f->w, T0);
    f->n = world_add(&f->w, x->role, x->fqdn, x->conf);
    world_secret(KEY, &f->key);
    world_secret(KEY2, &f->key2);
    add(f, "dev1", KEY);
    add(f, "dev2", KEY2);
    return f;
}

static int setup_maf(void **state)
{
    *state = start(&sides[0]);
    return 0;
}

static int setup_mef(void **state)
{
    *state = start(&sides[1]);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    world_free(&f->w);
    free(f);
    return 0;
}

static void connect_as(struct fixture *f, const char *name)
{
    char id[64];
    snprintf(id, sizeof(id), "%s@%s", name, f->x->fqdn);
    assert_int_equal(world_connect(&f->w, f->n, id, strcmp(name, "dev1") == 0 ? &f->key : &f->key2, &f->s), ERR_OK);
}

static err_t request(struct fixture *f, enum op op, uint32_t ty, const char *path, const char *from, const char *body)
{
    struct world_request rq = {.op = op, .ty = ty, .path = path, .from = from, .body = body};
    return world_request(&f->s, &rq, &f->r);
}

static void member(struct fixture *f, const char *root, const char *name, char *out, size_t cap)
{
    json_t *o = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    assert_int_equal(text_copy(json_get_text(json_object_get(o, root), name), out, cap), ERR_OK);
    json_decref(o);
}

static err_t create_client(struct fixture *f, const char *adfq, const char *more)
{
    char body[256];
    snprintf(body, sizeof(body), "{\"%s\":{\"et\":\"20231116T000000\",\"adfq\":\"%s\"%s}}", f->x->root, adfq, more);
    return request(f, OP_CREATE, f->x->client_ty, "/-", NULL, body);
}

static void register_client(struct fixture *f)
{
    assert_int_equal(create_client(f, SP, ""), ERR_OK);
    assert_int_equal(f->r.rsc, 2001);
    strcpy(f->ri, "/");
    member(f, f->x->root, "ri", f->ri + 1, sizeof(f->ri) - 1);
}

static err_t create_key(struct fixture *f, unsigned suid, const char *targets, const char *more)
{
    char body[512];
    snprintf(body, sizeof(body), "{\"m2m:skr\":{\"adfq\":\"sp.example.com\",\"suid\":%u,\"tgis\":[%s]%s}}", suid, targets, more);
    return request(f, OP_CREATE, 60003, f->ri, NULL, body);
}

static err_t create_own_key(struct fixture *f, const char *kv)
{
    char target[80], more[160];
    snprintf(target, sizeof(target), "\"%s\"", f->x->target);
    snprintf(more, sizeof(more), ",\"kv\":\"%s\"", kv);
    return create_key(f, f->x->suid, target, more);
}

static void register_key(struct fixture *f)
{
    assert_int_equal(create_own_key(f, K42), ERR_OK);
    assert_int_equal(f->r.rsc, 2001);
    strcpy(f->path, "/-/");
    member(f, "m2m:skr", "rn", f->path + 3, sizeof(f->path) - 3);
}

static void ready(struct fixture *f)
{
    connect_as(f, "dev1");
    register_client(f);
    register_key(f);
}

/* Two credentials of one Enrolee, whose domain an operator wrote in two ways. */
static void one_client_in_two_spellings(void **state)
{
    struct fixture *f = *state;
    char args[512], text[128];
    snprintf(args, sizeof(args), "{\"kind\":\"%s\",\"id\":\"dev3@%s\",\"enrolee-id\":\"//SP.Example.com/Sdev1\"%s,\"key\":\"" KEY2 "\"}",
             f->x->kind, f->x->fqdn, f->x->role == &role_mef ? ",\"target\":\"maf.example.com\"" : "");
    assert_int_equal(ctl(f, "credential", "add", args), ERR_OK);
    connect_as(f, "dev3");
    register_client(f);
    member(f, f->x->root, "cr", text, sizeof(text));
    assert_string_equal(text, "//sp.example.com/Sdev1");
    connect_as(f, "dev1");
    assert_int_equal(create_client(f, SP, ""), ERR_OK); /* its registration, now on this credential */
    assert_int_equal(world_count(f->n, f->x->client_of), 1);
}

static err_t fetch(struct fixture *f)
{
    struct world_session kept = f->s;
    assert_int_equal(world_connect_cert(&f->w, f->n, f->x->target_cert, &f->s), ERR_OK);
    err_t e = request(f, OP_RETRIEVE, 0, f->path, f->x->target, NULL);
    f->s = kept;
    return e;
}

/* -- clients ---------------------------------------------------------------------------------------------- */
static void client_is_registered_once(void **state)
{
    struct fixture *f = *state;
    char text[128];
    connect_as(f, "dev1");
    register_client(f);
    assert_int_equal(world_audited(f->n, f->x->client_registered), 1);
    member(f, f->x->root, "cr", text, sizeof(text));
    assert_string_equal(text, "//sp.example.com/Sdev1");
    member(f, f->x->root, "et", text, sizeof(text));
    assert_string_equal(text, "20231116T000000");
    assert_null(strstr(f->r.body, "aski")); /* nothing was provisioned by somebody else */
    assert_int_equal(create_client(f, SP, ""), ERR_REGISTERED);
    assert_int_equal(f->r.rsc, 4117);
    assert_int_equal(create_client(f, "two.example.com", ",\"lbl\":[\"a\"]"), ERR_OK); /* another stakeholder */
    assert_int_equal(request(f, OP_CREATE, f->x->client_ty == 60002 ? 60005 : 60002, "/-", NULL, "{}"), ERR_TYPE_UNSUPPORTED);
    /* the same client finds both again; another sees none of them */
    assert_int_equal(request(f, OP_RETRIEVE, 0, "/-", NULL, NULL), ERR_OK);
    assert_int_equal(f->r.rsc, 2000);
    assert_non_null(strstr(f->r.body, f->ri + 1));
    assert_non_null(strstr(f->r.body, "two.example.com"));
    assert_non_null(strstr(f->r.body, f->x->base_root));
    assert_non_null(strstr(f->r.body, f->x->fqdn));
    assert_int_equal(request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"cr\":\"//sp.example.com/Sdev1\""));
    connect_as(f, "dev2");
    assert_int_equal(request(f, OP_RETRIEVE, 0, "/-", NULL, NULL), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"ch\":[]"));
    assert_int_equal(request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_DENIED_CLIENT);
}

static void configuration_is_what_the_operator_set(void **state)
{
    struct fixture *f = *state;
    char cfg[80], args[256];
    connect_as(f, "dev1");
    register_client(f);
    snprintf(cfg, sizeof(cfg), "%s/cfg", f->ri);
    assert_int_equal(request(f, OP_RETRIEVE, 0, cfg, NULL, NULL), ERR_NOT_FOUND); /* CHOICE-51 */
    assert_int_equal(f->r.rsc, 4004);
    snprintf(args, sizeof(args), "{\"RI\":\"%s\",\"configuration\":\"{\\\"httpPort\\\": 8443}\"}", f->ri + 1);
    assert_int_equal(ctl(f, "registration", "configure", args), ERR_OK);
    assert_int_equal(world_audited(f->n, AUDIT_CLIENT_CONFIGURED), 1);
    assert_int_equal(request(f, OP_RETRIEVE, 0, cfg, NULL, NULL), ERR_OK);
    snprintf(args, sizeof(args), "{\"%s\":{\"httpPort\":8443}}", f->x->cfg);
    assert_string_equal(f->r.body, args);
    /* an update keeps it */
    snprintf(args, sizeof(args), "{\"%s\":{\"lbl\":[\"x\"]}}", f->x->root);
    assert_int_equal(request(f, OP_UPDATE, 0, f->ri, NULL, args), ERR_OK);
    assert_int_equal(request(f, OP_RETRIEVE, 0, cfg, NULL, NULL), ERR_OK);
    connect_as(f, "dev2");
    assert_int_equal(request(f, OP_RETRIEVE, 0, cfg, NULL, NULL), ERR_DENIED_CLIENT);
    assert_int_equal(request(f, OP_UPDATE, 0, cfg, NULL, "{}"), ERR_OPERATION);
    snprintf(args, sizeof(args), "{\"RI\":\"%s\",\"configuration\":\"[1]\"}", f->ri + 1);
    assert_int_not_equal(ctl(f, "registration", "configure", args), ERR_OK);
    assert_int_equal(ctl(f, "registration", "configure", "{\"RI\":\"none\"}"), ERR_NOT_FOUND);
    snprintf(args, sizeof(args), "{\"RI\":\"%s\"}", f->ri + 1);
    assert_int_equal(ctl(f, "registration", "configure", args), ERR_OK);
    connect_as(f, "dev1");
    assert_int_equal(request(f, OP_RETRIEVE, 0, cfg, NULL, NULL), ERR_NOT_FOUND);
}

static void registration_is_updated(void **state)
{
    struct fixture *f = *state;
    char body[256], text[64];
    connect_as(f, "dev1");
    register_client(f);
    snprintf(body, sizeof(body), "{\"%s\":{\"et\":\"20231115T000000\"}}", f->x->root);
    assert_int_equal(request(f, OP_UPDATE, 0, f->ri, NULL, body), ERR_OK);
    assert_int_equal(f->r.rsc, 2004);
    snprintf(text, sizeof(text), "{\"%s\":{\"et\":\"20231115T000000\"}}", f->x->root);
    assert_string_equal(f->r.body, text); /* only what was in the request */
    snprintf(body, sizeof(body), "{\"%s\":{\"et\":\"20991231T000000\",\"lbl\":[\"b\"]}}", f->x->root);
    assert_int_equal(request(f, OP_UPDATE, 0, f->ri, NULL, body), ERR_OK);
    member(f, f->x->root, "et", text, sizeof(text));
    assert_string_equal(text, "20241113T221320"); /* not beyond the credential */
    static const struct {
        const char *members;
        err_t want;
        uint16_t rsc;
    } cases[] = {
        {"", ERR_MISSING, 4000}, /* at least one [8.8.2.5] */
        {"\"adfq\":\"two.example.com\"", ERR_CONTENTS, 4102},
        {"\"et\":\"20200101T000000\"", ERR_CONTENTS, 4102},
        {"\"et\":1", ERR_ATTRIBUTE_TYPE, 4000},
        {"\"zz\":1", ERR_UNKNOWN_ATTRIBUTE, 4000},
        {"\"aski\":\"a@b.c\",\"lbl\":[\"x\"]", ERR_CONTENTS, 4102},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        snprintf(body, sizeof(body), "{\"%s\":{%s}}", f->x->root, cases[i].members);
        assert_int_equal(request(f, OP_UPDATE, 0, f->ri, NULL, body), cases[i].want);
        assert_int_equal(f->r.rsc, cases[i].rsc);
    }
    snprintf(body, sizeof(body), "{\"%s\":{\"lbl\":[\"b\"]}}", f->x->root);
    assert_int_equal(request(f, OP_UPDATE, 0, "/nowhere", NULL, body), ERR_NOT_FOUND);
    assert_int_equal(request(f, OP_UPDATE, 0, "/-", NULL, body), ERR_OPERATION);
    assert_int_equal(request(f, OP_UPDATE, 0, f->ri, "//sp.example.com/Sdev2", body), ERR_DENIED_FROM);
    connect_as(f, "dev2");
    assert_int_equal(request(f, OP_UPDATE, 0, f->ri, NULL, body), ERR_DENIED_CLIENT);
    assert_int_equal(f->r.rsc, 4103);
    association_init_plain(&f->s.assoc);
    assert_int_equal(request(f, OP_UPDATE, 0, f->ri, NULL, body), ERR_DENIED_NO_ASSOCIATION);
    assert_int_equal(f->r.rsc, 4107);
}

#define KEYS 112

/* Does the role, left alone, do something for itself? */
static bool leaves(struct fixture *f)
{
    static struct errand q;
    const struct errand_memory m = {.lane = 0};
    const struct errand_answer a = {.err = ERR_OK, .body = bytes_empty()};
    err_t why = ERR_BUG;
    assert_int_equal(world_errand(&f->w, f->n, &m, &q), ERR_OK);
    assert_int_equal(q.op, OP_NONE);
    if (q.about[0] == '\0') {
        return false;
    }
    assert_int_equal(world_returned(&f->w, f->n, &q, &a, &why), ERR_OK);
    return true;
}

static void deregistration_takes_the_keys(void **state)
{
    struct fixture *f = *state;
    ready(f);
    for (int i = 0; i < KEYS - 2; i++) { /* more than two transactions take away */
        assert_int_equal(create_own_key(f, K42), ERR_OK);
    }
    assert_int_equal(fetch(f), ERR_OK);
    connect_as(f, "dev2");
    assert_int_equal(request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_DENIED_CLIENT);
    connect_as(f, "dev1");
    strcpy(f->path, "/-/");
    register_key(f); /* the last one, beyond the first 48 or among them: nobody gets it */
    assert_int_equal(request(f, OP_DELETE, 0, "/-", NULL, NULL), ERR_OPERATION);
    assert_int_equal(request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_OK);
    assert_int_equal(f->r.rsc, 2002);
    assert_string_equal(f->r.body, "");
    assert_int_equal(world_audited(f->n, AUDIT_CLIENT_DEREGISTERED), 1);
    assert_int_equal(world_count(f->n, f->x->client), 0);
    assert_int_equal(world_count(f->n, f->x->client_of), 0);
    assert_int_equal(world_count(f->n, f->x->key), KEYS - REG_LEAVE_KEYS_AT_ONCE);
    assert_int_equal(world_count(f->n, f->x->key), world_count(f->n, f->x->key_of));
    assert_int_equal(fetch(f), ERR_NOT_FOUND);
    assert_int_equal(f->r.rsc, 4004);
    assert_int_equal(request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_NOT_FOUND);
    for (size_t left = KEYS - REG_LEAVE_KEYS_AT_ONCE; left > 0;) { /* the rest by and by, whether or not anybody asks anything */
        left -= left < REG_LEAVE_KEYS_AT_ONCE ? left : REG_LEAVE_KEYS_AT_ONCE;
        assert_true(leaves(f));
        assert_int_equal(world_count(f->n, f->x->key), left);
        assert_int_equal(world_count(f->n, f->x->key_of), left);
    }
    assert_false(leaves(f) && leaves(f)); /* one look more at most, and then there is nothing to do */
    register_client(f); /* the credential was pre-provisioned: it stays */
}

/* The first key or the last one: 9 octets are left of its record. */
static bool first_hit(void *arg, struct bytes id, struct store_value value)
{
    struct writer *w = arg;
    w->n = 0;
    writer_u8(w, (uint8_t)id.n);
    writer_bytes(w, id);
    writer_bytes(w, bytes_of(value.data.p, 9));
    return false;
}

static void harm(struct fixture *f, enum store_table table, enum store_order order)
{
    uint8_t memory[8192], found[256];
    struct writer w = WRITER_ARRAY(found);
    struct arena arena = arena_of(memory, sizeof(memory));
    const struct store_scan s = {.table = table, .prefix = bytes_empty(), .after = bytes_empty(), .order = order};
    struct txn t;
    assert_int_equal(store_begin(f->n->store, true), ERR_OK);
    txn_init(&t, f->n->store, &arena, true);
    assert_int_equal(txn_scan(&t, &s, first_hit, &w), ERR_OK);
    assert_true(w.n > 10);
    const struct text id = text_span((const char *)found + 1, found[0]);
    assert_int_equal(txn_put(&t, table, id, bytes_of(found + 1 + id.n, 9), STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(txn_apply(&t), ERR_OK);
    assert_int_equal(store_commit(f->n->store), ERR_OK);
}

/* Neither the end of the registration nor what leaves after it. */
static void a_key_that_cannot_be_read_stops_nothing(void **state)
{
    struct fixture *f = *state;
    ready(f);
    for (int i = 0; i < REG_LEAVE_KEYS_AT_ONCE + 1; i++) {
        assert_int_equal(create_own_key(f, K42), ERR_OK);
    }
    harm(f, f->x->key, STORE_ASCENDING);
    harm(f, f->x->key, STORE_DESCENDING);
    assert_int_equal(request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_OK);
    assert_int_equal(world_audited(f->n, AUDIT_KEY_RECORD_LOST), 1);
    while (leaves(f)) {
    }
    assert_int_equal(world_audited(f->n, AUDIT_KEY_RECORD_LOST), 2);
    assert_int_equal(world_count(f->n, f->x->key), 0);
    assert_int_equal(world_count(f->n, f->x->key_of), 0);
}

/* The credential behind readable keys: where they were noted is not known any more. It stays for the operator to see. */
static void a_credential_that_cannot_be_read_stops_nothing(void **state)
{
    struct fixture *f = *state;
    ready(f);
    for (int i = 0; i < REG_LEAVE_KEYS_AT_ONCE + 1; i++) {
        assert_int_equal(create_own_key(f, K42), ERR_OK);
    }
    const enum store_table table = f->x->role == &role_maf ? TABLE_MAF_KM : TABLE_MEF_CREDENTIAL;
    assert_int_equal(request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_OK);
    for (size_t i = 0; i < world_count(f->n, table); i++) { /* all that name it */
        harm(f, table, i == 0 ? STORE_ASCENDING : STORE_DESCENDING);
    }
    while (leaves(f)) {
    }
    assert_int_equal(world_count(f->n, f->x->key), 0);
    assert_int_equal(world_count(f->n, f->x->key_of), 0);
}

/* -- keys ------------------------------------------------------------------------------------------------- */
static void key_goes_to_its_target(void **state)
{
    struct fixture *f = *state;
    char text[128];
    ready(f);
    assert_null(strstr(f->r.body, K42));
    assert_int_equal(request(f, OP_RETRIEVE, 0, f->path, NULL, NULL), ERR_DENIED_TARGET); /* a Source never reads it back */
    assert_int_equal(f->r.rsc, 4103);
    assert_int_equal(fetch(f), ERR_OK);
    member(f, "m2m:skr", "kv", text, sizeof(text));
    assert_string_equal(text, K42);
    assert_true((strstr(f->r.body, "aski") != NULL) == (f->x->role == &role_maf)); /* CHOICE-05; a KpmId is nobody's business */
    assert_int_equal(world_audited(f->n, f->x->key_registered), 1);
    assert_int_equal(world_audited(f->n, f->x->key_retrieved), 1);
    connect_as(f, "dev2");
    assert_int_equal(request(f, OP_RETRIEVE, 0, f->path, NULL, NULL), ERR_DENIED_TARGET);
    assert_int_equal(request(f, OP_RETRIEVE, 0, "/-/00112233445566778899AABBCCDDEEFF", NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(request(f, OP_RETRIEVE, 0, "/-/zz", NULL, NULL), ERR_NOT_FOUND);
}

static void key_registration_is_refused(void **state)
{
    struct fixture *f = *state;
    char one[80], wrong[80];
    connect_as(f, "dev1");
    register_client(f);
    snprintf(one, sizeof(one), "\"%s\"", f->x->target);
    snprintf(wrong, sizeof(wrong), "\"%s\"", f->x->wrong_target);
    assert_int_equal(create_key(f, f->x->suid_other, one, ",\"kv\":\"" K42 "\""), ERR_MALFORMED_SUID);
    assert_int_equal(f->r.rsc, 4000);
    assert_int_equal(create_key(f, f->x->suid, wrong, ",\"kv\":\"" K42 "\""), ERR_ATTRIBUTE_TYPE);
    assert_int_equal(create_key(f, f->x->suid, "\"//sp.example.com/in\",\"//sp.example.com/in2\"", ""), ERR_CONTENTS);
    assert_int_equal(create_key(f, f->x->suid_many, "\"//sp.example.com/Sdev1\"", ""), ERR_CONTENTS);
    assert_int_equal(create_key(f, f->x->suid_many, "\"//sp.example.com/other\"", ""), ERR_DENIED_CLIENT); /* not allowed */
    assert_int_equal(f->r.rsc, 4103);
    assert_int_equal(create_key(f, f->x->suid_many, "\"//sp.example.com/in\",\"//sp.example.com/in2\"", ",\"kv\":\"" K42 "\""), ERR_OK);
    assert_int_equal(create_own_key(f, K16), ERR_ATTRIBUTE_TYPE); /* exactly 32 octets unless configured [CHOICE-54] */
    assert_int_equal(request(f, OP_CREATE, 60003, "/-", NULL, "{}"), ERR_MISSING);
    connect_as(f, "dev2");
    assert_int_equal(create_own_key(f, K42), ERR_DENIED_CLIENT); /* under another's registration */
    f->w.now += 48 * HOUR; /* the registration has ended */
    connect_as(f, "dev1");
    assert_int_equal(create_own_key(f, K42), ERR_NOT_FOUND);
    assert_int_equal(request(f, OP_RETRIEVE, 0, "/-", NULL, NULL), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"ch\":[]"));
}

static void key_value_has_the_configured_length(void **state)
{
    struct fixture *f = *state;
    char conf[256];
    snprintf(conf, sizeof(conf), "%skey-value-min = 16\nkey-value-max = 64\n", f->x->conf);
    world_reload(&f->w, f->n, conf);
    connect_as(f, "dev1");
    register_client(f);
    assert_int_equal(create_own_key(f, K16), ERR_OK);
    assert_int_equal(create_own_key(f, K42), ERR_OK);
    assert_int_equal(create_own_key(f, K8), ERR_ATTRIBUTE_TYPE);
}

static void key_is_updated_by_its_source(void **state)
{
    struct fixture *f = *state;
    char text[64];
    ready(f);
    assert_int_equal(create_key(f, f->x->suid_many, "\"//sp.example.com/in\"", ",\"kv\":\"" K42 "\""), ERR_OK);
    member(f, "m2m:skr", "rn", f->path + 3, sizeof(f->path) - 3);
    assert_int_equal(request(f, OP_UPDATE, 0, f->path, NULL, "{\"m2m:skr\":{\"et\":\"20231115T000000\"}}"), ERR_OK);
    assert_int_equal(f->r.rsc, 2004);
    assert_string_equal(f->r.body, "{\"m2m:skr\":{\"et\":\"20231115T000000\"}}");
    assert_int_equal(request(f, OP_UPDATE, 0, f->path, NULL, "{\"m2m:skr\":{\"et\":\"20991231T000000\",\"lbl\":[\"x\"],\"tgis\":[\"//sp.example.com/in2\"]}}"), ERR_OK);
    member(f, "m2m:skr", "et", text, sizeof(text));
    assert_string_equal(text, "20231115T101320"); /* 12 h */
    assert_int_equal(world_audited(f->n, AUDIT_KEY_UPDATED), 2);
    /* the new target gets the same key, the old one none */
    struct world_session source = f->s;
    assert_int_equal(world_connect_cert(&f->w, f->n, "in2.sp.example.com", &f->s), ERR_OK);
    assert_int_equal(request(f, OP_RETRIEVE, 0, f->path, "//sp.example.com/in2", NULL), ERR_OK);
    assert_non_null(strstr(f->r.body, K42));
    assert_int_equal(request(f, OP_UPDATE, 0, f->path, "//sp.example.com/in2", "{\"m2m:skr\":{\"lbl\":[\"y\"]}}"), ERR_DENIED_CLIENT); /* CHOICE-55 */
    assert_int_equal(request(f, OP_DELETE, 0, f->path, "//sp.example.com/in2", NULL), ERR_DENIED_CLIENT);
    assert_int_equal(world_connect_cert(&f->w, f->n, "in.sp.example.com", &f->s), ERR_OK);
    assert_int_equal(request(f, OP_RETRIEVE, 0, f->path, "//sp.example.com/in", NULL), ERR_DENIED_TARGET);
    f->s = source;
    static const struct {
        const char *body;
        err_t want;
    } cases[] = {
        {"{\"m2m:skr\":{}}", ERR_MISSING},
        {"{\"m2m:skr\":{\"kv\":\"" K42 "\"}}", ERR_CONTENTS}, /* cannot be changed [8.8.2.9] */
        {"{\"m2m:skr\":{\"suid\":32}}", ERR_CONTENTS},
        {"{\"m2m:skr\":{\"tgis\":[]}}", ERR_ATTRIBUTE_TYPE},
        {"{\"m2m:skr\":{\"tgis\":[\"//sp.example.com/other\"]}}", ERR_DENIED_CLIENT},
        {"{\"m2m:skr\":{\"tgis\":[\"//sp.example.com/Sdev1\"]}}", ERR_CONTENTS},
        {"{\"m2m:skr\":{\"et\":\"20200101T000000\"}}", ERR_CONTENTS},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(request(f, OP_UPDATE, 0, f->path, NULL, cases[i].body), cases[i].want);
    }
    assert_int_equal(request(f, OP_UPDATE, 0, "/-/00112233445566778899AABBCCDDEEFF", NULL, cases[0].body), ERR_NOT_FOUND);
}

static void key_is_deregistered_by_its_source(void **state)
{
    struct fixture *f = *state;
    ready(f);
    connect_as(f, "dev2");
    assert_int_equal(request(f, OP_DELETE, 0, f->path, NULL, NULL), ERR_DENIED_CLIENT);
    connect_as(f, "dev1");
    assert_int_equal(request(f, OP_DELETE, 0, f->path, NULL, NULL), ERR_OK);
    assert_int_equal(f->r.rsc, 2002);
    assert_int_equal(world_audited(f->n, AUDIT_KEY_DEREGISTERED), 1);
    assert_int_equal(world_count(f->n, f->x->key), 0);
    assert_int_equal(world_count(f->n, f->x->key_of), 0);
    assert_int_equal(fetch(f), ERR_NOT_FOUND);
    assert_int_equal(request(f, OP_DELETE, 0, f->path, NULL, NULL), ERR_NOT_FOUND);
}

/* Nothing outlives what it came from [10.7]. */
static void key_ends_with_its_registration(void **state)
{
    struct fixture *f = *state;
    char body[128];
    ready(f);
    snprintf(body, sizeof(body), "{\"%s\":{\"et\":\"20231115T000000\"}}", f->x->root);
    assert_int_equal(request(f, OP_UPDATE, 0, f->ri, NULL, body), ERR_OK);
    assert_int_equal(fetch(f), ERR_OK);
    f->w.now += 2 * HOUR; /* the key would have 10 hours more */
    assert_int_equal(fetch(f), ERR_NOT_FOUND);
    connect_as(f, "dev1");
    assert_int_equal(request(f, OP_UPDATE, 0, f->path, NULL, "{\"m2m:skr\":{\"lbl\":[\"y\"]}}"), ERR_NOT_FOUND);
}

static void key_of_a_revoked_source_is_not_handed_out(void **state)
{
    struct fixture *f = *state;
    char args[128];
    ready(f);
    snprintf(args, sizeof(args), "{\"ID\":\"dev1@%s\"}", f->x->fqdn);
    assert_int_equal(ctl(f, "credential", "revoke", args), ERR_OK);
    assert_int_equal(fetch(f), ERR_DENIED_REVOKED);
    assert_int_equal(request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_DENIED_REVOKED);
    assert_int_equal(create_own_key(f, K42), ERR_DENIED_REVOKED);
}

/* -- the operator ------------------------------------------------------------------------------------------ */
static void operator_sees_and_ends_them(void **state)
{
    struct fixture *f = *state;
    char args[128];
    ready(f);
    assert_int_equal(ctl(f, "registration", "list", "{}"), ERR_OK);
    assert_non_null(strstr(f->r.body, f->ri + 1));
    assert_int_equal(ctl(f, "key", "list", "{}"), ERR_OK);
    assert_non_null(strstr(f->r.body, f->path + 3));
    assert_null(strstr(f->r.body, K42));
    snprintf(args, sizeof(args), "{\"KEYID\":\"%s@other.example.com\"}", f->path + 3);
    assert_int_equal(ctl(f, "key", "remove", args), ERR_NOT_FOUND);
    snprintf(args, sizeof(args), "{\"KEYID\":\"%s@%s\"}", f->path + 3, f->x->fqdn);
    assert_int_equal(ctl(f, "key", "remove", args), ERR_OK);
    assert_int_equal(fetch(f), ERR_NOT_FOUND);
    register_key(f);
    snprintf(args, sizeof(args), "{\"RI\":\"%s\"}", f->ri + 1);
    assert_int_equal(ctl(f, "registration", "remove", args), ERR_OK);
    assert_int_equal(ctl(f, "registration", "remove", args), ERR_NOT_FOUND);
    assert_int_equal(fetch(f), ERR_NOT_FOUND);
    assert_int_equal(world_count(f->n, f->x->key), 0);
}

/* -- the MAF alone: a Km from an RSPF ---------------------------------------------------------------------- */
#define KEID "00112233445566778899AABBCCDDEEFF@mef.example.com"
#define KEID2 "AABBCCDDEEFF00112233445566778899@mef.example.com"
static void start_rspf(struct fixture *f, const char *keid)
{
    struct secret k42;
    world_secret("4242424242424242424242424242424242424242424242424242424242424242", &k42);
    f->w.forged = "{\"status\":true,\"credential\":\"" K42 "\",\"enroleeID\":\"//sp.example.com/Sdev3\",\"lifetime\":86400}";
    f->w.forged_status = 200;
    world_reload(&f->w, f->n, "[maf]\nfqdn = maf.example.com\n[peer mef.example.com]\nkind = mef\n");
    assert_int_equal(world_connect(&f->w, f->n, keid, &k42, &f->s), ERR_OK);
}

static void update_over_a_new_ke_id_assigns_a_new_km_id(void **state)
{
    struct fixture *f = *state;
    char first[128], second[128];
    start_rspf(f, KEID);
    register_client(f);
    member(f, "m2m:macr", "aski", first, sizeof(first));
    assert_int_equal(ctl(f, "client", "allow", "{\"client\":\"//sp.example.com/Sdev3\",\"target\":\"//sp.example.com/in\"}"), ERR_OK);
    register_key(f);
    start_rspf(f, KEID2);
    assert_int_equal(request(f, OP_UPDATE, 0, f->ri, NULL, "{\"m2m:macr\":{\"lbl\":[\"n\"]}}"), ERR_OK);
    member(f, "m2m:macr", "aski", second, sizeof(second));
    assert_true(second[0] == 'k' && strcmp(first, second) != 0);
    assert_int_equal(fetch(f), ERR_OK); /* keys stay */
    /* that answer was lost: the client, still with KeId, asks again */
    assert_int_equal(request(f, OP_UPDATE, 0, f->ri, NULL, "{\"m2m:macr\":{\"lbl\":[\"n\"]}}"), ERR_OK);
    member(f, "m2m:macr", "aski", first, sizeof(first));
    assert_string_equal(first, second);
    assert_int_equal(world_count(f->n, TABLE_MAF_CLIENT), 1);
}

static void deregistration_drops_a_km_from_an_rspf(void **state)
{
    struct fixture *f = *state;
    size_t before = world_count(f->n, TABLE_MAF_KM);
    start_rspf(f, KEID);
    register_client(f);
    assert_int_equal(create_client(f, "two.example.com", ""), ERR_OK);
    assert_int_equal(world_count(f->n, TABLE_MAF_KM), before + 2); /* KeId and KmId */
    assert_int_equal(request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_OK);
    assert_int_equal(world_count(f->n, TABLE_MAF_KM), before + 2); /* the other registration stands on it */
    strcpy(f->ri, "/");
    assert_int_equal(request(f, OP_RETRIEVE, 0, "/-", NULL, NULL), ERR_OK);
    const char *at = strstr(f->r.body, "\"val\":\"");
    assert_non_null(at);
    assert_int_equal(text_copy(text_take(text_of(at + 7), 28), f->ri + 1, sizeof(f->ri) - 1), ERR_OK);
    assert_int_equal(request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_OK);
    assert_int_equal(world_count(f->n, TABLE_MAF_KM), before); /* CHOICE-52 */
    assert_int_equal(create_client(f, SP, ""), ERR_DENIED_CLIENT); /* the association outlived its key */
    start_rspf(f, KEID);
    register_client(f);
}

/* -- the MEF alone: the export of the session is Ke ---------------------------------------------------------- */
static void export_becomes_a_key_once(void **state)
{
    struct fixture *f = *state;
    struct key_ke ke;
    struct keys_relative rel;
    connect_as(f, "dev1");
    register_client(f);
    assert_int_equal(keys_ke_split(&f->s.exported, &ke, &rel), ERR_OK);
    size_t kes = world_count(f->n, TABLE_MEF_KE);
    assert_int_equal(create_key(f, 21, "\"maf.example.com\"", ""), ERR_OK); /* CHOICE-24 */
    assert_int_equal(world_count(f->n, TABLE_MEF_KE), kes - 1);             /* CHOICE-10 */
    assert_int_equal(world_count(f->n, TABLE_MEF_KE_OF), kes - 1);
    strcpy(f->path, "/-/");
    member(f, "m2m:skr", "rn", f->path + 3, sizeof(f->path) - 3);
    char path[300];
    snprintf(path, sizeof(path), "/fetchCredentials/%s@mef.example.com/21", f->path + 3);
    assert_int_equal(create_key(f, 21, "\"maf.example.com\"", ""), ERR_EXPORT_USED);
    assert_int_equal(f->r.rsc, 4105);
    assert_int_equal(fetch(f), ERR_OK);
    assert_int_equal(world_connect_cert(&f->w, f->n, "maf.example.com", &f->s), ERR_OK);
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, "maf.example.com", NULL), ERR_OK);
    struct secret given;
    json_t *o = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    assert_int_equal(secret_text_take(json_object_get(o, "credential"), 32, 32, &given), ERR_OK);
    assert_true(secret_eq(&given, &ke.s)); /* the key itself, nothing derived from it [8.8.2.3 step 1] */
    assert_string_equal(json_string_value(json_object_get(o, "enroleeID")), "//sp.example.com/Sdev1");
    json_decref(o);
    strcpy(strrchr(path, '/'), "/22");
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, "maf.example.com", NULL), ERR_DENIED_SUID);
    *strrchr(path, '/') = '\0';
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, "maf.example.com", NULL), ERR_NOT_FOUND); /* the seed's form */
    assert_int_equal(request(f, OP_RETRIEVE, 0, "/fetchCredentials/AABB@mef.example.com/21", "maf.example.com", NULL), ERR_NOT_FOUND);
}

static void ke_that_was_used_becomes_no_key(void **state)
{
    struct fixture *f = *state;
    struct key_ke ke;
    struct keys_relative rel;
    struct keyid ke_id;
    char path[300];
    connect_as(f, "dev1");
    register_client(f);
    struct world_session enrolee = f->s;
    assert_int_equal(keys_ke_split(&f->s.exported, &ke, &rel), ERR_OK);
    assert_int_equal(keyid_of_relative(&rel, text_of("mef.example.com"), &ke_id), ERR_OK);
    snprintf(path, sizeof(path), "/fetchCredentials/%s/21", ke_id.z);
    assert_int_equal(world_connect_cert(&f->w, f->n, "maf.example.com", &f->s), ERR_OK);
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, "maf.example.com", NULL), ERR_OK);
    assert_int_equal(request(f, OP_RETRIEVE, 0, path, "maf.example.com", NULL), ERR_OK);
    f->s = enrolee;
    assert_int_equal(create_key(f, 21, "\"maf.example.com\"", ""), ERR_EXPORT_USED);
    assert_int_equal(create_own_key(f, K42), ERR_OK); /* of its own making */
}

#define BOTH(test)                                                                                                     \
    {"maf " #test, test, setup_maf, teardown, NULL}, {"mef " #test, test, setup_mef, teardown, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(client_is_registered_once),
        BOTH(one_client_in_two_spellings),
        BOTH(configuration_is_what_the_operator_set),
        BOTH(registration_is_updated),
        BOTH(deregistration_takes_the_keys),
        BOTH(a_key_that_cannot_be_read_stops_nothing),
        BOTH(a_credential_that_cannot_be_read_stops_nothing),
        BOTH(key_goes_to_its_target),
        BOTH(key_registration_is_refused),
        BOTH(key_value_has_the_configured_length),
        BOTH(key_is_updated_by_its_source),
        BOTH(key_is_deregistered_by_its_source),
        BOTH(key_ends_with_its_registration),
        BOTH(key_of_a_revoked_source_is_not_handed_out),
        BOTH(operator_sees_and_ends_them),
        cmocka_unit_test_setup_teardown(update_over_a_new_ke_id_assigns_a_new_km_id, setup_maf, teardown),
        cmocka_unit_test_setup_teardown(deregistration_drops_a_km_from_an_rspf, setup_maf, teardown),
        cmocka_unit_test_setup_teardown(export_becomes_a_key_once, setup_mef, teardown),
        cmocka_unit_test_setup_teardown(ke_that_was_used_becomes_no_key, setup_mef, teardown),
    };
    return cmocka_run_group_tests_name("reg", tests, NULL, NULL);
}
