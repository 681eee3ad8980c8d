#include "cli/object_esprim.h"

#include "base/ct.h"
#include "cli/object_file.h"
#include "proto/esprim_state.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LIFETIME (INT64_C(3600) * USEC_PER_SEC)
#define SESSIONS 16

#define STATE {"--state", CLI_OPT_REQUIRED, "file with the state of this end; made if it is not there, never to be set back"}
#define KEY {"--key", CLI_OPT_REQUIRED, "pairwiseESPrimKey, KEYID=FILE (hex, mode 0600), or with --device its KEYID"}, DEVICE
#define DEVICE {"--device", 0, "state of the device that registered or retrieved the key (device use-register, use-retrieve)"}
#define WHO {"--originator", CLI_OPT_REQUIRED, "identity of the originator, to which the key is bound: //sp.example/Sdev1"}
#define SUID {"--suid", 0, "where the key comes from: 13 provisioned, 23 by a MEF, 33 by a MAF, 43 by ESCertKE (13)"}
#define IN {"--in", 0, "file to read; standard input if absent"}
#define OUT {"--out", 0, "file to write; standard output if absent"}

const struct cli_opt object_esprim_offer_opts[] = {
    STATE, OUT, {"--shared", CLI_OPT_FLAG, "one for all originators, as e2eSecInfo announces it"}};
const struct cli_opt object_esprim_wrap_opts[] = {
    STATE, KEY, WHO, SUID, IN, OUT, {"--offer", 0, "originator: the receiver's random object, as `object offer` wrote it"}};
const struct cli_opt object_esprim_accept_opts[] = {
    STATE, KEY, WHO, SUID, IN, OUT,
    {"--rqi", 0, "Request Identifier of the request that this answers"},
    {"--rsc", 0, "status of an outer response without ESPrim Object: says what to do next"}};

static const struct esprim_policy policy = {
    .algs = {ESPRIM_A256GCM, ESPRIM_A192GCM, ESPRIM_A128GCM}, .algs_n = 3, .lifetime = LIFETIME};

struct work {
    struct object_file_key file_key;
    struct esprim_key key;
    struct esprim_originator o;
    struct esprim_receiver r;
    struct esprim_session sessions[SESSIONS];
    struct esprim_exchange x;
    struct object_file in, state, offer;
    uint8_t out[ESPRIM_OBJECT_MAX];
    struct writer w;
    usec_t now;
    int lock;
    const char *at;
    bool printed; /* the result is on standard output: nothing else may be */
};

static void work_free(struct work **w)
{
    if (*w != NULL) {
        if ((*w)->lock >= 0) {
            (void)close((*w)->lock);
        }
        ct_wipe(*w, sizeof(**w));
        free(*w);
    }
}

/* -- state --------------------------------------------------------------------------------------------------- */

/* One command at a time: two that unwrap would each take the same object. */
static err_t lock_take(const char *state, int *lock)
{
    char name[4096];
    int n = snprintf(name, sizeof(name), "%s.lock", state);
    *lock = n < 0 || (size_t)n >= sizeof(name) ? -1 : open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*lock < 0) {
        return ERR_IO;
    }
    return flock(*lock, LOCK_EX | LOCK_NB) == 0 ? ERR_OK : ERR_STORE_LOCKED;
}

static err_t load(const struct cli_args *a, struct work *w, bool receiver)
{
    const char *name = cli_arg(a, "--state");
    w->now = clock_now();
    w->w = WRITER_ARRAY(w->out);
    w->at = name;
    TRY(lock_take(name, &w->lock));
    err_t e = object_file_read_if(name, &w->state);
    if (receiver) {
        esprim_receiver_init(&w->r, crypto_openssl(), &policy, w->sessions, SESSIONS);
    }
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    struct bytes b = bytes_of(w->state.b, w->state.n);
    return receiver ? esprim_state_receiver_parse(b, &w->r, &w->x) : esprim_state_originator_parse(b, &w->o);
}

static err_t save(const struct cli_args *a, struct work *w, bool receiver)
{
    struct writer out = WRITER_ARRAY(w->state.b);
    if (receiver) {
        esprim_state_receiver_write(&w->r, &w->x, &out);
    } else {
        esprim_state_originator_write(&w->o, &out);
    }
    TRY(writer_finish(&out));
    w->at = cli_arg(a, "--state");
    return object_file_write(w->at, writer_view(&out));
}

static err_t key_load(const struct cli_args *a, struct work *w)
{
    uint64_t suid = 13;
    const char *device = cli_arg(a, "--device");
    char source[M2MID_MAX] = "";
    w->at = cli_arg(a, "--key");
    TRY(device != NULL ? object_file_key_kept(device, w->at, &w->file_key, source) : object_file_key_read(w->at, &w->file_key));
    TRY(secret_set(&w->key.k.s, secret_view(&w->file_key.secret)));
    TRY(text_copy(w->file_key.k.key.id, w->key.id, sizeof(w->key.id)));
    if (w->key.id[0] == '\0') {
        return ERR_USAGE; /* KEYID=FILE */
    }
    w->at = cli_arg(a, "--suid");
    if (w->at != NULL) {
        TRY(device == NULL ? text_u64(text_of(w->at), 99, &suid) : ERR_USAGE); /* the state says it */
    }
    w->key.suid = device != NULL ? w->file_key.k.suid : (unsigned)suid;
    w->key.not_after = w->file_key.k.not_after;
    w->at = cli_arg(a, "--originator");
    if (source[0] != '\0' && !m2mid_same(text_of(source), text_of(w->at))) { /* whose key it is, its MAF or MEF has said */
        return ERR_ESPRIM_FROM;
    }
    return text_copy(text_of(w->at), w->key.peer, sizeof(w->key.peer));
}

/* An ESPrim Object as it is, or in securityInfo. */
static err_t object_read(const struct cli_args *a, struct work *w, struct text *jwe)
{
    w->at = cli_arg(a, "--in");
    TRY(object_file_read(w->at, &w->in));
    unsigned type = 0;
    struct writer value = WRITER_ARRAY(w->offer.b);
    *jwe = text_span((const char *)w->in.b, w->in.n);
    while (jwe->n > 0 && jwe->p[jwe->n - 1] == '\n') {
        jwe->n--;
    }
    if (jwe->n > 0 && jwe->p[0] == '{') {
        TRY(esprim_seci_parse(text_bytes(*jwe), &type, &value));
        *jwe = writer_view_text(&value);
        return type == ESPRIM_SECI_OBJECT ? ERR_OK : ERR_OBJECT_MALFORMED;
    }
    return ERR_OK;
}

static err_t put_seci(const struct cli_args *a, struct work *w, unsigned type)
{
    struct writer out = WRITER_ARRAY(w->in.b);
    TRY(esprim_seci_write(type, writer_view(&w->w), &out));
    writer_z(&out, "\n");
    w->at = cli_arg(a, "--out");
    w->printed = w->at == NULL;
    TRY(writer_finish(&out));
    return object_file_write(w->at, writer_view(&out));
}

static err_t put_plain(const struct cli_args *a, struct work *w)
{
    w->at = cli_arg(a, "--out");
    w->printed = w->at == NULL;
    return object_file_write(w->at, writer_view(&w->w));
}

/* Without --out the result itself is what is printed. */
static int done(const struct cli_args *a, const struct work *w, err_t e, const char *name, const char *value)
{
    if (e != ERR_OK) {
        return cli_fail(a, e, w->at);
    }
    if (!w->printed) {
        cli_out_begin(a);
        cli_out(a, name, text_of(value));
        cli_out_end(a);
    }
    return CLI_DONE;
}

static struct work *work_new(void)
{
    struct work *w = calloc(1, sizeof(*w));
    if (w != NULL) {
        w->lock = -1;
    }
    return w;
}

/* -- receiver ------------------------------------------------------------------------------------------------ */

int object_esprim_offer(const struct cli_args *a)
{
    SCOPED(work_free) struct work *w = work_new();
    struct esprim_rand r = {0};
    if (w == NULL) {
        return cli_fail(a, ERR_LIMIT_CAPACITY, NULL);
    }
    err_t e = load(a, w, true);
    e = e == ERR_OK ? esprim_receiver_offer(&w->r, cli_arg(a, "--shared") != NULL, w->now, &r) : e;
    e = e == ERR_OK ? save(a, w, true) : e;
    if (e == ERR_OK) {
        esprim_rand_write(&r, &w->w);
        e = put_seci(a, w, ESPRIM_SECI_RAND);
    }
    return done(a, w, e, "esprim_rand_id", r.id);
}

static err_t unwrap(const struct cli_args *a, struct work *w)
{
    struct text jwe;
    struct esprim_object o;
    TRY(load(a, w, true));
    TRY(key_load(a, w));
    TRY(object_read(a, w, &jwe));
    w->at = NULL;
    TRY(esprim_receiver_peek(&w->r, jwe, w->now, &o));
    SCOPED(esprim_receiver_exchange_wipe) struct esprim_exchange x;
    err_t e = esprim_receiver_open(&w->r, &o, &w->key, w->now, &x, &w->w);
    w->x = e == ERR_OK ? x : w->x; /* a refused one takes nobody's answer away */
    TRY(save(a, w, true)); /* what was taken counts as seen, also if its content was refused */
    w->at = NULL;
    TRY(e);
    return put_plain(a, w);
}

int object_esprim_unwrap(const struct cli_args *a)
{
    SCOPED(work_free) struct work *w = work_new();
    if (w == NULL) {
        return cli_fail(a, ERR_LIMIT_CAPACITY, NULL);
    }
    err_t e = unwrap(a, w);
    return done(a, w, e, "rqi", w->x.inner.rqi);
}

static err_t answer(const struct cli_args *a, struct work *w)
{
    TRY(load(a, w, true));
    TRY(key_load(a, w));
    w->at = cli_arg(a, "--in");
    TRY(object_file_read(w->at, &w->in));
    w->at = "no request was unwrapped";
    TRY(esprim_receiver_resume(&w->r, &w->key, &w->x));
    w->at = NULL;
    TRY(esprim_receiver_seal(&w->r, &w->x, bytes_of(w->in.b, w->in.n), w->now, &w->w));
    TRY(save(a, w, true));
    return put_seci(a, w, ESPRIM_SECI_OBJECT);
}

int object_esprim_answer(const struct cli_args *a)
{
    SCOPED(work_free) struct work *w = work_new();
    if (w == NULL) {
        return cli_fail(a, ERR_LIMIT_CAPACITY, NULL);
    }
    err_t e = answer(a, w);
    return done(a, w, e, "rqi", w->x.inner.rqi);
}

/* -- originator ---------------------------------------------------------------------------------------------- */

static err_t originator_load(const struct cli_args *a, struct work *w)
{
    TRY(key_load(a, w));
    esprim_originator_init(&w->o, crypto_openssl(), &policy, &w->key, cli_arg(a, "--originator"));
    return load(a, w, false);
}

static err_t offer_take(const struct cli_args *a, struct work *w)
{
    unsigned type = 0;
    struct writer value = WRITER_ARRAY(w->in.b);
    w->at = cli_arg(a, "--offer");
    if (w->at == NULL) {
        return ERR_OK;
    }
    TRY(object_file_read(w->at, &w->offer));
    TRY(esprim_seci_parse(bytes_of(w->offer.b, w->offer.n), &type, &value));
    return type == ESPRIM_SECI_RAND ? esprim_originator_receiver(&w->o, writer_view_text(&value), w->now)
                                    : ERR_OBJECT_MALFORMED;
}

static err_t wrap(const struct cli_args *a, struct work *w)
{
    TRY(originator_load(a, w));
    TRY(offer_take(a, w));
    w->at = cli_arg(a, "--in");
    TRY(object_file_read(w->at, &w->in));
    w->at = NULL;
    TRY(esprim_originator_seal(&w->o, bytes_of(w->in.b, w->in.n), w->now, &w->w));
    TRY(save(a, w, false));
    return put_seci(a, w, ESPRIM_SECI_OBJECT);
}

int object_esprim_wrap(const struct cli_args *a)
{
    SCOPED(work_free) struct work *w = work_new();
    if (w == NULL) {
        return cli_fail(a, ERR_LIMIT_CAPACITY, NULL);
    }
    err_t e = wrap(a, w);
    return done(a, w, e, "esprim_rand_id", w->o.own[0].id);
}

static err_t refused(const struct cli_args *a, struct work *w, const char **next)
{
    static const char *const names[] = {
        [ESPRIM_GIVE_UP] = "give-up", [ESPRIM_SEND_AGAIN] = "send-again", [ESPRIM_ASK_RECEIVER] = "ask-receiver"};
    uint64_t rsc = 0;
    w->at = cli_arg(a, "--rsc");
    TRY(text_u64(text_of(w->at), UINT16_MAX, &rsc));
    *next = names[esprim_originator_refused(&w->o, (uint16_t)rsc)];
    return save(a, w, false);
}

static err_t accept_answer(const struct cli_args *a, struct work *w)
{
    struct text jwe;
    TRY(object_read(a, w, &jwe));
    w->at = NULL;
    TRY(esprim_originator_open(&w->o, jwe, text_of(cli_arg(a, "--rqi")), w->now, &w->w));
    TRY(save(a, w, false));
    return put_plain(a, w);
}

int object_esprim_accept(const struct cli_args *a)
{
    SCOPED(work_free) struct work *w = work_new();
    const char *next = "answer";
    bool is_refusal = cli_arg(a, "--rsc") != NULL;
    if (w == NULL) {
        return cli_fail(a, ERR_LIMIT_CAPACITY, NULL);
    }
    if (is_refusal == (cli_arg(a, "--rqi") != NULL)) {
        return cli_fail(a, ERR_USAGE, "--rqi for an answer, or --rsc for a refusal");
    }
    err_t e = originator_load(a, w);
    e = e != ERR_OK ? e : is_refusal ? refused(a, w, &next) : accept_answer(a, w);
    return done(a, w, e, "next", next);
}
