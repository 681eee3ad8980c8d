/* keystead bench: the load generator and the yardsticks. bench/run puts them together and prints the table. */
#include "access_rate.h"
#include "bare_store.h"
#include "cert_rate.h"
#include "cli/cli.h"
#include "load_http.h"
#include "load_tls.h"
#include "load_ub.h"
#include "lookup_rate.h"
#include "raw_tls.h"
#include "scan_rate.h"
#include "shell/crypto_openssl.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct cli_command cmd_bench;

#define SECONDS_MAX 3600
#define IN_FLIGHT_MAX 10000
#define CONTENT_MAX 8192 /* octets of a record of raw-tls */
#define BATCH 64
#define LOCKSTEP 16
#define SUITE "PSK-AES128-CBC-SHA256"

/* -- arguments ----------------------------------------------------------------------------------------- */
static err_t number(const struct cli_args *a, const char *name, uint64_t fallback, uint64_t max, uint64_t *out)
{
    const char *z = cli_arg(a, name);
    *out = fallback;
    return z == NULL ? ERR_OK : text_u64(text_of(z), max, out);
}

static err_t seconds(const struct cli_args *a, usec_t *out)
{
    uint64_t n = 0;
    TRY(number(a, "--seconds", 5, SECONDS_MAX, &n));
    *out = (usec_t)n * USEC_PER_SEC;
    return ERR_OK;
}

static err_t load_of(const struct cli_args *a, struct load *l)
{
    uint64_t port = 0;
    uint64_t in_flight = 0;
    TRY(number(a, "--port", 0, 65535, &port));
    TRY(number(a, "--in-flight", 64, IN_FLIGHT_MAX, &in_flight));
    TRY(number(a, "--count", 100000000, 100000000, &l->count));
    TRY(number(a, "--first", 0, UINT64_MAX / 2, &l->first));
    TRY(seconds(a, &l->time));
    l->in_flight = (size_t)in_flight;
    l->to = (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}; /* a load generator stays at home */
    return in_flight == 0 ? ERR_USAGE : ERR_OK;
}

/* -- answers ------------------------------------------------------------------------------------------- */
static void out_number(const struct cli_args *a, const char *name, uint64_t v)
{
    char digits[24];
    (void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);
    cli_out(a, name, text_of(digits));
}

static int tell_load(const struct cli_args *a, const struct load *l)
{
    cli_out_begin(a);
    out_number(a, "done", l->done);
    out_number(a, "failed", l->failed);
    out_number(a, "wall_us", (uint64_t)(l->ended - l->begun));
    out_number(a, "p50_us", hist_quantile(&l->hist, 50));
    out_number(a, "p99_us", hist_quantile(&l->hist, 99));
    cli_out_end(a);
    if (l->failed > 0) {
        (void)fprintf(stderr, "keystead: bench: %llu failed; first: %s\n", (unsigned long long)l->failed, l->why);
    }
    return l->failed > 0 ? CLI_REFUSED : CLI_DONE;
}

static int tell_cpu(const struct cli_args *a, uint64_t done, int64_t cpu_ns, uint64_t changes)
{
    cli_out_begin(a);
    out_number(a, "done", done);
    out_number(a, "cpu_us", (uint64_t)cpu_ns / 1000);
    out_number(a, "changes", changes);
    cli_out_end(a);
    return CLI_DONE;
}

static int run_load(const struct cli_args *a, struct load *l)
{
    err_t e = load_run(l);
    int code = e == ERR_OK ? tell_load(a, l) : cli_fail(a, e, "");
    hist_wipe(&l->hist);
    return code;
}

static err_t open_out(const struct cli_args *a, const char *option, FILE **out)
{
    const char *file = cli_arg(a, option);
    *out = file == NULL ? NULL : fopen(file, "we");
    return file != NULL && *out == NULL ? ERR_IO : ERR_OK;
}

static int close_out(FILE *f, int code)
{
    return f != NULL && fclose(f) != 0 && code == CLI_DONE ? CLI_INTERNAL : code;
}

/* -- commands ------------------------------------------------------------------------------------------ */
static int http(const struct cli_args *a)
{
    struct load_http h = {.locations = NULL};
    struct load l = {.ops = &load_http_ops, .plan = &h};
    err_t e = load_of(a, &l);
    e = e == ERR_OK ? request_plan_of(a, &h.request) : e;
    e = e == ERR_OK ? open_out(a, "--locations", &h.locations) : e;
    int code = e == ERR_OK ? run_load(a, &l) : cli_fail(a, e, "");
    request_plan_wipe(&h.request);
    return close_out(h.locations, code);
}

static int tls(const struct cli_args *a)
{
    const char *suite = cli_arg(a, "--suite");
    struct load_tls t = {.suite = suite == NULL ? SUITE : suite,
                         .sni = cli_arg(a, "--sni"),
                         .certificates = cli_arg(a, "--certificates") != NULL,
                         .datagram = cli_arg(a, "--datagram") != NULL,
                         .keep = cli_arg(a, "--keep") != NULL,
                         .cert = cli_arg(a, "--cert"),
                         .key = cli_arg(a, "--key"),
                         .handshake_only = cli_arg(a, "--path") == NULL};
    struct load l = {.ops = &load_tls_ops, .plan = &t, .datagram = t.datagram};
    err_t e = load_of(a, &l);
    e = e == ERR_OK ? request_plan_of(a, &t.request) : e;
    bool whole = t.request.lines.n > 0 && (t.cert == NULL) == (t.key == NULL) && !(t.keep && t.handshake_only);
    e = e == ERR_OK && !whole ? ERR_USAGE : e;
    e = e == ERR_OK ? load_tls_open(&t) : e;
    e = e == ERR_OK ? open_out(a, "--locations", &t.locations) : e;
    e = e == ERR_OK ? open_out(a, "--keys", &t.keys) : e;
    int code = e == ERR_OK ? run_load(a, &l) : cli_fail(a, e, "");
    load_tls_close(&t);
    request_plan_wipe(&t.request);
    return close_out(t.keys, close_out(t.locations, code));
}

static int ub(const struct cli_args *a)
{
    struct load_ub u = {.bsf = cli_arg(a, "--bsf"), .crypto = crypto_openssl()};
    struct load l = {.ops = &load_ub_ops, .plan = &u};
    err_t e = load_of(a, &l);
    e = e == ERR_OK ? load_ub_keys(&u) : e;
    e = e == ERR_OK ? request_lines_read(cli_arg(a, "--lines"), &u.impis) : e;
    e = e == ERR_OK ? open_out(a, "--b-tids", &u.b_tids) : e;
    int code = e == ERR_OK ? run_load(a, &l) : cli_fail(a, e, "");
    request_lines_wipe(&u.impis);
    aka_keys_wipe(&u.keys);
    return close_out(u.b_tids, code);
}

static int raw(const struct cli_args *a)
{
    const char *suite = cli_arg(a, "--suite");
    struct raw_tls_plan p = {.suite = suite == NULL ? SUITE : suite, .datagram = cli_arg(a, "--datagram") != NULL,
                             .server_cert = cli_arg(a, "--server-cert"), .server_key = cli_arg(a, "--server-key"),
                             .client_cert = cli_arg(a, "--client-cert"), .client_key = cli_arg(a, "--client-key"),
                             .trust = cli_arg(a, "--trust")};
    uint64_t lockstep = LOCKSTEP, in = 0, out = 0;
    struct raw_tls_result r = {0};
    bool certs = p.server_cert != NULL && p.server_key != NULL && p.client_cert != NULL && p.client_key != NULL;
    err_t e = seconds(a, &p.time);
    e = e == ERR_OK ? number(a, "--lockstep", LOCKSTEP, IN_FLIGHT_MAX, &lockstep) : e;
    e = e == ERR_OK && (lockstep == 0 || (p.trust != NULL && !certs)) ? ERR_USAGE : e;
    e = e == ERR_OK ? number(a, "--in", 0, CONTENT_MAX, &in) : e;
    e = e == ERR_OK ? number(a, "--out", 0, CONTENT_MAX, &out) : e;
    e = e == ERR_OK && (in == 0) != (out == 0) ? ERR_USAGE : e;
    p.lockstep = (size_t)lockstep;
    p.in = (size_t)in;
    p.out = (size_t)out;
    e = e == ERR_OK ? raw_tls_run(&p, &r) : e;
    return e == ERR_OK ? tell_cpu(a, r.done, r.cpu_ns, 0) : cli_fail(a, e, "");
}

static int bare(const struct cli_args *a)
{
    struct bare_store_plan p = {.conf = cli_arg(a, "-c"), .store = cli_arg(a, "--store"), .batch = BATCH};
    struct bare_store_result r = {.detail = ""};
    err_t e = seconds(a, &p.time);
    e = e == ERR_OK ? request_plan_of(a, &p.request) : e;
    e = e == ERR_OK ? bare_store_run(&p, &r) : e;
    request_plan_wipe(&p.request);
    return e == ERR_OK ? tell_cpu(a, r.done, r.cpu_ns, r.changes) : cli_fail(a, e, r.detail);
}

static int access_rate(const struct cli_args *a)
{
    usec_t time = 0;
    struct access_rate_result r = {.detail = ""};
    err_t e = seconds(a, &time);
    e = e == ERR_OK ? access_rate_run(cli_arg(a, "--pv"), cli_arg(a, "--from"), time, &r) : e;
    return e == ERR_OK ? tell_cpu(a, r.done, r.cpu_ns, 0) : cli_fail(a, e, r.detail);
}

static int lookup(const struct cli_args *a)
{
    struct lookup_rate_plan p = {.store = cli_arg(a, "--store")};
    struct lookup_rate_result r = {.done = 0};
    err_t e = seconds(a, &p.time);
    e = e == ERR_OK ? request_lines_read(cli_arg(a, "--lines"), &p.lines) : e;
    e = e == ERR_OK ? lookup_rate_run(&p, &r) : e;
    request_lines_wipe(&p.lines);
    return e == ERR_OK ? tell_cpu(a, r.done, r.cpu_ns, 0) : cli_fail(a, e, "");
}

static int scan(const struct cli_args *a)
{
    usec_t time = 0;
    struct scan_rate_result r = {0};
    err_t e = seconds(a, &time);
    e = e == ERR_OK ? scan_rate_run(cli_arg(a, "--store"), time, &r) : e;
    return e == ERR_OK ? tell_cpu(a, r.done, r.cpu_ns, r.records) : cli_fail(a, e, "");
}

static int cert(const struct cli_args *a)
{
    struct cert_rate_plan p = {.cert = cli_arg(a, "--cert"), .key = cli_arg(a, "--key"), .trust = cli_arg(a, "--trust"),
                               .crl = cli_arg(a, "--crl")};
    struct cert_rate_result r = {.detail = ""};
    err_t e = seconds(a, &p.time);
    e = e == ERR_OK ? cert_rate_run(&p, &r) : e;
    return e == ERR_OK ? tell_cpu(a, r.done, r.cpu_ns, 0) : cli_fail(a, e, r.detail);
}

/* -- the table ------------------------------------------------------------------------------------------- */
#define LOAD_OPTS                                                                                                   \
    {"--port", CLI_OPT_REQUIRED, "port on 127.0.0.1"}, {"--in-flight", 0, "operations at a time (64)"},             \
        {"--count", 0, "operations at most"}, {"--first", 0, "number of the first operation (0)"},                  \
        {"--seconds", 0, "no new operation after so long (5)"},                                                     \
        {"--locations", 0, "file for the Content-Location of each answer"}

static const struct cli_opt http_opts[] = {LOAD_OPTS, REQUEST_OPTS};
static const struct cli_opt tls_opts[] = {LOAD_OPTS,
                                          REQUEST_OPTS,
                                          {"--suite", 0, SUITE},
                                          {"--sni", 0, "server name to ask for"},
                                          {"--certificates", CLI_OPT_FLAG, "--lines names files: certificate, key"},
                                          {"--cert", 0, "one certificate for all; then --lines may name anything"},
                                          {"--key", 0, "its private key"},
                                          {"--keep", CLI_OPT_FLAG, "keep connections: an operation is a request"},
                                          {"--keys", 0, "file for the key exported from each connection"},
                                          {"--datagram", CLI_OPT_FLAG, "DTLS over UDP"}};
static const struct cli_opt ub_opts[] = {LOAD_OPTS,
                                         {"--bsf", CLI_OPT_REQUIRED, "FQDN of the BSF"},
                                         {"--b-tids", 0, "file for the B-TID of each"},
                                         {"--lines", CLI_OPT_REQUIRED, "file of IMPIs, all with K 00..0f and OPc 10..1f"}};
static const struct cli_opt raw_opts[] = {{"--suite", 0, SUITE},
                                          {"--seconds", 0, "how long (5)"},
                                          {"--lockstep", 0, "handshakes side by side (16)"},
                                          {"--datagram", CLI_OPT_FLAG, "DTLS"},
                                          {"--in", 0, "not handshakes but records: octets of a request ..."},
                                          {"--out", 0, "... and of its answer"},
                                          {"--server-cert", 0, "with the four below: certificates instead of a key"},
                                          {"--server-key", 0, "its private key"},
                                          {"--client-cert", 0, "what the client shows"},
                                          {"--client-key", 0, "its private key"},
                                          {"--trust", 0, "anchor of both"}};
static const struct cli_opt access_opts[] = {{"--pv", CLI_OPT_REQUIRED, "privileges as JSON"},
                                             {"--from", CLI_OPT_REQUIRED, "absolute AE-ID that they permit to retrieve"},
                                             {"--seconds", 0, "how long (5)"}};
static const struct cli_opt cert_opts[] = {{"--cert", CLI_OPT_REQUIRED, "certificate that both sides show (PEM)"},
                                           {"--key", CLI_OPT_REQUIRED, "its private key"},
                                           {"--trust", CLI_OPT_REQUIRED, "its anchor"},
                                           {"--crl", 0, "revocation lists"},
                                           {"--seconds", 0, "how long (5)"}};
static const struct cli_opt lookup_opts[] = {{"--store", CLI_OPT_REQUIRED, "store of a MAF"},
                                             {"--lines", CLI_OPT_REQUIRED, "file of lines that end in RelativeKeyIDs"},
                                             {"--seconds", 0, "how long (5)"}};
static const struct cli_opt scan_opts[] = {{"--store", CLI_OPT_REQUIRED, "store of a CSE"},
                                           {"--seconds", 0, "no new scan after so long (5)"}};
static const struct cli_opt bare_opts[] = {{"-c", CLI_OPT_REQUIRED, "configuration of the server"},
                                           {"--store", CLI_OPT_REQUIRED, "a copy of its store, which grows"},
                                           {"--seconds", 0, "how long (5)"},
                                           REQUEST_OPTS};

static const struct cli_verb verbs[] = {
    {"http", http_opts, ARRAY_LEN(http_opts), http, "Requests on kept connections; counts verified answers.", "-"},
    {"tls", tls_opts, ARRAY_LEN(tls_opts), tls,
     "TLS handshakes, each with a request if there is --path; --lines names identities and keys in hex.", "-"},
    {"ub", ub_opts, ARRAY_LEN(ub_opts), ub, "Bootstrapping of GBA, both exchanges, on kept connections.", "TS 33.220 4.5.2"},
    {"raw-tls", raw_opts, ARRAY_LEN(raw_opts), raw, "Yardstick: the server's side of OpenSSL handshakes in memory.", "-"},
    {"bare-store", bare_opts, ARRAY_LEN(bare_opts), bare,
     "Yardstick: the records of creates straight into the store, 64 to a transaction.", "-"},
    {"cert", cert_opts, ARRAY_LEN(cert_opts), cert,
     "The server's side of handshakes with certificates in memory, with or without a revocation list.", "-"},
    {"lookup", lookup_opts, ARRAY_LEN(lookup_opts), lookup, "Registered keys looked up in a MAF's store, without a server.",
     "-"},
    {"scan", scan_opts, ARRAY_LEN(scan_opts), scan,
     "All entries of a CSE's index of children with the records they name, without a server.", "-"},
    {"access", access_opts, ARRAY_LEN(access_opts), access_rate, "Access decisions alone, without a server.", "TS-0003 7.1.5"},
};
const struct cli_command cmd_bench = {"bench", verbs, ARRAY_LEN(verbs), "the load generator and the yardsticks", NULL};
