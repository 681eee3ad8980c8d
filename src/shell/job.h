/*
 * A job: what a worker asks the writer to do and what comes back, as structs and as octets. Secrets are in both (an
 * exported key, a fetched one), so frames cross only the socket pair of the two processes and are wiped after use.
 */
#ifndef KEYSTEAD_SHELL_JOB_H
#define KEYSTEAD_SHELL_JOB_H

#include "role/role.h"

enum job_kind {
    JOB_REQUEST = 1,     /* a primitive: its octets, parsed again by the same codec */
    JOB_ESTABLISHED = 2, /* a handshake whose last flight is held */
    JOB_ANSWER = 3,      /* what another authority said about a key */
    JOB_CTL = 4,         /* an operator's command; never leaves the writer's process */
    JOB_HEARD = 6,       /* what another authority withdrew; never leaves the writer's process */
    JOB_TOLD = 8,        /* what became of an event of an outbox; never leaves the writer's process */
    JOB_NAMED = 9,       /* what a name server said; never leaves the writer's process */
    JOB_RETURNED = 7,    /* what came of an errand; never leaves the writer's process */
    JOB_REFUSED = 5      /* somebody known, or a certificate, was refused in the handshake: an event, and nothing else */
};

/* Which codec: the octets of a request are a message of HTTP/1.1, or a CoAP message put together from its blocks. */
enum job_binding { JOB_HTTP, JOB_COAP };

/* Frame: u32 length of what follows, then that. */
#define JOB_FRAME_HEAD 4
#define JOB_FRAME_MAX (18u << 20) /* the largest message a configuration allows, and its company */

/* Who was refused for what: the network address, as nobody was authenticated, and what tls_shown says, or the psk_identity. */
struct job_refusal {
    err_t why;
    bool key; /* `shown` is a psk_identity */
    char peer[64];
    char shown[AUDIT_TEXT_MAX];
};

/*
 * What a worker in the writer's process has made of the octets: views into them, and its content. A handler may change the
 * content, so it serves once; who runs the job again parses the octets.
 */
struct job_parsed {
    struct primitive prim;
    bool used;
};

struct job {
    enum job_kind kind;
    uint8_t role;
    uint64_t id; /* of who asked */
    usec_t now;
    union { /* by kind; small, for hundreds wait in one batch */
        struct { /* REQUEST, ESTABLISHED */
            const struct association *assoc; /* borrowed */
            struct keys_export exported;
            struct ipaddr ip;          /* and what follows of a REQUEST alone */
            enum job_binding binding;
            uint8_t verified;          /* primitive.verified */
            struct bytes octets;       /* borrowed */
            struct job_parsed *parsed; /* borrowed, never leaves the writer's process; or NULL */
            const struct vector_answer *vector; /* likewise */
        };
        struct { /* ANSWER, HEARD */
            const struct question *question; /* borrowed */
            struct answer answer;            /* its body, too */
        };
        struct job_refusal refusal;     /* REFUSED */
        const struct outbox_done *told; /* TOLD; borrowed */
        struct { /* RETURNED; borrowed */
            const struct errand *errand;
            const struct errand_answer *returned;
        };
        struct { /* NAMED; borrowed */
            const struct naming *named;
            err_t named_err;
        };
        struct { /* CTL; borrowed */
            const struct ctl_row *ctl;
            const void *ctl_ctx;
            const json_t *ctl_args;
        };
    };
};

/* What a parsed job borrows and a frame does not hold as it is. */
union job_room {
    struct association assoc;
    struct question question;
};

struct job_result {
    enum job_kind kind;
    uint64_t id;
    err_t err;
    char detail[ROLE_DETAIL_MAX];
    uint16_t rsc;                 /* REQUEST */
    enum media media;             /* REQUEST */
    struct bytes body;            /* REQUEST, CTL; borrowed */
    union {
        struct { /* REQUEST */
            char location[M2MID_MAX * 2];
            char headers[ROLE_HEADERS_MAX];
            char ati[ROLE_ATI_MAX];
        };
        struct { /* ESTABLISHED, ANSWER */
            struct association assoc;
            struct secret key;
        };
    };
    err_t why;                    /* RETURNED: it was in vain for this reason */
    bool more;                    /* HEARD: once more with the same answer */
    struct vector_question vector; /* REQUEST: .asked, this is no result yet; never leaves the writer's process */
};

/* All of its part empty. */
void job_init(struct job *j, enum job_kind kind, size_t role, usec_t now);
void job_wipe(struct job *j);
size_t job_room(const struct job *j); /* that its frame may need */
/* Of this job: not done yet, and nothing in it. */
void job_result_init(const struct job *j, struct job_result *r);
void job_result_wipe(struct job_result *r);

/* Appends one frame. Views of a parsed job or result point into the frame; *out borrows *room, too. */
void job_write(const struct job *j, struct writer *w);
MUST_USE err_t job_parse(struct bytes frame, union job_room *room, struct job *out);
void job_result_write(const struct job_result *r, struct writer *w);
MUST_USE err_t job_result_parse(struct bytes frame, struct job_result *out);

/* The first whole frame (without its head) at the start of `in`; *used = 0: more octets are needed. ERR_LIMIT_SIZE. */
MUST_USE err_t job_frame(struct bytes in, struct bytes *frame, size_t *used);

#endif
