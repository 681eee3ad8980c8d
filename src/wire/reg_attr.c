#include "wire/reg_attr.h"

static const char *const names[REG_ATTR_COUNT] = {
#define X(name, text) [REG_ATTR_##name] = (text),
    REG_ATTR_NAMES(X)
#undef X
};

static const struct {
    uint32_t ty;
    const char *root;
} types[] = {
#define X(name, number, root) {(number), (root)},
    REG_ATTR_TYPES(X)
#undef X
};

const char *reg_attr_name(enum reg_attr a)
{
    return names[a];
}

const char *reg_attr_root(uint32_t ty)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].ty == ty) {
            return types[i].root;
        }
    }
    return "";
}
