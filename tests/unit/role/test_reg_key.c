/* Key registration: every procedure and refusal on Mmaf and on Mmef with the same steps [TS-0003 8.8.2, 8.3.5.2]. */
#include "reg_side.h"

#include "role/maf/maf.h"
#include "role/secret_text.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define K16 "QkJCQkJCQkJCQkJCQkJCQg=="
#define K8 "QkJCQkJCQkI="

/* -- keys ------------------------------------------------------------------------------------------------- */
static void key_goes_to_its_target(void **state)
{
    struct authority *f = *state;
    char text[128];
    reg_side_ready(f);
    assert_null(strstr(f->r.body, K42));
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->path, NULL, NULL), ERR_DENIED_TARGET); /* a Source never reads it back */
    assert_int_equal(f->r.rsc, 4103);
    assert_int_equal(reg_side_fetch(f), ERR_OK);
    authority_member(f, "m2m:skr", "kv", text, sizeof(text));
    assert_string_equal(text, K42);
    assert_true((strstr(f->r.body, "aski") != NULL) == (f->x->role == &role_maf)); /* CHOICE-05; a KpmId is nobody's business */
    assert_int_equal(world_audited(f->n, f->x->key_registered), 1);
    assert_int_equal(world_audited(f->n, f->x->key_retrieved), 1);
    reg_side_connect(f, "dev2");
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->path, NULL, NULL), ERR_DENIED_TARGET);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, "/-/00112233445566778899AABBCCDDEEFF", NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, "/-/zz", NULL, NULL), ERR_NOT_FOUND);
}

static void key_registration_is_refused(void **state)
{
    struct authority *f = *state;
    char one[80], wrong[80];
    reg_side_connect(f, "dev1");
    reg_side_register_client(f);
    snprintf(one, sizeof(one), "\"%s\"", f->x->target);
    snprintf(wrong, sizeof(wrong), "\"%s\"", f->x->wrong_target);
    assert_int_equal(reg_side_create_key(f, f->x->suid_other, one, ",\"kv\":\"" K42 "\""), ERR_MALFORMED_SUID);
    assert_int_equal(f->r.rsc, 4000);
    assert_int_equal(reg_side_create_key(f, f->x->suid, wrong, ",\"kv\":\"" K42 "\""), ERR_ATTRIBUTE_TYPE);
    assert_int_equal(reg_side_create_key(f, f->x->suid, "\"//sp.example.com/in\",\"//sp.example.com/in2\"", ""), ERR_CONTENTS);
    assert_int_equal(reg_side_create_key(f, f->x->suid_many, "\"//sp.example.com/Sdev1\"", ""), ERR_CONTENTS);
    assert_int_equal(reg_side_create_key(f, f->x->suid_many, "\"//sp.example.com/other\"", ""), ERR_DENIED_CLIENT); /* not allowed */
    assert_int_equal(f->r.rsc, 4103);
    assert_int_equal(reg_side_create_key(f, f->x->suid_many, "\"//sp.example.com/in\",\"//sp.example.com/in2\"", ",\"kv\":\"" K42 "\""), ERR_OK);
    assert_int_equal(reg_side_create_own_key(f, K16), ERR_ATTRIBUTE_TYPE); /* exactly 32 octets unless configured [CHOICE-54] */
    assert_int_equal(authority_request(f, OP_CREATE, 60003, "/-", NULL, "{}"), ERR_MISSING);
    reg_side_connect(f, "dev2");
    assert_int_equal(reg_side_create_own_key(f, K42), ERR_DENIED_CLIENT); /* under another's registration */
    f->w.now += 48 * HOUR; /* the registration has ended */
    reg_side_connect(f, "dev1");
    assert_int_equal(reg_side_create_own_key(f, K42), ERR_NOT_FOUND);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, "/-", NULL, NULL), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"ch\":[]"));
}

static void key_value_has_the_configured_length(void **state)
{
    struct authority *f = *state;
    char conf[256];
    snprintf(conf, sizeof(conf), "%skey-value-min = 16\nkey-value-max = 64\n", f->x->conf);
    world_reload(&f->w, f->n, conf);
    reg_side_connect(f, "dev1");
    reg_side_register_client(f);
    assert_int_equal(reg_side_create_own_key(f, K16), ERR_OK);
    assert_int_equal(reg_side_create_own_key(f, K42), ERR_OK);
    assert_int_equal(reg_side_create_own_key(f, K8), ERR_ATTRIBUTE_TYPE);
}

static void key_is_updated_by_its_source(void **state)
{
    struct authority *f = *state;
    char text[64];
    reg_side_ready(f);
    assert_int_equal(reg_side_create_key(f, f->x->suid_many, "\"//sp.example.com/in\"", ",\"kv\":\"" K42 "\""), ERR_OK);
    authority_member(f, "m2m:skr", "rn", f->path + 3, sizeof(f->path) - 3);
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->path, NULL, "{\"m2m:skr\":{\"et\":\"20231115T000000\"}}"), ERR_OK);
    assert_int_equal(f->r.rsc, 2004);
    assert_string_equal(f->r.body, "{\"m2m:skr\":{\"et\":\"20231115T000000\"}}");
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->path, NULL, "{\"m2m:skr\":{\"et\":\"20991231T000000\",\"lbl\":[\"x\"],\"tgis\":[\"//sp.example.com/in2\"]}}"), ERR_OK);
    authority_member(f, "m2m:skr", "et", text, sizeof(text));
    assert_string_equal(text, "20231115T101320"); /* 12 h */
    assert_int_equal(world_audited(f->n, AUDIT_KEY_UPDATED), 2);
    /* the new target gets the same key, the old one none */
    struct world_session source = f->s;
    assert_int_equal(world_connect_cert(&f->w, f->n, "in2.sp.example.com", &f->s), ERR_OK);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->path, "//sp.example.com/in2", NULL), ERR_OK);
    assert_non_null(strstr(f->r.body, K42));
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->path, "//sp.example.com/in2", "{\"m2m:skr\":{\"lbl\":[\"y\"]}}"), ERR_DENIED_CLIENT); /* CHOICE-55 */
    assert_int_equal(authority_request(f, OP_DELETE, 0, f->path, "//sp.example.com/in2", NULL), ERR_DENIED_CLIENT);
    assert_int_equal(world_connect_cert(&f->w, f->n, "in.sp.example.com", &f->s), ERR_OK);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->path, "//sp.example.com/in", NULL), ERR_DENIED_TARGET);
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
        assert_int_equal(authority_request(f, OP_UPDATE, 0, f->path, NULL, cases[i].body), cases[i].want);
    }
    assert_int_equal(authority_request(f, OP_UPDATE, 0, "/-/00112233445566778899AABBCCDDEEFF", NULL, cases[0].body), ERR_NOT_FOUND);
}

static void key_is_deregistered_by_its_source(void **state)
{
    struct authority *f = *state;
    reg_side_ready(f);
    reg_side_connect(f, "dev2");
    assert_int_equal(authority_request(f, OP_DELETE, 0, f->path, NULL, NULL), ERR_DENIED_CLIENT);
    reg_side_connect(f, "dev1");
    assert_int_equal(authority_request(f, OP_DELETE, 0, f->path, NULL, NULL), ERR_OK);
    assert_int_equal(f->r.rsc, 2002);
    assert_int_equal(world_audited(f->n, AUDIT_KEY_DEREGISTERED), 1);
    assert_int_equal(world_count(f->n, f->x->key), 0);
    assert_int_equal(world_count(f->n, f->x->key_of), 0);
    assert_int_equal(reg_side_fetch(f), ERR_NOT_FOUND);
    assert_int_equal(authority_request(f, OP_DELETE, 0, f->path, NULL, NULL), ERR_NOT_FOUND);
}

/* Nothing outlives what it came from [10.7]. */
static void key_ends_with_its_registration(void **state)
{
    struct authority *f = *state;
    char body[128];
    reg_side_ready(f);
    snprintf(body, sizeof(body), "{\"%s\":{\"et\":\"20231115T000000\"}}", f->x->root);
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->ri, NULL, body), ERR_OK);
    assert_int_equal(reg_side_fetch(f), ERR_OK);
    f->w.now += 2 * HOUR; /* the key would have 10 hours more */
    assert_int_equal(reg_side_fetch(f), ERR_NOT_FOUND);
    reg_side_connect(f, "dev1");
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->path, NULL, "{\"m2m:skr\":{\"lbl\":[\"y\"]}}"), ERR_NOT_FOUND);
}

static void key_of_a_revoked_source_is_not_handed_out(void **state)
{
    struct authority *f = *state;
    char args[128];
    reg_side_ready(f);
    snprintf(args, sizeof(args), "{\"ID\":\"dev1@%s\"}", f->x->fqdn);
    assert_int_equal(authority_ctl(f, "credential", "revoke", args), ERR_OK);
    assert_int_equal(reg_side_fetch(f), ERR_DENIED_REVOKED);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_DENIED_REVOKED);
    assert_int_equal(reg_side_create_own_key(f, K42), ERR_DENIED_REVOKED);
}

/* -- the operator ------------------------------------------------------------------------------------------ */
static void operator_sees_and_ends_them(void **state)
{
    struct authority *f = *state;
    char args[128];
    reg_side_ready(f);
    assert_int_equal(authority_ctl(f, "registration", "list", "{}"), ERR_OK);
    assert_non_null(strstr(f->r.body, f->ri + 1));
    assert_int_equal(authority_ctl(f, "key", "list", "{}"), ERR_OK);
    assert_non_null(strstr(f->r.body, f->path + 3));
    assert_null(strstr(f->r.body, K42));
    snprintf(args, sizeof(args), "{\"KEYID\":\"%s@other.example.com\"}", f->path + 3);
    assert_int_equal(authority_ctl(f, "key", "remove", args), ERR_NOT_FOUND);
    snprintf(args, sizeof(args), "{\"KEYID\":\"%s@%s\"}", f->path + 3, f->x->fqdn);
    assert_int_equal(authority_ctl(f, "key", "remove", args), ERR_OK);
    assert_int_equal(reg_side_fetch(f), ERR_NOT_FOUND);
    reg_side_register_key(f);
    snprintf(args, sizeof(args), "{\"RI\":\"%s\"}", f->ri + 1);
    assert_int_equal(authority_ctl(f, "registration", "remove", args), ERR_OK);
    assert_int_equal(authority_ctl(f, "registration", "remove", args), ERR_NOT_FOUND);
    assert_int_equal(reg_side_fetch(f), ERR_NOT_FOUND);
    assert_int_equal(world_count(f->n, f->x->key), 0);
}

/* -- the MEF alone: the export of the session is Ke ---------------------------------------------------------- */
static void export_becomes_a_key_once(void **state)
{
    struct authority *f = *state;
    struct key_ke ke;
    struct keys_relative rel;
    reg_side_connect(f, "dev1");
    reg_side_register_client(f);
    assert_int_equal(keys_ke_split(&f->s.exported, &ke, &rel), ERR_OK);
    size_t kes = world_count(f->n, TABLE_MEF_KE);
    assert_int_equal(reg_side_create_key(f, 21, "\"maf.example.com\"", ""), ERR_OK); /* CHOICE-24 */
    assert_int_equal(world_count(f->n, TABLE_MEF_KE), kes - 1);             /* CHOICE-10 */
    assert_int_equal(world_count(f->n, TABLE_MEF_KE_OF), kes - 1);
    strcpy(f->path, "/-/");
    authority_member(f, "m2m:skr", "rn", f->path + 3, sizeof(f->path) - 3);
    char path[300];
    snprintf(path, sizeof(path), "/fetchCredentials/%s@mef.example.com/21", f->path + 3);
    assert_int_equal(reg_side_create_key(f, 21, "\"maf.example.com\"", ""), ERR_EXPORT_USED);
    assert_int_equal(f->r.rsc, 4105);
    assert_int_equal(reg_side_fetch(f), ERR_OK);
    assert_int_equal(world_connect_cert(&f->w, f->n, "maf.example.com", &f->s), ERR_OK);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "maf.example.com", NULL), ERR_OK);
    struct secret given;
    json_t *o = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    assert_int_equal(secret_text_take(json_object_get(o, "credential"), 32, 32, &given), ERR_OK);
    assert_true(secret_eq(&given, &ke.s)); /* the key itself, nothing derived from it [8.8.2.3 step 1] */
    assert_string_equal(json_string_value(json_object_get(o, "enroleeID")), "//sp.example.com/Sdev1");
    json_decref(o);
    strcpy(strrchr(path, '/'), "/22");
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "maf.example.com", NULL), ERR_DENIED_SUID);
    *strrchr(path, '/') = '\0';
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "maf.example.com", NULL), ERR_NOT_FOUND); /* the seed's form */
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, "/fetchCredentials/AABB@mef.example.com/21", "maf.example.com", NULL), ERR_NOT_FOUND);
}

static void ke_that_was_used_becomes_no_key(void **state)
{
    struct authority *f = *state;
    struct key_ke ke;
    struct keys_relative rel;
    struct keyid ke_id;
    char path[300];
    reg_side_connect(f, "dev1");
    reg_side_register_client(f);
    struct world_session enrolee = f->s;
    assert_int_equal(keys_ke_split(&f->s.exported, &ke, &rel), ERR_OK);
    assert_int_equal(keyid_of_relative(&rel, text_of("mef.example.com"), &ke_id), ERR_OK);
    snprintf(path, sizeof(path), "/fetchCredentials/%s/21", ke_id.z);
    assert_int_equal(world_connect_cert(&f->w, f->n, "maf.example.com", &f->s), ERR_OK);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "maf.example.com", NULL), ERR_OK);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, path, "maf.example.com", NULL), ERR_OK);
    f->s = enrolee;
    assert_int_equal(reg_side_create_key(f, 21, "\"maf.example.com\"", ""), ERR_EXPORT_USED);
    assert_int_equal(reg_side_create_own_key(f, K42), ERR_OK); /* of its own making */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(key_goes_to_its_target),
        BOTH(key_registration_is_refused),
        BOTH(key_value_has_the_configured_length),
        BOTH(key_is_updated_by_its_source),
        BOTH(key_is_deregistered_by_its_source),
        BOTH(key_ends_with_its_registration),
        BOTH(key_of_a_revoked_source_is_not_handed_out),
        BOTH(operator_sees_and_ends_them),
        cmocka_unit_test_setup_teardown(export_becomes_a_key_once, reg_side_mef, authority_teardown),
        cmocka_unit_test_setup_teardown(ke_that_was_used_becomes_no_key, reg_side_mef, authority_teardown),
    };
    return cmocka_run_group_tests_name("reg-key", tests, NULL, NULL);
}
