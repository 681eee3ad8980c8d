/*
 * A small HSS for the tests, freeDiameter's side of Zh: hss CONFIG. What it says depends on the user part of the IMPI; a line on
 * stdout for each request. Its vectors are made up, octets that count; those of sim... are of Milenage, with K 00..0f and OPc 10..1f.
 */
#include "aka/aka_auc.h"
#include "shell/crypto_openssl.h"
#include "shell/diameter_dict.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct diameter_dict dict;

static void ascending(uint8_t *out, size_t n, uint8_t from)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint8_t)(from + i);
    }
}

static bool item(struct msg *m, size_t authenticate, size_t keys, bool resync)
{
    uint8_t b[64];
    struct avp *g = diameter_dict_group(&dict, m, DIAMETER_AUTH_ITEM);
    ascending(b, sizeof(b), resync ? 0x80 : 0);
    return g != NULL && diameter_dict_octets(&dict, g, DIAMETER_AUTH_SCHEME, "Digest-AKAv1-MD5", 16) &&
           diameter_dict_octets(&dict, g, DIAMETER_AUTHENTICATE, b, authenticate) &&
           diameter_dict_octets(&dict, g, DIAMETER_AUTHORIZATION, b + 32, 8) &&
           diameter_dict_octets(&dict, g, DIAMETER_CK, b + 40, keys) && diameter_dict_octets(&dict, g, DIAMETER_IK, b + 48, keys);
}

/* -- subscribers with keys ----------------------------------------------------------------------------------- */
#define SIMS_MAX 64
static struct sim {
    char user[64];
    struct aka_auc auc;
} sims[SIMS_MAX];
static pthread_mutex_t sims_lock = PTHREAD_MUTEX_INITIALIZER;

static struct sim *sim_of(const char *user)
{
    uint8_t octets[32];
    struct aka_keys keys = aka_keys_milenage();
    ascending(octets, sizeof(octets), 0);
    for (size_t i = 0; i < SIMS_MAX; i++) {
        if (strcmp(sims[i].user, user) == 0) {
            return &sims[i];
        }
        if (sims[i].user[0] == '\0') {
            snprintf(sims[i].user, sizeof(sims[i].user), "%s", user);
            bool good = secret_set(&keys.k.s, bytes_of(octets, 16)) == ERR_OK && secret_set(&keys.opc.s, bytes_of(octets + 16, 16)) == ERR_OK &&
                        aka_auc_init(&sims[i].auc, &keys, (struct aka_amf){{0}}, 0) == ERR_OK;
            return good ? &sims[i] : NULL;
        }
    }
    return NULL;
}

static err_t vector_of(const char *user, struct bytes both, struct aka_vector *v)
{
    const struct crypto *c = crypto_openssl();
    struct sim *s = sim_of(user);
    struct aka_rand rand;
    struct aka_auts auts;
    uint64_t seq = 0;
    if (s == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    if (both.n == sizeof(rand.b) + sizeof(auts.b)) {
        memcpy(rand.b, both.p, sizeof(rand.b));
        memcpy(auts.b, both.p + sizeof(rand.b), sizeof(auts.b));
        TRY(aka_auc_resync(c, &s->auc, &rand, &auts));
    }
    TRY(aka_sqn_counter_want(&s->auc.counter, 1, &seq));
    aka_sqn_counter_grant(&s->auc.counter, seq);
    TRY(c->random(rand.b, sizeof(rand.b)));
    return aka_auc_vector(c, &s->auc, &rand, v);
}

static bool real_item(struct msg *m, const char *user, struct bytes both)
{
    struct aka_vector v = {0};
    uint8_t b[32];
    pthread_mutex_lock(&sims_lock);
    err_t e = vector_of(user, both, &v);
    pthread_mutex_unlock(&sims_lock);
    struct avp *g = e == ERR_OK ? diameter_dict_group(&dict, m, DIAMETER_AUTH_ITEM) : NULL;
    memcpy(b, v.rand.b, 16);
    memcpy(b + 16, v.autn.b, 16);
    struct bytes res = secret_view(&v.xres.s), ck = secret_view(&v.ck.s), ik = secret_view(&v.ik.s);
    return g != NULL && diameter_dict_octets(&dict, g, DIAMETER_AUTHENTICATE, b, sizeof(b)) &&
           diameter_dict_octets(&dict, g, DIAMETER_AUTHORIZATION, res.p, res.n) &&
           diameter_dict_octets(&dict, g, DIAMETER_CK, ck.p, ck.n) && diameter_dict_octets(&dict, g, DIAMETER_IK, ik.p, ik.n);
}

/* -- settings with a time ------------------------------------------------------------------------------------ */
/* Those of sim-stamped change at every third question; who knows them as they are gets none. */
static bool stamped_settings(struct msg *m, const union avp_value *known)
{
    static const char *const flags[] = {"<flag>1</flag>", "<flag>1</flag><flag>2</flag>"};
    static unsigned questions;
    unsigned version = questions++ / 3 % 2;
    uint32_t ntp = 2208988800u + 1700000000u + version; /* 2023-11-14T22:13:20Z */
    const uint8_t now[] = {(uint8_t)(ntp >> 24), (uint8_t)(ntp >> 16), (uint8_t)(ntp >> 8), (uint8_t)ntp};
    char xml[512];
    if (known != NULL && known->os.len == sizeof(now) && memcmp(known->os.data, now, sizeof(now)) == 0) {
        return true;
    }
    snprintf(xml, sizeof(xml), "<guss><bsfInfo><timestamp>2023-11-14T22:13:2%uZ</timestamp></bsfInfo><ussList><uss id=\"7\" nafGroup=\"maf.keystead.test\">"
             "<flags>%s</flags></uss></ussList></guss>", version, flags[version]);
    return diameter_dict_octets(&dict, m, DIAMETER_GUSS, xml, strlen(xml));
}

/* -- answers --------------------------------------------------------------------------------------------------- */
static bool refuse(struct msg *m, uint32_t code)
{
    struct avp *g = diameter_dict_group(&dict, m, DIAMETER_EXPERIMENTAL);
    return g != NULL && diameter_dict_number(&dict, g, DIAMETER_VENDOR_ID, DIAMETER_VENDOR_3GPP) &&
           diameter_dict_number(&dict, g, DIAMETER_EXPERIMENTAL_CODE, code);
}

static bool fill(struct msg *m, const char *user, struct bytes both, const union avp_value *known)
{
    static const char guss[] = "<guss id=\"made-up\"/>";
    static const char settings[] =
        "<guss id=\"made-up\" xmlns=\"urn:3gpp:gba:GBAGUSSSchema-R9:2010-02\"><bsfInfo><uiccType>GBA_U</uiccType><lifeTime>3600</lifeTime>"
        "</bsfInfo><ussList><uss id=\"7\" type=\"0\" nafGroup=\"maf.keystead.test\"><uids><uid>//keystead.test/Sguss</uid></uids><flags><flag>1"
        "</flag></flags></uss></ussList></guss>";
    const bool resync = both.n > 0;
    if (strcmp(user, "unknown") == 0 || strcmp(user, "forbidden") == 0) {
        return refuse(m, user[0] == 'u' ? 5401 : 5402);
    }
    if (strcmp(user, "no-result") == 0) {
        return true;
    }
    bool good = diameter_dict_number(&dict, m, DIAMETER_RESULT_CODE, 2001);
    if (strncmp(user, "sim", 3) == 0) {
        good = good && (strcmp(user, "sim-guss") != 0 || diameter_dict_octets(&dict, m, DIAMETER_GUSS, settings, sizeof(settings) - 1));
        good = good && (strcmp(user, "sim-bad-guss") != 0 || diameter_dict_octets(&dict, m, DIAMETER_GUSS, "<!DOCTYPE x><guss/>", 19));
        good = good && (strcmp(user, "sim-stamped") != 0 || stamped_settings(m, known));
        return good && real_item(m, user, both);
    }
    if (strcmp(user, "no-vector") == 0) {
        return good;
    }
    if (strcmp(user, "other-user") == 0) {
        good = good && diameter_dict_octets(&dict, m, DIAMETER_USER_NAME, "bob@x", 5);
    }
    if (strcmp(user, "guss") == 0) {
        good = good && diameter_dict_octets(&dict, m, DIAMETER_GUSS, guss, sizeof(guss) - 1);
    }
    good = good && item(m, strcmp(user, "long-autn") == 0 ? 33 : 32, strcmp(user, "short-key") == 0 ? 15 : 16, resync);
    return strcmp(user, "two-vectors") == 0 ? good && item(m, 32, 16, resync) : good;
}

static int asked(struct msg **m, struct avp *avp, struct session *session, void *opaque, enum disp_action *action)
{
    char user[64] = "";
    const union avp_value *name = diameter_dict_value(&dict, *m, DIAMETER_USER_NAME);
    const union avp_value *known = diameter_dict_value(&dict, *m, DIAMETER_GUSS_TIMESTAMP);
    struct avp *g = diameter_dict_find(&dict, *m, DIAMETER_AUTH_ITEM);
    const union avp_value *both = g == NULL ? NULL : diameter_dict_value(&dict, g, DIAMETER_AUTHORIZATION);
    (void)avp;
    (void)session;
    (void)opaque;
    for (size_t i = 0; name != NULL && i < name->os.len && i + 1 < sizeof(user) && name->os.data[i] != '@'; i++) {
        user[i] = (char)name->os.data[i];
    }
    printf("asked %s ", user);
    for (size_t i = 0; both != NULL && i < both->os.len; i++) {
        printf("%02x", both->os.data[i]);
    }
    printf("%s", known == NULL ? "" : " stamped ");
    for (size_t i = 0; known != NULL && i < known->os.len; i++) {
        printf("%02x", known->os.data[i]);
    }
    puts("");
    if (strcmp(user, "slow") == 0) {
        sleep(4);
    }
    const struct bytes auts = both == NULL ? bytes_empty() : bytes_of(both->os.data, both->os.len);
    if (fd_msg_new_answer_from_req(fd_g_config->cnf_dict, m, 0) != 0 || fd_msg_add_origin(*m, 0) != 0 || !fill(*m, user, auts, known)) {
        return 1;
    }
    *action = DISP_ACT_SEND;
    return 0;
}

int main(int argc, char **argv)
{
    struct disp_when when;
    sigset_t end; /* blocked in all threads: it is waited for, not met between two looks at a flag */
    int got = 0;
    memset(&when, 0, sizeof(when));
    setvbuf(stdout, NULL, _IOLBF, 0);
    fd_g_debug_lvl = FD_LOG_ERROR;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    if (pthread_sigmask(SIG_BLOCK, &end, NULL) != 0 || argc != 2 || fd_core_initialize() != 0 || fd_core_parseconf(argv[1]) != 0 || !diameter_dict_init(&dict) ||
        fd_disp_app_support(dict.zh, dict.vendor, 1, 0) != 0) {
        return 2;
    }
    when.app = dict.zh;
    when.command = dict.mar;
    if (fd_disp_register(asked, DISP_HOW_CC, &when, NULL, NULL) != 0 || fd_core_start() != 0 || fd_core_waitstartcomplete() != 0) {
        return 2;
    }
    puts("ready");
    (void)sigwait(&end, &got);
    fd_core_shutdown();
    return fd_core_wait_shutdown_complete() == 0 ? 0 : 4;
}
