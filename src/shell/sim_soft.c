#include "aka/aka_sim_file.h"
#include "base/ct.h"
#include "role/detail.h"
#include "shell/device_dir.h"
#include "shell/sim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct soft {
    const struct crypto *crypto;
    struct aka_sim_file file;
    struct device_dir where; /* the folder of the file; only its path and lock */
    char name[128];          /* in it */
};

struct octets {
    uint8_t b[AKA_SIM_FILE_MAX];
};

static void octets_wipe(struct octets *o)
{
    ct_wipe(o, sizeof(*o));
}

/* -- the file ---------------------------------------------------------------------------------------------------- */
static err_t place(struct soft *s, const char *file)
{
    struct text all = text_of(file);
    size_t slash = text_find_last(all, '/');
    bool plain = slash == all.n;
    TRY(TEXT_COPY(plain ? text_of(".") : slash == 0 ? text_of("/") : text_take(all, slash), s->where.path));
    return TEXT_COPY(plain ? all : text_skip(all, slash + 1), s->name);
}

/* Beside the file, which is replaced at each save: two that answered from one window would use a number twice. */
static err_t lock(struct soft *s, const char *file)
{
    char name[700];
    struct writer w = WRITER_ARRAY(name);
    writer_z(&w, file);
    writer_z(&w, ".lock");
    TRY(writer_finish_z(&w));
    s->where.lock = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (s->where.lock < 0) {
        return ERR_IO;
    }
    return flock(s->where.lock, LOCK_EX | LOCK_NB) == 0 ? ERR_OK : ERR_STORE_LOCKED;
}

static err_t load(struct soft *s, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(octets_wipe) struct octets o;
    struct writer w = WRITER_ARRAY(o.b);
    char line[128];
    struct writer at = WRITER_ARRAY(line);
    unsigned n = 0;
    TRY(device_dir_file_load(&s->where, s->name, &w));
    err_t e = aka_sim_file_parse(s->crypto, writer_view_text(&w), &s->file, &n);
    writer_z(&at, n == 0 ? AKA_SIM_FILE_WHOLE : "line ");
    if (n > 0) {
        writer_decimal(&at, n);
        writer_z(&at, " of the");
    }
    writer_z(&at, " software SIM");
    return e == ERR_OK || writer_finish_z(&at) != ERR_OK ? e : detail_fail(detail, e, line, text_of(s->name));
}

/* Durable before an answer leaves the card: a number that was taken is never taken again. */
static err_t save(struct soft *s)
{
    SCOPED(octets_wipe) struct octets o;
    struct writer w = WRITER_ARRAY(o.b);
    TRY(aka_sim_file_write(&s->file, &w));
    return device_dir_file_save(&s->where, s->name, writer_view(&w));
}

/* -- the card ---------------------------------------------------------------------------------------------------- */
static err_t keep(struct soft *s, err_t e, struct aka_answer *out)
{
    if (e == ERR_OK) {
        e = save(s);
    }
    if (e != ERR_OK && e != ERR_SQN_RANGE) {
        aka_card_answer_wipe(out);
    }
    return e;
}

static err_t authenticate(void *self, const struct aka_rand *rand, const struct aka_autn *autn, struct aka_answer *out)
{
    struct soft *s = self;
    return keep(s, aka_card_authenticate(s->crypto, &s->file.card, rand, autn, out), out);
}

static err_t bootstrap(void *self, const struct aka_rand *rand, const struct aka_autn *autn_star, struct aka_answer *out)
{
    struct soft *s = self;
    return keep(s, aka_card_bootstrap(s->crypto, &s->file.card, rand, autn_star, out), out);
}

static err_t derive(void *self, struct text impi, const struct naf_id *id, struct key_ks_ext_naf *out)
{
    struct soft *s = self;
    return aka_card_derive(s->crypto, &s->file.card, impi, id, out);
}

static err_t int_master(void *self, const struct naf_id *id, const struct aka_card_prf *prf, uint8_t *out)
{
    struct soft *s = self;
    return aka_card_int_master(s->crypto, &s->file.card, id, prf, out);
}

static void soft_close(void *self)
{
    struct soft *s = self;
    if (s->where.lock >= 0) {
        (void)close(s->where.lock);
    }
    ct_wipe(s, sizeof(*s));
    free(s);
}

static err_t open_file(struct soft *s, const char *file, char detail[static ROLE_DETAIL_MAX])
{
    TRY(place(s, file));
    if (access(file, F_OK) != 0) { /* no lock file where no SIM is */
        return ERR_SIM_MISSING;
    }
    TRY(lock(s, file));
    return load(s, detail);
}

err_t sim_soft_open(const char *file, const struct crypto *c, struct sim *out, char detail[static ROLE_DETAIL_MAX])
{
    struct soft *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    s->crypto = c;
    s->where.lock = -1;
    detail[0] = '\0';
    err_t e = open_file(s, file, detail);
    if (e != ERR_OK) {
        soft_close(s);
        return detail[0] != '\0' ? e : detail_fail(detail, e, "software SIM", text_of(file));
    }
    bool keeps = s->file.gba != AKA_SIM_ME;
    *out = (struct sim){.close = soft_close,
                        .card = {.self = s,
                                 .gba = s->file.gba,
                                 .impi = s->file.impi,
                                 .authenticate = keeps ? NULL : authenticate,
                                 .bootstrap = keeps ? bootstrap : NULL,
                                 .derive = keeps ? derive : NULL,
                                 .int_master = keeps ? int_master : NULL}};
    return ERR_OK;
}
