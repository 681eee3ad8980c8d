/* MEF and MAF against a peer with one valid credential who tries for what is another's. */
#include "base/base64.h"
#include "role/maf/maf.h"
#include "role/mef/mef.h"
#include "role/originator.h"
#include "wire/json.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define K1 "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define K2 "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define KV42 "\"kv\":\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=\""
#define MACR(adfq) "{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"" adfq "\"}}"
#define SKR_FOR(target) "{\"m2m:skr\":{\"adfq\":\"sp.example.com\",\"suid\":32,\"tgis\":[\"" target "\"]," KV42 "}}"

struct fixture {
    struct world w;
    struct world_node *maf, *mef;
    struct secret k1, k2;
    struct world_session s;
    struct world_reply r;
    char path[128];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    world_init(&f->w, T0);
    f->maf = world_add(&f->w, &role_maf, "maf.example.com", "[maf]\nfqdn = maf.example.com\nkc-lifetime = 12h\n");
    f->mef = world_add(&f->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
    world_secret(K1, &f->k1);
    world_secret(K2, &f->k2);
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

static void ctl(struct fixture *f, struct world_node *n, const char *noun, const char *verb, const char *args)
{
    assert_int_equal(world_ctl(&f->w, n, noun, verb, args, &f->r), ERR_OK);
}

static err_t request(struct fixture *f, struct world_session *s, enum op op, uint32_t ty, const char *path,
                     const char *from, const char *body)
{
    struct world_request rq = {.op = op, .ty = ty, .path = path, .from = from, .body = body};
    return world_request(s, &rq, &f->r);
}

static void member(struct fixture *f, const char *root, const char *name, char *out, size_t cap)
{
    json_t *o = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    assert_int_equal(text_copy(json_get_text(json_object_get(o, root), name), out, cap), ERR_OK);
    json_decref(o);
}

static void add_clients(struct fixture *f)
{
    ctl(f, f->maf, "credential", "add",
        "{\"kind\":\"km\",\"id\":\"dev1@maf.example.com\",\"enrolee-id\":\"//sp.example.com/Sdev1\",\"key\":\"" K1 "\"}");
    ctl(f, f->maf, "credential", "add",
        "{\"kind\":\"km\",\"id\":\"dev2@maf.example.com\",\"enrolee-id\":\"//sp.example.com/Sdev2\",\"key\":\"" K2 "\"}");
    ctl(f, f->maf, "client", "allow", "{\"client\":\"//sp.example.com/Sdev1\"}");
}

/* dev1 connects, registers, and its registration's path is in f->path. */
static void register_dev1(struct fixture *f)
{
    assert_int_equal(world_connect(&f->w, f->maf, "dev1@maf.example.com", &f->k1, &f->s), ERR_OK);
    assert_int_equal(request(f, &f->s, OP_CREATE, 60002, "/-", NULL, MACR("sp.example.com")), ERR_OK);
    f->path[0] = '/';
    member(f, "m2m:macr", "ri", f->path + 1, sizeof(f->path) - 1);
}

/* -- revocation ------------------------------------------------------------------------------------------- */
static void revoked_target_gets_no_key_on_its_open_session(void **state) /* refuses R002-63 */
{
    struct fixture *f = *state;
    struct world_session two;
    char key[64] = "/-/";
    add_clients(f);
    register_dev1(f);
    assert_int_equal(request(f, &f->s, OP_CREATE, 60003, f->path, NULL, SKR_FOR("//sp.example.com/Sdev2")), ERR_OK);
    member(f, "m2m:skr", "rn", key + 3, sizeof(key) - 3);
    assert_int_equal(world_connect(&f->w, f->maf, "dev2@maf.example.com", &f->k2, &two), ERR_OK);
    assert_int_equal(request(f, &two, OP_RETRIEVE, 0, key, NULL, NULL), ERR_OK);
    ctl(f, f->maf, "credential", "revoke", "{\"ID\":\"dev2@maf.example.com\"}");
    assert_int_equal(request(f, &two, OP_RETRIEVE, 0, key, NULL, NULL), ERR_DENIED_REVOKED);
    assert_null(strstr(f->r.body, "kv"));
}

static void hidden_identities_hide_the_revoked_too(void **state) /* CHOICE-34 */
{
    struct fixture *f = *state;
    add_clients(f);
    world_reload(&f->w, f->maf, "[maf]\nfqdn = maf.example.com\nhide-identities = on\n");
    ctl(f, f->maf, "credential", "revoke", "{\"ID\":\"dev2@maf.example.com\"}");
    assert_int_equal(world_connect(&f->w, f->maf, "dev2@maf.example.com", &f->k2, &f->s), ERR_DENIED_PSK_WRONG);
    assert_int_equal(world_connect(&f->w, f->maf, "none@maf.example.com", &f->k2, &f->s), ERR_DENIED_PSK_WRONG);
    f->w.now += 366 * 24 * HOUR;
    assert_int_equal(world_connect(&f->w, f->maf, "dev1@maf.example.com", &f->k1, &f->s), ERR_DENIED_PSK_WRONG);
}

/* -- certificates ------------------------------------------------------------------------------------------- */
/* A dNSName proves a CSE or a host, never an AE (5.4): a host called sdev1 is not the AE Sdev1. */
static void host_name_is_no_ae_at_the_maf(void **state)
{
    struct fixture *f = *state;
    struct world_session host;
    add_clients(f);
    register_dev1(f);
    assert_int_equal(world_connect_cert(&f->w, f->maf, "sdev1.sp.example.com", &host), ERR_OK);
    const char *ae = "//sp.example.com/Sdev1";
    assert_int_equal(request(f, &host, OP_CREATE, 60002, "/-", ae, MACR("sp.example.com")), ERR_DENIED_FROM);
    assert_int_equal(request(f, &host, OP_CREATE, 60003, f->path, ae, SKR_FOR("//sp.example.com/in")), ERR_DENIED_FROM);
    /* dev1's registration was not displaced */
    assert_int_equal(request(f, &f->s, OP_CREATE, 60003, f->path, NULL, SKR_FOR("//sp.example.com/in")), ERR_OK);
    /* nor does the host get a key that is meant for the AE */
    char key[64] = "/-/";
    assert_int_equal(request(f, &f->s, OP_CREATE, 60003, f->path, NULL, SKR_FOR("//sp.example.com/Sdev3")), ERR_OK);
    member(f, "m2m:skr", "rn", key + 3, sizeof(key) - 3);
    assert_int_equal(world_connect_cert(&f->w, f->maf, "sdev3.sp.example.com", &host), ERR_OK);
    assert_int_equal(request(f, &host, OP_RETRIEVE, 0, key, "sdev3.sp.example.com", NULL), ERR_DENIED_TARGET);
}

static void enrol_for(struct fixture *f, const char *target, char path[512])
{
    char args[512];
    struct world_session s;
    struct key_ke ke;
    struct keys_relative rel;
    struct keyid ke_id;
    snprintf(args, sizeof(args), "{\"kind\":\"kpm\",\"id\":\"e@mef.example.com\",\"target\":\"%s\",\"key\":\"" K1 "\"}", target);
    ctl(f, f->mef, "credential", "add", args);
    assert_int_equal(world_connect(&f->w, f->mef, "e@mef.example.com", &f->k1, &s), ERR_OK);
    assert_int_equal(keys_ke_split(&s.exported, &ke, &rel), ERR_OK);
    assert_int_equal(keyid_of_relative(&rel, text_of("mef.example.com"), &ke_id), ERR_OK);
    snprintf(path, 512, "/fetchCredentials/%s/22", ke_id.z);
}

static void host_name_is_no_ae_at_the_mef(void **state) /* refuses R001-77 */
{
    struct fixture *f = *state;
    struct world_session host;
    char path[512];
    enrol_for(f, "//sp.example.com/in/Cgw", path);
    assert_int_equal(world_connect_cert(&f->w, f->mef, "cgw.in.sp.example.com", &host), ERR_DENIED_CERT_INSTRUCTION);
    ctl(f, f->mef, "credential", "add", "{\"kind\":\"cert\",\"id\":\"node_1\",\"target\":\"cgw.in.sp.example.com\"}");
    assert_int_equal(world_connect_cert(&f->w, f->mef, "cgw.in.sp.example.com", &host), ERR_OK);
    assert_int_equal(request(f, &host, OP_RETRIEVE, 0, path, "cgw.in.sp.example.com", NULL), ERR_DENIED_TARGET);
    assert_int_equal(request(f, &host, OP_RETRIEVE, 0, path, "//in.sp.example.com/cgw", NULL), ERR_DENIED_TARGET);
    assert_int_equal(request(f, &host, OP_RETRIEVE, 0, path, "//sp.example.com/in/Cgw", NULL), ERR_DENIED_FROM);
    assert_int_equal(world_audited(f->mef, AUDIT_KEY_RELEASED), 0);
}

/* Each segment becomes one label; a target that cannot be an FQDN could be enrolled for, but never fetched. */
static void target_without_an_fqdn_is_refused_when_added(void **state)
{
    struct fixture *f = *state;
    const char *bad = "{\"kind\":\"kpm\",\"id\":\"e@mef.example.com\",\"target\":\"//sp.example.com/a.b\",\"key\":\"" K1 "\"}";
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "add", bad, &f->r), ERR_MALFORMED_ID);
    const char *seed = "{\"kind\":\"kpm\",\"id\":\"e@mef.example.com\",\"target\":\"//sp.example.com/a.b\",\"profile\":\"seed\",\"key\":\"" K1 "\"}";
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "add", seed, &f->r), ERR_OK);
}

static err_t of_uri(const char *uri, struct association *a)
{
    struct role_cert cert = {.uri_n = 1, .not_after = T0 + HOUR};
    cert.uri[0] = text_of(uri);
    memset(a, 0, sizeof(*a));
    return originator_of_cert(&cert, a);
}

static void uri_names_an_ae_or_a_host(void **state)
{
    (void)state;
    struct association a;
    static const char *const aes[] = {"m2m://sp.example.com/Sgw", "//sp.example.com/Sgw"}; /* CHOICE-39 */
    for (size_t i = 0; i < ARRAY_LEN(aes); i++) {
        assert_int_equal(of_uri(aes[i], &a), ERR_OK);
        assert_true(originator_is(&a, text_of("//sp.example.com/Sgw")));
        assert_false(originator_is(&a, text_of("sgw.sp.example.com")));
    }
    static const char *const hosts[] = {"https://mef.example.com", "https://mef.example.com/x", "coaps://mef.example.com/x/y"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        assert_int_equal(of_uri(hosts[i], &a), ERR_OK);
        assert_true(originator_is(&a, text_of("mef.example.com")));
        assert_false(originator_is(&a, text_of("//mef.example.com/x"))); /* the page of a web server is no CSE */
    }
    /* an AE-ID certificate stands for an AE only: not for a CSE, nor for the host of its SP domain */
    static const char *const nobody[] = {"m2m://sp.example.com/in", "//sp.example.com/in", "m2m://sp.example.com/S1/x/y",
                                         "m2m://sp.example.com", "//sp.example.com/", "urn:x:y", ""};
    for (size_t i = 0; i < ARRAY_LEN(nobody); i++) {
        assert_int_equal(of_uri(nobody[i], &a), ERR_DENIED_CERT_NAME);
    }
}

static void host_names_compare_without_case(void **state) /* CHOICE-41: also where the first letter looks like a stem's */
{
    (void)state;
    struct association a = {0};
    struct role_cert cert = {.dns_n = 1, .not_after = T0 + HOUR};
    cert.dns[0] = text_of("CSE1.SP.example.com");
    assert_int_equal(originator_of_cert(&cert, &a), ERR_OK);
    assert_true(originator_is(&a, text_of("//sp.example.com/cse1")));
    assert_true(originator_is(&a, text_of("//sp.example.com/CSE1"))); /* CHOICE-03: the name is in lower case */
    assert_false(originator_is(&a, text_of("//sp.example.com/CSE2")));
}

/* -- permissions -------------------------------------------------------------------------------------------- */
static void credential_id_is_not_taken_for_a_kmid(void **state)
{
    struct fixture *f = *state;
    ctl(f, f->maf, "credential", "add", "{\"kind\":\"km\",\"id\":\"x@maf.example.com\",\"key\":\"" K1 "\"}");
    ctl(f, f->maf, "credential", "add", "{\"kind\":\"km\",\"id\":\"11-x@maf.example.com\",\"key\":\"" K2 "\"}");
    ctl(f, f->maf, "client", "allow", "{\"client\":\"11-x@maf.example.com\"}");
    assert_int_equal(world_connect(&f->w, f->maf, "x@maf.example.com", &f->k1, &f->s), ERR_OK);
    assert_int_equal(request(f, &f->s, OP_CREATE, 60002, "/-", NULL, MACR("sp.example.com")), ERR_OK);
    f->path[0] = '/';
    member(f, "m2m:macr", "ri", f->path + 1, sizeof(f->path) - 1);
    assert_int_equal(request(f, &f->s, OP_CREATE, 60003, f->path, NULL, SKR_FOR("//sp.example.com/in")), ERR_DENIED_CLIENT);
}

/* -- growth ----------------------------------------------------------------------------------------------------- */
static err_t register_at(struct fixture *f, struct world_session *s, const char *from, int stakeholder)
{
    char body[160];
    snprintf(body, sizeof(body), "{\"m2m:macr\":{\"et\":\"20231115T000000\",\"adfq\":\"a%d.example.com\"}}", stakeholder);
    return request(f, s, OP_CREATE, 60002, "/-", from, body);
}

static void one_client_has_few_registrations(void **state)
{
    struct fixture *f = *state;
    struct world_session ae;
    /* the CSE and an AE below it: the identifier of one is the beginning of the other's */
    ctl(f, f->maf, "credential", "add",
        "{\"kind\":\"km\",\"id\":\"ae@maf.example.com\",\"enrolee-id\":\"//sp.example.com/in/Cae\",\"key\":\"" K2 "\"}");
    assert_int_equal(world_connect(&f->w, f->maf, "ae@maf.example.com", &f->k2, &ae), ERR_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(register_at(f, &ae, NULL, i), ERR_OK);
    }
    const char *cse = "//sp.example.com/in";
    assert_int_equal(world_connect_cert(&f->w, f->maf, "in.sp.example.com", &f->s), ERR_OK);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(register_at(f, &f->s, cse, i), ERR_OK);
    }
    assert_int_equal(register_at(f, &f->s, cse, 16), ERR_LIMIT_CAPACITY);
    assert_int_equal(world_count(f->maf, TABLE_MAF_CLIENT), 26);
    f->w.now += 3 * HOUR; /* they expired: room again, and they are gone */
    struct world_request rq = {.op = OP_CREATE, .ty = 60002, .path = "/-", .from = cse, .body = MACR("b.example.com")};
    assert_int_equal(world_request(&f->s, &rq, &f->r), ERR_OK);
    assert_int_equal(world_count(f->maf, TABLE_MAF_CLIENT), 11);
    assert_int_equal(world_count(f->maf, TABLE_MAF_CLIENT_OF), 11);
}

static void expired_keys_do_not_pile_up(void **state)
{
    struct fixture *f = *state;
    enum { DAYS = 20, A_DAY = 50 };
    add_clients(f);
    for (int day = 0; day < DAYS; day++) {
        if (day == 0) {
            register_dev1(f);
        }
        assert_int_equal(world_connect(&f->w, f->maf, "dev1@maf.example.com", &f->k1, &f->s), ERR_OK);
        for (int i = 0; i < A_DAY; i++) {
            assert_int_equal(request(f, &f->s, OP_CREATE, 60003, f->path, NULL, SKR_FOR("//sp.example.com/in")), ERR_OK);
        }
        f->w.now += 24 * HOUR;
    }
    assert_true(world_count(f->maf, TABLE_MAF_KEY) < 8 * A_DAY);
    assert_true(world_count(f->maf, TABLE_MAF_KEY) >= A_DAY); /* the living stay */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(revoked_target_gets_no_key_on_its_open_session, setup, teardown),
        cmocka_unit_test_setup_teardown(hidden_identities_hide_the_revoked_too, setup, teardown),
        cmocka_unit_test_setup_teardown(host_name_is_no_ae_at_the_maf, setup, teardown),
        cmocka_unit_test_setup_teardown(host_name_is_no_ae_at_the_mef, setup, teardown),
        cmocka_unit_test_setup_teardown(target_without_an_fqdn_is_refused_when_added, setup, teardown),
        cmocka_unit_test(uri_names_an_ae_or_a_host),
        cmocka_unit_test(host_names_compare_without_case),
        cmocka_unit_test_setup_teardown(credential_id_is_not_taken_for_a_kmid, setup, teardown),
        cmocka_unit_test_setup_teardown(one_client_has_few_registrations, setup, teardown),
        cmocka_unit_test_setup_teardown(expired_keys_do_not_pile_up, setup, teardown),
    };
    return cmocka_run_group_tests_name("role.review-authority", tests, NULL, NULL);
}
