/* A request that a worker of this process has parsed is not parsed again, once: a handler may have changed what it was. */
#include "shell/committer.h"

#include "tiny_role.h"

#include "lib/scratch.h"
#include "shell/crypto_openssl.h"
#include "wire/http_binding.h"

#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOTE(name) \
    "POST /note HTTP/1.1\r\nHost: a\r\nX-M2M-RI: 1\r\nX-M2M-RVI: 3\r\nContent-Type: application/json;ty=3\r\nContent-Length: 24\r\n\r\n" \
    "{\"n\":{\"name\":\"" name "\"}}\n"

static void must(err_t e)
{
    if (e != ERR_OK) {
        fail_msg("%s", err_code(e));
    }
}

static void parse(const char *octets, struct primitive *out)
{
    static struct http1_request http;
    static uint8_t room[256];
    struct writer scratch = WRITER_ARRAY(room);
    char detail[96];
    size_t used = 0;
    must(http1_parse(text_bytes(text_of(octets)), 4096, &http, &used));
    assert_int_equal(used, strlen(octets));
    must(http_binding_parse(&http, &scratch, out, detail));
    assert_int_equal(scratch.n, 0);
}

static void configure(struct scratch *s, struct snapshot **snap)
{
    static const struct role *const roles[] = {&tiny_role};
    static const char hex[] = "0001020304050607000102030405060700010203040506070001020304050607\n"; /* made up */
    static const char conf[] = "[server]\nroles = tiny\nstore = tiny.db\nroot-secret = root\naudit-key = root\ncontrol = ctl\nlog-level = error\n"
                               "[tiny]\nfqdn = " TINY_FQDN "\n[listener plain]\nrole = tiny\naddress = 127.0.0.1:0\ntls = off\n";
    char file[PATH_MAX];
    struct conf_faults faults = {.n = 0};
    scratch_write(scratch_path(s, "root", file), hex, sizeof(hex) - 1);
    assert_int_equal(chmod(file, 0600), 0);
    scratch_write(scratch_path(s, "tiny.conf", file), conf, sizeof(conf) - 1);
    const struct snapshot_source source = {.file = file, .roles = roles, .roles_n = 1, .workers = 1, .crypto = crypto_openssl()};
    must(snapshot_load(&source, snap, &faults));
}

static struct job job_of(const char *octets, struct job_parsed *parsed)
{
    static struct association nobody;
    association_init_plain(&nobody);
    return (struct job){.kind = JOB_REQUEST, .now = 1, .assoc = &nobody, .binding = JOB_HTTP, .octets = text_bytes(text_of(octets)), .parsed = parsed};
}

static void expect(struct committer *c, const struct job *j, const char *name)
{
    static struct job_result r;
    assert_int_equal(committer_run(c, j, 1, &r), 1);
    must(r.err);
    assert_non_null(memmem(r.body.p, r.body.n, name, strlen(name)));
    committer_forget(c);
}

static void what_was_parsed_serves_once(void **state)
{
    (void)state;
    static struct metrics metrics;
    struct scratch s;
    struct snapshot *snap = NULL;
    struct committer c;
    struct job_parsed parsed = {.used = false};
    scratch_make(&s);
    configure(&s, &snap);
    must(committer_init(&c, snap, &metrics));
    must(committer_open(&c, 1));

    parse(NOTE("parsed"), &parsed.prim);
    const struct job j = job_of(NOTE("octets"), &parsed);
    expect(&c, &j, "parsed");
    assert_true(parsed.used);
    expect(&c, &j, "octets");
    const struct job alone = job_of(NOTE("plains"), NULL);
    expect(&c, &alone, "plains");

    http_binding_wipe(&parsed.prim);
    committer_close(&c, 2);
    free(c.arena);
    free(c.bodies);
    free(c.scratch);
    snapshot_free(snap);
    scratch_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_parsed_serves_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
