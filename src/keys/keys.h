/*
 * The key hierarchy of oneM2M: one C type a rung, one function a derivation [TS-0003 10.3].
 * Mixing up two rungs does not compile. Every output is wiped by its owner (SCOPED(..._wipe)).
 *
 *   Kpm --TLS--> export --split--> Ke --+--> Km     (10.3.2)
 *                                       +--> Kpsa   (10.3.3)
 *                                       +--> K for one SUID (10.3.7)
 *   Km  --TLS--> export --split--> Kc
 *   Kpsa, Kc or certificate --TLS--> export --split--> key of one association
 *   Ke of a local CSE --> application key of one AE instance, in the place of Km or Kpsa
 *   Kpsa --> Ke2e master and four sub-keys (10.3.6);  pairwiseESPrimKey --> sessionESPrimKey (10.3.8)
 */
#ifndef KEYSTEAD_KEYS_KEYS_H
#define KEYSTEAD_KEYS_KEYS_H

#include "crypto/crypto.h"

#define KEYS_DERIVED_LEN 32
#define KEYS_EXPORT_LEN 48 /* 16 octets identifier, 32 octets key [CHOICE-07] */
#define KEYS_RELATIVE_LEN 16
#define KEYS_PROVISIONED_MIN 16 /* octets of Kpm, Km, Kpsa given by people [CHOICE-01] */
#define KEYS_PROVISIONED_MAX 64

#define KEYS_LABEL_BOOTSTRAP "EXPORTER-oneM2M-Bootstrap"
#define KEYS_LABEL_CONNECTION "EXPORTER-oneM2M-Connection"
/* RFC 5705 4: labels for private use begin so. The standard exports nothing from the association itself. */
#define KEYS_LABEL_ASSOCIATION "EXPERIMENTAL-keystead-association"
#define KEYS_LABEL_ESCERTKE "EXPORTER-oneM2M-ESCertKE"

struct key_kpm  { struct secret s; }; /* Enrolee - MEF, pre-provisioned */
struct key_ke   { struct secret s; }; /* Enrolment Key */
struct key_km   { struct secret s; }; /* Master Credential: MAF client - MAF */
struct key_kpsa { struct secret s; }; /* A - B, symmetric key SAEF */
struct key_kc   { struct secret s; }; /* connection key of the MAF framework */
struct key_usage { struct secret s; }; /* usage-constrained key of one SUID and target */
struct key_application { struct secret s; }; /* of one AE instance (R004-16) */
struct key_association { struct secret s; }; /* short-term key of one association (R004-20) */
struct key_esprim_pairwise { struct secret s; };
struct key_esprim_session { struct secret s; };
struct key_ke2e {
    struct secret master, msg_auth, msg_conf, att_auth, att_conf;
};

/* What the TLS exporter gave (RFC 5705, 48 octets, no context [CHOICE-08]). A secret. */
struct keys_export {
    uint8_t b[KEYS_EXPORT_LEN];
    bool set;
};
void keys_export_wipe(struct keys_export *x);

/* What goes into AES-GCM beside key and text. */
struct keys_esprim_box {
    struct bytes nonce, aad;
};

/* The left part of a key identifier that comes from an export; not a secret. */
struct keys_relative {
    uint8_t b[KEYS_RELATIVE_LEN];
};

/* -- keys_ke.c ---------------------------------------------------------------------------------- */
MUST_USE err_t keys_ke_split(const struct keys_export *x, struct key_ke *ke, struct keys_relative *id);
/* -- keys_km.c: Km = HMAC(Ke, label || NFKC(MAF-ID)) [10.3.2, R001-37, R001-53] -------------------- */
MUST_USE err_t keys_km_derive(const struct crypto *c, const struct key_ke *ke, struct text maf_id, struct key_km *out);
/* The published text: Km is the usage-constrained key of SUID 21 for the MAF [10.3.7, 8.8.2.3]. */
MUST_USE err_t keys_km_usage(const struct crypto *c, const struct key_ke *ke, struct text maf_id, struct key_km *out);
/* -- keys_kpsa.c: target in absolute form [10.3.3, CHOICE-12, R001-63] ----------------------------- */
MUST_USE err_t keys_kpsa_derive(const struct crypto *c, const struct key_ke *ke, struct text target,
                                struct key_kpsa *out);
/* -- keys_usage.c: SUID as decimal ASCII [10.3.7, CHOICE-13]; ERR_MALFORMED_SUID ------------------- */
bool keys_usage_is_suid(unsigned suid); /* one of the defined numbers of TS-0004 6.3.4.2.39 */
MUST_USE err_t keys_usage_derive(const struct crypto *c, const struct key_ke *ke, unsigned suid, struct text target,
                                 struct key_usage *out);
/* -- keys_application.c: what an AE behind a CSE has in the place of that CSE's key (R004-14); 32 octets ------ */
MUST_USE err_t keys_application_derive(const struct crypto *c, const struct secret *long_term, unsigned suid,
                                       struct text ae_id, struct key_application *out);
/* -- keys_association.c: the unique identifier of an association, known to both ends (R004-19), and its key ---- */
MUST_USE err_t keys_association_split(const struct keys_export *x, struct key_association *key,
                                      struct keys_relative *id);
/* -- keys_kc.c [8.8.2.7] ------------------------------------------------------------------------- */
MUST_USE err_t keys_kc_split(const struct keys_export *x, struct key_kc *kc, struct keys_relative *id);
/* -- keys_ke2e.c [10.3.6, CHOICE-15, CHOICE-16]; an empty salt is 32 zero octets ------------------- */
MUST_USE err_t keys_ke2e_derive(const struct crypto *c, const struct key_kpsa *kpsa, struct bytes salt,
                                struct key_ke2e *out);
void keys_ke2e_wipe(struct key_ke2e *k);
/* -- keys_escertke.c: pairwiseE2EKeyID and pairwiseE2EKey of an export [10.3.1] ----------------------- */
MUST_USE err_t keys_escertke_split(const struct keys_export *x, struct key_esprim_pairwise *k, struct keys_relative *id);
/* -- keys_esprim.c [10.3.8.2, CHOICE-17] --------------------------------------------------------- */
MUST_USE err_t keys_esprim_derive(const struct crypto *c, const struct key_esprim_pairwise *k, struct text receiver,
                                  struct text originator, struct key_esprim_session *out);
/* AES-GCM under its leftmost 16, 24 or 32 octets for esprimProtocolAndAlgID 10, 11, 12 [CHOICE-19]; ERR_CRYPTO_UNSEAL. */
MUST_USE err_t keys_esprim_seal(const struct crypto *c, const struct key_esprim_session *k, unsigned alg,
                                const struct keys_esprim_box *box, struct bytes plain, struct writer *out);
MUST_USE err_t keys_esprim_open(const struct crypto *c, const struct key_esprim_session *k, unsigned alg,
                                const struct keys_esprim_box *box, struct bytes sealed, struct writer *out);
void keys_esprim_session_wipe(struct key_esprim_session *k);

#endif
