/*
 * The keys of GBA: one C type a rung, one function a derivation [TS 33.220 4.5, 5.3, B; TS 24.109].
 *
 *   K --AKA--> CK, IK --join--> Ks --+--> Ks_NAF                    (GBA_ME)
 *                                    +--> Ks_ext_NAF, Ks_int_NAF    (GBA_U: Ks and Ks_int_NAF stay in the card)
 *   RES, or RES with CK and IK --> the Digest password of Ub;  Ks_(ext)_NAF --> that of Ua
 */
#ifndef KEYSTEAD_KEYS_KEYS_GBA_H
#define KEYSTEAD_KEYS_KEYS_GBA_H

#include "keys/gba_id.h"

struct key_res { struct secret s; };        /* RES or XRES: a password until it was used */
struct key_ck { struct secret s; };
struct key_ik { struct secret s; };
struct key_ks { struct secret s; };         /* Ke of the GBA framework */
struct key_ks_naf { struct secret s; };     /* GBA_ME */
struct key_ks_ext_naf { struct secret s; }; /* GBA_U, outside the card; the same formula as Ks_NAF */
struct key_ks_int_naf { struct secret s; }; /* GBA_U, inside the card */
struct key_answer { struct secret s; };     /* CK | IK | RES: what an open challenge waits for, as one value to seal */
struct key_rand { struct secret s; };       /* of a BSF: 16 octets, which tell its RANDs apart */
struct key_password { struct secret s; };   /* of HTTP Digest; may be empty (AUTS) */
struct key_ha1 { struct secret s; };        /* H(A1), as octets */

/* What every key of one NAF is derived with: RAND of the bootstrap, IMPI as the BSF authenticated it, NAF_Id. */
struct keys_ks_context {
    const struct aka_rand *rand;
    struct text impi; /* ERR_MALFORMED_ID unless impi_is() */
    const struct naf_id *naf_id;
};

/* -- keys_ks.c [TS 33.220 4.5.2, B.3] --------------------------------------------------------------- */
MUST_USE err_t keys_ks_join(const struct key_ck *ck, const struct key_ik *ik, struct key_ks *out); /* CK | IK */
MUST_USE err_t keys_ks_naf(const struct crypto *c, const struct key_ks *ks, const struct keys_ks_context *x,
                           struct key_ks_naf *out);
MUST_USE err_t keys_ks_ext_naf(const struct crypto *c, const struct key_ks *ks, const struct keys_ks_context *x,
                               struct key_ks_ext_naf *out);
MUST_USE err_t keys_ks_int_naf(const struct crypto *c, const struct key_ks *ks, const struct keys_ks_context *x,
                               struct key_ks_int_naf *out);
/* Temporary IMPI: base64 of 24 octets "@tmpi.bsf.3gppnetwork.org" [B.4]; bsf is the FQDN of the BSF. */
MUST_USE err_t keys_ks_tmpi(const struct crypto *c, const struct key_ks *ks, const struct aka_rand *rand, struct text impi,
                            struct text bsf, struct writer *out);
/* The same with the key of a card that keeps Ks, for the NAF_Id of the BSF and naf_id_ua_tmpi(). */
MUST_USE err_t keys_ks_tmpi_of(const struct key_ks_ext_naf *key, struct writer *out);

/* -- keys_gba_digest.c: GBA without a card [B.5]; h_a1 as in HTTP Digest, exported = TLS_MK_Extr ----- */
MUST_USE err_t keys_gba_digest_password(const struct crypto *c, const struct key_ha1 *h_a1,
                                        const struct keys_export *exported, struct key_password *out);
MUST_USE err_t keys_gba_digest_ks(const struct crypto *c, const struct key_ha1 *h_a1,
                                  const struct keys_export *exported, const struct key_res *resp, struct key_ks *out);

/* -- keys_answer.c ---------------------------------------------------------------------------------- */
/* ERR_MALFORMED_KEY: CK or IK is not of 16 octets, RES of none of 4 to 32. */
MUST_USE err_t keys_answer_join(const struct key_res *res, const struct key_ck *ck, const struct key_ik *ik, struct key_answer *out);
MUST_USE err_t keys_answer_split(const struct key_answer *in, struct key_res *res, struct key_ck *ck, struct key_ik *ik);

/* -- keys_rand.c: RAND of a BSF of its own, 11 octets drawn at random and 5 that say whose it is, to the BSF alone ------ */
#define KEYS_RAND_DRAWN 11
#define KEYS_RAND_NUMBER_MAX ((UINT64_C(1) << 40) - 1)
MUST_USE err_t keys_rand_name(const struct crypto *c, const struct key_rand *k, uint64_t number, struct aka_rand *rand);
MUST_USE err_t keys_rand_number(const struct crypto *c, const struct key_rand *k, const struct aka_rand *rand, uint64_t *number);

/* -- keys_password.c ------------------------------------------------------------------------------ */
/* AKAv1: the octets of RES, which may hold anything (RFC 3310 3.3). */
MUST_USE err_t keys_password_akav1(const struct key_res *res, struct key_password *out);
/* AKAv2: base64(HMAC-MD5(RES | IK | CK, "http-digest-akav2-password")) (RFC 4169 3.3). */
MUST_USE err_t keys_password_akav2(const struct crypto *c, const struct key_res *res, const struct key_ik *ik,
                                   const struct key_ck *ck, struct key_password *out);
/* Ua: base64 of a NAF key, of whichever kind [TS 24.109 5.2]. */
MUST_USE err_t keys_password_naf(const struct secret *naf_key, struct key_password *out);

/* -- keys_digest.c: HTTP Digest (RFC 7616 3.4) ------------------------------------------------------ */
#define KEYS_DIGEST_CAP (2 * CRYPTO_HASH_LEN + 1)
struct keys_digest {
    enum crypto_hash hash; /* CRYPTO_MD5 or CRYPTO_SHA256 */
    bool integrity;        /* qop auth-int, else auth */
    struct text nonce, nc, cnonce, uri;
    struct text method;    /* empty for rspauth */
    struct bytes body;     /* counts for auth-int only */
};
MUST_USE err_t keys_digest_ha1(const struct crypto *c, enum crypto_hash hash, struct text username, struct text realm,
                               const struct key_password *password, struct key_ha1 *out);
/* response or rspauth in lower-case hex, terminated. */
MUST_USE err_t keys_digest_response(const struct crypto *c, const struct keys_digest *d, const struct key_ha1 *h_a1,
                                    char out[KEYS_DIGEST_CAP]);
/* ERR_DENIED_DIGEST unless `given` is that response; constant time in the value. */
MUST_USE err_t keys_digest_check(const struct crypto *c, const struct keys_digest *d, const struct key_ha1 *h_a1,
                                 struct text given);

#endif
