/* A SIM in software as a file: what an answer changed is on disk, for nobody else to read, whatever lay in the folder before. */
#include "shell/crypto_openssl.h"
#include "aka/aka_card.h"
#include "base/hex.h"
#include "shell/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Made up; what the card must answer to this RAND and AUTN with AMF 0000 and SEQ 1, of Milenage set 1. */
#define FILE_TEXT                                                                                                      \
    "# keystead software SIM\nimpi = 001010123456789@ims.mnc001.mcc001.3gppnetwork.org\nkind = milenage\n"             \
    "k = 465b5ce8b199b49faa5f0a2ee238a6bc\nopc = cd63cb71954a9f4e48a5994e37a02baf\n"

struct place {
    char dir[64], file[256], other[300];
    struct aka_rand rand;
    struct aka_autn autn;
};

static void put(const char *file, const char *text, mode_t mode)
{
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
    assert_int_equal(chmod(file, mode), 0);
}

static void make(struct place *p, const char *name)
{
    SCOPED(aka_auc_vector_wipe) struct aka_vector v;
    struct aka_keys keys = aka_keys_milenage();
    struct writer k = writer_of(keys.k.s.b, 16), opc = writer_of(keys.opc.s.b, 16);
    assert_int_equal(hex_parse(text_of("465b5ce8b199b49faa5f0a2ee238a6bc"), &k), ERR_OK);
    assert_int_equal(hex_parse(text_of("cd63cb71954a9f4e48a5994e37a02baf"), &opc), ERR_OK);
    keys.k.s.n = keys.opc.s.n = 16;
    memset(&p->rand, 7, sizeof(p->rand));
    const struct aka_f1_input in = {.rand = &p->rand, .sqn = aka_sqn_make(1, 1)};
    assert_int_equal(aka_auc_compute(crypto_openssl(), &keys, &in, &v), ERR_OK);
    p->autn = v.autn;
    strcpy(p->dir, "/tmp/keystead-sim-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->file, sizeof(p->file), "%s/%s", p->dir, name);
    snprintf(p->other, sizeof(p->other), "%s.new", p->file);
    put(p->file, FILE_TEXT, 0600);
}

static void clean(const struct place *p)
{
    char lock[300];
    snprintf(lock, sizeof(lock), "%s.lock", p->file);
    (void)unlink(lock);
    (void)unlink(p->file);
    (void)unlink(p->other);
    assert_int_equal(rmdir(p->dir), 0);
}

static err_t use(const struct place *p)
{
    struct sim sim;
    char detail[ROLE_DETAIL_MAX];
    SCOPED(aka_card_answer_wipe) struct aka_answer a;
    assert_int_equal(sim_soft_open(p->file, crypto_openssl(), &sim, detail), ERR_OK);
    err_t e = sim.card.authenticate(sim.card.self, &p->rand, &p->autn, &a);
    sim_close(&sim);
    return e;
}

static void test_what_was_taken_is_on_disk(void **state)
{
    struct place p;
    (void)state;
    make(&p, "sim");
    assert_int_equal(use(&p), ERR_OK);
    assert_int_equal(use(&p), ERR_SQN_RANGE); /* the number is used up for the next process, too */
    clean(&p);
}

/* Two that answered from one file would use a number twice. */
static void test_one_device_at_a_time(void **state)
{
    struct place p;
    struct sim first, second;
    char detail[ROLE_DETAIL_MAX];
    (void)state;
    make(&p, "sim");
    assert_int_equal(sim_soft_open(p.file, crypto_openssl(), &first, detail), ERR_OK);
    assert_int_equal(sim_soft_open(p.file, crypto_openssl(), &second, detail), ERR_STORE_LOCKED);
    assert_non_null(strstr(detail, p.file));
    sim_close(&first);
    assert_int_equal(use(&p), ERR_OK);
    clean(&p);
}

/* Somebody who may write there has put a file of his own where ours is made: what he can open does not get our keys. */
static void test_what_lay_there_before(void **state)
{
    struct place p;
    struct stat before, now;
    (void)state;
    make(&p, "sim");
    put(p.other, "", 0666);
    assert_int_equal(stat(p.other, &before), 0);
    FILE *his = fopen(p.other, "r");
    assert_non_null(his);
    assert_int_equal(use(&p), ERR_OK);
    assert_int_equal(stat(p.file, &now), 0);
    assert_int_equal(now.st_mode & 0777, 0600);
    assert_int_equal(fgetc(his), EOF);
    assert_int_equal(fclose(his), 0);
    clean(&p);
}

static void test_a_long_name(void **state)
{
    struct place p;
    (void)state;
    make(&p, "a-sim-with-a-name-of-more-than-sixty-four-octets-as-an-identity-with-its-realm-has");
    assert_int_equal(use(&p), ERR_OK);
    clean(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_taken_is_on_disk),
        cmocka_unit_test(test_one_device_at_a_time),
        cmocka_unit_test(test_what_lay_there_before),
        cmocka_unit_test(test_a_long_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
