/*
 * AVPs of an HSS and of a NAF: freeDiameter's parser, then ours, as in keystead-diameter. An octet chooses the command, the rest are its
 * AVPs. What is taken can be handed on: a vector as a frame to the server, a question as JSON.
 */
#include "fuzz.h"
#include "shell/diameter_read.h"

#include <string.h>

#define IMPI "001010123456789@ims.mnc001.mcc001.3gppnetwork.org"
enum { HEADER = 20, VERSION = 1, MAA = 303, BIR = 310, REQUEST = 0x80, PROXIABLE = 0x40 };

static struct diameter_dict dict;

static void set_up(void)
{
    static bool done;
    if (!done) {
        fd_g_debug_lvl = FD_LOG_FATAL;
        MUST_HOLD(fd_core_initialize() == 0 && diameter_dict_init(&dict));
        done = true;
    }
}

/* The message, in memory that freeDiameter frees. */
static uint8_t *message_of(const uint8_t *avps, size_t n, bool is_bir)
{
    uint8_t *m = malloc(HEADER + n);
    struct writer w = writer_of(m, m == NULL ? 0 : HEADER + n);
    writer_u32(&w, VERSION << 24 | (uint32_t)(HEADER + n));
    writer_u32(&w, is_bir ? (uint32_t)(REQUEST | PROXIABLE) << 24 | BIR : (uint32_t)PROXIABLE << 24 | MAA);
    writer_u32(&w, is_bir ? DIAMETER_APP_ZN : DIAMETER_APP_ZH);
    writer_u32(&w, 1);
    writer_u32(&w, 1);
    writer_bytes(&w, bytes_of(avps, n));
    MUST_HOLD(writer_finish(&w) == ERR_OK);
    return m;
}

static void read_maa(struct msg *m)
{
    static uint8_t frame[ZH_FRAME_MAX];
    struct writer w = WRITER_ARRAY(frame);
    SCOPED(zh_frame_wipe) struct zh_frame f = {.kind = ZH_FRAME_ANSWER, .token = 1};
    f.err = diameter_read_vector(&dict, m, text_of(IMPI), &f);
    MUST_HOLD(f.err == ERR_OK ? f.vector.ck.s.n == 16 && f.vector.ik.s.n == 16 && f.vector.xres.s.n >= 4
                              : !secret_is_set(&f.vector.ck.s) && f.guss.n == 0);
    MUST_HOLD(zh_frame_write(&f, &w) == ERR_OK);
}

static void read_bir(struct msg *m)
{
    uint8_t body[ZH_FRAME_BODY_MAX];
    struct writer w = WRITER_ARRAY(body);
    struct b_tid_parts parts;
    struct zn_ask ask = {.gsids_n = 0};
    if (diameter_read_ask(&dict, m, &ask) == ERR_OK) {
        MUST_HOLD(b_tid_parse(text_of(ask.b_tid), &parts) == ERR_OK && naf_id_fqdn(&ask.naf_id).n > 0 && ask.gsids_n <= ZN_GSIDS_MAX);
        MUST_HOLD(zn_json_form.ask_write(&ask, &w) == ERR_OK);
    }
    (void)diameter_read_octets(&dict, m, DIAMETER_ORIGIN_HOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msg *m = NULL;
    struct fd_pei pei;
    set_up();
    if (size == 0 || size > 60000) {
        return 0;
    }
    bool is_bir = (data[0] & 1) != 0;
    uint8_t *octets = message_of(data + 1, size - 1, is_bir);
    if (fd_msg_parse_buffer(&octets, HEADER + size - 1, &m) != 0) {
        free(octets);
        return 0;
    }
    memset(&pei, 0, sizeof(pei));
    if (fd_msg_parse_rules(m, fd_g_config->cnf_dict, &pei) == 0) {
        is_bir ? read_bir(m) : read_maa(m);
    } else if (pei.pei_avp_free != 0) {
        (void)fd_msg_free(pei.pei_avp);
    }
    (void)fd_msg_free(m);
    return 0;
}
