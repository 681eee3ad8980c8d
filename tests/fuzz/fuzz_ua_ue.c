/* A NAF that says whatever the input says, to a device on Ua: what is answered is a header that a NAF can read, and nothing unsigned is believed. */
#include "base/reader.h"
#include "fuzz.h"
#include "proto/ua_ue.h"
#include "shell/crypto_openssl.h"

static struct text text_in(struct reader *r)
{
    struct bytes b = reader_block16(r);
    return text_span((const char *)b.p, b.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t octets[32] = {9};
    static char header[DIGEST_TEXT_MAX], room[DIGEST_TEXT_MAX];
    struct reader r = reader_of(bytes_of(data, size));
    struct writer w = WRITER_ARRAY(header), scratch = WRITER_ARRAY(room);
    struct secret key = {.n = 0};
    struct digest d;
    struct ua_ue u = {.crypto = crypto_openssl(), .host = text_of("mef.example.com"), .b_tid = text_of("AAAAAAAAAAAAAAAAAAAAAA==@bsf.example.com")};
    struct text challenge = text_in(&r), info = text_in(&r);
    const struct ua_message m = {text_of("GET"), text_of("/-"), reader_block16(&r)};
    MUST_HOLD(secret_set(&key, BYTES_ARRAY(octets)) == ERR_OK);
    MUST_HOLD(ua_ue_answered(&u, info, m.body) != ERR_OK);
    if (reader_failed(&r) || ua_ue_challenged(&u, challenge) != ERR_OK) {
        return 0;
    }
    if (ua_ue_request(&u, &m, &key, &w) == ERR_OK) { /* what cannot be written is not: too long with its backslashes, a control octet */
        MUST_HOLD(digest_parse(DIGEST_AUTHORIZATION, writer_view_text(&w), &scratch, &d) == ERR_OK);
        MUST_HOLD(text_eq_z(d.v[DIGEST_REALM], u.realm) && text_eq_z(d.v[DIGEST_NONCE], u.nonce));
    }
    MUST_HOLD(ua_ue_answered(&u, info, m.body) != ERR_OK);
    ua_ue_wipe(&u);
    return 0;
}
