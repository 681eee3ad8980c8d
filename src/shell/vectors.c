#include "shell/vectors.h"

#include "base/ct.h"
#include "base/hex.h"
#include "shell/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELPER "keystead-diameter"

struct vectors_entry {
    struct vectors_entry *next, **at; /* at == NULL: answered */
    struct vectors *v;
    struct job job;
    uint8_t *octets; /* of the job */
    struct association assoc;
    struct intake_ticket ticket;
    struct vector_question question;
    struct vector_answer answer;
    struct aka_vector vector;
    uint8_t *guss;
};

/* -- what waits ------------------------------------------------------------------------------------------ */
static void entry_free(void *arg)
{
    struct vectors_entry *e = arg;
    job_wipe(&e->job);
    aka_auc_vector_wipe(&e->vector);
    free(e->octets);
    free(e->guss);
    free(e);
}

static void unlink_entry(struct vectors_entry *e)
{
    *e->at = e->next;
    if (e->next != NULL) {
        e->next->at = e->at;
    }
    e->at = NULL;
    e->v->waiting_n--;
    e->v->metrics->zh_waiting_now--;
}

/* A /64 is one stranger. */
static bool same_address(const struct ipaddr *a, const struct ipaddr *b)
{
    return a->len == b->len && memcmp(a->b, b->b, a->len < 8 ? a->len : 8) == 0;
}

/* One question of a subscriber at a time; and of an address only so many that there is room for others. */
static bool is_under_way(const struct vectors *v, const struct job *j, const struct vector_question *q)
{
    size_t of_address = 0;
    for (const struct vectors_entry *e = v->waiting; e != NULL; e = e->next) {
        if (e->job.role == j->role && strcmp(e->question.impi.z, q->impi.z) == 0) {
            return true;
        }
        of_address += e->job.role == j->role && same_address(&e->job.ip, &j->ip);
    }
    return of_address >= VECTORS_ADDRESS_MAX;
}

/* -- the answer ------------------------------------------------------------------------------------------ */
static void answered(void *owner, const struct zh_answer *a)
{
    struct vectors_entry *e = owner;
    e->answer = (struct vector_answer){.question = &e->question, .err = a->err, .vector = &e->vector, .guss = bytes_empty()};
    if (a->err == ERR_OK) {
        e->vector = *a->vector;
        e->guss = malloc(a->guss.n + 1);
        if (e->guss == NULL) {
            e->answer.err = ERR_LIMIT_BUSY;
        } else if (a->guss.n > 0) {
            memcpy(e->guss, a->guss.p, a->guss.n);
            e->answer.guss = bytes_of(e->guss, a->guss.n);
        }
    }
    e->v->metrics->zh_failed += e->answer.err != ERR_OK;
    unlink_entry(e);
    e->job.vector = &e->answer;
    e->job.now = clock_now();
    intake_resume(e->v->intake, &e->job, &e->ticket, entry_free, e);
}

/* -- the question ---------------------------------------------------------------------------------------- */
static err_t ask(struct vectors_entry *e)
{
    const struct vector_question *q = &e->question;
    const struct zh_resync resync = {.rand = q->rand, .auts = q->auts};
    const struct zh_question zq = {.impi = text_of(q->impi.z), .resync = q->resync ? &resync : NULL, .guss_made = q->guss_made};
    struct zh *zh = e->v->zh[e->job.role];
    e->v->metrics->zh_questions++;
    return zh == NULL ? ERR_PEER_UNREACHABLE : zh_ask(zh, &zq, answered, e);
}

/* intake.ask: takes the job over, whatever comes of it. */
static bool put_aside(void *arg, const struct job *j, const struct vector_question *q, const struct intake_ticket *ticket)
{
    struct vectors *v = arg;
    bool busy = v->waiting_n >= VECTORS_WAITING_MAX || is_under_way(v, j, q);
    struct vectors_entry *e = calloc(1, sizeof(*e));
    uint8_t *octets = e == NULL ? NULL : malloc(j->octets.n + 1);
    if (octets == NULL) {
        free(e);
        return false;
    }
    memcpy(octets, j->octets.p, j->octets.n);
    *e = (struct vectors_entry){.next = v->waiting, .at = &v->waiting, .v = v, .job = *j, .octets = octets, .ticket = *ticket, .question = *q};
    e->job.octets = bytes_of(octets, j->octets.n);
    e->job.parsed = NULL;
    e->assoc = *j->assoc;
    e->job.assoc = &e->assoc;
    if (v->waiting != NULL) {
        v->waiting->at = &e->next;
    }
    v->waiting = e;
    v->waiting_n++;
    v->metrics->zh_waiting_now++;
    err_t err = busy ? ERR_LIMIT_BUSY : ask(e);
    if (err != ERR_OK) {
        answered(e, &(struct zh_answer){.err = err, .vector = NULL, .guss = bytes_empty()});
    }
    return true;
}

/* -- the connections --------------------------------------------------------------------------------------- */
/* Beside the program, as it is built and installed; else where PATH finds it. */
static err_t find_helper(char *out, size_t cap)
{
    char self[ZH_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct text dir = n > 0 ? text_take(text_span(self, (size_t)n), text_find_last(text_span(self, (size_t)n), '/') + 1) : text_empty();
    struct writer w = writer_of(out, cap);
    writer_text(&w, dir);
    writer_z(&w, HELPER);
    TRY(writer_finish_z(&w));
    return access(out, X_OK) == 0 ? ERR_OK : text_copy(text_of(HELPER), out, cap);
}

/* An HLR sends answers to the name that a connection gave itself: two of one name, as at a reload, would get each other's. */
static err_t gsup_name(const struct crypto *c, struct zh_conf *out)
{
    uint8_t own[8];
    struct writer w = WRITER_ARRAY(out->name);
    TRY(c->random(own, sizeof(own)));
    writer_z(&w, "keystead-");
    hex_write_lower(&w, BYTES_ARRAY(own));
    return writer_finish_z(&w);
}

static err_t gsup_conf(struct text address, struct zh_conf *out)
{
    size_t colon = text_find_last(address, ':');
    struct text host = text_take(address, colon);
    bool v6 = host.n > 1 && host.p[0] == '[';
    uint64_t port = 0;
    out->protocol = ZH_GSUP;
    TRY(text_u64(text_skip(address, colon + 1), 65535, &port));
    out->port = (uint16_t)port;
    return TEXT_COPY(v6 ? text_take(text_skip(host, 1), host.n - 2) : host, out->host);
}

static err_t diameter_conf(const struct conf *c, const struct snapshot_role *r, struct text realm, struct zh_conf *out)
{
    out->protocol = ZH_DIAMETER;
    TRY(find_helper(out->program, sizeof(out->program)));
    TRY(TEXT_COPY(conf_text(c, r->role->name, r->name, "diameter"), out->file));
    return TEXT_COPY(realm, out->realm);
}

static err_t open_one(struct vectors *v, size_t i)
{
    const struct conf *c = v->snap->conf;
    const struct snapshot_role *r = &v->snap->roles[i];
    const char *section = r->role->name;
    if (conf_row_of(c, text_of(section), text_of("subscribers")) == NULL) {
        return ERR_OK;
    }
    struct text kind = conf_text(c, section, r->name, "subscribers");
    const bool diameter = text_eq_z(kind, "diameter"), zn = conf_bool(c, section, r->name, "zn-diameter");
    struct zh_conf conf = {.answer = conf_number(c, section, r->name, "subscriber-time")};
    v->zn[i] = (struct zn_server){.snap = v->snap, .intake = v->intake, .metrics = v->metrics, .role = i};
    if (text_eq_z(kind, "gsup")) {
        TRY(gsup_conf(conf_text(c, section, r->name, "hlr"), &conf));
        TRY(gsup_name(v->snap->env.crypto, &conf));
        TRY(zh_new(v->loop, &conf, &v->zh[i]));
    }
    if (diameter || zn) {
        conf.zn = zn ? zn_server_asked : NULL;
        conf.zn_owner = &v->zn[i];
        TRY(diameter_conf(c, r, diameter ? conf_text(c, section, r->name, "hss-realm") : text_of("-"), &conf));
        TRY(zh_new(v->loop, &conf, diameter ? &v->zh[i] : &v->only_zn[i]));
        v->zn[i].zh = diameter ? v->zh[i] : v->only_zn[i];
    }
    return ERR_OK;
}

err_t vectors_start(struct vectors *v, uv_loop_t *loop, const struct snapshot *snap, struct intake *intake,
                    struct metrics *metrics)
{
    *v = (struct vectors){.loop = loop, .snap = snap, .intake = intake, .metrics = metrics};
    intake->ask = put_aside;
    intake->ask_arg = v;
    for (size_t i = 0; i < snap->roles_n; i++) {
        TRY(open_one(v, i));
    }
    return ERR_OK;
}

void vectors_stop(struct vectors *v)
{
    for (size_t i = 0; i < SNAPSHOT_ROLES_MAX; i++) {
        zh_free(v->zh[i]);
        zh_free(v->only_zn[i]);
        v->zh[i] = v->only_zn[i] = v->zn[i].zh = NULL;
    }
    while (v->waiting != NULL) {
        struct vectors_entry *e = v->waiting;
        unlink_entry(e);
        entry_free(e);
    }
}
