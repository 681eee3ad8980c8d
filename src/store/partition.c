#include "store/partition.h"

void partition_prefix(struct text partition, struct writer *w)
{
    if (partition.n > 0) {
        writer_u8(w, PARTITION_MARK);
        writer_text(w, partition);
        writer_u8(w, 0);
    }
}

bool partition_is_marked(struct bytes id)
{
    return id.n > 0 && id.p[0] == PARTITION_MARK;
}
