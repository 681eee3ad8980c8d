/*
 * MEF client commands, both ends, in steps of a line each: what the operator gives, what a client sends, what a MEF answers.
 * Never two commands issued at once, every answer of the MEF is one that the device reads, no step ends in an internal error.
 *   a CLASS ARGS   r   u BODY   s CODE   c   d ANSWER   t TREE
 */
#include "fuzz.h"
#include "role/device/device_cmd.h"
#include "role/mef/mef.h"
#include "wire/json.h"
#include "world.h"

#include <string.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define LINES 40

struct fixture {
    struct world w;
    struct world_node *n;
    struct world_session s;
    struct world_reply r;
    char cmd[80], id[MEFCMD_ID_MAX];
    struct device_cmd_state state;
    struct device_cmd device;
    json_t *tree;
};

static const struct device_cmd_self self = {"mef.example.com", "sp.example.com", DEVICE_CMD_NODE, T0};

static void ctl(struct fixture *f, const char *verb, json_t *args)
{
    char *text = args == NULL ? NULL : json_dumps(args, 0);
    if (text == NULL || strstr(text, "\\u0000") != NULL) { /* no UTF-8, or a NUL: the control socket refuses it */
        free(text);
        json_decref(args);
        return;
    }
    err_t e = world_ctl(&f->w, f->n, "command", verb, text, &f->r);
    MUST_HOLD(e != ERR_BUG && e != ERR_MALFORMED_RECORD);
    free(text);
    json_decref(args);
}

static void ask(struct fixture *f, enum op op, const char *body)
{
    SCOPED(json_scope) json_t *o = NULL;
    struct mefcmd m;
    struct world_request rq = {.op = op, .path = f->cmd, .body = body};
    err_t e = world_request(&f->s, &rq, &f->r);
    MUST_HOLD(f->r.rsc != 5000 && f->r.rsc != 0);
    if (e == ERR_OK) {
        MUST_HOLD(json_parse(text_bytes(text_of(f->r.body)), &o) == ERR_OK && mefcmd_parse(o, &m) == ERR_OK);
        MUST_HOLD(TEXT_COPY(m.id, f->id) == ERR_OK);
    }
}

static void one_is_issued(struct fixture *f)
{
    size_t n = 0;
    ctl(f, "list", json_object());
    for (const char *p = f->r.body; (p = strstr(p, "\"state\":\"issued\"")) != NULL; p++) {
        n++;
    }
    MUST_HOLD(n <= 1);
}

static void add(struct fixture *f, struct text rest)
{
    struct text class = text_take(rest, text_find(rest, ' '));
    struct text args = text_skip(rest, class.n + 1);
    ctl(f, "add", json_pack("{s:s,s:s#,s:s#}", "CLIENT", "//sp.example.com/Sdev1", "class", class.p, (int)class.n, "ARGS", args.p, (int)args.n));
    f->w.now++;
}

static void device(struct fixture *f, struct text body)
{
    enum device_cmd_step step = DEVICE_CMD_END;
    MUST_HOLD(device_cmd_next(&f->device, &step) == ERR_OK);
    if (step == DEVICE_CMD_END) {
        device_cmd_start(&f->device, &f->state, &self, f->tree);
    } else if (step == DEVICE_CMD_EXECUTE) {
        MUST_HOLD(f->device.order.job != DEVICE_CMD_NOTHING);
        device_cmd_done(&f->device, f->device.order.failure);
    } else {
        (void)!device_cmd_answer(&f->device, T0, body.n == 0 ? ERR_NOT_FOUND : ERR_OK, text_bytes(body));
    }
    unsigned s = f->state.done_status;
    MUST_HOLD(s == 0 || mefcmd_status_name(s) != NULL);
}

static void tree(struct fixture *f, struct text text)
{
    char why[ROLE_DETAIL_MAX] = "";
    json_t *v = NULL;
    if (json_parse(text_bytes(text), &v) == ERR_OK && device_mo_check(v, why) == ERR_OK) {
        json_decref(f->tree);
        f->tree = v;
        device_cmd_start(&f->device, &f->state, &self, f->tree);
    } else {
        json_decref(v);
    }
}

static void step(struct fixture *f, struct text line)
{
    char body[4096];
    struct text rest = text_skip(line, 2);
    switch (line.n == 0 ? 0 : line.p[0]) {
    case 'a':
        add(f, rest);
        break;
    case 'r':
        ask(f, OP_RETRIEVE, NULL);
        break;
    case 'u':
        if (TEXT_COPY(rest, body) == ERR_OK) {
            ask(f, OP_UPDATE, body);
        }
        break;
    case 's':
        (void)snprintf(body, sizeof(body), "{\"m2m:mecc\":{\"cmid\":\"%s\",\"cmsc\":%.*s}}", f->id, (int)(rest.n < 9 ? rest.n : 9), rest.p);
        ask(f, OP_UPDATE, body);
        break;
    case 'c':
        ctl(f, "cancel", json_pack("{s:s,s:s}", "CLIENT", "//sp.example.com/Sdev1", "CMDID", f->id));
        break;
    case 'd':
        device(f, rest);
        break;
    case 't':
        tree(f, rest);
        break;
    default:
        break;
    }
    one_is_issued(f);
}

static void start(struct fixture *f)
{
    SCOPED(secret_wipe) struct secret key = {0};
    SCOPED(json_scope) json_t *o = NULL;
    world_init(&f->w, T0);
    f->n = world_add(&f->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
    world_secret("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf", &key);
    MUST_HOLD(world_ctl(&f->w, f->n, "credential", "add",
                        "{\"kind\":\"kpm\",\"id\":\"dev1@mef.example.com\",\"enrolee-id\":\"//sp.example.com/Sdev1\",\"target\":\"maf.example.com\",\"key\":\"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf\"}",
                        &f->r) == ERR_OK);
    MUST_HOLD(world_connect(&f->w, f->n, "dev1@mef.example.com", &key, &f->s) == ERR_OK);
    struct world_request rq = {.op = OP_CREATE, .ty = 60005, .path = "/-", .body = "{\"m2m:mecr\":{\"et\":\"20240101T000000\",\"adfq\":\"sp.example.com\"}}"};
    MUST_HOLD(world_request(&f->s, &rq, &f->r) == ERR_OK);
    MUST_HOLD(json_parse(text_bytes(text_of(f->r.body)), &o) == ERR_OK);
    (void)snprintf(f->cmd, sizeof(f->cmd), "/%s/cmd", json_string_value(json_object_get(json_object_get(o, "m2m:mecr"), "ri")));
    device_cmd_start(&f->device, &f->state, &self, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct text rest = text_span((const char *)data, size);
    struct text line;
    MUST_HOLD(f != NULL);
    start(f);
    for (size_t i = 0; i < LINES && text_next(&rest, '\n', &line); i++) {
        step(f, line);
    }
    world_free(&f->w);
    json_decref(f->tree);
    free(f);
    return 0;
}
