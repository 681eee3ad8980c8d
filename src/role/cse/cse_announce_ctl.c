#include "role/cse/cse_announce_ctl.h"

#include "role/cse/cse_annc.h"

static bool item(void *arg, struct bytes id, struct store_value value)
{
    struct ctl_list *l = arg;
    struct cse_annc a;
    if (!ctl_list_room(l, id)) {
        return false;
    }
    bool ok = cse_annc_parse(value.data, &a) == ERR_OK;
    emit_object(&l->e, NULL);
    emit_text(&l->e, "id", ok ? a.ri : text_span((const char *)id.p, id.n));
    if (ok) {
        emit_text(&l->e, "at", a.target);
        emit_text(&l->e, "announcement", a.remote);
        emit_time(&l->e, "since", a.since);
        if (a.rsc != 0) {
            emit_number(&l->e, "rsc", (uint64_t)a.rsc);
        }
    }
    emit_z(&l->e, "state", ok ? states_row(cse_annc_standing(&a))->code : "record-malformed");
    emit_close_object(&l->e);
    return true;
}

err_t cse_announce_ctl_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                            char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    (void)detail;
    struct ctl_list l;
    ctl_list_begin(&l, out, "announcements");
    const struct store_scan q = {.table = TABLE_CSE_ANNC, .prefix = bytes_empty(), .after = ctl_list_after(rq),
                                 .order = STORE_ASCENDING};
    TRY(txn_scan(t, &q, item, &l));
    return ctl_list_end(&l);
}
