#include "shell/tpm2.h"

#include "base/ct.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#define TRANSPORT_VARIABLE "TPM2TOOLS_TCTI" /* the one that the tools of the TPM know */
#define TRANSPORT_DEFAULT "device:/dev/tpmrm0"
#define STACK (512 * 1024)
#define PATIENCE_SECONDS 5 /* slow ones take hundreds of milliseconds, and several processes take turns */

/* A lock on it is a process's turn. */
static int turn = -1;

struct question {
    err_t (*run)(struct question *q);
    struct tpm2_key key;
    uint8_t digest[64];
    size_t digest_n;
    struct tpm2_signature signature;
};

/* -- what went wrong ------------------------------------------------------------------------------------------ */
/* A code of the TPM itself (part 2 of its specification, 6.6) without the number of the parameter or handle it is about. */
static err_t tpm_refusal(TPM2_RC rc)
{
    static const struct {
        TPM2_RC rc;
        err_t e;
    } rows[] = {
        {TPM2_RC_AUTH_FAIL, ERR_TPM_AUTH},    {TPM2_RC_BAD_AUTH, ERR_TPM_AUTH},
        {TPM2_RC_LOCKOUT, ERR_TPM_LOCKED},    {TPM2_RC_HANDLE, ERR_TPM_KEY},
        {TPM2_RC_INTEGRITY, ERR_TPM_KEY},     {TPM2_RC_BINDING, ERR_TPM_KEY},
        {TPM2_RC_SIZE, ERR_TPM_KEY},          {TPM2_RC_TYPE, ERR_TPM_KEY},
        {TPM2_RC_REFERENCE_H0, ERR_TPM_KEY},  {TPM2_RC_INITIALIZE, ERR_TPM_GONE},
        {TPM2_RC_FAILURE, ERR_TPM_GONE},
    };
    bool about_parameter = (rc & TPM2_RC_FMT1) != 0;
    TPM2_RC base = about_parameter ? rc & (TPM2_RC_FMT1 | 0x3F) : rc;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].rc == base) {
            return rows[i].e;
        }
    }
    return ERR_TPM_FAILED;
}

static err_t refusal(TSS2_RC rc)
{
    TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
    if (rc == TSS2_RC_SUCCESS) {
        return ERR_OK;
    }
    if (layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER) {
        return tpm_refusal(rc & ~TSS2_RC_LAYER_MASK);
    }
    return layer == TSS2_TCTI_RC_LAYER || layer == TSS2_RESMGR_RC_LAYER ? ERR_TPM_GONE : ERR_TPM_FAILED;
}

/* -- connection ---------------------------------------------------------------------------------------------- */
struct link {
    bool has_turn;
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    ESYS_TR loaded[2]; /* what is flushed at the end; swtpm and /dev/tpm0 have room for three */
    size_t loaded_n;
};

/* The lock ends with the process that holds it. */
static bool turn_set(short how)
{
    struct flock l = {.l_type = how, .l_whence = SEEK_SET};
    int r = -1;
    do {
        r = fcntl(turn, F_SETLKW, &l);
    } while (r != 0 && errno == EINTR);
    return r == 0;
}

static void link_close(struct link *l)
{
    while (l->loaded_n > 0) {
        (void)Esys_FlushContext(l->esys, l->loaded[--l->loaded_n]);
    }
    if (l->esys != NULL) {
        Esys_Finalize(&l->esys);
    }
    if (l->tcti != NULL) {
        Tss2_TctiLdr_Finalize(&l->tcti);
    }
    if (l->has_turn) {
        (void)turn_set(F_UNLCK);
    }
}

static const char *transport(void)
{
    const char *named = getenv(TRANSPORT_VARIABLE);
    return named == NULL || named[0] == '\0' ? TRANSPORT_DEFAULT : named;
}

static err_t link_open(struct link *l)
{
    l->has_turn = turn_set(F_WRLCK);
    TRY(Tss2_TctiLdr_Initialize(transport(), &l->tcti) == TSS2_RC_SUCCESS ? ERR_OK : ERR_TPM_GONE);
    return refusal(Esys_Initialize(&l->esys, l->tcti, NULL));
}

/* -- the key in the TPM ---------------------------------------------------------------------------------------- */
/* The storage key that "TPM 2.0 Key Files" means by a hierarchy as parent: made anew from its seed, always the same one. */
static const TPM2B_PUBLIC primary_template = {
    .publicArea =
        {
            .type = TPM2_ALG_ECC,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_NODA |
                                TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN,
            .parameters.eccDetail =
                {
                    .symmetric = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB},
                    .scheme.scheme = TPM2_ALG_NULL,
                    .curveID = TPM2_ECC_NIST_P256,
                    .kdf.scheme = TPM2_ALG_NULL,
                },
        },
};

static ESYS_TR hierarchy_of(uint32_t handle)
{
    static const struct {
        uint32_t handle;
        ESYS_TR tr;
    } rows[] = {
        {TPM2_RH_OWNER, ESYS_TR_RH_OWNER},
        {TPM2_RH_ENDORSEMENT, ESYS_TR_RH_ENDORSEMENT},
        {TPM2_RH_PLATFORM, ESYS_TR_RH_PLATFORM},
        {TPM2_RH_NULL, ESYS_TR_RH_NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].handle == handle) {
            return rows[i].tr;
        }
    }
    return ESYS_TR_NONE;
}

static err_t parent_open(struct link *l, uint32_t handle, ESYS_TR *out)
{
    ESYS_TR hierarchy = hierarchy_of(handle);
    if (hierarchy == ESYS_TR_NONE) {
        return refusal(Esys_TR_FromTPMPublic(l->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, out));
    }
    const TPM2B_SENSITIVE_CREATE no_secret = {0};
    const TPM2B_DATA no_data = {0};
    const TPML_PCR_SELECTION no_state = {0};
    TRY(refusal(Esys_CreatePrimary(l->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_secret,
                                   &primary_template, &no_data, &no_state, out, NULL, NULL, NULL, NULL)));
    l->loaded[l->loaded_n++] = *out;
    return ERR_OK;
}

static err_t wrapped_open(struct link *l, const struct tpm2_key *k, ESYS_TR *out)
{
    ESYS_TR parent = ESYS_TR_NONE;
    TPM2B_PUBLIC pub = {0};
    TPM2B_PRIVATE priv = {0};
    size_t pub_at = 0;
    size_t priv_at = 0;
    bool ok = Tss2_MU_TPM2B_PUBLIC_Unmarshal(k->pub.at, k->pub.n, &pub_at, &pub) == TSS2_RC_SUCCESS &&
              Tss2_MU_TPM2B_PRIVATE_Unmarshal(k->priv.at, k->priv.n, &priv_at, &priv) == TSS2_RC_SUCCESS &&
              pub_at == k->pub.n && priv_at == k->priv.n;
    TRY(ok ? ERR_OK : ERR_TPM_FILE);
    TRY(parent_open(l, k->handle, &parent));
    TRY(refusal(Esys_Load(l->esys, parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &priv, &pub, out)));
    l->loaded[l->loaded_n++] = *out;
    return ERR_OK;
}

static err_t persistent_open(struct link *l, const struct tpm2_key *k, ESYS_TR *out)
{
    if (k->resource.n > 0) {
        return refusal(Esys_TR_Deserialize(l->esys, k->resource.at, k->resource.n, out));
    }
    return refusal(Esys_TR_FromTPMPublic(l->esys, k->handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, out));
}

static void auth_wipe(TPM2B_AUTH *a)
{
    ct_wipe(a, sizeof(*a));
}

static err_t key_open(struct link *l, const struct tpm2_key *k, ESYS_TR *out)
{
    SCOPED(auth_wipe) TPM2B_AUTH auth = {.size = (UINT16)k->auth.n};
    TRY(link_open(l));
    TRY(k->wrapped ? wrapped_open(l, k, out) : persistent_open(l, k, out));
    if (k->auth.n > sizeof(auth.buffer)) {
        return ERR_TPM_AUTH;
    }
    memcpy(auth.buffer, k->auth.z, k->auth.n);
    return refusal(Esys_TR_SetAuth(l->esys, *out, &auth));
}

/* -- signing ------------------------------------------------------------------------------------------------- */
static bool coordinate(const TPM2B_ECC_PARAMETER *in, uint8_t out[static TPM2_COORDINATE_LEN])
{
    if (in->size > TPM2_COORDINATE_LEN) {
        return false;
    }
    memset(out, 0, TPM2_COORDINATE_LEN);
    memcpy(out + TPM2_COORDINATE_LEN - in->size, in->buffer, in->size);
    return true;
}

static void heap_free(void *p)
{
    Esys_Free(*(void **)p);
}

static TPMI_ALG_HASH hash_of(size_t n)
{
    return n == 32 ? TPM2_ALG_SHA256 : n == 48 ? TPM2_ALG_SHA384 : n == 64 ? TPM2_ALG_SHA512 : TPM2_ALG_NULL;
}

static err_t sign(struct link *l, ESYS_TR key, struct bytes digest, struct tpm2_signature *out)
{
    TPM2B_DIGEST d = {.size = (UINT16)digest.n};
    const TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = hash_of(digest.n)};
    const TPMT_TK_HASHCHECK not_restricted = {.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL};
    SCOPED(heap_free) TPMT_SIGNATURE *s = NULL;
    if (scheme.details.ecdsa.hashAlg == TPM2_ALG_NULL) {
        return ERR_TPM_FAILED;
    }
    memcpy(d.buffer, digest.p, digest.n);
    TRY(refusal(Esys_Sign(l->esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &d, &scheme, &not_restricted, &s)));
    bool ok = s->sigAlg == TPM2_ALG_ECDSA && coordinate(&s->signature.ecdsa.signatureR, out->r) &&
              coordinate(&s->signature.ecdsa.signatureS, out->s);
    return ok ? ERR_OK : ERR_TPM_FAILED;
}

static err_t do_sign(struct question *q)
{
    SCOPED(link_close) struct link l = {.has_turn = false};
    ESYS_TR key = ESYS_TR_NONE;
    TRY(key_open(&l, &q->key, &key));
    return sign(&l, key, bytes_of(q->digest, q->digest_n), &q->signature);
}

/* -- looking at it ------------------------------------------------------------------------------------------- */
/* It signs whatever it is given, with an authorisation value, on the curve of the profile [TS-0003 10.1.1.3]. */
static err_t public_take(const TPMT_PUBLIC *t, struct tpm2_key *k)
{
    const TPMA_OBJECT needed = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH;
    bool fits = t->type == TPM2_ALG_ECC && t->parameters.eccDetail.curveID == TPM2_ECC_NIST_P256 &&
                (t->objectAttributes & (needed | TPMA_OBJECT_RESTRICTED)) == needed &&
                coordinate(&t->unique.ecc.x, k->x) && coordinate(&t->unique.ecc.y, k->y);
    return fits ? ERR_OK : ERR_TPM_KIND;
}

static err_t resource_take(struct link *l, ESYS_TR key, struct tpm2_area *out)
{
    SCOPED(heap_free) uint8_t *octets = NULL;
    size_t n = 0;
    TRY(refusal(Esys_TR_Serialize(l->esys, key, &octets, &n)));
    if (n > sizeof(out->at)) {
        return ERR_TPM_FAILED;
    }
    memcpy(out->at, octets, n);
    out->n = n;
    return ERR_OK;
}

static err_t do_look(struct question *q)
{
    static const uint8_t zeros[TPM2_COORDINATE_LEN] = {0};
    SCOPED(link_close) struct link l = {.has_turn = false};
    SCOPED(heap_free) TPM2B_PUBLIC *pub = NULL;
    struct tpm2_key *k = &q->key;
    ESYS_TR key = ESYS_TR_NONE;
    k->resource.n = 0;
    TRY(key_open(&l, k, &key));
    TRY(refusal(Esys_ReadPublic(l.esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pub, NULL, NULL)));
    TRY(public_take(&pub->publicArea, k));
    TRY(k->wrapped ? ERR_OK : resource_take(&l, key, &k->resource));
    return sign(&l, key, bytes_of(zeros, sizeof(zeros)), &q->signature);
}

/* -- asking, for a bounded time ---------------------------------------------------------------------------------- */
/*
 * A thread asks: the caller's stack may be the 32 KiB of a handshake that can be suspended, and the library takes 20; and a TPM
 * that hangs would hold the caller. Who has waited long enough leaves the thread behind, and while one is left behind nobody
 * asks: a worker is held once, not once a handshake. When the TPM goes on, the thread ends and the key serves again.
 */
struct task {
    struct question q;
    err_t e;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool done, left; /* with the lock; who is left behind frees the task */
};

static atomic_uint left_behind;

static void forked(void) /* into the new process no thread came along */
{
    atomic_store(&left_behind, 0);
}

void tpm2_prepare(void)
{
    (void)setenv("TSS2_LOG", "all+NONE", 0);
    if (turn < 0) {
        turn = memfd_create("keystead-tpm2", MFD_CLOEXEC);
        (void)pthread_atfork(NULL, NULL, forked);
    }
}

static struct task *task_new(const struct question *q)
{
    struct task *t = calloc(1, sizeof(*t));
    pthread_condattr_t a;
    if (t == NULL) {
        return NULL;
    }
    t->q = *q;
    (void)pthread_condattr_init(&a);
    (void)pthread_condattr_setclock(&a, CLOCK_MONOTONIC); /* the clock of the day may jump */
    (void)pthread_cond_init(&t->ended, &a);
    (void)pthread_condattr_destroy(&a);
    (void)pthread_mutex_init(&t->lock, NULL);
    return t;
}

static void task_free(struct task *t)
{
    (void)pthread_cond_destroy(&t->ended);
    (void)pthread_mutex_destroy(&t->lock);
    ct_wipe(t, sizeof(*t));
    free(t);
}

static void *task_main(void *arg)
{
    struct task *t = arg;
    err_t e = t->q.run(&t->q);
    (void)pthread_mutex_lock(&t->lock);
    t->e = e;
    t->done = true;
    bool left = t->left;
    (void)pthread_cond_signal(&t->ended);
    (void)pthread_mutex_unlock(&t->lock);
    if (left) {
        task_free(t);
        (void)atomic_fetch_sub(&left_behind, 1);
    }
    return NULL;
}

static bool is_done_in_time(struct task *t)
{
    struct timespec until;
    int r = clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_SECONDS;
    (void)pthread_mutex_lock(&t->lock);
    while (r == 0 && !t->done) {
        r = pthread_cond_timedwait(&t->ended, &t->lock, &until);
    }
    bool done = t->done;
    t->left = !done;
    (void)atomic_fetch_add(&left_behind, done ? 0 : 1);
    (void)pthread_mutex_unlock(&t->lock);
    return done;
}

static err_t ask(struct question *q)
{
    pthread_attr_t a;
    pthread_t thread;
    struct task *t = atomic_load(&left_behind) > 0 ? NULL : task_new(q);
    if (t == NULL) {
        return atomic_load(&left_behind) > 0 ? ERR_TPM_GONE : ERR_LIMIT_CAPACITY;
    }
    bool ok = pthread_attr_init(&a) == 0;
    if (ok) {
        ok = pthread_attr_setstacksize(&a, STACK) == 0 && pthread_create(&thread, &a, task_main, t) == 0;
        (void)pthread_attr_destroy(&a);
    }
    if (!ok) {
        task_free(t);
        return ERR_LIMIT_CAPACITY;
    }
    if (!is_done_in_time(t)) {
        (void)pthread_detach(thread);
        return ERR_TPM_GONE;
    }
    (void)pthread_join(thread, NULL);
    err_t e = t->e;
    *q = t->q;
    task_free(t);
    return e;
}

static void question_wipe(struct question *q)
{
    ct_wipe(q, sizeof(*q));
}

err_t tpm2_sign(const struct tpm2_key *k, struct bytes digest, struct tpm2_signature *out)
{
    SCOPED(question_wipe) struct question q = {.run = do_sign, .key = *k, .digest_n = digest.n};
    if (digest.n > sizeof(q.digest)) {
        return ERR_TPM_FAILED;
    }
    memcpy(q.digest, digest.p, digest.n);
    TRY(ask(&q));
    *out = q.signature;
    return ERR_OK;
}

err_t tpm2_look(struct tpm2_key *k)
{
    SCOPED(question_wipe) struct question q = {.run = do_look, .key = *k};
    TRY(ask(&q));
    *k = q.key;
    return ERR_OK;
}
