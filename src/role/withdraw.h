/*
 * Credentials that were revoked, suspended or given back. Every such act is a numbered line of a log in the store: workers
 * look at its last number to end live associations, and those who were handed keys read on in it from where they stood
 * (GET /withdrawn/CURSOR): so a notice cannot be lost, and one that is read twice does no harm.
 */
#ifndef KEYSTEAD_ROLE_WITHDRAW_H
#define KEYSTEAD_ROLE_WITHDRAW_H

#include "role/role.h"

#define WITHDRAW_PATH "/withdrawn/"
#define WITHDRAW_NUMBER_LEN 16 /* hexadecimal digits */
#define WITHDRAW_CURSOR_MAX (WITHDRAW_NUMBER_LEN + 1 + 2 * KEYS_RELATIVE_LEN + 1) /* number, or number "." RelativeKeyID */

struct withdraw_kind {
    const char *role;
    enum store_table log;
    bool hands_out; /* keys, to others that are to be told */
    enum store_table handed;
    bool reassigns; /* a line may withdraw what came from a credential up to then, and the credential goes on */
};
extern const struct withdraw_kind withdraw_mef, withdraw_maf, withdraw_cse;

struct withdraw_what {
    struct text credential; /* in any spelling */
    uint8_t standing;       /* its new one */
    usec_t not_after;       /* no key that came from it lives longer */
    struct text target;     /* only of the keys that were handed out for this Enrolment Target; empty: of all */
    struct text relative;   /* only of this key; empty: of all */
};
/* One line for one thing: a later one takes the place of the former. Without a key that was handed out there is nothing to
 * tell, and no line. */
MUST_USE err_t withdraw_note(const struct withdraw_kind *k, struct txn *t, const struct withdraw_what *what, usec_t now);
/* Number of the last line; 0: there is none. */
MUST_USE err_t withdraw_last(const struct withdraw_kind *k, struct txn *t, uint64_t *out);

struct withdraw_handed { /* a key that came from `credential` goes to who asks for it */
    struct text credential;
    struct text relative; /* RelativeKeyID, hexadecimal; its authority is ours */
    struct text target;   /* Enrolment Target of the instruction that it goes out by; empty: there is none */
    usec_t not_after;
};
MUST_USE err_t withdraw_handed(const struct withdraw_kind *k, const struct request *rq, struct txn *t,
                               const struct withdraw_handed *h);

/* Answers GET /withdrawn/CURSOR with what concerns keys of who asks; From was compared with the association. */
MUST_USE err_t withdraw_serve(const struct withdraw_kind *k, const char *fqdn, const struct request *rq, struct txn *t,
                              struct response *rs);
MUST_USE err_t withdraw_cursor_check(struct text cursor);

#endif
