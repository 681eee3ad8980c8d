/*
 * Keystead's device library: the derivations, identifiers and message bodies by which a oneM2M device enrols with an
 * M2M Enrolment Function (MEF), gets a connection key by way of an M2M Authentication Function (MAF) and registers with a
 * CSE. The caller brings its TLS stack and an HMAC-SHA-256; the library computes, and never talks to anybody.
 *
 *   1. TLS 1.2 with the MEF, psk_identity KpmId, key Kpm [TS-0003 8.3.2.1]. Export 48 octets with
 *      KEYSTEAD_LABEL_BOOTSTRAP, no context (RFC 5705):            keystead_ke() gives Ke and KeId.
 *   2. keystead_km() gives Km.  TLS with the MAF, psk_identity KeId, key Km:
 *      POST /- of type KEYSTEAD_TY_CLIENT_REGISTRATION with        keystead_body_client_registration()
 *      The answer gives the KmId to use from now on:               keystead_client_registered()
 *   3. A new TLS session with the MAF, psk_identity KmId, key Km:
 *      POST /RESOURCE of type KEYSTEAD_TY_KEY_REGISTRATION with    keystead_body_key_registration()
 *      Export 48 octets with KEYSTEAD_LABEL_CONNECTION:            keystead_kc() gives Kc and KcId;
 *      the answer must agree with it:                              keystead_key_registered()
 *   4. TLS with the CSE, psk_identity KcId, key Kc:
 *      POST /- of type KEYSTEAD_TY_AE with                         keystead_body_ae()
 *      POST /-/AE/CONTAINER of type KEYSTEAD_TY_CONTENT with       keystead_body_content()
 *   Without a MAF: keystead_kpsa() at both ends takes the place of 2 and 3 [TS-0003 8.2.2.1].
 *
 * Ownership: every pointer is borrowed for the call; every output is the caller's memory. Nothing is allocated, there is
 * no global state, so that any number of threads may call. At most 2.5 KiB of stack beyond the callbacks. Outputs that hold keys are empty
 * (zeros) when a call fails, and the caller's to wipe: keystead_wipe(). Texts are UTF-8 with a terminating NUL.
 * Times are seconds since 1970-01-01T00:00:00Z, up to the end of the year 9999.
 */
#ifndef KEYSTEAD_KEYSTEAD_H
#define KEYSTEAD_KEYSTEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KEYSTEAD_API __attribute__((visibility("default")))
#define KEYSTEAD_CHECK __attribute__((warn_unused_result))

#define KEYSTEAD_KEY_LEN 32     /* octets of Ke, Km, Kc, Kpsa */
#define KEYSTEAD_EXPORT_LEN 48  /* octets to export from a session [TS-0003 10.3.1] */
#define KEYSTEAD_ID_MAX 256     /* octets of an identifier with its NUL */
#define KEYSTEAD_RESOURCE_MAX 64

#define KEYSTEAD_LABEL_BOOTSTRAP "EXPORTER-oneM2M-Bootstrap"
#define KEYSTEAD_LABEL_CONNECTION "EXPORTER-oneM2M-Connection"

/* The `ty` of a CREATE (HTTP: Content-Type: application/json;ty=N). */
#define KEYSTEAD_TY_AE 2
#define KEYSTEAD_TY_CONTENT 4
#define KEYSTEAD_TY_CLIENT_REGISTRATION 60002
#define KEYSTEAD_TY_KEY_REGISTRATION 60003

typedef enum keystead_result {
    KEYSTEAD_OK = 0,
    KEYSTEAD_BAD_ARGUMENT, /* NULL, or a time out of range */
    KEYSTEAD_BAD_ID,       /* not an identifier of the form that the function asks for, or not ASCII without an nfkc callback */
    KEYSTEAD_BAD_SUID,     /* not a Security Usage Identifier [TS-0004 6.3.4.2.39] */
    KEYSTEAD_TOO_LONG,     /* the identifier, or the body for the given buffer */
    KEYSTEAD_BAD_ANSWER,   /* the peer's answer is malformed, has expired or is not about what was asked */
    KEYSTEAD_CRYPTO        /* a callback failed */
} keystead_result;

typedef struct keystead_octets {
    const uint8_t *p;
    size_t n;
} keystead_octets;

/* Callbacks: 0 is success. `ctx` is given back as it is. */
typedef struct keystead_crypto {
    /* HMAC-SHA-256 over `count` parts, one after another; keys have 32 octets. */
    int (*hmac_sha256)(void *ctx, keystead_octets key, const keystead_octets *parts, size_t count, uint8_t out[32]);
    /* Unicode NFKC of n octets of UTF-8 into out; *written octets of cap. NULL: identifiers must be ASCII, where NFKC changes
     * nothing [TS-0003 10.3.2]. */
    int (*nfkc)(void *ctx, const char *in, size_t n, char *out, size_t cap, size_t *written);
    void *ctx;
} keystead_crypto;

typedef struct keystead_key {
    uint8_t b[KEYSTEAD_KEY_LEN];
} keystead_key;

typedef struct keystead_id {
    char z[KEYSTEAD_ID_MAX];
} keystead_id;

/* -- keys ------------------------------------------------------------------------------------------------ */

/* Ke and KeId from the session with the MEF `mef_fqdn` [TS-0003 10.3.1, 10.3.4]. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_ke(const uint8_t exported[KEYSTEAD_EXPORT_LEN], const char *mef_fqdn,
                                                        keystead_key *ke, keystead_id *ke_id);

/* Km for the MAF `maf_fqdn`: the published text, SUID 21 [TS-0003 10.3.7, 8.8.2.3]. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_km(const keystead_crypto *c, const keystead_key *ke,
                                                        const char *maf_fqdn, keystead_key *km);

/* Km of the older text, for an MEF credential of the profile `seed` [TS-0003 10.3.2]. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_km_seed(const keystead_crypto *c, const keystead_key *ke,
                                                             const char *maf_fqdn, keystead_key *km);

/* Kpsa with the CSE or AE `target`, an absolute identifier: //sp.example.com/in [TS-0003 10.3.3]. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_kpsa(const keystead_crypto *c, const keystead_key *ke,
                                                          const char *target, keystead_key *kpsa);

/* The key of one usage (SUID 10 .. 45) with the host `target_fqdn` [TS-0003 10.3.7]. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_usage_key(const keystead_crypto *c, const keystead_key *ke,
                                                               unsigned suid, const char *target_fqdn, keystead_key *key);

/* Kc and its Key Identifier from the session with the MAF `maf_fqdn` [TS-0003 8.8.2.7, 10.3.5]. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_kc(const uint8_t exported[KEYSTEAD_EXPORT_LEN], const char *maf_fqdn,
                                                        keystead_key *kc, keystead_id *kc_id);

/* Zeros that the compiler does not leave out. p may be NULL. */
KEYSTEAD_API void keystead_wipe(void *p, size_t n);

/* -- bodies of requests: JSON with a terminating NUL ---------------------------------------------------------- */

typedef struct keystead_buffer {
    char *p;
    size_t cap;
    size_t n; /* set by the call: octets of the body, without the NUL; 0 if it failed */
} keystead_buffer;

/* MAF client registration [TS-0003 8.8.2.3]. `admin_fqdn` is the administrating stakeholder: the service provider. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_body_client_registration(keystead_buffer *out, int64_t expires,
                                                                              const char *admin_fqdn);

/* MAF key registration of a Kc for `target`, an absolute CSE-ID or AE-ID [TS-0003 8.8.2.7]. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_body_key_registration(keystead_buffer *out, int64_t expires,
                                                                           const char *admin_fqdn, const char *target);

/* A new expiry of the client's own registration (UPDATE of "/RESOURCE") or, `key`, of Kc ("/-/" and the left part of its
 * identifier) [TS-0003 8.8.2.5, 8.8.2.9]. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_body_update(keystead_buffer *out, bool key, int64_t expires);

/* AE registration [TS-0001 10.2.2.2]. `app_id` begins with N, R or r; `reachable`: the CSE may send requests to the AE. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_body_ae(keystead_buffer *out, const char *app_id, bool reachable);

/* A contentInstance [TS-0004 7.4.7]; `content` is any UTF-8 text and is escaped as JSON asks. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_body_content(keystead_buffer *out, const char *content);

/* -- answers ----------------------------------------------------------------------------------------------- */

typedef struct keystead_registration {
    char resource[KEYSTEAD_RESOURCE_MAX]; /* path of the key registration: "/" and this */
    keystead_id km_id;                    /* psk_identity from now on; empty: KeId remains it (profile `seed`) */
    int64_t expires;
} keystead_registration;

/*
 * `body`: n octets of the answer to the client registration (RSC 2001). Takes what TS-0003 8.3.9.9.5 has the client
 * check: expiry after `now`, the same `admin_fqdn`. Strings in it must be free of \uXXXX escapes.
 */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_client_registered(keystead_octets body, int64_t now,
                                                                       const char *admin_fqdn, keystead_registration *out);

typedef struct keystead_key_request { /* what was asked for, and the KcId that the own export gave */
    const char *admin_fqdn;
    const char *target;
    const keystead_id *kc_id;
} keystead_key_request;

/* The same for the key registration. If it fails, Kc must not be used: the MAF may hold another. *expires is Kc's. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_key_registered(keystead_octets body, int64_t now,
                                                                    const keystead_key_request *asked, int64_t *expires);

/* The same for an update (RSC 2004): *expires as the MAF took it; *km_id is the psk_identity from now on, or empty if it stays. */
KEYSTEAD_API KEYSTEAD_CHECK keystead_result keystead_updated(keystead_octets body, bool key, int64_t now, int64_t *expires,
                                                             keystead_id *km_id);

#ifdef __cplusplus
}
#endif

#endif
