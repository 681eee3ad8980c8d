#include "role/device/device_cmd.h"

#include "role/detail.h"
#include "wire/body.h"
#include "wire/json.h"
#include "wire/reg_attr.h"

#include <string.h>

#define SUFFIX "/cmd"

void device_cmd_start(struct device_cmd *c, struct device_cmd_state *state, const struct device_cmd_self *self,
                      const json_t *tree)
{
    *c = (struct device_cmd){.state = state, .self = self, .tree = tree};
    c->phase = state->registration[0] == '\0' ? DEVICE_CMD_P_REGISTER : DEVICE_CMD_P_RETRIEVE;
}

/* -- what each class asks for: d of 9.10.4 ---------------------------------------------------------------------- */
static bool is_mef(const struct device_cmd *c, struct text uri)
{
    return text_eq_nocase(mefcmd_uri_host(uri), text_of(c->self->mef_fqdn));
}

/* DEFECT-15, DEFECT-16: the sensible reading. */
static bool subject_fits(const struct device_cmd *c, const struct mefcmd_args *a)
{
    enum m2mid_kind kind = m2mid_kind(a->subject);
    bool node = a->subject_type == 1 && c->self->kind == DEVICE_CMD_NODE && kind == M2MID_FQDN;
    bool cse = a->subject_type == 2 && c->self->kind != DEVICE_CMD_AE && m2mid_is_cse(kind);
    bool ae = a->subject_type == 3 && c->self->kind != DEVICE_CMD_CSE && m2mid_is_ae(kind);
    return node || cse || ae;
}

static unsigned cert_prov(struct device_cmd *c, const struct mefcmd_args *a)
{
    if (a->protocol != 1 || !is_mef(c, a->uri) || !subject_fits(c, a) ||
        TEXT_COPY(a->subject, c->order.subject) != ERR_OK) {
        return MEFCMD_STATUS_UNACCEPTABLE; /* SCEP: CHOICE-50 */
    }
    c->order.job = DEVICE_CMD_EST;
    c->order.failure = MEFCMD_STATUS_CERT_CLIENT;
    return 0;
}

/* The protocols of device management are outside: acceptable arguments end in the client's error, truthfully. */
static unsigned dev_cfg(struct device_cmd *c, const struct mefcmd_args *a)
{
    bool good = a->protocol >= 1 && a->protocol <= 4 && is_mef(c, a->uri);
    return good ? MEFCMD_STATUS_CFG_CLIENT : MEFCMD_STATUS_UNACCEPTABLE;
}

static unsigned mo_node(struct device_cmd *c, const struct mefcmd_args *a)
{
    return device_mo_judge(c->tree, a, &c->order);
}

static unsigned (*const judges[MEFCMD_CLASSES])(struct device_cmd *c, const struct mefcmd_args *a) = {
    [MEFCMD_CERT_PROV] = cert_prov,
    [MEFCMD_DEV_CFG] = dev_cfg,
    [MEFCMD_MO_NODE] = mo_node,
};

/* -- an answer with a command: 9.10.4 ----------------------------------------------------------------------------- */
/* Its result is known: it goes into the state, and then to the MEF. */
static void conclude(struct device_cmd *c, unsigned status)
{
    c->status = status;
    c->phase = DEVICE_CMD_P_UPDATE;
    memcpy(c->state->done, c->id, sizeof(c->state->done));
    c->state->done_status = status;
    c->processed++;
}

void device_cmd_done(struct device_cmd *c, unsigned status)
{
    conclude(c, status);
}

static void no_more(struct device_cmd *c, usec_t now, const struct mefcmd_args *a)
{
    c->state->retry_at = a->retry < USEC_NEVER - now ? now + a->retry : USEC_NEVER;
    c->phase = DEVICE_CMD_P_END; /* no Update is sent on success [9.10.8] */
}

static void process(struct device_cmd *c, usec_t now, const struct mefcmd *m)
{
    struct mefcmd_args a;
    const char *wrong = "";
    c->order = (struct device_cmd_order){.job = DEVICE_CMD_NOTHING};
    c->class_id = m->class_id;
    if (strcmp(c->state->done, c->id) == 0 && m->status == MEFCMD_STATUS_REISSUED) { /* done: its status once more */
        c->status = c->state->done_status;
        c->phase = DEVICE_CMD_P_UPDATE;
        return;
    }
    if (strcmp(c->state->sent, c->id) == 0) { /* b */
        c->status = MEFCMD_STATUS_REPEATED;
        c->phase = DEVICE_CMD_P_UPDATE;
        return;
    }
    if (m->class_id >= MEFCMD_CLASSES) { /* c */
        conclude(c, MEFCMD_STATUS_CLASS);
        return;
    }
    if (mefcmd_args_parse(m->class_id, mefcmd_args_of(m->class_id, m->args), &a, &wrong) != ERR_OK) {
        conclude(c, MEFCMD_STATUS_BAD_ARGS);
        return;
    }
    if (m->class_id == MEFCMD_NO_MORE) {
        no_more(c, now, &a);
        return;
    }
    unsigned status = judges[m->class_id](c, &a);
    if (status == 0 && c->order.job != DEVICE_CMD_NOTHING) {
        c->phase = DEVICE_CMD_P_EXECUTE;
    } else {
        conclude(c, status != 0 ? status : c->order.failure);
    }
}

static err_t command(struct device_cmd *c, usec_t now, const json_t *body)
{
    struct mefcmd m;
    if (mefcmd_parse(body, &m) != ERR_OK || TEXT_COPY(m.id, c->id) != ERR_OK) {
        return detail_fail(c->detail, ERR_PEER_NONSENSE, "the MEF's answer is no command", text_empty());
    }
    c->state->retry_at = 0; /* a successful command procedure cancels the timer */
    process(c, now, &m);
    return ERR_OK;
}

/* -- registration ---------------------------------------------------------------------------------------------------- */
static err_t registered(struct device_cmd *c, struct text ri)
{
    if (!m2mid_is_unreserved(ri) || TEXT_COPY(ri, c->state->registration) != ERR_OK) {
        return detail_fail(c->detail, ERR_PEER_NONSENSE, "ri", text_empty());
    }
    c->phase = DEVICE_CMD_P_RETRIEVE;
    return ERR_OK;
}

/* Of the base's children the one with our adminFQDN: a registration whose answer was lost. */
static err_t found(struct device_cmd *c, const json_t *body)
{
    const json_t *list = json_object_get(json_object_get(body, reg_attr_root(REG_ATTR_TY_MEF_BASE)), reg_attr_name(REG_ATTR_CH));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (text_eq_nocase(json_get_text(one, "nm"), text_of(c->self->admin_fqdn))) {
            return registered(c, json_get_text(one, "val"));
        }
    }
    return detail_fail(c->detail, ERR_PEER_NONSENSE, "the MEF names no registration of this client", text_empty());
}

/* -- the way ---------------------------------------------------------------------------------------------------------- */
static err_t refused(struct device_cmd *c, err_t outcome)
{
    if (c->phase == DEVICE_CMD_P_REGISTER && outcome == ERR_REGISTERED) {
        c->phase = DEVICE_CMD_P_FIND;
        return ERR_OK;
    }
    if ((c->phase == DEVICE_CMD_P_RETRIEVE || c->phase == DEVICE_CMD_P_UPDATE) && outcome == ERR_NOT_FOUND) {
        c->state->registration[0] = '\0'; /* expired, or ended by the operator: register anew */
        c->phase = DEVICE_CMD_P_REGISTER;
        return ERR_OK;
    }
    return outcome;
}

err_t device_cmd_answer(struct device_cmd *c, usec_t now, err_t outcome, struct bytes answer)
{
    SCOPED(json_scope) json_t *body = NULL;
    if (outcome != ERR_OK) {
        return refused(c, outcome);
    }
    if (json_parse(answer, &body) != ERR_OK) {
        return detail_fail(c->detail, ERR_PEER_NONSENSE, "the MEF's answer is not JSON", text_empty());
    }
    if (c->phase == DEVICE_CMD_P_REGISTER) {
        return registered(c, json_get_text(json_object_get(body, reg_attr_root(REG_ATTR_TY_MEF_CLIENT)), reg_attr_name(REG_ATTR_RI)));
    }
    if (c->phase == DEVICE_CMD_P_FIND) {
        return found(c, body);
    }
    if (c->phase == DEVICE_CMD_P_UPDATE) {
        memcpy(c->state->sent, c->id, sizeof(c->state->sent));
    }
    return command(c, now, body);
}

static err_t update_body(struct device_cmd *c, struct writer *w)
{
    struct emit e = emit_to(w);
    emit_object(&e, NULL);
    emit_object(&e, reg_attr_root(REG_ATTR_TY_MEF_COMMAND));
    emit_z(&e, reg_attr_name(REG_ATTR_CMID), c->id);
    emit_number(&e, reg_attr_name(REG_ATTR_CMSC), c->status);
    emit_close_object(&e);
    emit_close_object(&e);
    return writer_finish_z(w);
}

static err_t register_body(struct device_cmd *c, struct writer *w)
{
    struct emit e = emit_to(w);
    emit_object(&e, NULL);
    emit_object(&e, reg_attr_root(REG_ATTR_TY_MEF_CLIENT));
    emit_time(&e, reg_attr_name(REG_ATTR_ET), c->self->until);
    emit_z(&e, reg_attr_name(REG_ATTR_ADFQ), c->self->admin_fqdn);
    emit_close_object(&e);
    emit_close_object(&e);
    return writer_finish_z(w);
}

err_t device_cmd_next(struct device_cmd *c, enum device_cmd_step *out)
{
    static const struct {
        enum device_cmd_step step;
        enum op op;
        uint32_t ty;
        bool base;
        err_t (*body)(struct device_cmd *c, struct writer *w);
    } rows[] = {
        [DEVICE_CMD_P_REGISTER] = {DEVICE_CMD_REQUEST, OP_CREATE, REG_ATTR_TY_MEF_CLIENT, true, register_body},
        [DEVICE_CMD_P_FIND] = {DEVICE_CMD_REQUEST, OP_RETRIEVE, 0, true, NULL},
        [DEVICE_CMD_P_RETRIEVE] = {DEVICE_CMD_REQUEST, OP_RETRIEVE, 0, false, NULL},
        [DEVICE_CMD_P_EXECUTE] = {DEVICE_CMD_EXECUTE, OP_NONE, 0, false, NULL},
        [DEVICE_CMD_P_UPDATE] = {DEVICE_CMD_REQUEST, OP_UPDATE, 0, false, update_body},
        [DEVICE_CMD_P_END] = {DEVICE_CMD_END, OP_NONE, 0, false, NULL},
    };
    struct device_cmd_request *r = &c->request;
    struct writer path = WRITER_ARRAY(r->path);
    struct writer body = WRITER_ARRAY(r->body);
    *out = rows[c->phase].step;
    r->op = rows[c->phase].op;
    r->ty = rows[c->phase].ty;
    r->body[0] = '\0';
    writer_z(&path, "/");
    writer_z(&path, rows[c->phase].base ? "-" : c->state->registration);
    writer_z(&path, rows[c->phase].base ? "" : SUFFIX);
    TRY(writer_finish_z(&path));
    return rows[c->phase].body == NULL ? ERR_OK : rows[c->phase].body(c, &body);
}
