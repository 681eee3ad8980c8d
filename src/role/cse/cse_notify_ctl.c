#include "role/cse/cse_notify_ctl.h"

#include "role/cse/cse_notify.h"
#include "role/cse/cse_ops.h"
#include "role/detail.h"
#include "wire/json.h"

const struct ctl_arg cse_notify_ctl_one[CSE_NOTIFY_CTL_ONE_N] = {
    {"RI", CTL_ARG_POSITIONAL | CTL_ARG_REQUIRED, "its resource identifier"}};

/* -- what is said of one ------------------------------------------------------------------------------------------ */
static void queue_members(const struct cse_outbox_queue *q, struct text target, struct emit *e)
{
    emit_object(e, NULL);
    emit_text(e, "target", text_skip(target, 2));
    emit_number(e, "waiting", (uint64_t)q->count);
    emit_number(e, "dropped", (uint64_t)q->dropped);
    emit_z(e, "state", q->count == 0 ? "idle" : q->away == 1 ? "away" : "telling");
    emit_close_object(e);
}

static err_t members(struct txn *t, struct text ri, const struct cse_notify *n, struct emit *e)
{
    emit_object(e, NULL);
    emit_text(e, "id", ri);
    emit_text(e, "creator", n->creator);
    emit_number(e, "left", (uint64_t)n->left);
    emit_array(e, "targets");
    for (size_t i = 0; i < n->targets_n; i++) {
        struct cse_outbox_queue q;
        err_t err = cse_outbox_get(t, n->targets[i], ri, &q);
        if (err == ERR_NOT_FOUND) {
            q = (struct cse_outbox_queue){.count = 0};
        } else {
            TRY(err);
        }
        queue_members(&q, n->targets[i], e);
    }
    emit_close_array(e);
    emit_close_object(e);
    return ERR_OK;
}

/* -- list ----------------------------------------------------------------------------------------------------------- */
static err_t item(struct emit *e, const struct ctl_list_record *r)
{
    struct cse_notify n;
    TRY(cse_notify_parse(r->data, &n));
    return members(r->t, text_span((const char *)r->id.p, r->id.n), &n, e);
}

err_t cse_notify_ctl_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                          char detail[static ROLE_DETAIL_MAX])
{
    static const struct ctl_list_of notifications = {.name = "notifications", .table = TABLE_CSE_NOTIFY, .item = item};
    (void)ctx;
    (void)detail;
    return ctl_list(rq, t, &notifications, out);
}

/* -- one ------------------------------------------------------------------------------------------------------------ */
static err_t named(const struct ctl_request *rq, struct txn *t, struct text *ri, struct cse_notify *n, char *detail)
{
    *ri = json_get_text(rq->args, "RI");
    err_t e = ri->n == 0 || ri->n >= M2MID_MAX ? ERR_NOT_FOUND : cse_notify_get(t, *ri, n);
    return e == ERR_OK ? e : detail_fail(detail, e, "subscription", *ri);
}

err_t cse_notify_ctl_show(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                          char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    struct text ri;
    struct cse_notify n;
    struct emit e = emit_to(out);
    TRY(named(rq, t, &ri, &n, detail));
    return members(t, ri, &n, &e);
}

err_t cse_notify_ctl_remove(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                            char detail[static ROLE_DETAIL_MAX])
{
    struct text ri;
    struct cse_notify n;
    TRY(named(rq, t, &ri, &n, detail));
    TRY(cse_delete_by_operator(ctx, t, rq->now, ri, types_find(TYPE_SUB), detail));
    struct emit e = emit_to(out);
    emit_object(&e, NULL);
    emit_text(&e, "id", ri);
    emit_z(&e, "state", "removed");
    emit_close_object(&e);
    return ERR_OK;
}
