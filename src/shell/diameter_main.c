/*
 * keystead-diameter CONFIG REALM MILLISECONDS [zn]: the client of Zh over Diameter [TS 29.109 4], unless REALM is "-", and with zn the
 * BSF of Zn (diameter_zn.h); a process of its own because freeDiameter brings threads and GnuTLS. Descriptor 0 is one end of a socket pair: questions come in, answers go out (wire/zh_frame.h); its end
 * ends the process. CONFIG is freeDiameter's own file: identity, realm, certificate, peers.
 */
#include "shell/diameter_read.h"
#include "shell/diameter_zn.h"
#include "shell/leaks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NO_STATE_MAINTAINED = 1 };

struct asked {
    uint32_t token;
    struct impi impi;
};

static struct process {
    struct diameter_dict dict;
    const char *realm;
    long patience_ms;
    pthread_mutex_t lock; /* of the pair: answers come on freeDiameter's threads */
    bool quiet;
} self = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Its complaints about a message would show the message, and so keys: after the start it says nothing. */
static void complain(int level, const char *format, va_list args)
{
    if (level >= FD_LOG_ERROR && !self.quiet) {
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
    }
}

/* -- answers ---------------------------------------------------------------------------------------------- */
static void tell(const struct zh_frame *f)
{
    static uint8_t buffer[ZH_FRAME_MAX];
    pthread_mutex_lock(&self.lock);
    struct writer w = WRITER_ARRAY(buffer);
    if (zh_frame_write(f, &w) == ERR_OK) {
        for (size_t at = 0; at < w.n;) {
            ssize_t n = send(STDIN_FILENO, buffer + at, w.n - at, MSG_NOSIGNAL);
            if (n <= 0) {
                break; /* the server is gone, and so are we soon */
            }
            at += (size_t)n;
        }
    }
    explicit_bzero(buffer, w.n);
    pthread_mutex_unlock(&self.lock);
}

static void tell_err(uint32_t token, err_t e)
{
    tell(&(struct zh_frame){.kind = ZH_FRAME_ANSWER, .token = token, .err = e});
}

static void answered(void *data, struct msg **m)
{
    struct asked *q = data;
    SCOPED(zh_frame_wipe) struct zh_frame f = {.kind = ZH_FRAME_ANSWER, .token = q->token};
    f.err = diameter_read_vector(&self.dict, *m, text_of(q->impi.z), &f);
    tell(&f);
    fd_msg_free(*m);
    *m = NULL;
    free(q);
}

static void expired(void *data, DiamId_t peer, size_t peer_n, struct msg **m)
{
    struct asked *q = data;
    (void)peer;
    (void)peer_n;
    tell_err(q->token, ERR_PEER_TIMEOUT);
    fd_msg_free(*m);
    *m = NULL;
    free(q);
}

/* -- questions ------------------------------------------------------------------------------------------------ */
static bool fill(struct msg *m, const struct zh_frame *f)
{
    static const char scheme[] = "Digest-AKAv1-MD5";
    const struct diameter_dict *d = &self.dict;
    uint8_t both[AKA_RAND_LEN + GSUP_AUTS_LEN];
    struct avp *g = NULL;
    bool good = fd_msg_new_session(m, NULL, 0) == 0 && (g = diameter_dict_group(d, m, DIAMETER_VENDOR_APPLICATION)) != NULL &&
                diameter_dict_number(d, g, DIAMETER_VENDOR_ID, DIAMETER_VENDOR_3GPP) &&
                diameter_dict_number(d, g, DIAMETER_AUTH_APPLICATION, DIAMETER_APP_ZH) &&
                diameter_dict_number(d, m, DIAMETER_AUTH_SESSION_STATE, NO_STATE_MAINTAINED) && fd_msg_add_origin(m, 0) == 0 &&
                diameter_dict_octets(d, m, DIAMETER_DESTINATION_REALM, self.realm, strlen(self.realm)) &&
                diameter_dict_octets(d, m, DIAMETER_USER_NAME, f->impi.p, f->impi.n) &&
                (f->guss_made == 0 || diameter_dict_time(d, m, DIAMETER_GUSS_TIMESTAMP, f->guss_made / USEC_PER_SEC));
    if (!good || !f->has_resync) {
        return good;
    }
    memcpy(both, f->resync.rand.b, AKA_RAND_LEN);
    memcpy(both + AKA_RAND_LEN, f->resync.auts, GSUP_AUTS_LEN);
    return (g = diameter_dict_group(d, m, DIAMETER_AUTH_ITEM)) != NULL &&
           diameter_dict_octets(d, g, DIAMETER_AUTH_SCHEME, scheme, sizeof(scheme) - 1) &&
           diameter_dict_octets(d, g, DIAMETER_AUTHORIZATION, both, sizeof(both));
}

static void ask(const struct zh_frame *f)
{
    struct msg *m = NULL;
    struct timespec until;
    struct asked *q = calloc(1, sizeof(*q));
    bool good = q != NULL && TEXT_COPY(f->impi, q->impi.z) == ERR_OK && fd_msg_new(self.dict.mar, MSGFL_ALLOC_ETEID, &m) == 0 &&
                fill(m, f) && clock_gettime(CLOCK_REALTIME, &until) == 0;
    if (good) {
        long ns = until.tv_nsec + self.patience_ms % 1000 * 1000000;
        q->token = f->token;
        until.tv_sec += self.patience_ms / 1000 + ns / 1000000000;
        until.tv_nsec = ns % 1000000000;
        good = fd_msg_send_timeout(&m, answered, q, expired, &until) == 0;
    }
    if (!good) {
        if (m != NULL) {
            fd_msg_free(m);
        }
        free(q);
        tell_err(f->token, ERR_PEER_UNREACHABLE);
    }
}

static void serve(void)
{
    static uint8_t in[2 * ZH_FRAME_MAX];
    size_t n = 0, used = 0;
    for (;;) {
        struct zh_frame f;
        ssize_t got = recv(STDIN_FILENO, in + n, sizeof(in) - n, 0);
        if (got <= 0) {
            return;
        }
        n += (size_t)got;
        while (zh_frame_parse(bytes_of(in, n), &f, &used) == ERR_OK && used > 0) {
            if (f.kind == ZH_FRAME_QUESTION) {
                ask(&f);
            } else if (f.kind == ZH_FRAME_ZN_ANSWER) {
                diameter_zn_answered(&f);
            }
            zh_frame_wipe(&f);
            memmove(in, in + used, n - used);
            n -= used;
            explicit_bzero(in + n, used);
        }
        if (n == sizeof(in)) { /* nonsense from the server */
            return;
        }
    }
}

/* What it tells its peers that it can do. */
static bool support(bool zn)
{
    const struct diameter_dict *d = &self.dict;
    bool zh = strcmp(self.realm, "-") != 0;
    return (!zh || fd_disp_app_support(d->zh, d->vendor, 1, 0) == 0) &&
           (!zn || (fd_disp_app_support(d->zn, d->vendor, 1, 0) == 0 && diameter_zn_init(d, tell)));
}

/* As the server that started it (supervisor.c): being dumpable is not inherited. */
static void harden(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

int main(int argc, char **argv)
{
    harden();
    if (argc < 4 || argc > 5 || (self.patience_ms = strtol(argv[3], NULL, 10)) < 1) {
        fputs("keystead-diameter is started by keystead serve\n", stderr);
        return 2;
    }
    self.realm = argv[2];
    fd_g_debug_lvl = FD_LOG_ERROR;
    if (fd_log_handler_register(complain) != 0 || fd_core_initialize() != 0 || fd_core_parseconf(argv[1]) != 0 ||
        !diameter_dict_init(&self.dict) || !support(argc == 5) || fd_core_start() != 0 || fd_core_waitstartcomplete() != 0) {
        fputs("keystead-diameter: freeDiameter does not start; see its configuration file\n", stderr);
        return 2;
    }
    self.quiet = true;
    serve();
    fd_core_shutdown();
    int exit_code = fd_core_wait_shutdown_complete() == 0 ? 0 : 4;
    leaks_check();
    return exit_code;
}
