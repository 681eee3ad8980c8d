/* What opens a key that is not in a file: a PIN or an authorisation value, from a file of its own that is the owner's alone. */
#ifndef KEYSTEAD_SHELL_KEY_PIN_H
#define KEYSTEAD_SHELL_KEY_PIN_H

#include "base/text.h"

#define KEY_PIN_MAX 128
#define KEY_PIN_WHY_MAX 160
#define KEY_PIN_PATH_MAX 1024

struct key_pin {
    char z[KEY_PIN_MAX + 2]; /* a line end, and NUL or the octet that is too many */
    size_t n;
};
void key_pin_wipe(struct key_pin *p);

enum key_pin_kind {
    KEY_PIN_TEXT,  /* line ends behind it do not count */
    KEY_PIN_OCTETS /* all of the file, whatever it is */
};
/* ERR_CONFIG (also when the file is not there: to some callers ERR_IO means a key that may be made), ERR_FILE_MODE. */
MUST_USE err_t key_pin_read(enum key_pin_kind kind, const char *file, struct key_pin *out, char why[static KEY_PIN_WHY_MAX]);

/* Puts `what` into `why` and gives `e` back. */
err_t key_pin_fault(char why[static KEY_PIN_WHY_MAX], err_t e, const char *what);

#endif
