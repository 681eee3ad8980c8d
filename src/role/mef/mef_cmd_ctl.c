/* Operator commands on MEF client commands: add, list, show, cancel. */
#include "role/mef/mef_cmd_ctl.h"

#include "base/hex.h"
#include "role/ctl_list.h"
#include "role/detail.h"
#include "role/mef/rec_cmd.h"
#include "role/reg/reg_own.h"
#include "role/reg/reg_who.h"
#include "wire/json.h"

#include <string.h>

enum { ID_RANDOM = 4 };

/* A command may wait for a client that is yet to register; a mistyped name would wait for ever. */
#define UNREGISTERED "no client of this name is registered here: the command waits until one is; see registration list"

const struct ctl_arg mef_cmd_ctl_add_args[MEF_CMD_CTL_ADD_N] = {
    {"CLIENT", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "who is to do it: the client as registration list names it, or a registration"},
    {"ARGS", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL,
     "what stands inside certProvCmdArgs, devCfgCmdArgs or MONodeCmdArgs, as a JSON object"},
    {"--class", CTL_ARG_REQUIRED, "cert-prov, dev-cfg or mo-node"},
    {"--target-id", 0, "targetID: the entity on the client's node that it is for"},
};
const struct ctl_arg mef_cmd_ctl_list_args[MEF_CMD_CTL_LIST_N] = {
    {"--client", 0, "only those of this client"},
    CTL_LIST_AFTER,
};
const struct ctl_arg mef_cmd_ctl_one_args[MEF_CMD_CTL_ONE_N] = {
    {"CLIENT", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "the client that it was added for"},
    {"CMDID", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "cmdID"},
};

static err_t tell(struct txn *t, enum audit_kind kind, const struct rec_cmd *c, usec_t now)
{
    struct audit_event e = {.kind = kind, .time = now, .outcome = ERR_OK, .peer = "operator"};
    TRY(TEXT_COPY(text_of(c->id), e.object));
    return txn_audit(t, &e);
}

/* -- what an operator sees ------------------------------------------------------------------------------------ */
static void members(struct emit *e, const struct rec_cmd *c, const char *warning)
{
    unsigned status = rec_cmd_status(c);
    emit_object(e, NULL);
    emit_z(e, "id", c->id);
    emit_z(e, "client", c->client);
    emit_z(e, "class", mefcmd_class_name(c->class_id));
    emit_name(e, "args");
    writer_text(e->w, c->args);
    emit_z_if(e, "target-id", c->target);
    emit_z(e, "state", rec_cmd_state_name(c));
    if (status != 0) {
        emit_number(e, "status", status);
        emit_z(e, "outcome", mefcmd_status_name(status));
    }
    emit_time(e, "added", c->added);
    if (c->issued != 0) {
        emit_time(e, "issued", c->issued);
    }
    if (c->ended != 0) {
        emit_time(e, "ended", c->ended);
    }
    emit_z_if(e, "warning", warning);
    emit_close_object(e);
}

static err_t shown(const struct rec_cmd *c, const char *warning, struct writer *out)
{
    struct emit e = emit_to(out);
    members(&e, c, warning);
    return writer_finish(out);
}

static err_t item(struct emit *e, const struct ctl_list_record *r)
{
    struct rec_cmd c;
    TRY(rec_cmd_parse(r->data, &c));
    members(e, &c, "");
    return ERR_OK;
}

err_t mef_cmd_ctl_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                       char detail[static ROLE_DETAIL_MAX])
{
    char prefix[REC_CMD_KEY_MAX] = "";
    struct writer w = WRITER_ARRAY(prefix);
    struct text client = json_get_text(rq->args, "client");
    char name[REC_CLIENT_NAME_MAX];
    (void)ctx;
    err_t e = reg_who_name(client, name);
    writer_z(&w, name);
    writer_z(&w, client.n > 0 ? "/" : "");
    if (e != ERR_OK || writer_finish(&w) != ERR_OK) {
        return detail_fail(detail, ERR_USAGE, "--client", client);
    }
    const struct ctl_list_of commands = {.name = "commands", .table = TABLE_MEF_COMMAND, .item = item, .prefix = writer_view_text(&w),
                                         .scan = client.n > 0 ? rec_scan_own : txn_scan};
    return ctl_list(rq, t, &commands, out);
}

/* -- one of them --------------------------------------------------------------------------------------------------- */
static err_t named(const struct ctl_request *rq, struct txn *t, struct rec_cmd *c, char detail[static ROLE_DETAIL_MAX])
{
    char client[REC_CLIENT_NAME_MAX];
    struct text id = json_get_text(rq->args, "CMDID");
    err_t e = reg_who_name(json_get_text(rq->args, "CLIENT"), client) == ERR_OK ? rec_cmd_get(t, client, id, c) : ERR_NOT_FOUND;
    return e == ERR_OK ? e : detail_fail(detail, e, "command", id);
}

err_t mef_cmd_ctl_show(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                       char detail[static ROLE_DETAIL_MAX])
{
    struct rec_cmd c;
    (void)ctx;
    TRY(named(rq, t, &c, detail));
    return shown(&c, "", out);
}

/* One that is issued may have been done already: its Update is then ignored, as that of any other cmdID. */
err_t mef_cmd_ctl_cancel(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                         char detail[static ROLE_DETAIL_MAX])
{
    struct rec_cmd c;
    (void)ctx;
    TRY(named(rq, t, &c, detail));
    if (c.state != REC_CMD_WAITING && c.state != REC_CMD_ISSUED) {
        return detail_fail(detail, ERR_STATE, "the command is over", text_of(rec_cmd_state_name(&c)));
    }
    c.state = REC_CMD_CANCELLED;
    c.ended = rq->now;
    TRY(rec_cmd_put(t, &c, STORE_PUT_ANY));
    TRY(tell(t, AUDIT_COMMAND_CANCELLED, &c, rq->now));
    return shown(&c, "", out);
}

/* -- add -------------------------------------------------------------------------------------------------------------- */
/* What the client would have to refuse is not issued (9.10.9 to 9.10.11). */
static err_t check(const struct mef *m, unsigned class_id, const struct mefcmd_args *a, char detail[static ROLE_DETAIL_MAX])
{
    bool with_uri = class_id == MEFCMD_CERT_PROV || class_id == MEFCMD_DEV_CFG;
    if (with_uri && !text_eq_nocase(mefcmd_uri_host(a->uri), text_of(m->reg.fqdn))) {
        return detail_fail(detail, ERR_USAGE, "the client accepts only a URI with this MEF's host name", a->uri);
    }
    if (class_id == MEFCMD_CERT_PROV && (a->protocol != 1 || a->subject_type < 1 || a->subject_type > 3)) {
        return detail_fail(detail, ERR_USAGE, "certProvProtocolID is 1 (EST), certSubjectType 1, 2 or 3", text_empty());
    }
    if (class_id == MEFCMD_MO_NODE && (a->object_type < 1 || a->object_type > 3 || a->specific == MEFCMD_SPECIFIC_BAD)) {
        return detail_fail(detail, ERR_USAGE, "objectTypeID is 1, 2 or 3; of 1 with authProfileMONodeArgs", text_empty());
    }
    return ERR_OK;
}

static err_t args_of(const struct mef *m, const struct ctl_request *rq, struct rec_cmd *c, struct writer *compact,
                     char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(json_scope) json_t *v = NULL;
    struct mefcmd_args a;
    const char *wrong = "";
    unsigned class_id = 0;
    struct text called = json_get_text(rq->args, "class");
    if (mefcmd_class_parse(called, &class_id) != ERR_OK || class_id == MEFCMD_NO_MORE) {
        return detail_fail(detail, ERR_USAGE, "--class is cert-prov, dev-cfg or mo-node", called);
    }
    err_t e = json_parse(text_bytes(json_get_text(rq->args, "ARGS")), &v);
    if (e != ERR_OK) {
        return detail_fail(detail, e, "ARGS", text_empty());
    }
    if (mefcmd_args_parse(class_id, v, &a, &wrong) != ERR_OK) {
        return detail_fail(detail, ERR_USAGE, "ARGS of this class: missing, not of its type, or unknown", text_of(wrong));
    }
    TRY(check(m, class_id, &a, detail));
    e = json_write(v, compact);
    c->class_id = (uint8_t)class_id;
    c->args = writer_view_text(compact);
    return e == ERR_OK ? e : detail_fail(detail, e, "ARGS are too long", text_empty());
}

/* As registration list names it; a registration stands for its client. */
static err_t client_of(const struct mef *m, struct txn *t, struct text given, char out[static REC_CLIENT_NAME_MAX])
{
    struct rec_client c;
    err_t e = given.n < REC_CLIENT_RI_MAX ? rec_client_get(t, m->reg.kind->client, given, &c) : ERR_NOT_FOUND;
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    return reg_who_name(e == ERR_OK ? text_of(c.client) : given, out);
}

static err_t new_id(const struct mef *m, usec_t now, char out[static MEFCMD_ID_MAX])
{
    uint8_t octets[8 + ID_RANDOM];
    struct writer o = WRITER_ARRAY(octets);
    writer_u64(&o, (uint64_t)now);
    uint8_t *random = writer_reserve(&o, ID_RANDOM);
    TRY(random == NULL ? ERR_BUG : m->reg.env.crypto->random(random, ID_RANDOM));
    struct writer w = writer_of(out, MEFCMD_ID_MAX);
    hex_write_lower(&w, BYTES_ARRAY(octets));
    return writer_finish_z(&w);
}

static err_t make_room(struct txn *t, const char *client, char detail[static ROLE_DETAIL_MAX])
{
    struct rec_cmd_list l;
    struct rec_cmd old;
    TRY(rec_cmd_list(t, client, &l));
    for (size_t i = 0; i < l.n && l.n == REC_CMD_KEPT; i++) {
        if (l.at[i].state == REC_CMD_DONE || l.at[i].state == REC_CMD_CANCELLED) {
            TRY(rec_cmd_get(t, client, text_of(l.at[i].id), &old));
            return rec_cmd_del(t, &old);
        }
    }
    return l.n < REC_CMD_KEPT ? ERR_OK
                              : detail_fail(detail, ERR_LIMIT_CAPACITY, "commands waiting for", text_of(client));
}

err_t mef_cmd_ctl_add(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                      char detail[static ROLE_DETAIL_MAX])
{
    const struct mef *m = ctx;
    struct rec_cmd c = {.state = REC_CMD_WAITING, .added = rq->now};
    struct reg_own own;
    char compact[REC_CMD_ARGS_MAX];
    struct writer w = WRITER_ARRAY(compact);
    struct text client = json_get_text(rq->args, "CLIENT");
    TRY(args_of(m, rq, &c, &w, detail));
    if (client.n == 0 || client_of(m, t, client, c.client) != ERR_OK) {
        return detail_fail(detail, ERR_USAGE, "CLIENT", client);
    }
    if (TEXT_COPY(json_get_text(rq->args, "target-id"), c.target) != ERR_OK) {
        return detail_fail(detail, ERR_USAGE, "--target-id is too long", text_empty());
    }
    TRY(make_room(t, c.client, detail));
    TRY(reg_own_list(&m->reg, t, c.client, &own));
    TRY(new_id(m, rq->now, c.id));
    TRY(rec_cmd_put(t, &c, STORE_PUT_IF_ABSENT));
    TRY(tell(t, AUDIT_COMMAND_ADDED, &c, rq->now));
    return shown(&c, own.n == 0 ? UNREGISTERED : "", out);
}
