/*
 * The framing under GSUP as osmo-hlr speaks it over TCP: a length of two octets, a stream, the payload; and the messages of the
 * stream that keeps the connection (CCM): who are you, here I am, ping. Nothing here is secret.
 */
#ifndef KEYSTEAD_WIRE_IPA_H
#define KEYSTEAD_WIRE_IPA_H

#include "base/reader.h"
#include "base/writer.h"

#define IPA_PAYLOAD_MAX 1024 /* five vectors and more fit; the other side has nothing longer to say */
#define IPA_FRAME_MAX (3 + IPA_PAYLOAD_MAX)
#define IPA_NAME_MAX 64

enum ipa_stream { IPA_CCM = 0xfe, IPA_GSUP = 0xee /* stream EE, extension 05 */ };

enum ipa_ccm { IPA_CCM_PING = 0x00, IPA_CCM_PONG = 0x01, IPA_CCM_ID_GET = 0x04, IPA_CCM_ID_RESP = 0x05, IPA_CCM_ID_ACK = 0x06 };

struct ipa_frame {
    enum ipa_stream stream;
    struct bytes payload; /* a view into `in`; of GSUP without the extension octet */
};

/* One frame at the start of `in`; *used is its length, 0: more octets are needed. ERR_MALFORMED_GSUP: another stream or extension,
 * ERR_LIMIT_SIZE: longer than IPA_PAYLOAD_MAX. */
MUST_USE err_t ipa_parse(struct bytes in, struct ipa_frame *out, size_t *used);

MUST_USE err_t ipa_write(const struct ipa_frame *frame, struct writer *w);

MUST_USE err_t ipa_parse_ccm(struct bytes payload, enum ipa_ccm *out); /* ERR_MALFORMED_GSUP */
MUST_USE err_t ipa_write_ccm(enum ipa_ccm message, struct text name, struct writer *w); /* a whole frame; name: of an ID_RESP */

#endif
