/* serve: a real supervisor with real processes and sockets, once with one process and once with two workers and a
 * writer. */
#include "serve_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned workers; /* of this run */

static long now_ms(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct server *fresh(void)
{
    static struct server s;
    server_start(&s, workers, SERVER_LIMITS);
    return &s;
}

static struct client *plain(const struct server *s)
{
    struct client *c = malloc(sizeof(*c));
    assert_non_null(c);
    client_plain(c, s);
    return c;
}

static void done(struct client *c)
{
    client_close(c);
    free(c);
}

/* -- requests ------------------------------------------------------------------------------------------------ */
static void requests_are_answered_on_one_connection(void **state)
{
    (void)state;
    struct server *s = fresh();
    struct client *c = plain(s);
    char *body = NULL;
    assert_int_equal(client_get(c, "/word", &body), 2000);
    assert_string_equal(body, "{\"word\":\"one\"}");
    assert_int_equal(client_get(c, "/nothing", &body), 4004);
    assert_non_null(strstr(body, "not-found"));
    assert_int_equal(client_get(c, "/note", NULL), 4005);   /* no such operation */
    assert_int_equal(client_get(c, "/denied", NULL), 4107); /* R004-21: needs an association */
    assert_int_equal(client_get(c, "/note/a", NULL), 4004);
    assert_int_equal(client_post_note(c, "a"), 2001);
    assert_int_equal(client_get(c, "/note/a", &body), 2000); /* what was acknowledged is seen at once */
    assert_string_equal(body, "{\"n\":{\"name\":\"a\"}}");
    assert_int_equal(client_post_note(c, "a"), 4105);
    assert_int_equal(client_post_note(c, ""), 4000);
    assert_int_equal(client_get(c, "/big", &body), 2000);
    assert_int_equal(strlen(body), 300010);
    done(c);
    server_stop(s);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct server *s = fresh();
    struct client *c = plain(s);
    char text[16384] = "";
    size_t n = 0;
    for (int i = 0; i < 20; i++) { /* reads and writes in turn, each read wants what the write before it made */
        char content[64];
        (void)snprintf(content, sizeof(content), "{\"n\":{\"name\":\"p%d\"}}", i);
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              "POST /note HTTP/1.1\r\nHost: t\r\nX-M2M-RI: a%d\r\nX-M2M-RVI: 3\r\n"
                              "Content-Type: application/json;ty=3\r\nContent-Length: %zu\r\n\r\n%s"
                              "GET /note/p%d HTTP/1.1\r\nHost: t\r\nX-M2M-RI: b%d\r\nX-M2M-RVI: 3\r\n\r\n",
                              i, strlen(content), content, i, i);
    }
    client_send(c, text, n);
    for (int i = 0; i < 20; i++) {
        char want[64];
        char *body = NULL;
        (void)snprintf(want, sizeof(want), "{\"n\":{\"name\":\"p%d\"}}", i);
        assert_int_equal(client_response(c, NULL), 2001);
        assert_int_equal(client_response(c, &body), 2000);
        assert_string_equal(body, want);
    }
    done(c);
    server_stop(s);
}

static void octets_that_come_singly_make_a_request(void **state)
{
    (void)state;
    struct server *s = fresh();
    struct client *c = plain(s);
    const char text[] = "GET /word HTTP/1.1\r\nHost: t\r\nX-M2M-RI: r\r\nX-M2M-RVI: 3\r\n\r\n";
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        client_send(c, text + i, 1);
        (void)usleep(500);
    }
    assert_int_equal(client_response(c, NULL), 2000);
    done(c);
    server_stop(s);
}

/* -- bad input ----------------------------------------------------------------------------------------------- */
static void garbage_gets_one_answer_and_the_end(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x16\x03\x01garbage\r\n\r\n",
        "GET /word HTTP/1.1\nHost: t\n\n",
        "GET /word HTTP/1.0\r\nHost: t\r\n\r\n",
        "GET /word HTTP/1.1\r\nHost : t\r\n\r\n",
        "POST /note HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /note HTTP/1.1\r\nHost: t\r\nContent-Length: 9000\r\n\r\n",
    };
    struct server *s = fresh();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct client *c = plain(s);
        client_send_z(c, bad[i]);
        assert_int_equal(client_response(c, NULL), 4000);
        assert_true(client_is_ended(c));
        done(c);
    }
    struct client *c = plain(s);
    client_send_z(
        c, "POST /note HTTP/1.1\r\nHost: t\r\nX-M2M-RI: r\r\nX-M2M-RVI: 3\r\nContent-Type: application/json;ty=3\r\n"
           "Content-Length: 4\r\n\r\n{{{{");
    assert_int_equal(client_response(c, NULL), 4000); /* of a whole request with bad content the connection survives */
    assert_int_equal(client_get(c, "/word", NULL), 2000);
    done(c);
    assert_true(server_counter(s, "http-malformed") >= 5);
    server_stop(s);
}

static void a_slow_stranger_is_cut_and_costs_nobody_else(void **state)
{
    (void)state;
    struct server *s = fresh();
    struct client *slow = plain(s);
    struct client *mute = malloc(sizeof(*mute));
    struct server plain_to_tls = *s;
    plain_to_tls.plain = s->tls; /* says nothing in a handshake */
    client_plain(mute, &plain_to_tls);
    client_send_z(slow, "GET /word HTTP/1.1\r\nHost");
    long start = now_ms();
    struct client *c = plain(s);
    assert_int_equal(client_get(c, "/word", NULL), 2000);
    assert_true(now_ms() - start < 200);
    assert_true(client_is_ended(mute));
    assert_in_range(now_ms() - start, 300, 1500);
    assert_true(client_is_ended(slow));
    assert_in_range(now_ms() - start, 700, 2500);
    assert_true(server_counter(s, "handshake-timeout") >= 1);
    done(mute);
    done(slow);
    done(c);
    server_stop(s);
}

static void a_peer_that_does_not_read_holds_only_itself(void **state)
{
    (void)state;
    struct server *s = fresh();
    struct client *lazy = plain(s);
    for (int i = 0; i < 30; i++) {
        client_send_z(lazy, "GET /big HTTP/1.1\r\nHost: t\r\nX-M2M-RI: r\r\nX-M2M-RVI: 3\r\n\r\n");
    }
    (void)usleep(200000);
    struct client *c = plain(s);
    long start = now_ms();
    assert_int_equal(client_get(c, "/word", NULL), 2000);
    assert_true(now_ms() - start < 200);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(client_response(lazy, NULL), 2000);
    }
    done(lazy);
    done(c);
    server_stop(s);
}

static void connections_of_one_address_are_limited(void **state)
{
    (void)state;
    struct server s;
    server_start(&s, 1, "connections-per-peer = 3\n");
    struct client *c[4];
    for (size_t i = 0; i < 3; i++) {
        c[i] = plain(&s);
        assert_int_equal(client_get(c[i], "/word", NULL), 2000);
    }
    c[3] = plain(&s);
    assert_true(client_is_ended(c[3]));
    done(c[0]);
    (void)usleep(100000);
    done(c[3]);
    c[3] = plain(&s);
    assert_int_equal(client_get(c[3], "/word", NULL), 2000); /* a place became free */
    assert_int_equal(server_counter(&s, "connections_refused"), 1);
    for (size_t i = 1; i < 4; i++) {
        done(c[i]);
    }
    server_stop(&s);
}

/* -- handshakes ---------------------------------------------------------------------------------------------- */
static struct client *tls(const struct server *s, const char *identity, const char *key, int alert)
{
    struct client *c = malloc(sizeof(*c));
    assert_non_null(c);
    assert_int_equal(client_tls(c, s, identity, key), alert);
    return c;
}

static void a_key_opens_an_association(void **state)
{
    (void)state;
    struct server *s = fresh();
    struct client *c = tls(s, TINY_DEV, TINY_KEY, 0);
    char *body = NULL;
    assert_int_equal(client_get(c, "/word", NULL), 2000);
    assert_int_equal(client_get(c, "/big", &body), 2000);
    assert_int_equal(strlen(body), 300010);
    assert_int_equal(client_post_note(c, "t"), 2001);
    assert_int_equal(client_get(c, "/key", NULL), 4103); /* for certificates only */
    done(c);
    done(tls(s, TINY_DEV, "a wrong key, made up for this", 51));
    done(tls(s, "nobody@" TINY_FQDN, TINY_KEY, 115));
    server_stop(s);
}

static void a_long_pipeline_over_tls_waits_for_the_writer(void **state)
{
    (void)state;
    enum { MANY = 1200 };
    struct server *s = fresh();
    struct client *c = tls(s, TINY_DEV, TINY_KEY, 0);
    for (int i = 0; i < MANY; i++) {
        char text[512];
        char content[64];
        (void)snprintf(content, sizeof(content), "{\"n\":{\"name\":\"l%d\"}}", i);
        (void)snprintf(text, sizeof(text),
                       "POST /note HTTP/1.1\r\nHost: t\r\nX-M2M-RI: a\r\nX-M2M-RVI: 3\r\n"
                       "Content-Type: application/json;ty=3\r\nContent-Length: %zu\r\n\r\n%s",
                       strlen(content), content);
        client_send_z(c, text);
    }
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(client_response(c, NULL), 2001);
    }
    done(c);
    server_stop(s);
}

/* CHOICE-10 */
static void a_session_gives_one_export(void **state)
{
    (void)state;
    static const char post[] = "POST /export HTTP/1.1\r\nHost: t\r\nX-M2M-RI: r\r\nX-M2M-RVI: 3\r\n"
                               "Content-Type: application/json;ty=4\r\nContent-Length: 2\r\n\r\n{}";
    struct server *s = fresh();
    struct client *c = tls(s, TINY_DEV, TINY_KEY, 0);
    char *body = NULL;
    client_send_z(c, post);
    assert_int_equal(client_response(c, NULL), 2001);
    client_send_z(c, post);
    assert_int_equal(client_response(c, &body), 4105);
    assert_non_null(strstr(body, "export-used"));
    done(c);
    c = tls(s, TINY_DEV, TINY_KEY, 0);
    client_send_z(c, post);
    assert_int_equal(client_response(c, NULL), 2001);
    done(c);
    server_stop(s);
}

static void the_last_flight_waits_for_the_commit(void **state)
{
    (void)state;
    struct server *s = fresh();
    struct client *c = tls(s, TINY_KEEP, TINY_KEY, 0);
    assert_int_equal(client_get(c, "/note/kept", NULL), 2000);
    done(c);
    done(tls(s, TINY_FAIL, TINY_KEY, 80));
    assert_int_equal(server_counter(s, "store-full"), 1);
    server_stop(s);
}

static void a_key_is_fetched_in_the_middle_of_the_handshake(void **state)
{
    (void)state;
    struct server *s = fresh();
    struct client *c = tls(s, TINY_ASK, TINY_KEY, 0); /* the server asks itself, over mutual TLS */
    assert_int_equal(client_get(c, "/note/asked", NULL), 2000);
    done(c);
    assert_int_equal(server_counter(s, "fetches"), 1);
    done(tls(s, TINY_ASK_FOREIGN, TINY_KEY, 115)); /* not configured: never asked */
    assert_int_equal(server_counter(s, "fetches"), 1);
    server_stop(s);
}

struct asking {
    const struct server *s;
    int alert;
    long took;
};

static void *ask_dead(void *arg)
{
    struct asking *a = arg;
    struct client *c = malloc(sizeof(*c));
    long start = now_ms();
    a->alert = client_tls(c, a->s, TINY_ASK_DEAD, TINY_KEY);
    a->took = now_ms() - start;
    done(c);
    return NULL;
}

static void a_dead_authority_delays_only_who_waits_for_it(void **state)
{
    (void)state;
    struct server s;
    server_start(&s, workers, "fetch-time = 700ms\nhandshake-time = 3s\n");
    struct asking a[1] = {{.s = &s}};
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, ask_dead, a), 0);
    (void)usleep(200000);
    struct client *c = plain(&s);
    long start = now_ms();
    assert_int_equal(client_get(c, "/word", NULL), 2000);
    assert_int_equal(client_post_note(c, "meanwhile"), 2001);
    assert_true(now_ms() - start < 300);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_int_equal(a[0].alert, 80);
    assert_in_range(a[0].took, 500, 2000);
    done(c);
    server_stop(&s);
}

static void one_question_serves_all_who_ask_it(void **state)
{
    (void)state;
    struct server s;
    server_start(&s, 1, "fetch-time = 700ms\nhandshake-time = 3s\nwaiting-per-peer = 3\n");
    struct asking a[4] = {{.s = &s}, {.s = &s}, {.s = &s}, {.s = &s}};
    pthread_t t[3];
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        assert_int_equal(pthread_create(&t[i], NULL, ask_dead, &a[i]), 0);
    }
    (void)usleep(200000);
    (void)ask_dead(&a[3]); /* one more than may wait for that peer */
    assert_int_equal(a[3].alert, 80);
    assert_true(a[3].took < 300);
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
        assert_int_equal(a[i].alert, 80);
    }
    (void)ask_dead(&a[3]); /* remembered for a second: no question, no wait */
    assert_true(a[3].took < 300);
    assert_int_equal(server_counter(&s, "fetches"), 1);
    assert_int_equal(server_counter(&s, "fetches_joined"), 2);
    assert_int_equal(server_counter(&s, "busy"), 1);
    assert_int_equal(server_counter(&s, "waiting_now"), 0);
    server_stop(&s);
}

static void who_fills_all_places_with_handshakes_loses_them(void **state)
{
    (void)state;
    struct server s;
    server_start(&s, 1, "connections = 5\nhandshake-time = 30s\n");
    struct server to_tls = s;
    to_tls.plain = s.tls;
    struct client *mute[5];
    for (size_t i = 0; i < ARRAY_LEN(mute); i++) {
        mute[i] = plain(&to_tls);
    }
    (void)usleep(100000);
    struct client *c = plain(&s);
    assert_int_equal(client_get(c, "/word", NULL), 2000);
    assert_true(client_is_ended(mute[0]));
    for (size_t i = 0; i < ARRAY_LEN(mute); i++) {
        done(mute[i]);
    }
    done(c);
    server_stop(&s);
}

/* -- what lasts ---------------------------------------------------------------------------------------------- */
static void a_full_disk_fails_the_request_and_nothing_else(void **state)
{
    (void)state;
    struct server *s = fresh();
    struct client *c = plain(s);
    assert_int_equal(client_post_note(c, "before"), 2001);
    pid_t writer = server_process(s, true);
    struct rlimit old;
    const struct rlimit tiny = {4096, RLIM_INFINITY};
    assert_int_equal(prlimit(writer, RLIMIT_FSIZE, &tiny, &old), 0);
    assert_int_equal(client_post_note(c, "full"), 5000);
    assert_int_equal(client_get(c, "/word", NULL), 2000); /* reads go on */
    assert_int_equal(client_get(c, "/note/full", NULL), 4004);
    done(tls(s, TINY_KEEP, TINY_KEY, 80)); /* not acknowledged */
    assert_int_equal(prlimit(writer, RLIMIT_FSIZE, &old, NULL), 0);
    assert_int_equal(client_post_note(c, "full"), 2001);
    assert_int_equal(client_get(c, "/note/full", NULL), 2000);
    done(c);
    server_stop(s);
}

static void what_was_acknowledged_survives_kills(void **state)
{
    (void)state;
    struct server *s = fresh();
    char name[32];
    bool acknowledged[300] = {false};
    size_t kills = 0;
    struct client *c = plain(s);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof(name), "k%d", i);
        int rsc = client_post_note(c, name);
        acknowledged[i] = rsc == 2001;
        if (rsc == -1) { /* no answer: nobody promised anything */
            done(c);
            c = plain(s);
        }
        if (i % 60 == 30) {
            assert_int_equal(kill(server_process(s, i % 120 == 30 || workers == 1), SIGKILL), 0);
            kills++;
        }
    }
    assert_int_equal(kills, 5);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof(name), "/note/k%d", i);
        int rsc = client_get(c, name, NULL);
        if (rsc == -1) {
            done(c);
            c = plain(s);
            rsc = client_get(c, name, NULL);
        }
        assert_true(rsc == 2000 || (rsc == 4004 && !acknowledged[i]));
    }
    done(c);
    json_t *v = server_ctl(s, "{\"noun\":\"audit\",\"verb\":\"verify\"}\n");
    assert_true(json_is_true(json_object_get(v, "ok")));
    json_decref(v);
    server_stop(s);
}

/* -- operator ------------------------------------------------------------------------------------------------ */
static bool ctl_ok(const struct server *s, const char *line, const char *code)
{
    json_t *v = server_ctl(s, line);
    bool ok = json_is_true(json_object_get(v, "ok"));
    if (!ok) {
        assert_string_equal(json_string_value(json_object_get(v, "code")), code == NULL ? "" : code);
    }
    json_decref(v);
    return ok;
}

static void commands_run_in_the_writer(void **state)
{
    (void)state;
    struct server *s = fresh();
    assert_true(ctl_ok(s, "{\"noun\":\"note\",\"verb\":\"add\",\"args\":{\"name\":\"c\"}}\n", NULL));
    assert_false(ctl_ok(s, "{\"noun\":\"note\",\"verb\":\"add\",\"args\":{\"name\":\"c\"}}\n", "name-conflict"));
    assert_true(ctl_ok(s, "{\"noun\":\"note\",\"verb\":\"show\",\"args\":{\"name\":\"c\"}}\n", NULL));
    assert_false(ctl_ok(s, "{\"noun\":\"note\",\"verb\":\"show\",\"args\":{\"name\":\"d\"}}\n", "not-found"));
    assert_false(ctl_ok(s, "{\"noun\":\"note\",\"verb\":\"eat\",\"args\":{}}\n", "usage"));
    assert_false(ctl_ok(s, "nonsense\n", "json-malformed"));
    assert_true(ctl_ok(s, "{\"noun\":\"audit\",\"verb\":\"tail\",\"args\":{\"limit\":\"5\"}}\n", NULL));
    assert_true(ctl_ok(s, "{\"noun\":\"audit\",\"verb\":\"verify\"}\n", NULL));
    struct client *c = plain(s);
    assert_int_equal(client_get(c, "/note/c", NULL), 2000);
    done(c);
    char line[PATH_MAX + 128];
    char file[PATH_MAX];
    (void)snprintf(line, sizeof(line), "{\"noun\":\"backup\",\"verb\":\"\",\"args\":{\"to\":\"%s\"}}\n",
                   scratch_path(&s->scratch, "copy.db", file));
    assert_true(ctl_ok(s, line, NULL));
    assert_false(ctl_ok(s, line, "name-conflict")); /* never over an existing file */
    server_stop(s);
}

static void an_audited_refusal_leaves_its_event(void **state)
{
    (void)state;
    struct server *s = fresh();
    struct client *c = tls(s, TINY_DEV, TINY_KEY, 0);
    char *body = NULL;
    assert_int_equal(client_get(c, "/denied", &body), 4103);
    assert_null(strstr(body, "half an answer"));
    done(c);
    json_t *v = server_ctl(s, "{\"noun\":\"audit\",\"verb\":\"tail\",\"args\":{\"limit\":\"1\"}}\n");
    const json_t *e = json_array_get(json_object_get(json_object_get(v, "result"), "events"), 0);
    assert_string_equal(json_string_value(json_object_get(e, "event")), "refused");
    assert_string_equal(json_string_value(json_object_get(e, "outcome")), "no-privilege");
    assert_string_equal(json_string_value(json_object_get(e, "peer")), TINY_DEV);
    assert_string_equal(json_string_value(json_object_get(e, "object")), "/denied");
    assert_int_equal(strlen(json_string_value(json_object_get(e, "association"))), ASSOCIATION_ID_LEN);
    json_decref(v);
    server_stop(s);
}

static void wait_for_word(const struct server *s, const char *word)
{
    char want[64];
    (void)snprintf(want, sizeof(want), "{\"word\":\"%s\"}", word);
    for (int i = 0; i < 100; i++) {
        struct client *c = plain(s);
        char *body = NULL;
        int rsc = client_get(c, "/word", &body);
        bool same = rsc == 2000 && strcmp(body, want) == 0;
        done(c);
        if (same) {
            return;
        }
        (void)usleep(20000);
    }
    fail_msg("the new configuration did not come: %s", word);
}

static void a_reload_takes_a_good_file_and_refuses_a_bad_one(void **state)
{
    (void)state;
    struct server *s = fresh();
    struct client *kept = plain(s);
    assert_int_equal(client_get(kept, "/word", NULL), 2000);
    server_conf(s, "two", SERVER_LIMITS, "");
    assert_true(ctl_ok(s, "{\"noun\":\"reload\",\"verb\":\"\"}\n", NULL));
    wait_for_word(s, "two");
    assert_true(client_is_ended(kept)); /* an idle connection of the generation before */
    done(kept);
    server_conf(s, "three", SERVER_LIMITS, "[tiny]\nnonsense = 1\n");
    assert_false(ctl_ok(s, "{\"noun\":\"reload\",\"verb\":\"\"}\n", "config"));
    struct client *c = plain(s);
    char *body = NULL;
    assert_int_equal(client_get(c, "/word", &body), 2000);
    assert_string_equal(body, "{\"word\":\"two\"}");
    assert_int_equal(client_post_note(c, "after"), 2001);
    done(c);
    server_conf(s, "four", SERVER_LIMITS, "");
    assert_int_equal(kill(s->pid, SIGHUP), 0);
    wait_for_word(s, "four");
    server_stop(s);
}

static void nothing_survives_the_supervisor(void **state)
{
    (void)state;
    struct server *s = fresh();
    pid_t child = server_process(s, true);
    int status = 0;
    assert_int_equal(kill(s->pid, SIGKILL), 0);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    for (int i = 0; i < 100 && kill(child, 0) == 0; i++) {
        (void)usleep(20000);
    }
    char file[64];
    char state_of[256] = "";
    (void)snprintf(file, sizeof(file), "/proc/%ld/stat", (long)child);
    FILE *f = fopen(file, "r"); /* where nobody reaps orphans it stays as a zombie */
    if (f != NULL) {
        assert_non_null(fgets(state_of, sizeof(state_of), f));
        assert_non_null(strstr(state_of, ") Z"));
        assert_int_equal(fclose(f), 0);
    }
    (void)close(s->dead);
    scratch_remove(&s->scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_on_one_connection),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(octets_that_come_singly_make_a_request),
        cmocka_unit_test(garbage_gets_one_answer_and_the_end),
        cmocka_unit_test(a_slow_stranger_is_cut_and_costs_nobody_else),
        cmocka_unit_test(a_peer_that_does_not_read_holds_only_itself),
        cmocka_unit_test(connections_of_one_address_are_limited),
        cmocka_unit_test(a_key_opens_an_association),
        cmocka_unit_test(a_long_pipeline_over_tls_waits_for_the_writer),
        cmocka_unit_test(a_session_gives_one_export),
        cmocka_unit_test(the_last_flight_waits_for_the_commit),
        cmocka_unit_test(a_key_is_fetched_in_the_middle_of_the_handshake),
        cmocka_unit_test(a_dead_authority_delays_only_who_waits_for_it),
        cmocka_unit_test(one_question_serves_all_who_ask_it),
        cmocka_unit_test(who_fills_all_places_with_handshakes_loses_them),
        cmocka_unit_test(a_full_disk_fails_the_request_and_nothing_else),
        cmocka_unit_test(what_was_acknowledged_survives_kills),
        cmocka_unit_test(commands_run_in_the_writer),
        cmocka_unit_test(an_audited_refusal_leaves_its_event),
        cmocka_unit_test(a_reload_takes_a_good_file_and_refuses_a_bad_one),
        cmocka_unit_test(nothing_survives_the_supervisor),
    };
    workers = 1;
    int failed = cmocka_run_group_tests_name("serve: one process", tests, NULL, NULL);
    workers = 2;
    return failed + cmocka_run_group_tests_name("serve: two workers and a writer", tests, NULL, NULL);
}
