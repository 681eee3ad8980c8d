/* What has come of an answer so far, however its octets travel: of its headers those that oneM2M knows, and its body, bounded. */
#ifndef KEYSTEAD_SHELL_OUTBOUND_REPLY_H
#define KEYSTEAD_SHELL_OUTBOUND_REPLY_H

#include "shell/growing.h"
#include "shell/outbound.h"

struct outbound_reply {
    size_t head_n, body_max;
    bool useless; /* too large, or the answer to another question: it is read no further */
    unsigned status; /* HTTP */
    uint16_t rsc;
    uint64_t next;
    enum media media;
    struct growing body;
    char asked[M2MID_MAX]; /* the request identifier that was sent; empty: anything goes */
    char rqi[M2MID_MAX];
    char location[M2MID_MAX * 2];
};

void outbound_reply_begin(struct outbound_reply *r); /* of the last response, when there are several */
/* ERR_LIMIT_SIZE, ERR_PEER_NONSENSE: it is useless. */
MUST_USE err_t outbound_reply_header(struct outbound_reply *r, struct text name, struct text value);
/* An answer says which request it is for, or nothing of that (applications, SOAP) [TS-0001 8.1.3]. */
MUST_USE err_t outbound_reply_rqi(struct outbound_reply *r, struct text rqi);
MUST_USE err_t outbound_reply_body(struct outbound_reply *r, struct bytes part);

#endif
