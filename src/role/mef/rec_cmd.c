#include "role/mef/rec_cmd.h"

#include <string.h>

enum { VERSION = 1 };

static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct rec_cmd, id)},
    {REC_TEXT, REC_AT(struct rec_cmd, client)},
    {REC_U8, REC_AT(struct rec_cmd, class_id), .low = 1, .high = MEFCMD_CLASSES - 1},
    {REC_U8, REC_AT(struct rec_cmd, state), .high = REC_CMD_STATES - 1},
    {REC_U8, REC_AT(struct rec_cmd, status_high), .high = 1},
    {REC_U8, REC_AT(struct rec_cmd, status_low), .high = 255},
    {REC_TEXT, REC_AT(struct rec_cmd, target)},
    {REC_VIEW16, REC_AT(struct rec_cmd, args)},
    {REC_TIME, REC_AT(struct rec_cmd, added)},
    {REC_TIME, REC_AT(struct rec_cmd, issued)},
    {REC_TIME, REC_AT(struct rec_cmd, ended)},
};
static const struct rec_layout layout = REC_LAYOUT(struct rec_cmd, fields, VERSION, VERSION);

err_t rec_cmd_write(const struct rec_cmd *c, struct writer *w)
{
    return rec_write(&layout, VERSION, c, NULL, w);
}

err_t rec_cmd_parse(struct bytes b, struct rec_cmd *out)
{
    return rec_parse(&layout, b, out);
}

static err_t key_of(const char *client, struct text id, char out[static REC_CMD_KEY_MAX])
{
    struct writer w = writer_of(out, REC_CMD_KEY_MAX);
    writer_z(&w, client);
    writer_u8(&w, '/');
    writer_text(&w, id);
    return writer_finish_z(&w);
}

err_t rec_cmd_put(struct txn *t, const struct rec_cmd *c, enum store_put mode)
{
    char key[REC_CMD_KEY_MAX];
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(key_of(c->client, text_of(c->id), key));
    TRY(rec_cmd_write(c, &w));
    return rec_put(t, TABLE_MEF_COMMAND, text_of(key), &w, mode);
}

err_t rec_cmd_del(struct txn *t, const struct rec_cmd *c)
{
    char key[REC_CMD_KEY_MAX];
    TRY(key_of(c->client, text_of(c->id), key));
    return txn_del(t, TABLE_MEF_COMMAND, text_of(key));
}

err_t rec_cmd_get(struct txn *t, const char *client, struct text id, struct rec_cmd *out)
{
    char key[REC_CMD_KEY_MAX];
    struct bytes b;
    if (!mefcmd_id_is(id)) {
        return ERR_NOT_FOUND;
    }
    TRY(key_of(client, id, key));
    TRY(rec_get(t, TABLE_MEF_COMMAND, text_of(key), &b));
    return rec_cmd_parse(b, out);
}

unsigned rec_cmd_status(const struct rec_cmd *c)
{
    return 256u * c->status_high + c->status_low;
}

const char *rec_cmd_state_name(const struct rec_cmd *c)
{
    static const char *const names[REC_CMD_STATES] = {"waiting", "issued", "done", "cancelled"};
    return names[c->state < REC_CMD_STATES ? c->state : 0];
}

static bool hit(void *arg, struct bytes key, struct store_value value)
{
    struct rec_cmd_list *l = arg;
    struct rec_cmd c;
    struct text id = text_skip(text_span((const char *)key.p, key.n), l->prefix);
    l->err = rec_cmd_parse(value.data, &c);
    if (l->err == ERR_OK) {
        l->err = TEXT_COPY(id, l->at[l->n].id);
        l->at[l->n].state = c.state;
        l->n++;
    }
    return l->err == ERR_OK && l->n < REC_CMD_KEPT;
}

err_t rec_cmd_list(struct txn *t, const char *client, struct rec_cmd_list *out)
{
    char prefix[REC_CMD_KEY_MAX];
    *out = (struct rec_cmd_list){.err = ERR_OK};
    TRY(key_of(client, text_empty(), prefix));
    out->prefix = strlen(prefix);
    struct store_scan q = {
        .table = TABLE_MEF_COMMAND, .prefix = text_bytes(text_of(prefix)), .order = STORE_ASCENDING};
    TRY(rec_scan_own(t, &q, hit, out));
    return out->err;
}

const struct rec_cmd_brief *rec_cmd_current(const struct rec_cmd_list *l)
{
    const struct rec_cmd_brief *waiting = NULL;
    for (size_t i = 0; i < l->n; i++) {
        if (l->at[i].state == REC_CMD_ISSUED) {
            return &l->at[i];
        }
        waiting = waiting == NULL && l->at[i].state == REC_CMD_WAITING ? &l->at[i] : waiting;
    }
    return waiting;
}
