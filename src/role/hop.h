/* Where a request goes on to: the next CSE on the way to the one that it is for, and From as that one is told it. */
#ifndef KEYSTEAD_ROLE_HOP_H
#define KEYSTEAD_ROLE_HOP_H

#include "wire/m2mid.h"

struct hop {
    char peer[256]; /* FQDN of a [peer] */
    char from[M2MID_MAX];
};

#endif
