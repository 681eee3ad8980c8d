/*
 * A NAF for the tests, freeDiameter's side of Zn: naf CONFIG REALM. Orders on stdin, one a line, each answered by a line:
 *     TOKEN B-TID NAF_ID(hex) GSID[,GSID...] AWARE ORIGIN-HOST     "-" for what is not sent; of ORIGIN-HOST: its own
 *     TOKEN RESULT [user=.. me=.. uicc=.. expiry=.. made=.. guss=..]   keys and XML in hex, times in seconds since 1970
 */
#include "base/hex.h"
#include "shell/diameter_dict.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE = 10, NO_STATE_MAINTAINED = 1 };

static struct diameter_dict dict;
static sem_t done;
static char token[32];

static void show(struct msg *m, const char *name, enum diameter_avp which)
{
    const union avp_value *v = diameter_dict_value(&dict, m, which);
    char z[8192];
    struct writer w = WRITER_ARRAY(z);
    if (v != NULL) {
        hex_write_lower(&w, bytes_of(v->os.data, v->os.len));
        printf(" %s=%s", name, writer_finish_z(&w) == ERR_OK ? z : "?");
    }
}

static void answered(void *data, struct msg **m)
{
    (void)data;
    struct avp *g = diameter_dict_find(&dict, *m, DIAMETER_EXPERIMENTAL);
    const union avp_value *base = diameter_dict_value(&dict, *m, DIAMETER_RESULT_CODE);
    const union avp_value *own = g == NULL ? NULL : diameter_dict_value(&dict, g, DIAMETER_EXPERIMENTAL_CODE);
    printf("%s %u", token, base != NULL ? base->u32 : own != NULL ? own->u32 : 0);
    show(*m, "user", DIAMETER_USER_NAME);
    show(*m, "me", DIAMETER_ME_KEY);
    show(*m, "uicc", DIAMETER_UICC_KEY);
    show(*m, "expiry", DIAMETER_KEY_EXPIRY);
    show(*m, "made", DIAMETER_CREATION_TIME);
    show(*m, "guss", DIAMETER_GUSS);
    puts("");
    fd_msg_free(*m);
    *m = NULL;
    sem_post(&done);
}

static bool fill(struct msg *m, const char *realm, char *const *word)
{
    uint8_t naf[512];
    struct writer w = WRITER_ARRAY(naf);
    struct avp *g = NULL;
    bool good = hex_parse(text_of(word[1]), &w) == ERR_OK && fd_msg_new_session(m, NULL, 0) == 0 &&
                (g = diameter_dict_group(&dict, m, DIAMETER_VENDOR_APPLICATION)) != NULL &&
                diameter_dict_number(&dict, g, DIAMETER_VENDOR_ID, DIAMETER_VENDOR_3GPP) &&
                diameter_dict_number(&dict, g, DIAMETER_AUTH_APPLICATION, DIAMETER_APP_ZN) &&
                diameter_dict_number(&dict, m, DIAMETER_AUTH_SESSION_STATE, NO_STATE_MAINTAINED) &&
                diameter_dict_octets(&dict, m, DIAMETER_DESTINATION_REALM, realm, strlen(realm));
    good = good && (strcmp(word[4], "-") == 0 ? fd_msg_add_origin(m, 0) == 0
                                              : diameter_dict_octets(&dict, m, DIAMETER_ORIGIN_HOST, word[4], strlen(word[4])) &&
                                                    diameter_dict_octets(&dict, m, DIAMETER_ORIGIN_REALM, realm, strlen(realm)));
    good = good && (strcmp(word[0], "-") == 0 || diameter_dict_octets(&dict, m, DIAMETER_TRANSACTION, word[0], strlen(word[0])));
    good = good && diameter_dict_octets(&dict, m, DIAMETER_NAF_ID, naf, w.n);
    struct text gsid, gsids = text_of(strcmp(word[2], "-") == 0 ? "" : word[2]);
    while (good && text_next(&gsids, ',', &gsid)) {
        good = diameter_dict_octets(&dict, m, DIAMETER_GSID, gsid.p, gsid.n);
    }
    return good && (strcmp(word[3], "-") == 0 || diameter_dict_number(&dict, m, DIAMETER_GBA_U_AWARE, 1));
}

static void order(char *line, const char *realm)
{
    char *word[5] = {NULL};
    char *save = NULL;
    struct msg *m = NULL;
    struct timespec until;
    snprintf(token, sizeof(token), "%s", strtok_r(line, " \n", &save));
    for (size_t i = 0; i < 5; i++) {
        word[i] = strtok_r(NULL, " \n", &save);
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    if (word[4] == NULL || fd_msg_new(dict.bir, MSGFL_ALLOC_ETEID, &m) != 0 || !fill(m, realm, word) ||
        fd_msg_send(&m, answered, NULL) != 0 || sem_timedwait(&done, &until) != 0) {
        printf("%s none\n", token);
    }
}

int main(int argc, char **argv)
{
    char line[2048];
    setvbuf(stdout, NULL, _IOLBF, 0);
    fd_g_debug_lvl = FD_LOG_FATAL;
    if (argc != 3 || sem_init(&done, 0, 0) != 0 || fd_core_initialize() != 0 || fd_core_parseconf(argv[1]) != 0 || !diameter_dict_init(&dict) ||
        fd_disp_app_support(dict.zn, dict.vendor, 1, 0) != 0 || fd_core_start() != 0 || fd_core_waitstartcomplete() != 0) {
        return 2;
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        order(line, argv[2]);
    }
    fd_core_shutdown();
    return fd_core_wait_shutdown_complete() == 0 ? 0 : 4;
}
