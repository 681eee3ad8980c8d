#include "aka/aka_apdu.h"
#include "base/ct.h"
#include "role/detail.h"
#include "shell/sim.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

#define READERS_MAX 1024
#define READ_ALL 0 /* Le: as much as there is */

enum { TRIES = 20, TRY_MS = 100 };

struct pcsc {
    SCARDCONTEXT context;
    SCARDHANDLE card;
    bool has_context, has_card;
    LONG last; /* what PC/SC said about the last failure */
    const SCARD_IO_REQUEST *protocol;
};

struct octets {
    uint8_t b[AKA_APDU_ANSWER_MAX + AKA_APDU_MAX];
};

static void octets_wipe(struct octets *o)
{
    ct_wipe(o, sizeof(*o));
}

static void pcsc_close(void *self)
{
    struct pcsc *p = self;
    if (p->has_card) {
        (void)SCardDisconnect(p->card, SCARD_LEAVE_CARD); /* Ks stays in it */
    }
    if (p->has_context) {
        (void)SCardReleaseContext(p->context);
    }
    ct_wipe(p, sizeof(*p));
    free(p);
}

static err_t reason(struct pcsc *p, LONG rc)
{
    static const struct {
        LONG rc;
        err_t e;
    } rows[] = {
        {SCARD_E_NO_SERVICE, ERR_SIM_SERVICE},          {SCARD_E_SERVICE_STOPPED, ERR_SIM_SERVICE},  {SCARD_W_SECURITY_VIOLATION, ERR_SIM_SERVICE},
        {SCARD_E_SHARING_VIOLATION, ERR_SIM_BUSY},      {SCARD_W_RESET_CARD, ERR_SIM_BUSY},          {SCARD_E_NO_SMARTCARD, ERR_SIM_ABSENT},
        {SCARD_W_REMOVED_CARD, ERR_SIM_ABSENT},         {SCARD_W_UNPOWERED_CARD, ERR_SIM_MUTE},      {SCARD_W_UNRESPONSIVE_CARD, ERR_SIM_MUTE},
        {SCARD_W_UNSUPPORTED_CARD, ERR_SIM_MUTE},       {SCARD_E_PROTO_MISMATCH, ERR_SIM_MUTE},      {SCARD_E_NOT_TRANSACTED, ERR_SIM_MUTE},
        {SCARD_E_INSUFFICIENT_BUFFER, ERR_SIM_CARD}, /* more than an APDU has */
    };
    p->last = rc;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].rc == rc) {
            return rows[i].e;
        }
    }
    return ERR_SIM_READER;
}

/* -- octets to the card and back ------------------------------------------------------------------------------- */
/* One command; the data without the status word stays in *room. */
static err_t transmit(struct pcsc *p, struct bytes command, struct octets *room, struct bytes *data, uint16_t *sw)
{
    DWORD n = AKA_APDU_ANSWER_MAX;
    LONG rc = SCardTransmit(p->card, p->protocol, command.p, (DWORD)command.n, NULL, room->b, &n);
    if (rc != SCARD_S_SUCCESS || n < 2) {
        return rc != SCARD_S_SUCCESS ? reason(p, rc) : ERR_SIM_CARD;
    }
    *sw = (uint16_t)(room->b[n - 2] << 8 | room->b[n - 1]);
    *data = bytes_of(room->b, n - 2);
    return ERR_OK;
}

/* With T=0 what a command gives is fetched by another [TS 102 221 7.3.1]. */
static err_t ask(struct pcsc *p, const struct writer *command, struct octets *room, struct bytes *data)
{
    uint8_t more[AKA_APDU_MAX];
    struct writer w = WRITER_ARRAY(more);
    uint16_t sw = 0;
    TRY(transmit(p, writer_view(command), room, data, &sw));
    if (sw >> 8 == 0x61) {
        TRY(aka_apdu_get_response(&w, (uint8_t)(sw & 0xFF)));
        TRY(transmit(p, writer_view(&w), room, data, &sw));
    } else if (sw >> 8 == 0x6C) {
        struct bytes c = writer_view(command);
        writer_bytes(&w, bytes_of(c.p, c.n - 1));
        writer_u8(&w, (uint8_t)(sw & 0xFF));
        TRY(writer_finish(&w));
        TRY(transmit(p, writer_view(&w), room, data, &sw));
    }
    return aka_apdu_status(sw);
}

/* -- what a device asks ------------------------------------------------------------------------------------------ */
static err_t authenticate(void *self, const struct aka_rand *rand, const struct aka_autn *autn, struct aka_answer *out)
{
    SCOPED(octets_wipe) struct octets room, command;
    struct writer w = WRITER_ARRAY(command.b);
    struct bytes data;
    TRY(aka_apdu_authenticate(&w, rand, autn));
    TRY(ask(self, &w, &room, &data));
    return aka_apdu_answer(data, false, out);
}

static err_t bootstrap(void *self, const struct aka_rand *rand, const struct aka_autn *autn_star, struct aka_answer *out)
{
    SCOPED(octets_wipe) struct octets room, command;
    struct writer w = WRITER_ARRAY(command.b);
    struct bytes data;
    TRY(aka_apdu_bootstrap(&w, rand, autn_star));
    TRY(ask(self, &w, &room, &data));
    return aka_apdu_answer(data, true, out);
}

static err_t derive(void *self, struct text impi, const struct naf_id *id, struct key_ks_ext_naf *out)
{
    SCOPED(octets_wipe) struct octets room, command;
    struct writer w = WRITER_ARRAY(command.b);
    struct bytes data;
    TRY(aka_apdu_derive(&w, id, impi));
    TRY(ask(self, &w, &room, &data));
    return aka_apdu_derived(data, out);
}

/* -- the card in the reader --------------------------------------------------------------------------------------- */
static err_t connect_to(struct pcsc *p, const char *reader)
{
    DWORD protocol = 0;
    LONG rc = SCardConnect(p->context, reader, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &p->card, &protocol);
    p->has_card = rc == SCARD_S_SUCCESS;
    p->last = rc; /* what an earlier try said is over */
    p->protocol = protocol == SCARD_PROTOCOL_T1 ? SCARD_PCI_T1 : SCARD_PCI_T0;
    return p->has_card ? ERR_OK : reason(p, rc);
}

static err_t connect_any(struct pcsc *p)
{
    char names[READERS_MAX];
    DWORD n = sizeof(names);
    LONG rc = SCardListReaders(p->context, NULL, names, &n);
    err_t e = rc == SCARD_S_SUCCESS ? ERR_SIM_READER : reason(p, rc);
    LONG said = rc;
    for (const char *one = names; rc == SCARD_S_SUCCESS && *one != '\0'; one += strlen(one) + 1) { /* each ends with NUL, the list with another */
        err_t one_e = connect_to(p, one);
        if (one_e == ERR_OK) {
            return ERR_OK;
        }
        if (e == ERR_SIM_READER || e == ERR_SIM_ABSENT) { /* a card that cannot be had says more than a reader without one */
            e = one_e;
            said = p->last;
        }
    }
    p->last = said;
    return e;
}

/* The named reader, or the first with a card in it. pcscd needs a moment after a card came in, or was let go by another. */
static err_t open_reader(struct pcsc *p, const char *reader)
{
    LONG rc = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &p->context);
    p->has_context = rc == SCARD_S_SUCCESS;
    err_t e = p->has_context ? ERR_SIM_READER : reason(p, rc);
    for (int i = 0; p->has_context && e != ERR_OK && i < TRIES; i++) {
        (void)poll(NULL, 0, i == 0 ? 0 : TRY_MS);
        e = reader != NULL ? connect_to(p, reader) : connect_any(p);
    }
    return e;
}

static err_t read_file(struct pcsc *p, enum aka_apdu_file file, struct octets *room, struct bytes *data)
{
    uint8_t command[AKA_APDU_MAX];
    struct writer w = WRITER_ARRAY(command);
    TRY(aka_apdu_select(&w, file));
    TRY(ask(p, &w, room, data));
    w = WRITER_ARRAY(command);
    TRY(aka_apdu_read(&w, READ_ALL));
    return ask(p, &w, room, data);
}

/* Whatever it is that the card says to the name of a USIM, it is not one. */
static err_t select_usim(struct pcsc *p, struct octets *room)
{
    uint8_t command[AKA_APDU_MAX];
    struct writer w = WRITER_ARRAY(command);
    struct bytes data;
    TRY(aka_apdu_select_usim(&w));
    err_t e = ask(p, &w, room, &data);
    return e == ERR_SIM_CARD || e == ERR_STATE || e == ERR_DENIED_GBA_VARIANT ? ERR_SIM_NO_USIM : e;
}

static err_t describe(struct pcsc *p, struct aka_sim *out)
{
    struct octets imsi, ad, ust;
    struct bytes imsi_data, ad_data, ust_data;
    TRY(select_usim(p, &imsi));
    TRY(read_file(p, AKA_APDU_IMSI, &imsi, &imsi_data));
    TRY(read_file(p, AKA_APDU_AD, &ad, &ad_data));
    TRY(read_file(p, AKA_APDU_UST, &ust, &ust_data));
    bool gba = aka_apdu_has_gba(ust_data);
    *out = (struct aka_sim){.self = p,
                            .gba = gba ? AKA_SIM_U : AKA_SIM_ME,
                            .authenticate = gba ? NULL : authenticate,
                            .bootstrap = gba ? bootstrap : NULL,
                            .derive = gba ? derive : NULL};
    return aka_apdu_impi(imsi_data, ad_data, &out->impi);
}

err_t sim_pcsc_open(const char *reader, struct sim *out, char detail[static ROLE_DETAIL_MAX])
{
    struct pcsc *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    err_t e = open_reader(p, reader);
    e = e == ERR_OK ? describe(p, &out->card) : e;
    if (e != ERR_OK) {
        const char *said = p->last == SCARD_S_SUCCESS ? "" : pcsc_stringify_error(p->last);
        pcsc_close(p);
        *out = (struct sim){.close = NULL};
        return detail_fail(detail, e, reader == NULL ? "in any reader" : reader, text_of(said));
    }
    out->close = pcsc_close;
    return ERR_OK;
}
