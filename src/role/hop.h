/* Where a request goes on to: the next CSE on the way to the one that it is for, and From as that one is told it. */
#ifndef KEYSTEAD_ROLE_HOP_H
#define KEYSTEAD_ROLE_HOP_H

#include "wire/m2mid.h"

struct hop {
    char peer[256]; /* FQDN of a [peer]; empty: to `url` */
    char url[512];  /* a point of access that the operator listed; the path of the request follows */
    bool whole;     /* the URL is all: no path follows, and a 2xx without X-M2M-RSC is a yes, as applications give it */
    char from[M2MID_MAX];
};

#endif
