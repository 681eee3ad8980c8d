#include "shell/sim.h"

err_t sim_open(const char *name, const struct crypto *c, struct sim *out, char detail[static ROLE_DETAIL_MAX])
{
    *out = (struct sim){.close = NULL};
    return sim_soft_open(name, c, out, detail);
}

void sim_close(struct sim *s)
{
    if (s->close != NULL) {
        s->close(s->card.self);
    }
    *s = (struct sim){.close = NULL};
}
