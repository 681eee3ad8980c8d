#include "shell/verify.h"

#include "shell/notifier.h"

#include <stdlib.h>
#include <string.h>

struct verify {
    struct conn *c;
    verify_fn *fn;
    size_t left;
    err_t outcome;
    char detail[ROLE_DETAIL_MAX];
    struct verify_one {
        struct verify *v;
        char where[256];
    } one[OUTBOX_VERIFY_MAX];
};

static void settle(struct verify *v)
{
    if (--v->left > 0) {
        return;
    }
    v->fn(v->c, v->outcome, v->detail);
    free(v);
}

static void answered(void *owner, const struct outbound_answer *a)
{
    struct verify_one *one = owner;
    struct verify *v = one->v;
    enum outbox_outcome o = notifier_outcome(a);
    if (o != OUTBOX_TOLD && v->outcome == ERR_OK) {
        v->outcome = o == OUTBOX_AWAY ? ERR_TARGET_UNVERIFIED : ERR_TARGET_REFUSED;
        memcpy(v->detail, one->where, strnlen(one->where, sizeof(v->detail) - 1));
    }
    settle(v);
}

err_t verify_ask(struct conn *c, const struct outbox_verify *what, verify_fn *fn)
{
    struct verify *v = calloc(1, sizeof(*v));
    if (v == NULL) {
        return ERR_LIMIT_BUSY;
    }
    v->c = c;
    v->fn = fn;
    err_t e = ERR_OK;
    for (size_t i = 0; i < what->n; i++) {
        const struct outbox_item *item = &what->item[i];
        const char *where = item->to.whole ? item->to.url : item->path;
        struct outbound_request rq = outbound_request_to(conn_role(c), &item->to, item->path);
        rq.op = OP_NOTIFY;
        rq.repeatable = true; /* it asks, and changes nothing */
        rq.body = item->body;
        v->one[i].v = v;
        memcpy(v->one[i].where, where, strnlen(where, sizeof(v->one[i].where) - 1));
        e = outbound_send(c->w->notices, &rq, answered, &v->one[i]);
        if (e != ERR_OK) {
            break;
        }
        v->left++;
    }
    if (v->left == 0) {
        free(v);
        return e == ERR_OK ? ERR_BUG : e;
    }
    v->outcome = e == ERR_OK ? ERR_OK : ERR_TARGET_UNVERIFIED; /* those who were asked are waited for */
    return ERR_OK;
}
