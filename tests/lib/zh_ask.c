/*
 * zh_ask HOST PORT MILLISECONDS, or zh_ask PROGRAM FILE MILLISECONDS REALM for Diameter: asks through shell/zh.h, as its orders on
 * stdin say, one a line:
 *     ask TOKEN IMPI [RAND AUTS [SECONDS]]      answered later by "TOKEN ok rand=.. autn=.. res=.. ck=.. ik=.." or "TOKEN reason-code"
 *     is-up TOKEN
 * The end of stdin ends it; its last line tells the longest time for which the loop did nothing: `longest MILLISECONDS`.
 */
#include "base/hex.h"
#include "shell/zh.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICK = 5, TOKEN_MAX = 32 };

static struct zh *zh;
static uv_pipe_t in;
static uv_timer_t tick;
static uint64_t ticked, longest;

static void hex(const char *name, struct bytes b)
{
    char z[512];
    struct writer w = WRITER_ARRAY(z);
    hex_write_lower(&w, b);
    if (writer_finish_z(&w) == ERR_OK) {
        printf(" %s=%s", name, z);
    }
}

static void answered(void *owner, const struct zh_answer *a)
{
    const struct aka_vector *v = a->vector;
    printf("%s %s", (char *)owner, a->err == ERR_OK ? "ok" : err_code(a->err));
    free(owner);
    if (v != NULL) {
        hex("rand", BYTES_ARRAY(v->rand.b));
        hex("autn", BYTES_ARRAY(v->autn.b));
        hex("res", secret_view(&v->xres.s));
        hex("ck", secret_view(&v->ck.s));
        hex("ik", secret_view(&v->ik.s));
        if (a->guss.n > 0) {
            hex("guss", a->guss);
        }
    }
    puts("");
}

static bool octets(const char *z, uint8_t *out, size_t n)
{
    struct writer w = writer_of(out, n);
    return hex_parse(text_of(z), &w) == ERR_OK && w.n == n;
}

static void ask(char *const word[])
{
    const char *token = word[1], *rand = word[3], *auts = word[4];
    struct zh_resync r;
    struct zh_question q = {.impi = text_of(word[2]), .guss_made = word[5] == NULL ? 0 : strtoll(word[5], NULL, 10) * USEC_PER_SEC};
    if (rand != NULL && auts != NULL) {
        q.resync = octets(rand, r.rand.b, sizeof(r.rand.b)) && octets(auts, r.auts.b, sizeof(r.auts.b)) ? &r : NULL;
    }
    char *owner = strdup(token);
    err_t e = owner == NULL ? ERR_BUG : zh_ask(zh, &q, answered, owner);
    if (e != ERR_OK) {
        printf("%s %s\n", token, err_code(e));
        free(owner);
    }
}

static void order(char *line)
{
    char *word[6] = {NULL}, *save = NULL;
    size_t n = 0;
    for (char *w = strtok_r(line, " \n", &save); w != NULL && n < ARRAY_LEN(word); w = strtok_r(NULL, " \n", &save)) {
        word[n++] = w;
    }
    if (n >= 3 && strcmp(word[0], "ask") == 0) {
        ask(word);
    } else if (n == 2 && strcmp(word[0], "is-up") == 0) {
        printf("%s %s\n", word[1], zh_is_up(zh) ? "yes" : "no");
    }
}

static void room(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
    static char b[65536];
    (void)h;
    (void)hint;
    *buf = uv_buf_init(b, sizeof(b));
}

static void read_orders(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    static char lines[65536];
    static size_t kept;
    if (n < 0) {
        zh_free(zh);
        uv_close((uv_handle_t *)s, NULL);
        uv_close((uv_handle_t *)&tick, NULL);
        return;
    }
    if (kept + (size_t)n >= sizeof(lines)) {
        abort();
    }
    memcpy(lines + kept, buf->base, (size_t)n);
    kept += (size_t)n;
    for (char *end; (end = memchr(lines, '\n', kept)) != NULL;) {
        *end++ = '\0';
        order(lines);
        kept -= (size_t)(end - lines);
        memmove(lines, end, kept);
    }
}

static void ticks(uv_timer_t *t)
{
    uint64_t now = uv_hrtime();
    (void)t;
    longest = ticked != 0 && now - ticked > longest ? now - ticked : longest;
    ticked = now;
}

static err_t configure(int argc, char **argv, struct zh_conf *c)
{
    c->answer = (usec_t)atoi(argv[3]) * 1000;
    c->protocol = argc == 5 ? ZH_DIAMETER : ZH_GSUP;
    if (c->protocol == ZH_GSUP) {
        c->port = (uint16_t)atoi(argv[2]);
        return TEXT_COPY(text_of(argv[1]), c->host);
    }
    TRY(TEXT_COPY(text_of(argv[1]), c->program));
    TRY(TEXT_COPY(text_of(argv[2]), c->file));
    return TEXT_COPY(text_of(argv[4]), c->realm);
}

int main(int argc, char **argv)
{
    static struct zh_conf conf = {.name = "keystead-test"};
    uv_loop_t loop;
    if (argc < 4 || argc > 5 || configure(argc, argv, &conf) != ERR_OK || uv_loop_init(&loop) != 0) {
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* as the server does: a process that is gone is an error of the write */
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (zh_new(&loop, &conf, &zh) != ERR_OK || uv_pipe_init(&loop, &in, 0) != 0 || uv_pipe_open(&in, 0) != 0 ||
        uv_read_start((uv_stream_t *)&in, room, read_orders) != 0 || uv_timer_init(&loop, &tick) != 0 ||
        uv_timer_start(&tick, ticks, TICK, TICK) != 0) {
        return 4;
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    printf("longest %llu\n", (unsigned long long)(longest / 1000000));
    return uv_loop_close(&loop) == 0 ? 0 : 5; /* 5: a handle is still there */
}
