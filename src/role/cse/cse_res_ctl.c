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
    {"--after", 0, "continue beyond this identifier (\"next\" of the answer before)"}};

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
struct listing {
    struct ctl_list list;
    const struct command *c;
    size_t seen;
    err_t err;
};

/* From the index alone: what has expired and is not collected yet is told as such. */
static bool child_hit(void *arg, struct bytes id, struct store_value value)
{
    struct listing *l = arg;
    struct cse_child child;
    if (!ctl_list_room(&l->list, id)) {
        return false;
    }
    l->err = cse_res_child_parse(value.data, &child);
    if (l->err != ERR_OK) {
        return false;
    }
    emit_object(&l->list.e, NULL);
    head(&l->list.e, child.ri, types_find(child.ty), child.rn, child.et);
    emit_z(&l->list.e, "state", child.et > l->c->rq->now ? "valid" : "over");
    emit_close_object(&l->list.e);
    return true;
}

static err_t list(const struct command *c)
{
    char prefix[CSE_CHILD_KEY_MAX];
    struct cse_target at;
    struct listing l = {.c = c};
    struct writer w = WRITER_ARRAY(prefix);
    TRY(find(c, NULL, &at));
    TRY(cse_res_child_key(&w, at.res.node, 0, text_empty()));
    ctl_list_begin(&l.list, c->out, "resources");
    const struct store_scan q = {.table = TABLE_CSE_CHILD, .prefix = writer_view(&w), .after = ctl_list_after(c->rq),
                                 .order = STORE_ASCENDING};
    TRY(txn_scan(c->t, &q, child_hit, &l));
    TRY(l.err);
    return ctl_list_end(&l.list);
}

/* What hangs on nothing any more grants nothing, and is not told. */
static bool policy_hit(void *arg, struct bytes id, struct store_value value)
{
    (void)value;
    struct listing *l = arg;
    struct text ri = text_span((const char *)id.p, id.n);
    struct cse_acp acp;
    if (l->seen == PAGE) {
        l->list.more = true;
        return false;
    }
    if (!ctl_list_room(&l->list, id)) {
        return false;
    }
    l->seen++;
    err_t e = cse_acp_get(l->c->cse, l->c->t, ri, l->c->rq->now, &acp);
    if (e == ERR_OK) {
        emit_object(&l->list.e, NULL);
        emit_text(&l->list.e, "id", ri);
        emit_text(&l->list.e, "parent", acp.pi);
        if (acp.et != USEC_NEVER) {
            emit_time(&l->list.e, "not-after", acp.et);
        }
        emit_close_object(&l->list.e);
    }
    l->err = e == ERR_NOT_FOUND ? ERR_OK : e;
    return l->err == ERR_OK;
}

static err_t policies(const struct command *c)
{
    struct listing l = {.c = c};
    ctl_list_begin(&l.list, c->out, "policies");
    const struct store_scan q = {.table = TABLE_CSE_ACP, .prefix = bytes_empty(), .after = ctl_list_after(c->rq),
                                 .order = STORE_ASCENDING};
    TRY(txn_scan(c->t, &q, policy_hit, &l));
    TRY(l.err);
    return ctl_list_end(&l.list);
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
