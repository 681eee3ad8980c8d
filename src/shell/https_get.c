#include "shell/https_get.h"

#include <curl/curl.h>
#include <string.h>

#define SCHEME "https://"
enum { URI_MAX = 1024 };

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct https_get *g = arg;
    (void)size; /* always 1 */
    if (n > sizeof(g->body) - g->n) {
        g->n = sizeof(g->body) + 1; /* too much */
        return 0;
    }
    memcpy(g->body + g->n, p, n);
    g->n += n;
    return n;
}

/* https://host[:port]/path, of visible characters; no user, no address literal. */
static err_t take_apart(struct https_get *g, struct text uri)
{
    struct text rest = text_skip(uri, sizeof(SCHEME) - 1);
    struct text authority = text_take(rest, text_find(rest, '/'));
    struct text host = text_take(authority, text_find(authority, ':'));
    bool good = text_eq_nocase(text_take(uri, sizeof(SCHEME) - 1), text_of(SCHEME)) && host.n > 0 && uri.n < URI_MAX &&
                text_find(authority, '@') == authority.n && text_find(authority, '[') == authority.n;
    for (size_t i = 0; i < uri.n && good; i++) {
        good = uri.p[i] > ' ' && uri.p[i] <= '~' && uri.p[i] != '#';
    }
    struct writer w = WRITER_ARRAY(g->address);
    writer_text(&w, authority);
    writer_z(&w, host.n == authority.n ? ":443" : "");
    return good && TEXT_COPY(host, g->fqdn) == ERR_OK && writer_finish_z(&w) == ERR_OK ? ERR_OK : ERR_USAGE;
}

static err_t perform(struct https_get *g, CURL *easy, const char *url)
{
    long status = 0;
    TRY(client_tls_apply(easy, &g->tls));
    bool ok = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_WRITEDATA, g) == CURLE_OK;
    TRY(ok ? client_tls_limit(easy, g->until) : ERR_LIMIT_CAPACITY);
    int code = (int)curl_easy_perform(easy);
    if (g->n > sizeof(g->body)) {
        return ERR_LIMIT_SIZE;
    }
    TRY(client_tls_outcome(&g->tls, code));
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 ? ERR_OK : ERR_PEER_REFUSED;
}

err_t https_get_run(struct https_get *g, struct text uri, const char *trust)
{
    char url[URI_MAX];
    g->n = 0;
    TRY(take_apart(g, uri));
    TRY(TEXT_COPY(uri, url));
    g->tls = (struct client_tls){.fqdn = g->fqdn, .address = g->address, .trust = trust};
    CURL *easy = curl_easy_init();
    err_t e = easy == NULL ? ERR_LIMIT_CAPACITY : perform(g, easy, url);
    curl_easy_cleanup(easy);
    client_tls_forget(&g->tls);
    return e;
}
