#include "journey.h"

#include "role/cse/cse.h"
#include "role/maf/maf.h"
#include "role/mef/mef.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAF_CONF "[maf]\nfqdn = maf.example.com\nkc-lifetime = 6h\n[peer mef.example.com]\nkind = mef\nprofile = "
#define CSE_CONF "[cse]\nsp = sp.example.com\ncsi = /in\nname = cse-in\n[peer maf.example.com]\nkind = maf\n"

const struct device_task journey_enrol = {.goal = DEVICE_ENROL};
const struct device_task journey_associate = {.goal = DEVICE_ASSOCIATE, .admin_fqdn = "sp.example.com"};
const struct device_task journey_register = {.goal = DEVICE_REGISTER, .app_id = "Ntest", .from = "S42"};
const struct device_task journey_create = {
    .goal = DEVICE_REQUEST, .op = OP_CREATE, .path = "/S42", .ty = 3, .body = "{\"m2m:cnt\":{\"rn\":\"data\"}}"};

struct journey *journey_new(const char *profile)
{
    struct journey *j = calloc(1, sizeof(*j));
    struct device_state *s = &j->state;
    char text[512];
    world_init(&j->w, JOURNEY_T0);
    j->mef = world_add(&j->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
    snprintf(text, sizeof(text), MAF_CONF "%s\n", profile);
    j->maf = world_add(&j->w, &role_maf, "maf.example.com", text);
    j->cse = world_add(&j->w, &role_cse, "in.sp.example.com", CSE_CONF);
    assert_int_equal(world_ctl(&j->w, j->maf, "client", "allow", "{\"client\":\"" JOURNEY_AE "\"}", &j->r), ERR_OK);
    j->dev = (struct world_device){.w = &j->w, .state = s, .r = &j->r};
    world_device_server(&s->mef, "mef.example.com");
    world_device_server(&s->maf, "maf.example.com");
    world_device_server(&s->cse, "in.sp.example.com");
    strcpy(s->cse_id.z, "//sp.example.com/in");
    s->profile = strcmp(profile, "seed") == 0 ? CREDENTIAL_SEED : CREDENTIAL_R3;
    s->lifetime = 48 * JOURNEY_HOUR;
    return j;
}

void journey_free(struct journey *j)
{
    world_free(&j->w);
    device_state_wipe(&j->state);
    free(j);
}

void journey_credential(struct journey *j, const char *profile)
{
    char text[512];
    snprintf(text, sizeof(text),
             "{\"kind\":\"kpm\",\"id\":\"dev42@mef.example.com\",\"key\":\"" JOURNEY_KPM "\",\"enrolee-id\":\"" JOURNEY_AE "\","
             "\"target\":\"maf.example.com\",\"profile\":\"%s\",\"lifetime\":\"2d\"}", profile);
    assert_int_equal(world_ctl(&j->w, j->mef, "credential", "add", text, &j->r), ERR_OK);
    strcpy(j->state.kpm_id.z, "dev42@mef.example.com");
    world_secret(JOURNEY_KPM, &j->state.kpm.s);
}

err_t journey_run(struct journey *j, const struct device_task *task)
{
    return world_device_run(&j->dev, task);
}

void journey_whole(struct journey *j)
{
    assert_int_equal(journey_run(j, &journey_enrol), ERR_OK);
    assert_int_equal(journey_run(j, &journey_associate), ERR_OK);
    assert_int_equal(j->w.asked, 2); /* MAF to MEF, CSE to MAF */
    assert_int_equal(journey_run(j, &journey_register), ERR_OK);
    assert_string_equal(j->state.ae_stem, "S42");
    assert_int_equal(world_audited(j->maf, AUDIT_MAF_KEY_RETRIEVED), 1);
    assert_int_equal(world_audited(j->cse, AUDIT_AE_REGISTERED), 1);
}
