#include "role/ctl_list.h"

#include "wire/json.h"

const struct ctl_arg ctl_list_args[CTL_LIST_ARGS_N] = {
    {"--after", 0, "continue beyond this identifier (\"next\" of the answer before)"},
};

void ctl_list_begin(struct ctl_list *l, struct writer *out, const char *name)
{
    l->e = emit_to(out);
    l->last[0] = '\0';
    l->more = false;
    emit_object(&l->e, NULL);
    emit_array(&l->e, name);
}

bool ctl_list_room(struct ctl_list *l, struct bytes id)
{
    const struct writer *w = l->e.w;
    if (w->overflow || w->cap - w->n < CTL_LIST_ITEM_MAX) {
        l->more = true;
        return false;
    }
    return text_copy(text_span((const char *)id.p, id.n), l->last, sizeof(l->last)) == ERR_OK;
}

err_t ctl_list_end(struct ctl_list *l)
{
    emit_close_array(&l->e);
    if (l->more) {
        emit_z(&l->e, "next", l->last);
    }
    emit_close_object(&l->e);
    return writer_finish(l->e.w);
}

struct bytes ctl_list_after(const struct ctl_request *rq)
{
    return text_bytes(json_get_text(rq->args, "after"));
}

void ctl_list_broken(struct emit *e, struct bytes id)
{
    emit_object(e, NULL);
    emit_text(e, "id", text_span((const char *)id.p, id.n));
    emit_z(e, "state", "record-malformed");
    emit_close_object(e);
}

struct walk {
    struct ctl_list list;
    ctl_list_item *item;
    usec_t now;
};

static bool walked(void *arg, struct bytes id, struct store_value value)
{
    struct walk *w = arg;
    if (!ctl_list_room(&w->list, id)) {
        return false;
    }
    err_t e = w->item(&w->list.e, id, value.data, w->now);
    if (e != ERR_OK && e != ERR_NOT_FOUND) {
        ctl_list_broken(&w->list.e, id);
    }
    return true;
}

err_t ctl_list(const struct ctl_request *rq, struct txn *t, const struct ctl_list_of *of, struct writer *out)
{
    struct walk w = {.item = of->item, .now = rq->now};
    const struct store_scan q = {.table = of->table, .prefix = bytes_empty(), .after = ctl_list_after(rq),
                                 .order = STORE_ASCENDING};
    ctl_list_begin(&w.list, out, of->name);
    TRY(txn_scan(t, &q, walked, &w));
    return ctl_list_end(&w.list);
}
