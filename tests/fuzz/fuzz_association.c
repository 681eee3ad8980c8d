/* The coded association: what is taken is written again octet by octet. */
#include "fuzz.h"
#include "proto/association.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct reader r = reader_of(in);
    struct association a;
    if (association_parse(&r, &a) != ERR_OK) {
        return 0;
    }
    uint8_t out[4096];
    struct writer w = WRITER_ARRAY(out);
    association_write(&a, &w);
    MUST_HOLD(writer_finish(&w) == ERR_OK);
    MUST_HOLD(bytes_eq(writer_view(&w), bytes_of(in.p, in.n - reader_left(&r))));
    MUST_HOLD(association_name(&a).n > 0);
    MUST_HOLD(a.ids_n == 0 || association_is_bound_to(&a, association_name(&a)));
    return 0;
}
