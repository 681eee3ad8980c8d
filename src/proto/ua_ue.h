/*
 * Ua with HTTP Digest, the side of the device [TS 33.222 5.3, TS 24.109 5.2, RFC 7616]: a challenge in, Authorization out, and who may be
 * believed to have answered. One request to a challenge. Sans-IO; ua.h is the other side.
 */
#ifndef KEYSTEAD_PROTO_UA_UE_H
#define KEYSTEAD_PROTO_UA_UE_H

#include "proto/ua.h"

#define UA_UE_AGENT "keystead 3gpp-gba"
#define UA_UE_NONCE_MAX 512
#define UA_UE_CNONCE_LEN 16 /* octets */

struct ua_ue {
    const struct crypto *crypto;
    struct text host;  /* that is called: the NAF of this name and no other */
    struct text b_tid;
    enum digest_algorithm algorithm;
    bool integrity, stale;
    char realm[sizeof(UA_REALM) + GBA_FQDN_MAX], nonce[UA_UE_NONCE_MAX], opaque[UA_UE_NONCE_MAX];
    char cnonce[2 * UA_UE_CNONCE_LEN + 1], uri[DIGEST_TEXT_MAX];
    struct key_ha1 ha1;
};

void ua_ue_wipe(struct ua_ue *u);

/* ERR_UA_REALM, ERR_DENIED_UA_WEAK, and those of digest_parse(). Sets u->stale: only the nonce of the request before was wrong. */
MUST_USE err_t ua_ue_challenged(struct ua_ue *u, struct text challenge);

/* The value of Authorization for this request, with the key that belongs to realm and session. */
MUST_USE err_t ua_ue_request(struct ua_ue *u, const struct ua_message *m, const struct secret *naf_key, struct writer *authorization);

/* Did an owner of the key answer that request with this body? ERR_DENIED_NAF_PROOF: no, or it did not say (`info` is empty). */
MUST_USE err_t ua_ue_answered(const struct ua_ue *u, struct text info, struct bytes body);

#endif
