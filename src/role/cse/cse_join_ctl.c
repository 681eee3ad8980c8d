#include "role/cse/cse_join_ctl.h"

#include "role/cse/cse_join.h"
#include "role/detail.h"
#include "wire/emit.h"

static err_t tell(const struct cse *cse, const struct cse_join *j, struct writer *out)
{
    struct emit e = emit_to(out);
    emit_object(&e, NULL);
    emit_z(&e, "registrar", cse->registrar.csi.z);
    emit_z(&e, "peer", cse->registrar.fqdn.z);
    emit_z(&e, "state", states_row((enum states_state)j->state)->code);
    emit_bool(&e, "wanted", j->leave == 0);
    if (j->since != 0) {
        emit_time(&e, "since", j->since);
    }
    emit_close_object(&e);
    return writer_finish(out);
}

static err_t set(const struct cse *cse, struct txn *t, struct writer *out, const bool *leave, char *detail)
{
    struct cse_join j;
    if (cse->registrar.fqdn.z[0] == '\0') {
        return detail_fail(detail, ERR_NOT_FOUND, "[cse] registrar", text_empty());
    }
    TRY(cse_join_get(t, &j));
    if (leave != NULL && (j.leave != 0) != *leave) {
        j.leave = *leave;
        TRY(cse_join_put(t, &j));
    }
    return tell(cse, &j, out);
}

err_t cse_join_ctl_show(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                        char detail[static ROLE_DETAIL_MAX])
{
    (void)rq;
    return set(ctx, t, out, NULL, detail);
}

err_t cse_join_ctl_leave(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                         char detail[static ROLE_DETAIL_MAX])
{
    (void)rq;
    return set(ctx, t, out, &(bool){true}, detail);
}

err_t cse_join_ctl_join(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                        char detail[static ROLE_DETAIL_MAX])
{
    (void)rq;
    return set(ctx, t, out, &(bool){false}, detail);
}
