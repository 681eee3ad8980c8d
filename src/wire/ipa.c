#include "wire/ipa.h"

enum { HEAD = 3, EXTENSION_GSUP = 0x05 };
enum id_tag { TAG_SERIAL = 0x00, TAG_UNIT_NAME = 0x01, TAG_UNIT = 0x08 };
#define ID_MAX (3 + IPA_NAME_MAX) /* tag, length and a value with its NUL */

err_t ipa_parse(struct bytes in, struct ipa_frame *out, size_t *used)
{
    struct reader r = reader_of(in);
    size_t n = reader_u16(&r);
    uint8_t stream = reader_u8(&r);
    *used = 0;
    *out = (struct ipa_frame){.stream = IPA_CCM, .payload = bytes_empty()};
    if (reader_failed(&r)) {
        return ERR_OK;
    }
    if (n > IPA_PAYLOAD_MAX) {
        return ERR_LIMIT_SIZE;
    }
    if (n == 0 || (stream != IPA_CCM && stream != IPA_GSUP)) {
        return ERR_MALFORMED_GSUP;
    }
    if (reader_left(&r) < n) {
        return ERR_OK;
    }
    if (stream == IPA_GSUP && reader_u8(&r) != EXTENSION_GSUP) {
        return ERR_MALFORMED_GSUP;
    }
    *out = (struct ipa_frame){.stream = stream, .payload = reader_take(&r, n - (stream == IPA_GSUP))};
    *used = HEAD + n;
    return ERR_OK;
}

err_t ipa_parse_ccm(struct bytes payload, enum ipa_ccm *out)
{
    struct reader r = reader_of(payload);
    uint8_t message = reader_u8(&r); /* what follows an ID_GET is the list of what is asked; the unit name is all that we have */
    *out = IPA_CCM_PING;
    switch (message) {
    case IPA_CCM_PING:
    case IPA_CCM_PONG:
    case IPA_CCM_ID_GET:
    case IPA_CCM_ID_RESP:
    case IPA_CCM_ID_ACK:
        *out = message;
        return reader_failed(&r) ? ERR_MALFORMED_GSUP : ERR_OK;
    default:
        return ERR_MALFORMED_GSUP;
    }
}

err_t ipa_write(const struct ipa_frame *frame, struct writer *w)
{
    const bool gsup = frame->stream == IPA_GSUP;
    size_t n = frame->payload.n + gsup;
    if (n == 0 || n > IPA_PAYLOAD_MAX) {
        return ERR_LIMIT_SIZE;
    }
    writer_u16(w, (uint16_t)n); /* counts what follows the stream */
    writer_u8(w, (uint8_t)frame->stream);
    if (gsup) {
        writer_u8(w, EXTENSION_GSUP);
    }
    writer_bytes(w, frame->payload);
    return writer_finish(w);
}

static void id(struct writer *w, enum id_tag tag, struct text value)
{
    size_t mark = writer_mark16(w); /* of tag and value; it ends with a NUL */
    writer_u8(w, (uint8_t)tag);
    writer_text(w, value);
    writer_u8(w, 0);
    writer_close16(w, mark);
}

err_t ipa_write_ccm(enum ipa_ccm message, struct text name, struct writer *w)
{
    uint8_t payload[1 + 3 * ID_MAX];
    struct writer p = WRITER_ARRAY(payload);
    writer_u8(&p, (uint8_t)message);
    if (message == IPA_CCM_ID_RESP) { /* osmo-hlr ends a connection without a unit, and routes by the serial number */
        id(&p, TAG_UNIT, text_of("0/0/0"));
        id(&p, TAG_SERIAL, name);
        id(&p, TAG_UNIT_NAME, name);
    }
    TRY(writer_finish(&p));
    return ipa_write(&(struct ipa_frame){.stream = IPA_CCM, .payload = writer_view(&p)}, w);
}
