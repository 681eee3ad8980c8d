/*
 * A vector of AKA that a role needs of a subscriber database of others (Zh), between a handler that runs in the writer and the shell.
 * The handler stages what holds whatever the answer is, succeeds with response.vector filled in, and is called again with the
 * same request and request.vector, in a later transaction; nobody else waits meanwhile. Which database: the rows `subscribers`
 * and the like in the section of the role.
 */
#ifndef KEYSTEAD_ROLE_VECTOR_H
#define KEYSTEAD_ROLE_VECTOR_H

#include "aka/aka_auc.h"

struct vector_question {
    bool asked;        /* false: there is no question */
    struct impi impi;
    bool resync;       /* with RAND and AUTS of the card */
    struct aka_rand rand;
    struct aka_auts auts;
    usec_t guss_made;  /* the timestamp of the settings that are here: an HSS that has no others leaves them out; 0: send them */
    bool stale;        /* the role's own: handed back with the answer */
};

struct vector_answer {
    const struct vector_question *question;
    err_t err;                       /* as in shell/zh.h */
    const struct aka_vector *vector; /* if ERR_OK */
    struct bytes guss;               /* XML, or empty: those that are here, or none */
};

#endif
