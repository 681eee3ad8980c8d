/* What a handshake with a pre-shared key begins with: the identity that the client sent, and what it agreed on. */
#ifndef KEYSTEAD_ROLE_HELLO_H
#define KEYSTEAD_ROLE_HELLO_H

#include "base/text.h"

/* What a client said of itself with a pre-shared key. */
struct role_hello {
    struct text identity;
    uint16_t suite; /* that the hellos agreed on: the keys of GBA depend on it */
};

/* The same, when the identity is a B-TID: Ua of GBA [TS 33.222 5.4]. */
struct role_ua {
    struct text b_tid;
    uint16_t suite;
    bool of_card; /* Ks_int_NAF, which stays in the card, is meant */
};

#endif
