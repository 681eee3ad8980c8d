/* What a registered client does with its registration and its key at the MAF [TS-0003 8.8.2.4-6, 8.8.2.9, 8.8.2.10]: a row a
 * goal; each is one request. */
#include "role/detail.h"
#include "role/device/device_step.h"
#include "wire/body.h"
#include "wire/json.h"
#include "wire/reg_attr.h"

static const struct row {
    enum device_goal goal;
    enum op op;
    bool key;      /* about the connection key, else about the registration */
    bool content;  /* et and lbl */
    const char *suffix;
} rows[] = {
    {DEVICE_MAF_CONFIGURATION, OP_RETRIEVE, false, false, "/cfg"},
    {DEVICE_MAF_UPDATE, OP_UPDATE, false, true, ""},
    {DEVICE_MAF_DEREGISTER, OP_DELETE, false, false, ""},
    {DEVICE_KEY_UPDATE, OP_UPDATE, true, true, ""},
    {DEVICE_KEY_DEREGISTER, OP_DELETE, true, false, ""},
};

static const struct row *row_of(const struct device *d)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].goal == d->task->goal) {
            return &rows[i];
        }
    }
    return &rows[0];
}

static err_t path(struct device *d, const struct row *row, struct writer *w)
{
    const struct device_state *s = d->state;
    if (s->registration[0] == '\0' || (row->key && s->kc_id.z[0] == '\0')) {
        return detail_fail(d->detail, ERR_STATE, "nothing is registered at the MAF: run device associate first", text_empty());
    }
    writer_z(w, row->key ? "/-/" : "/");
    writer_text(w, row->key ? text_take(text_of(s->kc_id.z), text_find(text_of(s->kc_id.z), '@')) : text_of(s->registration));
    writer_z(w, row->suffix);
    return writer_finish_z(w);
}

err_t device_manage_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    const struct row *row = row_of(d);
    TRY(device_maf_connect(d, now, out));
    out->op = row->op;
    struct writer p = WRITER_ARRAY(out->path);
    TRY(path(d, row, &p));
    if (row->content) {
        struct writer w = WRITER_ARRAY(d->body);
        TRY(body_update_write(&w, row->key ? REG_ATTR_TY_KEY : REG_ATTR_TY_MAF_CLIENT, d->task->until, d->task->labels));
        out->body = writer_view_text(&w);
    }
    return ERR_OK;
}

/* The answer to an update: what was asked for, as the MAF took it; a new KmId if Km is new to the registration. */
static err_t updated(struct device *d, const struct row *row, usec_t now, const struct device_outcome *got)
{
    SCOPED(json_scope) json_t *body = NULL;
    usec_t et = 0;
    const char *wrong = "";
    if (json_parse(got->body, &body) != ERR_OK) {
        return detail_fail(d->detail, ERR_PEER_NONSENSE, "the MAF's answer is not JSON", text_empty());
    }
    const json_t *o = json_object_get(body, reg_attr_root(row->key ? REG_ATTR_TY_KEY : REG_ATTR_TY_MAF_CLIENT));
    const struct body_answer a = {.et = json_get_text(o, reg_attr_name(REG_ATTR_ET)),
                                  .aski = json_get_text(o, reg_attr_name(REG_ATTR_ASKI))};
    if (body_update_check(&a, d->task->until != 0, now, &et, &wrong) != ERR_OK) {
        return detail_fail(d->detail, ERR_PEER_NONSENSE, wrong, text_empty());
    }
    if (row->key && et != 0) {
        d->state->kc_not_after = et;
    }
    return a.aski.n == 0 ? ERR_OK : TEXT_COPY(a.aski, d->state->km_id.z);
}

err_t device_manage_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    const struct row *row = row_of(d);
    struct device_state *s = d->state;
    if (row->op == OP_UPDATE) {
        return updated(d, row, now, got);
    }
    if (row->op == OP_DELETE) {
        secret_wipe(&s->kc.s);
        s->kc_id.z[0] = '\0';
        s->kc_not_after = 0;
    }
    if (row->op == OP_DELETE && !row->key) { /* the MAF forgot a Km from an RSPF: the next contact is by KeId again */
        s->registration[0] = '\0';
        if (s->ke_id.z[0] != '\0') {
            s->km_id = s->ke_id;
        }
    }
    return ERR_OK;
}
