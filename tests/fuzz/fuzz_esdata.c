/* ESData: any object against keys of each kind; nothing opens that nobody made, and nothing of a refused one is left. */
#include "fuzz.h"
#include "base/base64url.h"
#include "proto/esdata.h"
#include "shell/object_jose.h"

#include <string.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)
#define CONTENT "what the fuzzer's own objects say"

static const char ec[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                         "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}";
static struct secret octets;
static struct esdata_key own[2], sources[2];

static void prepare(void)
{
    static const uint8_t made_up[32] = {7};
    MUST_HOLD(secret_set(&octets, BYTES_ARRAY(made_up)) == ERR_OK);
    own[0] = (struct esdata_key){{text_of("k"), &octets, text_empty()}, 34, USEC_NEVER};
    own[1] = (struct esdata_key){{text_of("e"), NULL, text_of(ec)}, 44, USEC_NEVER};
    sources[0] = (struct esdata_key){{text_of("k"), &octets, text_empty()}, 35, USEC_NEVER};
    sources[1] = (struct esdata_key){{text_of("e"), NULL, text_of(ec)}, 44, USEC_NEVER};
}

static void parse_and_write(struct bytes in)
{
    static char text[2 * JOSE_OBJECT_MAX];
    struct jose_object o;
    if (jose_parse(in, &o) != ERR_OK) {
        MUST_HOLD(o.root == NULL && o.parts == 0);
        return;
    }
    MUST_HOLD(o.parts > 0 && o.parts <= JOSE_PARTS_MAX);
    struct writer w = WRITER_ARRAY(text);
    if (jose_write(o.root, o.form, &w) == ERR_OK && w.n <= JOSE_OBJECT_MAX) {
        struct jose_object again;
        MUST_HOLD(jose_parse(writer_view(&w), &again) == ERR_OK);
        MUST_HOLD(again.kind == o.kind && again.parts == o.parts);
        jose_wipe(&again);
    }
    jose_wipe(&o);
}

static void base64url(struct bytes in)
{
    static char text[1 << 16];
    static uint8_t back[1 << 16];
    struct writer w = WRITER_ARRAY(text);
    struct writer b = WRITER_ARRAY(back);
    base64url_write(&w, in);
    if (!w.overflow) {
        MUST_HOLD(w.n == BASE64URL_LEN(in.n));
        MUST_HOLD(base64url_parse(writer_view_text(&w), &b) == ERR_OK && bytes_eq(writer_view(&b), in));
    }
    b = WRITER_ARRAY(back);
    w = WRITER_ARRAY(text);
    if (base64url_parse(text_span((const char *)in.p, in.n), &b) == ERR_OK && !b.overflow) {
        base64url_write(&w, writer_view(&b));
        MUST_HOLD(w.overflow || bytes_eq(writer_view(&w), in)); /* one text for one value */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[JOSE_OBJECT_MAX];
    if (octets.n == 0) {
        prepare();
    }
    struct bytes in = bytes_of(data, size);
    parse_and_write(in);
    base64url(in);
    struct writer w = WRITER_ARRAY(out);
    struct esdata_opened what;
    const struct esdata_ring ring = {.own = own, .own_n = 2, .sources = sources, .sources_n = 2};
    if (esdata_open(object_jose(), &ring, in, NOW, &w, &what) != ERR_OK) {
        MUST_HOLD(w.n == 0);
    }
    return 0;
}
