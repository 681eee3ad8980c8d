#include "base/err.h"

#include <string.h>

static const struct err_info rows[ERR_COUNT] = {
    [ERR_OK] = {"ok", "done", "-", "-", ERR_LEVEL_DEBUG, false, false, 2000, 0},
#define X(name, code, level, audit, rsc, alert, text, hint, clause)                                                    \
    [name] = {code, text, hint, clause, ERR_LEVEL_##level, ((audit) & 1) != 0, ((audit) & 2) != 0, rsc, alert},
#include "base/err_rows.h"
#undef X
};

const struct err_info *err_info(err_t e)
{
    return &rows[(unsigned)e < ERR_COUNT ? e : ERR_BUG];
}

const char *err_code(err_t e)
{
    return err_info(e)->code;
}

err_t err_of_code(const char *code)
{
    for (unsigned i = 1; i < ERR_COUNT; i++) {
        if (strcmp(rows[i].code, code) == 0) {
            return (err_t)i;
        }
    }
    return ERR_OK;
}
