#include "role/cse/cse_res_ctl.h"

#include "role/cse/cse_acp.h"
#include "role/cse/cse_ops.h"
#include "role/detail.h"
#include "wire/json.h"

#define PAGE 64 /* policies that one answer looks at */

const struct ctl_arg cse_res_ctl_one[CSE_RES_CTL_ONE_N] = {
    {"ADDRESS", CTL_ARG_POSITIONAL | CTL_ARG_REQUIRED, "its address: cse-in/app/box, or its resource identifier"}};
const struct ctl_arg cse_res_ctl_below[CSE_RES_CTL_BELOW_N] = {
    {"ADDRESS", CTL_ARG_POSITIONAL | CTL_ARG_REQUIRED, "of the parent: cse-in, cse-in/app, or its resource identifier"},
    CTL_LIST_AFTER};

struct command {
    const struct cse *cse;
    const struct ctl_request *rq;
    struct txn *t;
    struct writer *out;
    char *detail;
};

/* -- finding ------------------------------------------------------------------------------------------------------ */
/* By ADDRESS; `type` NULL: of any type. */
static err_t find(const struct command *c, const struct types_row *type, struct cse_target *at)
{
    struct text to = json_get_text(c->rq->args, "ADDRESS");
    err_t e = cse_addr_resolve(c->cse, c->t, to, c->rq->now, at);
    e = e == ERR_OK && type != NULL && at->res.type != type ? ERR_NOT_FOUND : e;
    return e == ERR_OK ? e : detail_fail(c->detail, e, type != NULL ? type->name : "resource", to);
}

static void head(struct emit *e, struct text id, const struct types_row *type, struct text rn, usec_t et)
{
    emit_text(e, "name", rn);
    emit_z(e, "type", type != NULL ? type->name : "-");
    emit_text(e, "id", id);
    if (et != USEC_NEVER) {
        emit_time(e, "not-after", et);
    }
}

/* -- list --------------------------------------------------------------------------------------------------------- */
/* From the index alone: what has expired and is not collected yet is told as such. */
static err_t child_item(struct emit *e, const struct ctl_list_record *r)
{
    struct cse_child child;
    TRY(cse_res_child_parse(r->data, &child));
    emit_object(e, NULL);
    head(e, child.ri, types_find(child.ty), child.rn, child.et);
    emit_z(e, "state", child.et > r->now ? "valid" : "over");
    emit_close_object(e);
    return ERR_OK;
}

static err_t list(const struct command *c)
{
    char prefix[CSE_CHILD_KEY_MAX];
    struct cse_target at;
    struct writer w = WRITER_ARRAY(prefix);
    TRY(find(c, NULL, &at));
    TRY(cse_res_child_key(&w, at.res.node, 0, text_empty()));
    const struct ctl_list_of resources = {.name = "resources", .table = TABLE_CSE_CHILD, .item = child_item,
                                          .prefix = writer_view_text(&w)};
    return ctl_list(c->rq, c->t, &resources, c->out);
}

/* What hangs on nothing any more grants nothing, and is not told. */
static err_t policy_item(struct emit *e, const struct ctl_list_record *r)
{
    const struct text ri = text_span((const char *)r->id.p, r->id.n);
    struct cse_acp acp;
    TRY(cse_acp_get(r->of, r->t, ri, r->now, &acp));
    emit_object(e, NULL);
    emit_text(e, "id", ri);
    emit_text(e, "parent", acp.pi);
    if (acp.et != USEC_NEVER) {
        emit_time(e, "not-after", acp.et);
    }
    emit_close_object(e);
    return ERR_OK;
}

static err_t policies(const struct command *c)
{
    const struct ctl_list_of all = {.name = "policies", .table = TABLE_CSE_ACP, .item = policy_item, .most = PAGE, .of = c->cse};
    return ctl_list(c->rq, c->t, &all, c->out);
}

/* -- show ---------------------------------------------------------------------------------------------------------- */
/* What applications say to each other is not the operator's to read. */
static err_t show(const struct command *c, const struct types_row *type)
{
    struct cse_target at;
    SCOPED(json_scope) json_t *attrs = NULL;
    TRY(find(c, type, &at));
    TRY(cse_res_attrs(c->t, &at.res, &attrs));
    if (at.res.type->ty == TYPE_CIN) {
        (void)json_object_del(attrs, "con");
    }
    struct emit e = emit_to(c->out);
    emit_object(&e, NULL);
    head(&e, at.res.ri, at.res.type, at.res.rn, at.res.et);
    emit_text(&e, "parent", at.res.pi);
    emit_text(&e, "creator", at.res.creator);
    emit_text(&e, "credential-id", at.res.credential);
    emit_time(&e, "created", at.res.ct);
    emit_time(&e, "changed", at.res.lt);
    emit_name(&e, "attributes");
    TRY(json_write(attrs, c->out));
    e.comma = true;
    emit_close_object(&e);
    return writer_finish(c->out);
}

/* -- remove -------------------------------------------------------------------------------------------------------- */
static err_t take_away(const struct command *c, const struct types_row *type)
{
    struct cse_target at;
    TRY(find(c, type, &at));
    if ((at.res.type->flags & TYPES_NOT_BY_REQUEST) != 0) {
        return detail_fail(c->detail, ERR_OPERATION, "the CSEBase is never deleted", text_empty());
    }
    TRY(cse_delete_by_operator(c->cse, c->t, c->rq->now, json_get_text(c->rq->args, "ADDRESS"), at.res.type, c->detail));
    struct emit e = emit_to(c->out);
    emit_object(&e, NULL);
    emit_text(&e, "removed", at.res.ri);
    emit_close_object(&e);
    return writer_finish(c->out);
}

/* -- one function a command ------------------------------------------------------------------------------------------ */
#define HANDLER(name, call)                                                                                            \
    err_t name(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,                       \
               char detail[static ROLE_DETAIL_MAX])                                                                    \
    {                                                                                                                  \
        const struct command c = {ctx, rq, t, out, detail};                                                            \
        return call;                                                                                                   \
    }

HANDLER(cse_res_ctl_list, list(&c))
HANDLER(cse_res_ctl_show, show(&c, NULL))
HANDLER(cse_res_ctl_remove, take_away(&c, NULL))
HANDLER(cse_res_ctl_acp_list, policies(&c))
HANDLER(cse_res_ctl_acp_show, show(&c, types_find(TYPE_ACP)))
HANDLER(cse_res_ctl_acp_remove, take_away(&c, types_find(TYPE_ACP)))
