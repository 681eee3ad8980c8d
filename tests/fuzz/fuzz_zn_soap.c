/* Zn as a web service, both ends: what is taken as a question can be asked, and is read again as the same; no answer is taken with
 * half a key; whatever came, the fault that tells of it is one. And the line of a USS. */
#include "fuzz.h"
#include "role/zn.h"

#include <string.h>

static void question(struct bytes in)
{
    static char room[2 * ZN_BODY_MAX];
    struct writer w = WRITER_ARRAY(room);
    char detail[ROLE_DETAIL_MAX] = "";
    struct primitive p = {.media = MEDIA_SOAP, .content = in};
    struct zn_ask a = {.gsids_n = 0}, back = {.gsids_n = 0};
    err_t e = zn_soap_form.ask_read(&p, &a, detail);
    MUST_HOLD(memchr(detail, '\0', sizeof(detail)) != NULL);
    if (e == ERR_OK) {
        MUST_HOLD(in.n <= ZN_BODY_MAX && a.gsids_n <= ZN_GSIDS_MAX && naf_id_fqdn(&a.naf_id).n > 0);
        MUST_HOLD(zn_soap_form.ask_write(&a, &w) == ERR_OK);
        p.content = writer_view(&w);
        MUST_HOLD(zn_soap_form.ask_read(&p, &back, detail) == ERR_OK);
        MUST_HOLD(strcmp(a.b_tid, back.b_tid) == 0 && bytes_eq(naf_id_view(&a.naf_id), naf_id_view(&back.naf_id)));
        MUST_HOLD(a.gba_u_aware == back.gba_u_aware && a.gsids_n == back.gsids_n && a.dialect == back.dialect);
    } else {
        struct zn_answer none = {.made = 0};
        zn_soap_form.refusal_write(&a, e, detail, &w);
        MUST_HOLD(writer_finish(&w) == ERR_OK);
        err_t said = zn_soap_form.answer_read(500, writer_view(&w), &none);
        MUST_HOLD(said == ERR_DENIED_B_TID || said == ERR_DENIED_FETCH || said == ERR_PEER_NONSENSE);
    }
}

static void answer(struct bytes in, unsigned status)
{
    struct zn_answer a = {.made = 0};
    char line[USS_TEXT_MAX];
    if (zn_soap_form.answer_read(status, in, &a) == ERR_OK) {
        MUST_HOLD(status == 200 && secret_is_set(&a.me) && a.gba_u == secret_is_set(&a.uicc) && a.uss_n <= USS_MAX);
        for (size_t i = 0; i < a.uss_n; i++) {
            struct uss u;
            MUST_HOLD(uss_write(&a.uss[i], line) != ERR_OK || uss_parse(text_of(line), &u) == ERR_OK);
        }
    }
    zn_answer_wipe(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes in = bytes_of(data, size);
    struct uss u, again;
    char line[USS_TEXT_MAX];
    question(in);
    answer(in, 200);
    answer(in, 500);
    if (uss_parse(text_span((const char *)data, size), &u) == ERR_OK && uss_write(&u, line) == ERR_OK) {
        MUST_HOLD(uss_parse(text_of(line), &again) == ERR_OK && again.gsid == u.gsid && again.uids_n == u.uids_n);
    }
    return 0;
}
