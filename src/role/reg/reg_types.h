/*
 * Resource types of Mmaf and Mmef: which attribute may stand in a CREATE and in an UPDATE, and how it is read [CHOICE-64].
 * Numbers and short names are in wire/reg_attr.c. The body of TS-0032 could not be read; if it is found, these two tables are
 * what changes.
 */
#ifndef KEYSTEAD_ROLE_REG_REG_TYPES_H
#define KEYSTEAD_ROLE_REG_REG_TYPES_H

#include "role/emit.h"
#include "role/rec.h"
#include "wire/reg_attr.h"

#define REG_TYPES_LABEL_MAX 64

enum reg_form { REG_CLIENT_CREATE, REG_CLIENT_UPDATE, REG_KEY_CREATE, REG_KEY_UPDATE, REG_FORMS };

/* A request's content; views into the JSON value. */
struct reg_content {
    bool has[REG_ATTR_COUNT];
    usec_t et;
    struct rec_list lbl;
    struct text adfq;
    unsigned suid;
    struct rec_list tgis;
    struct secret kv;
};

/*
 * {"ROOT of ty": {...}} with every attribute allowed, of its type, and none missing; an UPDATE with at least one.
 * ERR_MISSING, ERR_UNKNOWN_ATTRIBUTE, ERR_ATTRIBUTE_TYPE (4000), ERR_CONTENTS (an attribute that the request must not have,
 * or an et that has passed: 4102 [CHOICE-56]), ERR_MALFORMED_SUID. `detail` names the attribute.
 */
MUST_USE err_t reg_types_parse(enum reg_form form, uint32_t ty, const struct request *rq, struct reg_content *out,
                               char detail[static ROLE_DETAIL_MAX]);
void reg_types_wipe(struct reg_content *c);

void reg_types_emit_list(struct emit *e, enum reg_attr a, const struct rec_list *l); /* nothing if it is empty */

#endif
