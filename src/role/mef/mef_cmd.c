/*
 * MEF client commands [TS-0003 8.3.9]: Command Retrieve and Command Update under a client's registration. One command is
 * issued at a time; it stays issued until its Update comes, so one whose answer or Update was lost is issued again (11).
 */
#include "role/detail.h"
#include "role/mef/mef_ctx.h"
#include "role/mef/rec_cmd.h"
#include "role/reg/reg_own.h"
#include "role/reg/reg_who.h"

#include <string.h>

struct call {
    const struct mef *m;
    const struct request *rq;
    struct txn *t;
    struct response *rs;
    struct rec_client client;
};

/* Who asks, and the registration that the first segment names, which must be its own and live (9.10.3). */
static err_t open_call(struct call *c)
{
    struct reg_who who;
    struct text ri = text_skip(c->rq->prim->path, 1);
    ri = text_take(ri, text_find(ri, '/'));
    TRY(reg_who_of(&c->m->reg, c->rq, c->t, &who, c->rs->detail));
    err_t e = reg_own_get(&c->m->reg, c->t, &who, ri, c->rq->now, &c->client);
    return e == ERR_OK ? e : detail_fail(c->rs->detail, e, "client registration", ri);
}

/* -- answers -------------------------------------------------------------------------------------------------- */
static err_t answer(const struct call *c, const struct mefcmd_out *what)
{
    struct emit e = emit_to(&c->rs->body);
    emit_object(&e, NULL);
    emit_object(&e, reg_attr_root(REG_ATTR_TY_MEF_COMMAND));
    mefcmd_write(&e, what);
    emit_close_object(&e);
    emit_close_object(&e);
    return ERR_OK;
}

/* 9.10.8. Its identifier is fresh, for a client refuses one that it has seen; nothing is kept of it. */
static err_t answer_none(const struct call *c)
{
    char id[MEFCMD_ID_MAX], args[64];
    struct writer i = WRITER_ARRAY(id);
    struct writer a = WRITER_ARRAY(args);
    writer_z(&i, "none-");
    writer_decimal(&i, (uint64_t)c->rq->now);
    writer_z(&a, "{\"retryDuration\":\"PT");
    writer_decimal(&a, (uint64_t)(c->m->command_retry / USEC_PER_SEC));
    writer_z(&a, "S\"}");
    TRY(writer_finish(&i));
    TRY(writer_finish(&a));
    const struct mefcmd_out none = {.id = writer_view_text(&i), .args = writer_view_text(&a), .status = MEFCMD_STATUS_ISSUED};
    return answer(c, &none);
}

/* The command that is due, from now on issued. */
static err_t issue(const struct call *c, const struct rec_cmd_list *l)
{
    const struct rec_cmd_brief *due = rec_cmd_current(l);
    struct rec_cmd cmd;
    if (due == NULL) {
        return answer_none(c);
    }
    TRY(rec_cmd_get(c->t, c->client.client, text_of(due->id), &cmd));
    bool again = cmd.state == REC_CMD_ISSUED;
    if (!again) {
        cmd.state = REC_CMD_ISSUED;
        cmd.issued = c->rq->now;
        TRY(rec_cmd_put(c->t, &cmd, STORE_PUT_ANY));
        TRY(reg_tell(c->t, AUDIT_COMMAND_ISSUED, c->rq, cmd.id));
    }
    const struct mefcmd_out what = {.id = text_of(cmd.id),
                                    .class_id = cmd.class_id,
                                    .args = cmd.args,
                                    .target = text_of(cmd.target),
                                    .status = again ? MEFCMD_STATUS_REISSUED : MEFCMD_STATUS_ISSUED};
    return answer(c, &what);
}

err_t mef_cmd_retrieve(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct call c = {.m = ctx, .rq = rq, .t = t, .rs = rs};
    struct rec_cmd_list l;
    TRY(open_call(&c));
    TRY(rec_cmd_list(t, c.client.client, &l));
    rs->rsc = 2000;
    return issue(&c, &l);
}

/* -- update ----------------------------------------------------------------------------------------------------- */
struct report {
    struct text id;
    unsigned status;
};

/* {"m2m:mecc":{"cmid":...,"cmsc":...}}; anything else is BAD_REQUEST, and nothing follows (9.10.5). */
static err_t parse(const struct call *c, struct report *out)
{
    const char *root = reg_attr_root(REG_ATTR_TY_MEF_COMMAND);
    const json_t *o = json_object_get(c->rq->prim->pc, root);
    const json_t *id = json_object_get(o, reg_attr_name(REG_ATTR_CMID));
    const json_t *status = json_object_get(o, reg_attr_name(REG_ATTR_CMSC));
    *out = (struct report){.id = text_span(json_string_value(id), json_string_length(id))};
    if (json_object_size(c->rq->prim->pc) != 1 || json_object_size(o) != 2 || id == NULL || status == NULL) {
        return detail_fail(c->rs->detail, ERR_MISSING, "the content must be cmid and cmsc, in one object", text_of(root));
    }
    json_int_t n = json_is_integer(status) ? json_integer_value(status) : 0;
    bool known = n > 0 && n <= UINT16_MAX && mefcmd_status_name((unsigned)n) != NULL;
    if (!mefcmd_id_is(out->id) || !known) {
        return detail_fail(c->rs->detail, ERR_ATTRIBUTE_TYPE, "attribute", text_of(known ? "cmid" : "cmsc"));
    }
    out->status = (unsigned)n;
    return ERR_OK;
}

/* Another cmdID than that of the command last issued: both values are ignored (9.10.5). */
static err_t record(const struct call *c, const struct report *r, struct rec_cmd_list *l)
{
    struct rec_cmd cmd;
    for (size_t i = 0; i < l->n; i++) {
        if (l->at[i].state != REC_CMD_ISSUED || !text_eq_z(r->id, l->at[i].id)) {
            continue;
        }
        TRY(rec_cmd_get(c->t, c->client.client, r->id, &cmd));
        if (!mefcmd_status_fits(r->status, cmd.class_id)) { /* 10, 11, or the outcome of another class */
            return detail_fail(c->rs->detail, ERR_ATTRIBUTE_TYPE, "a client does not report this cmsc for a command of class",
                               text_of(mefcmd_class_name(cmd.class_id)));
        }
        cmd.state = REC_CMD_DONE;
        cmd.status_high = (uint8_t)(r->status / 256);
        cmd.status_low = (uint8_t)(r->status % 256);
        cmd.ended = c->rq->now;
        l->at[i].state = REC_CMD_DONE;
        TRY(rec_cmd_put(c->t, &cmd, STORE_PUT_ANY));
        return reg_tell(c->t, AUDIT_COMMAND_DONE, c->rq, cmd.id);
    }
    return ERR_OK;
}

err_t mef_cmd_update(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct call c = {.m = ctx, .rq = rq, .t = t, .rs = rs};
    struct report r;
    struct rec_cmd_list l;
    TRY(open_call(&c));
    TRY(parse(&c, &r));
    TRY(rec_cmd_list(t, c.client.client, &l));
    TRY(record(&c, &r, &l));
    rs->rsc = 2004;
    return issue(&c, &l); /* the next one */
}

/* -- the reference in a registration's answers (9.10.1) ------------------------------------------------------------ */
err_t mef_cmd_children(const struct reg *r, struct txn *t, const struct rec_client *c, struct emit *e)
{
    struct rec_cmd_list l;
    char to[REC_CLIENT_RI_MAX + 8];
    struct writer w = WRITER_ARRAY(to);
    (void)r;
    TRY(rec_cmd_list(t, c->client, &l));
    if (rec_cmd_current(&l) == NULL) {
        return ERR_OK;
    }
    writer_z(&w, c->ri);
    writer_z(&w, "/" MEF_CMD_NAME);
    TRY(writer_finish_z(&w));
    emit_array(e, reg_attr_name(REG_ATTR_CH));
    emit_object(e, NULL);
    emit_z(e, "nm", MEF_CMD_NAME);
    emit_number(e, "typ", REG_ATTR_TY_MEF_COMMAND);
    emit_z(e, "val", to);
    emit_close_object(e);
    emit_close_array(e);
    return ERR_OK;
}
