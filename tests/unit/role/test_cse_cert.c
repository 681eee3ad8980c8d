/* Certificate SAEF at the CSE: what each flavour binds, who may be whom on it, and what is refused. */
#include "cse_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OID "0.2.481.1.100.3030.10011"
#define KEY_ID "sha-256;AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define AE_BODY_TO "cse-in"

static int setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, CSE_CONF);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

static err_t add(struct cse_fixture *f, const char *id, const char *more)
{
    char args[1024];
    snprintf(args, sizeof(args), "{\"kind\":\"cert\",\"id\":\"%s\"%s}", id, more);
    return world_ctl(&f->w, f->cse, "credential", "add", args, &f->r);
}

static err_t revoke(struct cse_fixture *f, const char *id)
{
    char args[300];
    snprintf(args, sizeof(args), "{\"ID\":\"%s\"}", id);
    return world_ctl(&f->w, f->cse, "credential", "revoke", args, &f->r);
}

static err_t come(struct cse_fixture *f, enum world_name kind, const char *name, struct world_session *s)
{
    struct role_cert c = world_cert(&f->w, kind, name);
    return world_connect_names(&f->w, f->cse, &c, s);
}

static err_t register_ae(struct cse_fixture *f, struct world_session *s, const char *from)
{
    return cse_fixture_create(f, s, from, AE_BODY_TO, 2, AE_BODY);
}

/* R000-43, R000-62: an AE-ID of this SP binds itself; the certificate is all there is. */
static void an_ae_id_binds_itself(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    assert_int_equal(come(f, WORLD_URI, "m2m://SP.example.com/Sx", &s), ERR_OK);
    assert_int_equal(s.assoc.framework, ASSOCIATION_CERT);
    assert_int_equal(s.assoc.peer, PEER_AE);
    assert_string_equal(s.assoc.credential_id, "33-//sp.example.com/Sx");
    assert_int_equal(s.assoc.not_after, f->w.now + 365 * DAY - 1);
    assert_int_equal(register_ae(f, &s, "Sy"), ERR_DENIED_FROM); /* refuses R000-43 */
    assert_int_equal(register_ae(f, &s, "Sx"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "aei"), "Sx");
    assert_int_equal(cse_fixture_get(f, &s, "Sy", "cse-in/Sx"), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sx", "Sx"), ERR_DENIED_FROM); /* another association */
    assert_int_equal(world_audited(f->cse, AUDIT_ASSOCIATED), 4); /* three of the fixture */
    /* a C-type AE-ID below this CSE */
    assert_int_equal(come(f, WORLD_URI, "m2m://sp.example.com/in/Cx", &s), ERR_OK);
    assert_int_equal(register_ae(f, &s, "Cx"), ERR_OK);
}

static void names_of_others_are_refused(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    static const struct {
        enum world_name kind;
        const char *name;
        err_t want;
    } rows[] = {
        {WORLD_URI, "m2m://other.example.org/Sx", ERR_DENIED_CERT_NAME},   /* another SP */
        {WORLD_URI, "m2m://sp.example.com/mn/Cx", ERR_DENIED_CERT_NAME},   /* below another CSE */
        {WORLD_URI, "m2m://sp.example.com/mn", ERR_DENIED_CERT_NAME},      /* a CSE-ID is no URI: refuses R000-43 */
        {WORLD_URI, "https://sp.example.com/Sx", ERR_DENIED_CERT_NAME},    /* a host */
        {WORLD_DNS, "mn.sp.example.com", ERR_DENIED_CERT_NAME},            /* a CSE that nobody configured */
        {WORLD_DNS, "*.sp.example.com", ERR_DENIED_CERT_NAME},             /* refuses R000-62: a wildcard is nobody */
        {WORLD_DNS, "maf.example.com", ERR_DENIED_CERT_NAME},              /* FQDN certificates are of MEF and MAF */
        {WORLD_RAW, KEY_ID, ERR_DENIED_CERT_RAW}, /* a key that is not in the table */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(come(f, rows[i].kind, rows[i].name, &s), rows[i].want);
    }
    /* a pinned key says nothing of the names beside it */
    struct role_cert c = world_cert(&f->w, WORLD_URI, "m2m://sp.example.com/Sx");
    c.raw = true;
    assert_int_equal(world_connect_names(&f->w, f->cse, &c, &s), ERR_DENIED_CERT_RAW);
    /* one context, one identity (6.0.2) */
    c = world_cert(&f->w, WORLD_URI, "m2m://sp.example.com/Sx");
    c.uri[c.uri_n++] = text_of("m2m://sp.example.com/Sy");
    assert_int_equal(world_connect_names(&f->w, f->cse, &c, &s), ERR_DENIED_CERT_NAME);
}

static void a_cse_id_binds_the_configured_cse(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, "//sp.example.com/mn", ",\"flavour\":\"cse-id\""), ERR_OK);
    assert_int_equal(come(f, WORLD_DNS, "MN.sp.example.com", &s), ERR_OK);
    assert_int_equal(s.assoc.peer, PEER_CSE);
    assert_true(association_is_bound_to(&s.assoc, text_of("//sp.example.com/mn")));
    assert_string_equal(s.assoc.credential_id, "32-//sp.example.com/mn");
    assert_int_equal(cse_fixture_get(f, &s, "/other", "cse-in"), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_get(f, &s, "/in", "cse-in"), ERR_DENIED_FROM);
    assert_int_equal(register_ae(f, &s, "/mn"), ERR_OPERATION); /* a CSE does not register AEs */
    /* an AE-ID beside it makes two identities */
    struct role_cert c = world_cert(&f->w, WORLD_DNS, "mn.sp.example.com");
    c.uri[c.uri_n++] = text_of("m2m://sp.example.com/Sx");
    assert_int_equal(world_connect_names(&f->w, f->cse, &c, &s), ERR_DENIED_CERT_NAME);
    assert_int_equal(add(f, "//sp.example.com/mn2", ",\"enrolee-id\":\"//sp.example.com/mn3\""), ERR_MALFORMED_ID);
}

/* 6.0.2 iii: a node's certificate stands for the AEs on it, and for no other. */
static void a_node_stands_for_its_list(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    static const char list[] = ",\"enrolee-id\":\"//sp.example.com/S1,//sp.example.com/S2,//sp.example.com/in/C3\"";
    assert_int_equal(add(f, OID, list), ERR_OK);
    assert_non_null(strstr(f->r.body, "//sp.example.com/S1,//sp.example.com/S2"));
    assert_int_equal(come(f, WORLD_DEVICE, OID, &s), ERR_OK);
    assert_int_equal(s.assoc.peer, PEER_AE);
    assert_int_equal(s.assoc.ids_n, 3);
    assert_int_equal(register_ae(f, &s, "S4"), ERR_DENIED_FROM);
    assert_int_equal(register_ae(f, &s, "S2"), ERR_OK);
    assert_int_equal(register_ae(f, &s, NULL), ERR_OK); /* the next that is free */
    assert_string_equal(cse_fixture_member(f, "aei"), "S1");
    assert_int_equal(register_ae(f, &s, "C3"), ERR_OK);
    assert_int_equal(register_ae(f, &s, "S2"), ERR_REGISTERED);
    assert_int_equal(cse_fixture_get(f, &s, "S1", "S1"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &s, "S2", "S2"), ERR_OK);
    /* the names are kept for it */
    assert_int_equal(add(f, "node_1", ",\"enrolee-id\":\"//sp.example.com/S9\""), ERR_OK);
    struct world_session stranger;
    assert_int_equal(come(f, WORLD_URI, "urn:m2m:node:node_2", &stranger), ERR_OK);
    assert_int_equal(register_ae(f, &stranger, "S9"), ERR_DENIED_FROM);
}

static void a_device_alone_is_its_credential_id(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    struct world_session other;
    assert_int_equal(come(f, WORLD_DEVICE, OID, &s), ERR_OK);
    assert_int_equal(s.assoc.peer, PEER_UNKNOWN);
    assert_string_equal(s.assoc.credential_id, "31-" OID);
    assert_int_equal(cse_fixture_get(f, &s, "Sdev", "cse-in"), ERR_DENIED_NOT_REGISTERED); /* [CHOICE-43] */
    assert_int_equal(register_ae(f, &s, "Sdev"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &s, "Sdev", "Sdev"), ERR_OK);
    assert_int_equal(come(f, WORLD_URI, "urn:m2m:node:node_1", &other), ERR_OK);
    assert_string_equal(other.assoc.credential_id, "34-node_1");
    assert_int_equal(cse_fixture_get(f, &other, "Sdev", "Sdev"), ERR_DENIED_FROM);
}

static void a_pinned_key(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, KEY_ID, ",\"flavour\":\"raw\",\"enrolee-id\":\"//sp.example.com/Sraw\""), ERR_OK);
    assert_int_equal(come(f, WORLD_RAW, KEY_ID, &s), ERR_OK);
    assert_true(association_is_bound_to(&s.assoc, text_of("//sp.example.com/Sraw")));
    assert_int_equal(come(f, WORLD_RAW, "sha-256;BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", &s), ERR_DENIED_CERT_RAW);
    assert_int_equal(add(f, "sha-256-120;AAECAwQFBgcICQoLDA0P", ""), ERR_OK); /* another key, by a truncated name */
    assert_int_equal(come(f, WORLD_RAW, KEY_ID, &s), ERR_OK);
    assert_true(association_is_bound_to(&s.assoc, text_of("//sp.example.com/Sraw")));
}

static void revocation_bites(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    struct world_session ae;
    assert_int_equal(add(f, OID, ",\"enrolee-id\":\"//sp.example.com/S1\""), ERR_OK);
    assert_int_equal(come(f, WORLD_DEVICE, OID, &s), ERR_OK);
    assert_int_equal(register_ae(f, &s, "S1"), ERR_OK);
    assert_int_equal(revoke(f, OID), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &s, "S1", "S1"), ERR_DENIED_REVOKED); /* an association that is open */
    assert_int_equal(come(f, WORLD_DEVICE, OID, &s), ERR_DENIED_REVOKED);     /* refuses R000-62 */
    /* an AE-ID that needs no table can be shut out by it */
    assert_int_equal(come(f, WORLD_URI, "m2m://sp.example.com/Sx", &ae), ERR_OK);
    assert_int_equal(register_ae(f, &ae, "Sx"), ERR_OK);
    assert_int_equal(add(f, "//sp.example.com/Sx", ""), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &ae, "Sx", "Sx"), ERR_OK);
    assert_int_equal(revoke(f, "//sp.example.com/Sx"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &ae, "Sx", "Sx"), ERR_DENIED_REVOKED);
    assert_int_equal(come(f, WORLD_URI, "m2m://sp.example.com/Sx", &ae), ERR_DENIED_REVOKED);
}

static void ends(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, OID, ",\"enrolee-id\":\"//sp.example.com/S1\",\"lifetime\":\"1h\""), ERR_OK);
    assert_int_equal(come(f, WORLD_DEVICE, OID, &s), ERR_OK);
    assert_int_equal(s.assoc.not_after, T0 + HOUR - 1);
    struct role_cert brief = world_cert(&f->w, WORLD_DEVICE, OID);
    brief.not_after = T0 + 60 * SECOND; /* the certificate's own end */
    assert_int_equal(world_connect_names(&f->w, f->cse, &brief, &s), ERR_OK);
    assert_int_equal(s.assoc.not_after, T0 + 60 * SECOND - 1);
    assert_int_equal(register_ae(f, &s, "S1"), ERR_OK);
    f->w.now = T0 + 61 * SECOND;
    assert_int_equal(cse_fixture_get(f, &s, "S1", "S1"), ERR_DENIED_NO_ASSOCIATION);
    assert_int_equal(world_connect_names(&f->w, f->cse, &brief, &s), ERR_DENIED_CERT_EXPIRED);
    f->w.now = T0 + HOUR;
    assert_int_equal(come(f, WORLD_DEVICE, OID, &s), ERR_DENIED_EXPIRED);
}

/* The identity of a certificate is no psk_identity. */
static void a_psk_by_that_name_is_refused(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, OID, ",\"enrolee-id\":\"//sp.example.com/S1\""), ERR_OK);
    assert_int_equal(world_connect(&f->w, f->cse, "31-" OID, &f->kpsa, &s), ERR_DENIED_PSK_UNKNOWN);
}

/* From its first association on, the name an AE certificate says is nobody else's. */
static void a_name_is_kept_for_its_certificate(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    struct world_session stranger;
    assert_int_equal(come(f, WORLD_URI, "m2m://sp.example.com/Sx", &s), ERR_OK);
    assert_int_equal(come(f, WORLD_DEVICE, OID, &stranger), ERR_OK);
    assert_int_equal(register_ae(f, &stranger, "Sx"), ERR_DENIED_FROM);
    assert_int_equal(register_ae(f, &s, "Sx"), ERR_OK);
}

static void commands(void **state)
{
    struct cse_fixture *f = *state;
    static const struct {
        const char *id, *more;
        err_t want;
    } bad[] = {
        {OID, ",\"target\":\"//sp.example.com/in\"", ERR_USAGE},
        {OID, ",\"profile\":\"r3\"", ERR_USAGE},
        {OID, ",\"key\":\"" KPSA "\"", ERR_USAGE},
        {OID, ",\"flavour\":\"node-id\"", ERR_USAGE},
        {OID, ",\"enrolee-id\":\"//other.example.org/S1\"", ERR_MALFORMED_ID},
        {OID, ",\"enrolee-id\":\"//sp.example.com/S1,//sp.example.com/mn\"", ERR_MALFORMED_ID},
        {OID, ",\"enrolee-id\":\"//sp.example.com/S1,x\"", ERR_MALFORMED_ID},
        {OID, ",\"enrolee-id\":\"//sp.example.com/S1,//sp.example.com/S2,//sp.example.com/S3,//sp.example.com/S4,"
              "//sp.example.com/S5\"", ERR_LIMIT_CAPACITY},
        {"//sp.example.com/Sx", ",\"enrolee-id\":\"//sp.example.com/Sy\"", ERR_MALFORMED_ID},
        {"//other.example.org/Sx", "", ERR_MALFORMED_ID},
        {"a@b.example.com", "", ERR_MALFORMED_ID},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(add(f, bad[i].id, bad[i].more), bad[i].want);
    }
    assert_int_equal(add(f, OID, ""), ERR_OK);
    assert_int_equal(add(f, OID, ""), ERR_EXISTS);
    assert_int_equal(world_ctl(&f->w, f->cse, "credential", "list", "{}", &f->r), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"kind\":\"cert\""));
    assert_non_null(strstr(f->r.body, "\"flavour\":\"device\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_ae_id_binds_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(names_of_others_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cse_id_binds_the_configured_cse, setup, teardown),
        cmocka_unit_test_setup_teardown(a_node_stands_for_its_list, setup, teardown),
        cmocka_unit_test_setup_teardown(a_device_alone_is_its_credential_id, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pinned_key, setup, teardown),
        cmocka_unit_test_setup_teardown(revocation_bites, setup, teardown),
        cmocka_unit_test_setup_teardown(ends, setup, teardown),
        cmocka_unit_test_setup_teardown(a_psk_by_that_name_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_is_kept_for_its_certificate, setup, teardown),
        cmocka_unit_test_setup_teardown(commands, setup, teardown),
    };
    return cmocka_run_group_tests_name("cse-cert", tests, NULL, NULL);
}
