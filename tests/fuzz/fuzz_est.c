/*
 * EST, both sides [RFC 7030]. The first octet says what the rest is: base64 text of a request as it comes to the MEF, a
 * request, the attributes that a device is told, the certificates that it is given.
 */
#include "base/base64.h"
#include "fuzz.h"
#include "shell/est_pki.h"
#include "shell/issuer_openssl.h"
#include "shell/pki.h"

#include <unistd.h>

static uint8_t buf[1 << 16], scratch[1 << 16], out[1 << 16];

/* One CA for all runs, made anew in each process; it leaves no file. */
static struct issuer *ca_make(void)
{
    char folder[] = P_tmpdir "/keystead-fuzz-XXXXXX";
    char cert[sizeof(folder) + 8];
    char key[sizeof(folder) + 8];
    MUST_HOLD(mkdtemp(folder) != NULL);
    (void)snprintf(cert, sizeof(cert), "%s/c", folder);
    (void)snprintf(key, sizeof(key), "%s/k", folder);
    const struct pki_ca_request rq = {"made-up CA", "keystead.test", cert, key, 2};
    struct issuer *ca = NULL;
    MUST_HOLD(pki_ca_make(&rq) == ERR_OK && issuer_openssl_new(cert, key, &ca) == ERR_OK);
    (void)unlink(cert);
    (void)unlink(key);
    (void)rmdir(folder);
    return ca;
}

static void issue(const struct issuer *ca, struct bytes der, const struct issuer_csr *csr)
{
    struct issuer_order o = {.csr = der, .names = csr->names, .names_n = csr->names_n, .serial = {0x40}, .not_after = ca->not_after};
    struct writer w = WRITER_ARRAY(out);
    err_t e = ca->issue(ca, &o, &w);
    MUST_HOLD(e == ERR_OK || e == ERR_DENIED_CERT_NAME || e == ERR_CRYPTO);
    if (e == ERR_OK) {
        struct writer p7 = WRITER_ARRAY(scratch);
        MUST_HOLD(ca->certs_only(ca, writer_view(&w), &p7) == ERR_OK);
    }
}

static void request(const struct issuer *ca, struct bytes der)
{
    struct issuer_csr csr;
    if (ca->csr_parse(der, &csr) != ERR_OK) {
        return;
    }
    MUST_HOLD(csr.names_n <= ISSUER_NAMES_MAX && text_of(csr.challenge).n < sizeof(csr.challenge));
    for (size_t i = 0; i < csr.names_n; i++) {
        struct text v = csr.names[i].value;
        MUST_HOLD(v.n > 0 && v.p >= csr.text && v.p + v.n <= csr.text + sizeof(csr.text));
    }
    if (csr.names_n > 0) {
        issue(ca, der, &csr);
    }
}

static void request_text(const struct issuer *ca, struct bytes in)
{
    struct writer s = WRITER_ARRAY(scratch);
    struct writer w = WRITER_ARRAY(buf);
    if (base64_parse_lines(text_span((const char *)in.p, in.n), &s, &w) == ERR_OK) {
        request(ca, writer_view(&w));
        struct writer again = WRITER_ARRAY(scratch);
        static uint8_t back[1 << 16];
        struct writer b = WRITER_ARRAY(back);
        base64_write_lines(&again, writer_view(&w));
        struct text lines = writer_view_text(&again);
        struct writer room = WRITER_ARRAY(out);
        MUST_HOLD(base64_parse_lines(lines, &room, &b) == ERR_OK && bytes_eq(writer_view(&b), writer_view(&w)));
    }
}

static void attributes(const struct issuer *ca, struct bytes in)
{
    struct est_attrs a;
    (void)ca;
    if (est_pki_attrs(in, &a) == ERR_OK) {
        MUST_HOLD(a.names != NULL && a.challenge[0] != '\0');
        (void)!est_pki_identity(&a, "//keystead.test/Sdev1");
        est_pki_attrs_wipe(&a);
    }
}

static void certificates(const struct issuer *ca, struct bytes in)
{
    (void)ca;
    MUST_HOLD(est_pki_anchors(in, "/nowhere/ca.pem") != ERR_OK); /* parsed, and not written */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const kinds[])(const struct issuer *ca, struct bytes in) = {request_text, request, attributes, certificates};
    static struct issuer *ca;
    ca = ca == NULL ? ca_make() : ca;
    if (size > 0 && size < 16384) {
        kinds[data[0] % ARRAY_LEN(kinds)](ca, bytes_of(data + 1, size - 1));
    }
    return 0;
}
