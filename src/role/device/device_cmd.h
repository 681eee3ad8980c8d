/*
 * The client's side of MEF client commands as a sans-IO engine [TS-0003 8.3.9]: registration at the MEF, Retrieve, processing
 * a to d of 9.10.4, Update, until NO_MORE_COMMANDS. What needs I/O comes out as a request or as an order.
 *
 *     device_cmd_start(&c, &state, &self, tree);
 *     while ((step = device_cmd_next(&c)) != DEVICE_CMD_END) {
 *         DEVICE_CMD_REQUEST: send c.request to the MEF, give the answer to device_cmd_answer()
 *         DEVICE_CMD_EXECUTE: carry c.order out, give its status to device_cmd_done()
 *         ... save the state before the next step: what was done is not done again when the Update is lost ...
 *     }
 */
#ifndef KEYSTEAD_ROLE_DEVICE_DEVICE_CMD_H
#define KEYSTEAD_ROLE_DEVICE_DEVICE_CMD_H

#include "role/role.h"
#include "wire/mefcmd.h"

#define DEVICE_CMD_REGISTRATION_MAX 64

/* What lasts between two runs. */
struct device_cmd_state {
    char registration[DEVICE_CMD_REGISTRATION_MAX]; /* MEFClientRegID; empty: none */
    char done[MEFCMD_ID_MAX];                       /* the command last processed, and what came of it */
    unsigned done_status;
    char sent[MEFCMD_ID_MAX]; /* cmdID of the last Update that was answered (9.10.4 b) */
    usec_t retry_at;          /* 0: no timer runs */
};

enum device_cmd_kind { DEVICE_CMD_NODE, DEVICE_CMD_CSE, DEVICE_CMD_AE }; /* in what the client lives (9.10.9) */

struct device_cmd_self {
    const char *mef_fqdn;
    const char *admin_fqdn;
    enum device_cmd_kind kind;
    usec_t until; /* expirationTime of a registration */
};

/* What only the shell can do. */
enum device_cmd_job {
    DEVICE_CMD_NOTHING,    /* this device cannot: the class's status of failure */
    DEVICE_CMD_EST,        /* certificate by EST, for order.subject */
    DEVICE_CMD_LOCAL_KEY,  /* is there a key named symmKeyID? */
    DEVICE_CMD_LOCAL_CERT, /* is there a certificate with myCertFingerprint, and its private key? */
    DEVICE_CMD_ANCHOR,     /* is there a certificate with certFingerprint? */
    DEVICE_CMD_MAF_CLIENT, /* registration at the MAF of order.node */
    DEVICE_CMD_MAF_KEY,    /* the same, and registration of the connection key */
    DEVICE_CMD_USE_KEY,    /* registration of a key for order.suid, at the MAF or MEF of order.node */
};

struct device_cmd_order {
    enum device_cmd_job job;
    unsigned failure;        /* status if it fails on this side; EST: 100 if the MEF is to blame */
    char subject[M2MID_MAX];
    const json_t *node;      /* of the tree; its MAFClientRegCfg or MEFClientRegCfg where something is registered */
    const json_t *profile, *parent; /* USE_KEY: the authenticationProfile, and what it stands under */
    unsigned suid;
};

struct device_cmd_request {
    enum op op;
    uint32_t ty;
    char path[DEVICE_CMD_REGISTRATION_MAX + 8];
    char body[512];
};

enum device_cmd_step { DEVICE_CMD_END, DEVICE_CMD_REQUEST, DEVICE_CMD_EXECUTE };
enum device_cmd_phase {
    DEVICE_CMD_P_REGISTER, DEVICE_CMD_P_FIND, DEVICE_CMD_P_RETRIEVE, DEVICE_CMD_P_EXECUTE, DEVICE_CMD_P_UPDATE,
    DEVICE_CMD_P_END
};

struct device_cmd {
    struct device_cmd_state *state;
    const struct device_cmd_self *self;
    const json_t *tree; /* management objects, or NULL */
    enum device_cmd_phase phase;
    struct device_cmd_request request;
    struct device_cmd_order order;
    char id[MEFCMD_ID_MAX];
    unsigned class_id;
    unsigned status;    /* of the Update to come, and then of the last one */
    unsigned processed; /* commands in this run */
    char detail[ROLE_DETAIL_MAX];
};

void device_cmd_start(struct device_cmd *c, struct device_cmd_state *state, const struct device_cmd_self *self,
                      const json_t *tree);
MUST_USE err_t device_cmd_next(struct device_cmd *c, enum device_cmd_step *out);
/* `outcome`: ERR_OK, or the MEF's refusal. ERR_PEER_NONSENSE: the answer cannot be read, the run stops (9.10.4 a). */
MUST_USE err_t device_cmd_answer(struct device_cmd *c, usec_t now, err_t outcome, struct bytes body);
void device_cmd_done(struct device_cmd *c, unsigned status);

/* -- device_mo.c: the tree of management objects: path -> attributes ------------------------------------------------- */
/* What MO_NODE with these arguments comes to: a status, or 0 and an order. */
unsigned device_mo_judge(const json_t *tree, const struct mefcmd_args *a, struct device_cmd_order *out);
/* Is it a tree: paths, known definitions, attributes of their types? ERR_MALFORMED_JSON, detail names path and attribute. */
MUST_USE err_t device_mo_check(const json_t *tree, char detail[static ROLE_DETAIL_MAX]);

#endif
