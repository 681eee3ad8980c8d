/* Client registration: every procedure and refusal on Mmaf and on Mmef with the same steps [TS-0003 8.8.2, 8.3.5.2]. */
#include "reg_side.h"

#include "role/maf/maf.h"
#include "role/mef/mef.h"
#include "role/reg/reg_leave.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Two credentials of one Enrolee, whose domain an operator wrote in two ways. */
static void one_client_in_two_spellings(void **state)
{
    struct authority *f = *state;
    char args[512], text[128];
    snprintf(args, sizeof(args), "{\"kind\":\"%s\",\"id\":\"dev3@%s\",\"enrolee-id\":\"//SP.Example.com/Sdev1\"%s,\"key\":\"" KEY2 "\"}",
             f->x->kind, f->x->fqdn, f->x->role == &role_mef ? ",\"target\":\"maf.example.com\"" : "");
    assert_int_equal(authority_ctl(f, "credential", "add", args), ERR_OK);
    reg_side_connect(f, "dev3");
    reg_side_register_client(f);
    authority_member(f, f->x->root, "cr", text, sizeof(text));
    assert_string_equal(text, "//sp.example.com/Sdev1");
    reg_side_connect(f, "dev1");
    assert_int_equal(reg_side_create_client(f, SP, ""), ERR_OK); /* its registration, now on this credential */
    assert_int_equal(world_count(f->n, f->x->client_of), 1);
}

/* -- clients ---------------------------------------------------------------------------------------------- */
static void client_is_registered_once(void **state)
{
    struct authority *f = *state;
    char text[128];
    reg_side_connect(f, "dev1");
    reg_side_register_client(f);
    assert_int_equal(world_audited(f->n, f->x->client_registered), 1);
    authority_member(f, f->x->root, "cr", text, sizeof(text));
    assert_string_equal(text, "//sp.example.com/Sdev1");
    authority_member(f, f->x->root, "et", text, sizeof(text));
    assert_string_equal(text, "20231116T000000");
    assert_null(strstr(f->r.body, "aski")); /* nothing was provisioned by somebody else */
    assert_int_equal(reg_side_create_client(f, SP, ""), ERR_REGISTERED);
    assert_int_equal(f->r.rsc, 4117);
    assert_int_equal(reg_side_create_client(f, "two.example.com", ",\"lbl\":[\"a\"]"), ERR_OK); /* another stakeholder */
    assert_int_equal(authority_request(f, OP_CREATE, f->x->client_ty == 60002 ? 60005 : 60002, "/-", NULL, "{}"), ERR_TYPE_UNSUPPORTED);
    /* the same client finds both again; another sees none of them */
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, "/-", NULL, NULL), ERR_OK);
    assert_int_equal(f->r.rsc, 2000);
    assert_non_null(strstr(f->r.body, f->ri + 1));
    assert_non_null(strstr(f->r.body, "two.example.com"));
    assert_non_null(strstr(f->r.body, f->x->base_root));
    assert_non_null(strstr(f->r.body, f->x->fqdn));
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"cr\":\"//sp.example.com/Sdev1\""));
    reg_side_connect(f, "dev2");
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, "/-", NULL, NULL), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"ch\":[]"));
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, f->ri, NULL, NULL), ERR_DENIED_CLIENT);
}

static void configuration_is_what_the_operator_set(void **state)
{
    struct authority *f = *state;
    char cfg[80], args[256];
    reg_side_connect(f, "dev1");
    reg_side_register_client(f);
    snprintf(cfg, sizeof(cfg), "%s/cfg", f->ri);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, cfg, NULL, NULL), ERR_NOT_FOUND); /* CHOICE-51 */
    assert_int_equal(f->r.rsc, 4004);
    snprintf(args, sizeof(args), "{\"RI\":\"%s\",\"configuration\":\"{\\\"httpPort\\\": 8443}\"}", f->ri + 1);
    assert_int_equal(authority_ctl(f, "registration", "configure", args), ERR_OK);
    assert_int_equal(world_audited(f->n, AUDIT_CLIENT_CONFIGURED), 1);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, cfg, NULL, NULL), ERR_OK);
    snprintf(args, sizeof(args), "{\"%s\":{\"httpPort\":8443}}", f->x->cfg);
    assert_string_equal(f->r.body, args);
    /* an update keeps it */
    snprintf(args, sizeof(args), "{\"%s\":{\"lbl\":[\"x\"]}}", f->x->root);
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->ri, NULL, args), ERR_OK);
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, cfg, NULL, NULL), ERR_OK);
    reg_side_connect(f, "dev2");
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, cfg, NULL, NULL), ERR_DENIED_CLIENT);
    assert_int_equal(authority_request(f, OP_UPDATE, 0, cfg, NULL, "{}"), ERR_OPERATION);
    snprintf(args, sizeof(args), "{\"RI\":\"%s\",\"configuration\":\"[1]\"}", f->ri + 1);
    assert_int_not_equal(authority_ctl(f, "registration", "configure", args), ERR_OK);
    assert_int_equal(authority_ctl(f, "registration", "configure", "{\"RI\":\"none\"}"), ERR_NOT_FOUND);
    snprintf(args, sizeof(args), "{\"RI\":\"%s\"}", f->ri + 1);
    assert_int_equal(authority_ctl(f, "registration", "configure", args), ERR_OK);
    reg_side_connect(f, "dev1");
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, cfg, NULL, NULL), ERR_NOT_FOUND);
}

static void registration_is_updated(void **state)
{
    struct authority *f = *state;
    char body[256], text[64];
    reg_side_connect(f, "dev1");
    reg_side_register_client(f);
    snprintf(body, sizeof(body), "{\"%s\":{\"et\":\"20231115T000000\"}}", f->x->root);
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->ri, NULL, body), ERR_OK);
    assert_int_equal(f->r.rsc, 2004);
    snprintf(text, sizeof(text), "{\"%s\":{\"et\":\"20231115T000000\"}}", f->x->root);
    assert_string_equal(f->r.body, text); /* only what was in the request */
    snprintf(body, sizeof(body), "{\"%s\":{\"et\":\"20991231T000000\",\"lbl\":[\"b\"]}}", f->x->root);
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->ri, NULL, body), ERR_OK);
    authority_member(f, f->x->root, "et", text, sizeof(text));
    assert_string_equal(text, "20241113T221320"); /* not beyond the credential */
    static const struct {
        const char *members;
        err_t want;
        uint16_t rsc;
    } cases[] = {
        {"", ERR_MISSING, 4000}, /* at least one [8.8.2.5] */
        {"\"adfq\":\"two.example.com\"", ERR_CONTENTS, 4102},
        {"\"et\":\"20200101T000000\"", ERR_CONTENTS, 4102},
        {"\"et\":1", ERR_ATTRIBUTE_TYPE, 4000},
        {"\"zz\":1", ERR_UNKNOWN_ATTRIBUTE, 4000},
        {"\"aski\":\"a@b.c\",\"lbl\":[\"x\"]", ERR_CONTENTS, 4102},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        snprintf(body, sizeof(body), "{\"%s\":{%s}}", f->x->root, cases[i].members);
        assert_int_equal(authority_request(f, OP_UPDATE, 0, f->ri, NULL, body), cases[i].want);
        assert_int_equal(f->r.rsc, cases[i].rsc);
    }
    snprintf(body, sizeof(body), "{\"%s\":{\"lbl\":[\"b\"]}}", f->x->root);
    assert_int_equal(authority_request(f, OP_UPDATE, 0, "/nowhere", NULL, body), ERR_NOT_FOUND);
    assert_int_equal(authority_request(f, OP_UPDATE, 0, "/-", NULL, body), ERR_OPERATION);
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->ri, "//sp.example.com/Sdev2", body), ERR_DENIED_FROM);
    reg_side_connect(f, "dev2");
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->ri, NULL, body), ERR_DENIED_CLIENT);
    assert_int_equal(f->r.rsc, 4103);
    association_init_plain(&f->s.assoc);
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->ri, NULL, body), ERR_DENIED_NO_ASSOCIATION);
    assert_int_equal(f->r.rsc, 4107);
}

#define KEYS 112

/* Does the role, left alone, do something for itself? */
static bool leaves(struct authority *f)
{
    static struct errand q;
    const struct errand_memory m = {.lane = 0};
    const struct errand_answer a = {.err = ERR_OK, .body = bytes_empty()};
    err_t why = ERR_BUG;
    assert_int_equal(world_errand(&f->w, f->n, &m, &q), ERR_OK);
    assert_int_equal(q.op, OP_NONE);
    if (q.about[0] == '\0') {
        return false;
    }
    assert_int_equal(world_returned(&f->w, f->n, &q, &a, &why), ERR_OK);
    return true;
}

static void deregistration_takes_the_keys(void **state)
{
    struct authority *f = *state;
    reg_side_ready(f);
    for (int i = 0; i < KEYS - 2; i++) { /* more than two transactions take away */
        assert_int_equal(reg_side_create_own_key(f, K42), ERR_OK);
    }
    assert_int_equal(reg_side_fetch(f), ERR_OK);
    reg_side_connect(f, "dev2");
    assert_int_equal(authority_request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_DENIED_CLIENT);
    reg_side_connect(f, "dev1");
    strcpy(f->path, "/-/");
    reg_side_register_key(f); /* the last one, beyond the first 48 or among them: nobody gets it */
    assert_int_equal(authority_request(f, OP_DELETE, 0, "/-", NULL, NULL), ERR_OPERATION);
    assert_int_equal(authority_request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_OK);
    assert_int_equal(f->r.rsc, 2002);
    assert_string_equal(f->r.body, "");
    assert_int_equal(world_audited(f->n, AUDIT_CLIENT_DEREGISTERED), 1);
    assert_int_equal(world_count(f->n, f->x->client), 0);
    assert_int_equal(world_count(f->n, f->x->client_of), 0);
    assert_int_equal(world_count(f->n, f->x->key), KEYS - REG_LEAVE_KEYS_AT_ONCE);
    assert_int_equal(world_count(f->n, f->x->key), world_count(f->n, f->x->key_of));
    assert_int_equal(reg_side_fetch(f), ERR_NOT_FOUND);
    assert_int_equal(f->r.rsc, 4004);
    assert_int_equal(authority_request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_NOT_FOUND);
    for (size_t left = KEYS - REG_LEAVE_KEYS_AT_ONCE; left > 0;) { /* the rest by and by, whether or not anybody asks anything */
        left -= left < REG_LEAVE_KEYS_AT_ONCE ? left : REG_LEAVE_KEYS_AT_ONCE;
        assert_true(leaves(f));
        assert_int_equal(world_count(f->n, f->x->key), left);
        assert_int_equal(world_count(f->n, f->x->key_of), left);
    }
    assert_false(leaves(f) && leaves(f)); /* one look more at most, and then there is nothing to do */
    reg_side_register_client(f); /* the credential was pre-provisioned: it stays */
}

/* The first key or the last one: 9 octets are left of its record. */
static bool first_hit(void *arg, struct bytes id, struct store_value value)
{
    struct writer *w = arg;
    w->n = 0;
    writer_u8(w, (uint8_t)id.n);
    writer_bytes(w, id);
    writer_bytes(w, bytes_of(value.data.p, 9));
    return false;
}

static void harm(struct authority *f, enum store_table table, enum store_order order)
{
    uint8_t memory[8192], found[256];
    struct writer w = WRITER_ARRAY(found);
    struct arena arena = arena_of(memory, sizeof(memory));
    const struct store_scan s = {.table = table, .prefix = bytes_empty(), .after = bytes_empty(), .order = order};
    struct txn t;
    assert_int_equal(store_begin(f->n->store, true), ERR_OK);
    txn_init(&t, f->n->store, &arena, true);
    assert_int_equal(txn_scan(&t, &s, first_hit, &w), ERR_OK);
    assert_true(w.n > 10);
    const struct text id = text_span((const char *)found + 1, found[0]);
    assert_int_equal(txn_put(&t, table, id, bytes_of(found + 1 + id.n, 9), STORE_PUT_ANY, 0), ERR_OK);
    assert_int_equal(txn_apply(&t), ERR_OK);
    assert_int_equal(store_commit(f->n->store), ERR_OK);
}

/* Neither the end of the registration nor what leaves after it. */
static void a_key_that_cannot_be_read_stops_nothing(void **state)
{
    struct authority *f = *state;
    reg_side_ready(f);
    for (int i = 0; i < REG_LEAVE_KEYS_AT_ONCE + 1; i++) {
        assert_int_equal(reg_side_create_own_key(f, K42), ERR_OK);
    }
    harm(f, f->x->key, STORE_ASCENDING);
    harm(f, f->x->key, STORE_DESCENDING);
    assert_int_equal(authority_request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_OK);
    assert_int_equal(world_audited(f->n, AUDIT_KEY_RECORD_LOST), 1);
    while (leaves(f)) {
    }
    assert_int_equal(world_audited(f->n, AUDIT_KEY_RECORD_LOST), 2);
    assert_int_equal(world_count(f->n, f->x->key), 0);
    assert_int_equal(world_count(f->n, f->x->key_of), 0);
}

/* The credential behind readable keys: where they were noted is not known any more. It stays for the operator to see. */
static void a_credential_that_cannot_be_read_stops_nothing(void **state)
{
    struct authority *f = *state;
    reg_side_ready(f);
    for (int i = 0; i < REG_LEAVE_KEYS_AT_ONCE + 1; i++) {
        assert_int_equal(reg_side_create_own_key(f, K42), ERR_OK);
    }
    const enum store_table table = f->x->role == &role_maf ? TABLE_MAF_KM : TABLE_MEF_CREDENTIAL;
    assert_int_equal(authority_request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_OK);
    for (size_t i = 0; i < world_count(f->n, table); i++) { /* all that name it */
        harm(f, table, i == 0 ? STORE_ASCENDING : STORE_DESCENDING);
    }
    while (leaves(f)) {
    }
    assert_int_equal(world_count(f->n, f->x->key), 0);
    assert_int_equal(world_count(f->n, f->x->key_of), 0);
}

/* -- the MAF alone: a Km from an RSPF ---------------------------------------------------------------------- */
#define KEID "00112233445566778899AABBCCDDEEFF@mef.example.com"
#define KEID2 "AABBCCDDEEFF00112233445566778899@mef.example.com"
static void start_rspf(struct authority *f, const char *keid)
{
    struct secret k42;
    world_secret("4242424242424242424242424242424242424242424242424242424242424242", &k42);
    f->w.forged = "{\"status\":true,\"credential\":\"" K42 "\",\"enroleeID\":\"//sp.example.com/Sdev3\",\"lifetime\":86400}";
    f->w.forged_status = 200;
    world_reload(&f->w, f->n, "[maf]\nfqdn = maf.example.com\n[peer mef.example.com]\nkind = mef\n");
    assert_int_equal(world_connect(&f->w, f->n, keid, &k42, &f->s), ERR_OK);
}

static void update_over_a_new_ke_id_assigns_a_new_km_id(void **state)
{
    struct authority *f = *state;
    char first[128], second[128];
    start_rspf(f, KEID);
    reg_side_register_client(f);
    authority_member(f, "m2m:macr", "aski", first, sizeof(first));
    assert_int_equal(authority_ctl(f, "client", "allow", "{\"client\":\"//sp.example.com/Sdev3\",\"target\":\"//sp.example.com/in\"}"), ERR_OK);
    reg_side_register_key(f);
    start_rspf(f, KEID2);
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->ri, NULL, "{\"m2m:macr\":{\"lbl\":[\"n\"]}}"), ERR_OK);
    authority_member(f, "m2m:macr", "aski", second, sizeof(second));
    assert_true(second[0] == 'k' && strcmp(first, second) != 0);
    assert_int_equal(reg_side_fetch(f), ERR_OK); /* keys stay */
    /* that answer was lost: the client, still with KeId, asks again */
    assert_int_equal(authority_request(f, OP_UPDATE, 0, f->ri, NULL, "{\"m2m:macr\":{\"lbl\":[\"n\"]}}"), ERR_OK);
    authority_member(f, "m2m:macr", "aski", first, sizeof(first));
    assert_string_equal(first, second);
    assert_int_equal(world_count(f->n, TABLE_MAF_CLIENT), 1);
}

static void deregistration_drops_a_km_from_an_rspf(void **state)
{
    struct authority *f = *state;
    size_t before = world_count(f->n, TABLE_MAF_KM);
    start_rspf(f, KEID);
    reg_side_register_client(f);
    assert_int_equal(reg_side_create_client(f, "two.example.com", ""), ERR_OK);
    assert_int_equal(world_count(f->n, TABLE_MAF_KM), before + 2); /* KeId and KmId */
    assert_int_equal(authority_request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_OK);
    assert_int_equal(world_count(f->n, TABLE_MAF_KM), before + 2); /* the other registration stands on it */
    strcpy(f->ri, "/");
    assert_int_equal(authority_request(f, OP_RETRIEVE, 0, "/-", NULL, NULL), ERR_OK);
    const char *at = strstr(f->r.body, "\"val\":\"");
    assert_non_null(at);
    assert_int_equal(text_copy(text_take(text_of(at + 7), 28), f->ri + 1, sizeof(f->ri) - 1), ERR_OK);
    assert_int_equal(authority_request(f, OP_DELETE, 0, f->ri, NULL, NULL), ERR_OK);
    assert_int_equal(world_count(f->n, TABLE_MAF_KM), before); /* CHOICE-52 */
    assert_int_equal(reg_side_create_client(f, SP, ""), ERR_DENIED_CLIENT); /* the association outlived its key */
    start_rspf(f, KEID);
    reg_side_register_client(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(client_is_registered_once),
        BOTH(one_client_in_two_spellings),
        BOTH(configuration_is_what_the_operator_set),
        BOTH(registration_is_updated),
        BOTH(deregistration_takes_the_keys),
        BOTH(a_key_that_cannot_be_read_stops_nothing),
        BOTH(a_credential_that_cannot_be_read_stops_nothing),
        cmocka_unit_test_setup_teardown(update_over_a_new_ke_id_assigns_a_new_km_id, reg_side_maf, authority_teardown),
        cmocka_unit_test_setup_teardown(deregistration_drops_a_km_from_an_rspf, reg_side_maf, authority_teardown),
    };
    return cmocka_run_group_tests_name("reg", tests, NULL, NULL);
}
