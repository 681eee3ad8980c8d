#include "shell/sim.h"

#include "role/detail.h"

#include <limits.h>
#include <stdlib.h>

#define PCSC "pcsc"

static bool is_reader(struct text name)
{
    return text_eq_z(name, PCSC) || text_starts(name, PCSC ":");
}

err_t sim_name(char *name, size_t cap, char detail[static ROLE_DETAIL_MAX])
{
    char path[PATH_MAX];
    if (is_reader(text_of(name))) {
        return ERR_OK;
    }
    if (realpath(name, path) == NULL) {
        return detail_fail(detail, ERR_SIM_MISSING, "software SIM", text_of(name));
    }
    return text_copy(text_of(path), name, cap) == ERR_OK
               ? ERR_OK
               : detail_fail(detail, ERR_LIMIT_SIZE, "the name of the file is too long", text_of(path));
}

err_t sim_open(const char *name, const struct crypto *c, struct sim *out, char detail[static ROLE_DETAIL_MAX])
{
    struct text n = text_of(name);
    *out = (struct sim){.close = NULL};
    if (is_reader(n)) {
        return sim_pcsc_open(text_eq_z(n, PCSC) ? NULL : name + sizeof(PCSC), out, detail);
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
