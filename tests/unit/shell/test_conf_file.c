/* Configuration: every kind of fault with its line and reason, the nearest right word, and the snapshot. */
#include "shell/conf_file.h"

#include "shell/conf_doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A role that exists nowhere else, so that every type of value is met. */
static const struct conf_row toy_rows[] = {
    {"toy", "", CONF_TEXT, 0, NULL, 0, 0, NULL, "A toy."},
    {"toy", "fqdn", CONF_FQDN, CONF_REQUIRED, NULL, 0, 0, NULL, "Its name."},
    {"toy", "colour", CONF_CHOICE, 0, "green", 0, 0, "red|green|blue", "Its colour."},
    {"toy", "weight", CONF_NUMBER, 0, "7", 1, 100, NULL, "Its weight."},
    {"toy", "lifetime", CONF_DURATION, 0, "90d", USEC_PER_SEC, 365 * 86400 * USEC_PER_SEC, NULL, "How long."},
    {"toy", "sings", CONF_BOOL, 0, "off", 0, 0, NULL, "Whether."},
    {"toy", "label", CONF_TEXT, 0, NULL, 0, 12, NULL, "A label."},
    {"toy", "friends", CONF_FQDN, CONF_MANY, NULL, 0, 0, NULL, "Who."},
    {"toy", "at", CONF_ADDRESS, 0, NULL, 0, 0, NULL, "Where."},
    {"toy", "picture", CONF_FILE, 0, NULL, 0, 0, NULL, "A file."},
    {"toy", "secret", CONF_SECRET_FILE, 0, NULL, 0, 0, NULL, "A secret."},
    {"toy", "nest", CONF_PATH, 0, NULL, 0, 40, NULL, "A path."},
    {"room", "", CONF_FQDN, CONF_REPEATS, NULL, 0, 0, NULL, "A room."},
    {"room", "door", CONF_NUMBER, CONF_REPEATS | CONF_REQUIRED, NULL, 0, 9, NULL, "A door."},
    {"room", "window", CONF_NUMBER, CONF_REPEATS, "3", 0, 9, NULL, "A window."},
    {"twin", "", CONF_TEXT, CONF_INSTANCES, NULL, 0, 8, NULL, "A twin."},
    {"twin", "coat", CONF_NUMBER, 0, NULL, 0, 9, NULL, "A coat."},
    {"twin", "hat", CONF_NUMBER, 0, "5", 0, 9, NULL, "A hat."},
};
static const struct conf_schema toy = {toy_rows, ARRAY_LEN(toy_rows)};

static char dir[] = "/tmp/keystead-conf-XXXXXX";

static void touch(const char *name, mode_t mode, const char *content)
{
    char file[256];
    (void)snprintf(file, sizeof(file), "%s/%s", dir, name);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    assert_true(fputs(content, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(file, mode), 0);
}

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    touch("open.txt", 0644, "x");
    touch("shut.txt", 0600, "x");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char cmd[300];
    (void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
    return system(cmd);
}

/* -- faults ---------------------------------------------------------------------------------------- */
struct fault_case {
    const char *content;
    int line;
    const char *reason; /* part of the text */
};

static const struct fault_case fault_cases[] = {
    {"[toy]\nfqdn = a.example\n[tyo]\nx = 1\n", 3, "unknown section [tyo]; did you mean [toy]?"},
    {"[toy]\nfqdn = a.example\n[elephant]\n", 3, "unknown section [elephant]"},
    {"[toy]\nfqdn = a.example\n\n# c\nwieght = 5\n", 5, "unknown key \"wieght\" in [toy]; did you mean \"weight\"?"},
    {"[toy]\nfqdn = a.example\ndoor = 5\n", 3, "unknown key \"door\" in [toy]; it belongs in [room]"},
    {"[toy]\nfqdn = a.example\nxylophone-of-doom = 5\n", 3, "unknown key \"xylophone-of-doom\" in [toy]"},
    {"[toy]\nfqdn = a.example\nfqdn = b.example\n", 3, "stands twice in [toy] (first on line 2)"},
    {"[toy]\nfqdn = a.example\n[toy]\nweight = 5\n", 3, "stands twice (first on line 1)"},
    {"[room a.example]\ndoor = 1\n[room A.example]\ndoor = 2\n[toy]\nfqdn = a.example\n", 3, "stands twice"},
    {"[toy]\nfqdn = a.example\n[twin b]\nhat = 1\n[twin B]\n", 5, "stands twice"},
    {"[toy]\nfqdn = a.example\n[twin nine-long]\n", 3, "[twin ...]"},
    {"[toy b]\nfqdn = a.example\n", 1, "takes no name"},
    {"[toy]\nfqdn = a.example\nweight = 101\n", 3, "[toy] weight: 101 is outside 1 to 100"},
    {"[toy]\nfqdn = a.example\nweight = 0\n", 3, "0 is outside 1 to 100"},
    {"[toy]\nfqdn = a.example\nweight = -4\n", 3, "\"-4\" is not a number"},
    {"[toy]\nfqdn = a.example\nweight = 99999999999999999999\n", 3, "is not a number"},
    {"[toy]\nfqdn = a.example\nweight = seven\n", 3, "\"seven\" is not a number"},
    {"[toy]\nfqdn = a.example\nweight =\n", 3, "no value is given"},
    {"[toy]\nfqdn = a_b.example\n", 2, "[toy] fqdn: \"a_b.example\" is not a host name"},
    {"[toy]\nfqdn = -a.example\n", 2, "is not a host name"},
    {"[toy]\nfqdn = a..example\n", 2, "is not a host name"},
    {"[toy]\nfqdn = a.example\nlifetime = 5 s\n", 3, "is not a duration"},
    {"[toy]\nfqdn = a.example\nlifetime = 5\n", 3, "is not a duration"},
    {"[toy]\nfqdn = a.example\nlifetime = 5w\n", 3, "is not a duration"},
    {"[toy]\nfqdn = a.example\nlifetime = d\n", 3, "is not a duration"},
    {"[toy]\nfqdn = a.example\nlifetime = 9223372036854775807d\n", 3, "is not a duration"},
    {"[toy]\nfqdn = a.example\nlifetime = 500ms\n", 3, "500ms is outside 1s to 365d"},
    {"[toy]\nfqdn = a.example\nsings = yes\n", 3, "\"yes\" is neither on nor off"},
    {"[toy]\nfqdn = a.example\ncolour = gren\n", 3, "\"gren\" is none of red|green|blue; did you mean \"green\"?"},
    {"[toy]\nfqdn = a.example\ncolour = heliotrope\n", 3, "is none of red|green|blue"},
    {"[toy]\nfqdn = a.example\nlabel = thirteenchars\n", 3, "13 octets are more than the 12 allowed"},
    {"[toy]\nfqdn = a.example\nlabel = a\tb\n", 3, "control character"},
    {"[toy]\nfqdn = a.example\nfriends = a.example,,b.example\n", 3, "empty element"},
    {"[toy]\nfqdn = a.example\nfriends = a.example, b_c\n", 3, "\"b_c\" is not a host name"},
    {"[toy]\nfqdn = a.example\nat = 127.0.0.1\n", 3, "has no port"},
    {"[toy]\nfqdn = a.example\nat = 127.0.0.1:65536\n", 3, "has no port"},
    {"[toy]\nfqdn = a.example\nat = 127.0.0.300:80\n", 3, "is no address"},
    {"[toy]\nfqdn = a.example\nat = ::1:80\n", 3, "is no address"},
    {"[toy]\nfqdn = a.example\nat = [::g]:80\n", 3, "is no address"},
    {"[toy]\nfqdn = a.example\nat = :80\n", 3, "is no address"},
    {"[toy]\nfqdn = a.example\npicture = none.txt\n", 3, "none.txt: No such file"},
    {"[toy]\nfqdn = a.example\npicture = /tmp\n", 3, "is not a regular file"},
    {"[toy]\nfqdn = a.example\nsecret = open.txt\n", 3, "has mode 0644 and is open to others: chmod 600"},
    {"[toy]\nfqdn = a.example\nnest = 0123456789012345678901234567890123456789\n", 3, "at most 40 are possible"},
    {"[toy]\nfqdn = a.example\nlonely\n", 3, "not a line of the form KEY = VALUE"},
    {"stray = 1\n[toy]\nfqdn = a.example\n", 1, "\"stray\" stands before the first [section]"},
    {"[toy\nfqdn = a.example\n", 1, "a section header is [name] or [name ARGUMENT]"},
    {"[toy] trailing\n", 1, "a section header is"},
    {"[toy]\nfqdn = a.example\n[]\n", 3, "unknown section []"},
    {"[toy extra]\nfqdn = a.example\n", 1, "section [toy] takes no name"},
    {"[room]\ndoor = 1\n[toy]\nfqdn = a.example\n", 1, "section [room] needs a name: [room NAME]"},
    {"[room b_c]\ndoor = 1\n[toy]\nfqdn = a.example\n", 1, "\"b_c\" is not a host name"},
    {"[toy]\nfqdn = a.example\n[room c.example]\nwindow = 1\n", 3, "[room c.example] door is missing"},
    {"[toy]\nweight = 5\n", 1, "[toy] fqdn is missing: Its name."},
    {"", 0, "[toy] fqdn is missing"},
};

static void each_fault_is_named_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fault_cases); i++) {
        const struct fault_case *k = &fault_cases[i];
        struct conf_faults f = {.n = 0};
        struct conf *c = NULL;
        assert_int_equal(conf_file_parse(text_of(k->content), dir, &toy, 1, &c, &f), ERR_CONFIG);
        assert_null(c);
        bool found = false;
        for (size_t j = 0; j < f.n; j++) {
            found = found || (f.at[j].line == k->line && strstr(f.at[j].text, k->reason) != NULL);
        }
        if (!found) {
            print_error("case %zu: wanted %d: %s\n got %zu: %d: %s\n", i, k->line, k->reason, f.n, f.at[0].line,
                        f.at[0].text);
        }
        assert_true(found);
    }
}

static void faults_are_all_reported_in_order(void **state)
{
    (void)state;
    struct conf_faults f = {.n = 0};
    struct conf *c = NULL;
    const char *content = "[toy]\nweight = 0\nsings = maybe\nnonsense\n[moor x]\n";
    assert_int_equal(conf_file_parse(text_of(content), dir, &toy, 1, &c, &f), ERR_CONFIG);
    const int lines[] = {1, 2, 3, 4, 5};
    assert_int_equal(f.n, ARRAY_LEN(lines));
    for (size_t i = 0; i < f.n; i++) {
        assert_int_equal(f.at[i].line, lines[i]);
    }
}

static void more_faults_than_fit_are_counted(void **state)
{
    (void)state;
    char content[1024] = "[toy]\nfqdn = a.example\n";
    for (size_t i = 0; i < CONF_FAULTS_MAX + 8; i++) {
        strcat(content, "nonsense\n");
    }
    struct conf_faults f = {.n = 0};
    struct conf *c = NULL;
    assert_int_equal(conf_file_parse(text_of(content), dir, &toy, 1, &c, &f), ERR_CONFIG);
    assert_int_equal(f.n, CONF_FAULTS_MAX + 8);
}

static void odd_octets_are_faults(void **state)
{
    (void)state;
    struct conf_faults f = {.n = 0};
    struct conf *c = NULL;
    const char nul[] = "[toy]\nfqdn = a.example\nlabel = a\0b\n";
    assert_int_equal(conf_file_parse(text_span(nul, sizeof(nul) - 1), dir, &toy, 1, &c, &f), ERR_CONFIG);
    assert_int_equal(f.at[0].line, 3);
    assert_non_null(strstr(f.at[0].text, "NUL"));

    f.n = 0;
    char longer[6000] = "[toy]\nfqdn = a.example\nlabel = ";
    memset(longer + strlen(longer), 'x', 5000);
    assert_int_equal(conf_file_parse(text_of(longer), dir, &toy, 1, &c, &f), ERR_CONFIG);
    assert_int_equal(f.at[0].line, 3);
    assert_non_null(strstr(f.at[0].text, "longer than"));

    f.n = 0; /* a terminal must not be driven by a file */
    assert_int_equal(conf_file_parse(text_of("[toy]\nfqdn = a.example\n\x1b[2Jx = 1\n"), dir, &toy, 1, &c, &f), ERR_CONFIG);
    assert_null(strchr(f.at[0].text, 0x1b));
}

/* -- values ---------------------------------------------------------------------------------------- */
static void values_and_fallbacks_are_read(void **state)
{
    (void)state;
    const char *content = "\xEF\xBB\xBF; a comment\r\n[toy] # another\r\nfqdn = a.example ; why\r\nfriends = b.example ,  c.example\r\n"
                          "at = [::1]:0\n  secret=shut.txt\npicture: open.txt\nlifetime = 12h\nsings = on\nnest = /abs\n"
                          "[room c.example]\ndoor = 1\n[room b.example]\ndoor = 2\nwindow = 5";
    struct conf_faults f = {.n = 0};
    struct conf *c = NULL;
    err_t e = conf_file_parse(text_of(content), dir, &toy, 1, &c, &f);
    if (e != ERR_OK) {
        print_error("%d: %s\n", f.at[0].line, f.at[0].text);
    }
    assert_int_equal(e, ERR_OK);
    assert_string_equal(conf_text(c, "toy", NULL, "fqdn").p, "a.example");
    assert_string_equal(conf_text(c, "toy", NULL, "friends").p, "b.example,c.example");
    assert_string_equal(conf_text(c, "toy", NULL, "at").p, "[::1]:0");
    assert_string_equal(conf_text(c, "toy", NULL, "colour").p, "green");
    assert_string_equal(conf_text(c, "toy", NULL, "nest").p, "/abs");
    assert_int_equal(conf_number(c, "toy", NULL, "weight"), 7);
    assert_true(conf_number(c, "toy", NULL, "lifetime") == 12 * 3600 * USEC_PER_SEC);
    assert_true(conf_bool(c, "toy", NULL, "sings"));
    assert_int_equal(conf_text(c, "toy", NULL, "label").n, 0);
    char file[256];
    (void)snprintf(file, sizeof(file), "%s/shut.txt", dir);
    assert_string_equal(conf_text(c, "toy", NULL, "secret").p, file);
    assert_string_equal(conf_section_arg(c, "room", 0), "c.example");
    assert_string_equal(conf_section_arg(c, "room", 1), "b.example");
    assert_null(conf_section_arg(c, "room", 2));
    assert_null(conf_section_arg(c, "toy", 0));
    assert_int_equal(conf_number(c, "room", "c.example", "window"), 3);
    assert_int_equal(conf_number(c, "room", "b.example", "window"), 5);
    assert_int_equal(conf_number(c, "room", "other.example", "door"), 0);
    conf_file_free(c);
}

/* Section names beyond the 49 octets where libinih cuts: 253 octets of FQDN are legal. */
static struct conf *parsed(const char *content)
{
    struct conf_faults faults = {.n = 0};
    struct conf *c = NULL;
    assert_int_equal(conf_file_parse(text_of(content), dir, &toy, 1, &c, &faults), ERR_OK);
    return c;
}

/* A section may stand again under a name: each has its own values, and fallbacks are those of the row, not of the first. */
static void instances_have_values_of_their_own(void **state)
{
    (void)state;
    struct conf *c = parsed("[twin b]\nhat = 2\n[toy]\nfqdn = a.example\n[twin]\nhat = 1\ncoat = 7\n[twin c]\n");
    assert_int_equal(conf_number(c, "twin", NULL, "hat"), 1);
    assert_int_equal(conf_number(c, "twin", "b", "hat"), 2);
    assert_int_equal(conf_number(c, "twin", "c", "hat"), 5);
    assert_int_equal(conf_number(c, "twin", NULL, "coat"), 7);
    assert_int_equal(conf_number(c, "twin", "b", "coat"), 0);
    assert_string_equal(conf_section_arg(c, "twin", 0), "b");
    assert_string_equal(conf_section_arg(c, "twin", 1), "c");
    assert_null(conf_section_arg(c, "twin", 2));
    conf_file_free(c);
    c = parsed("[toy]\nfqdn = a.example\n[twin b]\n"); /* the first one need not stand to have its fallbacks */
    assert_int_equal(conf_number(c, "twin", NULL, "hat"), 5);
    conf_file_free(c);
}

static void long_names_are_not_cut(void **state)
{
    (void)state;
    char name[254];
    memset(name, 'a', sizeof(name));
    for (size_t i = 60; i < 253; i += 60) {
        name[i] = '.';
    }
    name[253] = '\0';
    char content[1024];
    (void)snprintf(content, sizeof(content), "[toy]\nfqdn = %s\n[room %s]\ndoor = 4\n[room %.252s]\ndoor = 5\n", name, name,
                   name);
    struct conf_faults f = {.n = 0};
    struct conf *c = NULL;
    assert_int_equal(conf_file_parse(text_of(content), dir, &toy, 1, &c, &f), ERR_OK);
    assert_string_equal(conf_section_arg(c, "room", 0), name);
    assert_int_equal(conf_number(c, "room", name, "door"), 4);
    assert_string_equal(conf_text(c, "toy", NULL, "fqdn").p, name);
    conf_file_free(c);
}

/* A snapshot that is in use does not notice that its file changed, nor that a bad file was read meanwhile. */
static void a_snapshot_is_immutable(void **state)
{
    (void)state;
    char file[256];
    (void)snprintf(file, sizeof(file), "%s/toy.conf", dir);
    touch("toy.conf", 0644, "[toy]\nfqdn = a.example\nweight = 5\npicture = open.txt\n");
    struct conf_faults f = {.n = 0};
    struct conf *old = NULL;
    assert_int_equal(conf_file_read(file, &toy, 1, &old, &f), ERR_OK);
    struct conf before;
    memcpy(&before, old, sizeof(before));

    touch("toy.conf", 0644, "[toy]\nfqdn = b.example\nweight = 500\n");
    struct conf *bad = old;
    assert_int_equal(conf_file_read(file, &toy, 1, &bad, &f), ERR_CONFIG);
    assert_null(bad);
    assert_memory_equal(&before, old, sizeof(before));

    touch("toy.conf", 0644, "[toy]\nfqdn = b.example\nweight = 50\n");
    struct conf *fresh = NULL;
    f.n = 0;
    assert_int_equal(conf_file_read(file, &toy, 1, &fresh, &f), ERR_OK);
    assert_int_equal(conf_number(fresh, "toy", NULL, "weight"), 50);
    assert_int_equal(conf_number(old, "toy", NULL, "weight"), 5);
    assert_string_equal(conf_text(old, "toy", NULL, "fqdn").p, "a.example");
    conf_file_free(fresh);
    conf_file_free(old);
}

static void files_that_cannot_be_read_are_faults(void **state)
{
    (void)state;
    struct conf_faults f = {.n = 0};
    struct conf *c = NULL;
    assert_int_equal(conf_file_read("/nonexistent/x.conf", &toy, 1, &c, &f), ERR_CONFIG);
    assert_int_equal(f.at[0].line, 0);
    assert_non_null(strstr(f.at[0].text, "cannot be read"));
    f.n = 0;
    assert_int_equal(conf_file_read(dir, &toy, 1, &c, &f), ERR_CONFIG);
    assert_int_equal(f.n, 1);
    conf_file_free(NULL);
}

/* -- the server's own rows -------------------------------------------------------------------------- */
#define SERVER_HEAD                                                                                                    \
    "[server]\nroles = toy\nstore = s.db\nroot-secret = shut.txt\naudit-key = shut.txt\ncontrol = s.sock\n"
#define TOY_PART "[toy]\nfqdn = a.example\n"

static const struct fault_case server_cases[] = {
    {SERVER_HEAD "[listener m]\nrole = toy\naddress = 127.0.0.1:0\ncertificate = open.txt\n" TOY_PART, 10,
     "certificate without key"},
    {SERVER_HEAD "[listener m]\nrole = toy\naddress = 127.0.0.1:0\nkey = shut.txt\n" TOY_PART, 10, "key without certificate"},
    {SERVER_HEAD "[listener m]\nrole = top\naddress = 127.0.0.1:0\n" TOY_PART, 8, "role top is not in [server] roles"},
    {SERVER_HEAD "[listener m]\nrole = toy\naddress = 127.0.0.1:0\npsk = off\n" TOY_PART, 7, "tls needs a certificate"},
    {SERVER_HEAD "[listener m]\nrole = toy\naddress = 127.0.0.1:9\n[listener n]\nrole = toy\naddress = 127.0.0.1:9\n" TOY_PART,
     12, "[listener m] has this address"},
    {SERVER_HEAD TOY_PART, 0, "there is no [listener NAME] section"},
    {SERVER_HEAD "[limits]\nfetch-time = 6s\n[listener m]\nrole = toy\naddress = 127.0.0.1:0\n" TOY_PART, 8,
     "6s is outside 10ms to 5s"},
    {SERVER_HEAD "[peer b_c]\n", 7, "is not a host name"},
    {SERVER_HEAD "[peer mef.example]\nkind = mfe\n", 8, "did you mean \"mef\"?"},
};

static void keys_of_the_server_are_checked_together(void **state)
{
    (void)state;
    const struct conf_schema both[] = {conf_file_server_schema, toy};
    for (size_t i = 0; i < ARRAY_LEN(server_cases); i++) {
        const struct fault_case *k = &server_cases[i];
        struct conf_faults f = {.n = 0};
        struct conf *c = NULL;
        assert_int_equal(conf_file_parse(text_of(k->content), dir, both, 2, &c, &f), ERR_CONFIG);
        bool found = false;
        for (size_t j = 0; j < f.n; j++) {
            found = found || (f.at[j].line == k->line && strstr(f.at[j].text, k->reason) != NULL);
        }
        if (!found) {
            print_error("case %zu: wanted %d: %s\n got %zu: %d: %s\n", i, k->line, k->reason, f.n, f.at[0].line,
                        f.at[0].text);
        }
        assert_true(found);
    }
    struct conf_faults f = {.n = 0};
    struct conf *c = NULL;
    const char *good = SERVER_HEAD "[listener m]\nrole = toy\naddress = 127.0.0.1:0\n" TOY_PART;
    assert_int_equal(conf_file_parse(text_of(good), dir, both, 2, &c, &f), ERR_OK);
    assert_true(conf_number(c, "limits", NULL, "fetch-time") == 5 * USEC_PER_SEC);
    assert_int_equal(conf_number(c, "server", NULL, "workers"), 0);
    assert_true(conf_bool(c, "listener", "m", "tls"));
    conf_file_free(c);
}

static void roles_are_found_before_the_schema_is_known(void **state)
{
    (void)state;
    char file[256];
    char buf[64];
    int line = 0;
    (void)snprintf(file, sizeof(file), "%s/peek.conf", dir);
    touch("peek.conf", 0644, "[other]\nroles = no\n[server]\nx = 1\nroles = mef , maf\n");
    struct writer w = WRITER_ARRAY(buf);
    assert_int_equal(conf_file_peek(file, "server", "roles", &w, &line), ERR_OK);
    assert_true(text_eq_z(writer_view_text(&w), "mef,maf"));
    assert_int_equal(line, 5);
    assert_int_equal(conf_file_peek(file, "server", "store", &w, &line), ERR_NOT_FOUND);
    assert_int_equal(conf_file_peek("/nonexistent", "server", "store", &w, &line), ERR_IO);
}

/* Each row can be explained, and each fallback passes its own row: complete() would report it on line 0. */
static void every_row_has_its_line_in_the_document(void **state)
{
    (void)state;
    static char page[65536];
    struct writer w = WRITER_ARRAY(page);
    conf_doc_schema(&toy, &w);
    conf_doc_schema(&conf_file_server_schema, &w);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    for (size_t i = 0; i < conf_file_server_schema.n; i++) {
        const struct conf_row *row = &conf_file_server_schema.rows[i];
        assert_non_null(row->doc);
        assert_non_null(strstr(page, row->doc));
    }
    assert_non_null(strstr(page, "`weight` | number, 1 to 100 | `7` |"));
    assert_non_null(strstr(page, "`lifetime` | duration, 1s to 365d | `90d` |"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_named_with_its_line),
        cmocka_unit_test(faults_are_all_reported_in_order),
        cmocka_unit_test(more_faults_than_fit_are_counted),
        cmocka_unit_test(odd_octets_are_faults),
        cmocka_unit_test(values_and_fallbacks_are_read),
        cmocka_unit_test(instances_have_values_of_their_own),
        cmocka_unit_test(long_names_are_not_cut),
        cmocka_unit_test(a_snapshot_is_immutable),
        cmocka_unit_test(files_that_cannot_be_read_are_faults),
        cmocka_unit_test(keys_of_the_server_are_checked_together),
        cmocka_unit_test(roles_are_found_before_the_schema_is_known),
        cmocka_unit_test(every_row_has_its_line_in_the_document),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
