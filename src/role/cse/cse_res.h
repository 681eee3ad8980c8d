/*
 * A resource as one record: a small binary header that decisions read, and its JSON text ready to send but for the
 * members that change often (lt, st, cni, cbs), which are appended from the header. A RETRIEVE needs no JSON work, and a new
 * contentInstance changes only the header of its container.
 *
 * Every resource has a node, an identifier of our own that is never used twice. Children point at (parent ri, parent node),
 * and the name and child indexes hang on the node: deleting a resource deletes its own records only, its descendants
 * become unreachable at once, and cse_sweep collects them later. A new AE with an old stem does not meet old children.
 */
#ifndef KEYSTEAD_ROLE_CSE_CSE_RES_H
#define KEYSTEAD_ROLE_CSE_CSE_RES_H

#include "role/cse/cse_ctx.h"
#include "role/cse/types.h"

#define CSE_RES_ACPI_MAX 16
#define CSE_RES_UID_LEN 24   /* 14 hexadecimal digits of microseconds, 10 random */
#define CSE_RES_DEPTH_MAX 32
#define CSE_RES_JSON_MAX (511U << 10) /* with the tail it fits into an answer: what is kept can be retrieved */

struct cse_uid {
    char z[CSE_RES_UID_LEN + 1];
};

struct cse_res {
    const struct types_row *type;
    struct text ri, node, rn;
    struct text pi, pnode;   /* parent; empty for the CSEBase */
    struct text creator;     /* absolute */
    struct text credential;  /* AE: the Credential-ID it registered with; empty outside an association */
    struct text counted;     /* AEAnnc: the CSE in whose number it is, absolute; empty: the creator (cse_tally.h) */
    usec_t ct, lt, et;       /* et USEC_NEVER: never */
    uint64_t st;
    uint64_t number;         /* contentInstance: its place in the container */
    uint64_t size;           /* contentInstance: contentSize */
    uint64_t cni, cbs, mni, mbs, mia; /* container; limits 0: none */
    uint64_t floor, swept;   /* container: instances below floor are gone, below swept also collected */
    bool watched;            /* it has, or has had, a subscription below it */
    bool announced;          /* it is, or was, announced elsewhere (cse_annc.h) */
    bool has_acpi;
    uint8_t acpi_n;
    struct text acpi[CSE_RES_ACPI_MAX]; /* resource identifiers of the policies */
    struct text json;        /* {"m2m:cnt":{"rn":"x",... without its end */
    uint64_t version;        /* of the record */
};

/* A new identifier, time-ordered (design section 7). */
MUST_USE err_t cse_res_uid(const struct cse *cse, usec_t now, struct cse_uid *out);

void cse_res_write(const struct cse_res *r, struct writer *w);
MUST_USE err_t cse_res_parse(struct bytes b, struct cse_res *out); /* views; ERR_MALFORMED_RECORD */

/* ERR_NOT_FOUND also if it is past its expirationTime. Views live in the arena of the transaction. */
MUST_USE err_t cse_res_get(struct txn *t, struct text ri, usec_t now, struct cse_res *out);
/* The parent, if the child still hangs on it: ERR_NOT_FOUND for an orphan. */
MUST_USE err_t cse_res_parent(struct txn *t, const struct cse_res *child, usec_t now, struct cse_res *out);
/* The child of this name, or ERR_NOT_FOUND. */
MUST_USE err_t cse_res_child(struct txn *t, const struct cse_res *parent, struct text rn, usec_t now,
                             struct cse_res *out);

/* Stages the record, and for a new one also its name and its place among the children. */
MUST_USE err_t cse_res_put(struct txn *t, const struct cse_res *r);
MUST_USE err_t cse_res_add(struct txn *t, const struct cse_res *r);
/* Stages its place among the children again: r->announced has changed. */
MUST_USE err_t cse_res_list(struct txn *t, const struct cse_res *r);
/* Stages the removal of its own records. */
MUST_USE err_t cse_res_remove(struct txn *t, const struct cse_res *r);

/* A text of a header, in memory of the transaction. */
MUST_USE err_t cse_res_keep(struct txn *t, struct text in, struct text *out);
/* The text of r->json from header and attributes, in memory of the transaction. */
MUST_USE err_t cse_res_render(struct txn *t, struct cse_res *r, const json_t *attrs);
/* The whole representation: text and tail. */
void cse_res_emit(const struct cse_res *r, struct writer *w);
/* Only {"rn":... of it, an object that is not closed yet. */
void cse_res_emit_open(const struct cse_res *r, struct writer *w);
/* The given attributes back out of the text; the caller owns *out. */
MUST_USE err_t cse_res_attrs(struct txn *t, const struct cse_res *r, json_t **out);

/* -- the child index ---------------------------------------------------------------------------------- */
struct cse_child {
    struct text ri, rn;
    uint32_t ty;
    bool announced; /* its node is its ri, as of everything that is swept */
    uint64_t number, size;
    usec_t et;
};
#define CSE_CHILD_KEY_MAX 80
/* node / type / place; a shorter key is a prefix of the longer ones: ty 0 ends after the node, no place after the type. */
MUST_USE err_t cse_res_child_key(struct writer *w, struct text node, uint32_t ty, struct text place);
struct text cse_res_place(const struct cse_res *r, char out[static CSE_RES_UID_LEN + 1]);
MUST_USE err_t cse_res_child_parse(struct bytes value, struct cse_child *out);
/* Stages the removal of a child by what the index says of it. */
MUST_USE err_t cse_res_child_remove(struct txn *t, struct text node, struct bytes key, const struct cse_child *c);

#endif
