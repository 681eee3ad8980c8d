/* The prerequisites of the association procedure with any identifiers: a verdict always, and only sound input passes. */
#include "fuzz.h"
#include "wire/establish.h"
#include "wire/m2mid.h"

#define NOW (INT64_C(1900000000) * USEC_PER_SEC)

/* Identifiers are lines; the first four octets are the rest of the input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    struct text rest = text_span((const char *)data + 4, size - 4);
    struct text line[3] = {text_empty(), text_empty(), text_empty()};
    for (size_t i = 0; i < ARRAY_LEN(line) && text_next(&rest, '\n', &line[i]); i++) {
        continue;
    }
    const struct establish_input in = {.self = line[0], .peer = line[1], .local_cse = line[2],
                                       .mechanism = (enum establish_mechanism)(data[0] % 6),
                                       .lifetime = (enum establish_lifetime)(data[1] % 6),
                                       .until = NOW + (usec_t)data[2] - 128, .credential_end = NOW + (usec_t)data[3] - 128,
                                       .is_provisioned = (data[0] & 0x80) == 0, .has_secret = (data[0] & 0x40) == 0,
                                       .has_certificate = (data[1] & 0x80) == 0, .has_provider = (data[1] & 0x40) == 0,
                                       .has_network = (data[1] & 0x20) == 0};
    const char *what = NULL;
    err_t e = establish_check(&in, NOW, &what);
    MUST_HOLD(what != NULL && (e == ERR_OK) == (what[0] == '\0'));
    if (e != ERR_OK) {
        return 0;
    }
    MUST_HOLD(!m2mid_same(in.self, in.peer) && in.is_provisioned && in.has_network);
    MUST_HOLD(in.local_cse.n == 0 || establish_is_ae(in.self));
    MUST_HOLD(in.lifetime != ESTABLISH_CONTRACT || (establish_is_ae(in.self) && establish_is_ae(in.peer)));
    MUST_HOLD(in.mechanism != ESTABLISH_GBA);
    MUST_HOLD(establish_end(&in) < in.credential_end && establish_end(&in) >= NOW);
    return 0;
}
