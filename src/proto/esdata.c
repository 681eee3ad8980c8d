#include "proto/esdata.h"

#include "base/ct.h"

#include <string.h>

/* [TS-0003 8.5, 13.2.3 of the fact sheet]; what has no row is refused, "none" among it. R002-84 */
struct algorithm {
    const char *name;
    enum jose_kind use;
    enum object_kind key;
    unsigned least, most; /* size of the key: octets, or bits; 0: no limit */
};
static const struct algorithm algorithms[] = {
    {"dir", JOSE_JWE, OBJECT_OCTETS, 16, 32},
    {"A128KW", JOSE_JWE, OBJECT_OCTETS, 16, 16},
    {"A192KW", JOSE_JWE, OBJECT_OCTETS, 24, 24},
    {"A256KW", JOSE_JWE, OBJECT_OCTETS, 32, 32},
    {"RSA-OAEP-256", JOSE_JWE, OBJECT_RSA, 2048, 0},
    {"ECDH-ES+A128KW", JOSE_JWE, OBJECT_EC, 256, 0},
    {"ECDH-ES+A192KW", JOSE_JWE, OBJECT_EC, 256, 0},
    {"ECDH-ES+A256KW", JOSE_JWE, OBJECT_EC, 256, 0},
    {"HS256", JOSE_JWS, OBJECT_OCTETS, 32, 0},
    {"HS384", JOSE_JWS, OBJECT_OCTETS, 48, 0},
    {"HS512", JOSE_JWS, OBJECT_OCTETS, 64, 0},
    {"RS256", JOSE_JWS, OBJECT_RSA, 2048, 0},
    {"RS384", JOSE_JWS, OBJECT_RSA, 2048, 0},
    {"RS512", JOSE_JWS, OBJECT_RSA, 2048, 0},
    {"ES256", JOSE_JWS, OBJECT_EC, 256, 256},
    {"ES384", JOSE_JWS, OBJECT_EC, 384, 384},
    {"ES512", JOSE_JWS, OBJECT_EC, 521, 521},
};
static const struct {
    const char *name;
    unsigned octets;
} encryptions[] = {{"A128GCM", 16}, {"A192GCM", 24}, {"A256GCM", 32}};

const char *esdata_algorithm(size_t i)
{
    return i < ARRAY_LEN(algorithms) ? algorithms[i].name : NULL;
}

static const struct algorithm *algorithm_find(struct text name, enum jose_kind use)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        if (algorithms[i].use == use && text_eq_z(name, algorithms[i].name)) {
            return &algorithms[i];
        }
    }
    return NULL;
}

static unsigned encryption_octets(struct text name)
{
    for (size_t i = 0; i < ARRAY_LEN(encryptions); i++) {
        if (text_eq_z(name, encryptions[i].name)) {
            return encryptions[i].octets;
        }
    }
    return 0;
}

/* The first algorithm that fits the key; of several, the strongest. */
static const char *algorithm_default(const struct object_key_info *k, enum jose_kind use, bool one)
{
    const char *best = NULL;
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        const struct algorithm *a = &algorithms[i];
        bool fits = a->use == use && a->key == k->kind && k->size >= a->least && (a->most == 0 || k->size <= a->most);
        bool is_dir = i == 0;
        if (fits && (!is_dir || one)) {
            best = a->name;
        }
        if (fits && is_dir && one) {
            return best; /* exactly one symmetric key: Direct Encryption [8.5.2] */
        }
    }
    return best;
}

/* -- keys ---------------------------------------------------------------------------------------------------- */

static bool is_symmetric(const struct object_provider *p, const struct esdata_key *k)
{
    struct object_key_info info;
    return p->describe(&k->key, &info) == ERR_OK && info.kind == OBJECT_OCTETS;
}

static err_t usage_check(const struct object_provider *p, const struct esdata_key *k, unsigned unit, usec_t now)
{
    unsigned tens = k->suid / 10;
    bool kind = is_symmetric(p, k) ? tens >= 1 && tens <= 3 : tens == 4;
    if (!kind || k->suid % 10 != unit) {
        return ERR_DENIED_SUID;
    }
    return k->not_after <= now ? ERR_DENIED_EXPIRED : ERR_OK;
}

/* Key and algorithm fit each other: an RSA key is never an HMAC key. */
static err_t fit_check(const struct object_provider *p, const struct object_key *k, const struct algorithm *a,
                       struct text enc)
{
    struct object_key_info info;
    TRY(p->describe(k, &info));
    if (info.kind != a->key || info.size < a->least || (a->most != 0 && info.size > a->most)) {
        return ERR_OBJECT_ALG;
    }
    bool direct = strcmp(a->name, "dir") == 0;
    return direct && info.size != encryption_octets(enc) ? ERR_MALFORMED_KEY : ERR_OK;
}

static err_t target_of(const struct object_provider *p, const struct esdata_key *k, const char *alg, enum jose_kind use,
                       bool one, struct object_target *out)
{
    struct object_key_info info;
    TRY(p->describe(&k->key, &info));
    out->key = &k->key;
    out->alg = alg != NULL ? alg : algorithm_default(&info, use, one);
    return out->alg == NULL ? ERR_MALFORMED_KEY : ERR_OK;
}

/* -- protect ------------------------------------------------------------------------------------------------- */

static err_t do_sign(const struct object_provider *p, const struct esdata_order *o, struct bytes content, usec_t now,
                     struct writer *out)
{
    const bool nested = o->class == ESDATA_NESTED;
    struct object_target source;
    if (o->source == NULL) {
        return ERR_USAGE;
    }
    TRY(usage_check(p, o->source, nested ? 4 : 5, now));
    TRY(target_of(p, o->source, o->sign_alg, JOSE_JWS, true, &source));
    const struct algorithm *a = algorithm_find(text_of(source.alg), JOSE_JWS);
    if (a == NULL) {
        return ERR_OBJECT_ALG;
    }
    TRY(fit_check(p, &o->source->key, a, text_empty()));
    return p->sign(&source, o->cty, nested ? JOSE_COMPACT : o->form, content, out);
}

static err_t do_encrypt(const struct object_provider *p, const struct esdata_order *o, struct text cty,
                        struct bytes content, usec_t now, struct writer *out)
{
    struct object_target targets[ESDATA_TARGETS_MAX];
    const char *enc = o->enc == NULL ? "A256GCM" : o->enc;
    bool one = o->targets_n == 1;
    if (o->targets_n == 0 || o->targets_n > ESDATA_TARGETS_MAX || (!one && o->form == JOSE_COMPACT)) {
        return ERR_USAGE;
    }
    if (encryption_octets(text_of(enc)) == 0) {
        return ERR_OBJECT_ALG;
    }
    for (size_t i = 0; i < o->targets_n; i++) {
        TRY(usage_check(p, &o->targets[i], 4, now));
        TRY(target_of(p, &o->targets[i], o->alg, JOSE_JWE, one, &targets[i]));
        const struct algorithm *a = algorithm_find(text_of(targets[i].alg), JOSE_JWE);
        if (a == NULL || (!one && a == algorithms)) {
            return ERR_OBJECT_ALG; /* Direct Encryption is for exactly one key */
        }
        TRY(fit_check(p, &o->targets[i].key, a, text_of(enc)));
    }
    const struct object_encrypt order = {targets, o->targets_n, enc, cty, o->form};
    return p->encrypt(&order, content, out);
}

struct scratch {
    uint8_t octets[JOSE_OBJECT_MAX];
    struct writer w;
};

static void scratch_wipe(struct scratch *s)
{
    ct_wipe(s->octets, sizeof(s->octets));
}

static err_t do_nested(const struct object_provider *p, const struct esdata_order *o, struct bytes content, usec_t now,
                       struct writer *out)
{
    if (o->source == NULL || is_symmetric(p, o->source)) {
        return ERR_OBJECT_NESTED; /* the source signs with the key of its certificate */
    }
    SCOPED(scratch_wipe) struct scratch s;
    s.w = WRITER_ARRAY(s.octets);
    TRY(do_sign(p, o, content, now, &s.w));
    return do_encrypt(p, o, text_of("JOSE"), writer_view(&s.w), now, out);
}

err_t esdata_protect(const struct object_provider *p, const struct esdata_order *o, struct bytes content, usec_t now,
                     struct writer *out)
{
    if (content.n > ESDATA_CONTENT_MAX) {
        return ERR_LIMIT_SIZE;
    }
    switch (o->class) {
    case ESDATA_ENCRYPTED:
        return do_encrypt(p, o, o->cty, content, now, out);
    case ESDATA_SIGNED:
        return do_sign(p, o, content, now, out);
    case ESDATA_NESTED:
        return do_nested(p, o, content, now, out);
    }
    return ERR_USAGE;
}

/* -- open ---------------------------------------------------------------------------------------------------- */

/* Part and key that belong together by kid. Without a kid only a single key can be meant. */
static err_t match(const struct jose_object *o, const struct esdata_key *keys, size_t n, size_t *part,
                   const struct esdata_key **key)
{
    for (size_t i = 0; i < o->parts; i++) {
        for (size_t k = 0; k < n; k++) {
            bool unnamed = o->part[i].kid.n == 0 && n == 1 && o->parts == 1;
            if (unnamed || (o->part[i].kid.n > 0 && text_eq(o->part[i].kid, keys[k].key.id))) {
                *part = i;
                *key = &keys[k];
                return ERR_OK;
            }
        }
    }
    return ERR_OBJECT_KEY;
}

/* What the header may say, before any key is used. */
static err_t header_check(const struct jose_object *o, const struct jose_part *part, const struct algorithm **a)
{
    *a = algorithm_find(part->alg, o->kind);
    if (part->forbidden != NULL) {
        return ERR_OBJECT_OPTION;
    }
    if (*a == NULL) {
        return ERR_OBJECT_ALG;
    }
    if (o->kind == JOSE_JWS) {
        return part->alg_protected ? ERR_OK : ERR_OBJECT_ALG;
    }
    if (!part->enc_protected || encryption_octets(part->enc) == 0) {
        return ERR_OBJECT_ALG;
    }
    bool direct = *a == algorithms;
    if (direct && o->parts > 1) {
        return ERR_OBJECT_ALG;
    }
    return direct == (part->value.n == 0) ? ERR_OK : ERR_OBJECT_MALFORMED;
}

struct found {
    const struct esdata_key *key;
    const struct algorithm *alg;
    size_t part;
};

static err_t prepare(const struct object_provider *p, const struct jose_object *o, const struct esdata_key *keys,
                     size_t n, struct found *f)
{
    for (size_t i = 0; i < o->parts; i++) {
        TRY(header_check(o, &o->part[i], &f->alg)); /* one that is bad makes the whole suspect */
    }
    TRY(match(o, keys, n, &f->part, &f->key));
    TRY(header_check(o, &o->part[f->part], &f->alg));
    return fit_check(p, &f->key->key, f->alg, o->part[f->part].enc);
}

static err_t tell(struct text t, char *dst, size_t cap)
{
    return text_copy(t, dst, cap) == ERR_OK ? ERR_OK : ERR_OBJECT_MALFORMED;
}

static bool is_jose(struct text cty)
{
    return text_eq_nocase(cty, text_of("JOSE")) || text_eq_nocase(cty, text_of("application/jose"));
}

static void jose_scope(struct jose_object *o)
{
    jose_wipe(o);
}

static err_t open_signed(const struct object_provider *p, const struct esdata_ring *ring, struct bytes object,
                         usec_t now, struct writer *out, struct esdata_opened *what)
{
    SCOPED(jose_scope) struct jose_object o = {0};
    struct found f;
    TRY(jose_parse(object, &o));
    if (o.kind != JOSE_JWS) {
        return ERR_OBJECT_NESTED;
    }
    TRY(prepare(p, &o, ring->sources, ring->sources_n, &f));
    bool nested = what->class == ESDATA_NESTED;
    TRY(usage_check(p, f.key, nested ? 4 : 5, now));
    const struct jose_part *part = &o.part[f.part];
    if (is_jose(part->cty) || (nested && is_symmetric(p, f.key))) {
        return ERR_OBJECT_NESTED; /* no class has a signature over a JOSE object, nor a MAC inside an encryption */
    }
    TRY(tell(part->alg, what->sign_alg, sizeof(what->sign_alg)));
    TRY(tell(f.key->key.id, what->source_kid, sizeof(what->source_kid)));
    TRY(tell(part->cty, what->cty, sizeof(what->cty)));
    what->class = nested ? ESDATA_NESTED : ESDATA_SIGNED;
    return p->verify(object, f.part, &f.key->key, out);
}

static err_t open_encrypted(const struct object_provider *p, const struct esdata_ring *ring, struct bytes object,
                            usec_t now, struct writer *out, struct esdata_opened *what)
{
    SCOPED(jose_scope) struct jose_object o = {0};
    struct found f;
    TRY(jose_parse(object, &o));
    TRY(prepare(p, &o, ring->own, ring->own_n, &f));
    TRY(usage_check(p, f.key, 4, now));
    const struct jose_part *part = &o.part[f.part];
    TRY(tell(part->alg, what->alg, sizeof(what->alg)));
    TRY(tell(part->enc, what->enc, sizeof(what->enc)));
    TRY(tell(f.key->key.id, what->own_kid, sizeof(what->own_kid)));
    TRY(tell(part->cty, what->cty, sizeof(what->cty)));
    bool nested = is_jose(part->cty);
    what->class = nested ? ESDATA_NESTED : ESDATA_ENCRYPTED;
    if (ring->class != 0 && ring->class != what->class) {
        return ERR_OBJECT_CLASS;
    }
    if (!nested) {
        return p->decrypt(object, f.part, &f.key->key, out);
    }
    SCOPED(scratch_wipe) struct scratch s;
    s.w = WRITER_ARRAY(s.octets);
    TRY(p->decrypt(object, f.part, &f.key->key, &s.w));
    return open_signed(p, ring, writer_view(&s.w), now, out, what);
}

err_t esdata_open(const struct object_provider *p, const struct esdata_ring *ring, struct bytes object, usec_t now,
                  struct writer *out, struct esdata_opened *what)
{
    *what = (struct esdata_opened){0};
    const size_t before = out->n;
    struct jose_object o = {0};
    TRY(jose_parse(object, &o));
    enum jose_kind kind = o.kind;
    what->form = o.form;
    jose_wipe(&o);
    if (kind == JOSE_JWS && ring->class != 0 && ring->class != ESDATA_SIGNED) {
        return ERR_OBJECT_CLASS;
    }
    err_t e = kind == JOSE_JWS ? open_signed(p, ring, object, now, out, what)
                               : open_encrypted(p, ring, object, now, out, what);
    if (e != ERR_OK) {
        ct_wipe(out->buf + before, out->n - before);
        out->n = before;
    }
    return e;
}
