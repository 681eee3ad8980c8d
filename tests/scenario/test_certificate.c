/*
 * The journey of a device that has a certificate: it enrols with it and everything afterwards is as with a pre-shared
 * key; or it is a client of the MAF with it; or it associates with it and asks no MAF. One process, a virtual clock.
 */
#include "journey.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OID "0.2.481.1.100.3030.10011"

static err_t ctl(struct journey *j, struct world_node *n, const char *noun, const char *verb, const char *args)
{
    return world_ctl(&j->w, n, noun, verb, args, &j->r);
}

static struct journey *start(const char *profile)
{
    struct journey *j = journey_new(profile);
    char text[512];
    snprintf(text, sizeof(text),
             "{\"kind\":\"cert\",\"id\":\"" JOURNEY_AE "\",\"flavour\":\"ae-id\",\"target\":\"maf.example.com\",\"profile\":\"%s\"}",
             profile);
    assert_int_equal(ctl(j, j->mef, "credential", "add", text), ERR_OK);
    j->dev.kind = WORLD_URI;
    j->dev.name = "m2m:" JOURNEY_AE;
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
    journey_free(*state);
    return 0;
}

/* Enrolment by certificate; Km, Kc, association and registration as with a pre-shared key (R001-33, R001-109, R001-110). */
static void enrolled_by_certificate(void **state)
{
    struct journey *j = *state;
    world_device_certificate(&j->state.mef, JOURNEY_AE);
    assert_int_equal(journey_run(j, &journey_enrol), ERR_OK); /* R000-25, R001-28, R001-91, R001-97, R001-107 */
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    assert_int_equal(j->w.asked, 2); /* MAF to MEF, CSE to MAF */
    assert_int_equal(journey_run(j, &journey_register), ERR_OK);
    assert_string_equal(j->state.ae_stem, "S42");
    assert_int_equal(journey_run(j, &journey_create), ERR_OK);
    assert_int_equal(j->r.rsc, 2001);
    assert_int_equal(world_audited(j->mef, AUDIT_KEY_RELEASED), 1); /* R001-104: with the Enrolee-ID, which the CSE got */
    assert_int_equal(world_audited(j->maf, AUDIT_MAF_KEY_RETRIEVED), 1);
}

static void without_an_instruction(void **state)
{
    struct journey *j = *state;
    world_device_certificate(&j->state.mef, "//sp.example.com/S43");
    j->dev.name = "m2m://sp.example.com/S43";
    assert_int_equal(journey_run(j, &journey_enrol), ERR_DENIED_CERT_INSTRUCTION); /* refuses R001-33, R001-100, R001-107 */
    assert_false(secret_is_set(&j->state.ke.s));
    j->dev.name = "m2m:" JOURNEY_AE;
    assert_int_equal(ctl(j, j->mef, "credential", "revoke", "{\"ID\":\"" JOURNEY_AE "\"}"), ERR_OK);
    assert_int_equal(journey_run(j, &journey_enrol), ERR_DENIED_REVOKED);
}

/* What the Enrolee must be configured with before it starts. */
static void what_is_missing(void **state)
{
    struct journey *j = *state;
    assert_int_equal(journey_run(j, &journey_enrol), ERR_STATE); /* no credential at all: refuses R001-94, R001-145 */
    world_device_certificate(&j->state.mef, JOURNEY_AE);
    j->state.mef.cert.trust[0] = '\0';
    assert_int_equal(journey_run(j, &journey_enrol), ERR_STATE); /* refuses R001-30, R001-98 */
    assert_non_null(strstr(j->dev.detail, "--trust"));
    world_device_certificate(&j->state.mef, JOURNEY_AE);
    j->state.mef.cert.key[0] = '\0';
    assert_int_equal(journey_run(j, &journey_enrol), ERR_STATE); /* refuses R001-145, R000-64 */
    world_device_certificate(&j->state.mef, JOURNEY_AE);
    j->state.mef.address[0] = '\0';
    assert_int_equal(journey_run(j, &journey_enrol), ERR_STATE); /* refuses R001-28, R001-97 */
    world_device_server(&j->state.mef, "mef.example.com");
    j->state.maf.fqdn[0] = '\0';
    assert_int_equal(journey_run(j, &journey_enrol), ERR_STATE); /* refuses R001-99 */
}

/* Certificate SAEF: no enrolment, no MAF (R000-43, R000-62, R000-64). */
static void associated_by_certificate(void **state)
{
    struct journey *j = *state;
    world_device_certificate(&j->state.cse, JOURNEY_AE);
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    assert_int_equal(j->w.asked, 0);
    assert_int_equal(journey_run(j, &journey_register), ERR_OK);
    assert_int_equal(journey_run(j, &journey_create), ERR_OK);
    struct device_task foreign = {.goal = DEVICE_REQUEST, .op = OP_RETRIEVE, .path = "/-", .from = "S43"};
    assert_int_not_equal(journey_run(j, &foreign), ERR_OK); /* From is not the certificate's: refuses R000-43 */
    assert_int_equal(j->r.rsc, 4106);
    assert_int_equal(world_count(j->maf, TABLE_MAF_CLIENT), 0);
}

static void associated_by_device_certificate(void **state)
{
    struct journey *j = *state;
    world_device_certificate(&j->state.cse, "");
    j->dev.kind = WORLD_DEVICE;
    j->dev.name = OID;
    assert_int_equal(ctl(j, j->cse, "credential", "add",
                         "{\"kind\":\"cert\",\"id\":\"" OID "\",\"enrolee-id\":\"" JOURNEY_AE ",//sp.example.com/S44\"}"), ERR_OK);
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    assert_int_equal(journey_run(j, &journey_register), ERR_OK);
    struct device_task second = {.goal = DEVICE_REGISTER, .app_id = "Nsecond", .from = "S44"};
    assert_int_equal(journey_run(j, &second), ERR_OK);
    struct device_task third = {.goal = DEVICE_REGISTER, .app_id = "Nthird", .from = "S45"};
    assert_int_equal(journey_run(j, &third), ERR_DENIED_FROM);
    assert_int_equal(ctl(j, j->cse, "credential", "revoke", "{\"ID\":\"" OID "\"}"), ERR_OK);
    assert_int_equal(journey_run(j, &journey_associate), ERR_DENIED_REVOKED);
}

/* MAF Handshake by certificate [8.8.2.2]: Kc without Km, and the CSE learns the AE-ID from the MAF. */
static void client_of_the_maf(void **state)
{
    struct journey *j = *state;
    world_device_certificate(&j->state.maf, JOURNEY_AE);
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    assert_int_equal(j->w.asked, 1); /* CSE to MAF; no MEF */
    assert_int_equal(journey_run(j, &journey_register), ERR_OK);
    assert_string_equal(j->state.ae_stem, "S42");
    assert_int_equal(j->state.kc_not_after, JOURNEY_T0 + 6 * JOURNEY_HOUR);
}

static void client_of_the_maf_as_a_device(void **state)
{
    struct journey *j = *state;
    world_device_certificate(&j->state.maf, "");
    j->dev.kind = WORLD_DEVICE;
    j->dev.name = OID;
    assert_int_equal(journey_run(j, &journey_associate), ERR_DENIED_CLIENT); /* not allowed to register keys */
    assert_int_equal(ctl(j, j->maf, "client", "allow", "{\"client\":\"31-" OID "\"}"), ERR_OK);
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    assert_int_equal(journey_run(j, &journey_register), ERR_OK); /* the CSE knows its Credential-ID alone [CHOICE-43] */
    /* an identity that is not the certificate's */
    strcpy(j->state.maf.cert.identity, JOURNEY_AE);
    j->state.registration[0] = '\0';
    secret_wipe(&j->state.kc.s);
    assert_int_equal(journey_run(j, &journey_associate), ERR_DENIED_FROM);
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
    world_device_certificate(&j->state.mef, JOURNEY_AE);
    world_device_certificate(&j->state.cse, "");
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
