#include "shell/diameter_zn.h"

#include "shell/diameter_read.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define WAITING_MAX 256
#define WAITING_S 30 /* for so long a NAF may still want the answer; then another may have the place */

enum { SUCCESS = 2001, TOO_BUSY = 3004, INVALID_VALUE = 5004, UNABLE_TO_COMPLY = 5012, NOT_AUTHORIZED = 5402, TRANSACTION_INVALID = 5403 };
enum { NO_STATE_MAINTAINED = 1, GBA_3G = 0 };

struct waiting { /* the place is the end of the token */
    struct msg *m; /* NULL: free */
    uint32_t token;
    time_t since; /* of the monotonic clock, seconds */
};

static struct zn {
    const struct diameter_dict *dict;
    void (*send)(const struct zh_frame *f);
    pthread_mutex_t lock;
    uint32_t tokens;
    struct waiting waiting[WAITING_MAX];
} self = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* -- the answer --------------------------------------------------------------------------------------------- */
static const struct {
    err_t err;
    uint32_t code;
    bool own; /* of 3GPP: an Experimental-Result [TS 29.109 6.3] */
} results[] = {
    {ERR_OK, SUCCESS, false},          {ERR_DENIED_B_TID, TRANSACTION_INVALID, true}, {ERR_DENIED_FROM, NOT_AUTHORIZED, true},
    {ERR_MALFORMED, INVALID_VALUE, false}, {ERR_LIMIT_BUSY, TOO_BUSY, false},
};

static bool put_result(struct msg *m, err_t e)
{
    const struct diameter_dict *d = self.dict;
    uint32_t code = UNABLE_TO_COMPLY;
    bool own = false;
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        if (results[i].err == e) {
            code = results[i].code;
            own = results[i].own;
        }
    }
    if (!own) {
        return diameter_dict_number(d, m, DIAMETER_RESULT_CODE, code);
    }
    struct avp *g = diameter_dict_group(d, m, DIAMETER_EXPERIMENTAL);
    return g != NULL && diameter_dict_number(d, g, DIAMETER_VENDOR_ID, DIAMETER_VENDOR_3GPP) &&
           diameter_dict_number(d, g, DIAMETER_EXPERIMENTAL_CODE, code);
}

static bool put_key(struct msg *m, enum diameter_avp which, const struct secret *s)
{
    struct bytes b = secret_view(s);
    return diameter_dict_octets(self.dict, m, which, b.p, b.n);
}

/* What the services it asked for are to know, and the Enrolee-ID as the uid of a service that has none of its own (R001-122, R001-135). */
static bool put_uss(struct msg *m, const struct zn_answer *a)
{
    char xml[ZN_BODY_MAX];
    struct writer w = WRITER_ARRAY(xml);
    writer_z(&w, "<guss id=\"");
    xml_write_text(&w, text_of(a->impi.z));
    writer_z(&w, "\"><ussList>");
    for (size_t i = 0; i < a->uss_n; i++) {
        uss_to_xml(&a->uss[i], &w);
    }
    struct uss own = {.gsid = 0};
    if (a->enrolee_id.z[0] != '\0' && uss_add_uid(&own, text_of(a->enrolee_id.z)) == ERR_OK) {
        uss_to_xml(&own, &w);
    }
    writer_z(&w, "</ussList></guss>");
    return (a->uss_n == 0 && a->enrolee_id.z[0] == '\0') ||
           (writer_finish(&w) == ERR_OK && diameter_dict_octets(self.dict, m, DIAMETER_GUSS, xml, w.n));
}

static bool put_keys(struct msg *m, const struct zn_answer *a)
{
    const struct diameter_dict *d = self.dict;
    return diameter_dict_octets(d, m, DIAMETER_USER_NAME, a->impi.z, strlen(a->impi.z)) &&
           put_key(m, DIAMETER_ME_KEY, &a->me) && (!a->gba_u || put_key(m, DIAMETER_UICC_KEY, &a->uicc)) &&
           diameter_dict_time(d, m, DIAMETER_KEY_EXPIRY, a->not_after / USEC_PER_SEC) &&
           diameter_dict_time(d, m, DIAMETER_CREATION_TIME, a->made / USEC_PER_SEC) && put_uss(m, a) &&
           diameter_dict_number(d, m, DIAMETER_GBA_TYPE, GBA_3G);
}

/* *m is the request, and then its answer. */
static bool begin(struct msg **m, err_t e)
{
    const struct diameter_dict *d = self.dict;
    struct avp *g = NULL;
    return fd_msg_new_answer_from_req(fd_g_config->cnf_dict, m, 0) == 0 && fd_msg_add_origin(*m, 0) == 0 &&
           (g = diameter_dict_group(d, *m, DIAMETER_VENDOR_APPLICATION)) != NULL &&
           diameter_dict_number(d, g, DIAMETER_VENDOR_ID, DIAMETER_VENDOR_3GPP) &&
           diameter_dict_number(d, g, DIAMETER_AUTH_APPLICATION, DIAMETER_APP_ZN) &&
           diameter_dict_number(d, *m, DIAMETER_AUTH_SESSION_STATE, NO_STATE_MAINTAINED) && put_result(*m, e);
}

/* Back to the request, without what was put into its answer. */
static bool begin_anew(struct msg **m, err_t e)
{
    struct msg *q = NULL;
    if (fd_msg_answ_getq(*m, &q) != 0 || q == NULL || fd_msg_answ_detach(*m) != 0) {
        return false;
    }
    (void)fd_msg_free(*m);
    *m = q;
    return begin(m, e);
}

/* Takes the request over; what cannot be answered is dropped, and its NAF asks again. Keys that do not go into an answer are refused
 * by name: the same would become of them the next time. */
static void answer(struct msg *m, err_t e, const struct zn_answer *a)
{
    bool good = begin(&m, e) && (a == NULL || put_keys(m, a) || begin_anew(&m, ERR_PEER_REFUSED));
    if (!good || fd_msg_send(&m, NULL, NULL) != 0) {
        (void)(m != NULL && fd_msg_free(m));
    }
}

void diameter_zn_answered(const struct zh_frame *f)
{
    SCOPED(zn_answer_wipe) struct zn_answer a = {.made = 0};
    pthread_mutex_lock(&self.lock);
    struct waiting *at = &self.waiting[f->token % WAITING_MAX];
    struct msg *m = at->token == f->token ? at->m : NULL;
    at->m = m != NULL ? NULL : at->m;
    pthread_mutex_unlock(&self.lock);
    if (m == NULL) {
        return;
    }
    err_t e = f->err == ERR_OK ? zn_json_form.answer_read(200, f->body, &a) : f->err;
    answer(m, e, e == ERR_OK ? &a : NULL);
}

/* -- the question ------------------------------------------------------------------------------------------- */
/* The peer that the connection belongs to has to be the one that the request names: both were compared with its certificate. */
static err_t take_host(struct msg *m, struct text *out)
{
    DiamId_t peer = NULL;
    size_t n = 0;
    struct bytes host = diameter_read_octets(self.dict, m, DIAMETER_ORIGIN_HOST);
    *out = text_span((const char *)host.p, host.n);
    bool same = fd_msg_source_get(m, &peer, &n) == 0 && peer != NULL && text_eq_nocase(*out, text_span(peer, n));
    return same && out->n > 0 && out->n <= ZH_FRAME_HOST_MAX ? ERR_OK : ERR_DENIED_FROM;
}

/* A place that is free, or whose question was not answered in time: that one is told so. */
static err_t keep(struct msg *m, uint32_t *token)
{
    err_t e = ERR_LIMIT_BUSY;
    struct msg *old = NULL;
    struct timespec now = {.tv_sec = 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&self.lock);
    for (size_t i = 0; i < WAITING_MAX && e != ERR_OK; i++) {
        struct waiting *at = &self.waiting[++self.tokens % WAITING_MAX];
        if (at->m == NULL || now.tv_sec - at->since > WAITING_S) {
            old = at->m;
            *at = (struct waiting){m, self.tokens, now.tv_sec};
            *token = self.tokens;
            e = ERR_OK;
        }
    }
    pthread_mutex_unlock(&self.lock);
    if (old != NULL) {
        answer(old, ERR_LIMIT_BUSY, NULL);
    }
    return e;
}

static int asked(struct msg **m, struct avp *avp, struct session *session, void *opaque, enum disp_action *action)
{
    uint8_t body[ZH_FRAME_BODY_MAX];
    struct writer w = WRITER_ARRAY(body);
    struct zn_ask ask = {.gsids_n = 0};
    struct zh_frame f = {.kind = ZH_FRAME_ZN};
    struct text host;
    char name[ZH_FRAME_HOST_MAX + 1];
    (void)avp;
    (void)session;
    (void)opaque;
    err_t e = take_host(*m, &host);
    e = e == ERR_OK ? TEXT_COPY(host, name) : e;
    e = e == ERR_OK ? diameter_read_ask(self.dict, *m, &ask) : e;
    e = e == ERR_OK ? zn_json_form.ask_write(&ask, &w) : e;
    e = e == ERR_OK ? keep(*m, &f.token) : e;
    if (e == ERR_OK) { /* from here on it may be answered at any moment */
        f.host = text_of(name);
        f.body = writer_view(&w);
        self.send(&f);
    } else {
        answer(*m, e, NULL);
    }
    *m = NULL;
    *action = DISP_ACT_CONT;
    return 0;
}

bool diameter_zn_init(const struct diameter_dict *d, void (*send)(const struct zh_frame *f))
{
    struct disp_when when;
    memset(&when, 0, sizeof(when));
    self.dict = d;
    self.send = send;
    when.app = d->zn;
    when.command = d->bir;
    return fd_disp_register(asked, DISP_HOW_CC, &when, NULL, NULL) == 0;
}
