/*
 * OCSP responses from a stranger. The first octet says what the rest is: a whole response, or changes to a good, a revoked or
 * a foreign one as (offset, what is added to the octet there). What holds: whatever passes says what the CA signed (the
 * certificate of the CA in it is not looked at); a revoked or foreign one never passes.
 */
#include "fuzz.h"
#include "shell/pki.h"
#include "shell/x509_ocsp.h"

#include <openssl/ocsp.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct made {
    uint8_t b[4096];
    size_t n;
};

static X509 *ca, *cert;
static usec_t now;
static struct made good, revoked, foreign;
static struct x509_ocsp_span made_span;

static void path(char out[static 96], const char *folder, const char *name)
{
    (void)snprintf(out, 96, "%s/%s", folder, name);
}

/* The responses and the certificates are made anew in each process; no file is left. */
static void take(const char *file, struct made *out)
{
    FILE *f = fopen(file, "rb");
    MUST_HOLD(f != NULL);
    out->n = fread(out->b, 1, sizeof(out->b), f);
    MUST_HOLD(out->n > 0 && out->n < sizeof(out->b));
    (void)fclose(f);
}

static void say(const char *folder, const char *who, const char *const *gone, struct made *out)
{
    char c[96], k[96], leaf[96], list[96], response[96], detail[ROLE_DETAIL_MAX];
    path(c, folder, "c");
    path(k, folder, "k");
    path(leaf, folder, who);
    path(list, folder, "l");
    path(response, folder, "r");
    const struct pki_revocation rq = {.ca = {c, k}, .crl_file = list, .revoke = gone, .revoke_n = gone == NULL ? 0 : 1, .days = 2};
    const struct pki_ocsp o = {.ca = {c, k}, .cert_file = leaf, .crl_file = list, .response_file = response, .days = 1};
    MUST_HOLD(pki_crl_make(&rq, detail) == ERR_OK && pki_ocsp_make(&o, detail) == ERR_OK);
    take(response, out);
}

static void make(void)
{
    static const char *const names[] = {"c", "k", "1", "2", "1k", "2k", "l", "r"};
    char folder[] = P_tmpdir "/keystead-fuzz-XXXXXX";
    char p[ARRAY_LEN(names)][96];
    MUST_HOLD(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        path(p[i], folder, names[i]);
    }
    const struct pki_ca_request rq = {"made-up CA", "keystead.test", p[0], p[1], 3};
    const struct pki_leaf_request one = {p[0], p[1], "mef.keystead.test", p[2], p[4], 2};
    const struct pki_leaf_request two = {p[0], p[1], "maf.keystead.test", p[3], p[5], 2};
    MUST_HOLD(pki_ca_make(&rq) == ERR_OK && pki_leaf_make(&one) == ERR_OK && pki_leaf_make(&two) == ERR_OK);
    MUST_HOLD(x509_cert_load(p[0], &ca) == ERR_OK && x509_cert_load(p[2], &cert) == ERR_OK);
    const char *const gone[] = {p[2]};
    say(folder, "1", NULL, &good);
    say(folder, "2", NULL, &foreign);
    say(folder, "1", gone, &revoked);
    now = (usec_t)time(NULL) * USEC_PER_SEC;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)unlink(p[i]);
    }
    (void)rmdir(folder);
}

static err_t verdict(struct bytes response, struct x509_ocsp_span *span)
{
    const struct x509_ocsp_ask ask = {.cert = cert, .issuer = ca, .now = now};
    err_t e = x509_ocsp_check(response, &ask, span);
    MUST_HOLD(ERR_peek_error() == 0);
    MUST_HOLD(e == ERR_OK || (e >= ERR_DENIED_OCSP_FORM && e <= ERR_DENIED_OCSP_REVOKED));
    return e;
}

static bool is_signed(const struct x509_ocsp_span *span)
{
    return span->from == made_span.from && span->to == made_span.to;
}

static void change(const struct made *from, err_t whole, const uint8_t *data, size_t n)
{
    static uint8_t b[sizeof(from->b)];
    struct x509_ocsp_span span;
    memcpy(b, from->b, from->n);
    for (size_t i = 0; i + 2 < n; i += 3) {
        b[(size_t)(data[i] << 8 | data[i + 1]) % from->n] ^= data[i + 2];
    }
    bool same = memcmp(b, from->b, from->n) == 0;
    err_t e = verdict(bytes_of(b, from->n), &span);
    MUST_HOLD(!same || e == whole);
    MUST_HOLD(e != ERR_OK || (whole == ERR_OK && is_signed(&span)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct x509_ocsp_span span;
    if (ca == NULL) {
        make();
        MUST_HOLD(verdict(bytes_of(good.b, good.n), &made_span) == ERR_OK);
    }
    if (size == 0 || size > X509_OCSP_MAX + 2) {
        return 0;
    }
    switch (data[0] % 4) {
    case 0: {
        err_t e = verdict(bytes_of(data + 1, size - 1), &span);
        MUST_HOLD(e != ERR_OK || is_signed(&span));
        break;
    }
    case 1:
        change(&good, ERR_OK, data + 1, size - 1);
        break;
    case 2:
        change(&revoked, ERR_DENIED_OCSP_REVOKED, data + 1, size - 1);
        break;
    default:
        change(&foreign, ERR_DENIED_OCSP_OTHER, data + 1, size - 1);
        break;
    }
    return 0;
}
