/* The provider of object protection on libjose and libcrypto (crypto/object.h). */
#ifndef KEYSTEAD_SHELL_OBJECT_JOSE_H
#define KEYSTEAD_SHELL_OBJECT_JOSE_H

#include "crypto/object.h"

const struct object_provider *object_jose(void);

#endif
