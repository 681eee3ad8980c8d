/* Frames of the Diameter process: what is read can be written, and is the same octets again; what is refused leaves nothing. */
#include "fuzz.h"
#include "wire/zh_frame.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t again[ZH_FRAME_MAX];
    struct zh_frame f;
    size_t at = 0, used = 0;
    err_t e;
    while ((e = zh_frame_parse(bytes_of(data + at, size - at), &f, &used)) == ERR_OK && used > 0) {
        struct writer w = WRITER_ARRAY(again);
        MUST_HOLD(used <= size - at && (f.kind != ZH_FRAME_QUESTION || impi_is(f.impi)) && f.guss.n <= ZH_FRAME_GUSS_MAX &&
                  f.body.n <= ZH_FRAME_BODY_MAX);
        MUST_HOLD(zh_frame_write(&f, &w) == ERR_OK && w.n == used && memcmp(again, data + at, used) == 0);
        zh_frame_wipe(&f);
        at += used;
    }
    MUST_HOLD(e == ERR_OK || (used == 0 && !secret_is_set(&f.vector.ck.s) && f.guss.n == 0));
    return 0;
}
