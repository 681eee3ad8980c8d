#include "shell/zh.h"

#include "shell/zh_driver.h"

#include <stdlib.h>

static const struct zh_driver *const drivers[ZH_PROTOCOLS] = {
    [ZH_GSUP] = &zh_gsup_driver,
    [ZH_DIAMETER] = &zh_diameter_driver,
};

struct zh {
    const struct zh_driver *driver;
    void *it;
};

err_t zh_new(uv_loop_t *loop, const struct zh_conf *conf, struct zh **out)
{
    struct zh *z = calloc(1, sizeof(*z));
    err_t e = z == NULL ? ERR_LIMIT_CAPACITY : ERR_OK;
    *out = NULL;
    if (e == ERR_OK) {
        z->driver = drivers[conf->protocol];
        e = z->driver->open(loop, conf, &z->it);
    }
    if (e != ERR_OK) {
        free(z);
        return e;
    }
    *out = z;
    return ERR_OK;
}

void zh_free(struct zh *z)
{
    if (z != NULL) {
        z->driver->end(z->it);
        free(z);
    }
}

bool zh_is_up(const struct zh *z)
{
    return z->driver->is_up(z->it);
}

err_t zh_ask(struct zh *z, const struct zh_question *q, zh_fn *fn, void *owner)
{
    return z->driver->ask(z->it, q, fn, owner);
}

void zh_zn_answer(struct zh *z, const struct zh_zn *q, err_t e, struct bytes body)
{
    if (z->driver->zn_answer != NULL) {
        z->driver->zn_answer(z->it, q, e, body);
    }
}
