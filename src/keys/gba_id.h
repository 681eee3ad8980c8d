/*
 * The identifiers of GBA: B-TID, NAF_Id with its Ua security protocol identifier, IMPI. Nothing here is secret.
 * A B-TID is base64 and keeps its case, also in keyid_fold().
 */
#ifndef KEYSTEAD_KEYS_GBA_ID_H
#define KEYSTEAD_KEYS_GBA_ID_H

#include "base/base64.h"
#include "keys/keyid.h"

#define AKA_RAND_LEN 16
#define GBA_FQDN_MAX 253
#define GBA_UA_LEN 5

struct aka_rand {
    uint8_t b[AKA_RAND_LEN];
};

/* -- b_tid.c: base64(RAND) "@" FQDN of the BSF [TS 33.220 4.5.2] -------------------------------------- */
#define B_TID_MAX (BASE64_LEN(AKA_RAND_LEN) + 1 + GBA_FQDN_MAX + 1)
struct b_tid {
    char z[B_TID_MAX];
};
struct b_tid_parts {
    struct aka_rand rand;
    struct text fqdn; /* a view into what was parsed */
};
MUST_USE err_t b_tid_of(const struct aka_rand *rand, struct text bsf, struct b_tid *out); /* FQDN in lower case */
MUST_USE err_t b_tid_parse(struct text t, struct b_tid_parts *out);               /* ERR_MALFORMED_KEY_ID */
/* The psk_identity of Ua: "3GPP-bootstrapping;" or "3GPP-bootstrapping-uicc;" in front or not [TS 33.222; docs/decisions/0020-aka.md]. */
struct text b_tid_of_psk_identity(struct text identity);
bool b_tid_is_of_card(struct text identity); /* "3GPP-bootstrapping-uicc;": the key is the one that stays in the card */

/* -- naf_id.c: FQDN | Ua security protocol identifier [TS 33.220 4.5.2, H] ----------------------------- */
struct naf_ua {
    uint8_t b[GBA_UA_LEN];
};
struct naf_id {
    uint8_t b[GBA_FQDN_MAX + GBA_UA_LEN];
    size_t n;
};
struct naf_ua naf_id_ua_digest(void);         /* 01 00 00 00 02: HTTP Digest, TS 24.109 */
struct naf_ua naf_id_ua_tls13(void);          /* 01 00 00 00 07: TLS 1.3 with an external PSK */
struct naf_ua naf_id_ua_tls(uint16_t suite);  /* 01 00 01 yy zz: TLS 1.2, the suite that was negotiated */
struct naf_ua naf_id_ua_tmpi(void);           /* 01 00 00 01 00 */
MUST_USE err_t naf_id_of(struct text fqdn, struct naf_ua ua, struct naf_id *out); /* FQDN in lower case */
/* Octets as a NAF sends them over Zn, unchanged: both ends derive with what was sent. */
MUST_USE err_t naf_id_parse(struct bytes b, struct naf_id *out); /* ERR_MALFORMED_ID */
struct text naf_id_fqdn(const struct naf_id *id);
struct naf_ua naf_id_ua(const struct naf_id *id);
struct bytes naf_id_view(const struct naf_id *id);

/* -- impi.c: IP multimedia private identity, user@domain [TS 23.003 13.3] ------------------------------ */
#define IMPI_MAX 256 /* with the terminating NUL */
struct impi {
    char z[IMPI_MAX];
};
bool impi_is(struct text t); /* ASCII without white space, quotes, backslash and ':', which Digest could not carry */
/* Of a USIM: 6 to 15 digits, of which the MCC is 3 and the MNC 2 or 3 [23.003 13.3]. */
MUST_USE err_t impi_of_imsi(struct text imsi, size_t mnc_digits, struct impi *out);
bool impi_is_imsi(struct text t); /* 6 to 15 digits */
void impi_fold(struct impi *i);    /* the domain in lower case: two spellings are one subscriber */
/* The digits of such an IMPI, or empty: it is of another kind. A view into `impi`. */
struct text impi_imsi(struct text impi);
/* The IMPI that the same IMSI gives with the other length of its MNC: one SIM, whose network alone knows which is right.
 * ERR_NOT_FOUND: it is not of that form. */
MUST_USE err_t impi_other_mnc(struct text impi, struct impi *out);
/* The FQDN of the BSF that serves it [23.003 16.2]. */
MUST_USE err_t impi_bsf(struct text impi, char *out, size_t cap);

#endif
