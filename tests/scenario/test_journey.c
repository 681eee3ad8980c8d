/*
 * The device's own engine against MEF, MAF and IN-CSE, all in one process under a virtual clock: enrol, associate, register,
 * write and read, in both profiles; and what each authority refuses on the way. No socket; the e2e tests do the same with processes.
 */
#include "role/cse/cse.h"
#include "role/device/device.h"
#include "role/maf/maf.h"
#include "role/mef/mef.h"
#include "shell/crypto_openssl.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define KPM "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
#define MAF_CONF "[maf]\nfqdn = maf.example.com\nkc-lifetime = 6h\n[peer mef.example.com]\nkind = mef\nprofile = "
#define CSE_CONF "[cse]\nsp = sp.example.com\ncsi = /in\nname = cse-in\n[peer maf.example.com]\nkind = maf\n"

struct journey {
    struct world w;
    struct world_node *mef, *maf, *cse;
    struct device_state state;
    struct world_reply r;
    char detail[ROLE_DETAIL_MAX];
};

static void server(struct device_state_server *s, const char *fqdn)
{
    strcpy(s->fqdn, fqdn);
    snprintf(s->address, sizeof(s->address), "%s:443", fqdn);
}

static struct journey *start(const char *profile)
{
    struct journey *j = calloc(1, sizeof(*j));
    char text[512];
    world_init(&j->w, T0);
    j->mef = world_add(&j->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
    snprintf(text, sizeof(text), MAF_CONF "%s\n", profile);
    j->maf = world_add(&j->w, &role_maf, "maf.example.com", text);
    j->cse = world_add(&j->w, &role_cse, "in.sp.example.com", CSE_CONF);
    snprintf(text, sizeof(text),
             "{\"kind\":\"kpm\",\"id\":\"dev42@mef.example.com\",\"key\":\"" KPM "\",\"enrolee-id\":\"//sp.example.com/S42\","
             "\"target\":\"maf.example.com\",\"profile\":\"%s\",\"lifetime\":\"2d\"}", profile);
    assert_int_equal(world_ctl(&j->w, j->mef, "credential", "add", text, &j->r), ERR_OK);
    assert_int_equal(world_ctl(&j->w, j->maf, "client", "allow", "{\"client\":\"//sp.example.com/S42\"}", &j->r), ERR_OK);
    struct device_state *s = &j->state;
    strcpy(s->kpm_id.z, "dev42@mef.example.com");
    world_secret(KPM, &s->kpm.s);
    server(&s->mef, "mef.example.com");
    server(&s->maf, "maf.example.com");
    server(&s->cse, "in.sp.example.com");
    strcpy(s->cse_id.z, "//sp.example.com/in");
    s->profile = strcmp(profile, "seed") == 0 ? CREDENTIAL_SEED : CREDENTIAL_R3;
    s->lifetime = 48 * HOUR;
    return j;
}

static int setup_r3(void **state)
{
    *state = start("r3");
    return 0;
}

static int setup_seed(void **state)
{
    *state = start("seed");
    return 0;
}

static int teardown(void **state)
{
    struct journey *j = *state;
    world_free(&j->w);
    device_state_wipe(&j->state);
    free(j);
    return 0;
}

static struct world_node *node_of(struct journey *j, const char *fqdn)
{
    for (size_t i = 0; i < j->w.n; i++) {
        if (strcmp(j->w.nodes[i].fqdn, fqdn) == 0) {
            return &j->w.nodes[i];
        }
    }
    return NULL;
}

/* One connection as the shell of the device makes it. */
static void exchange(struct journey *j, const struct device_exchange *x, struct device_outcome *got)
{
    struct world_session s;
    *got = (struct device_outcome){.body = bytes_empty()};
    got->err = world_connect(&j->w, node_of(j, x->server->fqdn), x->psk_id->z, x->psk, &s);
    if (got->err != ERR_OK) {
        return;
    }
    if (x->export_label != NULL) {
        assert_non_null(s.node->role->export_label);
        assert_string_equal(x->export_label, s.node->role->export_label);
        got->exported = s.exported;
    }
    if (x->has_request) {
        char body[2048];
        assert_int_equal(text_copy(x->body, body, sizeof(body)), ERR_OK);
        struct world_request rq = {.op = x->op, .ty = x->ty, .path = x->path, .from = x->from, .body = body};
        (void)world_request(&s, &rq, &j->r);
        got->rsc = j->r.rsc;
        got->body = text_bytes(text_of(j->r.body));
    }
}

static err_t run(struct journey *j, const struct device_task *task)
{
    struct device d;
    struct device_exchange x;
    struct device_outcome got;
    device_start(&d, &j->state, crypto_openssl(), task);
    err_t e = ERR_OK;
    while (e == ERR_OK && (e = device_next(&d, j->w.now, &x)) == ERR_OK) {
        exchange(j, &x, &got);
        e = device_accept(&d, j->w.now, &got);
    }
    memcpy(j->detail, d.detail, sizeof(j->detail));
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static const struct device_task enrol = {.goal = DEVICE_ENROL};
static const struct device_task associate = {.goal = DEVICE_ASSOCIATE, .admin_fqdn = "sp.example.com"};
static const struct device_task register_ae = {.goal = DEVICE_REGISTER, .app_id = "Ntest", .from = "S42"};
static const struct device_task create_container = {
    .goal = DEVICE_REQUEST, .op = OP_CREATE, .path = "/S42", .ty = 3, .body = "{\"m2m:cnt\":{\"rn\":\"data\"}}"};

static void whole(struct journey *j)
{
    assert_int_equal(run(j, &enrol), ERR_OK);
    assert_int_equal(run(j, &associate), ERR_OK);
    assert_int_equal(j->w.asked, 2); /* MAF to MEF, CSE to MAF */
    assert_int_equal(run(j, &register_ae), ERR_OK);
    assert_string_equal(j->state.ae_stem, "S42");
    assert_int_equal(world_audited(j->maf, AUDIT_MAF_KEY_RETRIEVED), 1);
    assert_int_equal(world_audited(j->cse, AUDIT_AE_REGISTERED), 1);
}

static void test_r3(void **state)
{
    struct journey *j = *state;
    whole(j);
    assert_non_null(strstr(j->state.km_id.z, "@maf.example.com"));
}

static void test_seed(void **state)
{
    struct journey *j = *state;
    whole(j);
    assert_string_equal(j->state.km_id.z, j->state.ke_id.z); /* R001-60 */
}

static void test_request(void **state)
{
    struct journey *j = *state;
    whole(j);
    struct device_task foreign = {.goal = DEVICE_REQUEST, .op = OP_RETRIEVE, .path = "/-", .from = "S43"};
    assert_int_not_equal(run(j, &foreign), ERR_OK); /* From is not the association's */
    assert_int_equal(j->r.rsc, 4106);
    assert_int_equal(run(j, &create_container), ERR_OK);
    assert_int_equal(j->r.rsc, 2001);
}

/* Kc is used again within its lifetime and refused afterwards; a new one takes its place. */
static void test_kc_expiry(void **state)
{
    struct journey *j = *state;
    whole(j);
    struct keyid first = j->state.kc_id;
    j->w.now += 5 * HOUR;
    assert_int_equal(run(j, &associate), ERR_OK);
    assert_string_equal(j->state.kc_id.z, first.z);
    assert_int_equal(j->w.asked, 2); /* held by the CSE */
    j->w.now += HOUR;
    struct world_session s;
    assert_int_not_equal(world_connect(&j->w, j->cse, first.z, &j->state.kc.s, &s), ERR_OK);
    assert_int_equal(run(j, &associate), ERR_OK);
    assert_string_not_equal(j->state.kc_id.z, first.z);
}

static void test_not_allowed(void **state)
{
    struct journey *j = *state;
    assert_int_equal(world_ctl(&j->w, j->maf, "client", "remove", "{\"client\":\"//sp.example.com/S42\"}", &j->r), ERR_OK);
    assert_int_equal(run(j, &enrol), ERR_OK);
    assert_int_equal(run(j, &associate), ERR_DENIED_CLIENT);
    assert_non_null(strstr(j->detail, "client-not-allowed"));
}

static void test_authorities_away(void **state)
{
    struct journey *j = *state;
    assert_int_equal(run(j, &associate), ERR_STATE); /* not enrolled */
    assert_int_equal(run(j, &enrol), ERR_OK);
    j->w.away = ERR_PEER_UNREACHABLE;
    assert_int_equal(run(j, &associate), ERR_PEER_UNREACHABLE);
    j->w.away = ERR_OK;
    assert_int_equal(run(j, &associate), ERR_OK); /* goes on where it stood */
}

/* The key is for another CSE: the registrar's MAF does not hand it out. */
static void test_wrong_registrar(void **state)
{
    struct journey *j = *state;
    assert_int_equal(run(j, &enrol), ERR_OK);
    strcpy(j->state.cse_id.z, "//sp.example.com/in2");
    assert_int_equal(run(j, &associate), ERR_DENIED_FETCH);
    assert_int_equal(world_audited(j->maf, AUDIT_REFUSED), 1);
    assert_int_equal(world_audited(j->maf, AUDIT_MAF_KEY_RETRIEVED), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_r3, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_seed, setup_seed, teardown),
        cmocka_unit_test_setup_teardown(test_request, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_kc_expiry, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_not_allowed, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_authorities_away, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_registrar, setup_r3, teardown),
    };
    return cmocka_run_group_tests_name("journey", tests, NULL, NULL);
}
