/* What a PDP and a PRP say about resources of others and their own, and whom what was granted is for. */
#include "cse_fixture.h"

#include "role/cse/access_rules.h"
#include "role/cse/cse_das.h"
#include "role/cse/cse_pep.h"
#include "role/cse/cse_pip.h"
#include "role/rec.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SP "//sp.example.com"
#define LISTED "http://127.0.0.1:8080"
#define POLICY(rn, acr) "{\"m2m:acp\":{\"rn\":\"" rn "\",\"pv\":{\"acr\":[" acr "]},\"pvs\":{\"acr\":[{\"acor\":[\"Sadmin\"],\"acop\":63}]}}}"

static struct cse_fixture f;

#define must(e) cse_fixture_must(&f, (e))

static void make(uint32_t ty, const char *body)
{
    must(cse_fixture_create(&f, &f.admin, "Sadmin", "cse-in", ty, body));
}

static void begin(const char *more)
{
    char conf[1024];
    (void)snprintf(conf, sizeof(conf), CSE_CONF "admin = Sadmin\n%s" WAY("mn"), more);
    cse_fixture_init(&f, conf);
    f.w.callable = LISTED;
    make(2, AE_BODY);
    make(1, POLICY("mayask", "{\"acor\":[\"Sadmin\"],\"acop\":63}"));
    must(cse_fixture_create(&f, &f.a, "Sa", "cse-in", 2, AE_BODY));
}

static void asked(const char *root, const char *attrs, const char *want)
{
    char to[64], body[512], answer[1024];
    (void)snprintf(to, sizeof(to), "cse-in/%s", root);
    (void)snprintf(body, sizeof(body), "{\"m2m:%s\":{%s}}", root, attrs);
    must(cse_fixture_put(&f, &f.admin, "Sadmin", to, body));
    (void)snprintf(answer, sizeof(answer), "{\"m2m:%s\":{%s}}", root, want);
    assert_string_equal(f.body, answer);
}

static void begin_points(void)
{
    begin("[decide /mn/cse-mn/typed]\npolicies = cse-in/typed\n[decide /mn/cse-mn/door]\npolicies = cse-in/doors\n");
    make(35, "{\"m2m:auds\":{\"rn\":\"auds\",\"acpi\":[\"cse-in/mayask\"]}}");
    make(36, "{\"m2m:aupy\":{\"rn\":\"aupy\",\"acpi\":[\"cse-in/mayask\"]}}");
}

/* Names that are relative to the CSE of the PRP would be those of others at the CSE that asks. */
static void rules_are_told_with_whole_names(void **state)
{
    (void)state;
    begin_points();
    make(1, POLICY("doors", "{\"acor\":[\"Cdoor\",\"C*\",\"Sx\",\"/mn/Cdoor\",\"/Sy\",\"//other.example.com/in/Cz\"],\"acop\":2},"
                            "{\"acor\":[\"all\",\"*\",\"*door\",\"reader@sp.example.com\",\"cse-in/group\"],\"acop\":1}"));
    asked("aupy", "\"to\":\"/mn/cse-mn/door\"",
          "\"ps\":{\"pv\":[{\"acr\":["
          "{\"acor\":[\"" SP "/in/Cdoor\",\"" SP "/in/C*\",\"" SP "/Sx\",\"" SP "/mn/Cdoor\",\"" SP "/Sy\",\"//other.example.com/in/Cz\"],\"acop\":2},"
          "{\"acor\":[\"all\",\"" SP "/S*\",\"" SP "/in/C*\",\"" SP "/S*door\",\"" SP "/in/C*door\",\"reader@sp.example.com\",\"" SP
          "/in/cse-in/group\"],\"acop\":1}]}]},\"ca\":1,\"sus\":1");
    must(cse_fixture_get(&f, &f.admin, "Sadmin", "cse-in/doors")); /* as it was written */
    assert_non_null(strstr(f.body, "[\"Cdoor\",\"C*\",\"Sx\","));
    cse_fixture_free(&f);
}

/* The type of what is at another CSE is not known here: no rule for one type is about it. */
static void a_rule_for_a_type_is_not_about_others(void **state)
{
    (void)state;
    begin_points();
    make(1, POLICY("typed", "{\"acor\":[\"Sguest\"],\"acop\":1,\"acod\":[{\"ty\":3,\"chty\":[3]}]},"
                            "{\"acor\":[\"Sguest\"],\"acop\":1,\"acod\":[{\"ty\":2,\"chty\":[3]}]},"
                            "{\"acor\":[\"Sguest\"],\"acop\":1,\"acod\":[{\"chty\":[4]}]}"));
    asked("auds", "\"to\":\"/mn/cse-mn/typed\",\"fr\":\"" SP "/Sguest\",\"op\":1,\"rrt\":3", "\"dec\":2,\"sus\":1");
    asked("auds", "\"to\":\"/mn/cse-mn/typed\",\"fr\":\"" SP "/Sguest\",\"op\":1,\"rrt\":4", "\"dec\":1,\"sus\":1");
    cse_fixture_free(&f);
}

/* selfPrivileges decide about a policy: what its parent names says nothing about it. */
static void a_policy_is_not_told_by_its_parent(void **state)
{
    (void)state;
    begin_points();
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 1, POLICY("mine", "{\"acor\":[\"Sb\"],\"acop\":2}")));
    asked("aupy", "\"to\":\"cse-in/Sa/mine\"", "\"sus\":2");
    asked("aupy", "\"to\":\"cse-in/mayask\"", "\"sus\":2");
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"));
    asked("aupy", "\"to\":\"cse-in/Sa/c\"", "\"ps\":{\"pv\":[{\"acr\":[{\"acor\":[\"" SP "/Sa\"],\"acop\":63}]}]},\"ca\":1,\"sus\":1");
    cse_fixture_free(&f);
}

/* -- who holds a grant --------------------------------------------------------------------------------------------------- */
struct granted {
    const char *who;
    const char *by; /* the point of the policy; NULL: the consultation Sa/das */
    const char *ip, *role;
    bool policies;  /* the point is a PRP */
};

/* To RETRIEVE Sa/c. */
static void grant(const struct granted *x)
{
    static uint8_t memory[1 << 20], compiled[ACCESS_COMPILED_MAX];
    struct arena arena = arena_of(memory, sizeof(memory));
    struct txn t;
    struct cse_from from = {.kind = CSE_FROM_AE};
    const struct primitive prim = {.op = OP_RETRIEVE, .rids = {.at = {text_of(x->role != NULL ? x->role : "")}, .n = x->role != NULL}};
    struct request rq = {.prim = &prim, .now = f.w.now};
    const struct cse_ask ask = {f.cse->ctx, &rq, &t, &from};
    struct cse_target target, das;
    struct keyid key;
    char detail[ROLE_DETAIL_MAX];
    struct writer w = WRITER_ARRAY(compiled);
    json_t *all = json_pack("{s:[{s:[s],s:i}]}", "acr", "acor", "all", "acop", ACCESS_ALL);
    must(access_rules_compile(all, "pv", &w, detail));
    json_decref(all);
    must(store_begin(f.cse->store, true));
    txn_init(&t, f.cse->store, &arena, true);
    must(cse_from_forms(ask.cse, text_of(x->who), &from));
    must(x->ip != NULL ? ipaddr_parse(text_of(x->ip), &rq.ip) : ERR_OK);
    must(cse_addr_resolve(ask.cse, &t, text_of("cse-in/Sa/c"), f.w.now, &target));
    const struct cse_pep_about said = {&target.res, ACCESS_RETRIEVE, 0, 0, !x->policies};
    must(x->by != NULL ? cse_pep_key(&ask, &said, &key) : cse_das_key(&ask, &(struct cse_das_what){&target.res, ACCESS_RETRIEVE, 0, true}, &key));
    if (x->by == NULL) {
        must(cse_addr_resolve(ask.cse, &t, text_of("cse-in/Sa/das"), f.w.now, &das));
    }
    const struct cse_das_grant g = {f.w.now + HOUR, x->by != NULL ? text_of(x->by) : das.res.ri, writer_view(&w), text_empty()};
    must(cse_das_keep(&t, &g, text_of(key.z), f.w.now));
    const struct dispatch_about about = {.assoc = &f.a.assoc, .object = text_of("x"), .now = f.w.now};
    must(dispatch_keep(&t, ERR_OK, &about, f.cse->env.crypto, &f.cse->chain));
    must(store_commit(f.cse->store));
}

/* What the AE was granted end to end, the CSE that forwards its name does not have. */
static void is_for_the_authenticated(const char *by)
{
    struct world_session mn;
    must(cse_fixture_add_key(&f, "kmn@sp.example.com", SP "/mn", ""));
    cse_fixture_connect(&f, "kmn@sp.example.com", &mn);
    must(cse_fixture_create(&f, &mn, "/mn", "-", 16, "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"]}}"));
    must(cse_fixture_create(&f, &f.b, "Sb", "-", 2, AE_BODY));
    assert_int_equal(cse_fixture_get(&f, &f.b, "Sb", "Sa/c"), ERR_DENIED_PRIVILEGE);
    grant(&(struct granted){.who = SP "/Sb", .by = by});
    grant(&(struct granted){.who = SP "/mn/Cx", .by = by});
    must(cse_fixture_get(&f, &f.b, "Sb", "Sa/c"));
    assert_int_equal(cse_fixture_get(&f, &mn, "/mn/Cx", "Sa/c"), ERR_DENIED_PRIVILEGE);
    struct world_session whole = mn; /* the same request, protected end to end */
    whole.assoc.framework = ASSOCIATION_E2E;
    whole.assoc.key_id.z[0] = '\0';
    whole.assoc.ids_n = 1;
    (void)snprintf(whole.assoc.ids[0].z, sizeof(whole.assoc.ids[0].z), SP "/mn/Cx");
    must(cse_fixture_get(&f, &whole, "/mn/Cx", "Sa/c"));
    cse_fixture_free(&f);
}

static void begin_das(void)
{
    begin("dynamic-authorization = on\n");
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 34, "{\"m2m:dac\":{\"rn\":\"das\",\"dae\":true,\"dap\":[\"" LISTED "\"]}}"));
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"daci\":[\"cse-in/Sa/das\"]}}"));
}

static void a_grant_is_for_the_authenticated(void **state)
{
    (void)state;
    begin_das();
    is_for_the_authenticated(NULL);
}

#define FAR(points) "{\"m2m:acp\":{\"rn\":\"far\",\"pv\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":63}]}," \
                    "\"pvs\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":63}]}," points "}}"

static void begin_far(const char *policy)
{
    begin("distributed-authorization = on\n");
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 1, policy));
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\",\"acpi\":[\"Sa/far\"]}}"));
}

static void a_decision_is_for_the_authenticated(void **state)
{
    (void)state;
    begin_far(FAR("\"adri\":[\"/mn/cse-mn/pdp\"]"));
    is_for_the_authenticated("/mn/cse-mn/pdp");
}

/* A PDP, and a DAS, was told the roles and the address of one request, and decided about that; a PRP told rules, for whatever request. */
enum by { BY_PDP, BY_PRP, BY_DAS, BY_N };

static void begin_by(enum by by)
{
    if (by == BY_DAS) {
        begin_das();
    } else {
        begin_far(by == BY_PRP ? FAR("\"apri\":[\"/mn/cse-mn/p\"]") : FAR("\"adri\":[\"/mn/cse-mn/p\"]"));
    }
    must(cse_fixture_create(&f, &f.b, "Sb", "-", 2, AE_BODY));
}

static void a_decision_is_for_the_roles_and_the_address(void **state)
{
    static const char role[] = "reader@sp.example.com", ip[] = "10.0.0.1";
    static const struct {
        const char *ip, *role;
        bool same;
    } rows[] = {{ip, role, true}, {ip, NULL, false}, {NULL, role, false}, {"10.0.0.2", role, false},
                {ip, "writer@sp.example.com", false}, {"::1", role, false}};
    (void)state;
    for (int by = 0; by < BY_N; by++) {
        begin_by(by);
        grant(&(struct granted){SP "/Sb", by == BY_DAS ? NULL : "/mn/cse-mn/p", ip, role, by == BY_PRP});
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            const struct cse_call c = {.s = &f.b, .op = OP_RETRIEVE, .to = "Sa/c", .from = "Sb", .ip = rows[i].ip, .role = rows[i].role};
            assert_int_equal(cse_fixture_call(&f, &c), rows[i].same || by == BY_PRP ? ERR_OK : ERR_DENIED_PRIVILEGE);
        }
        cse_fixture_free(&f);
    }
}

/* -- what a PIP says ------------------------------------------------------------------------------------------------------ */
#define ROLE(more) "{\"sus\":1,\"m2m:rol\":[{\"rlid\":\"reader@sp.example.com\"," more "}]}"
#define GOOD "\"tkhd\":\"" SP "/Sguest\",\"tkis\":\"" SP "/Sissuer\",\"tknb\":\"20200101T000000\",\"tkna\":\"20990101T000000\""

static void roles_that_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        err_t want;
        bool says, has;
    } rows[] = {
        {ROLE(GOOD), ERR_OK, true, true},
        {"{\"sus\":2}", ERR_OK, false, false},
        {"{\"sus\":1}", ERR_OK, true, false},
        {"{\"sus\":1,\"m2m:rol\":[],\"m2m:tk\":[]}", ERR_OK, true, false},
        /* passed over: another issuer, over, not yet, another holder */
        {ROLE("\"tkhd\":\"" SP "/Sguest\",\"tkis\":\"" SP "/Sother\",\"tknb\":\"20200101T000000\",\"tkna\":\"20990101T000000\""), ERR_OK, true, false},
        {ROLE("\"tkhd\":\"" SP "/Sguest\",\"tkis\":\"" SP "/Sissuer\",\"tknb\":\"20200101T000000\",\"tkna\":\"20210101T000000\""), ERR_OK, true, false},
        {ROLE("\"tkhd\":\"" SP "/Sguest\",\"tkis\":\"" SP "/Sissuer\",\"tknb\":\"20980101T000000\",\"tkna\":\"20990101T000000\""), ERR_OK, true, false},
        {ROLE("\"tkhd\":\"" SP "/Sother\",\"tkis\":\"" SP "/Sissuer\",\"tknb\":\"20200101T000000\",\"tkna\":\"20990101T000000\""), ERR_OK, true, false},
        /* nonsense: no status, an error, names that mean others here, no times, no Role-ID, no list */
        {"{}", ERR_PEER_NONSENSE, false, false},
        {"{\"sus\":5}", ERR_PEER_NONSENSE, false, false},
        {ROLE("\"tkhd\":\"Sguest\",\"tkis\":\"" SP "/Sissuer\",\"tknb\":\"20200101T000000\",\"tkna\":\"20990101T000000\""), ERR_PEER_NONSENSE, false, false},
        {ROLE("\"tkhd\":\"" SP "/Sguest\",\"tkis\":\"Sissuer\",\"tknb\":\"20200101T000000\",\"tkna\":\"20990101T000000\""), ERR_PEER_NONSENSE, false, false},
        {ROLE("\"tkhd\":\"" SP "/Sguest\",\"tkis\":\"" SP "/Sissuer\""), ERR_PEER_NONSENSE, false, false},
        {"{\"sus\":1,\"m2m:rol\":[{\"rlid\":\"reader\"," GOOD "}]}", ERR_PEER_NONSENSE, false, false},
        {"{\"sus\":1,\"m2m:rol\":{}}", ERR_PEER_NONSENSE, false, false},
    };
    begin("role-issuers = Sissuer\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        SCOPED(json_scope) json_t *auif = json_loads(rows[i].answer, 0, NULL);
        uint8_t buf[1024];
        struct writer w = WRITER_ARRAY(buf);
        assert_non_null(auif);
        err_t e = cse_pip_response(f.cse->ctx, auif, f.w.now, &w);
        bool has = cse_pip_has(writer_view(&w), text_of(SP "/Sguest"), text_of("reader@sp.example.com"), f.w.now);
        if (e != rows[i].want || (e == ERR_OK && ((w.n > 0) != rows[i].says || has != rows[i].has))) {
            fail_msg("%s: %s, %zu octets, %d", rows[i].answer, err_code(e), w.n, has);
        }
    }
    cse_fixture_free(&f);
}

/* A PIP knows the roles below its CSEBase of those who are registered nowhere here. */
static void a_pip_tells_roles_of_strangers(void **state)
{
    static const char *const about[] = {SP "/Sguest", SP "/Sother"};
    (void)state;
    begin("");
    make(37, "{\"m2m:auif\":{\"rn\":\"auif\",\"acpi\":[\"cse-in/mayask\"]}}");
    make(31, "{\"m2m:rol\":{\"rn\":\"r\",\"rlid\":\"reader@sp.example.com\",\"tkis\":\"Sadmin\",\"tkhd\":\"" SP
             "/Sguest\",\"tknb\":\"20200101T000000\",\"tkna\":\"20990101T000000\"}}");
    for (size_t i = 0; i < ARRAY_LEN(about); i++) {
        char body[256];
        (void)snprintf(body, sizeof(body), "{\"m2m:auif\":{\"fr\":\"%s\",\"rids\":[\"reader@sp.example.com\"]}}", about[i]);
        must(cse_fixture_put(&f, &f.admin, "Sadmin", "cse-in/auif", body));
        assert_int_equal(strstr(f.body, "\"rlid\":\"reader@sp.example.com\",\"tkis\":\"" SP "/Sadmin\"") != NULL, i == 0);
    }
    cse_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_told_with_whole_names),    cmocka_unit_test(a_rule_for_a_type_is_not_about_others),
        cmocka_unit_test(a_policy_is_not_told_by_its_parent), cmocka_unit_test(a_grant_is_for_the_authenticated),
        cmocka_unit_test(a_decision_is_for_the_authenticated), cmocka_unit_test(a_decision_is_for_the_roles_and_the_address),
        cmocka_unit_test(roles_that_are_told),                cmocka_unit_test(a_pip_tells_roles_of_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
