/*
 * An EST client [TS-0003 8.3.6.2]: cacerts, csrattrs and simpleenroll or simplereenroll in one TLS session with the MEF,
 * because the challengePassword is bound to it. Blocking; for the device.
 */
#ifndef KEYSTEAD_SHELL_EST_CLIENT_H
#define KEYSTEAD_SHELL_EST_CLIENT_H

#include "role/role.h"
#include "shell/client_tls.h"

struct est_client {
    struct client_tls tls; /* who we are, and who and where the MEF is: filled in by the caller */
    bool renew;            /* simplereenroll */
    const char *identity;  /* absolute AE-ID or CSE-ID that the certificate has to be for, or NULL: as the MEF has it */
    const char *key_file;  /* made if it is absent */
    const char *cert_file; /* replaced when all is well */
    const char *ca_file;   /* replaced */
    usec_t until;          /* clock_monotonic() at which to give up */
    char detail[ROLE_DETAIL_MAX];
};

/* A refusal by the MEF is its reason code where one came, else ERR_PEER_REFUSED. */
MUST_USE err_t est_client_run(struct est_client *c);

#endif
