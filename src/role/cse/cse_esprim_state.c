#include "role/cse/cse_esprim_state.h"

#include "proto/esprim_state.h"
#include "role/cse/cse_annc.h"
#include "role/cse/cse_res.h"
#include "role/expire.h"
#include "role/rec.h"
#include "wire/json.h"

#include <string.h>

#define LIFETIME (INT64_C(3600) * USEC_PER_SEC) /* of random objects */
#define OFFERS_ID "offers"
#define PLACE_MAX (KEYID_MAX + 4)
#define STAGED_MAX 16 /* changes besides those of expire_run() */

static const struct esprim_policy policy = {
    .algs = {ESPRIM_A256GCM, ESPRIM_A192GCM, ESPRIM_A128GCM}, .algs_n = 3, .lifetime = LIFETIME};

err_t cse_esprim_state_load(const struct cse *cse, struct txn *t, struct cse_esprim_state *s)
{
    struct bytes b;
    memset(s, 0, sizeof(*s));
    esprim_receiver_init(&s->r, cse->env.crypto, &policy, s->sessions, ESPRIM_SESSIONS_PER_KEY);
    err_t e = rec_get(t, TABLE_CSE_ESPRIM, text_of(OFFERS_ID), &b);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    TRY(e == ERR_OK ? esprim_state_offers_parse(b, s->r.offers) : ERR_OK);
    memcpy(s->offers_before, s->r.offers, sizeof(s->offers_before));
    return ERR_OK;
}

/* "K/0" to "K/7": a key identifier has an '@', so none of them is OFFERS_ID. */
static err_t place(struct text kid, size_t i, char id[static PLACE_MAX])
{
    struct writer w = writer_of(id, PLACE_MAX);
    writer_text(&w, kid);
    writer_z(&w, "/");
    writer_decimal(&w, i);
    return writer_finish_z(&w);
}

err_t cse_esprim_state_sessions(struct txn *t, struct text kid, struct cse_esprim_state *s)
{
    char id[PLACE_MAX];
    for (size_t i = 0; i < ESPRIM_SESSIONS_PER_KEY; i++) {
        struct bytes b;
        TRY(place(kid, i, id));
        err_t e = rec_get(t, TABLE_CSE_ESPRIM, text_of(id), &b);
        if (e != ERR_NOT_FOUND) {
            TRY(e);
            TRY(esprim_state_session_parse(b, &s->sessions[i]));
        }
    }
    memcpy(s->sessions_before, s->sessions, sizeof(s->sessions_before));
    return ERR_OK;
}

/* e2eSecInfo of the CSEBase [13.1.3]: where the keys may come from, and the shared object. */
static err_t announce(const struct cse *cse, struct txn *t, const struct esprim_rand *shared, usec_t now)
{
    static const char *const features[] = {"13", "33"};
    char text[1024];
    struct writer w = WRITER_ARRAY(text);
    struct cse_res base;
    SCOPED(json_scope) json_t *attrs = NULL;
    SCOPED(json_scope) json_t *info = NULL;
    writer_z(&w, "{\"esf\":[");
    for (size_t i = 0; i < ARRAY_LEN(features); i++) {
        writer_z(&w, i > 0 ? "," : "");
        writer_z(&w, features[i]);
    }
    writer_z(&w, "],\"esro\":");
    esprim_rand_write(shared, &w);
    writer_z(&w, "}");
    TRY(writer_finish(&w));
    TRY(json_parse(writer_view(&w), &info));
    TRY(cse_res_get(t, text_of(cse->root.z), now, &base));
    TRY(cse_res_attrs(t, &base, &attrs));
    if (json_object_set(attrs, "esi", info) != 0) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(cse_res_render(t, &base, attrs));
    TRY(cse_res_put(t, &base));
    return cse_annc_base_changed(t, now);
}

/* A session that nothing can be sent under again; the random objects are no session and stay. */
static bool is_over(struct bytes record, usec_t now)
{
    struct esprim_session s;
    return esprim_state_session_parse(record, &s) == ERR_OK && s.forget_at <= now;
}

/* With each new session a few old ones go, of whatever key: those of keys that are gone, too. */
static err_t make_room(struct txn *t, const struct cse_esprim_state *s, usec_t now)
{
    bool fits = t->staged_n + EXPIRE_BATCH + STAGED_MAX <= TXN_STAGED_MAX;
    bool fresh = false;
    for (size_t i = 0; i < ESPRIM_SESSIONS_PER_KEY; i++) {
        fresh = fresh || strcmp(s->sessions_before[i].originator.id, s->sessions[i].originator.id) != 0;
    }
    return fresh && fits ? expire_run(t, TABLE_CSE_ESPRIM, is_over, now) : ERR_OK;
}

static err_t session_save(struct txn *t, const char *id, const struct esprim_session *s)
{
    uint8_t record[ESPRIM_STATE_SESSION_MAX];
    struct writer w = WRITER_ARRAY(record);
    esprim_state_session_write(s, &w);
    return rec_put(t, TABLE_CSE_ESPRIM, text_of(id), &w, STORE_PUT_ANY);
}

err_t cse_esprim_state_save(const struct cse *cse, struct txn *t, struct text kid, const struct cse_esprim_state *s,
                            usec_t now)
{
    uint8_t record[ESPRIM_STATE_SESSION_MAX];
    char id[PLACE_MAX];
    if (memcmp(s->offers_before, s->r.offers, sizeof(s->offers_before)) != 0) {
        struct writer w = WRITER_ARRAY(record);
        esprim_state_offers_write(s->r.offers, &w);
        TRY(rec_put(t, TABLE_CSE_ESPRIM, text_of(OFFERS_ID), &w, STORE_PUT_ANY));
    }
    if (strcmp(s->offers_before[0].r.id, s->r.offers[0].r.id) != 0) {
        TRY(announce(cse, t, &s->r.offers[0].r, now));
    }
    for (size_t i = 0; i < ESPRIM_SESSIONS_PER_KEY && kid.n > 0; i++) {
        if (memcmp(&s->sessions_before[i], &s->sessions[i], sizeof(s->sessions[i])) != 0) {
            TRY(place(kid, i, id));
            TRY(session_save(t, id, &s->sessions[i]));
        }
    }
    return kid.n > 0 ? make_room(t, s, now) : ERR_OK;
}

err_t cse_esprim_state_seed(const struct cse *cse, struct txn *t, usec_t now)
{
    struct cse_esprim_state *s = arena_alloc(t->arena, sizeof(*s));
    struct esprim_rand shared;
    if (s == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(cse_esprim_state_load(cse, t, s));
    TRY(esprim_receiver_offer(&s->r, true, now, &shared));
    return cse_esprim_state_save(cse, t, text_empty(), s, now);
}
