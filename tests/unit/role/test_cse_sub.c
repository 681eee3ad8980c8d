/* The service subscription at the IN-CSE (part 11.1, 11.2): which application may register and be served, and what ends that. */
#include "cse_fixture.h"
#include "role/cse/cse_sub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CONF CSE_CONF "admin = Sadmin\nassociation = optional\nservice-subscription = on\n"
#define APP(api) "{\"m2m:ae\":{\"api\":\"" api "\",\"rr\":false,\"srv\":[\"3\"]}}"

static int setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, CONF);
    world_seed(&f->w, f->cse);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

static err_t ctl(struct cse_fixture *f, const char *noun, const char *verb, const char *args)
{
    return world_ctl(&f->w, f->cse, noun, verb, args, &f->r);
}

static err_t reg(struct cse_fixture *f, struct world_session *s, const char *from, const char *body)
{
    return cse_fixture_create(f, s, from, "cse-in", 2, body);
}

#define RULE(name, credentials, apps, aes)                                                                             \
    "{\"NAME\":\"" name "\",\"credential-ids\":\"" credentials "\",\"app-ids\":\"" apps "\",\"aes\":\"" aes "\"}"
#define NODE(name, rules)                                                                                              \
    "{\"NAME\":\"" name "\",\"subscription\":\"home\",\"node-id\":\"urn:" name "\",\"cse-id\":\"/in\",\"rules\":\"" rules "\"}"

/* A contract, a rule and a node of it. */
static void subscribe(struct cse_fixture *f, const char *rule)
{
    assert_int_equal(ctl(f, "subscription", "add", "{\"NAME\":\"home\",\"lifetime\":\"30d\"}"), ERR_OK);
    assert_int_equal(ctl(f, "rule", "add", rule), ERR_OK);
    assert_int_equal(ctl(f, "node", "add", NODE("n1", "r1")), ERR_OK);
}

/* R002-35, R002-39, R002-40, R002-80, R002-57: what is missing at each step, and what comes of it. */
static void each_step_is_needed(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_DENIED_SUBSCRIPTION); /* refuses R002-80 */
    assert_int_equal(f->rsc, 4128);
    assert_int_equal(ctl(f, "subscription", "add", "{\"NAME\":\"home\"}"), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"not-after\":\"20241113T"));
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_DENIED_SUBSCRIPTION);
    assert_int_equal(ctl(f, "node", "add", NODE("n1", "none")), ERR_OK);
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_DENIED_APP_RULE); /* refuses R002-39 */
    assert_int_equal(f->rsc, 4126);
    assert_int_equal(ctl(f, "rule", "add", RULE("r1", "12-ka@sp.example.com", "Napp", "Sa")), ERR_OK);
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_DENIED_APP_RULE); /* not linked */
    assert_int_equal(ctl(f, "node", "set", "{\"NAME\":\"n1\",\"subscription\":\"home\",\"rules\":\"r1\"}"), ERR_OK);
    assert_int_equal(reg(f, &f->a, "Sa", APP("Nother")), ERR_DENIED_APP_RULE);
    assert_int_equal(reg(f, &f->b, "Sb", AE_BODY), ERR_DENIED_APP_RULE); /* another credential, refuses R002-40 */
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in"), ERR_DENIED_NOT_REGISTERED);
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_OK);
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_REGISTERED);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"), ERR_OK);
    assert_int_equal(world_count(f->cse, TABLE_CSE_SUB), 3);
    assert_int_equal(ctl(f, "node", "list", "{\"subscription\":\"home\"}"), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"nodeID\":\"urn:n1\",\"CSE-ID\":\"/in\",\"ruleLinks\":[\"cse-in/r1\"]"));
}

static void admits(struct cse_fixture *f, const char *credential, const char *app, const char *who, err_t expected)
{
    uint8_t memory[1 << 18];
    struct arena a = arena_of(memory, sizeof(memory));
    struct txn t;
    struct cse_sub_claim c = {text_of("/in"), text_of(credential), text_of(app), text_of(who)};
    struct cse_sub_grant g;
    char detail[ROLE_DETAIL_MAX];
    assert_int_equal(store_begin(f->cse->store, false), ERR_OK);
    txn_init(&t, f->cse->store, &a, false);
    assert_int_equal(cse_sub_check(&t, f->w.now, &c, &g, detail), expected);
    store_rollback(f->cse->store);
}

/* 11.1.2: a star stays within one segment, alone it is any Credential-ID; lists that are absent admit nothing [CHOICE-67]. */
static void wildcards(void **state)
{
    struct cse_fixture *f = *state;
    subscribe(f, RULE("r1", "12-*@sp.example.com,33-//sp.example.com/S*", "Nhome*,R*.lamp", "S1*X,Sx"));
    admits(f, "12-k@sp.example.com", "Nhome-1", "Sx", ERR_OK);
    admits(f, "12-@sp.example.com", "Nhome", "S123X", ERR_OK);
    admits(f, "33-//sp.example.com/Sq", "Ra01.com.lamp", "S1X", ERR_OK);
    admits(f, "33-//sp.example.com/Sq/r", "Nhome", "Sx", ERR_DENIED_APP_RULE); /* refuses: the star crosses no slash */
    admits(f, "12-k@sp.example.com", "Nhome", "S1xY", ERR_DENIED_APP_RULE);
    admits(f, "12-k@sp.example.com", "nhome", "Sx", ERR_DENIED_APP_RULE);
    admits(f, "11-k@sp.example.com", "Nhome", "Sx", ERR_DENIED_APP_RULE);
    admits(f, "", "Nhome", "Sx", ERR_DENIED_APP_RULE); /* no association */
    assert_int_equal(ctl(f, "rule", "set", RULE("r1", "*", "*", "*")), ERR_OK);
    admits(f, "32-/in/x/y", "Nany", "Cany", ERR_OK);
    admits(f, "", "Nany", "Cany", ERR_DENIED_APP_RULE);
    assert_int_equal(ctl(f, "rule", "set", "{\"NAME\":\"r1\",\"credential-ids\":\"none\"}"), ERR_OK);
    admits(f, "", "Nany", "Cany", ERR_OK);
    admits(f, "12-k@sp.example.com", "Nany", "Cany", ERR_DENIED_APP_RULE);
    assert_int_equal(ctl(f, "rule", "set", "{\"NAME\":\"r1\",\"app-ids\":\"none\"}"), ERR_OK);
    admits(f, "", "Nany", "Cany", ERR_DENIED_APP_RULE);
    assert_int_equal(ctl(f, "rule", "set", "{\"NAME\":\"r1\",\"app-ids\":\"*\",\"aes\":\"none\"}"), ERR_OK);
    admits(f, "", "Nany", "Cany", ERR_DENIED_APP_RULE);
}

static void join(struct cse_fixture *f, const char *id, struct world_session *s)
{
    assert_int_equal(cse_fixture_add_key(f, id, NULL, ""), ERR_OK);
    cse_fixture_connect(f, id, s);
}

/* R002-65: one credential, one AE. R002-66: several AEs with one App-ID. R002-67: several App-IDs. */
static void one_credential_for_several_applications(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    join(f, "k1@sp.example.com", &s);
    subscribe(f, RULE("r1", "12-k1@sp.example.com", "Nlamp", "S1"));
    assert_int_equal(reg(f, &s, "S2", APP("Nlamp")), ERR_DENIED_APP_RULE); /* refuses R002-65 */
    assert_int_equal(reg(f, &s, "S1", APP("Nlamp")), ERR_OK);
    assert_int_equal(ctl(f, "rule", "set", RULE("r1", "12-k1@sp.example.com", "Nlamp", "S*")), ERR_OK);
    assert_int_equal(reg(f, &s, "S2", APP("Nheater")), ERR_DENIED_APP_RULE); /* refuses R002-66 */
    assert_int_equal(reg(f, &s, "S2", APP("Nlamp")), ERR_OK);
    assert_int_equal(ctl(f, "rule", "set", RULE("r1", "12-k1@sp.example.com", "Nlamp,Nheater", "S*")), ERR_OK);
    assert_int_equal(reg(f, &s, "S3", APP("Nheater")), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &s, "S1", "S1"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &s, "S3", "S3"), ERR_OK);
    assert_int_equal(reg(f, &s, "S4", APP("Ndoor")), ERR_DENIED_APP_RULE); /* refuses R002-67 */
}

/* R002-67, second half: the credential stays with the node it was used on, until that node is subscribed no more. */
static void never_on_two_nodes(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    join(f, "k1@sp.example.com", &s);
    subscribe(f, RULE("r1", "12-k1@sp.example.com", "Nlamp", "S1"));
    assert_int_equal(ctl(f, "rule", "add", RULE("r2", "12-k1@sp.example.com", "Nheater", "S2")), ERR_OK);
    assert_int_equal(ctl(f, "node", "add", NODE("n2", "r2")), ERR_OK);
    assert_int_equal(reg(f, &s, "S1", APP("Nlamp")), ERR_OK);
    assert_int_equal(reg(f, &s, "S2", APP("Nheater")), ERR_DENIED_APP_RULE); /* refuses R002-67 */
    assert_int_equal(ctl(f, "node", "remove", "{\"NAME\":\"n1\",\"subscription\":\"home\"}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &s, "S1", "S1"), ERR_DENIED_APP_RULE);
    assert_int_equal(reg(f, &s, "S2", APP("Nheater")), ERR_OK);
    assert_int_equal(ctl(f, "node", "add", NODE("n1", "r1")), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &s, "S1", "S1"), ERR_DENIED_APP_RULE);
    assert_int_equal(cse_fixture_get(f, &s, "S2", "S2"), ERR_OK); /* R002-79: the kept subscription */
}

/* R002-41: one rule for all instances, and a change of it holds with their next request. R002-42: withdrawn is withdrawn. */
static void a_change_of_policy_governs_all_instances(void **state)
{
    struct cse_fixture *f = *state;
    subscribe(f, RULE("r1", "12-k*@sp.example.com", "Napp", "S*"));
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_OK);
    assert_int_equal(reg(f, &f->b, "Sb", AE_BODY), ERR_OK);
    assert_int_equal(ctl(f, "rule", "set", "{\"NAME\":\"r1\",\"app-ids\":\"Nother\"}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_DENIED_APP_RULE); /* refuses R002-41 */
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sb"), ERR_DENIED_APP_RULE);
    assert_int_equal(cse_fixture_put(f, &f->b, "Sb", "Sb", "{\"m2m:ae\":{\"apn\":\"x\"}}"), ERR_DENIED_APP_RULE);
    assert_int_equal(ctl(f, "rule", "set", "{\"NAME\":\"r1\",\"app-ids\":\"Napp\"}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sb"), ERR_OK);
    assert_int_equal(ctl(f, "rule", "remove", "{\"NAME\":\"r1\"}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_DENIED_APP_RULE);
    assert_int_equal(ctl(f, "rule", "add", RULE("r1", "*", "*", "*")), ERR_OK); /* another rule of that name */
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_DENIED_APP_RULE);
}

/* R002-38: the duration of the contract. R002-37: without it the AE is linked to none, and is not served. */
static void the_contract_ends(void **state)
{
    struct cse_fixture *f = *state;
    subscribe(f, RULE("r1", "*", "*", "*"));
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_OK);
    f->w.now += 30 * DAY - SECOND;
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_OK);
    f->w.now += SECOND;
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_DENIED_SUBSCRIPTION); /* refuses R002-37 */
    assert_int_equal(f->rsc, 4128);
    assert_int_equal(ctl(f, "subscription", "list", "{}"), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"state\":\"over\""));
    assert_int_equal(ctl(f, "subscription", "set", "{\"NAME\":\"home\",\"lifetime\":\"1d\"}"), ERR_NOT_FOUND);
    subscribe(f, RULE("r2", "*", "*", "*")); /* a new contract takes the name; the nodes of the old one are not its */
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_OK);
    assert_int_equal(ctl(f, "subscription", "set", "{\"NAME\":\"home\",\"lifetime\":\"60d\"}"), ERR_OK);
    f->w.now += 40 * DAY;
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_OK);
    assert_int_equal(ctl(f, "subscription", "remove", "{\"NAME\":\"home\"}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_DENIED_SUBSCRIPTION);
}

/* R002-68, R002-69, R002-81: the approved list of the contract, decided between CSE and AE by the AE-ID. */
static void services_outside_the_contract(void **state)
{
    struct cse_fixture *f = *state;
    const char *acp = "{\"m2m:acp\":{\"rn\":\"p\",\"pv\":{\"acr\":[{\"acor\":[\"all\"],\"acop\":63}]},"
                      "\"pvs\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":63}]}}}";
    subscribe(f, RULE("r1", "*", "*", "*"));
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_OK);
    assert_int_equal(ctl(f, "subscription", "set", "{\"NAME\":\"home\",\"services\":\"cnt,cin\"}"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 1, acp), ERR_DENIED_SERVICE); /* refuses R002-68, R002-81 */
    assert_int_equal(f->rsc, 4103);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_OK); /* its own registration */
    assert_int_equal(ctl(f, "subscription", "set", "{\"NAME\":\"home\",\"services\":\"cin\"}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/Sa/c"), ERR_DENIED_SERVICE);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in/Sa/c", 4, "{\"m2m:cin\":{\"con\":\"x\"}}"), ERR_OK);
    assert_int_equal(ctl(f, "subscription", "set", "{\"NAME\":\"home\",\"services\":\"none\"}"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 1, acp), ERR_OK);
    assert_int_equal(ctl(f, "subscription", "set", "{\"NAME\":\"home\",\"services\":\"cnt,tea\"}"), ERR_CONTENTS);
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "Sa"), ERR_OK);
}

/* 11.2 step 5 and cases iii to v of 11.3.1. */
static void stems_that_are_wished_for(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    join(f, "k1@sp.example.com", &s);
    subscribe(f, RULE("r1", "*", "*", "S*"));
    assert_int_equal(reg(f, &s, "C", AE_BODY), ERR_DENIED_APP_RULE);
    assert_int_equal(reg(f, &s, "S", AE_BODY), ERR_OK);
    assert_int_equal(reg(f, &s, NULL, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_member(f, "aei")[0], 'S'); /* what the rule admits */
    assert_int_equal(ctl(f, "rule", "set", "{\"NAME\":\"r1\",\"aes\":\"*\"}"), ERR_OK);
    assert_int_equal(reg(f, &s, NULL, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_member(f, "aei")[0], 'C'); /* ours */
    assert_int_equal(ctl(f, "rule", "set", "{\"NAME\":\"r1\",\"aes\":\"Ca*,Sa\"}"), ERR_OK);
    assert_int_equal(reg(f, &s, "C", AE_BODY), ERR_DENIED_APP_RULE); /* some of the type are not all of it */
    assert_int_equal(reg(f, &s, NULL, AE_BODY), ERR_DENIED_APP_RULE);
    assert_int_equal(reg(f, &f->a, NULL, AE_BODY), ERR_OK); /* bound to Sa */
    assert_int_equal(reg(f, &f->b, NULL, AE_BODY), ERR_DENIED_APP_RULE);
}

static void without_an_association(void **state)
{
    struct cse_fixture *f = *state;
    subscribe(f, "{\"NAME\":\"r1\",\"app-ids\":\"Nopen\",\"aes\":\"C*\"}");
    assert_int_equal(reg(f, &f->plain, "C", APP("Nclosed")), ERR_DENIED_APP_RULE);
    assert_int_equal(reg(f, &f->plain, "Cp", APP("Nopen")), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->plain, "Cp", "Cp"), ERR_OK);
    assert_int_equal(reg(f, &f->a, "Sa", APP("Nopen")), ERR_DENIED_APP_RULE);
}

/* The administrator writes the same resources by requests; nobody else makes one, whatever a policy of the CSEBase says. */
static void by_the_administrator(void **state)
{
    struct cse_fixture *f = *state;
    const char *mssp = "{\"m2m:mssp\":{\"rn\":\"home\"}}";
    const char *asar = "{\"m2m:asar\":{\"rn\":\"r\",\"apci\":[\"*\"],\"aai\":[\"*\"],\"aae\":[\"*\"]}}";
    struct world_session *s = &f->admin;
    assert_int_equal(reg(f, s, "Sadmin", AE_BODY), ERR_OK); /* needs no subscription */
    assert_int_equal(cse_fixture_create(f, s, "Sadmin", "cse-in", 11, mssp), ERR_OK);
    assert_int_equal(cse_fixture_create(f, s, "Sadmin", "cse-in", 19, asar), ERR_OK);
    assert_int_equal(cse_fixture_create(f, s, "Sadmin", "cse-in/home", 20,
                                        "{\"m2m:svsn\":{\"rn\":\"n\",\"ni\":\"1\",\"csi\":\"/in\",\"rlk\":[\"cse-in/r\"]}}"),
                     ERR_OK);
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_put(f, s, "Sadmin", "cse-in/home/n", "{\"m2m:svsn\":{\"rlk\":null}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_DENIED_APP_RULE);
    assert_int_equal(cse_fixture_put(f, s, "Sadmin", "cse-in/home/n", "{\"m2m:svsn\":{\"rlk\":[\"cse-in/r\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, s, "Sadmin", "cse-in", 1,
                                        "{\"m2m:acp\":{\"rn\":\"p\",\"pv\":{\"acr\":[{\"acor\":[\"all\"],\"acop\":63}]},"
                                        "\"pvs\":{\"acr\":[{\"acor\":[\"all\"],\"acop\":63}]}}}"),
                     ERR_OK);
    assert_int_equal(cse_fixture_put(f, s, "Sadmin", "cse-in", "{\"m2m:cb\":{\"acpi\":[\"cse-in/p\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 3, "{\"m2m:cnt\":{}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 11, "{\"m2m:mssp\":{}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 19, asar), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "cse-in/r", "{\"m2m:asar\":{\"aae\":[\"*\"]}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "cse-in/home"), ERR_DENIED_PRIVILEGE);
}

static void contents_that_are_refused(void **state)
{
    struct cse_fixture *f = *state;
    static const struct {
        const char *to, *body;
        uint32_t ty;
        err_t expected;
    } rows[] = {
        {"cse-in/home", "{\"m2m:svsn\":{\"csi\":\"/in\"}}", 20, ERR_MISSING},
        {"cse-in/home", "{\"m2m:svsn\":{\"ni\":\"1\",\"csi\":\"in\"}}", 20, ERR_CONTENTS},
        {"cse-in/home", "{\"m2m:svsn\":{\"ni\":\"1\",\"csi\":\"/in|x\"}}", 20, ERR_CONTENTS},
        {"cse-in/home", "{\"m2m:svsn\":{\"ni\":\"1\",\"rlk\":[\"cse-in/r1\"]}}", 20, ERR_CONTENTS},
        {"cse-in/home", "{\"m2m:svsn\":{\"ni\":\"1\",\"csi\":\"/in\",\"rlk\":[\"cse-in/home\"]}}", 20, ERR_CONTENTS},
        {"cse-in/home", "{\"m2m:svsn\":{\"ni\":\"1\",\"csi\":\"/in\",\"rlk\":[\"cse-in/no\"]}}", 20, ERR_CONTENTS},
        {"cse-in", "{\"m2m:svsn\":{\"ni\":\"1\"}}", 20, ERR_CHILD_TYPE},
        {"cse-in", "{\"m2m:asar\":{\"aai\":[\"N\\nM\"]}}", 19, ERR_CONTENTS},
        {"cse-in", "{\"m2m:asar\":{\"aai\":[]}}", 19, ERR_ATTRIBUTE_TYPE},
        {"cse-in", "{\"m2m:mssp\":{\"svr\":[\"tea\"]}}", 11, ERR_CONTENTS},
    };
    subscribe(f, RULE("r1", "*", "*", "*"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(cse_fixture_create(f, &f->admin, "Sadmin", rows[i].to, rows[i].ty, rows[i].body),
                         rows[i].expected);
    }
    assert_int_equal(ctl(f, "subscription", "add", "{\"NAME\":\"home\"}"), ERR_EXISTS);
    assert_int_equal(ctl(f, "subscription", "add", "{\"NAME\":\"a b\"}"), ERR_MALFORMED_ID);
    assert_int_equal(ctl(f, "subscription", "add", "{\"NAME\":\"x\",\"lifetime\":\"soon\"}"), ERR_MALFORMED_TIME);
    assert_int_equal(ctl(f, "node", "add", "{\"NAME\":\"n\",\"subscription\":\"none\",\"node-id\":\"1\"}"), ERR_NOT_FOUND);
    assert_int_equal(ctl(f, "rule", "set", "{\"NAME\":\"home\"}"), ERR_NOT_FOUND);
    assert_int_equal(ctl(f, "rule", "remove", "{\"NAME\":\"nothing\"}"), ERR_NOT_FOUND);
}

/* Any number of subscribed nodes share a registrar; what is left of removed ones does not count. */
static void many_nodes_of_one_registrar(void **state)
{
    struct cse_fixture *f = *state;
    char args[512];
    subscribe(f, RULE("r1", "12-nobody", "*", "*"));
    for (size_t i = 0; i < 100; i++) {
        snprintf(args, sizeof(args), NODE("m%zu", "r1"), i, i);
        assert_int_equal(ctl(f, "node", "add", args), ERR_OK);
    }
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_DENIED_APP_RULE);
    assert_int_equal(ctl(f, "rule", "add", RULE("r2", "*", "*", "*")), ERR_OK);
    assert_int_equal(ctl(f, "node", "set", "{\"NAME\":\"m77\",\"subscription\":\"home\",\"rules\":\"r2\"}"), ERR_OK);
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_OK);
    size_t seen = 0;
    char after[128] = "";
    do {
        snprintf(args, sizeof(args), "{\"subscription\":\"home\",\"after\":\"%s\"}", after);
        assert_int_equal(ctl(f, "node", "list", args), ERR_OK);
        for (const char *p = f->r.body; (p = strstr(p, "\"nodeID\"")) != NULL; p++) {
            seen++;
        }
        const char *next = strstr(f->r.body, "\"next\":\"");
        after[0] = '\0';
        if (next != NULL) {
            sscanf(next, "\"next\":\"%127[^\"]", after);
        }
    } while (after[0] != '\0');
    assert_int_equal(seen, 101);
    assert_int_equal(ctl(f, "subscription", "remove", "{\"NAME\":\"home\"}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_DENIED_SUBSCRIPTION);
}

/* R002-64: enrolment of applications is optional; without it there is no such control. */
static void off_there_is_no_control(void **state)
{
    struct cse_fixture *f = *state;
    world_reload(&f->w, f->cse, CSE_CONF "admin = Sadmin\n");
    assert_int_equal(reg(f, &f->a, "Sa", AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_OK);
    world_reload(&f->w, f->cse, CONF);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_DENIED_SUBSCRIPTION); /* refuses R002-64 */
}

#define KC_ID "00112233445566778899AABBCCDDEEFF@maf.example.com"
#define SKR                                                                                                            \
    "{\"m2m:skr\":{\"kv\":\"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\",\"et\":\"20240101T000000\",\"suid\":32,"    \
    "\"cr\":\"//sp.example.com/Sdev\",\"aski\":\"km1@maf.example.com\"}}"

/* 7.5.1: what was enrolled is written into the rule by its first association; the App-IDs stay the operator's. */
static void enrolment_is_noted_in_a_rule(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    world_reload(&f->w, f->cse, CONF "enrolled-rule = r1\n[peer maf.example.com]\nkind = maf\n");
    f->w.forged = SKR;
    f->w.forged_status = 200;
    assert_int_equal(world_connect(&f->w, f->cse, KC_ID, &f->kpsa, &s), ERR_OK); /* there is no such rule yet */
    subscribe(f, "{\"NAME\":\"r1\",\"credential-ids\":\"12-x\",\"app-ids\":\"Napp\"}");
    assert_int_equal(reg(f, &s, "Sdev", AE_BODY), ERR_DENIED_APP_RULE);
    assert_int_equal(world_connect(&f->w, f->cse, KC_ID, &f->kpsa, &s), ERR_OK);
    assert_int_equal(ctl(f, "rule", "list", "{}"), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"applicableCredIDs\":[\"12-x\",\"11-km1@maf.example.com\"]"));
    assert_non_null(strstr(f->r.body, "\"allowedAEs\":[\"Sdev\"]"));
    assert_int_equal(reg(f, &s, "Sdev", APP("Nother")), ERR_DENIED_APP_RULE);
    assert_int_equal(reg(f, &s, "Sdev", AE_BODY), ERR_OK);
    size_t before = world_audited(f->cse, AUDIT_RESOURCE_UPDATED);
    assert_int_equal(world_connect(&f->w, f->cse, KC_ID, &f->kpsa, &s), ERR_OK); /* once is enough */
    assert_int_equal(world_audited(f->cse, AUDIT_RESOURCE_UPDATED), before);
    cse_fixture_connect(f, "ka@sp.example.com", &s); /* pre-provisioned: no enrolment */
    assert_int_equal(world_audited(f->cse, AUDIT_RESOURCE_UPDATED), before);
}

static void record(void **state)
{
    (void)state;
    struct cse_sub s = {.ty = TYPE_SVSN, .node = text_of("n"), .pi = text_of("p"), .pnode = text_of("pn"), .et = T0,
                        .services = text_empty(), .csi = text_of("/in"), .rules = text_of("a\nb"),
                        .credentials = text_of("12-*"), .apps = text_empty(), .aes = text_empty()};
    uint8_t buf[512];
    struct writer w = WRITER_ARRAY(buf);
    struct cse_sub back;
    assert_int_equal(cse_sub_write(&s, &w), ERR_OK);
    assert_int_equal(cse_sub_parse(writer_view(&w), &back), ERR_OK);
    assert_true(text_eq(back.rules, s.rules));
    for (size_t n = 0; n < w.n; n++) {
        assert_int_equal(cse_sub_parse(bytes_of(buf, n), &back), ERR_MALFORMED_RECORD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_step_is_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(wildcards, setup, teardown),
        cmocka_unit_test_setup_teardown(one_credential_for_several_applications, setup, teardown),
        cmocka_unit_test_setup_teardown(never_on_two_nodes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_of_policy_governs_all_instances, setup, teardown),
        cmocka_unit_test_setup_teardown(the_contract_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(services_outside_the_contract, setup, teardown),
        cmocka_unit_test_setup_teardown(stems_that_are_wished_for, setup, teardown),
        cmocka_unit_test_setup_teardown(without_an_association, setup, teardown),
        cmocka_unit_test_setup_teardown(by_the_administrator, setup, teardown),
        cmocka_unit_test_setup_teardown(contents_that_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(many_nodes_of_one_registrar, setup, teardown),
        cmocka_unit_test_setup_teardown(off_there_is_no_control, setup, teardown),
        cmocka_unit_test_setup_teardown(enrolment_is_noted_in_a_rule, setup, teardown),
        cmocka_unit_test(record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
