/* An input as a program for a role: steps of one octet that says what, one that says how long, and that many octets. */
#ifndef KEYSTEAD_TESTS_FUZZ_STEPS_H
#define KEYSTEAD_TESTS_FUZZ_STEPS_H

#include "fuzz.h"
#include "world.h"

#include "wire/json.h"

#include <string.h>

#define FUZZ_STEPS_MAX 24

struct fuzz_step {
    uint8_t what;
    char text[512]; /* terminated */
};

static inline bool fuzz_next_step(struct reader *r, struct fuzz_step *s)
{
    s->what = reader_u8(r);
    struct bytes b = reader_block16(r);
    if (reader_failed(r)) {
        return false;
    }
    size_t n = b.n < sizeof(s->text) - 1 ? b.n : sizeof(s->text) - 1;
    memcpy(s->text, b.p, n);
    s->text[n] = '\0';
    return true;
}

/* Whether a step may say this key itself: an answer or a list may then repeat what it sent, so such a step is left out. */
static inline bool fuzz_step_says(const struct fuzz_step *s, const char *key_hex, const char *key_base64)
{
    return strstr(s->text, key_hex) != NULL || strstr(s->text, key_base64) != NULL || strstr(s->text, "\\u") != NULL;
}

/* What holds for each answer of each role: a known status, whole JSON, and never this key. */
static inline void fuzz_check_reply(const struct world_reply *r, const char *key_hex, const char *key_base64)
{
    MUST_HOLD(r->rsc >= 2000 && r->rsc < 6000 && primitive_rsc_name(r->rsc) != NULL);
    MUST_HOLD((r->err == ERR_OK) == (r->rsc < 4000));
    json_t *o = NULL;
    if (r->body[0] != '\0') {
        MUST_HOLD(json_parse(text_bytes(text_of(r->body)), &o) == ERR_OK);
        json_decref(o);
    }
    MUST_HOLD(strstr(r->body, key_hex) == NULL && strstr(r->body, key_base64) == NULL);
}

#endif
