/*
 * MEF client commands [TS-0003 8.3.9] by client "/" cmdID. Ids are time-ordered, so a scan of a client gives its commands in the
 * order in which they were added. A command belongs to the client, not to one registration: it waits for a client that is yet
 * to register, and outlives a registration that ends before it was done.
 */
#ifndef KEYSTEAD_ROLE_MEF_REC_CMD_H
#define KEYSTEAD_ROLE_MEF_REC_CMD_H

#include "role/reg/rec_client.h"
#include "wire/mefcmd.h"

#define REC_CMD_KEPT 64 /* of one client, the done ones included: those make room, oldest first */
#define REC_CMD_ARGS_MAX 2048
#define REC_CMD_KEY_MAX (REC_CLIENT_NAME_MAX + MEFCMD_ID_MAX)

enum rec_cmd_state { REC_CMD_WAITING, REC_CMD_ISSUED, REC_CMD_DONE, REC_CMD_CANCELLED, REC_CMD_STATES };

struct rec_cmd {
    char id[MEFCMD_ID_MAX];
    char client[REC_CLIENT_NAME_MAX];
    uint8_t class_id;
    uint8_t state;
    uint8_t status_high, status_low; /* cmdStatusCode that the client reported; 0: none */
    char target[M2MID_MAX];          /* targetID, or empty */
    struct text args;                /* JSON text; a view */
    usec_t added;
    usec_t issued; /* for the first time; 0: not yet */
    usec_t ended;  /* done or cancelled */
};

MUST_USE err_t rec_cmd_write(const struct rec_cmd *c, struct writer *w);
MUST_USE err_t rec_cmd_parse(struct bytes b, struct rec_cmd *out);
MUST_USE err_t rec_cmd_put(struct txn *t, const struct rec_cmd *c, enum store_put mode);
MUST_USE err_t rec_cmd_del(struct txn *t, const struct rec_cmd *c);
MUST_USE err_t rec_cmd_get(struct txn *t, const char *client, struct text id, struct rec_cmd *out); /* ERR_NOT_FOUND */
unsigned rec_cmd_status(const struct rec_cmd *c);
const char *rec_cmd_state_name(const struct rec_cmd *c);

/* All of a client, oldest first. */
struct rec_cmd_list {
    struct rec_cmd_brief {
        char id[MEFCMD_ID_MAX];
        uint8_t state;
    } at[REC_CMD_KEPT];
    size_t n;
    size_t prefix;
    err_t err;
};
MUST_USE err_t rec_cmd_list(struct txn *t, const char *client, struct rec_cmd_list *out);
/* The one that is issued, else the first that waits; NULL: none. */
const struct rec_cmd_brief *rec_cmd_current(const struct rec_cmd_list *l);

#endif
