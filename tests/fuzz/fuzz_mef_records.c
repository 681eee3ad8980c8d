/* Records of the MEF from a store that somebody else may have written: what parses writes itself again, octet by octet. */
#include "fuzz.h"
#include "role/mef/rec_cert.h"
#include "role/mef/rec_cmd.h"
#include "role/mef/rec_credential.h"
#include "role/mef/rec_instruction.h"
#include "role/mef/rec_ke.h"

static void check(const struct writer *w, err_t e, struct bytes in)
{
    MUST_HOLD(e == ERR_OK && bytes_eq(writer_view(w), in));
}

static void credential(struct bytes in, struct writer *w)
{
    struct rec_credential r;
    if (rec_credential_parse(in, &r) == ERR_OK) {
        struct rec_seal seal = {.sealed = r.sealed};
        check(w, rec_credential_write(&r, &seal, w), in);
        MUST_HOLD(r.added >= 0 && r.not_after >= 0);
    }
}

static void ke(struct bytes in, struct writer *w)
{
    struct rec_ke r;
    if (rec_ke_parse(in, &r) == ERR_OK) {
        struct rec_seal seal = {.sealed = r.sealed};
        check(w, rec_ke_write(&r, &seal, w), in);
    }
}

static void ke_of(struct bytes in, struct writer *w)
{
    struct keyid id;
    uint64_t number = 0;
    if (rec_ke_of_parse(in, &id) == ERR_OK) {
        check(w, rec_ke_of_write(&id, w), in);
    }
    (void)!rec_ke_of_number(in, &number);
}

static void cert(struct bytes in, struct writer *w)
{
    struct rec_cert r;
    if (rec_cert_parse(in, &r) == ERR_OK) {
        check(w, rec_cert_write(&r, w), in);
    }
}

static void instruction(struct bytes in, struct writer *w)
{
    struct rec_instruction r;
    if (rec_instruction_parse(in, &r) == ERR_OK) {
        check(w, rec_instruction_write(&r, w), in);
        MUST_HOLD(r.suids != 0);
    }
}

static void cmd(struct bytes in, struct writer *w)
{
    struct rec_cmd r;
    if (rec_cmd_parse(in, &r) == ERR_OK) {
        check(w, rec_cmd_write(&r, w), in);
        MUST_HOLD(rec_cmd_status(&r) < 512 && rec_cmd_state_name(&r)[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buf[1 << 20];
    static void (*const codecs[])(struct bytes in, struct writer *w) = {credential, ke, ke_of, cert, instruction, cmd};
    if (size == 0 || size > sizeof(buf)) {
        return 0;
    }
    struct writer w = WRITER_ARRAY(buf);
    codecs[data[0] % ARRAY_LEN(codecs)](bytes_of(data + 1, size - 1), &w);
    return 0;
}
