/*
 * The door of a DTLS listener: whoever has not shown that it receives what is sent to its address gets a cookie and
 * leaves nothing behind (RFC 6347 4.2.1). A pure function over one datagram: no table, no allocation, no OpenSSL.
 */
#ifndef KEYSTEAD_SHELL_COOKIE_H
#define KEYSTEAD_SHELL_COOKIE_H

#include "base/err.h"
#include "crypto/crypto.h"

#define COOKIE_SECRET 32
#define COOKIE_ANSWER_MAX 64
#define COOKIE_RANDOM 32

struct cookie_door {
    const struct crypto *crypto;
    uint8_t secret[COOKIE_SECRET]; /* of this process; the key of each minute is derived from it */
};

struct cookie_hello {
    struct bytes random; /* tells a repeated ClientHello from another one; a view of the datagram */
};

enum cookie_verdict {
    COOKIE_OTHER,  /* not a whole ClientHello in the clear: only an existing session can make something of it */
    COOKIE_VERIFY, /* a ClientHello without a valid cookie: *answer is the HelloVerifyRequest, shorter than the hello */
    COOKIE_ADMIT   /* with a valid one: *hello is set */
};

MUST_USE err_t cookie_init(struct cookie_door *d, const struct crypto *crypto);
void cookie_wipe(struct cookie_door *d);
/* `peer`: address and port, in any one form. `now`: any clock that all calls share. */
enum cookie_verdict cookie_judge(const struct cookie_door *d, struct bytes peer, struct bytes datagram, usec_t now,
                                 struct cookie_hello *hello, struct writer *answer);

#endif
