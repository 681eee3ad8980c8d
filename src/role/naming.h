/* An address record of the DNS that a role wants made or taken away, between the role (role.naming, role.named) and the shell
 * that asks the name server [RFC 2136]. */
#ifndef KEYSTEAD_ROLE_NAMING_H
#define KEYSTEAD_ROLE_NAMING_H

#include "wire/m2mid.h"

#define NAMING_ADDRESSES_MAX 128

enum naming_order { NAMING_NOTHING, NAMING_ADD, NAMING_REMOVE };

struct naming_server { /* views into the configuration */
    struct text at;       /* HOST:PORT */
    struct text zone;
    struct text key_name; /* of TSIG, hmac-sha256 */
    struct text key_file;
};

struct naming {
    enum naming_order order;
    struct naming_server server;
    struct m2mid name;     /* also how far the search got, if there is nothing to do */
    char addresses[NAMING_ADDRESSES_MAX]; /* IPv4 and IPv6, with commas between */
};

#endif
