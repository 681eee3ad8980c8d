/*
 * A role as small as one can be, so that tests of the shell see the shell: a word of the configuration, notes in the
 * store, one key, and a handler for everything that can go wrong.
 *
 *   GET /word            the configured word                   GET /note/NAME    what was stored
 *   GET /big             300,000 octets                        POST /note (ty 3) {"n":{"name":...}} stores; From is
 * kept GET /denied          an audited refusal                    POST /export (ty 4) takes the session's export GET
 * /key             base64 key, for certificates only
 */
#ifndef KEYSTEAD_TEST_TINY_ROLE_H
#define KEYSTEAD_TEST_TINY_ROLE_H

#include "role/role.h"

#define TINY_FQDN "tiny.keystead.test"
#define TINY_KEY "a made-up key of thirty-two bytes"
#define TINY_DEV "dev@" TINY_FQDN                    /* known */
#define TINY_KEEP "keep@" TINY_FQDN                  /* known; established stores a note "kept" */
#define TINY_FAIL "fail@" TINY_FQDN                  /* known; established fails with store-full */
#define TINY_ASK "ask@" TINY_FQDN                    /* the key is asked of the server itself */
#define TINY_ASK_DEAD "ask@dead.keystead.test"       /* of a peer that never answers */
#define TINY_ASK_FOREIGN "ask@foreign.keystead.test" /* of a peer that is not configured */

extern const struct role tiny_role;

#endif
