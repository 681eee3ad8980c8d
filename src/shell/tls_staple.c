/*
 * The OCSP response that stands behind our certificate in the handshake (RFC 6066 8): proved when it is loaded, given to
 * every client that asks while it is in force, and kept back without a word afterwards. Nothing is fetched here.
 */
#include "shell/tls_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static usec_t now(void)
{
    return (usec_t)time(NULL) * USEC_PER_SEC;
}

static int on_status(SSL *ssl, void *arg)
{
    const struct tls_staple *s = arg;
    usec_t t = now();
    unsigned char *copy = t >= s->span.from && t < s->span.to ? OPENSSL_memdup(s->der, s->n) : NULL;
    if (copy == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    (void)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)s->n); /* takes it */
    return SSL_TLSEXT_ERR_OK;
}

static bool has_issued(X509 *ca, X509 *cert)
{
    return X509_check_issued(ca, cert) == X509_V_OK && X509_verify(cert, X509_get0_pubkey(ca)) == 1;
}

static X509 *issuer_among(STACK_OF(X509) *list, X509 *cert)
{
    for (int i = 0; i < sk_X509_num(list); i++) {
        if (has_issued(sk_X509_value(list, i), cert)) {
            return sk_X509_value(list, i);
        }
    }
    return NULL;
}

static err_t file_take(const char *file, struct tls_staple *s)
{
    FILE *f = fopen(file, "rbe");
    if (f == NULL) {
        return ERR_IO;
    }
    s->n = fread(s->der, 1, sizeof(s->der), f); /* a file that fills it does not parse, or is too large to be sent */
    bool ok = ferror(f) == 0 && fgetc(f) == EOF;
    (void)fclose(f);
    return ok ? ERR_OK : ERR_DENIED_OCSP_FORM;
}

/* In a chain of our own file, or else among the anchors of the clients. */
static err_t prove(SSL_CTX *ssl, struct tls_staple *s, bool *no_issuer)
{
    STACK_OF(X509) *chain = NULL;
    X509 *cert = SSL_CTX_get0_certificate(ssl);
    STACK_OF(X509) *anchors = X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(ssl));
    (void)SSL_CTX_get0_chain_certs(ssl, &chain);
    X509 *issuer = issuer_among(chain, cert);
    issuer = issuer != NULL ? issuer : issuer_among(anchors, cert);
    err_t e = ERR_CONFIG;
    *no_issuer = issuer == NULL;
    if (issuer != NULL) {
        const struct x509_ocsp_ask ask = {.cert = cert, .issuer = issuer, .now = now()};
        e = x509_ocsp_check(bytes_of(s->der, s->n), &ask, &s->span);
    }
    sk_X509_pop_free(anchors, X509_free);
    return e == ERR_DENIED_OCSP_STALE ? ERR_OK : e; /* a server must start with an old one: it is not shown, and warned of */
}

err_t tls_staple_set(struct tls_ctx *ctx, const char *file, char detail[static ROLE_DETAIL_MAX])
{
    bool no_issuer = false;
    ctx->staple = calloc(1, sizeof(*ctx->staple));
    if (ctx->staple == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    err_t e = file_take(file, ctx->staple);
    if (e == ERR_OK) {
        e = prove(ctx->ssl, ctx->staple, &no_issuer);
    }
    if (e != ERR_OK) {
        (void)snprintf(detail, ROLE_DETAIL_MAX, "OCSP response: %.80s%s", file,
                       no_issuer ? ": add the certificate of the issuer to the file of the certificate, or to trust" : "");
        return e;
    }
    (void)SSL_CTX_set_tlsext_status_cb(ctx->ssl, on_status);
    (void)SSL_CTX_set_tlsext_status_arg(ctx->ssl, ctx->staple);
    return ERR_OK;
}

usec_t tls_staple_end(const struct tls_ctx *ctx)
{
    return ctx->staple == NULL ? USEC_NEVER : ctx->staple->span.to;
}
