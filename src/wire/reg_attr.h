/* Numbers and short names of the resources on Mmaf and Mmef: the one place they stand in [CHOICE-63]. */
#ifndef KEYSTEAD_WIRE_REG_ATTR_H
#define KEYSTEAD_WIRE_REG_ATTR_H

#include "base/err.h"

/* X(enum, number, root): resource types. */
#define REG_ATTR_TYPES(X)                                                                                              \
    X(MAF_BASE, 60001, "m2m:mafb")                                                                                     \
    X(MAF_CLIENT, 60002, "m2m:macr")                                                                                   \
    X(KEY, 60003, "m2m:skr")                                                                                           \
    X(MEF_BASE, 60004, "m2m:mefb")                                                                                     \
    X(MEF_CLIENT, 60005, "m2m:mecr")                                                                                   \
    X(MEF_COMMAND, 60006, "m2m:mecc")
enum {
#define X(name, number, root) REG_ATTR_TY_##name = (number),
    REG_ATTR_TYPES(X)
#undef X
};

/* X(enum, short name) */
#define REG_ATTR_NAMES(X)                                                                                              \
    X(RI, "ri") X(RN, "rn") X(TY, "ty") X(PI, "pi") X(CT, "ct") X(LT, "lt") X(ET, "et") X(LBL, "lbl") X(CR, "cr")      \
    X(CH, "ch") X(FQDN, "fqdn") X(DCU, "dcu") X(ADFQ, "adfq") X(ASKI, "aski") X(SUID, "suid") X(TGIS, "tgis")          \
    X(KV, "kv") X(CMID, "cmid") X(CMDE, "cmde") X(CMSC, "cmsc")
enum reg_attr {
#define X(name, text) REG_ATTR_##name,
    REG_ATTR_NAMES(X)
#undef X
    REG_ATTR_COUNT
};

const char *reg_attr_name(enum reg_attr a); /* short name: "adfq" */
const char *reg_attr_root(uint32_t ty);     /* "m2m:macr"; "" for a number that is none of these */

#endif
