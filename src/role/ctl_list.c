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
