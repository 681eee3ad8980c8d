#include "cli/device_commands.h"

#include "base/ct.h"
#include "role/detail.h"
#include "shell/clock.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS "commands.json"
#define OBJECTS "objects.json"
enum { FILE_MAX = 65536, PROGRESS_MAX = 1024 };

const struct cli_opt device_commands_opts[DEVICE_COMMANDS_OPTS_N] = {
    DEVICE_WORK_OPT_STATE,
    DEVICE_WORK_OPT_EXCHANGE,
    DEVICE_COMMANDS_OPTS_SELF,
    {"--if-due", CLI_OPT_FLAG, "do nothing before the time at which the MEF wants to be asked again"},
};

struct work {
    struct device_work *w;
    struct device_cmd_self self;
    struct device_cmd_state state;
    struct device_cmd cmd;
    json_t *tree;
};

static void work_wipe(struct work *x)
{
    json_decref(x->tree);
}

/* -- what lasts: DIR/commands.json ------------------------------------------------------------------------------- */
static err_t progress_load(struct work *x)
{
    char room[PROGRESS_MAX];
    struct writer w = WRITER_ARRAY(room);
    struct device_cmd_state *s = &x->state;
    SCOPED(json_scope) json_t *o = NULL;
    err_t e = device_dir_file_load(&x->w->dir, PROGRESS, &w);
    if (e == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    e = e == ERR_OK ? json_parse(writer_view(&w), &o) : e;
    json_int_t status = json_integer_value(json_object_get(o, "status"));
    struct text retry = json_get_text(o, "retry");
    bool good = e == ERR_OK && TEXT_COPY(json_get_text(o, "registration"), s->registration) == ERR_OK &&
                TEXT_COPY(json_get_text(o, "done"), s->done) == ERR_OK && TEXT_COPY(json_get_text(o, "sent"), s->sent) == ERR_OK &&
                status >= 0 && status <= UINT16_MAX && (retry.n == 0 || timestamp_parse(retry, &s->retry_at) == ERR_OK);
    s->done_status = good ? (unsigned)status : 0;
    return good ? ERR_OK : detail_fail(x->w->detail, ERR_MALFORMED_RECORD, PROGRESS, text_of(x->w->dir.path));
}

static err_t progress_save(struct work *x)
{
    char room[PROGRESS_MAX];
    struct writer w = WRITER_ARRAY(room);
    const struct device_cmd_state *s = &x->state;
    struct emit e = emit_to(&w);
    emit_object(&e, NULL);
    emit_z(&e, "registration", s->registration);
    emit_z(&e, "done", s->done);
    emit_number(&e, "status", s->done_status);
    emit_z(&e, "sent", s->sent);
    if (s->retry_at != 0) {
        emit_time(&e, "retry", s->retry_at);
    }
    emit_close_object(&e);
    TRY(writer_finish(&w));
    return device_dir_file_save(&x->w->dir, PROGRESS, writer_view(&w));
}

/* -- the management objects: DIR/objects.json ---------------------------------------------------------------------- */
static err_t tree_load(struct work *x)
{
    char *room = malloc(FILE_MAX);
    if (room == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(room, FILE_MAX);
    char why[ROLE_DETAIL_MAX] = "";
    err_t e = device_dir_file_load(&x->w->dir, OBJECTS, &w);
    bool none = e == ERR_NOT_FOUND;
    e = e == ERR_OK ? json_parse(writer_view(&w), &x->tree) : e;
    e = e == ERR_OK ? device_mo_check(x->tree, why) : e;
    ct_wipe(room, FILE_MAX); /* symmKeyValue */
    free(room);
    return none || e == ERR_OK ? ERR_OK : detail_fail(x->w->detail, e, OBJECTS, text_of(why));
}

static void client_of(struct work *x, const char *admin_fqdn)
{
    usec_t now = clock_now();
    const struct device_state *s = &x->w->state;
    x->self.mef_fqdn = s->mef.fqdn;
    x->self.admin_fqdn = admin_fqdn;
    x->self.until = s->lifetime < USEC_NEVER - now ? now + s->lifetime : USEC_NEVER;
}

/* -- who we are ------------------------------------------------------------------------------------------------------ */
static err_t self_of(struct work *x)
{
    static const char *const kinds[] = {
        [DEVICE_CMD_NODE] = "node", [DEVICE_CMD_CSE] = "cse", [DEVICE_CMD_AE] = "ae"};
    struct device_work *w = x->w;
    struct text sp = text_skip(text_of(w->state.cse_id.z), 2);
    const char *kind = cli_arg(w->a, "--entity");
    bool known = kind == NULL;
    for (size_t i = 0; i < ARRAY_LEN(kinds) && kind != NULL; i++) {
        if (strcmp(kind, kinds[i]) == 0) {
            x->self.kind = (enum device_cmd_kind)i;
            known = true;
        }
    }
    if (!known) {
        return detail_fail(w->detail, ERR_USAGE, "--entity is node, cse or ae", text_of(kind));
    }
    TRY(TEXT_COPY(text_take(sp, text_find(sp, '/')), w->admin_fqdn));
    TRY(device_work_take_fqdn(w, "--admin-fqdn", w->admin_fqdn, sizeof(w->admin_fqdn)));
    if (w->admin_fqdn[0] == '\0') {
        return detail_fail(w->detail, ERR_USAGE, "--admin-fqdn is missing: no registrar is known yet", text_empty());
    }
    client_of(x, w->admin_fqdn);
    return ERR_OK;
}

/* -- the loop ----------------------------------------------------------------------------------------------------------- */
/* The MEF's refusal is for the engine; what went wrong on the way, or here, ends the run. */
static err_t request(struct work *x)
{
    struct device_work *w = x->w;
    const struct device_cmd_request *r = &x->cmd.request;
    w->task = (struct device_task){.goal = DEVICE_MEF_REQUEST, .op = r->op, .ty = r->ty, .path = r->path,
                                   .body = r->body[0] == '\0' ? NULL : r->body};
    w->run.rsc = 0;
    err_t e = device_work_pursue(w);
    bool refused = e != ERR_OK && w->run.rsc >= 3000;
    if (e != ERR_OK && !refused) {
        return e;
    }
    e = device_cmd_answer(&x->cmd, clock_now(), e, bytes_of(w->run.body, w->run.body_n));
    return e == ERR_OK || x->cmd.detail[0] == '\0' ? e : detail_fail(w->detail, e, x->cmd.detail, text_empty());
}

static err_t converse(struct work *x)
{
    enum device_cmd_step step = DEVICE_CMD_END;
    device_cmd_start(&x->cmd, &x->state, &x->self, x->tree);
    for (;;) {
        TRY(device_cmd_next(&x->cmd, &step));
        if (step == DEVICE_CMD_END) {
            return ERR_OK;
        }
        if (step == DEVICE_CMD_REQUEST) {
            TRY(request(x));
        } else {
            device_cmd_done(&x->cmd, device_orders_run(x->w, &x->cmd.order));
        }
        TRY(progress_save(x)); /* before the Update that tells of it: what was done is not done twice */
    }
}

err_t device_commands_registered(struct device_work *w, const char *admin_fqdn, char out[static DEVICE_CMD_REGISTRATION_MAX])
{
    struct work x = {.w = w};
    enum device_cmd_step step = DEVICE_CMD_END;
    client_of(&x, admin_fqdn);
    TRY(progress_load(&x));
    device_cmd_start(&x.cmd, &x.state, &x.self, NULL);
    while (x.cmd.phase == DEVICE_CMD_P_REGISTER || x.cmd.phase == DEVICE_CMD_P_FIND) {
        TRY(device_cmd_next(&x.cmd, &step));
        TRY(request(&x));
        TRY(progress_save(&x));
    }
    memcpy(out, x.state.registration, sizeof(x.state.registration));
    return ERR_OK;
}

err_t device_commands_forget(struct device_work *w)
{
    struct work x = {.w = w};
    TRY(progress_load(&x));
    x.state.registration[0] = '\0';
    return progress_save(&x);
}

err_t device_commands_run(struct device_work *w, bool due, struct device_commands_said *out)
{
    SCOPED(work_wipe) struct work x = {.w = w};
    TRY(self_of(&x));
    TRY(progress_load(&x));
    TRY(tree_load(&x));
    if (!due || x.state.retry_at <= clock_now()) {
        TRY(converse(&x));
    }
    *out = (struct device_commands_said){x.cmd.processed, x.state};
    return ERR_OK;
}

void device_commands_print(const struct device_work *w, const struct device_commands_said *said)
{
    cli_out_number(w->a, "commands", said->processed);
    cli_out_number(w->a, "last_status", said->state.done_status);
    cli_out(w->a, "last_outcome", text_of(mefcmd_status_name(said->state.done_status)));
    cli_out(w->a, "registration", text_of(said->state.registration));
    device_work_out_time(w->a, "retry", said->state.retry_at);
}

err_t device_commands(struct device_work *w)
{
    struct device_commands_said said;
    TRY(device_work_open(w, false));
    TRY(device_commands_run(w, cli_arg(w->a, "--if-due") != NULL, &said));
    cli_out_begin(w->a);
    device_commands_print(w, &said);
    cli_out_end(w->a);
    return ERR_OK;
}
