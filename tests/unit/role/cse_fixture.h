/* One IN-CSE over a memory store, and requests with everything a primitive can carry. */
#ifndef KEYSTEAD_TESTS_CSE_FIXTURE_H
#define KEYSTEAD_TESTS_CSE_FIXTURE_H

#include "role/cse/cse.h"
#include "role/outbox.h"
#include "world.h"

#define T0 (INT64_C(1700000000) * USEC_PER_SEC) /* 2023-11-14T22:13:20Z */
#define SECOND USEC_PER_SEC
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define DAY (24 * HOUR)
#define CSE_CONF "[cse]\nsp = sp.example.com\ncsi = /in\nname = cse-in\n"
/* A field CSE and the CSEs that it knows. */
#define WAY(name) "[peer " name ".sp.example.com]\nkind = cse\ncsi = /" name "\n"
#define MN "[cse]\nsp = sp.example.com\ncsi = /mn\nname = cse-mn\nkind = mn\nregistrar = in.sp.example.com\n"
#define MN_CONF MN WAY("in") WAY("deep")
#define KPSA "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define BODY_MAX (1u << 20)

struct cse_fixture {
    struct world w;
    struct world_node *cse;
    struct secret kpsa;
    struct world_reply r;
    struct world_session admin, a, b; /* Sadmin, Sa, Sb: bound to their AE-IDs */
    struct world_session plain;
    bool unverified; /* requests of those who would be sent messages by them (request.verified) ... */
    uint8_t verified; /* ... but for these */
    char *body;
    uint16_t rsc;
    uint64_t next; /* Content Offset */
    uint64_t read; /* octets of records that the last request read */
    struct role_wait wait;
    char location[M2MID_MAX * 2];
};

struct cse_call {
    struct world_session *s;
    enum op op;
    uint32_t ty;
    const char *to; /* as in the primitive: "cse-in/x", "/in/x", "//sp/in/x" */
    const char *from;
    const char *body;
    int rcn; /* 0: none; else rcn + 1, so that an absent member is "none" */
    uint32_t fu;
    usec_t expires; /* 0: never */
    const char *ip;
    const char *role; /* a Role-ID, or NULL */
    const char *query; /* filter criteria: "ty=3&lbl=x" */
    bool unsupported;
    bool again; /* it waited: served once more, read-only */
    bool final; /* and for the last time */
};

/* Configuration text, e.g. CSE_CONF "admin = Sadmin\nassociation = optional\n". */
void cse_fixture_init(struct cse_fixture *f, const char *conf);
void cse_fixture_free(struct cse_fixture *f);

err_t cse_fixture_add_key(struct cse_fixture *f, const char *id, const char *enrolee, const char *more);
void cse_fixture_connect(struct cse_fixture *f, const char *id, struct world_session *out);
/* Answer in f->body, f->rsc, f->location. */
err_t cse_fixture_call(struct cse_fixture *f, const struct cse_call *c);

/* Shorter, for the common cases. */
err_t cse_fixture_create(struct cse_fixture *f, struct world_session *s, const char *from, const char *to, uint32_t ty,
                         const char *body);
err_t cse_fixture_get(struct cse_fixture *f, struct world_session *s, const char *from, const char *to);
err_t cse_fixture_put(struct cse_fixture *f, struct world_session *s, const char *from, const char *to,
                      const char *body);
err_t cse_fixture_del(struct cse_fixture *f, struct world_session *s, const char *from, const char *to);

/* For tests that begin with two applications: app-a of Sa and app-b of Sb. Then a resource that Sa makes. */
int cse_fixture_setup(void **state);
int cse_fixture_teardown(void **state);
void cse_fixture_make(struct cse_fixture *f, const char *to, uint32_t ty, const char *body);

/* Fails the test with the reason and the answer. */
void cse_fixture_must(const struct cse_fixture *f, err_t e);

/* Member of the only object in the last body, as text (numbers in decimal, others as JSON); "" if absent. */
const char *cse_fixture_member(struct cse_fixture *f, const char *name);

/* The event that may be told next after the queue `after`, with its body; false: nothing waits. Then what became of it. */
struct cse_told {
    struct outbox_item item;
    char body[65536];
};
bool cse_fixture_waits(struct cse_fixture *f, const char *after, struct cse_told *out);
err_t cse_fixture_told(struct cse_fixture *f, const struct cse_told *x, enum outbox_outcome o);

/* The next errand of a lane, and the answer to it; rsc 0: the peer cannot be reached. What became of it. */
enum op cse_fixture_errand(struct cse_fixture *f, size_t lane, struct errand *out);
err_t cse_fixture_returned(struct cse_fixture *f, const struct errand *q, uint16_t rsc, const char *body);
/* A field CSE, /mn, that has no registration yet registers. */
void cse_fixture_joins(struct cse_fixture *f);

#define AE_BODY "{\"m2m:ae\":{\"api\":\"Napp\",\"rr\":false,\"srv\":[\"3\"]}}"
#define AE_NAMED(name) "{\"m2m:ae\":{\"rn\":\"" name "\",\"api\":\"Napp\",\"rr\":false,\"srv\":[\"3\"]}}"

#endif
