/* The client's side of MEF client commands: each status code it reports and why, the rules of consistency, loss [TS-0003 8.3.9]. */
#include "role/device/device_cmd.h"
#include "role/mef/mef.h"
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
#define PSK "[\"TLS_PSK_WITH_AES_128_CCM_8\"]"
#define CERT "[\"TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8\"]"

static const struct device_cmd_self node_self = {"mef.example.com", "sp.example.com", DEVICE_CMD_NODE, T0 + 86400 * USEC_PER_SEC};

static err_t answer(struct device_cmd *c, const char *id, unsigned class_id, const char *args, unsigned status)
{
    char body[2048];
    (void)snprintf(body, sizeof(body), "{\"m2m:mecc\":{\"cmid\":\"%s\",\"cmde\":{\"cmdClassID\":%u,\"cmdArgs\":%s},\"cmsc\":%u}}", id,
                   class_id, args, status);
    return device_cmd_answer(c, T0, ERR_OK, text_bytes(text_of(body)));
}

static enum device_cmd_step next(struct device_cmd *c)
{
    enum device_cmd_step s = DEVICE_CMD_END;
    assert_int_equal(device_cmd_next(c, &s), ERR_OK);
    return s;
}

/* What a registered client makes of one command: the status, or 0 and an order. */
static unsigned judged(const struct device_cmd_self *self, json_t *tree, unsigned class_id, const char *args, struct device_cmd *out)
{
    static struct device_cmd_state state;
    state = (struct device_cmd_state){.registration = "mecr1"};
    device_cmd_start(out, &state, self, tree);
    assert_int_equal(next(out), DEVICE_CMD_REQUEST);
    assert_int_equal(answer(out, "a", class_id, args, 10), ERR_OK);
    if (next(out) == DEVICE_CMD_EXECUTE) {
        return 0;
    }
    assert_true(out->phase == DEVICE_CMD_P_UPDATE && out->request.op == OP_UPDATE);
    assert_string_equal(out->request.path, "/mecr1/cmd");
    return out->status;
}

static void cert_prov(void **state)
{
    (void)state;
    static const struct {
        enum device_cmd_kind kind;
        unsigned protocol, type;
        const char *uri, *id;
        unsigned status;
    } rows[] = {
        {DEVICE_CMD_NODE, 1, 3, "https://mef.example.com/", "//sp.example.com/Sx", 0},
        {DEVICE_CMD_NODE, 1, 2, "https://MEF.example.com:8443/x", "//sp.example.com/in", 0},
        {DEVICE_CMD_NODE, 1, 1, "https://mef.example.com", "node.sp.example.com", 0},
        {DEVICE_CMD_CSE, 1, 2, "https://mef.example.com/", "//sp.example.com/in", 0},
        {DEVICE_CMD_AE, 1, 3, "https://mef.example.com/", "//sp.example.com/in/Cx", 0},
        {DEVICE_CMD_NODE, 2, 3, "https://mef.example.com/", "//sp.example.com/Sx", 43}, /* SCEP */
        {DEVICE_CMD_NODE, 1, 3, "https://other.example.com/", "//sp.example.com/Sx", 43}, /* spec row 22 */
        {DEVICE_CMD_NODE, 1, 3, "https://mef.example.com.evil.example/", "//sp.example.com/Sx", 43},
        {DEVICE_CMD_CSE, 1, 3, "https://mef.example.com/", "//sp.example.com/Sx", 43},
        {DEVICE_CMD_CSE, 1, 1, "https://mef.example.com/", "node.sp.example.com", 43},
        {DEVICE_CMD_AE, 1, 2, "https://mef.example.com/", "//sp.example.com/in", 43},
        {DEVICE_CMD_NODE, 1, 2, "https://mef.example.com/", "//sp.example.com/Sx", 43}, /* an AE-ID is no CSE-ID */
        {DEVICE_CMD_NODE, 1, 3, "https://mef.example.com/", "//sp.example.com/in", 43},
        {DEVICE_CMD_NODE, 1, 4, "https://mef.example.com/", "//sp.example.com/in", 43},
        {DEVICE_CMD_NODE, 1, 3, "https://mef.example.com/", "rubbish id", 43},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct device_cmd_self self = node_self;
        struct device_cmd c;
        char args[512];
        self.kind = rows[i].kind;
        (void)snprintf(args, sizeof(args), "{\"certProvCmdArgs\":{\"certProvProtocolID\":%u,\"URI\":\"%s\",\"certSubjectType\":%u,\"certSubjectID\":\"%s\"}}",
                       rows[i].protocol, rows[i].uri, rows[i].type, rows[i].id);
        assert_int_equal(judged(&self, NULL, 1, args, &c), rows[i].status);
        assert_true(rows[i].status != 0 || (c.order.job == DEVICE_CMD_EST && strcmp(c.order.subject, rows[i].id) == 0));
    }
}

static void dev_cfg_and_what_cannot_be_read(void **state)
{
    (void)state;
    static const struct {
        unsigned class_id;
        const char *args;
        unsigned status;
    } rows[] = {
        {2, "{\"devCfgCmdArgs\":{\"deviceConfigURI\":\"1:http://mef.example.com\"}}", 202},
        {2, "{\"devCfgCmdArgs\":{\"deviceConfigURI\":\"4:http://mef.example.com/\"}}", 202},
        {2, "{\"devCfgCmdArgs\":{\"deviceConfigURI\":\"5:http://mef.example.com\"}}", 43},
        {2, "{\"devCfgCmdArgs\":{\"deviceConfigURI\":\"0:http://mef.example.com\"}}", 43},
        {2, "{\"devCfgCmdArgs\":{\"deviceConfigURI\":\"1:http://server.dmprovider.com\"}}", 43},
        {2, "{\"devCfgCmdArgs\":{\"deviceConfigURI\":\"http://mef.example.com\"}}", 42},
        {2, "{\"devCfgCmdArgs\":{}}", 42},
        {2, "{}", 42},
        {2, "[]", 42},
        {2, "null", 42},
        {2, "{\"certProvCmdArgs\":{}}", 42},
        {2, "{\"devCfgCmdArgs\":{\"deviceConfigURI\":\"1:http://mef.example.com\"},\"x\":{}}", 42},
        {2, "{\"devCfgCmdArgs\":{\"deviceConfigURI\":\"1:http://mef.example.com\",\"x\":1}}", 42},
        {1, "{\"certProvCmdArgs\":{\"certProvProtocolID\":\"1\"}}", 42},
        {3, "{\"MONodeCmdArgs\":{\"objectPath\":\"/a\"}}", 42},
        {3, "{\"MONodeCmdArgs\":{\"objectPath\":\"/a\",\"objectTypeID\":1,\"objectTypeSpecifcArgs\":7}}", 42},
        {0, "{\"noMoreCmdArgs\":{\"retryDuration\":\"soon\"}}", 42},
        {0, "{}", 42},
        {4, "{}", 41},
        {65535, "{\"x\":1}", 41},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct device_cmd c;
        assert_int_equal(judged(&node_self, NULL, rows[i].class_id, rows[i].args, &c), rows[i].status);
        assert_int_equal(c.state->done_status, rows[i].status);
    }
}

/* -- MO_NODE -------------------------------------------------------------------------------------------------- */
static json_t *tree_of(const char *text)
{
    json_t *v = NULL;
    char why[ROLE_DETAIL_MAX];
    assert_int_equal(json_parse(text_bytes(text_of(text)), &v), ERR_OK);
    assert_int_equal(device_mo_check(v, why), ERR_OK);
    return v;
}

static unsigned node(json_t *tree, const char *path, unsigned type, const char *more, struct device_cmd *c)
{
    char args[512];
    (void)snprintf(args, sizeof(args), "{\"MONodeCmdArgs\":{\"objectPath\":\"%s\",\"objectTypeID\":%u%s}}", path, type, more);
    return judged(&node_self, tree, 3, args, c);
}

static unsigned suid(json_t *tree, const char *path, unsigned n, struct device_cmd *c)
{
    char more[128];
    (void)snprintf(more, sizeof(more), ",\"objectTypeSpecifcArgs\":{\"authProfileMONodeArgs\":{\"SUID\":%u}}", n);
    return node(tree, path, 1, more, c);
}

/* Each SUID: consistent as it should be; and inconsistent once for each of its rules. */
static void each_profile(void **state)
{
    (void)state;
    static const int parents[] = {0, 1025, 1020, 1021};
    static const struct {
        const char *needed;
        const char *child;
        const char *suites;
    } kinds[] = {{NULL, NULL, NULL},
                 {"\"symmKeyID\":\"k@x\"", NULL, PSK},
                 {"\"keyRegDuration\":\"P1D\"", "{\"mgmtDefinition\":1026,\"fqdn\":\"a\",\"adminFQDN\":\"b\"}", PSK},
                 {"\"keyRegDuration\":\"P1D\"", "{\"mgmtDefinition\":1025,\"fqdn\":\"a\",\"adminFQDN\":\"b\"}", PSK},
                 {"\"myCertFingerprint\":\"00\"", "{\"mgmtDefinition\":1024,\"certFingerprint\":\"00\"}", CERT}};
    for (unsigned n = 11; n <= 43; n++) {
        unsigned kind = n / 10;
        unsigned unit = n % 10;
        bool valid = unit >= 1 && unit <= 3 && kind <= 4;
        bool suites = kind == 4 || unit != 3;
        for (unsigned fault = 0; fault < 5 && valid; fault++) { /* 1 parent, 2 attribute, 3 child, 4 suites */
            char text[1024], child[256] = "";
            int parent = parents[fault == 1 ? unit % 3 + 1 : unit];
            struct device_cmd c;
            if (kinds[kind].child != NULL && fault != 3) {
                (void)snprintf(child, sizeof(child), ",\"/p/n/c\":%s", kinds[kind].child);
            }
            (void)snprintf(text, sizeof(text), "{\"/p\":{\"mgmtDefinition\":%d%s},\"/p/n\":{\"mgmtDefinition\":1022,\"SUID\":%u,%s%s\"TLSCiphersuites\":%s}%s}",
                           parent, parent == 1025 ? ",\"fqdn\":\"a\",\"adminFQDN\":\"b\"" : "", n, fault == 2 ? "" : kinds[kind].needed,
                           fault == 2 ? "" : ",", fault == 4 ? "[\"TLS_NULL\"]" : kinds[kind].suites, child);
            SCOPED(json_scope) json_t *tree = tree_of(text);
            unsigned got = suid(tree, "/p/n", n, &c);
            bool harmless = fault == 0 || (fault == 3 && kinds[kind].child == NULL) || (fault == 4 && !suites);
            assert_int_equal(got, harmless ? 0 : 304);
            assert_true(got != 0 || (c.order.job == DEVICE_CMD_USE_KEY) == (kind == 2 || n == 31 || n == 33));
        }
    }
}

static void nodes(void **state)
{
    (void)state;
    struct device_cmd c;
    SCOPED(json_scope) json_t *tree = tree_of(
        "{\"/maf\":{\"mgmtDefinition\":1025,\"fqdn\":\"maf.example.com\",\"adminFQDN\":\"b\"},\"/maf/a\":{\"mgmtDefinition\":1024,\"certFingerprint\":\"00\"},"
        "\"/maf/p\":{\"mgmtDefinition\":1022,\"SUID\":99}}");
    assert_int_equal(node(tree, "/maf", 3, "", &c), 0);
    assert_int_equal(c.order.job, DEVICE_CMD_MAF_CLIENT);
    device_cmd_done(&c, 20);
    assert_int_equal(next(&c), DEVICE_CMD_REQUEST);
    assert_string_equal(c.request.body, "{\"m2m:mecc\":{\"cmid\":\"a\",\"cmsc\":20}}");
    assert_int_equal(node(tree, "/maf/a", 2, "", &c), 0);
    assert_int_equal(c.order.job, DEVICE_CMD_ANCHOR);
    assert_int_equal(node(NULL, "/maf", 3, "", &c), 300);
    assert_int_equal(node(tree, "/maf/", 3, "", &c), 300);
    assert_int_equal(node(tree, "maf", 3, "", &c), 300);
    assert_int_equal(node(tree, "/maf", 2, "", &c), 301);
    assert_int_equal(node(tree, "/maf", 0, "", &c), 301);
    assert_int_equal(node(tree, "/maf", 4, "", &c), 301);
    assert_int_equal(node(tree, "/maf/p", 1, "", &c), 302);
    assert_int_equal(node(tree, "/maf/p", 1, ",\"objectTypeSpecifcArgs\":{}", &c), 302);
    assert_int_equal(node(tree, "/maf/p", 1, ",\"objectTypeSpecifcArgs\":{\"authProfileMONodeArgs\":{\"SUID\":\"12\"}}", &c), 302);
    assert_int_equal(node(tree, "/maf", 3, ",\"objectTypeSpecifcArgs\":{\"authProfileMONodeArgs\":{\"SUID\":12}}", &c), 302);
    assert_int_equal(suid(tree, "/maf/p", 12, &c), 303);
    assert_int_equal(suid(tree, "/maf/p", 99, &c), 304);
}

/* -- the sequence ------------------------------------------------------------------------------------------------ */
static void repeated_and_reissued(void **state)
{
    (void)state;
    static const char dev[] = "{\"devCfgCmdArgs\":{\"deviceConfigURI\":\"1:http://mef.example.com\"}}";
    struct device_cmd_state s = {.registration = "mecr1"};
    struct device_cmd c;
    device_cmd_start(&c, &s, &node_self, NULL);
    assert_int_equal(answer(&c, "a", 2, dev, 10), ERR_OK);
    assert_int_equal(c.status, 202);
    assert_int_equal(answer(&c, "a", 2, dev, 11), ERR_OK); /* it did not count there: the same again */
    assert_int_equal(c.status, 202);
    assert_int_equal(answer(&c, "a", 2, dev, 10), ERR_OK); /* as a new one, with the id of the last Update: b */
    assert_int_equal(c.status, 40);
    assert_int_equal(s.done_status, 202);
    assert_int_equal(c.processed, 1);
    assert_int_equal(answer(&c, "b", 0, "{\"noMoreCmdArgs\":{\"retryDuration\":\"PT1H\"}}", 10), ERR_OK);
    assert_int_equal(next(&c), DEVICE_CMD_END); /* no Update on success */
    assert_true(s.retry_at == T0 + INT64_C(3600) * USEC_PER_SEC);
    device_cmd_start(&c, &s, &node_self, NULL);
    assert_int_equal(answer(&c, "c", 2, dev, 11), ERR_OK); /* reissued and not known: do it */
    assert_int_equal(c.status, 202);
    assert_true(s.retry_at == 0); /* the timer is cancelled */
}

static void answers_that_cannot_be_read(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "[]", "{}", "{\"m2m:mecc\":{}}", "{\"m2m:mecc\":{\"cmid\":\"a\",\"cmde\":{\"cmdClassID\":2,\"cmdArgs\":{}},\"cmsc\":20}}",
        "{\"m2m:mecc\":{\"cmid\":\"a b\",\"cmde\":{\"cmdClassID\":2,\"cmdArgs\":{}},\"cmsc\":10}}", "{\"m2m:mecc\":{\"cmid\":\"a\",\"cmde\":{\"cmdClassID\":-2},\"cmsc\":10}}",
        "{\"m2m:mecc\":{\"cmid\":\"a\",\"cmde\":7,\"cmsc\":10}}", "{\"m2m:mecc\":{\"cmid\":\"a\",\"cmde\":{\"cmdClassID\":2,\"targetID\":7},\"cmsc\":10}}"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct device_cmd_state s = {.registration = "mecr1"};
        struct device_cmd c;
        device_cmd_start(&c, &s, &node_self, NULL);
        assert_int_equal(device_cmd_answer(&c, T0, ERR_OK, text_bytes(text_of(rows[i]))), ERR_PEER_NONSENSE);
        s.registration[0] = '\0';
        device_cmd_start(&c, &s, &node_self, NULL);
        assert_int_equal(device_cmd_answer(&c, T0, ERR_OK, text_bytes(text_of(rows[i]))), ERR_PEER_NONSENSE);
        assert_int_equal(s.registration[0], '\0');
    }
}

/* -- with a MEF, and a net that loses: each command is done once, whatever gets lost ------------------------------------ */
struct link {
    struct world w;
    struct world_node *n;
    struct secret key;
    uint64_t dice;
};

static unsigned roll(struct link *l)
{
    l->dice = l->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(l->dice >> 40) % 5;
}

/* One run of the device until the end or until something is lost: 1 the request, 2 the answer, 3 power behind the deed. */
static void attempt(struct link *l, struct device_cmd_state *state, json_t *tree, unsigned *deeds)
{
    struct device_cmd c;
    struct world_session s;
    struct world_reply r;
    device_cmd_start(&c, state, &node_self, tree);
    assert_int_equal(world_connect(&l->w, l->n, "dev1@mef.example.com", &l->key, &s), ERR_OK);
    for (enum device_cmd_step step = next(&c); step != DEVICE_CMD_END; step = next(&c)) {
        unsigned lost = roll(l);
        if (step == DEVICE_CMD_EXECUTE) {
            ++*deeds;
            device_cmd_done(&c, 20); /* and is saved with it */
            if (lost == 3) {
                return;
            }
            continue;
        }
        if (lost == 1) {
            return;
        }
        struct world_request rq = {.op = c.request.op, .ty = c.request.ty, .path = c.request.path, .body = c.request.body[0] == '\0' ? NULL : c.request.body};
        err_t e = world_request(&s, &rq, &r);
        if (lost == 2) {
            return;
        }
        assert_int_equal(device_cmd_answer(&c, l->w.now, e, text_bytes(text_of(r.body))), ERR_OK);
    }
}

static void whatever_is_lost_each_is_done_once(void **state)
{
    (void)state;
    enum { COMMANDS = 12, ROUNDS = 40 };
    SCOPED(json_scope) json_t *tree = tree_of("{\"/maf\":{\"mgmtDefinition\":1025,\"fqdn\":\"maf.example.com\",\"adminFQDN\":\"b\"}}");
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct link *l = calloc(1, sizeof(*l));
        struct device_cmd_state s = {.retry_at = 0};
        struct world_reply r;
        unsigned deeds = 0;
        assert_non_null(l);
        l->dice = seed;
        world_init(&l->w, T0);
        l->n = world_add(&l->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
        world_secret(KEY, &l->key);
        assert_int_equal(world_ctl(&l->w, l->n, "credential", "add", "{\"kind\":\"kpm\",\"id\":\"dev1@mef.example.com\",\"enrolee-id\":\"//sp.example.com/Sdev1\",\"target\":\"maf.example.com\",\"key\":\"" KEY "\"}", &r), ERR_OK);
        for (unsigned i = 0; i < COMMANDS; i++) {
            l->w.now++;
            assert_int_equal(world_ctl(&l->w, l->n, "command", "add", "{\"CLIENT\":\"//sp.example.com/Sdev1\",\"class\":\"mo-node\",\"ARGS\":\"{\\\"objectPath\\\":\\\"/maf\\\",\\\"objectTypeID\\\":3}\"}", &r), ERR_OK);
        }
        for (unsigned i = 0; i < 2000 && s.retry_at == 0; i++) {
            l->w.now += USEC_PER_SEC / 2;
            attempt(l, &s, tree, &deeds);
        }
        assert_true(s.retry_at > 0);
        assert_int_equal(deeds, COMMANDS);
        assert_int_equal(world_audited(l->n, AUDIT_COMMAND_DONE), COMMANDS);
        assert_int_equal(world_ctl(&l->w, l->n, "command", "list", "{}", &r), ERR_OK);
        assert_null(strstr(r.body, "\"waiting\""));
        assert_null(strstr(r.body, "\"issued\":\"\""));
        assert_null(strstr(r.body, "\"status\":40"));
        world_free(&l->w);
        free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cert_prov), cmocka_unit_test(dev_cfg_and_what_cannot_be_read), cmocka_unit_test(each_profile),
        cmocka_unit_test(nodes), cmocka_unit_test(repeated_and_reissued), cmocka_unit_test(answers_that_cannot_be_read),
        cmocka_unit_test(whatever_is_lost_each_is_done_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
