#include "shell/ub_client.h"

#include "proto/ub.h"
#include "role/detail.h"
#include "role/device/device.h"
#include "shell/client_tls.h"
#include "shell/clock.h"
#include "shell/wiped.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define HTTPS "https://"
#define ROUNDS_MAX 8 /* more than the engine ever takes */

struct exchange {
    struct client_tls tls;
    struct curl_slist *headers, *to;
    bool https, too_large;
    bool mute; /* somebody took the connection, and said nothing of what is spoken here */
    unsigned status;
    char challenge[DIGEST_TEXT_MAX + 1], info[DIGEST_TEXT_MAX + 1];
    uint8_t body[BSF_INFO_MAX + 1]; /* one more, to notice what is too large */
    size_t body_n;
};

/* -- what comes --------------------------------------------------------------------------------------------------- */
static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct exchange *x = arg;
    (void)size; /* always 1 */
    if (n > sizeof(x->body) - x->body_n) {
        x->too_large = true;
        return 0;
    }
    memcpy(x->body + x->body_n, p, n);
    x->body_n += n;
    return n;
}

/* Takes the first header of this name; one that has no room is as one that is not there. */
static bool take_header(struct text line, const char *name, char *out, size_t cap)
{
    struct text n = text_of(name);
    if (!text_eq_nocase(text_take(line, n.n), n)) {
        return false;
    }
    if (out[0] == '\0' && text_copy(text_trim(text_skip(line, n.n), " \t\r\n"), out, cap) != ERR_OK) {
        out[0] = '\0';
    }
    return true;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct exchange *x = arg;
    struct text line = text_span(p, n);
    (void)size;
    if (!take_header(line, "www-authenticate:", x->challenge, sizeof(x->challenge))) {
        (void)take_header(line, "authentication-info:", x->info, sizeof(x->info));
    }
    return n;
}

/* -- the connection ----------------------------------------------------------------------------------------------- */
static err_t apply_http(CURL *easy, struct exchange *x, const char *address)
{
    char line[DEVICE_STATE_ADDRESS_MAX + 8];
    int n = snprintf(line, sizeof(line), "::%s", address);
    x->to = n < 0 || (size_t)n >= sizeof(line) ? NULL : curl_slist_append(NULL, line);
    bool ok = x->to != NULL && curl_easy_setopt(easy, CURLOPT_CONNECT_TO, x->to) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    return ok ? ERR_OK : ERR_LIMIT_CAPACITY;
}

/* Digest AKA protects itself; HTTPS hides the IMPI too. */
static err_t set_up(CURL *easy, struct exchange *x, const struct ub_client *u)
{
    const struct device_state_server *b = u->bsf;
    char url[KEYID_MAX + 16];
    x->https = text_starts(text_of(b->address), HTTPS);
    int n = snprintf(url, sizeof(url), "%s%s" UB_PATH, x->https ? HTTPS : "http://", b->fqdn);
    if (n < 0 || (size_t)n >= sizeof(url)) {
        return ERR_LIMIT_SIZE;
    }
    x->tls = (struct client_tls){.fqdn = b->fqdn,
                                 .address = b->address + (x->https ? sizeof(HTTPS) - 1 : 0),
                                 .trust = b->cert.trust,
                                 .certificate = b->cert.file[0] != '\0' ? b->cert.file : NULL,
                                 .key = b->cert.key};
    TRY(x->https ? client_tls_apply(easy, &x->tls) : apply_http(easy, x, b->address));
    bool ok = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_WRITEDATA, x) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_HEADERDATA, x) == CURLE_OK;
    return ok ? ERR_OK : ERR_LIMIT_CAPACITY;
}

/* The User-Agent says what of GBA this is [TS 24.109 A.3]. */
static err_t headers_make(struct exchange *x, const struct ub_ue *ue, struct text authorization)
{
    char line[DIGEST_TEXT_MAX + 32];
    static const char *const agents[2][2] = {{"User-Agent: keystead 3gpp-gba-tmpi", "User-Agent: keystead 3gpp-gba"},
                                             {"User-Agent: keystead 3gpp-gba-uicc 3gpp-gba-tmpi", "User-Agent: keystead 3gpp-gba-uicc"}};
    const char *agent = agents[ue->conf.card_keeps_ks][ue->by_impi];
    struct writer w = WRITER_ARRAY(line);
    writer_z(&w, "Authorization: ");
    writer_text(&w, authorization);
    TRY(writer_finish_z(&w));
    curl_slist_free_all(x->headers);
    x->headers = curl_slist_append(NULL, agent);
    struct curl_slist *more = x->headers == NULL ? NULL : curl_slist_append(x->headers, line);
    return more == NULL ? ERR_LIMIT_CAPACITY : ERR_OK;
}

static err_t get(CURL *easy, struct exchange *x, usec_t until)
{
    x->challenge[0] = x->info[0] = '\0';
    x->body_n = 0;
    x->too_large = false;
    TRY(client_tls_limit(easy, until));
    TRY(curl_easy_setopt(easy, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK ? ERR_OK : ERR_LIMIT_CAPACITY);
    CURLcode code = curl_easy_perform(easy);
    long status = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    x->status = (unsigned)status;
    x->mute = status == 0 && (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_UNSUPPORTED_PROTOCOL ||
                              code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_SSL_CONNECT_ERROR);
    return x->too_large ? ERR_LIMIT_SIZE : client_tls_outcome(&x->tls, (int)code);
}

/* -- the run ------------------------------------------------------------------------------------------------------- */
static err_t ask_card(struct ub_client *u, struct ub_ue *ue)
{
    const struct aka_sim *sim = u->sim;
    SCOPED(aka_card_answer_wipe) struct aka_answer a = {0};
    bool keeps = ue->conf.card_keeps_ks;
    if ((keeps ? sim->bootstrap : sim->authenticate) == NULL) {
        return ERR_DENIED_GBA_VARIANT;
    }
    err_t e = keeps ? sim->bootstrap(sim->self, &ue->rand, &ue->autn, &a) : sim->authenticate(sim->self, &ue->rand, &ue->autn, &a);
    e = ub_ue_card(ue, e, &a);
    return e == ERR_OK ? e : detail_fail(u->detail, e, "the card did not take the challenge", text_empty());
}

/* What is malformed is the BSF's, not the caller's: the exit code says so, the detail what it is. */
static err_t refused(struct ub_client *u, err_t e, unsigned status)
{
    char said[40];
    (void)snprintf(said, sizeof(said), "the BSF answered HTTP %u", status);
    if (e < ERR_DENIED_PSK_UNKNOWN || e == ERR_LIMIT_SIZE) {
        return detail_fail(u->detail, ERR_PEER_NONSENSE, said, text_of(err_code(e)));
    }
    return detail_fail(u->detail, e, said, text_empty());
}

static err_t hear(struct ub_client *u, struct ub_ue *ue, const struct exchange *x)
{
    const struct ub_ue_reply r = {.status = x->status,
                                  .challenge = text_of(x->challenge),
                                  .info = text_of(x->info),
                                  .body = bytes_of(x->body, x->body_n),
                                  .now = clock_now()};
    err_t e = ub_ue_reply(ue, &r);
    if (e == ERR_PEER_REFUSED) {
        return device_refusal(r.body, u->detail);
    }
    return e == ERR_OK ? e : refused(u, e, x->status);
}

static err_t round_trip(struct ub_client *u, struct ub_ue *ue, CURL *easy, struct exchange *x)
{
    char authorization[DIGEST_TEXT_MAX];
    struct writer w = WRITER_ARRAY(authorization);
    TRY(ub_ue_request(ue, &w));
    TRY(headers_make(x, ue, writer_view_text(&w)));
    err_t e = get(easy, x, u->until);
    if (e == ERR_LIMIT_SIZE) {
        return refused(u, e, x->status);
    }
    if (e != ERR_OK) {
        const char *what = e != ERR_PEER_UNREACHABLE || !x->mute ? "BSF"
                           : x->https ? "no TLS is spoken there (HTTP? then without https://): BSF"
                                      : "no HTTP is spoken there (TLS? then https:// and --trust): BSF";
        return detail_fail(u->detail, e, what, text_of(u->bsf->address));
    }
    TRY(hear(u, ue, x));
    return ue->step == UB_UE_CARD ? ask_card(u, ue) : ERR_OK;
}

static err_t converse(struct ub_client *u, struct ub_ue *ue, CURL *easy, struct exchange *x)
{
    TRY(set_up(easy, x, u));
    for (int i = 0; i < ROUNDS_MAX && ue->step != UB_UE_DONE; i++) {
        TRY(round_trip(u, ue, easy, x));
    }
    return ue->step == UB_UE_DONE ? ERR_OK : ERR_PEER_NONSENSE;
}

err_t ub_client_run(struct ub_client *u, struct ub_ue *ue)
{
    struct exchange x = {.https = false};
    u->detail[0] = '\0';
    CURL *easy = wiped_curl() == ERR_OK ? curl_easy_init() : NULL;
    err_t e = easy == NULL ? ERR_LIMIT_CAPACITY : converse(u, ue, easy, &x);
    curl_easy_cleanup(easy);
    client_tls_forget(&x.tls);
    curl_slist_free_all(x.headers);
    curl_slist_free_all(x.to);
    return e;
}
