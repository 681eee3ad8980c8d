/*
 * The gate of a listener where clients prove themselves in each request, by HTTP Digest with a NAF key (Ua, TS 33.222 5.3). In front of
 * everything that is done with a request: what passes comes from the association that its B-TID stands for. The key is asked for when
 * a B-TID turns up on a connection, and is kept for that connection alone; who waits for it holds up nobody.
 */
#ifndef KEYSTEAD_SHELL_UA_GATE_H
#define KEYSTEAD_SHELL_UA_GATE_H

#include "shell/conn.h"
#include "wire/primitive.h"

/* May this request be served? False: it is answered, or it waits and is served once more. */
bool ua_gate_pass(struct conn *c, const struct primitive *p);
/* What the answer with this body is proved with, into room (R000-74); empty if the request was not. */
#define UA_GATE_INFO_MAX 1024
struct text ua_gate_answer(const struct conn *c, struct bytes body, char room[static UA_GATE_INFO_MAX]);
void ua_gate_free(struct conn *c);

#endif
