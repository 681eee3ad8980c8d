/*
 * keystead demo: MEF, MAF, IN-CSE and BSF as separate processes from a fresh `init`, one journey, and the refusals. Every
 * step is a command that a person could type; the arrows are drawn from what the audit chains say happened.
 */
#include "cli/cli.h"
#include "cli/demo_story.h"
#include "cli/ladder_arrows.h"
#include "wire/json.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern const struct cli_command cmd_demo;

enum { SERVERS = 5, PATH_CAP = 512, ARG_CAP = 1024, EVENTS_MAX = 64, TAIL = 40, LOG_WAITS = 40 };

static const char *const server_names[SERVERS] = {"mef", "maf", "cse", "bsf", "mn"};
static const enum ladder_line server_lines[SERVERS] = {LADDER_MEF, LADDER_MAF, LADDER_CSE, LADDER_BSF, LADDER_MN};

struct outcome {
    char got[64];
    bool good;
    double ms;
};

struct demo {
    const struct cli_args *a;
    char dir[PATH_CAP];
    char sp[256];
    char address[SERVERS][280];
    pid_t pid[SERVERS];
    json_int_t seen[SERVERS]; /* number of the last audit event drawn */
    struct timespec written[SERVERS]; /* when its store was, at the last look */
    char ub[280]; /* where the BSF answers devices */
    struct outcome done[80];
    char detail[1024];
};

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static err_t fail(struct demo *d, err_t e, const char *what)
{
    (void)snprintf(d->detail, sizeof(d->detail), "%s", what);
    return e;
}

/* -- words with {variables} ------------------------------------------------------------------------------- */
static const char *variable(const struct demo *d, struct text name)
{
    const struct {
        const char *name, *value;
    } rows[] = {{"dir", d->dir}, {"sp", d->sp}, {"mef", d->address[0]}, {"maf", d->address[1]}, {"cse", d->address[2]},
                {"mn", d->address[4]}, {"ub", d->ub}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (text_eq_z(name, rows[i].name)) {
            return rows[i].value;
        }
    }
    return NULL;
}

/* Braces that name no variable stay: JSON has them too. */
static err_t expand(const struct demo *d, const char *pattern, char out[static ARG_CAP])
{
    struct writer w = writer_of(out, ARG_CAP);
    struct text rest = text_of(pattern);
    while (rest.n > 0) {
        size_t close = text_find(rest, '}');
        const char *value = rest.p[0] == '{' && close < rest.n ? variable(d, text_span(rest.p + 1, close - 1)) : NULL;
        if (value != NULL) {
            writer_z(&w, value);
            rest = text_skip(rest, close + 1);
        } else {
            writer_text(&w, text_take(rest, 1));
            rest = text_skip(rest, 1);
        }
    }
    return writer_finish_z(&w);
}

static err_t run_expanded(const struct demo *d, const char *const *argv, struct demo_proc_result *out)
{
    static char words[DEMO_PROC_ARGS_MAX][ARG_CAP];
    const char *full[DEMO_PROC_ARGS_MAX + 1] = {NULL};
    size_t n = 0;
    for (; argv[n] != NULL && n < DEMO_PROC_ARGS_MAX - 1; n++) {
        TRY(expand(d, argv[n], words[n]));
        full[n] = words[n];
    }
    full[n] = "--json";
    return demo_proc_run(full, out);
}

/* -- a fresh lab ------------------------------------------------------------------------------------------ */
static err_t sim_files(struct demo *d)
{
    for (size_t i = 0; i < demo_story_sims_n; i++) {
        const struct demo_story_sim *sim = &demo_story_sims[i];
        char file[PATH_CAP + 32], text[512], key[33] = {0};
        (void)snprintf(file, sizeof(file), "%s/%s", d->dir, sim->file);
        memset(key, sim->digit, sizeof(key) - 1);
        int n = snprintf(text, sizeof(text), "# keystead software SIM\nimpi = %s\nkind = milenage\nk = %s\nopc = %s\ngba = %s\n",
                         sim->impi, key, key, sim->gba);
        int fd = open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        bool good = fd >= 0 && n > 0 && (size_t)n < sizeof(text) && write(fd, text, (size_t)n) == n;
        if (fd >= 0) {
            (void)close(fd);
        }
        if (!good) {
            return fail(d, ERR_IO, file);
        }
    }
    return ERR_OK;
}

static err_t key_files(struct demo *d)
{
    for (size_t i = 0; i < demo_story_keys_n; i++) {
        char file[PATH_CAP + 32];
        char hex[66];
        (void)snprintf(file, sizeof(file), "%s/%s", d->dir, demo_story_keys[i].file);
        memset(hex, demo_story_keys[i].digit, 64);
        hex[64] = '\n';
        int fd = open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        bool good = fd >= 0 && write(fd, hex, 65) == 65;
        if (fd >= 0) {
            (void)close(fd);
        }
        if (!good) {
            return fail(d, ERR_IO, file);
        }
    }
    return ERR_OK;
}

static err_t init(struct demo *d)
{
    static const char *const argv[] = {"init", "{dir}", "--gba", "--mn", "--port-base", "0", NULL};
    SCOPED(demo_proc_result_free) struct demo_proc_result r = {0};
    TRY(run_expanded(d, argv, &r));
    if (r.code != 0 || r.json == NULL) {
        return fail(d, ERR_BUG, r.text);
    }
    TRY(TEXT_COPY(json_get_text(r.json, "sp"), d->sp));
    for (size_t i = 0; i < SERVERS; i++) {
        char member[16];
        (void)snprintf(member, sizeof(member), "%s_address", server_names[i]);
        TRY(TEXT_COPY(json_get_text(r.json, member), d->address[i]));
    }
    TRY(TEXT_COPY(json_get_text(r.json, "bsf_plain"), d->ub));
    TRY(key_files(d));
    return sim_files(d);
}

static err_t start(struct demo *d)
{
    for (size_t i = 0; i < SERVERS; i++) {
        char conf[PATH_CAP + 32], log[PATH_CAP + 32];
        (void)snprintf(conf, sizeof(conf), "%s/%s.conf", d->dir, server_names[i]);
        (void)snprintf(log, sizeof(log), "%s/%s.log", d->dir, server_names[i]);
        err_t e = demo_proc_serve(conf, log, &d->pid[i]);
        if (e != ERR_OK) {
            return fail(d, e, log);
        }
    }
    return ERR_OK;
}

static void stop(struct demo *d)
{
    for (size_t i = 0; i < SERVERS; i++) {
        demo_proc_stop(d->pid[i]);
        d->pid[i] = 0;
    }
}

static void remove_dir(const char *dir)
{
    DIR *at = opendir(dir);
    if (at == NULL) {
        return;
    }
    for (struct dirent *f = readdir(at); f != NULL; f = readdir(at)) {
        char name[PATH_CAP + 260];
        if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0) {
            continue;
        }
        (void)snprintf(name, sizeof(name), "%s/%s", dir, f->d_name);
        if (unlink(name) != 0) {
            remove_dir(name); /* a device's state is a directory, two levels at most */
        }
    }
    (void)closedir(at);
    (void)rmdir(dir);
}

/* -- what the audit chains say ------------------------------------------------------------------------------ */
struct fresh_events {
    const char *code[EVENTS_MAX];
    enum ladder_line at[EVENTS_MAX]; /* whose chain it stands in */
    size_t n;
    json_t *kept[SERVERS];
};

static void events_free(struct fresh_events *f)
{
    for (size_t i = 0; i < SERVERS; i++) {
        json_decref(f->kept[i]);
    }
}

static err_t events_of(struct demo *d, size_t server, struct fresh_events *f)
{
    char limit[8], conf[64];
    (void)snprintf(limit, sizeof(limit), "%d", TAIL);
    (void)snprintf(conf, sizeof(conf), "{dir}/%s.conf", server_names[server]);
    const char *argv[] = {"ctl", "-c", conf, "audit", "tail", "--limit", limit, NULL};
    SCOPED(demo_proc_result_free) struct demo_proc_result r = {0};
    TRY(run_expanded(d, argv, &r));
    const json_t *events = json_object_get(r.json, "events");
    if (r.code != 0 || !json_is_array(events)) {
        return fail(d, ERR_BUG, r.text);
    }
    f->kept[server] = json_incref(r.json);
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *e = json_array_get(events, i);
        json_int_t number = json_integer_value(json_object_get(e, "number"));
        if (number > d->seen[server] && f->n < EVENTS_MAX) {
            f->at[f->n] = server_lines[server];
            f->code[f->n++] = json_string_value(json_object_get(e, "event"));
            d->seen[server] = number;
        }
    }
    return ERR_OK;
}

static void draw(const struct ladder_item *item)
{
    const struct ladder_columns all = ladder_columns_all();
    ladder_text_item(stdout, &all, item);
}

static void put(enum ladder_shape shape, enum ladder_line from, enum ladder_line to, const char *text, const char *clause)
{
    draw(&(struct ladder_item){shape, from, to, false, text, clause});
}

/* What an operator does, and what is refused, has its arrow from the step; here the server says that it was done. */
/* What the rows say of a CSE is meant of the one in whose chain the event stands. */
static enum ladder_line line_of(enum ladder_line l, const struct ladder_arrow *row, enum ladder_line here)
{
    return l == LADDER_PEER ? row->peer : l == LADDER_CSE && here == LADDER_MN ? here : l;
}

static void draw_event(const struct ladder_arrow *row, enum ladder_line here)
{
    enum ladder_line from = line_of(row->from, row, here);
    enum ladder_line to = row->to == LADDER_HERE ? here : line_of(row->to, row, here);
    if (from == LADDER_HERE || from == LADDER_OPERATOR || from == to || row->kind == AUDIT_REFUSED) {
        put(LADDER_NOTE, here, here, row->text, row->clause);
    } else {
        put(LADDER_ARROW, from, to, row->text, row->clause);
    }
}

/* A store that nothing was written to has no news: nobody is asked. */
static bool has_news(struct demo *d, size_t server)
{
    char log[PATH_CAP + 32];
    struct stat s;
    (void)snprintf(log, sizeof(log), "%s/%s.db-wal", d->dir, server_names[server]);
    bool known = stat(log, &s) == 0;
    bool same = known && s.st_mtim.tv_sec == d->written[server].tv_sec && s.st_mtim.tv_nsec == d->written[server].tv_nsec;
    d->written[server] = known ? s.st_mtim : d->written[server];
    return !same;
}

static err_t draw_events(struct demo *d, bool quiet)
{
    SCOPED(events_free) struct fresh_events f = {0};
    for (size_t i = 0; i < SERVERS; i++) {
        TRY(has_news(d, i) ? events_of(d, i, &f) : ERR_OK);
    }
    for (size_t k = 0; k < ladder_arrows_n && !quiet; k++) { /* cause before effect: the order of the table */
        bool is_drawn = (ladder_arrows[k].flags & LADDER_ASIDE) == 0;
        for (size_t i = 0; i < f.n && is_drawn; i++) {
            if (f.code[i] != NULL && strcmp(f.code[i], audit_kind_info(ladder_arrows[k].kind)->code) == 0) {
                draw_event(&ladder_arrows[k], f.at[i]);
            }
        }
    }
    return ERR_OK;
}

/* -- steps -------------------------------------------------------------------------------------------------- */
static bool log_says(const struct demo *d, const char *server, const char *code)
{
    char file[PATH_CAP + 32], line[1024], want[80];
    (void)snprintf(file, sizeof(file), "%s/%s.log", d->dir, server);
    (void)snprintf(want, sizeof(want), "code=%s", code);
    for (int i = 0; i < LOG_WAITS; i++) {
        FILE *f = fopen(file, "re");
        bool found = false;
        while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
            found = strstr(line, want) != NULL;
        }
        if (f != NULL) {
            (void)fclose(f);
        }
        if (found) {
            return true;
        }
        (void)poll(NULL, 0, 25);
    }
    return false;
}

static void judge(const struct demo *d, const struct demo_story_step *s, const struct demo_proc_result *r, struct outcome *o)
{
    struct text code = json_get_text(r->json, "error");
    bool said = s->logged == NULL || log_says(d, s->server, s->logged);
    if (r->code == 0) {
        (void)snprintf(o->got, sizeof(o->got), "done");
    } else if (TEXT_COPY(code, o->got) != ERR_OK || code.n == 0) {
        (void)snprintf(o->got, sizeof(o->got), "exit %d", r->code);
    }
    bool as_expected = s->code == NULL ? r->code == 0 : r->code == CLI_REFUSED && text_eq_z(code, s->code);
    o->good = as_expected && said;
    if (as_expected && !said) {
        (void)snprintf(o->got, sizeof(o->got), "not logged at %s", s->server);
    }
}

static err_t take_step(struct demo *d, const struct demo_story_step *s, struct outcome *o)
{
    SCOPED(demo_proc_result_free) struct demo_proc_result r = {0};
    (void)poll(NULL, 0, (int)s->wait_ms);
    double began = now_ms();
    TRY(run_expanded(d, s->argv, &r));
    judge(d, s, &r, o);
    while (!o->good && now_ms() - began < s->patience_ms) {
        demo_proc_result_free(&r);
        (void)poll(NULL, 0, 50);
        TRY(run_expanded(d, s->argv, &r));
        judge(d, s, &r, o);
    }
    o->ms = now_ms() - began;
    if (!d->a->json) {
        draw(&(struct ladder_item){LADDER_ARROW, s->from, s->to, s->code != NULL, s->title, s->clause});
    }
    TRY(draw_events(d, d->a->json));
    if (!d->a->json && s->code != NULL) {
        char line[160];
        bool said = o->good && s->logged != NULL;
        (void)snprintf(line, sizeof(line), "refused: %s%s%s%s", o->got, said ? " (the server: " : "",
                       said ? s->logged : "", said ? ")" : "");
        put(LADDER_NOTE, LADDER_DEVICE, LADDER_DEVICE, line, "");
    }
    if (!o->good && !d->a->json) {
        (void)printf("%s\n", r.text);
    }
    return ERR_OK;
}

static err_t story(struct demo *d)
{
    for (size_t i = 0; i < demo_story_steps_n; i++) {
        const struct demo_story_step *s = &demo_story_steps[i];
        if (s->chapter != NULL && !d->a->json) {
            put(LADDER_TITLE, s->from, s->from, s->chapter, "");
        }
        TRY(take_step(d, s, &d->done[i]));
    }
    return ERR_OK;
}

/* -- the end ------------------------------------------------------------------------------------------------ */
static bool table(const struct demo *d, double seconds)
{
    bool good = true;
    json_t *steps = json_array();
    if (!d->a->json) {
        (void)printf("\n%-68s %-26s %-26s %8s\n", "step", "expected", "happened", "ms");
    }
    for (size_t i = 0; i < demo_story_steps_n; i++) {
        const struct demo_story_step *s = &demo_story_steps[i];
        const struct outcome *o = &d->done[i];
        const char *expected = s->code == NULL ? "done" : s->code;
        good = good && o->good;
        if (!d->a->json) {
            (void)printf("%-68s %-26s %-26s %8.0f%s\n", s->title, expected, o->got, o->ms, o->good ? "" : "  WRONG");
        }
        (void)json_array_append_new(steps, json_pack("{s:s,s:s,s:s,s:s,s:b,s:f}", "title", s->title, "clause", s->clause,
                                                     "expected", expected, "happened", o->got, "ok", (int)o->good, "ms",
                                                     o->ms));
    }
    if (d->a->json) {
        json_t *all = json_pack("{s:b,s:f,s:o}", "ok", (int)good, "seconds", seconds, "steps", steps);
        (void)json_dumpf(all, stdout, JSON_COMPACT);
        (void)putchar('\n');
        json_decref(all);
    } else {
        json_decref(steps);
        (void)printf("\n%s in %.1f s: %zu steps, each did %s.\n", good ? "Done" : "FAILED", seconds, demo_story_steps_n,
                     good ? "what it should" : "not what it should");
    }
    return good;
}

static err_t prepare(struct demo *d)
{
    const char *keep = cli_arg(d->a, "--keep");
    const char *tmp = getenv("TMPDIR");
    if (keep != NULL) {
        (void)snprintf(d->dir, sizeof(d->dir), "%s", keep);
        return ERR_OK;
    }
    (void)snprintf(d->dir, sizeof(d->dir), "%s/keystead-demo-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    return mkdtemp(d->dir) != NULL ? ERR_OK : fail(d, ERR_IO, d->dir);
}

static int demo(const struct cli_args *a)
{
    static struct demo d;
    bool good = false;
    double began = now_ms();
    d.a = a;
    err_t e = prepare(&d);
    e = e == ERR_OK ? init(&d) : e;
    e = e == ERR_OK ? start(&d) : e;
    if (e == ERR_OK && !a->json) {
        (void)printf("MEF %s, MAF %s, IN-CSE %s and BSF %s are running as separate processes.\n\n", d.address[0],
                     d.address[1], d.address[2], d.ub);
        const struct ladder_columns all = ladder_columns_all();
        ladder_text_head(stdout, &all);
    }
    e = e == ERR_OK ? story(&d) : e;
    stop(&d);
    if (e == ERR_OK) {
        good = table(&d, (now_ms() - began) / 1e3);
    }
    if (cli_arg(a, "--keep") == NULL && good) {
        remove_dir(d.dir);
    } else if (!a->json) {
        (void)printf("Everything is kept in %s.\n", d.dir);
    }
    return e != ERR_OK ? cli_fail(a, e, d.detail) : good ? CLI_DONE : CLI_REFUSED;
}

static const struct cli_opt opts[] = {{"--keep", 0, "directory to work in, and to keep"}};
static const struct cli_verb verbs[] = {
    {"", opts, ARRAY_LEN(opts), demo,
     "Runs MEF, MAF, IN-CSE and BSF as separate processes on loopback, walks one device through the whole journey, shows the "
     "refusals, and exits 0 only if each step did what it should.",
     "TS-0003 8"},
};
const struct cli_command cmd_demo = {"demo", verbs, ARRAY_LEN(verbs), "the whole story on loopback, real processes", NULL};
