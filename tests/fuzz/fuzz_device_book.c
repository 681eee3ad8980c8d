/* The state of a device as a file that somebody else may have written: what is read, is written and read again the same. */
#include "fuzz.h"
#include "role/device/device_book.h"
#include "shell/crypto_openssl.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct device_book first, second;
    static uint8_t room[DEVICE_BOOK_RECORD_MAX];
    static const uint8_t root[32] = {1};
    char detail[ROLE_DETAIL_MAX] = "";
    size_t i = 0;
    struct sealer seal = {.crypto = crypto_openssl()};
    MUST_HOLD(secret_set(&seal.root, BYTES_ARRAY(root)) == ERR_OK);
    struct writer w = WRITER_ARRAY(room);
    if (device_book_parse(bytes_of(data, size), &seal, &first) != ERR_OK) {
        return 0;
    }
    MUST_HOLD(device_book_write(&first, &seal, &w) == ERR_OK);
    MUST_HOLD(device_book_parse(writer_view(&w), &seal, &second) == ERR_OK && first.n == second.n);
    for (size_t k = 0; k < first.n; k++) {
        MUST_HOLD(strcmp(first.at[k].s.kpm_id.z, second.at[k].s.kpm_id.z) == 0);
        const struct device_book_name name = device_book_name(&first, k);
        bool found = device_book_find(&first, text_of(name.z), &i, detail) == ERR_OK;
        MUST_HOLD(!found || i < first.n);
    }
    return 0;
}
