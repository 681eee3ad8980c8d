/*
 * The association procedure between two CSEs in one process, under a virtual clock: MEF, MAF and both CSEs as roles, and each CSE's
 * caller as the engine of `keystead associate`. First association, the second in the reverse direction (SA2), both used at once;
 * what ends one and not the other; an AE behind its CSE.
 */
#include "base/hex.h"
#include "role/cse/cse.h"
#include "role/maf/maf.h"
#include "role/mef/mef.h"
#include "shell/crypto_openssl.h"
#include "wire/establish.h"
#include "world_device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define KPM "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
#define MAF_CONF "[maf]\nfqdn = maf.example.com\nkc-lifetime = 6h\n[peer mef.example.com]\nkind = mef\n"
#define CSE_CONF "[cse]\nsp = sp.example.com\ncsi = /%s\nname = made-up\n[peer maf.example.com]\nkind = maf\n"
#define METER "//sp.example.com/a/Cmeter"

struct end { /* one CSE: its server, and what it holds to call others */
    struct world_node *cse;
    char id[32];
    struct device_state state;
    struct world_device dev;
};

struct two {
    struct world w;
    struct world_node *mef, *maf;
    struct end a, b;
    struct world_reply r;
};

static err_t ctl(struct two *t, struct world_node *n, const char *noun, const char *verb, const char *text)
{
    return world_ctl(&t->w, n, noun, verb, text, &t->r);
}

static void allow(struct two *t, const char *client)
{
    char text[256];
    snprintf(text, sizeof(text), "{\"client\":\"%s\"}", client);
    assert_int_equal(ctl(t, t->maf, "client", "allow", text), ERR_OK);
}

static void end_init(struct two *t, struct end *e, const char *name, const char *peer)
{
    char text[512], fqdn[64];
    snprintf(text, sizeof(text), CSE_CONF, name);
    snprintf(fqdn, sizeof(fqdn), "%s.sp.example.com", name);
    snprintf(e->id, sizeof(e->id), "//sp.example.com/%s", name);
    e->cse = world_add(&t->w, &role_cse, fqdn, text);
    snprintf(text, sizeof(text),
             "{\"kind\":\"kpm\",\"id\":\"%s@mef.example.com\",\"key\":\"" KPM "\",\"enrolee-id\":\"%s\","
             "\"target\":\"maf.example.com\",\"lifetime\":\"2d\"}", name, e->id);
    assert_int_equal(ctl(t, t->mef, "credential", "add", text), ERR_OK);
    allow(t, e->id);
    e->dev = (struct world_device){.w = &t->w, .state = &e->state, .r = &t->r};
    struct device_state *s = &e->state;
    snprintf(s->kpm_id.z, sizeof(s->kpm_id.z), "%s@mef.example.com", name);
    world_secret(KPM, &s->kpm.s);
    world_device_server(&s->mef, "mef.example.com");
    world_device_server(&s->maf, "maf.example.com");
    snprintf(fqdn, sizeof(fqdn), "%s.sp.example.com", peer);
    world_device_server(&s->cse, fqdn);
    snprintf(s->cse_id.z, sizeof(s->cse_id.z), "//sp.example.com/%s", peer);
    s->profile = CREDENTIAL_R3;
    s->lifetime = 48 * HOUR;
}

static err_t call_as(struct end *e, const char *self, usec_t until)
{
    const struct device_task task = {.goal = DEVICE_ASSOCIATE, .admin_fqdn = "sp.example.com", .self = self, .key_until = until};
    return world_device_run(&e->dev, &task);
}

static err_t call(struct end *e)
{
    return call_as(e, e->id, 0);
}

static int setup(void **state)
{
    static const struct device_task enrol = {.goal = DEVICE_ENROL};
    struct two *t = calloc(1, sizeof(*t));
    world_init(&t->w, T0);
    t->mef = world_add(&t->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
    t->maf = world_add(&t->w, &role_maf, "maf.example.com", MAF_CONF);
    end_init(t, &t->a, "a", "b");
    end_init(t, &t->b, "b", "a");
    assert_int_equal(world_device_run(&t->a.dev, &enrol), ERR_OK);
    assert_int_equal(world_device_run(&t->b.dev, &enrol), ERR_OK);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct two *t = *state;
    world_free(&t->w);
    device_state_wipe(&t->a.state);
    device_state_wipe(&t->b.state);
    free(t);
    return 0;
}

/* Can this association still carry a request? The registration, which is the first one, or which is there already, says yes. */
static bool is_usable(struct two *t, struct end *e)
{
    struct world_request rq = {.op = OP_CREATE, .path = "/-", .from = text_skip(text_of(e->id), 16).p, .ty = 16,
                               .body = "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"]}}"};
    err_t err = world_request(&e->dev.session, &rq, &t->r);
    return err == ERR_OK || err == ERR_REGISTERED;
}

static void both_ways(struct two *t)
{
    assert_int_equal(call(&t->a), ERR_OK);
    assert_int_equal(call(&t->b), ERR_OK);
}

/* R000-51, R004-12, R004-23: the reverse direction (SA2) while the first lives; both are used; nothing of theirs is the same. */
static void test_both_ways_at_once(void **state)
{
    struct two *t = *state;
    both_ways(t);
    assert_string_not_equal(t->a.dev.made.id, t->b.dev.made.id); /* R004-19 */
    assert_false(secret_eq(&t->a.dev.made.key.s, &t->b.dev.made.key.s));
    assert_string_not_equal(t->a.state.kc_id.z, t->b.state.kc_id.z);
    assert_false(secret_eq(&t->a.state.kc.s, &t->b.state.kc.s)); /* R004-06 */
    assert_int_equal(world_audited(t->maf, AUDIT_MAF_KEY_RETRIEVED), 2);
    assert_string_equal(t->a.dev.session.assoc.id, t->a.dev.made.id); /* each end finds the same identifier */
    assert_string_equal(t->b.dev.session.assoc.id, t->b.dev.made.id);
    assert_string_equal(t->a.dev.session.assoc.ids[0].z, t->a.id); /* R000-50, R002-76, R002-77: B knows A, and A knows B */
    assert_string_equal(t->b.dev.session.assoc.ids[0].z, t->b.id);
    assert_true(is_usable(t, &t->a));
    assert_true(is_usable(t, &t->b));
    assert_true(is_usable(t, &t->a));
}

/* What ends one association leaves the other as it is. */
static void test_one_ends(void **state)
{
    struct two *t = *state;
    char text[512];
    both_ways(t);
    snprintf(text, sizeof(text), "{\"ID\":\"%s\"}", t->a.state.kc_id.z);
    assert_int_equal(ctl(t, t->b.cse, "credential", "revoke", text), ERR_OK);
    assert_false(is_usable(t, &t->a)); /* refuses R000-36 */
    assert_true(is_usable(t, &t->b));
    assert_int_equal(call(&t->a), ERR_DENIED_REVOKED);
    assert_int_equal(call(&t->b), ERR_OK);
}

/* R002-87: a key for data of two hours ends with them, at both ends; the other direction keeps its six. */
static void test_validity_of_data(void **state)
{
    struct two *t = *state;
    assert_int_equal(call_as(&t->a, t->a.id, T0 + 2 * HOUR), ERR_OK);
    assert_int_equal(call(&t->b), ERR_OK);
    assert_true(t->a.state.kc_not_after <= T0 + 2 * HOUR && t->b.state.kc_not_after > T0 + 5 * HOUR);
    t->w.now += 2 * HOUR;
    assert_false(is_usable(t, &t->a)); /* refuses R002-87, refuses R004-21 */
    assert_true(is_usable(t, &t->b));
    char first[sizeof(t->a.dev.made.id)];
    memcpy(first, t->a.dev.made.id, sizeof(first));
    assert_int_equal(call(&t->a), ERR_OK);
    assert_true(is_usable(t, &t->a));
    assert_string_not_equal(t->a.dev.made.id, first);
}

/* An identifier and the secret of another do not go together. */
static void test_unmatched(void **state)
{
    struct two *t = *state;
    assert_int_equal(call_as(&t->a, t->b.id, 0), ERR_DENIED_FROM); /* refuses R004-18 */
    assert_int_equal(world_audited(t->maf, AUDIT_MAF_KEY_RETRIEVED), 0);
    struct key_km other = t->b.state.km;
    t->a.state.km = other;
    assert_int_equal(call(&t->a), ERR_DENIED_PSK_WRONG); /* refuses R004-18 */
}

static void test_network_down(void **state)
{
    struct two *t = *state;
    struct device_state before = t->a.state;
    t->w.away = ERR_PEER_UNREACHABLE;
    assert_int_equal(call(&t->a), ERR_PEER_UNREACHABLE); /* refuses R000-03 */
    assert_memory_equal(&before, &t->a.state, sizeof(before)); /* no security state has changed */
    t->w.away = ERR_OK;
    assert_int_equal(call(&t->a), ERR_OK);
}

/* What `device instantiate` does: the AE's own state, with the application key where the CSE has Km. */
static void instantiate(struct two *t, struct end *ae, const char *ae_id, const char *key_id)
{
    char text[512], hex[2 * KEYS_DERIVED_LEN + 1];
    struct key_application key = {0};
    *ae = (struct end){.cse = t->a.cse, .dev = {.w = &t->w, .state = &ae->state, .r = &t->r}};
    unsigned suid = establish_row(ESTABLISH_MAF)->app_suid;
    assert_int_equal(keys_application_derive(crypto_openssl(), &t->a.state.ke.s, suid, text_of(ae_id), &key), ERR_OK);
    ae->state = (struct device_state){.maf = t->a.state.maf, .cse = t->a.state.cse, .cse_id = t->a.state.cse_id,
                                      .profile = CREDENTIAL_R3, .ke_not_after = t->a.state.ke_not_after, .km = {key.s}};
    snprintf(ae->state.km_id.z, sizeof(ae->state.km_id.z), "%s", key_id);
    struct writer w = WRITER_ARRAY(hex);
    hex_write_lower(&w, secret_view(&key.s));
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    snprintf(text, sizeof(text), "{\"kind\":\"km\",\"id\":\"%s\",\"key\":\"%s\",\"enrolee-id\":\"%s\",\"lifetime\":\"1d\"}", key_id, hex, ae_id);
    assert_int_equal(ctl(t, t->maf, "credential", "add", text), ERR_OK);
    allow(t, ae_id);
}

/* R004-04, R004-13, R004-14, R004-16: its CSE handles it like itself, with another key and another name. */
static void test_ae_behind_its_cse(void **state)
{
    struct two *t = *state;
    struct end first, second;
    instantiate(t, &first, METER, "one@maf.example.com");
    instantiate(t, &second, "//sp.example.com/a/CMETER", "two@maf.example.com");
    assert_false(secret_eq(&first.state.km.s, &second.state.km.s));
    assert_false(secret_eq(&first.state.km.s, &t->a.state.km.s));
    assert_int_equal(call(&t->a), ERR_OK);
    assert_int_equal(call_as(&first, METER, 0), ERR_OK);
    assert_int_equal(call_as(&second, "//sp.example.com/a/CMETER", 0), ERR_OK);
    assert_string_equal(first.dev.session.assoc.ids[0].z, METER);
    assert_int_equal(first.dev.session.assoc.peer, PEER_AE);
    assert_string_equal(second.dev.session.assoc.ids[0].z, "//sp.example.com/a/CMETER");
    assert_int_equal(t->a.dev.session.assoc.peer, PEER_CSE);
    assert_int_equal(call_as(&second, METER, 0), ERR_OK); /* Kc is there; nothing is asked of the MAF */
    secret_wipe(&second.state.kc.s);
    assert_int_equal(call_as(&second, METER, 0), ERR_DENIED_FROM); /* refuses R004-18 */
    device_state_wipe(&first.state);
    device_state_wipe(&second.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_both_ways_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_validity_of_data, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unmatched, setup, teardown),
        cmocka_unit_test_setup_teardown(test_network_down, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ae_behind_its_cse, setup, teardown),
    };
    return cmocka_run_group_tests_name("associate", tests, NULL, NULL);
}
