#include "wire/maf_attr.h"

static const char *const names[MAF_ATTR_COUNT] = {
    [MAF_ATTR_RI] = "ri",
    [MAF_ATTR_RN] = "rn",
    [MAF_ATTR_TY] = "ty",
    [MAF_ATTR_PI] = "pi",
    [MAF_ATTR_CT] = "ct",
    [MAF_ATTR_LT] = "lt",
    [MAF_ATTR_ET] = "et",
    [MAF_ATTR_LBL] = "lbl",
    [MAF_ATTR_CR] = "cr",
    [MAF_ATTR_ADFQ] = "adfq",
    [MAF_ATTR_ASKI] = "aski",
    [MAF_ATTR_SUID] = "suid",
    [MAF_ATTR_TGIS] = "tgis",
    [MAF_ATTR_KV] = "kv",
};

const char *maf_attr_name(enum maf_attr a)
{
    return names[a];
}

const char *maf_attr_root(uint32_t ty)
{
    return ty == MAF_ATTR_TY_CLIENT_REG ? "m2m:macr" : "m2m:skr";
}
