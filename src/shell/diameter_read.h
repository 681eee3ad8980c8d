/*
 * What peers say in Diameter, as freeDiameter's parser left it: the MAA of an HSS and the BIR of a NAF [TS 29.109 4, 5]. Only for the
 * Diameter process. No I/O, so that the fuzz target runs it.
 */
#ifndef KEYSTEAD_SHELL_DIAMETER_READ_H
#define KEYSTEAD_SHELL_DIAMETER_READ_H

#include "role/zn.h"
#include "shell/diameter_dict.h"
#include "wire/zh_frame.h"

/* The octets of the only AVP of this kind; empty if there is none, or more than one. A view into the message. */
struct bytes diameter_read_octets(const struct diameter_dict *d, msg_or_avp *in, enum diameter_avp which);

/*
 * The vector that was asked for with this IMPI, whole or not at all: out->vector and out->guss, a view into the message.
 * ERR_PEER_NONSENSE, ERR_DENIED_SUBSCRIBER, ERR_PEER_UNREACHABLE, ERR_PEER_REFUSED.
 */
MUST_USE err_t diameter_read_vector(const struct diameter_dict *d, struct msg *maa, struct text impi, struct zh_frame *out);

/* What a NAF asks. ERR_MALFORMED; ERR_DENIED_B_TID: a Transaction-Identifier that is no B-TID. */
MUST_USE err_t diameter_read_ask(const struct diameter_dict *d, struct msg *bir, struct zn_ask *out);

#endif
