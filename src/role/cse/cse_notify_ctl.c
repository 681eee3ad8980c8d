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
struct listing {
    struct ctl_list list;
    struct txn *t;
    err_t err;
};

static bool item(void *arg, struct bytes id, struct store_value value)
{
    struct listing *l = arg;
    struct text ri = text_span((const char *)id.p, id.n);
    struct cse_notify n;
    if (!ctl_list_room(&l->list, id)) {
        return false;
    }
    if (cse_notify_parse(value.data, &n) == ERR_OK) {
        l->err = members(l->t, ri, &n, &l->list.e);
        return l->err == ERR_OK;
    }
    emit_object(&l->list.e, NULL);
    emit_text(&l->list.e, "id", ri);
    emit_z(&l->list.e, "state", "record-malformed");
    emit_close_object(&l->list.e);
    return true;
}

err_t cse_notify_ctl_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                          char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    (void)detail;
    struct listing l = {.t = t};
    ctl_list_begin(&l.list, out, "notifications");
    const struct store_scan q = {.table = TABLE_CSE_NOTIFY, .prefix = bytes_empty(), .after = ctl_list_after(rq),
                                 .order = STORE_ASCENDING};
    TRY(txn_scan(t, &q, item, &l));
    TRY(l.err);
    return ctl_list_end(&l.list);
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
