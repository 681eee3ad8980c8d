/* Authorization of Ua at a NAF, behind a nonce that is good (the fuzzer cannot sign): what is read has a name and a count, the same
 * is never taken twice, nothing is taken that was not made with the key, and whatever is read can be answered. */
#include "fuzz.h"
#include "proto/ua.h"
#include "shell/crypto_openssl.h"

#include <string.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)
#define NONCE "nonce=\""

/* The header, with the good nonce in the place of its own. */
static struct text with_nonce(const struct ua_naf *n, struct text in, char *out, size_t cap)
{
    char challenge[1024], room[DIGEST_TEXT_MAX];
    struct writer c = WRITER_ARRAY(challenge), scratch = WRITER_ARRAY(room), w = writer_of(out, cap);
    struct digest d;
    MUST_HOLD(ua_challenge(n, false, false, NOW, &c) == ERR_OK);
    MUST_HOLD(digest_parse(DIGEST_CHALLENGE, writer_view_text(&c), &scratch, &d) == ERR_OK);
    for (size_t i = 0; i < in.n; i++) {
        if (text_starts(text_skip(in, i), NONCE)) {
            writer_text(&w, text_take(in, i + sizeof(NONCE) - 1));
            writer_text(&w, d.v[DIGEST_NONCE]);
            struct text rest = text_skip(in, i + sizeof(NONCE) - 1);
            writer_text(&w, text_skip(rest, text_find(rest, '"')));
            break;
        }
    }
    return w.n > 0 && !w.overflow ? writer_view_text(&w) : in;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char header[2 * DIGEST_TEXT_MAX], room[2 * DIGEST_TEXT_MAX];
    static const uint8_t signing[UA_SECRET_LEN] = {7}, octets[32] = {9};
    const struct ua_naf n = {crypto_openssl(), text_of("mef.example.com"), BYTES_ARRAY(signing), text_of("s")};
    struct writer scratch = WRITER_ARRAY(room);
    struct secret key = {.n = 0};
    struct ua_request rq;
    struct ua_count last = {0, 0};
    MUST_HOLD(secret_set(&key, BYTES_ARRAY(octets)) == ERR_OK);
    struct text in = with_nonce(&n, text_span((const char *)data, size), header, sizeof(header));
    if (ua_read(&n, in, NOW, &scratch, &rq) != ERR_OK) {
        return 0;
    }
    MUST_HOLD(rq.made == NOW);
    SCOPED(ua_proof_wipe) struct ua_proof proof = {.made = 0};
    char answer[2048];
    struct writer w = WRITER_ARRAY(answer);
    MUST_HOLD(ua_proof_make(&n, &rq, &key, &proof) == ERR_OK && ua_answer(&n, &proof, bytes_of("x", 1), NOW, &w) == ERR_OK);
    const struct ua_message m = {text_of("GET"), rq.d.v[DIGEST_URI], bytes_empty()};
    if (ua_check(&n, &rq, &m, &key, &last) == ERR_OK) {
        MUST_HOLD(ua_check(&n, &rq, &m, &key, &last) == ERR_UA_REPLAYED);
    } else {
        MUST_HOLD(last.made == 0 && last.nc == 0);
    }
    return 0;
}
