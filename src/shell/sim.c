#include "shell/sim.h"

#define PCSC "pcsc"

err_t sim_open(const char *name, const struct crypto *c, struct sim *out, char detail[static ROLE_DETAIL_MAX])
{
    struct text n = text_of(name);
    *out = (struct sim){.close = NULL};
    if (text_eq_z(n, PCSC)) {
        return sim_pcsc_open(NULL, out, detail);
    }
    if (text_starts(n, PCSC ":")) {
        return sim_pcsc_open(name + sizeof(PCSC), out, detail);
    }
    return sim_soft_open(name, c, out, detail);
}

void sim_close(struct sim *s)
{
    if (s->close != NULL) {
        s->close(s->card.self);
    }
    *s = (struct sim){.close = NULL};
}
