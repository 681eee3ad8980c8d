/*
 * Resource types of the Mmaf interface: which attribute may stand in a CREATE, and how it is read [CHOICE-64]. Numbers and
 * short names are in wire/maf_attr.c. The body of TS-0032 could not be read; if it is found, these two tables are what changes.
 */
#ifndef KEYSTEAD_ROLE_MAF_MAF_TYPES_H
#define KEYSTEAD_ROLE_MAF_MAF_TYPES_H

#include "role/emit.h"
#include "role/rec.h"
#include "wire/maf_attr.h"

enum { MAF_TYPES_CLIENT_REG = MAF_ATTR_TY_CLIENT_REG, MAF_TYPES_KEY_REG = MAF_ATTR_TY_KEY_REG };

#define MAF_TYPES_LABEL_MAX 64

const char *maf_types_name(enum maf_attr a); /* short name: "adfq" */
const char *maf_types_root(uint32_t ty);     /* "m2m:macr", "m2m:skr" */

/* A CREATE's content; views into the JSON value. */
struct maf_content {
    bool has[MAF_ATTR_COUNT];
    usec_t et;
    struct rec_list lbl;
    struct text adfq;
    unsigned suid;
    struct rec_list tgis;
    struct secret kv;
};

/*
 * {"ROOT": {...}} with every attribute allowed, of its type, and none missing. ERR_MISSING, ERR_UNKNOWN_ATTRIBUTE,
 * ERR_ATTRIBUTE_TYPE (4000), ERR_CONTENTS (an attribute that only the MAF sets, or an et that has passed: 4102 [CHOICE-56]),
 * ERR_MALFORMED_SUID. `detail` names the attribute.
 */
MUST_USE err_t maf_types_parse(uint32_t ty, json_t *pc, usec_t now, struct maf_content *out,
                               char detail[static ROLE_DETAIL_MAX]);
void maf_types_wipe(struct maf_content *c);

void maf_types_emit_list(struct emit *e, enum maf_attr a, const struct rec_list *l); /* nothing if it is empty */

#endif
