/*
 * MEF client commands on the wire, for both ends: classes, status codes and arguments as rows [TS-0003 8.3.9]. Short names
 * of cmdDescription and below are nowhere defined that could be read, so members have the names of the standard's types
 * (misspelt as it has them), and cmdID, cmdDescription, cmdStatusCode those of wire/reg_attr.h [CHOICE-63].
 */
#ifndef KEYSTEAD_WIRE_MEFCMD_H
#define KEYSTEAD_WIRE_MEFCMD_H

#include "wire/emit.h"

#include <jansson.h>

#define MEFCMD_ID_MAX 65 /* [A-Za-z0-9._-]{1,64} [CHOICE-60] */

enum mefcmd_class {
#define MEFCMD_CLASS(name, number, member, called) MEFCMD_##name = (number),
#include "wire/mefcmd_rows.h"
#undef MEFCMD_CLASS
    MEFCMD_CLASSES
};

enum mefcmd_status {
    MEFCMD_STATUS_NONE = 0,
#define MEFCMD_STATUS(name, number, of, client, text) MEFCMD_STATUS_##name = (number),
#include "wire/mefcmd_rows.h"
#undef MEFCMD_STATUS
};

enum mefcmd_specific { MEFCMD_SPECIFIC_NONE, MEFCMD_SPECIFIC_SUID, MEFCMD_SPECIFIC_BAD };

/* What the arguments of any class say; texts are views into the JSON value. */
struct mefcmd_args {
    usec_t retry;                  /* NO_MORE: retryDuration */
    uint32_t protocol;             /* CERT_PROV: 1 EST, 2 SCEP. DEV_CFG: devMgmtID */
    struct text uri;               /* CERT_PROV, DEV_CFG */
    uint32_t subject_type;         /* CERT_PROV: 1 Node-ID, 2 CSE-ID, 3 AE-ID */
    struct text subject;           /* CERT_PROV */
    struct text path;              /* MO_NODE */
    uint32_t object_type;          /* MO_NODE: 1 authenticationProfile, 2 trustAnchorCred, 3 MAFClientRegCfg */
    enum mefcmd_specific specific; /* MO_NODE: objectTypeSpecifcArgs; whether they are as they must be is asked later (302) */
    uint32_t suid;
};

struct mefcmd {
    struct text id;
    uint32_t class_id;
    const json_t *args; /* cmdArgs, or NULL */
    struct text target; /* targetID, or empty [CHOICE-61] */
    uint32_t status;
};

const char *mefcmd_class_name(unsigned class_id);   /* as operators call it; NULL: no such class */
MUST_USE err_t mefcmd_class_parse(struct text called, unsigned *out);
const char *mefcmd_status_name(unsigned status);    /* NULL: no such code */
/* May a client report this code for a command of this class? */
bool mefcmd_status_fits(unsigned status, unsigned class_id);
bool mefcmd_id_is(struct text t);

/* Its arguments, all there and of their type, and nothing else; ERR_ATTRIBUTE_TYPE and the member at fault in *wrong. */
MUST_USE err_t mefcmd_args_parse(unsigned class_id, const json_t *inner, struct mefcmd_args *out, const char **wrong);
/* The one member of cmdArgs that this class has, or NULL. */
const json_t *mefcmd_args_of(unsigned class_id, const json_t *args);

/* cmid, cmde, cmsc; `args` is the JSON text of what stands inside the class's member. */
struct mefcmd_out {
    struct text id;
    unsigned class_id;
    struct text args;
    struct text target;
    unsigned status;
};
void mefcmd_write(struct emit *e, const struct mefcmd_out *c);
/* {"m2m:mecc":{...}} as a client gets it; ERR_PEER_NONSENSE. */
MUST_USE err_t mefcmd_parse(const json_t *pc, struct mefcmd *out);

/* xs:duration; a month counts 30 days and a year 365 */
MUST_USE err_t mefcmd_duration(struct text t, usec_t *out);

/* Host name of an absolute URI, without port; empty: it has none. */
struct text mefcmd_uri_host(struct text uri);

#endif
