#include "shell/device_run.h"

#include "base/ct.h"
#include "proto/ua_ue.h"
#include "shell/crypto_openssl.h"
#include "shell/dtls_client.h"
#include "shell/wiped.h"
#include "wire/cbor_value.h"
#include "wire/jwt.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum media form_of(const struct device_run *r)
{
    return r->cbor ? MEDIA_CBOR : MEDIA_JSON;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct device_run *r = arg;
    (void)size; /* always 1 */
    if (n > sizeof(r->body) - r->body_n) {
        r->too_large = true;
        return 0;
    }
    memcpy(r->body + r->body_n, p, n);
    r->body_n += n;
    return n;
}

/* One that has no room is as one that is not there. */
static void take_first(struct text v, char *out, size_t cap)
{
    if (out[0] == '\0' && text_copy(v, out, cap) != ERR_OK) {
        out[0] = '\0';
    }
}

/* The value of a header line if it is this one. */
static bool header_is(struct text line, const char *name, struct text *value)
{
    struct text n = text_of(name);
    if (!text_eq_nocase(text_take(line, n.n), n)) {
        return false;
    }
    struct text v = text_skip(line, n.n);
    while (v.n > 0 && v.p[0] == ' ') {
        v = text_skip(v, 1);
    }
    *value = text_take(v, text_find(v, '\r'));
    return true;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct device_run *r = arg;
    (void)size;
    struct text line = text_span(p, n);
    struct text v = text_empty();
    if (header_is(line, "HTTP/", &v)) {
        v = text_skip(v, text_find(v, ' ') + 1);
        (void)snprintf(r->status, sizeof(r->status), "HTTP %.3s", v.n >= 3 ? v.p : "?");
    } else if (header_is(line, "x-m2m-rsc:", &v)) {
        uint64_t rsc = 0;
        r->rsc = text_u64(v, 9999, &rsc) == ERR_OK ? (uint16_t)rsc : 0;
    } else if (header_is(line, "www-authenticate:", &v)) {
        take_first(v, r->challenge, sizeof(r->challenge));
    } else if (header_is(line, "authentication-info:", &v)) {
        take_first(v, r->info, sizeof(r->info));
    } else if (header_is(line, "content-type:", &v)) {
        r->media = media_parse(text_take(v, text_find(v, ';')), &r->media) == ERR_OK ? r->media : MEDIA_N;
    }
    return n;
}

struct headers {
    struct curl_slist *list;
    bool failed;
};

static void headers_free(struct headers *h)
{
    curl_slist_free_all(h->list);
}

static void add(struct headers *h, const char *name, const char *value)
{
    char line[JWT_MAX + 64];
    int n = snprintf(line, sizeof(line), "%s: %s", name, value);
    struct curl_slist *longer = n < 0 || (size_t)n >= sizeof(line) ? NULL : curl_slist_append(h->list, line);
    h->failed = h->failed || longer == NULL;
    h->list = longer != NULL ? longer : h->list;
}

static void headers_of(struct headers *h, const struct device_exchange *x, const char *media)
{
    char typed[48];
    (void)snprintf(typed, sizeof(typed), "%s;ty=%u", media, (unsigned)x->ty);
    if (x->from[0] != '\0') {
        add(h, "X-M2M-Origin", x->from);
    }
    add(h, "X-M2M-RI", "1"); /* one request a connection */
    add(h, "X-M2M-RVI", "3");
    add(h, "Accept", media);
    if (x->token != NULL) {
        add(h, "Authorization", x->token);
    }
    if (x->gba != NULL) { /* what of GBA this is, where the NAF asks for a proof in each request [TS 24.109 5.2] */
        add(h, "User-Agent", UA_UE_AGENT);
    }
    if (x->op == OP_CREATE) {
        add(h, "Content-Type", typed);
    } else if (x->body.n > 0) {
        add(h, "Content-Type", media);
    }
}

static const char *method(enum op op)
{
    static const char *const names[] = {[OP_NONE] = "GET",   [OP_CREATE] = "POST",   [OP_RETRIEVE] = "GET",
                                        [OP_UPDATE] = "PUT", [OP_DELETE] = "DELETE", [OP_NOTIFY] = "POST"};
    return names[op];
}

static err_t set_request(CURL *easy, const struct device_run *r, const struct device_exchange *x, struct headers *h)
{
    if (!x->has_request) {
        return curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK ? ERR_OK : ERR_BUG;
    }
    headers_of(h, x, media_name(form_of(r)));
    bool has_body = x->body.n > 0 || x->op == OP_CREATE || x->op == OP_UPDATE;
    bool ok = !h->failed && (!has_body || (curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)x->body.n) == CURLE_OK &&
                                           curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, x->body.p) == CURLE_OK)) &&
              curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method(x->op)) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_HTTPHEADER, h->list) == CURLE_OK;
    return ok ? ERR_OK : ERR_LIMIT_CAPACITY;
}

static err_t set_up(CURL *easy, struct device_run *r, const struct device_exchange *x, struct client_tls *tls)
{
    char url[KEYID_MAX + DEVICE_PATH_MAX + 16];
    int n = snprintf(url, sizeof(url), "https://%s%s", x->server->fqdn, x->has_request ? x->path : "/");
    if (n < 0 || (size_t)n >= sizeof(url)) {
        return ERR_LIMIT_SIZE;
    }
    TRY(client_tls_apply(easy, tls));
    TRY(client_tls_limit(easy, r->until));
    bool ok = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK && /* a session of its own: CHOICE-10 */
              curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_WRITEDATA, r) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_HEADERDATA, r) == CURLE_OK;
    return ok ? ERR_OK : ERR_LIMIT_CAPACITY;
}

static void blank(struct device_run *r)
{
    r->body_n = 0;
    r->rsc = 0;
    r->too_large = false;
    r->media = MEDIA_N;
    r->status[0] = r->challenge[0] = r->info[0] = '\0';
}

static err_t transfer(CURL *easy, struct device_run *r, const struct device_exchange *x, struct client_tls *tls)
{
    SCOPED(headers_free) struct headers h = {NULL, false};
    blank(r);
    TRY(set_request(easy, r, x, &h));
    CURLcode code = curl_easy_perform(easy);
    return r->too_large ? ERR_PEER_NONSENSE : client_tls_outcome(tls, (int)code);
}

/* An HTTP server that is no oneM2M entity says no X-M2M-RSC. */
static err_t is_onem2m(const struct device_run *r)
{
    return r->rsc == 0 ? ERR_PEER_NONSENSE : ERR_OK;
}

static err_t perform(CURL *easy, struct device_run *r, const struct device_exchange *x, struct client_tls *tls)
{
    TRY(set_up(easy, r, x, tls));
    TRY(transfer(easy, r, x, tls));
    return x->has_request ? is_onem2m(r) : ERR_OK;
}

/* -- proved by HTTP Digest ------------------------------------------------------------------------------- */
#define CHALLENGES_MOST 3

static bool is_challenge(const struct device_run *r)
{
    return strcmp(r->status, "HTTP 401") == 0;
}

/* What is malformed is the peer's, not the caller's: the exit code says so. */
static err_t heard(err_t e)
{
    return e == ERR_LIMIT_SIZE || (e != ERR_OK && e < ERR_DENIED_PSK_UNKNOWN) ? ERR_PEER_NONSENSE : e;
}

/* The answer to the challenge that is there: the key belongs to the suite of this session, which is known by now. */
static err_t authorize(struct device_run *r, const struct device_exchange *x, uint16_t suite, struct ua_ue *ue, struct writer *w)
{
    const struct ua_message m = {text_of(method(x->op)), text_of(x->path), text_bytes(x->body)};
    TRY(heard(ua_ue_challenged(ue, text_of(r->challenge))));
    TRY(device_naf_digest(&r->naf, suite));
    ue->b_tid = text_of(r->naf.key.identity);
    return ua_ue_request(ue, &m, &r->naf.key.key, w);
}

/* A success is taken from who has the key alone. A refusal may come from a NAF that does not know yet who asks; where it is proved, it has to be right. */
static err_t believe(struct device_run *r, const struct ua_ue *ue)
{
    if (is_challenge(r)) {
        return device_refusal(bytes_of(r->body, r->body_n), r->naf.detail);
    }
    TRY(is_onem2m(r));
    bool proved = r->info[0] != '\0';
    return proved || r->rsc < 3000 ? heard(ua_ue_answered(ue, text_of(r->info), bytes_of(r->body, r->body_n))) : ERR_OK;
}

static err_t converse(CURL *easy, struct device_run *r, const struct device_exchange *x, struct client_tls *tls)
{
    SCOPED(ua_ue_wipe) struct ua_ue ue = {.crypto = crypto_openssl(), .host = text_of(x->server->fqdn)};
    struct device_exchange sent = *x;
    char authorization[DIGEST_TEXT_MAX];
    for (int i = 0; i < CHALLENGES_MOST && (i == 0 || (is_challenge(r) && ue.stale)); i++) {
        struct writer w = WRITER_ARRAY(authorization);
        TRY(authorize(r, x, tls->suite, &ue, &w));
        TRY(writer_finish_z(&w));
        sent.token = authorization; /* one header for both */
        TRY(transfer(easy, r, &sent, tls));
        if (is_challenge(r) && ua_ue_challenged(&ue, text_of(r->challenge)) != ERR_OK) {
            break;
        }
    }
    return believe(r, &ue);
}

/* First a request that anybody may make: it brings the session and the challenge, and what is meant is not sent without a proof. */
static err_t perform_digest(CURL *easy, struct device_run *r, const struct device_exchange *x, struct client_tls *tls)
{
    struct device_exchange first = *x;
    first.has_request = true;
    first.op = OP_RETRIEVE;
    first.ty = 0;
    first.from = "";
    first.body = text_empty();
    TRY(x->token == NULL && !(x->has_request && x->export_label != NULL) ? ERR_OK : ERR_EXPORT_DIGEST);
    if (!x->has_request) {
        TRY(TEXT_COPY(text_of("/-"), first.path));
    }
    TRY(set_up(easy, r, &first, tls));
    TRY(curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 0L) == CURLE_OK ? ERR_OK : ERR_LIMIT_CAPACITY);
    TRY(transfer(easy, r, &first, tls));
    TRY(curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 0L) == CURLE_OK ? ERR_OK : ERR_LIMIT_CAPACITY);
    TRY(converse(easy, r, x->has_request ? x : &first, tls));
    if (!x->has_request && r->info[0] != '\0') { /* whatever it thinks of that request: it has proved itself */
        r->rsc = 0;
    }
    return ERR_OK;
}

/* -- over datagrams ------------------------------------------------------------------------------------ */
#define COAPS "coaps://"

static err_t perform_coap(struct device_run *r, const struct device_exchange *x, struct client_tls *tls)
{
    const struct primitive request = {
        .op = x->op,
        .path = text_of(x->path),
        .from = text_of(x->from == NULL ? "" : x->from),
        .rqi = text_of("1"), /* one request a connection */
        .rvi = text_of("3"),
        .has_ty = x->op == OP_CREATE,
        .ty = x->ty,
        .expires = USEC_NEVER,
        .media = form_of(r),
        .accept = form_of(r),
        .content = text_bytes(x->body),
    };
    struct dtls_client d = {
        .tls = *tls,
        .crypto = crypto_openssl(),
        .until = r->until,
        .request = x->has_request ? &request : NULL,
        .body = r->body,
        .body_cap = sizeof(r->body),
    };
    d.tls.address += sizeof(COAPS) - 1;
    err_t e = dtls_client_exchange(&d);
    r->rsc = d.rsc;
    r->body_n = d.body_n;
    tls->version = d.tls.version;
    tls->suite = d.tls.suite;
    tls->alert = d.tls.alert;
    if (d.code == 0 && d.tls.alert == 0 && e == ERR_PEER_FAILING) {
        (void)snprintf(r->status, sizeof(r->status), "CoAP Reset");
    }
    if (d.code != 0) {
        (void)snprintf(r->status, sizeof(r->status), "CoAP %u.%02u", (unsigned)(d.code >> 5), (unsigned)(d.code & 31));
        r->media = d.media;
    }
    return e;
}

/* -- both ---------------------------------------------------------------------------------------------- */
static err_t perform_http(struct device_run *r, const struct device_exchange *x, struct client_tls *tls)
{
    CURL *easy = wiped_curl() == ERR_OK ? curl_easy_init() : NULL;
    if (easy == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    err_t e = x->gba != NULL && tls->psk_of == NULL ? perform_digest(easy, r, x, tls) : perform(easy, r, x, tls);
    curl_easy_cleanup(easy);
    client_tls_forget(tls);
    return e;
}

struct form {
    uint8_t *room;
    size_t cap;
};

static void form_free(struct form *f)
{
    if (f->room != NULL) {
        ct_wipe(f->room, f->cap); /* a content may carry a key */
        free(f->room);
    }
}

/* The answer as JSON, whichever form it came in. */
static err_t as_json(struct device_run *r, const struct form *f)
{
    struct writer w = writer_of(f->room, sizeof(r->body));
    if (r->media != MEDIA_CBOR || r->body_n == 0) {
        return ERR_OK;
    }
    if (cbor_value_to_json(bytes_of(r->body, r->body_n), &w) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    memcpy(r->body, f->room, w.n);
    r->body_n = w.n;
    r->media = MEDIA_JSON;
    return ERR_OK;
}

static err_t exchange(struct device_run *r, const struct device_exchange *x, struct client_tls *tls,
                      struct device_outcome *out)
{
    size_t cap = sizeof(r->body) + 2 * x->body.n; /* JSON's "1.1" is nine octets in CBOR, no text grows more */
    SCOPED(form_free) struct form f = {malloc(cap), cap};
    struct device_exchange sent = *x;
    if (f.room == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    if (r->cbor && x->body.n > 0) {
        struct writer w = writer_of(f.room, f.cap);
        TRY(cbor_value_of_json(text_bytes(x->body), &w));
        sent.body = writer_view_text(&w);
    }
    bool coap = text_starts(text_of(x->server->address), COAPS);
    if (coap && sent.token != NULL) { /* no CoAP option holds one: ?tids= and ?ltids= name it */
        return ERR_NOT_IMPLEMENTED;
    }
    err_t e = coap ? perform_coap(r, &sent, tls) : perform_http(r, &sent, tls);
    out->by_digest = x->gba != NULL && device_gba_is_https(x->server);
    out->tls_version = tls->version;
    out->suite = tls->suite;
    if (tls->alert != 0) {
        (void)snprintf(r->status, sizeof(r->status), "TLS alert %u, %s", (unsigned)tls->alert,
                       client_tls_alert_name(tls));
    }
    return e == ERR_OK ? as_json(r, &f) : e;
}

void device_run_exchange(struct device_run *r, const struct device_exchange *x, struct device_outcome *out)
{
    const bool digest = x->gba != NULL && device_gba_is_https(x->server);
    *out = (struct device_outcome){.err = ERR_LIMIT_CAPACITY, .body = bytes_empty()};
    struct client_tls tls = {
        .psk_identity = x->psk_id != NULL ? text_of(x->psk_id->z) : text_empty(), /* not with psk_of */
        .psk = x->psk,
        .psk_of = x->gba != NULL && !digest ? device_naf_psk : NULL,
        .psk_arg = &r->naf,
        .certificate = x->psk_id == NULL ? x->server->cert.file : NULL,
        .key = x->server->cert.key,
        .trust = x->server->cert.trust,
        .fqdn = x->server->fqdn,
        .address = x->server->address + (digest ? sizeof(DEVICE_GBA_HTTPS) - 1 : 0),
        .export_label = digest ? NULL : x->export_label,
        .exported = &out->exported,
    };
    blank(r);
    r->naf.detail[0] = '\0';
    out->err = x->gba == NULL ? ERR_OK : device_naf_open(&r->naf, x->gba, x->server->fqdn);
    out->err = out->err == ERR_OK ? exchange(r, x, &tls, out) : out->err;
    if (x->gba != NULL) {
        device_naf_close(&r->naf);
    }
    out->rsc = r->rsc;
    out->body = bytes_of(r->body, r->body_n);
}
