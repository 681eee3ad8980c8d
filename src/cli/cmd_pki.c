/* keystead pki: an authority in files, for labs and small deployments, and eyes for what certificates say. */
#include "cli/cli.h"
#include "shell/pki.h"
#include "shell/x509.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const struct cli_command cmd_pki;

#define CA_DAYS 3650
#define LEAF_DAYS 825
#define CRL_DAYS 30
#define OCSP_DAYS 7
#define DAYS_MAX 36500
#define KEY_ID_OCTETS 64

/* -- what several verbs take ------------------------------------------------------------------------------ */
static err_t days_of(const struct cli_args *a, unsigned fallback, unsigned *out)
{
    const char *given = cli_arg(a, "--days");
    uint64_t v = fallback;
    if (given != NULL && (text_u64(text_of(given), DAYS_MAX, &v) != ERR_OK || v == 0)) {
        return ERR_USAGE;
    }
    *out = (unsigned)v;
    return ERR_OK;
}

static int file_failed(const struct cli_args *a, err_t e, const char *file)
{
    char detail[ROLE_DETAIL_MAX + 64];
    bool why = e == ERR_MALFORMED || e == ERR_IO;
    (void)snprintf(detail, sizeof(detail), "%.120s%s%s", file, why ? ": " : "", why ? x509_file_fault(file) : "");
    return cli_fail(a, e, detail);
}

static int days_wrong(const struct cli_args *a)
{
    return cli_fail(a, ERR_USAGE, "--days is a number from 1 to 36500");
}

static err_t holder_of(const struct cli_args *a, struct pki_holder *out, const char **why)
{
    *why = "--flavour is one of raw, device, cse-id, ae-id, node-id, fqdn";
    TRY(cert_id_of_name(text_of(cli_arg(a, "--flavour")), &out->flavour) == ERR_OK ? ERR_OK : ERR_USAGE);
    out->id = cli_arg(a, "--id");
    out->arc = cli_arg(a, "--arc");
    *why = out->flavour == CERT_ID_RAW ? "a raw key takes no --id" : "--id is missing";
    TRY((out->flavour == CERT_ID_RAW) == (out->id == NULL) ? ERR_OK : ERR_USAGE);
    *why = "--arc is for devices";
    return out->arc == NULL || out->flavour == CERT_ID_DEVICE ? ERR_OK : ERR_USAGE;
}

static int made(const struct cli_args *a, const char *const *names, size_t n)
{
    cli_out_begin(a);
    for (size_t i = 0; i < n; i++) {
        const char *option = names[i];
        if (cli_arg(a, option) != NULL) {
            cli_out(a, option + 2, text_of(cli_arg(a, option)));
        }
    }
    const char *file = cli_arg(a, names[0]);
    char z[KEY_ID_OCTETS];
    struct writer w = WRITER_ARRAY(z);
    if (pki_show_key_id(file, 256, &w) == ERR_OK) {
        cli_out(a, "key_id", writer_view_text(&w));
    }
    cli_out_end(a);
    return CLI_DONE;
}
#define MADE(a, ...) \
    made((a), (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* -- verbs -------------------------------------------------------------------------------------------------- */
static int ca(const struct cli_args *a)
{
    char detail[ROLE_DETAIL_MAX] = "";
    const struct pki_signer parent = {cli_arg(a, "--ca-cert"), cli_arg(a, "--ca-key")};
    const char *depth = cli_arg(a, "--path-length");
    uint64_t length = 0;
    struct pki_authority rq = {.name = cli_arg(a, "--name"), .permit_dns = cli_arg(a, "--permit-dns"),
                               .permit_uri = cli_arg(a, "--permit-uri-host"), .path_length = -1,
                               .cert_file = cli_arg(a, "--cert"), .key_file = cli_arg(a, "--key")};
    rq.name = rq.name == NULL ? "Keystead CA" : rq.name;
    if (days_of(a, CA_DAYS, &rq.days) != ERR_OK) {
        return days_wrong(a);
    }
    if (depth != NULL && text_u64(text_of(depth), 2, &length) != ERR_OK) {
        return cli_fail(a, ERR_USAGE, "--path-length is 0, 1 or 2");
    }
    rq.path_length = depth == NULL ? -1 : (int)length;
    if ((parent.cert_file == NULL) != (parent.key_file == NULL)) {
        return cli_fail(a, ERR_USAGE, "--ca-cert and --ca-key go together");
    }
    rq.parent = parent.cert_file == NULL ? NULL : &parent;
    bool limited = rq.permit_dns != NULL || rq.permit_uri != NULL;
    if (limited == (cli_arg(a, "--unconstrained") != NULL)) {
        return cli_fail(a, ERR_USAGE, "say what it may sign: --permit-dns, --permit-uri-host, or --unconstrained");
    }
    err_t e = pki_authority_make(&rq, detail);
    return e == ERR_OK ? MADE(a, "--cert", "--key") : cli_fail(a, e, detail);
}

static int csr(const struct cli_args *a)
{
    char detail[ROLE_DETAIL_MAX] = "";
    struct pki_holder of;
    const char *why;
    if (holder_of(a, &of, &why) != ERR_OK) {
        return cli_fail(a, ERR_USAGE, why);
    }
    err_t e = pki_request_make(&of, cli_arg(a, "--key"), cli_arg(a, "--csr"), detail);
    return e == ERR_OK ? MADE(a, "--csr", "--key") : cli_fail(a, e, detail);
}

static int sign(const struct cli_args *a)
{
    char detail[ROLE_DETAIL_MAX] = "";
    const struct pki_signer ca_files = {cli_arg(a, "--ca-cert"), cli_arg(a, "--ca-key")};
    struct pki_holder expected;
    const char *why = "--flavour and --id go together";
    bool named = cli_arg(a, "--flavour") != NULL;
    unsigned days = 0;
    if (days_of(a, LEAF_DAYS, &days) != ERR_OK) {
        return days_wrong(a);
    }
    if (named ? holder_of(a, &expected, &why) != ERR_OK : cli_arg(a, "--id") != NULL) {
        return cli_fail(a, ERR_USAGE, why);
    }
    err_t e = pki_sign(&ca_files, cli_arg(a, "--csr"), named ? &expected : NULL, cli_arg(a, "--cert"), days, detail);
    return e == ERR_OK ? MADE(a, "--cert") : cli_fail(a, e, detail);
}

static int issue(const struct cli_args *a)
{
    char detail[ROLE_DETAIL_MAX] = "";
    const struct pki_signer ca_files = {cli_arg(a, "--ca-cert"), cli_arg(a, "--ca-key")};
    struct pki_holder to;
    const char *why;
    unsigned days = 0;
    if (days_of(a, LEAF_DAYS, &days) != ERR_OK) {
        return days_wrong(a);
    }
    if (holder_of(a, &to, &why) != ERR_OK) {
        return cli_fail(a, ERR_USAGE, why);
    }
    bool has_ca = ca_files.cert_file != NULL && ca_files.key_file != NULL;
    bool any = ca_files.cert_file != NULL || ca_files.key_file != NULL;
    if (to.flavour == CERT_ID_RAW ? any : !has_ca) {
        return cli_fail(a, ERR_USAGE, to.flavour == CERT_ID_RAW ? "a raw key has no CA" : "--ca-cert and --ca-key are missing");
    }
    err_t e = pki_issue(&ca_files, &to, cli_arg(a, "--key"), cli_arg(a, "--cert"), days, detail);
    return e == ERR_OK ? MADE(a, "--cert", "--key") : cli_fail(a, e, detail);
}

static int crl(const struct cli_args *a)
{
    char detail[ROLE_DETAIL_MAX] = "";
    struct pki_revocation rq = {.ca = {cli_arg(a, "--ca-cert"), cli_arg(a, "--ca-key")}, .crl_file = cli_arg(a, "--crl"),
                                .revoke = a->more, .revoke_n = a->more_n};
    if (days_of(a, CRL_DAYS, &rq.days) != ERR_OK) {
        return days_wrong(a);
    }
    err_t e = pki_crl_make(&rq, detail);
    return e == ERR_OK ? MADE(a, "--crl") : cli_fail(a, e, detail);
}

static int ocsp(const struct cli_args *a)
{
    char detail[ROLE_DETAIL_MAX] = "";
    struct pki_ocsp rq = {.ca = {cli_arg(a, "--ca-cert"), cli_arg(a, "--ca-key")}, .cert_file = cli_arg(a, "--cert"),
                          .crl_file = cli_arg(a, "--crl"), .response_file = cli_arg(a, "--response")};
    if (days_of(a, OCSP_DAYS, &rq.days) != ERR_OK) {
        return days_wrong(a);
    }
    err_t e = pki_ocsp_make(&rq, detail);
    return e == ERR_OK ? MADE(a, "--response") : cli_fail(a, e, detail);
}

static void tell(void *ctx, const char *name, struct text value)
{
    cli_out(ctx, name, value);
}

static int show(const struct cli_args *a)
{
    const char *file = cli_arg(a, "FILE");
    err_t verdict = ERR_OK;
    struct cli_args *out = &(struct cli_args){.json = a->json};
    cli_out_begin(a);
    err_t e = pki_show(file, tell, out, &verdict);
    if (e != ERR_OK) {
        return file_failed(a, e, file);
    }
    cli_out(a, "verdict", text_of(verdict == ERR_OK ? "ok" : err_code(verdict)));
    cli_out_end(a);
    return verdict == ERR_OK ? CLI_DONE : CLI_REFUSED;
}

static int key_id(const struct cli_args *a)
{
    const char *file = cli_arg(a, "FILE");
    uint64_t bits = 256;
    char z[KEY_ID_OCTETS];
    struct writer w = WRITER_ARRAY(z);
    if (cli_arg(a, "--bits") != NULL && text_u64(text_of(cli_arg(a, "--bits")), 256, &bits) != ERR_OK) {
        bits = 0;
    }
    if (bits != 120 && bits != 128 && bits != 256) {
        return cli_fail(a, ERR_USAGE, "--bits is 120, 128 or 256");
    }
    err_t e = pki_show_key_id(file, (unsigned)bits, &w);
    if (e == ERR_OK) {
        e = writer_finish_z(&w);
    }
    if (e != ERR_OK) {
        return file_failed(a, e, file);
    }
    char uri[KEY_ID_OCTETS + 8];
    char credential[KEY_ID_OCTETS + 8];
    (void)snprintf(uri, sizeof(uri), "ni:///%s", z);
    (void)snprintf(credential, sizeof(credential), "30-%s", z);
    char *semicolon = strchr(credential, ';');
    if (semicolon != NULL) {
        *semicolon = '.'; /* CHOICE-37 */
    }
    cli_out_begin(a);
    cli_out(a, "key_id", text_of(uri));
    cli_out(a, "credential_id", text_of(credential));
    cli_out_end(a);
    return CLI_DONE;
}

/* -- tables ------------------------------------------------------------------------------------------------- */
#define OPT_CA_CERT(flags) {"--ca-cert", flags, "PEM certificate of the CA that signs, then its chain if it is no anchor"}
#define OPT_CA_KEY(flags) {"--ca-key", flags, "private key of that CA: a PEM file, or a pkcs11: or tpm2: name"}
#define OPT_FLAVOUR(flags) {"--flavour", flags, "device, cse-id, ae-id, node-id, fqdn, or raw (a key that nobody vouches for)"}
#define OPT_ID {"--id", 0, "the one identity: 0.2.481.1.100.3030.10011, //SP/cse, //SP/Sname, a Node-ID, an FQDN"}
#define OPT_ARC {"--arc", 0, "M2M Device Indication ID of a device: 0.2.481.1; else all but the last three arcs"}

static const struct cli_opt ca_opts[] = {
    {"--cert", CLI_OPT_REQUIRED, "certificate to make (PEM)"},
    {"--key", CLI_OPT_REQUIRED, "private key to make (PEM, mode 0600)"},
    {"--name", 0, "what people read as its name (Keystead CA)"},
    {"--permit-dns", 0, "domains it may sign for, separated by commas: sp.example covers all below it"},
    {"--permit-uri-host", 0, "hosts of URIs it may sign: sp.example for AE-IDs //sp.example/..., .sp.example for hosts below"},
    {"--unconstrained", CLI_OPT_FLAG, "no name constraints: devices only, unless a listener or peer allows it"},
    {"--path-length", 0, "how many CAs may stand below it: 0, 1 or 2"},
    OPT_CA_CERT(0),
    OPT_CA_KEY(0),
    {"--days", 0, "lifetime (3650)"},
};
static const struct cli_opt csr_opts[] = {
    OPT_FLAVOUR(CLI_OPT_REQUIRED),
    OPT_ID,
    OPT_ARC,
    {"--key", CLI_OPT_REQUIRED, "private key: a PEM file (mode 0600; made if it is not there), or a pkcs11: or tpm2: name"},
    {"--csr", CLI_OPT_REQUIRED, "request to make (PKCS#10, PEM)"},
};
static const struct cli_opt sign_opts[] = {
    OPT_CA_CERT(CLI_OPT_REQUIRED),
    OPT_CA_KEY(CLI_OPT_REQUIRED),
    {"--csr", CLI_OPT_REQUIRED, "request (PKCS#10, PEM)"},
    {"--cert", CLI_OPT_REQUIRED, "certificate to make (PEM, with its chain)"},
    OPT_FLAVOUR(0),
    {"--id", 0, "refuse the request unless it names exactly this"},
    OPT_ARC,
    {"--days", 0, "lifetime (825), never beyond the CA's"},
};
static const struct cli_opt issue_opts[] = {
    OPT_FLAVOUR(CLI_OPT_REQUIRED),
    OPT_ID,
    OPT_ARC,
    OPT_CA_CERT(0),
    OPT_CA_KEY(0),
    {"--cert", CLI_OPT_REQUIRED, "certificate to make (PEM, with its chain)"},
    {"--key", CLI_OPT_REQUIRED, "private key to make (PEM, mode 0600)"},
    {"--days", 0, "lifetime (825), never beyond the CA's"},
};
static const struct cli_opt crl_opts[] = {
    {"--crl", CLI_OPT_REQUIRED, "revocation list to make, or to add to (PEM)"},
    OPT_CA_CERT(CLI_OPT_REQUIRED),
    OPT_CA_KEY(CLI_OPT_REQUIRED),
    {"--revoke", CLI_OPT_REPEATS, "a certificate file of this CA, or a serial number in hexadecimal"},
    {"--days", 0, "until its nextUpdate (30): make the next one before"},
};
static const struct cli_opt ocsp_opts[] = {
    {"--response", CLI_OPT_REQUIRED, "OCSP response to make, or to replace (DER): ocsp-response of a listener"},
    {"--cert", CLI_OPT_REQUIRED, "certificate that it speaks of (PEM)"},
    {"--crl", CLI_OPT_REQUIRED, "the CA's revocation list: the response says what it says, and ends no later"},
    OPT_CA_CERT(CLI_OPT_REQUIRED),
    OPT_CA_KEY(CLI_OPT_REQUIRED),
    {"--days", 0, "until its nextUpdate (7): make the next one before"},
};
static const struct cli_opt show_opts[] = {
    {"FILE", CLI_OPT_POSITIONAL | CLI_OPT_REQUIRED, "certificate, request or revocation list (PEM)"},
};
static const struct cli_opt key_id_opts[] = {
    {"FILE", CLI_OPT_POSITIONAL | CLI_OPT_REQUIRED, "certificate, request or private key (PEM)"},
    {"--bits", 0, "256, or truncated: 128, 120"},
};
static const struct cli_verb verbs[] = {
    {"ca", ca_opts, ARRAY_LEN(ca_opts), ca,
     "Makes a CA with its key: P-256, SHA-256, limited to names; below another CA with --ca-cert and --ca-key.", "TS-0003 8.1.2.2"},
    {"csr", csr_opts, ARRAY_LEN(csr_opts), csr, "Makes a certificate signing request, and the key if there is none.",
     "TS-0003 10.1.4"},
    {"sign", sign_opts, ARRAY_LEN(sign_opts), sign,
     "Signs a request after checking it: proof of its key, profile, one identity within the limits of the CA.",
     "TS-0003 10.1.1"},
    {"issue", issue_opts, ARRAY_LEN(issue_opts), issue, "Makes key and certificate in one go.", "TS-0003 10.1.1"},
    {"crl", crl_opts, ARRAY_LEN(crl_opts), crl, "Makes a revocation list or takes the one that is there, adds to it, renews its dates.",
     "TS-0003 8.1.2.2"},
    {"ocsp", ocsp_opts, ARRAY_LEN(ocsp_opts), ocsp, "Signs an OCSP response about a certificate, for its server to staple.",
     "TS-0003 8.1.2.2"},
    {"show", show_opts, ARRAY_LEN(show_opts), show,
     "Tells what a certificate, request or revocation list says and whether it keeps the profile; exit 1 if not.",
     "TS-0003 10.1.1"},
    {"key-id", key_id_opts, ARRAY_LEN(key_id_opts), key_id,
     "Prints the public key identifier that raw keys and pinned certificates are known by.", "TS-0003 10.1.2"},
};
const struct cli_command cmd_pki = {"pki", verbs, ARRAY_LEN(verbs), "certificates: authorities, requests, revocation", NULL};
