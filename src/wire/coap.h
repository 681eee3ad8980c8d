/*
 * CoAP messages as octets: one datagram to a struct and back [RFC 7252 3]. No socket, no state between messages.
 * All values are views into the datagram. The table of options (coap_rows.h) says which are understood, how long
 * they may be and which may be repeated.
 */
#ifndef KEYSTEAD_WIRE_COAP_H
#define KEYSTEAD_WIRE_COAP_H

#include "base/writer.h"

#define COAP_TOKEN_MAX 8
#define COAP_OPTIONS_MAX 48
#define COAP_CODE(class, detail) ((class) << 5 | (detail))

enum coap_type { COAP_CON, COAP_NON, COAP_ACK, COAP_RST };
enum coap_method { COAP_EMPTY, COAP_GET, COAP_POST, COAP_PUT, COAP_DELETE };

enum coap_number {
#define X(name, number, low, high, repeatable, refusal) COAP_OPT_##name = (number),
#include "wire/coap_rows.h"
#undef X
};

struct coap_option {
    uint16_t number;
    struct bytes value;
};

struct coap_message {
    enum coap_type type;
    uint8_t code; /* COAP_CODE(2, 5) and so on; 0.01 to 0.31 are methods, 0 an empty message */
    uint16_t id;
    uint8_t token[COAP_TOKEN_MAX];
    uint8_t token_n;
    size_t options_n;
    struct coap_option options[COAP_OPTIONS_MAX]; /* sorted by number, the order among equals kept */
    struct bytes payload;
};

/* An empty message; every other field zero. */
struct coap_message coap_blank(enum coap_type type, uint8_t code);

/*
 * ERR_MALFORMED_COAP, ERR_LIMIT_SIZE (too many options). *out is always usable: type, code and id are filled in as
 * soon as the first four octets are there and the version is ours, for the reset that RFC 7252 4.2 asks for.
 */
MUST_USE err_t coap_parse(struct bytes datagram, struct coap_message *out);
MUST_USE err_t coap_write(const struct coap_message *m, struct writer *w); /* ERR_LIMIT_SIZE, ERR_BUG for a token or order */

bool coap_is_request(const struct coap_message *m);  /* class 0, not empty */
bool coap_is_response(const struct coap_message *m); /* class 2, 4 or 5 */
bool coap_is_same_token(const struct coap_message *a, const struct coap_message *b);

/*
 * The code a request is refused with for its options, or 0: 4.02 for a critical option that is unknown, repeated when
 * it may not be, or of a wrong length (all three are "unrecognized" [RFC 7252 5.4.1, 5.4.3, 5.4.5]), 5.05 for proxying.
 * A response with such an option is rejected.
 */
uint8_t coap_refusal(const struct coap_message *m);

/* The first option with this number, or NULL. Elective options of a wrong length count as absent. */
const struct coap_option *coap_find(const struct coap_message *m, uint16_t number);

/* Appends in order; ERR_LIMIT_SIZE when there is no room. The value is borrowed. */
MUST_USE err_t coap_add(struct coap_message *m, uint16_t number, struct bytes value);
void coap_remove(struct coap_message *m, uint16_t number); /* all with this number */

/* uint format [RFC 7252 3.2]: fewest octets. `buf` receives them and must live as long as the message. */
MUST_USE err_t coap_uint(const struct coap_option *o, uint32_t *out);
struct bytes coap_uint_write(uint32_t v, uint8_t buf[static 4]);
MUST_USE err_t coap_ulong(const struct coap_option *o, uint64_t *out); /* the same with up to 8 octets */
struct bytes coap_ulong_write(uint64_t v, uint8_t buf[static 8]);

/* Block options [RFC 7959 2.2]. */
struct coap_block {
    uint32_t num;
    bool more;
    uint8_t szx; /* 16 << szx octets; 7 is refused */
};
MUST_USE err_t coap_block_parse(const struct coap_option *o, struct coap_block *out);
struct bytes coap_block_write(const struct coap_block *b, uint8_t buf[static 4]);
size_t coap_block_size(const struct coap_block *b);

#endif
