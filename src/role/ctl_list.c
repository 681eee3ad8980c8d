#include "role/ctl_list.h"

#include "wire/json.h"

const struct ctl_arg ctl_list_args[CTL_LIST_ARGS_N] = {CTL_LIST_AFTER};

void ctl_list_begin(struct ctl_list *l, struct writer *out, const char *name)
{
    *l = (struct ctl_list){.e = emit_to(out)};
    emit_object(&l->e, NULL);
    emit_array(&l->e, name);
}

static bool has_room(const struct ctl_list *l, const struct ctl_list_of *of)
{
    const struct writer *w = l->e.w;
    return !w->overflow && w->cap - w->n >= CTL_LIST_ITEM_MAX && (of->most == 0 || l->seen < of->most);
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

static void broken(struct emit *e, struct bytes id, err_t why)
{
    emit_object(e, NULL);
    emit_text(e, "id", text_span((const char *)id.p, id.n));
    emit_z(e, "state", err_code(why));
    emit_close_object(e);
}

struct walk {
    struct ctl_list *list;
    const struct ctl_list_of *of;
    struct ctl_list_record record;
    err_t err;
};

static bool walked(void *arg, struct bytes id, struct store_value value)
{
    struct walk *w = arg;
    struct ctl_list *l = w->list;
    if (!has_room(l, w->of)) {
        l->more = true;
        return false;
    }
    w->err = text_copy(text_span((const char *)id.p, id.n), l->last, sizeof(l->last));
    if (w->err != ERR_OK) {
        return false;
    }
    const size_t before = l->e.w->n;
    l->seen++;
    w->record.id = id;
    w->record.data = value.data;
    err_t e = w->of->item(&l->e, &w->record);
    if (e != ERR_OK && l->e.w->n != before) {
        w->err = e;
    } else if (e != ERR_OK && e != ERR_NOT_FOUND) {
        broken(&l->e, id, e);
    }
    return w->err == ERR_OK;
}

err_t ctl_list_add(struct ctl_list *l, const struct ctl_request *rq, struct txn *t, const struct ctl_list_of *of)
{
    struct walk w = {.list = l, .of = of, .record = {.now = rq->now, .t = t, .of = of->of}};
    const struct store_scan q = {.table = of->table, .prefix = of->prefix.n > 0 ? text_bytes(of->prefix) : bytes_empty(),
                                 .after = text_bytes(json_get_text(rq->args, "after")), .order = STORE_ASCENDING};
    if (l->more) {
        return ERR_OK;
    }
    TRY((of->scan != NULL ? of->scan : txn_scan)(t, &q, walked, &w));
    return w.err;
}

err_t ctl_list(const struct ctl_request *rq, struct txn *t, const struct ctl_list_of *of, struct writer *out)
{
    struct ctl_list l;
    ctl_list_begin(&l, out, of->name);
    TRY(ctl_list_add(&l, rq, t, of));
    return ctl_list_end(&l);
}
