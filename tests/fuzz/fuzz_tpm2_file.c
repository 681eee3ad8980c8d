/* The key file of a TPM: what is taken is bounded, and marked as a key of a parent. */
#include "fuzz.h"

#include "shell/tpm2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tpm2_key k = {.handle = 0};
    if (tpm2_file_parse(bytes_of(data, size), &k) == ERR_OK) {
        MUST_HOLD(k.wrapped && k.pub.n > 0 && k.pub.n <= TPM2_AREA_MAX && k.priv.n > 0 && k.priv.n <= TPM2_AREA_MAX);
        MUST_HOLD(k.pub.n + k.priv.n < size);
    }
    return 0;
}
