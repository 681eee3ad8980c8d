/* keystead init: a directory with everything that MEF, MAF and IN-CSE of one service provider need to start; on request a
 * BSF for devices with a SIM, or a gate in their place. */
#include "base/ct.h"
#include "cli/cli.h"
#include "cli/init_conf.h"
#include "cli/roles.h"
#include "keys/keyid.h"
#include "shell/crypto_openssl.h"
#include "shell/pki.h"
#include "shell/secret_file.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct cli_command cmd_init;

#define SP_DEFAULT "keystead.test"
#define PORT_BASE 8443
#define PORT_TRIES 100
#define FILE_NAME_MAX 4096
#define FQDN_MAX 254
#define SP_MAX 150         /* leaves room for //SP/in/STEM within M2MID_MAX and for 32 digits and @mef. within KEYID_MAX */
#define KEY_ID_PORTABLE 128 /* octets of psk_identity that RFC 4279 obliges a peer to take (spec 4.4.1) */
#define KEY_ID_HEX 33       /* 32 digits and '@' */
#define CA_DAYS 3650
#define LEAF_DAYS 825
#define PAGE_MAX 65536

struct init {
    const struct cli_args *a;
    const char *dir;
    char sp[FQDN_MAX];
    char fqdn[INIT_CONF_N][FQDN_MAX];
    struct init_conf conf;
    char detail[FILE_NAME_MAX + 128];
    bool dir_is_ours; /* empty, so that whatever is in it later was made here */
    bool dir_made;
};

static err_t fail(struct init *in, err_t e, const char *what, const char *why)
{
    if (snprintf(in->detail, sizeof(in->detail), "%s%s%s", what, why[0] == '\0' ? "" : ": ", why) < 0) {
        in->detail[0] = '\0';
    }
    return e;
}

static err_t path_of(struct init *in, const char *name, const char *suffix, char out[static FILE_NAME_MAX])
{
    int n = snprintf(out, FILE_NAME_MAX, "%s/%s%s", in->dir, name, suffix);
    return n < 0 || n >= FILE_NAME_MAX ? fail(in, ERR_USAGE, in->dir, "the name is too long") : ERR_OK;
}

#define IN_LAB (1U << INIT_CONF_MEF | 1U << INIT_CONF_MAF | 1U << INIT_CONF_CSE)
#define PORTS_MAX 6 /* of what is made at once */

/* The next server that is made, from `s` on; INIT_CONF_N: none. */
static int next_made(const struct init *in, int s)
{
    while (s < INIT_CONF_N && (in->conf.made & 1U << s) == 0) {
        s++;
    }
    return s;
}

/* -- what is asked for ------------------------------------------------------------------------------- */
static err_t role_take(struct init *in)
{
    static const struct {
        const char *role;
        unsigned made;
    } alone[] = {{"gate", 1U << INIT_CONF_GATE}, {"bsf", 1U << INIT_CONF_BSF}};
    const char *role = cli_arg(in->a, "--role");
    unsigned beside = 0;
    beside |= cli_arg(in->a, "--gba") != NULL ? 1U << INIT_CONF_BSF : 0;
    beside |= cli_arg(in->a, "--mn") != NULL ? 1U << INIT_CONF_MN : 0;
    in->conf.made = role != NULL ? 0 : IN_LAB | beside;
    for (size_t i = 0; role != NULL && beside == 0 && i < ARRAY_LEN(alone); i++) {
        in->conf.made |= strcmp(role, alone[i].role) == 0 ? alone[i].made : 0;
    }
    return in->conf.made != 0
               ? ERR_OK
               : fail(in, ERR_USAGE, "--role is gate or bsf, or left out for MEF, MAF and CSE (--gba, --mn: a BSF, an MN-CSE beside them)", "");
}

static err_t names_take(struct init *in)
{
    struct text sp = text_of(cli_arg(in->a, "--sp"));
    if (sp.n == 0) {
        sp = text_of(SP_DEFAULT);
    }
    if (!keyid_is_fqdn(sp)) {
        return fail(in, ERR_USAGE, "--sp is no host name (labels of letters, digits and '-')", sp.n > 80 ? "" : sp.p);
    }
    if (sp.n > SP_MAX) {
        return fail(in, ERR_USAGE, "--sp is longer than 150 octets: identifiers would not fit", "");
    }
    TRY(TEXT_COPY(sp, in->sp));
    for (char *c = in->sp; *c != '\0'; c++) {
        *c = text_lower(*c); /* names are compared without case; one form everywhere */
    }
    for (int s = 0; s < INIT_CONF_N; s++) {
        struct writer w = WRITER_ARRAY(in->fqdn[s]);
        init_conf_fqdn((enum init_conf_server)s, in->sp, &w);
        TRY(writer_finish_z(&w));
    }
    in->conf.sp = in->sp;
    return ERR_OK;
}

static void close_fd(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static int loopback_socket(int type, unsigned port)
{
    const struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) != 0) {
        close_fd(&fd);
        return -1;
    }
    return fd;
}

/* A port that is free now for TCP and for UDP, and is held until all are known, so that they differ. */
static err_t port_pick(struct init *in, unsigned *port, int *held)
{
    for (int tries = 0; tries < PORT_TRIES; tries++) {
        struct sockaddr_in sa = {.sin_family = AF_INET};
        socklen_t n = sizeof(sa);
        SCOPED(close_fd) int tcp = loopback_socket(SOCK_STREAM, 0);
        if (tcp < 0 || getsockname(tcp, (struct sockaddr *)&sa, &n) != 0) {
            break;
        }
        *port = ntohs(sa.sin_port);
        SCOPED(close_fd) int udp = loopback_socket(SOCK_DGRAM, *port);
        if (udp >= 0) {
            *held = tcp;
            tcp = -1;
            return ERR_OK;
        }
    }
    return fail(in, ERR_IO, "no free port", strerror(errno));
}

static void close_fds(int (*fds)[2 * INIT_CONF_N])
{
    for (int i = 0; i < 2 * INIT_CONF_N; i++) {
        close_fd(&(*fds)[i]);
    }
}

static err_t ports_pick(struct init *in)
{
    SCOPED(close_fds) int held[2 * INIT_CONF_N] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    for (int i = next_made(in, 0); i < INIT_CONF_N; i = next_made(in, i + 1)) {
        TRY(port_pick(in, &in->conf.port[i], &held[i]));
        if (init_conf_has_plain((enum init_conf_server)i)) {
            TRY(port_pick(in, &in->conf.plain[i], &held[INIT_CONF_N + i]));
        }
    }
    return ERR_OK;
}

static err_t ports_take(struct init *in)
{
    const char *given = cli_arg(in->a, "--port-base");
    uint64_t base = PORT_BASE;
    if (given != NULL && text_u64(text_of(given), 65535 - (PORTS_MAX - 1), &base) != ERR_OK) {
        return fail(in, ERR_USAGE, "--port-base is a port, at most 65530", "");
    }
    if (base == 0) {
        return ports_pick(in);
    }
    unsigned port = (unsigned)base;
    for (int i = next_made(in, 0); i < INIT_CONF_N; i = next_made(in, i + 1)) {
        in->conf.port[i] = port++;
        if (init_conf_has_plain((enum init_conf_server)i)) {
            in->conf.plain[i] = port++;
        }
    }
    return ERR_OK;
}

static err_t dir_take(struct init *in)
{
    if (mkdir(in->dir, 0700) == 0) {
        in->dir_made = true;
        in->dir_is_ours = true;
        return ERR_OK;
    }
    if (errno != EEXIST) {
        return fail(in, ERR_IO, in->dir, strerror(errno));
    }
    DIR *d = opendir(in->dir);
    if (d == NULL) {
        return fail(in, errno == ENOTDIR ? ERR_EXISTS : ERR_IO, in->dir, strerror(errno));
    }
    err_t e = ERR_OK;
    for (struct dirent *f = readdir(d); f != NULL && e == ERR_OK; f = readdir(d)) {
        if (strcmp(f->d_name, ".") != 0 && strcmp(f->d_name, "..") != 0) {
            e = fail(in, ERR_EXISTS, in->dir, "the directory is not empty; nothing was changed");
        }
    }
    (void)closedir(d);
    in->dir_is_ours = e == ERR_OK;
    return e;
}

/* -- what is made ------------------------------------------------------------------------------------ */
static void wipe_octets(uint8_t (*b)[CRYPTO_KEY_LEN])
{
    ct_wipe(*b, sizeof(*b));
}

static err_t secret_make(struct init *in, const char *name, const char *suffix)
{
    char file[FILE_NAME_MAX];
    TRY(path_of(in, name, suffix, file));
    SCOPED(wipe_octets) uint8_t octets[CRYPTO_KEY_LEN] = {0};
    SCOPED(secret_wipe) struct secret s = {.n = 0};
    TRY(crypto_openssl()->random(octets, sizeof(octets)));
    TRY(secret_set(&s, BYTES_ARRAY(octets)));
    err_t e = secret_file_write(file, &s);
    return e == ERR_OK ? ERR_OK : fail(in, e, file, strerror(errno));
}

static err_t ca_make(struct init *in, char cert[static FILE_NAME_MAX], char key[static FILE_NAME_MAX])
{
    TRY(path_of(in, "ca", ".crt", cert));
    TRY(path_of(in, "ca", ".key", key));
    const struct pki_ca_request rq = {
        .name = "Keystead CA", .permitted_dns = in->sp, .cert_file = cert, .key_file = key, .days = CA_DAYS};
    err_t e = pki_ca_make(&rq);
    return e == ERR_OK ? ERR_OK : fail(in, e, cert, "");
}

/* In force as long as the certificates are: who revokes something makes a new one with shorter dates. */
static err_t crl_make(struct init *in, const char *ca_cert, const char *ca_key)
{
    char file[FILE_NAME_MAX];
    char detail[ROLE_DETAIL_MAX];
    TRY(path_of(in, "ca", ".crl", file));
    const struct pki_revocation rq = {.ca = {ca_cert, ca_key}, .crl_file = file, .days = LEAF_DAYS};
    err_t e = pki_crl_make(&rq, detail);
    return e == ERR_OK ? ERR_OK : fail(in, e, file, detail);
}

static err_t certificates_make(struct init *in)
{
    char ca_cert[FILE_NAME_MAX];
    char ca_key[FILE_NAME_MAX];
    char cert[FILE_NAME_MAX];
    char key[FILE_NAME_MAX];
    TRY(ca_make(in, ca_cert, ca_key));
    TRY(crl_make(in, ca_cert, ca_key));
    for (int s = next_made(in, 0); s < INIT_CONF_N; s = next_made(in, s + 1)) {
        const char *name = init_conf_name((enum init_conf_server)s);
        TRY(path_of(in, name, ".crt", cert));
        TRY(path_of(in, name, ".key", key));
        const struct pki_leaf_request rq = {.ca_cert_file = ca_cert, .ca_key_file = ca_key, .dns = in->fqdn[s],
                                            .cert_file = cert, .key_file = key, .days = LEAF_DAYS};
        err_t e = pki_leaf_make(&rq);
        if (e != ERR_OK) {
            return fail(in, e, cert, "");
        }
    }
    return ERR_OK;
}

static err_t conf_make(struct init *in, enum init_conf_server s)
{
    char file[FILE_NAME_MAX];
    static char page[PAGE_MAX];
    struct writer w = WRITER_ARRAY(page);
    TRY(path_of(in, init_conf_name(s), ".conf", file));
    init_conf_write(&in->conf, s, &w);
    TRY(writer_finish(&w));
    SCOPED(close_fd) int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, page, w.n) != (ssize_t)w.n || fsync(fd) != 0) {
        return fail(in, errno == EEXIST ? ERR_EXISTS : ERR_IO, file, strerror(errno));
    }
    return ERR_OK;
}

/* The files are read as serve will read them: an init that succeeded can be started. */
static err_t conf_prove(struct init *in, enum init_conf_server s)
{
    char file[FILE_NAME_MAX];
    TRY(path_of(in, init_conf_name(s), ".conf", file));
    if (roles_find(text_of(init_conf_role(s))) == NULL) {
        return ERR_OK;
    }
    const struct snapshot_source source = roles_source(file);
    struct conf_faults faults = {.n = 0};
    struct snapshot *snap = NULL;
    err_t e = snapshot_load(&source, &snap, &faults);
    snapshot_free(snap);
    return e == ERR_OK ? ERR_OK : fail(in, e, file, faults.n > 0 ? faults.at[0].text : "");
}

static const char *const mn_keys[] = {INIT_CONF_KEY_UP, INIT_CONF_KEY_DOWN};

static bool has_mn(const struct init *in)
{
    return (in->conf.made & 1U << INIT_CONF_MN) != 0;
}

static err_t make(struct init *in)
{
    for (int s = next_made(in, 0); s < INIT_CONF_N; s = next_made(in, s + 1)) {
        const char *name = init_conf_name((enum init_conf_server)s);
        TRY(secret_make(in, name, ".root"));
        TRY(secret_make(in, name, ".audit"));
    }
    for (size_t i = 0; has_mn(in) && i < ARRAY_LEN(mn_keys); i++) {
        TRY(secret_make(in, mn_keys[i], ".key"));
    }
    TRY(certificates_make(in));
    for (int s = next_made(in, 0); s < INIT_CONF_N; s = next_made(in, s + 1)) {
        TRY(conf_make(in, (enum init_conf_server)s));
    }
    for (int s = next_made(in, 0); s < INIT_CONF_N; s = next_made(in, s + 1)) {
        TRY(conf_prove(in, (enum init_conf_server)s));
    }
    return ERR_OK;
}

/* A half-made directory would be refused by the next attempt: it goes as a whole. */
static void unmake(struct init *in)
{
    static const char *const others[] = {"ca", INIT_CONF_KEY_UP, INIT_CONF_KEY_DOWN};
    static const char *const suffixes[] = {".root", ".audit", ".crt", ".key", ".crl", ".conf"};
    for (size_t s = 0; in->dir_is_ours && s < INIT_CONF_N + ARRAY_LEN(others); s++) {
        for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
            char file[FILE_NAME_MAX];
            const char *name = s < INIT_CONF_N ? init_conf_name((enum init_conf_server)s) : others[s - INIT_CONF_N];
            if (path_of(in, name, suffixes[i], file) == ERR_OK) {
                (void)unlink(file);
            }
        }
    }
    if (in->dir_made) {
        (void)rmdir(in->dir);
    }
}

/* -- what is said ------------------------------------------------------------------------------------ */
static void warn_long(const struct init *in)
{
    if ((in->conf.made & 1U << INIT_CONF_MEF) == 0) {
        return;
    }
    size_t longest = KEY_ID_HEX + strlen(in->fqdn[INIT_CONF_MEF]);
    if (longest > KEY_ID_PORTABLE) {
        (void)fprintf(stderr,
                      "keystead: warning: key identifiers will have %zu octets; peers need to take only %d "
                      "(RFC 4279 5.3). Choose a shorter --sp for devices of others.\n",
                      longest, KEY_ID_PORTABLE);
    }
}

static void tell_json(const struct init *in)
{
    cli_out_begin(in->a);
    cli_out(in->a, "dir", text_of(in->dir));
    cli_out(in->a, "sp", text_of(in->sp));
    for (int s = next_made(in, 0); s < INIT_CONF_N; s = next_made(in, s + 1)) {
        const char *name = init_conf_name((enum init_conf_server)s);
        char member[16];
        char address[32];
        char file[FILE_NAME_MAX];
        (void)snprintf(member, sizeof(member), "%s_conf", name);
        (void)snprintf(file, sizeof(file), "%s/%s.conf", in->dir, name);
        cli_out(in->a, member, text_of(file));
        (void)snprintf(member, sizeof(member), "%s_fqdn", name);
        cli_out(in->a, member, text_of(in->fqdn[s]));
        (void)snprintf(member, sizeof(member), "%s_address", name);
        (void)snprintf(address, sizeof(address), "127.0.0.1:%u", in->conf.port[s]);
        cli_out(in->a, member, text_of(address));
        if (init_conf_has_plain((enum init_conf_server)s)) {
            (void)snprintf(member, sizeof(member), "%s_plain", name);
            (void)snprintf(address, sizeof(address), "127.0.0.1:%u", in->conf.plain[s]);
            cli_out(in->a, member, text_of(address));
        }
    }
    cli_out_end(in->a);
}

/* What init cannot do while nothing runs: each CSE learns the key of the other. */
static void tell_mn(const struct init *in)
{
    static const struct {
        const char *conf, *key, *csi;
    } rows[] = {{"cse", INIT_CONF_KEY_UP, "mn"}, {"mn", INIT_CONF_KEY_DOWN, "in"}};
    (void)printf("then, so that the MN-CSE may register at the IN-CSE and requests may go down to it:\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)printf("  keystead ctl credential add -c %s/%s.conf --kind kpsa --id %s@%s --key-file %s/%s.key --enrolee-id //%s/%s\n",
                     in->dir, rows[i].conf, rows[i].key, in->sp, in->dir, rows[i].key, in->sp, rows[i].csi);
    }
    (void)printf("  keystead ctl registrar show -c %s/mn.conf\n", in->dir);
}

static void tell(const struct init *in)
{
    (void)printf("made in %s, for the service provider %s:\n", in->dir, in->sp);
    for (int s = next_made(in, 0); s < INIT_CONF_N; s = next_made(in, s + 1)) {
        const char *name = init_conf_name((enum init_conf_server)s);
        (void)printf("  %s.conf  %s at 127.0.0.1:%u, %s, with %s.crt %s.key %s.root %s.audit\n", name, in->fqdn[s],
                     in->conf.port[s], s == INIT_CONF_BSF ? "TCP" : "TCP and UDP", name, name, name, name);
        if (init_conf_has_plain((enum init_conf_server)s)) {
            (void)printf("            %s at 127.0.0.1:%u, without TLS\n", s == INIT_CONF_BSF ? "Ub for devices" : "for the CSE behind",
                         in->conf.plain[s]);
        }
    }
    (void)printf("  ca.crt, ca.key  the authority that signed these certificates, for names under %s only\n", in->sp);
    (void)printf("  ca.crl  its revocation list, empty (keystead pki crl)\n");
    (void)printf("the .root files open the stores: keep copies apart from the stores\n\nnext, each in its own terminal:\n");
    for (int s = next_made(in, 0); s < INIT_CONF_N; s = next_made(in, s + 1)) {
        (void)printf("  keystead serve -c %s/%s.conf\n", in->dir, init_conf_name((enum init_conf_server)s));
    }
    if (has_mn(in)) {
        tell_mn(in);
    }
}

static int init(const struct cli_args *a)
{
    struct init in = {.a = a, .dir = cli_arg(a, "DIR")};
    err_t e = role_take(&in);
    if (e == ERR_OK) {
        e = names_take(&in);
    }
    if (e == ERR_OK) {
        e = ports_take(&in);
    }
    if (e == ERR_OK) {
        e = dir_take(&in);
    }
    if (e == ERR_OK) {
        e = make(&in);
    }
    if (e != ERR_OK) {
        unmake(&in);
        return cli_fail(a, e, in.detail);
    }
    warn_long(&in);
    if (a->json) {
        tell_json(&in);
    } else {
        tell(&in);
    }
    return CLI_DONE;
}

static const struct cli_opt opts[] = {
    {"DIR", CLI_OPT_POSITIONAL | CLI_OPT_REQUIRED, "where to; a directory that is not there or empty"},
    {"--sp", 0, "FQDN of the service provider (keystead.test): mef.SP, maf.SP and the CSE //SP/in, in.SP"},
    {"--role", 0, "in place of MEF, MAF and CSE: gate, in front of a CSE that runs already; bsf, a BSF alone"},
    {"--gba", CLI_OPT_FLAG, "a BSF beside them, for devices with a SIM: bsf.SP"},
    {"--mn", CLI_OPT_FLAG, "an MN-CSE //SP/mn beside them, for devices behind a gateway: mn.SP"},
    {"--port-base", 0, "first of up to six ports on 127.0.0.1, TCP and UDP (8443); 0 takes ports that are free now"},
};
static const struct cli_verb verbs[] = {
    {"", opts, ARRAY_LEN(opts), init,
     "Writes mef.conf, maf.conf and cse.conf with random root secrets, audit keys, an own CA and one certificate each. "
     "Overwrites nothing.",
     "TS-0003 10.1.1"},
};
const struct cli_command cmd_init = {"init", verbs, ARRAY_LEN(verbs), "make a configuration with secrets and certificates", NULL};
