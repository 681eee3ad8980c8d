/*
 * The journey of a device that has a certificate: it enrols with it and everything afterwards is as with a pre-shared
 * key; or it is a client of the MAF with it; or it associates with it and asks no MAF. One process, a virtual clock.
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
#define AE "//sp.example.com/S42"
#define OID "0.2.481.1.100.3030.10011"
#define MAF_CONF "[maf]\nfqdn = maf.example.com\nkc-lifetime = 6h\n[peer mef.example.com]\nkind = mef\nprofile = "
#define CSE_CONF "[cse]\nsp = sp.example.com\ncsi = /in\nname = cse-in\n[peer maf.example.com]\nkind = maf\n"

struct journey {
    struct world w;
    struct world_node *mef, *maf, *cse;
    struct device_state state;
    enum world_name kind; /* of the name in the device's certificate */
    const char *name;
    struct world_reply r;
    char detail[ROLE_DETAIL_MAX];
};

static void server(struct device_state_server *s, const char *fqdn)
{
    strcpy(s->fqdn, fqdn);
    snprintf(s->address, sizeof(s->address), "%s:443", fqdn);
}

static void certificate(struct device_state_server *s, const char *identity)
{
    strcpy(s->cert.file, "/made/up/device.crt");
    strcpy(s->cert.key, "/made/up/device.key");
    strcpy(s->cert.trust, "/made/up/ca.crt");
    strcpy(s->cert.identity, identity);
}

static err_t ctl(struct journey *j, struct world_node *n, const char *noun, const char *verb, const char *args)
{
    return world_ctl(&j->w, n, noun, verb, args, &j->r);
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
             "{\"kind\":\"cert\",\"id\":\"" AE "\",\"flavour\":\"ae-id\",\"target\":\"maf.example.com\",\"profile\":\"%s\"}",
             profile);
    assert_int_equal(ctl(j, j->mef, "credential", "add", text), ERR_OK);
    assert_int_equal(ctl(j, j->maf, "client", "allow", "{\"client\":\"" AE "\"}"), ERR_OK);
    j->kind = WORLD_URI;
    j->name = "m2m:" AE;
    struct device_state *s = &j->state;
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

static err_t handshake(struct journey *j, const struct device_exchange *x, struct world_session *s)
{
    struct world_node *n = node_of(j, x->server->fqdn);
    if (x->psk_id != NULL) {
        return world_connect(&j->w, n, x->psk_id->z, x->psk, s);
    }
    assert_string_not_equal(x->server->cert.file, "");
    struct role_cert c = world_cert(&j->w, j->kind, j->name);
    return world_connect_names(&j->w, n, &c, s);
}

static void exchange(struct journey *j, const struct device_exchange *x, struct device_outcome *got)
{
    struct world_session s;
    *got = (struct device_outcome){.body = bytes_empty()};
    got->err = handshake(j, x, &s);
    if (got->err != ERR_OK) {
        return;
    }
    if (x->export_label != NULL) {
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

/* Enrolment by certificate; Km, Kc, association and registration as with a pre-shared key (R001-33, R001-109, R001-110). */
static void enrolled_by_certificate(void **state)
{
    struct journey *j = *state;
    certificate(&j->state.mef, AE);
    assert_int_equal(run(j, &enrol), ERR_OK); /* R000-25, R001-28, R001-91, R001-97, R001-107 */
    assert_int_equal(run(j, &associate), ERR_OK);
    assert_int_equal(j->w.asked, 2); /* MAF to MEF, CSE to MAF */
    assert_int_equal(run(j, &register_ae), ERR_OK);
    assert_string_equal(j->state.ae_stem, "S42");
    assert_int_equal(run(j, &create_container), ERR_OK);
    assert_int_equal(j->r.rsc, 2001);
    assert_int_equal(world_audited(j->mef, AUDIT_KEY_RELEASED), 1); /* R001-104: with the Enrolee-ID, which the CSE got */
    assert_int_equal(world_audited(j->maf, AUDIT_MAF_KEY_RETRIEVED), 1);
}

static void without_an_instruction(void **state)
{
    struct journey *j = *state;
    certificate(&j->state.mef, "//sp.example.com/S43");
    j->name = "m2m://sp.example.com/S43";
    assert_int_equal(run(j, &enrol), ERR_DENIED_CERT_INSTRUCTION); /* refuses R001-33, R001-100, R001-107 */
    assert_false(secret_is_set(&j->state.ke.s));
    j->name = "m2m:" AE;
    assert_int_equal(ctl(j, j->mef, "credential", "revoke", "{\"ID\":\"" AE "\"}"), ERR_OK);
    assert_int_equal(run(j, &enrol), ERR_DENIED_REVOKED);
}

/* What the Enrolee must be configured with before it starts. */
static void what_is_missing(void **state)
{
    struct journey *j = *state;
    assert_int_equal(run(j, &enrol), ERR_STATE); /* no credential at all: refuses R001-94, R001-145 */
    certificate(&j->state.mef, AE);
    j->state.mef.cert.trust[0] = '\0';
    assert_int_equal(run(j, &enrol), ERR_STATE); /* refuses R001-30, R001-98 */
    assert_non_null(strstr(j->detail, "--trust"));
    certificate(&j->state.mef, AE);
    j->state.mef.cert.key[0] = '\0';
    assert_int_equal(run(j, &enrol), ERR_STATE); /* refuses R001-145, R000-64 */
    certificate(&j->state.mef, AE);
    j->state.mef.address[0] = '\0';
    assert_int_equal(run(j, &enrol), ERR_STATE); /* refuses R001-28, R001-97 */
    server(&j->state.mef, "mef.example.com");
    j->state.maf.fqdn[0] = '\0';
    assert_int_equal(run(j, &enrol), ERR_STATE); /* refuses R001-99 */
}

/* Certificate SAEF: no enrolment, no MAF (R000-43, R000-62, R000-64). */
static void associated_by_certificate(void **state)
{
    struct journey *j = *state;
    certificate(&j->state.cse, AE);
    assert_int_equal(run(j, &associate), ERR_OK);
    assert_int_equal(j->w.asked, 0);
    assert_int_equal(run(j, &register_ae), ERR_OK);
    assert_int_equal(run(j, &create_container), ERR_OK);
    struct device_task foreign = {.goal = DEVICE_REQUEST, .op = OP_RETRIEVE, .path = "/-", .from = "S43"};
    assert_int_not_equal(run(j, &foreign), ERR_OK); /* From is not the certificate's: refuses R000-43 */
    assert_int_equal(j->r.rsc, 4106);
    assert_int_equal(world_count(j->maf, TABLE_MAF_CLIENT), 0);
}

static void associated_by_device_certificate(void **state)
{
    struct journey *j = *state;
    certificate(&j->state.cse, "");
    j->kind = WORLD_DEVICE;
    j->name = OID;
    assert_int_equal(ctl(j, j->cse, "credential", "add",
                         "{\"kind\":\"cert\",\"id\":\"" OID "\",\"enrolee-id\":\"" AE ",//sp.example.com/S44\"}"), ERR_OK);
    assert_int_equal(run(j, &associate), ERR_OK);
    assert_int_equal(run(j, &register_ae), ERR_OK);
    struct device_task second = {.goal = DEVICE_REGISTER, .app_id = "Nsecond", .from = "S44"};
    assert_int_equal(run(j, &second), ERR_OK);
    struct device_task third = {.goal = DEVICE_REGISTER, .app_id = "Nthird", .from = "S45"};
    assert_int_equal(run(j, &third), ERR_DENIED_FROM);
    assert_int_equal(ctl(j, j->cse, "credential", "revoke", "{\"ID\":\"" OID "\"}"), ERR_OK);
    assert_int_equal(run(j, &associate), ERR_DENIED_REVOKED);
}

/* MAF Handshake by certificate [8.8.2.2]: Kc without Km, and the CSE learns the AE-ID from the MAF. */
static void client_of_the_maf(void **state)
{
    struct journey *j = *state;
    certificate(&j->state.maf, AE);
    assert_int_equal(run(j, &associate), ERR_OK);
    assert_int_equal(j->w.asked, 1); /* CSE to MAF; no MEF */
    assert_int_equal(run(j, &register_ae), ERR_OK);
    assert_string_equal(j->state.ae_stem, "S42");
    assert_int_equal(j->state.kc_not_after, T0 + 6 * HOUR);
}

static void client_of_the_maf_as_a_device(void **state)
{
    struct journey *j = *state;
    certificate(&j->state.maf, "");
    j->kind = WORLD_DEVICE;
    j->name = OID;
    assert_int_equal(run(j, &associate), ERR_DENIED_CLIENT); /* not allowed to register keys */
    assert_int_equal(ctl(j, j->maf, "client", "allow", "{\"client\":\"31-" OID "\"}"), ERR_OK);
    assert_int_equal(run(j, &associate), ERR_OK);
    assert_int_equal(run(j, &register_ae), ERR_OK); /* the CSE knows its Credential-ID alone [CHOICE-43] */
    /* an identity that is not the certificate's */
    strcpy(j->state.maf.cert.identity, AE);
    j->state.registration[0] = '\0';
    secret_wipe(&j->state.kc.s);
    assert_int_equal(run(j, &associate), ERR_DENIED_FROM);
}

/* What is configured comes back as it was, and a state of before certificates is still read. */
static void state_keeps_names_of_files(void **state)
{
    struct journey *j = *state;
    struct sealer sealer = {.crypto = crypto_openssl()};
    uint8_t root[CRYPTO_KEY_LEN] = {1};
    uint8_t record[DEVICE_STATE_RECORD_MAX];
    struct writer w = WRITER_ARRAY(record);
    assert_int_equal(secret_set(&sealer.root, BYTES_ARRAY(root)), ERR_OK);
    certificate(&j->state.mef, AE);
    certificate(&j->state.cse, "");
    assert_int_equal(device_state_write(&j->state, &sealer, &w), ERR_OK);
    static struct device_state got;
    assert_int_equal(device_state_parse(writer_view(&w), &sealer, &got), ERR_OK);
    assert_memory_equal(&got.mef, &j->state.mef, sizeof(got.mef));
    assert_memory_equal(&got.cse, &j->state.cse, sizeof(got.cse));
    assert_string_equal(got.maf.cert.file, "");
    for (size_t n = 0; n < w.n; n += 7) {
        assert_int_not_equal(device_state_parse(bytes_of(record, n), &sealer, &got), ERR_OK);
    }
    static const uint8_t empty_v1[2 + 14 * 2 + 3 * 8 + 5] = {1, CREDENTIAL_R3};
    assert_int_equal(device_state_parse(BYTES_ARRAY(empty_v1), &sealer, &got), ERR_OK);
    assert_string_equal(got.mef.cert.file, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(enrolled_by_certificate, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(enrolled_by_certificate, setup_seed, teardown),
        cmocka_unit_test_setup_teardown(without_an_instruction, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(what_is_missing, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(associated_by_certificate, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(associated_by_device_certificate, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(client_of_the_maf, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(client_of_the_maf_as_a_device, setup_r3, teardown),
        cmocka_unit_test_setup_teardown(state_keeps_names_of_files, setup_r3, teardown),
    };
    return cmocka_run_group_tests_name("certificate", tests, NULL, NULL);
}
