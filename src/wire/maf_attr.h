/* Numbers and short names of the Mmaf interface's resources: the one place they stand in [CHOICE-63]. */
#ifndef KEYSTEAD_WIRE_MAF_ATTR_H
#define KEYSTEAD_WIRE_MAF_ATTR_H

#include "base/err.h"

enum { MAF_ATTR_TY_CLIENT_REG = 60002, MAF_ATTR_TY_KEY_REG = 60003 };

enum maf_attr {
    MAF_ATTR_RI,
    MAF_ATTR_RN,
    MAF_ATTR_TY,
    MAF_ATTR_PI,
    MAF_ATTR_CT,
    MAF_ATTR_LT,
    MAF_ATTR_ET,
    MAF_ATTR_LBL,
    MAF_ATTR_CR,
    MAF_ATTR_ADFQ,
    MAF_ATTR_ASKI,
    MAF_ATTR_SUID,
    MAF_ATTR_TGIS,
    MAF_ATTR_KV,
    MAF_ATTR_COUNT
};

const char *maf_attr_name(enum maf_attr a); /* short name: "adfq" */
const char *maf_attr_root(uint32_t ty);     /* "m2m:macr", "m2m:skr" */

#endif
