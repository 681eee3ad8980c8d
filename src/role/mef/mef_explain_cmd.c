#include "role/mef/mef_explain_cmd.h"

#include "role/mef/rec_cmd.h"

#include <string.h>

static void tell(struct explain *x, const struct rec_cmd *c)
{
    static const enum states_state states[REC_CMD_STATES] = {
        [REC_CMD_WAITING] = STATES_COMMAND_WAITING,
        [REC_CMD_ISSUED] = STATES_COMMAND_ISSUED,
        [REC_CMD_DONE] = STATES_COMMAND_DONE,
        [REC_CMD_CANCELLED] = STATES_COMMAND_CANCELLED,
    };
    unsigned status = rec_cmd_status(c);
    if (!explain_open(x, states[c->state], c->id)) {
        return;
    }
    explain_name(x, c->client);
    emit_z(x->e, "client", c->client);
    emit_z(x->e, "class", mefcmd_class_name(c->class_id));
    emit_z_if(x->e, "target-id", c->target);
    if (status != 0) {
        emit_number(x->e, "status", status);
        emit_z(x->e, "outcome", mefcmd_status_name(status));
    }
    emit_time(x->e, "added", c->added);
    if (c->issued != 0) {
        emit_time(x->e, "issued", c->issued);
    }
    if (c->ended != 0) {
        emit_time(x->e, "ended", c->ended);
    }
    explain_close(x);
}

static err_t of_client(struct explain *x, struct txn *t, const char *client)
{
    struct rec_cmd_list l;
    TRY(rec_cmd_list(t, client, &l));
    size_t last = l.n; /* the newest that is over */
    for (size_t i = 0; i < l.n; i++) {
        bool is_over = l.at[i].state == REC_CMD_DONE || l.at[i].state == REC_CMD_CANCELLED;
        last = is_over ? i : last;
    }
    for (size_t i = 0; i < l.n; i++) {
        struct rec_cmd c;
        if (i == last || l.at[i].state == REC_CMD_WAITING || l.at[i].state == REC_CMD_ISSUED) {
            TRY(rec_cmd_get(t, client, text_of(l.at[i].id), &c));
            tell(x, &c);
        }
    }
    return ERR_OK;
}

/* Commands are kept by client, and no index leads from a cmdID to it. */
struct wanted {
    struct text id;
    size_t seen;
    struct rec_cmd found;
};

static bool hit(void *arg, struct bytes id, struct store_value value)
{
    struct wanted *w = arg;
    struct text whole = text_span((const char *)id.p, id.n);
    struct text last = text_skip(whole, text_find_last(whole, '/') + 1);
    if (text_eq(last, w->id) && rec_cmd_parse(value.data, &w->found) == ERR_OK) {
        return false;
    }
    w->found.id[0] = '\0';
    return ++w->seen < EXPLAIN_SCAN_MAX;
}

static err_t by_id(struct explain *x, struct txn *t)
{
    struct wanted w = {.id = x->id};
    struct store_scan q = {.table = TABLE_MEF_COMMAND, .prefix = bytes_empty(), .order = STORE_ASCENDING};
    if (x->objects_n > 0 || !mefcmd_id_is(x->id)) {
        return ERR_OK;
    }
    TRY(txn_scan(t, &q, hit, &w));
    if (w.found.id[0] != '\0') {
        tell(x, &w.found);
    }
    x->cut = x->cut || w.seen == EXPLAIN_SCAN_MAX;
    return ERR_OK;
}

err_t mef_explain_cmd(struct txn *t, struct explain *x)
{
    char names[EXPLAIN_NAMES_MAX][AUDIT_FIND_NAME_MAX]; /* they grow while commands are told */
    size_t n = x->names_n;
    memcpy(names, x->names, sizeof(names));
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) < REC_CLIENT_NAME_MAX) {
            TRY(of_client(x, t, names[i]));
        }
    }
    return by_id(x, t);
}
