#include "role/cse/cse_points.h"

#include "role/cse/cse_hop.h"
#include "role/hop.h"
#include "role/rec.h"
#include "wire/json.h"

static err_t take(const struct cse_ask *ask, const json_t *list, unsigned kind, struct cse_points *out)
{
    for (size_t i = 0; i < json_array_size(list) && out->n < CSE_POINTS_MAX; i++) {
        const json_t *v = json_array_get(list, i);
        struct text address = text_span(json_string_value(v), json_string_length(v));
        if (!cse_addr_is_local(ask->cse, address)) { /* its own policies and roles were asked already */
            struct cse_point *p = &out->at[out->n++];
            p->kind = kind;
            TRY(cse_res_keep(ask->t, address, &p->address));
        }
    }
    return ERR_OK;
}

err_t cse_points_of(const struct cse_ask *ask, const struct cse_res *holder, unsigned kinds, struct cse_points *out)
{
    static const struct {
        const char *name;
        unsigned kind;
    } rows[] = {{"airi", CSE_POINTS_INFORMATION}, {"adri", CSE_POINTS_DECISION}, {"apri", CSE_POINTS_POLICIES}};
    out->n = 0;
    for (size_t k = 0; k < ARRAY_LEN(rows) && holder != NULL; k++) {
        for (size_t i = 0; i < holder->acpi_n && (rows[k].kind & kinds) != 0; i++) {
            SCOPED(json_scope) json_t *attrs = NULL;
            struct cse_res acp;
            err_t e = cse_res_get(ask->t, holder->acpi[i], ask->rq->now, &acp);
            if (e == ERR_NOT_FOUND) {
                continue;
            }
            TRY(e);
            TRY(cse_res_attrs(ask->t, &acp, &attrs));
            TRY(take(ask, json_object_get(attrs, rows[k].name), rows[k].kind, out));
        }
    }
    return ERR_OK;
}

const struct cse_res *cse_points_holder(const struct cse_target *target)
{
    const bool own = (target->res.type->flags & TYPES_HAS_ACPI) != 0;
    return target->res.type->ty == TYPE_ACP ? NULL : own || !target->has_parent ? &target->res : &target->parent;
}

err_t cse_points_said(const struct cse_ask *ask, const struct cse_point *p, struct text key, struct cse_das_grant *g,
                      enum cse_points_said *out)
{
    struct bytes b;
    err_t e = rec_get(ask->t, TABLE_CSE_GRANT, key, &b);
    *out = CSE_POINTS_NOTHING;
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(cse_das_grant_parse(b, g));
    if (g->until > ask->rq->now && text_eq(g->consultation, p->address)) {
        *out = g->rules.n == 0 ? CSE_POINTS_NOT_MINE : CSE_POINTS_SAID;
    }
    return ERR_OK;
}

/* /in/cse-in/pdp is /~/in/cse-in/pdp over HTTP, //sp/in/.. is /_/sp/in/.. [TS-0009 6.2.2.1]. */
err_t cse_points_question(const struct cse_ask *ask, const struct cse_point *p, struct question *q)
{
    struct hop to;
    struct writer path = WRITER_ARRAY(q->path);
    const bool absolute = text_starts(p->address, "//");
    TRY(cse_hop_own(ask->cse, ask->t, p->address, ask->rq->now, &to));
    writer_z(&path, absolute ? "/_" : "/~");
    writer_text(&path, text_skip(p->address, absolute ? 1 : 0));
    TRY(writer_finish_z(&path));
    TRY(TEXT_COPY(text_of(to.peer), q->peer));
    TRY(TEXT_COPY(text_of(to.from), q->origin));
    q->to_peer = true;
    q->update = true;
    return ERR_OK;
}

err_t cse_points_status(const struct cse *cse, const struct answer *a)
{
    TRY(cse->distributed ? ERR_OK : ERR_DENIED_DAS); /* reloaded meanwhile */
    TRY(a->err);
    return a->status == 200 ? ERR_OK : a->status == 403 ? ERR_DENIED_DAS : ERR_PEER_NONSENSE;
}

/* The address as the policy has it. */
static err_t address_of(const char *path, struct writer *out)
{
    const struct text t = text_of(path);
    writer_z(out, text_starts(t, "/_/") ? "/" : "");
    writer_text(out, text_skip(t, text_starts(t, "/_/") ? 1 : 2));
    return writer_finish_z(out);
}

err_t cse_points_keep(const struct cse *cse, const struct question *q, struct bytes rules, struct txn *t, usec_t now)
{
    struct audit_event event = {.kind = AUDIT_DECISION_TAKEN, .time = now};
    char address[sizeof(q->path)];
    struct writer z = WRITER_ARRAY(address);
    TRY(address_of(q->path, &z));
    const struct cse_das_grant g = {.until = now + cse->decision_lifetime, .consultation = text_of(address), .rules = rules};
    TRY(cse_das_keep(t, &g, text_of(q->key_id.z), now));
    TRY(TEXT_COPY(text_take(text_of(address), AUDIT_TEXT_MAX - 1), event.peer));
    TRY(TEXT_COPY(text_take(text_of(q->key_id.z), AUDIT_TEXT_MAX - 1), event.object));
    return txn_audit(t, &event);
}
