/* MEF client commands at the MEF: the sequence, loss, every status code and refusal, the operator's side [TS-0003 8.3.9]. */
#include "role/mef/mef.h"
#include "role/mef/rec_cmd.h"
#include "wire/json.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define KEY "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define NODE "{\\\"objectPath\\\":\\\"/maf\\\",\\\"objectTypeID\\\":3}"
#define CERT "{\\\"certProvProtocolID\\\":1,\\\"URI\\\":\\\"https://MEF.example.com/\\\",\\\"certSubjectType\\\":3,\\\"certSubjectID\\\":\\\"//sp.example.com/Sdev1\\\"}"
#define CONFIG "{\\\"deviceConfigURI\\\":\\\"1:http://mef.example.com:8080/x\\\"}"

struct fixture {
    struct world w;
    struct world_node *n;
    struct secret key;
    struct world_session s;
    struct world_reply r;
    char cmd[80];   /* "/mecr.../cmd" */
    char id[80];    /* of the last answer */
    unsigned status, class_id;
    bool late; /* registrations are to last longer */
};

static err_t ctl(struct fixture *f, const char *verb, const char *args)
{
    return world_ctl(&f->w, f->n, "command", verb, args, &f->r);
}

static void credential(struct fixture *f, const char *name)
{
    char args[512];
    (void)snprintf(args, sizeof(args),
                   "{\"kind\":\"kpm\",\"id\":\"%s@mef.example.com\",\"enrolee-id\":\"//sp.example.com/S%s\",\"target\":\"maf.example.com\",\"key\":\"" KEY
                   "\"}", name, name);
    assert_int_equal(world_ctl(&f->w, f->n, "credential", "add", args, &f->r), ERR_OK);
}

static void connect_as(struct fixture *f, const char *name)
{
    char id[64];
    (void)snprintf(id, sizeof(id), "%s@mef.example.com", name);
    assert_int_equal(world_connect(&f->w, f->n, id, &f->key, &f->s), ERR_OK);
}

static void *start(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    world_init(&f->w, T0);
    f->n = world_add(&f->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\ncommand-retry = 1h\n");
    world_secret(KEY, &f->key);
    credential(f, "dev1");
    credential(f, "dev2");
    connect_as(f, "dev1");
    return f;
}

static int setup(void **state)
{
    *state = start();
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    world_free(&f->w);
    free(f);
    return 0;
}

static err_t ask(struct fixture *f, enum op op, uint32_t ty, const char *path, const char *body)
{
    struct world_request rq = {.op = op, .ty = ty, .path = path, .body = body};
    return world_request(&f->s, &rq, &f->r);
}

/* The command in the answer. */
static void take(struct fixture *f)
{
    SCOPED(json_scope) json_t *o = NULL;
    struct mefcmd c;
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    assert_int_equal(mefcmd_parse(o, &c), ERR_OK);
    assert_int_equal(TEXT_COPY(c.id, f->id), ERR_OK);
    f->status = c.status;
    f->class_id = c.class_id;
}

static void join(struct fixture *f, const char *adfq)
{
    SCOPED(json_scope) json_t *o = NULL;
    char body[128];
    (void)snprintf(body, sizeof(body), "{\"m2m:mecr\":{\"et\":\"%s\",\"adfq\":\"%s\"}}", f->late ? "20240601T000000" : "20231116T000000", adfq);
    assert_int_equal(ask(f, OP_CREATE, 60005, "/-", body), ERR_OK);
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    (void)snprintf(f->cmd, sizeof(f->cmd), "/%s/cmd", json_string_value(json_object_get(json_object_get(o, "m2m:mecr"), "ri")));
}

static void add(struct fixture *f, const char *class, const char *args)
{
    char line[1024];
    (void)snprintf(line, sizeof(line), "{\"CLIENT\":\"//sp.example.com/Sdev1\",\"class\":\"%s\",\"ARGS\":\"%s\"}", class, args);
    assert_int_equal(ctl(f, "add", line), ERR_OK);
    f->w.now += USEC_PER_SEC;
}

static void retrieved(struct fixture *f, unsigned class_id, unsigned status)
{
    assert_int_equal(ask(f, OP_RETRIEVE, 0, f->cmd, NULL), ERR_OK);
    assert_int_equal(f->r.rsc, 2000);
    take(f);
    assert_int_equal(f->class_id, class_id);
    assert_int_equal(f->status, status);
}

static err_t report(struct fixture *f, const char *id, unsigned status)
{
    char body[256];
    (void)snprintf(body, sizeof(body), "{\"m2m:mecc\":{\"cmid\":\"%s\",\"cmsc\":%u}}", id, status);
    err_t e = ask(f, OP_UPDATE, 0, f->cmd, body);
    if (e == ERR_OK) {
        assert_int_equal(f->r.rsc, 2004);
        take(f);
    }
    return e;
}

/* Spec row 10: ISSUED, OK, the next, NO_MORE_COMMANDS with its retryDuration. */
static void the_sequence(void **state)
{
    struct fixture *f = *state;
    char first[80];
    add(f, "cert-prov", CERT);
    add(f, "mo-node", NODE);
    join(f, "sp.example.com");
    assert_non_null(strstr(f->r.body, "\"ch\":[{\"nm\":\"cmd\",\"typ\":60006,\"val\":\"mecr"));
    retrieved(f, MEFCMD_CERT_PROV, MEFCMD_STATUS_ISSUED);
    assert_non_null(strstr(f->r.body, "\"cmdArgs\":{\"certProvCmdArgs\":{\"certProvProtocolID\":1,"));
    (void)snprintf(first, sizeof(first), "%s", f->id);
    assert_int_equal(report(f, first, MEFCMD_STATUS_OK), ERR_OK);
    assert_int_equal(f->class_id, MEFCMD_MO_NODE);
    assert_int_equal(f->status, MEFCMD_STATUS_ISSUED);
    assert_string_not_equal(f->id, first);
    assert_int_equal(report(f, f->id, MEFCMD_STATUS_NODE_NOT_FOUND), ERR_OK);
    assert_int_equal(f->class_id, MEFCMD_NO_MORE);
    assert_non_null(strstr(f->r.body, "{\"noMoreCmdArgs\":{\"retryDuration\":\"PT3600S\"}}"));
    assert_int_equal(world_audited(f->n, AUDIT_COMMAND_ISSUED), 2);
    assert_int_equal(world_audited(f->n, AUDIT_COMMAND_DONE), 2);
    assert_int_equal(ctl(f, "list", "{}"), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"state\":\"done\",\"status\":20,\"outcome\":\"MEF_CLIENT_CMD_OK\""));
    assert_non_null(strstr(f->r.body, "\"status\":300,\"outcome\":\"MEF_CLIENT_CMD_MO_NODE_NOT_FOUND\""));
    assert_int_equal(ask(f, OP_UPDATE, 0, "/x", "{}"), ERR_NOT_FOUND);
}

/* The answer, or the Update, got lost: the same command again, as REISSUED, as often as it is asked for. */
static void what_is_lost_comes_again(void **state)
{
    struct fixture *f = *state;
    char id[80];
    add(f, "mo-node", NODE);
    add(f, "dev-cfg", CONFIG);
    join(f, "sp.example.com");
    retrieved(f, MEFCMD_MO_NODE, MEFCMD_STATUS_ISSUED);
    (void)snprintf(id, sizeof(id), "%s", f->id);
    retrieved(f, MEFCMD_MO_NODE, MEFCMD_STATUS_REISSUED);
    connect_as(f, "dev1");
    retrieved(f, MEFCMD_MO_NODE, MEFCMD_STATUS_REISSUED);
    assert_string_equal(f->id, id);
    assert_int_equal(world_audited(f->n, AUDIT_COMMAND_ISSUED), 1);
    /* the Update arrived and its answer was lost: the next is then REISSUED, never the first again */
    assert_int_equal(report(f, id, MEFCMD_STATUS_OK), ERR_OK);
    retrieved(f, MEFCMD_DEV_CFG, MEFCMD_STATUS_REISSUED);
    assert_int_equal(report(f, id, MEFCMD_STATUS_OK), ERR_OK); /* the lost one sent again: ignored */
    assert_int_equal(f->class_id, MEFCMD_DEV_CFG);
    assert_int_equal(f->status, MEFCMD_STATUS_REISSUED);
}

/* Another cmdID than the one last issued: both values are ignored, the answer is as to a Retrieve (9.10.5). */
static void another_id_is_ignored(void **state)
{
    struct fixture *f = *state;
    add(f, "mo-node", NODE);
    join(f, "sp.example.com");
    assert_int_equal(report(f, "never-issued", MEFCMD_STATUS_OK), ERR_OK);
    assert_int_equal(f->class_id, MEFCMD_MO_NODE);
    assert_int_equal(report(f, "never-issued", MEFCMD_STATUS_OK), ERR_OK);
    assert_int_equal(f->status, MEFCMD_STATUS_REISSUED);
    assert_int_equal(world_audited(f->n, AUDIT_COMMAND_DONE), 0);
}

/* Each code of 9.10.7, for a command of each class: taken if it is one that a client reports for that class. */
static void each_status(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *class, *args;
        unsigned number;
    } classes[] = {{"cert-prov", CERT, 1}, {"dev-cfg", CONFIG, 2}, {"mo-node", NODE, 3}};
    static const unsigned codes[] = {20, 40, 41, 42, 43, 100, 101, 201, 202, 300, 301, 302, 303, 304, 305, 10, 11, 0, 21, 999};
    join(f, "sp.example.com");
    for (size_t c = 0; c < ARRAY_LEN(classes); c++) {
        for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
            bool own = codes[i] >= 100 && codes[i] / 100 == classes[c].number && codes[i] <= 305;
            bool common = codes[i] == 20 || (codes[i] >= 40 && codes[i] <= 43);
            add(f, classes[c].class, classes[c].args);
            assert_int_equal(ask(f, OP_RETRIEVE, 0, f->cmd, NULL), ERR_OK);
            take(f);
            err_t e = report(f, f->id, codes[i]);
            assert_int_equal(e, own || common ? ERR_OK : ERR_ATTRIBUTE_TYPE);
            if (e != ERR_OK) { /* BAD_REQUEST, and it is still to be done */
                assert_int_equal(f->r.rsc, 4000);
                assert_int_equal(report(f, f->id, MEFCMD_STATUS_OK), ERR_OK);
            }
        }
    }
    assert_true(world_count(f->n, TABLE_MEF_COMMAND) <= REC_CMD_KEPT);
}

static void an_update_that_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {
        NULL, "{}", "{\"m2m:mecc\":{}}", "{\"m2m:mecc\":[]}", "{\"m2m:mecc\":{\"cmid\":\"a\"}}", "{\"m2m:mecc\":{\"cmsc\":20}}",
        "{\"m2m:mecc\":{\"cmid\":\"a\",\"cmsc\":\"20\"}}", "{\"m2m:mecc\":{\"cmid\":7,\"cmsc\":20}}", "{\"m2m:mecc\":{\"cmid\":\"\",\"cmsc\":20}}",
        "{\"m2m:mecc\":{\"cmid\":\"a/b\",\"cmsc\":20}}", "{\"m2m:mecc\":{\"cmid\":\"a\",\"cmsc\":-1}}",
        "{\"m2m:mecc\":{\"cmid\":\"a\",\"cmsc\":20,\"cmde\":{}}}", "{\"m2m:mecc\":{\"cmid\":\"a\",\"cmsc\":20},\"x\":1}",
        "{\"m2m:mecr\":{\"cmid\":\"a\",\"cmsc\":20}}",
        "{\"m2m:mecc\":{\"cmid\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"cmsc\":20}}",
    };
    add(f, "mo-node", NODE);
    join(f, "sp.example.com");
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_int_not_equal(ask(f, OP_UPDATE, 0, f->cmd, bodies[i]), ERR_OK);
        assert_int_equal(f->r.rsc, 4000);
    }
    retrieved(f, MEFCMD_MO_NODE, MEFCMD_STATUS_ISSUED); /* none of them issued anything */
    assert_int_equal(ask(f, OP_CREATE, 60006, f->cmd, "{}"), ERR_OPERATION);
    assert_int_equal(ask(f, OP_DELETE, 0, f->cmd, NULL), ERR_OPERATION);
}

static void only_the_client_itself(void **state)
{
    struct fixture *f = *state;
    add(f, "mo-node", NODE);
    join(f, "sp.example.com");
    connect_as(f, "dev2");
    assert_int_equal(ask(f, OP_RETRIEVE, 0, f->cmd, NULL), ERR_DENIED_CLIENT);
    assert_int_equal(report(f, "x", 20), ERR_DENIED_CLIENT);
    join(f, "sp.example.com"); /* dev2's own: nothing waits there, and no reference is given */
    assert_null(strstr(f->r.body, "\"ch\""));
    retrieved(f, MEFCMD_NO_MORE, MEFCMD_STATUS_ISSUED);
    connect_as(f, "dev1");
    f->w.now += INT64_C(10) * 86400 * USEC_PER_SEC; /* the registration is over: a valid one is needed (9.10.3) */
    connect_as(f, "dev1");
    assert_int_equal(ask(f, OP_RETRIEVE, 0, f->cmd, NULL), ERR_NOT_FOUND);
    f->late = true;
    join(f, "sp.example.com");
    retrieved(f, MEFCMD_MO_NODE, MEFCMD_STATUS_ISSUED);
    char gone[80];
    (void)snprintf(gone, sizeof(gone), "%.*s", (int)strlen(f->cmd) - 4, f->cmd);
    assert_int_equal(ask(f, OP_DELETE, 0, gone, NULL), ERR_OK);
    assert_int_equal(ask(f, OP_RETRIEVE, 0, f->cmd, NULL), ERR_NOT_FOUND);
    join(f, "sp.example.com"); /* it outlives the registration under which it was issued */
    retrieved(f, MEFCMD_MO_NODE, MEFCMD_STATUS_REISSUED);
}

static void the_operator_takes_back(void **state)
{
    struct fixture *f = *state;
    char args[256];
    add(f, "mo-node", NODE);
    join(f, "sp.example.com");
    retrieved(f, MEFCMD_MO_NODE, MEFCMD_STATUS_ISSUED);
    (void)snprintf(args, sizeof(args), "{\"CLIENT\":\"//sp.example.com/Sdev1\",\"CMDID\":\"%s\"}", f->id);
    assert_int_equal(ctl(f, "show", args), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"state\":\"issued\""));
    assert_int_equal(ctl(f, "cancel", args), ERR_OK);
    assert_int_equal(ctl(f, "cancel", args), ERR_STATE);
    assert_int_equal(report(f, f->id, MEFCMD_STATUS_OK), ERR_OK);
    assert_int_equal(f->class_id, MEFCMD_NO_MORE);
    assert_int_equal(ctl(f, "show", args), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"state\":\"cancelled\""));
    assert_int_equal(ctl(f, "show", "{\"CLIENT\":\"x\",\"CMDID\":\"y\"}"), ERR_NOT_FOUND);
    assert_int_equal(ctl(f, "list", "{\"client\":\"//sp.example.com/Sdev2\"}"), ERR_OK);
    assert_string_equal(f->r.body, "{\"commands\":[]}");
    assert_int_equal(world_audited(f->n, AUDIT_COMMAND_CANCELLED), 1);
}

/* What a client would have to refuse is not issued; what cannot be read is not kept (spec row 22). */
static void what_is_not_added(void **state)
{
    struct fixture *f = *state;
    static const char *const rows[][2] = {
        {"no-more", "{\\\"retryDuration\\\":\\\"PT1S\\\"}"}, {"reboot", "{}"}, {"mo-node", ""}, {"mo-node", "[]"}, {"mo-node", "{}"},
        {"mo-node", "{\\\"objectPath\\\":\\\"/a\\\"}"}, {"mo-node", "{\\\"objectPath\\\":\\\"/a\\\",\\\"objectTypeID\\\":4}"},
        {"mo-node", "{\\\"objectPath\\\":\\\"/a\\\",\\\"objectTypeID\\\":\\\"3\\\"}"},
        {"mo-node", "{\\\"objectPath\\\":\\\"/a\\\",\\\"objectTypeID\\\":3,\\\"x\\\":1}"},
        {"mo-node", "{\\\"objectPath\\\":\\\"/a\\\",\\\"objectTypeID\\\":1,\\\"objectTypeSpecifcArgs\\\":{}}"},
        {"dev-cfg", "{\\\"deviceConfigURI\\\":\\\"1:http://other.example/x\\\"}"},
        {"dev-cfg", "{\\\"deviceConfigURI\\\":\\\"http://mef.example.com/x\\\"}"},
        {"cert-prov", "{\\\"certProvProtocolID\\\":1,\\\"URI\\\":\\\"https://mef.example.com.evil.example/\\\",\\\"certSubjectType\\\":3,\\\"certSubjectID\\\":\\\"x\\\"}"},
        {"cert-prov", "{\\\"certProvProtocolID\\\":2,\\\"URI\\\":\\\"https://mef.example.com/\\\",\\\"certSubjectType\\\":3,\\\"certSubjectID\\\":\\\"x\\\"}"},
        {"cert-prov", "{\\\"certProvProtocolID\\\":1,\\\"URI\\\":\\\"https://mef.example.com@evil.example/\\\",\\\"certSubjectType\\\":3,\\\"certSubjectID\\\":\\\"x\\\"}"},
    };
    char line[1024];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)snprintf(line, sizeof(line), "{\"CLIENT\":\"c\",\"class\":\"%s\",\"ARGS\":\"%s\"}", rows[i][0], rows[i][1]);
        assert_int_not_equal(ctl(f, "add", line), ERR_OK);
    }
    assert_int_equal(world_count(f->n, TABLE_MEF_COMMAND), 0);
    for (size_t i = 0; i < REC_CMD_KEPT; i++) {
        add(f, "mo-node", NODE);
    }
    (void)snprintf(line, sizeof(line), "{\"CLIENT\":\"//sp.example.com/Sdev1\",\"class\":\"mo-node\",\"ARGS\":\"" NODE "\"}");
    assert_int_equal(ctl(f, "add", line), ERR_LIMIT_CAPACITY);
}

/* A mistyped name would wait for ever: it is taken, and said. */
static void a_client_that_never_registered(void **state)
{
    struct fixture *f = *state;
    add(f, "mo-node", NODE);
    assert_non_null(strstr(f->r.body, "\"warning\":\"no client of this name"));
    join(f, "sp.example.com");
    add(f, "mo-node", NODE);
    assert_null(strstr(f->r.body, "warning"));
}

/* //sp/in/Cx/id stands among the rows of //sp/in, before and behind them are its own. */
static void rows_of_one_client(void **state)
{
    struct fixture *f = *state;
    static const char *const others[] = {"in/Ca", "in/Cb", "in/Sc", "in/0", "in/z"};
    char line[1024];
    size_t own = 0;
    for (size_t i = 0; i < 2 * ARRAY_LEN(others); i++) {
        (void)snprintf(line, sizeof(line), "{\"CLIENT\":\"//sp.example.com/%s\",\"class\":\"mo-node\",\"ARGS\":\"" NODE "\"}",
                       i % 2 == 0 ? others[i / 2] : "in");
        assert_int_equal(ctl(f, "add", line), ERR_OK);
    }
    assert_int_equal(ctl(f, "list", "{\"client\":\"//SP.example.com/in\"}"), ERR_OK);
    assert_null(strstr(f->r.body, "//sp.example.com/in/"));
    for (const char *at = f->r.body; (at = strstr(at, "\"client\":\"//sp.example.com/in\"")) != NULL; at++) {
        own++;
    }
    assert_int_equal(own, ARRAY_LEN(others));
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *z;
        int64_t seconds;
    } rows[] = {{"PT1S", 1}, {"PT0S", 0}, {"P1D", 86400}, {"P1DT2H3M4S", 93784}, {"P1M", 2592000}, {"PT1M", 60}, {"P1Y", 31536000}, {"PT86400S", 86400}};
    static const char *const bad[] = {"", "P", "PT", "P1", "1D", "P1DT", "PT1D", "P1H", "P1S", "-P1D", "PT-1S", "PT1S ", "PT1.5S",
                                      "PT1M1H", "P1D1Y", "PT9999999999S", "P999999999D", "PTT1S", "P1W"};
    usec_t t;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(mefcmd_duration(text_of(rows[i].z), &t), ERR_OK);
        assert_true(t == rows[i].seconds * USEC_PER_SEC);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (mefcmd_duration(text_of(bad[i]), &t) == ERR_OK) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_sequence), TEST(what_is_lost_comes_again), TEST(another_id_is_ignored), TEST(each_status),
        TEST(an_update_that_cannot_be_read), TEST(only_the_client_itself), TEST(the_operator_takes_back), TEST(what_is_not_added),
        TEST(a_client_that_never_registered), TEST(rows_of_one_client),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
