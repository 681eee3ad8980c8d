/*
 * What an Enrolee holds between two runs: its bootstrap credential and instruction, what it derived from
 * them, and its registration (R001-39, R001-61, R001-88, R002-62). One record, every key sealed by itself.
 */
#ifndef KEYSTEAD_ROLE_DEVICE_DEVICE_STATE_H
#define KEYSTEAD_ROLE_DEVICE_DEVICE_STATE_H

#include "keys/gba_id.h"
#include "keys/keyid.h"
#include "role/credential_args.h"
#include "store/seal.h"
#include "wire/m2mid.h"

#define DEVICE_STATE_ADDRESS_MAX 280 /* host:port */
#define DEVICE_STATE_FILE_MAX 256
#define DEVICE_STATE_APP_MAX 128
#define DEVICE_STATE_RECORD_MAX 8192
#define DEVICE_STATE_LIFETIME (INT64_C(90) * 86400 * USEC_PER_SEC) /* of an enrolment, if nobody says another */

/* Who the Enrolee is to an authority by its certificate, and whom it trusts there: names of PEM files. The private key
 * stays in its own file (R001-12). */
struct device_state_certificate {
    char file[DEVICE_STATE_FILE_MAX]; /* with the chain to the anchor (R001-14); empty: a pre-shared key is used */
    char key[DEVICE_STATE_FILE_MAX];
    char trust[DEVICE_STATE_FILE_MAX]; /* trust anchors of the authority (R001-30) */
    char identity[M2MID_MAX]; /* absolute AE-ID or host name in it; empty: of a device or node */
};

struct device_state_server { /* how to reach an authority, and who it has to be */
    char fqdn[KEYID_MAX];
    char address[DEVICE_STATE_ADDRESS_MAX]; /* empty: not configured */
    struct device_state_certificate cert;
};

/* The key that a device has from its card for a target [TS-0003 8.3.3.1; R001-112]: Ks_NAF, Ks_ext_NAF, Ks_int_NAF. */
enum device_state_naf_key { DEVICE_STATE_NAF_NONE, DEVICE_STATE_NAF_ME, DEVICE_STATE_NAF_EXT, DEVICE_STATE_NAF_INT,
                            DEVICE_STATE_NAF_KEYS };

struct device_state_sim { /* GBA: Ke is Ks, KeId its B-TID; with GBA_U ke is not set, for Ks stays in the card */
    char file[DEVICE_STATE_FILE_MAX]; /* of a SIM in software; empty: no GBA */
    struct impi impi;
    uint8_t naf_key; /* enum device_state_naf_key */
};

struct device_state {
    /* Bootstrap credential and instruction (R001-69 .. R001-74): Kpm, or mef.cert (R001-91, R001-94, R001-145) */
    struct keyid kpm_id;
    struct key_kpm kpm;
    struct device_state_sim sim;
    struct device_state_server mef; /* the MEF URI (R001-71, R001-28, R001-97) and the name in its certificate (R001-29) */
    struct device_state_server maf; /* the Enrolment Target: maf.fqdn is the MAF-ID (R001-24, R001-74, R001-99) */
    enum credential_profile profile;
    usec_t lifetime; /* Enrolment Expiry as the Enrolee was told it: lifetime of Ke */

    /* Enrolment */
    struct keyid ke_id;
    struct key_ke ke;
    usec_t ke_not_after, ke_since; /* since: when it was made; 0: not known */
    struct key_km km;
    struct keyid km_id; /* assigned by the MAF (r3) or KeId (seed, R001-60) */
    char registration[64]; /* resource identifier of the MAF client registration */

    /* What the bootstrap gave the node itself, each or neither: its Node-ID and the CSE-ID (SCL-ID) of its CSE (R003-93, R003-94) */
    char node_id[M2MID_MAX];
    struct m2mid node_cse; /* absolute */

    /* Association: either Kpsa, or cse.cert (R000-62, R000-64), or Kc from the MAF */
    struct m2mid cse_id; /* absolute CSE-ID of the registrar (R002-74) */
    struct device_state_server cse;
    struct keyid kpsa_id;
    struct key_kpsa kpsa;
    struct keyid kc_id;
    struct key_kc kc;
    usec_t kc_not_after, kc_since;

    /* Registration */
    char ae_stem[M2MID_MAX];
    char app_id[DEVICE_STATE_APP_MAX]; /* what it was registered with; empty: nobody is to register it again */
    char ae_from[M2MID_MAX];
    bool unreachable;
    usec_t ae_not_after, ae_since; /* expirationTime that the registrar gave; 0: not known */
};

void device_state_wipe(struct device_state *s);
MUST_USE err_t device_state_write(const struct device_state *s, const struct sealer *sealer, struct writer *w);
/* ERR_MALFORMED_RECORD, ERR_CRYPTO_UNSEAL. */
MUST_USE err_t device_state_parse(struct bytes b, const struct sealer *sealer, struct device_state *out);

bool device_state_is_gba(const struct device_state *s);
/* Nothing is asked of a MAF on the way to the registrar: Kpsa, a certificate for the CSE, or GBA with the CSE as its target. */
bool device_state_is_direct(const struct device_state *s);
/* Enrolled, whatever the key is and wherever it lies; it may have ended. */
bool device_state_is_enrolled(const struct device_state *s);

/* Forgets everything that came from the enrolment: Ke and all below it. */
void device_state_forget_enrolment(struct device_state *s);

#endif
