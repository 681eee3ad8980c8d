/*
 * The identity of a certificate's holder as tables keep it: a key made of the octets that a certificate shows, so that
 * finding the record is the exact match that TS-0003 8.1.2.5 asks for, and the Credential-ID of it [10.4]. No two
 * flavours share a key, and none has the '@' of a symmetric key's identifier.
 */
#ifndef KEYSTEAD_ROLE_CERT_KEY_H
#define KEYSTEAD_ROLE_CERT_KEY_H

#include "role/cert_id.h"

struct cert_key {
    enum cert_id_flavour flavour; /* all but CERT_ID_FQDN */
    struct keyid name; /* 1.3.6.1.4..., //sp/cse, //sp/Sname, node17, sha-256.<base64url>; of a dNSName: the host */
    struct keyid key;  /* "33-//sp/Sname"; a CSE by its public domain name: "32-cse.sp" */
};

/* AE-IDs, hosts as CSE and as node, Node-IDs, devices; or three names of one key. */
#define CERT_KEY_LIST_MAX 32
struct cert_key_list {
    struct cert_key at[CERT_KEY_LIST_MAX];
    size_t n;
};

/* What an operator writes: the form decides the flavour; a Credential-ID does too. ERR_MALFORMED_ID. */
MUST_USE err_t cert_key_parse(struct text id, struct cert_key *out);

/* Everything a verified certificate proves of its holder (R001-147), the narrowest first. A pinned key proves itself and nothing
 * else: no path says that the names beside it are true. */
void cert_key_all(const struct role_cert *cert, struct cert_key_list *out);

/* Type number of its Credential-ID [TS-0003 12.3.2], 30 .. 34; also on disk. */
uint8_t cert_key_type(enum cert_id_flavour f);
#define CERT_KEY_TYPE_MIN 30
#define CERT_KEY_TYPE_MAX 34
enum cert_id_flavour cert_key_flavour(uint8_t type);

/* "33-//sp/Sname" [CHOICE-06]. */
MUST_USE err_t cert_key_credential(enum cert_id_flavour f, struct text name, char out[static ASSOCIATION_CREDENTIAL_MAX]);

/* Is this a table key of a certificate? */
bool cert_key_is(struct text key);
/* The table key of any credential: that of a certificate as it stands, NAME@FQDN folded. */
MUST_USE err_t cert_key_fold(struct text identity, struct keyid *out);

#endif
