#include "shell/est_client.h"

#include "base/base64.h"
#include "role/detail.h"
#include "role/device/device.h"
#include "shell/est_pki.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX 65536
#define CSR_MAX 4096
#define ROOT "/.well-known/est/"

struct session {
    struct est_client *c;
    CURL *easy;
    struct curl_slist *headers; /* of a POST */
    uint8_t body[BODY_MAX];
    size_t body_n;
    uint8_t scratch[BODY_MAX];
    uint8_t der[BODY_MAX];
};

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct session *s = arg;
    (void)size; /* always 1 */
    if (n > sizeof(s->body) - s->body_n) {
        return 0;
    }
    memcpy(s->body + s->body_n, p, n);
    s->body_n += n;
    return n;
}

static void session_free(struct session **s)
{
    if (*s != NULL) {
        if ((*s)->easy != NULL) {
            curl_easy_cleanup((*s)->easy);
        }
        curl_slist_free_all((*s)->headers);
        client_tls_forget(&(*s)->c->tls);
        free(*s);
    }
}

/* -- one request ------------------------------------------------------------------------------------------- */
static struct curl_slist *add(struct curl_slist *list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(list, line);
    if (longer == NULL) {
        curl_slist_free_all(list);
    }
    return longer;
}

static err_t session_open(struct est_client *c, struct session **out)
{
    struct session *s = calloc(1, sizeof(*s)); /* too large for a stack */
    *out = s;
    if (s == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    s->c = c;
    s->easy = curl_easy_init();
    s->headers = add(NULL, "Content-Type: application/pkcs10");
    s->headers = s->headers == NULL ? NULL : add(s->headers, "Content-Transfer-Encoding: base64");
    if (s->easy == NULL || s->headers == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(client_tls_apply(s->easy, &c->tls));
    bool ok = curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
              curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s) == CURLE_OK;
    return ok ? ERR_OK : ERR_LIMIT_CAPACITY;
}

/* A renewal in a second connection would have a challengePassword of the first. */
static err_t still_the_same(struct session *s, bool first)
{
    long connects = 0;
    (void)curl_easy_getinfo(s->easy, CURLINFO_NUM_CONNECTS, &connects);
    return first || connects == 0 ? ERR_OK : detail_fail(s->c->detail, ERR_PEER_NONSENSE, "the MEF closed the session", text_empty());
}

static err_t decode(struct session *s, struct bytes *out)
{
    struct writer scratch = WRITER_ARRAY(s->scratch);
    struct writer der = WRITER_ARRAY(s->der);
    struct text text = text_span((const char *)s->body, s->body_n);
    if (base64_parse_lines(text, &scratch, &der) != ERR_OK || der.n == 0) {
        return detail_fail(s->c->detail, ERR_PEER_NONSENSE, "the answer is not base64", text_empty());
    }
    *out = writer_view(&der);
    return ERR_OK;
}

static err_t perform(struct session *s, const char *name, bool first, struct bytes *out)
{
    char url[KEYID_MAX + 64];
    long status = 0;
    int n = snprintf(url, sizeof(url), "https://%s" ROOT "%s", s->c->tls.fqdn, name);
    if (n < 0 || (size_t)n >= sizeof(url) || curl_easy_setopt(s->easy, CURLOPT_URL, url) != CURLE_OK) {
        return ERR_LIMIT_SIZE;
    }
    s->body_n = 0;
    err_t e = client_tls_limit(s->easy, s->c->until);
    e = e == ERR_OK ? client_tls_outcome(&s->c->tls, (int)curl_easy_perform(s->easy)) : e;
    if (e != ERR_OK) {
        return detail_fail(s->c->detail, e, name, text_empty());
    }
    (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        return device_refusal(bytes_of(s->body, s->body_n), s->c->detail);
    }
    TRY(still_the_same(s, first));
    return decode(s, out);
}

static err_t post(struct session *s, const char *name, struct bytes der, struct bytes *out)
{
    char text[BASE64_LEN(CSR_MAX) + CSR_MAX / 16];
    struct writer w = WRITER_ARRAY(text);
    base64_write_lines(&w, der);
    TRY(writer_finish(&w));
    bool ok = curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE, (long)w.n) == CURLE_OK &&
              curl_easy_setopt(s->easy, CURLOPT_COPYPOSTFIELDS, text) == CURLE_OK &&
              curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers) == CURLE_OK;
    return ok ? perform(s, name, false, out) : ERR_LIMIT_CAPACITY;
}

/* -- the procedure [TS-0003 8.3.6.2] ------------------------------------------------------------------------- */
static void key_freep(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}

static err_t enroll(struct session *s, EVP_PKEY *key, const struct est_attrs *a)
{
    struct est_client *c = s->c;
    uint8_t csr[CSR_MAX];
    struct writer w = WRITER_ARRAY(csr);
    struct bytes der = bytes_empty();
    if (c->identity != NULL && est_pki_identity(a, c->identity) != ERR_OK) {
        return detail_fail(c->detail, ERR_DENIED_CSR_NAME, "the MEF knows this device as somebody else than", text_of(c->identity));
    }
    TRY(est_pki_request(key, a, &w));
    TRY(post(s, c->renew ? "simplereenroll" : "simpleenroll", writer_view(&w), &der));
    const struct est_expected x = {key, a, c->ca_file};
    err_t e = est_pki_accept(der, &x, c->cert_file);
    return e == ERR_OK ? e : detail_fail(c->detail, e, "the certificate that came", text_empty());
}

static err_t run(struct session *s, EVP_PKEY *key)
{
    struct est_client *c = s->c;
    struct bytes der = bytes_empty();
    TRY(perform(s, "cacerts", true, &der)); /* step 1 */
    err_t e = est_pki_anchors(der, c->ca_file);
    if (e != ERR_OK) {
        return detail_fail(c->detail, e, "the CA certificates", text_of(c->ca_file));
    }
    TRY(perform(s, "csrattrs", false, &der)); /* step 2 */
    SCOPED(est_pki_attrs_wipe) struct est_attrs a = {.names = NULL};
    e = est_pki_attrs(der, &a);
    if (e != ERR_OK) {
        return detail_fail(c->detail, e, "csrattrs", text_empty());
    }
    return enroll(s, key, &a); /* step 3 */
}

err_t est_client_run(struct est_client *c)
{
    SCOPED(key_freep) EVP_PKEY *key = NULL;
    SCOPED(session_free) struct session *s = NULL;
    c->detail[0] = '\0';
    err_t e = est_pki_key(c->key_file, &key);
    if (e != ERR_OK) {
        return detail_fail(c->detail, e, "key", text_of(c->key_file));
    }
    TRY(session_open(c, &s));
    return run(s, key);
}
