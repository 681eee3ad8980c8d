/*
 * The phases of a provisioning framework [TS-0003 8.3.1.2] in their order, for both frameworks that run here (pre-provisioned key and
 * certificate): each one called too early is refused and leaves nothing, and who is talked to in which of them.
 */
#include "role/cse/cse.h"
#include "role/device/device_renew.h"
#include "role/maf/maf.h"
#include "role/mef/mef.h"
#include "shell/crypto_openssl.h"
#include "world_device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define KEY "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
#define AE "//sp.example.com/S42"
#define MAF_CONF "[maf]\nfqdn = maf.example.com\n[peer mef.example.com]\nkind = mef\n"
#define CSE_CONF "[cse]\nsp = sp.example.com\ncsi = /in\nname = cse-in\n[peer maf.example.com]\nkind = maf\n"

struct phases {
    struct world w;
    struct world_node *mef, *maf, *cse;
    struct device_state state;
    bool certificate;
    struct world_device dev;
    struct world_reply r;
};

/* As it left the factory: bound to no service provider, with a credential for an MEF (R000-77). */
static struct phases *start(bool certificate)
{
    struct phases *p = calloc(1, sizeof(*p));
    struct device_state *s = &p->state;
    world_init(&p->w, T0);
    p->dev = (struct world_device){.w = &p->w, .state = s, .r = &p->r, .kind = WORLD_URI, .name = "m2m:" AE};
    p->mef = world_add(&p->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
    p->maf = world_add(&p->w, &role_maf, "maf.example.com", MAF_CONF);
    p->cse = world_add(&p->w, &role_cse, "in.sp.example.com", CSE_CONF);
    assert_int_equal(world_ctl(&p->w, p->maf, "client", "allow", "{\"client\":\"" AE "\"}", &p->r), ERR_OK);
    p->certificate = certificate;
    world_device_server(&s->mef, "mef.example.com");
    if (certificate) {
        world_device_certificate(&s->mef, AE);
    } else {
        strcpy(s->kpm_id.z, "dev42@mef.example.com");
        world_secret(KEY, &s->kpm.s);
    }
    s->profile = CREDENTIAL_R3;
    s->lifetime = 48 * HOUR;
    return p;
}

/* A service provider is chosen: the Enrolee is told its MAF and its registrar. */
static void chosen(struct phases *p)
{
    world_device_server(&p->state.maf, "maf.example.com");
    world_device_server(&p->state.cse, "in.sp.example.com");
    strcpy(p->state.cse_id.z, "//sp.example.com/in");
}

/* The first and the second phase at the MEF; without `target` the first alone. */
static void configured(struct phases *p, bool target)
{
    char args[512];
    snprintf(args, sizeof(args), "{\"kind\":\"%s\",\"id\":\"%s\",%s\"enrolee-id\":\"" AE "\"%s}", p->certificate ? "cert" : "kpm",
             p->certificate ? AE "\",\"flavour\":\"ae-id" : "dev42@mef.example.com", p->certificate ? "" : "\"key\":\"" KEY "\",",
             target ? ",\"target\":\"maf.example.com\"" : "");
    assert_int_equal(world_ctl(&p->w, p->mef, "credential", "add", args, &p->r), ERR_OK);
}

static void instructed(struct phases *p)
{
    char args[256];
    snprintf(args, sizeof(args), "{\"ID\":\"%s\",\"target\":\"maf.example.com\",\"enrolee-id\":\"" AE "\"}",
             p->certificate ? AE : "dev42@mef.example.com");
    assert_int_equal(world_ctl(&p->w, p->mef, "instruction", "add", args, &p->r), ERR_OK);
}

static int setup_key(void **state)
{
    *state = start(false);
    return 0;
}

static int setup_certificate(void **state)
{
    *state = start(true);
    return 0;
}

static int teardown(void **state)
{
    struct phases *p = *state;
    world_free(&p->w);
    device_state_wipe(&p->state);
    free(p);
    return 0;
}

static const struct device_task enrol = {.goal = DEVICE_ENROL};
static const struct device_task associate = {.goal = DEVICE_ASSOCIATE, .admin_fqdn = "sp.example.com"};
static const struct device_task register_ae = {.goal = DEVICE_REGISTER, .app_id = "Ntest", .from = "S42"};
static const struct device_task request = {.goal = DEVICE_REQUEST, .op = OP_RETRIEVE, .path = "/-/S42", .from = "S42"};

static err_t run(struct phases *p, const struct device_task *task)
{
    return world_device_run(&p->dev, task);
}

static void nothing_was_made(struct phases *p)
{
    assert_int_equal(world_count(p->mef, TABLE_MEF_KE), 0);
    assert_int_equal(world_count(p->maf, TABLE_MAF_KM), 0);
    assert_false(secret_is_set(&p->state.ke.s) || secret_is_set(&p->state.km.s));
    assert_string_equal(p->state.ke_id.z, "");
    assert_string_equal(p->state.km_id.z, "");
}

/* Nobody is talked to: neither B nor anyone on the way to it. */
static void not_operational(struct phases *p)
{
    static const struct device_task *const operation[] = {&associate, &register_ae, &request};
    for (size_t i = 0; i < ARRAY_LEN(operation); i++) {
        assert_int_equal(run(p, operation[i]), ERR_STATE); /* refuses R000-13, R000-19, R000-86, R001-21 */
        assert_string_equal(p->dev.met, "");
    }
}

static void each_phase_in_its_turn(void **state)
{
    struct phases *p = *state;
    err_t unknown = p->certificate ? ERR_DENIED_CERT_INSTRUCTION : ERR_DENIED_PSK_UNKNOWN;
    assert_int_equal(run(p, &enrol), ERR_STATE); /* refuses R001-21: third before second, at the Enrolee */
    chosen(p);
    assert_int_equal(run(p, &enrol), unknown); /* refuses R001-21: third before first, at the MEF */
    configured(p, false);
    assert_int_equal(run(p, &enrol), ERR_DENIED_NOT_INSTRUCTED); /* refuses R001-21: third before second, at the MEF */
    nothing_was_made(p);
    not_operational(p);
    instructed(p);
    assert_int_equal(run(p, &enrol), ERR_OK); /* third and fourth */
    assert_string_equal(p->dev.met, "mef ");      /* R000-86: and nobody else meanwhile */
    assert_int_equal(run(p, &register_ae), ERR_STATE); /* refuses R001-21: B before the fifth */
    assert_int_equal(run(p, &request), ERR_STATE);
    assert_string_equal(p->dev.met, "");
    assert_int_equal(run(p, &associate), ERR_OK); /* R001-21: the fifth; R000-19: after it the MAF handshake runs */
    assert_string_equal(p->dev.met, "maf maf cse ");  /* R000-86: B comes last */
    assert_int_equal(run(p, &register_ae), ERR_OK);
    assert_int_equal(run(p, &request), ERR_OK); /* R000-13: now it operates */
}

/* A handshake whose end the Enrolee does not see is no enrolment: no B, no MAF. */
static void a_bootstrapping_cut_short(void **state)
{
    struct phases *p = *state;
    struct device d;
    struct device_exchange x;
    chosen(p);
    configured(p, true);
    device_start(&d, &p->state, crypto_openssl(), &enrol);
    assert_int_equal(device_next(&d, p->w.now, &x), ERR_OK);
    struct device_outcome cut = {.err = ERR_PEER_UNREACHABLE};
    assert_int_equal(device_accept(&d, p->w.now, &cut), ERR_PEER_UNREACHABLE);
    struct device_outcome unasked = {.err = ERR_OK};
    assert_int_equal(device_accept(&d, p->w.now, &unasked), ERR_BUG); /* refuses R001-21: the fourth without the third */
    nothing_was_made(p);
    not_operational(p); /* refuses R000-13, R000-86 */
}

/* R000-80: after the handshake both hold Ke, and nothing that is made of it is anywhere but on the Enrolee. R000-20: a key comes
 * with its identifier. */
static void keys_of_the_first_phase(void **state)
{
    struct phases *p = *state;
    struct world_session s;
    struct keyid guess = {"00112233445566778899AABBCCDDEEFF@mef.example.com"};
    struct secret key;
    chosen(p);
    configured(p, true);
    world_secret(KEY, &key);
    assert_int_not_equal(world_connect(&p->w, p->maf, guess.z, &key, &s), ERR_OK); /* refuses R000-19 */
    assert_int_equal(run(p, &enrol), ERR_OK);
    assert_int_equal(world_count(p->mef, TABLE_MEF_KE), 1); /* R000-80 */
    assert_int_equal(world_count(p->maf, TABLE_MAF_KM), 0);
    const struct device_state *d = &p->state;
    assert_true(secret_is_set(&d->ke.s) && secret_is_set(&d->km.s)); /* R000-20 */
    assert_string_not_equal(d->ke_id.z, "");
    assert_string_not_equal(d->km_id.z, "");
    p->w.forged = "{\"status\":true,\"enroleeID\":\"" AE "\",\"lifetime\":3600}";
    p->w.forged_status = 200;
    assert_int_equal(world_connect(&p->w, p->maf, d->km_id.z, &d->km.s, &s), ERR_PEER_NONSENSE); /* refuses R000-20: no key */
    assert_int_equal(world_count(p->maf, TABLE_MAF_KM), 0);
    assert_int_not_equal(world_connect(&p->w, p->maf, "", &d->km.s, &s), ERR_OK); /* refuses R000-20: no identifier */
    p->w.forged = NULL;
    assert_int_equal(world_connect(&p->w, p->maf, d->km_id.z, &d->km.s, &s), ERR_OK); /* R000-19, R000-80: the Km made of it */
    assert_int_equal(world_count(p->maf, TABLE_MAF_KM), 1);
}

/* R000-75: needed where a MAF stands between the two and nothing for it is there. R000-78: then it starts by itself. */
static void when_it_is_needed(void **state)
{
    struct phases *p = *state;
    struct device_state *d = &p->state;
    assert_int_equal(device_renew_next(d, p->w.now).what, DEVICE_RENEW_NOTHING); /* refuses R000-75: no provider is chosen */
    chosen(p);
    struct device_due due = device_renew_next(d, p->w.now);
    assert_true(due.what == DEVICE_RENEW_ENROLMENT && due.at <= p->w.now); /* R000-75, R000-78 */
    world_secret(KEY, &d->kpsa.s); /* no MAF is required: a key of the registrar itself */
    strcpy(d->kpsa_id.z, "dev42@sp.example.com");
    assert_int_equal(device_renew_next(d, p->w.now).what, DEVICE_RENEW_NOTHING); /* refuses R000-75 */
    assert_int_equal(world_ctl(&p->w, p->cse, "credential", "add", "{\"kind\":\"kpsa\",\"id\":\"dev42@sp.example.com\",\"key\":\"" KEY
                               "\",\"enrolee-id\":\"" AE "\"}", &p->r), ERR_OK);
    assert_int_equal(run(p, &associate), ERR_OK);
    assert_string_equal(p->dev.met, "cse "); /* R000-75: no MEF and no MAF */
    secret_wipe(&d->kpsa.s);
    d->kpsa_id.z[0] = '\0';
    world_secret(KEY, &d->km.s); /* a MAF is required, and its Km was loaded in the factory */
    strcpy(d->km_id.z, "dev42@maf.example.com");
    d->ke_not_after = USEC_NEVER;
    assert_int_equal(device_renew_next(d, p->w.now).what, DEVICE_RENEW_NOTHING); /* refuses R000-75 */
    assert_int_equal(world_ctl(&p->w, p->maf, "credential", "add", "{\"kind\":\"km\",\"id\":\"dev42@maf.example.com\",\"key\":\"" KEY
                               "\",\"enrolee-id\":\"" AE "\"}", &p->r), ERR_OK);
    assert_int_equal(run(p, &associate), ERR_OK);
    assert_string_equal(p->dev.met, "maf maf cse "); /* R000-75: no MEF */
}

/* R000-77: what it got in the factory serves with whichever provider takes it, and with none it serves for nothing. */
static void bound_to_nobody(void **state)
{
    struct phases *p = *state;
    struct device_state *d = &p->state;
    assert_string_equal(d->maf.fqdn, "");
    assert_string_equal(d->cse_id.z, "");
    configured(p, false);
    chosen(p);
    assert_int_equal(run(p, &enrol), ERR_DENIED_NOT_INSTRUCTED); /* refuses R000-77: before a provider took it */
    assert_string_equal(p->dev.met, "mef ");
    instructed(p);
    assert_int_equal(run(p, &enrol), ERR_OK); /* R000-77: the same credential, nothing new was loaded */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_phase_in_its_turn, setup_key, teardown),
        cmocka_unit_test_setup_teardown(each_phase_in_its_turn, setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(a_bootstrapping_cut_short, setup_key, teardown),
        cmocka_unit_test_setup_teardown(a_bootstrapping_cut_short, setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(keys_of_the_first_phase, setup_key, teardown),
        cmocka_unit_test_setup_teardown(keys_of_the_first_phase, setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(when_it_is_needed, setup_key, teardown),
        cmocka_unit_test_setup_teardown(when_it_is_needed, setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(bound_to_nobody, setup_key, teardown),
        cmocka_unit_test_setup_teardown(bound_to_nobody, setup_certificate, teardown),
    };
    return cmocka_run_group_tests_name("phases", tests, NULL, NULL);
}
