#include "aka/aka_sim_file.h"

#include "base/ct.h"
#include "base/hex.h"

#include <string.h>

#define BLANKS " \t\r"

void aka_sim_file_wipe(struct aka_sim_file *f)
{
    ct_wipe(f, sizeof(*f));
}

/* -- values ---------------------------------------------------------------------------------------------- */
struct parse {
    const struct crypto *c;
    struct aka_sim_file *f;
    struct key_op op;
    unsigned seen; /* bits of the rows below */
};

static void parse_wipe(struct parse *p)
{
    secret_wipe(&p->op.s);
}

static err_t take_secret(struct text t, size_t most, struct secret *out)
{
    SCOPED(secret_wipe) struct secret s = {0};
    struct writer w = writer_of(s.b, most);
    TRY(hex_parse(t, &w));
    TRY(writer_finish(&w) == ERR_OK ? ERR_OK : ERR_MALFORMED_KEY);
    return secret_set(out, writer_view(&w));
}

static err_t impi(struct parse *p, struct text t)
{
    return impi_is(t) ? TEXT_COPY(t, p->f->impi.z) : ERR_SIM_FILE;
}

static err_t kind(struct parse *p, struct text t)
{
    bool tuak = text_eq_z(t, "tuak");
    if (!tuak && !text_eq_z(t, "milenage")) {
        return ERR_SIM_FILE;
    }
    struct aka_keys fresh = tuak ? aka_keys_tuak() : aka_keys_milenage();
    struct aka_keys *k = &p->f->card.keys;
    k->algorithm = fresh.algorithm;
    k->lengths = fresh.lengths;
    k->iterations = fresh.iterations;
    return ERR_OK;
}

static err_t k(struct parse *p, struct text t)
{
    return take_secret(t, 32, &p->f->card.keys.k.s);
}

static err_t opc(struct parse *p, struct text t)
{
    return take_secret(t, 32, &p->f->card.keys.opc.s);
}

static err_t op(struct parse *p, struct text t)
{
    return take_secret(t, 32, &p->op.s);
}

static err_t gba(struct parse *p, struct text t)
{
    for (int i = 0; i < AKA_SIM_KINDS; i++) {
        if (text_eq_z(t, aka_sim_gba_name((enum aka_sim_gba)i))) {
            p->f->gba = (enum aka_sim_gba)i;
            return ERR_OK;
        }
    }
    return ERR_SIM_FILE;
}

static err_t sqn(struct parse *p, struct text t)
{
    struct text one = text_empty();
    size_t n = 0;
    while (text_next(&t, ' ', &one)) {
        if (n == AKA_WINDOW || text_u64(one, AKA_SEQ_MAX, &p->f->card.window.seq[n]) != ERR_OK) {
            return ERR_SIM_FILE;
        }
        n++;
    }
    return n == AKA_WINDOW ? ERR_OK : ERR_SIM_FILE;
}

static err_t ks(struct parse *p, struct text t)
{
    return take_secret(t, KEYS_DERIVED_LEN, &p->f->card.ks.s);
}

static err_t rand_of(struct parse *p, struct text t)
{
    struct writer w = WRITER_ARRAY(p->f->card.rand.b);
    TRY(hex_parse(t, &w));
    return writer_finish(&w) == ERR_OK && w.n == AKA_RAND_LEN ? ERR_OK : ERR_SIM_FILE;
}

enum { IMPI, KIND, K, OPC, OP, GBA, SQN, KS, RAND, NAMES };
static const struct {
    const char *name;
    err_t (*take)(struct parse *p, struct text t);
} rows[NAMES] = {
    [IMPI] = {"impi", impi}, [KIND] = {"kind", kind}, [K] = {"k", k},    [OPC] = {"opc", opc},      [OP] = {"op", op},
    [GBA] = {"gba", gba},    [SQN] = {"sqn", sqn},    [KS] = {"ks", ks}, [RAND] = {"rand", rand_of},
};

/* -- text ------------------------------------------------------------------------------------------------ */
static err_t take_line(struct parse *p, struct text line)
{
    struct text name = text_trim(text_take(line, text_find(line, '=')), BLANKS);
    struct text value = text_trim(text_skip(line, text_find(line, '=') + 1), BLANKS);
    for (unsigned i = 0; i < NAMES; i++) {
        if (text_eq_z(name, rows[i].name)) {
            bool twice = (p->seen & (1U << i)) != 0;
            p->seen |= 1U << i;
            return twice || value.n == 0 ? ERR_SIM_FILE : rows[i].take(p, value);
        }
    }
    return ERR_SIM_FILE;
}

static bool has(const struct parse *p, unsigned row)
{
    return (p->seen & (1U << row)) != 0;
}

static err_t whole(struct parse *p)
{
    struct aka_keys *keys = &p->f->card.keys;
    if (!has(p, IMPI) || !has(p, KIND) || !has(p, K) || has(p, OPC) == has(p, OP) || has(p, KS) != has(p, RAND)) {
        return ERR_SIM_FILE;
    }
    TRY(has(p, OP) ? aka_opc(p->c, keys, &p->op, &keys->opc) : ERR_OK);
    if (has(p, KS) && (p->f->gba == AKA_SIM_ME || p->f->card.ks.s.n != KEYS_DERIVED_LEN)) {
        return ERR_SIM_FILE;
    }
    return aka_check_keys(keys);
}

err_t aka_sim_file_parse(const struct crypto *c, struct text t, struct aka_sim_file *out, unsigned *line)
{
    SCOPED(parse_wipe) struct parse p = {.c = c, .f = out};
    struct text one = text_empty();
    err_t e = ERR_OK;
    memset(out, 0, sizeof(*out));
    *line = 1;
    bool marked = text_next(&t, '\n', &one) && text_eq_z(text_trim(one, BLANKS), AKA_SIM_FILE_MARK);
    e = marked ? ERR_OK : ERR_SIM_FILE;
    while (e == ERR_OK && text_next(&t, '\n', &one)) {
        ++*line;
        one = text_trim(one, BLANKS);
        e = one.n == 0 || one.p[0] == '#' ? ERR_OK : take_line(&p, one);
    }
    if (e == ERR_OK) {
        e = whole(&p);
        *line = e == ERR_OK ? *line : 0;
    }
    if (e != ERR_OK) {
        aka_sim_file_wipe(out);
    }
    return e;
}

static void pair(struct writer *w, const char *name, const char *value)
{
    writer_z(w, name);
    writer_z(w, " = ");
    writer_z(w, value);
    writer_z(w, "\n");
}

static void pair_hex(struct writer *w, const char *name, struct bytes b)
{
    writer_z(w, name);
    writer_z(w, " = ");
    hex_write_lower(w, b);
    writer_z(w, "\n");
}

err_t aka_sim_file_write(const struct aka_sim_file *f, struct writer *w)
{
    const struct aka_card *card = &f->card;
    writer_z(w, AKA_SIM_FILE_MARK "\n# For laboratories: who reads this file is this subscriber.\n");
    pair(w, rows[IMPI].name, f->impi.z);
    pair(w, rows[KIND].name, card->keys.algorithm == AKA_TUAK ? "tuak" : "milenage");
    pair_hex(w, rows[K].name, secret_view(&card->keys.k.s));
    pair_hex(w, rows[OPC].name, secret_view(&card->keys.opc.s));
    pair(w, rows[GBA].name, aka_sim_gba_name(f->gba));
    writer_z(w, "sqn =");
    for (size_t i = 0; i < AKA_WINDOW; i++) {
        writer_z(w, " ");
        writer_decimal(w, card->window.seq[i]);
    }
    writer_z(w, "\n");
    if (secret_is_set(&card->ks.s)) {
        pair_hex(w, rows[KS].name, secret_view(&card->ks.s));
        pair_hex(w, rows[RAND].name, BYTES_ARRAY(card->rand.b));
    }
    return writer_finish(w);
}
