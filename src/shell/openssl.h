/*
 * Include this before any other header of OpenSSL: its types.h and err.h use the name ERR_STATE for a type (deprecated
 * and of no use to us), our error table for an error.
 */
#ifndef KEYSTEAD_SHELL_OPENSSL_H
#define KEYSTEAD_SHELL_OPENSSL_H

#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#undef ERR_STATE

#endif
