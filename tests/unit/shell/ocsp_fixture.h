/* OCSP responses with whatever is wrong with them, and the certificates that stand behind them; over tls_fixture.h. */
#ifndef KEYSTEAD_TEST_OCSP_FIXTURE_H
#define KEYSTEAD_TEST_OCSP_FIXTURE_H

#include "tls_fixture.h"

#include <openssl/ocsp.h>

struct ocsp_answer {
    const char *cert;     /* NAME.pem; NULL: no more answers */
    const char *issuer;   /* whom the certificate identifier names */
    int status;           /* V_OCSP_CERTSTATUS_* */
    long from_sec, to_sec; /* relative to now; to_sec 0: no nextUpdate */
};
struct ocsp_made {
    struct ocsp_answer answers[3];
    const char *signer;     /* NAME.pem and NAME.key */
    const EVP_MD *md;       /* NULL: SHA-256 */
    bool sha1_id;           /* certificate identifiers by SHA-1, as many responders have it */
    bool shows_signer;      /* its certificate is in the response */
    bool critical;          /* an extension that nobody knows */
};
/* The octets live until the next call. */
struct bytes ocsp_make(const struct ocsp_made *m);
struct bytes ocsp_error(int status);
void ocsp_put(const char *name, struct bytes response); /* into fixture_path(name) */
struct bytes ocsp_read(const char *name);

/* A certificate NAME.pem, NAME.key with the extended key usage `usage` (NULL: none), signed by `ca`. */
struct ocsp_responder {
    const char *name, *ca, *usage, *group;
    long to_day;
    bool nocheck;
};
void ocsp_responder_make(const struct ocsp_responder *r);

X509 *ocsp_cert(const char *name); /* the caller frees */

#endif
