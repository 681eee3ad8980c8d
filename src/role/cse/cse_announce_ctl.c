#include "role/cse/cse_announce_ctl.h"

#include "role/cse/cse_annc.h"

static err_t item(struct emit *e, const struct ctl_list_record *r)
{
    struct cse_annc a;
    TRY(cse_annc_parse(r->data, &a));
    emit_object(e, NULL);
    emit_text(e, "id", a.ri);
    emit_text(e, "at", a.target);
    emit_text(e, "announcement", a.remote);
    emit_time(e, "since", a.since);
    if (a.rsc != 0) {
        emit_number(e, "rsc", (uint64_t)a.rsc);
    }
    emit_z(e, "state", states_row(cse_annc_standing(&a))->code);
    emit_close_object(e);
    return ERR_OK;
}

err_t cse_announce_ctl_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                            char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    (void)detail;
    static const struct ctl_list_of announcements = {.name = "announcements", .table = TABLE_CSE_ANNC, .item = item};
    return ctl_list(rq, t, &announcements, out);
}
