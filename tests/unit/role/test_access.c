/*
 * The access decision against an independent model written from the text of TS-0003 7.1.5 (part 12.6): the model reads
 * the JSON rules as they stand, with the C library's calendar and addresses, and shares no code with the compiler, the
 * compiled form or the matcher. Then the boundaries, by hand.
 */
#include "role/cse/access.h"
#include "role/cse/access_rules.h"
#include "role/cse/cse_from.h"
#include "role/cse/schedule.h"
#include "wire/json.h"

#include <arpa/inet.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define RULE_SETS 50000
#define QUERIES 10 /* a rule set: 500,000 decisions, and as many in the sanitized run */

static uint64_t seed = 0x6b65797374656164u;

static uint32_t rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % n;
}

static bool chance(uint32_t percent)
{
    return rnd(100) < percent;
}

/* -- who, when, where ------------------------------------------------------------------------------------- */
static const struct who {
    const char *absolute, *sp_relative, *stem;
} whos[] = {
    {"//sp.example.com/Sa", "/Sa", "Sa"},
    {"//sp.example.com/Sab", "/Sab", "Sab"},
    {"//sp.example.com/SmyAE1", "/SmyAE1", "SmyAE1"},
    {"//sp.example.com/in/C1", "/in/C1", "C1"},
    {"//sp.example.com/in/C9886", "/in/C9886", "C9886"},
    {"//sp.example.com/mn1/C1", "/mn1/C1", ""},
    {"//sp.example.com/myCSE7/C9886", "/myCSE7/C9886", ""},
    {"//sp.example.com/mn1", "/mn1", ""},
    {"//sp.example.com/in", "/in", ""},
    {"//other.example.org/mn1", "", ""},
    {"//other.example.org/myCSE7/C9886", "", ""},
    {"//other.example.org/Sa", "", ""},
};

static const char *const patterns[] = {
    "all", "//sp.example.com", "//other.example.org", "//*.example.com", "//*", "//SP.Example.com", "/in", "/mn*", "/mn1",
    "//sp.example.com/in", "//sp.example.com/mn1", "//SP.example.com/Sa", "//sp.example.com/S*", "//sp.example.com/*",
    "//*/Sa", "//*/myCSE*/C9886", "/myCSE*/C98*", "/SmyAE*", "S*", "Sa", "Sa*", "S*b", "S**b", "C*", "C1", "C*6", "*",
    "/*", "/*/C1", "/*/*", "/in/C*", "/mn1/C1", "//sp.example.com/*/C1", "//sp.example.com/*/*", "role1@issuer.example.com",
    "S*@issuer.example.com", "role2@issuer.example.com", "grp1", "cse-in/grp", "/*/sp.example.com/Sa", "C*1/x", "*a", "/in/*8*",
};

static const char *const nets4[] = {"192.0.2.0/24", "192.0.2.7", "198.51.100.0/22", "0.0.0.0/0", "203.0.113.128/25", "10.0.0.1/32"};
static const char *const nets6[] = {"2001:db8::/32", "2001:db8::1", "2001:db8:0:8000::/49", "::/0", "fe80::/10"};
static const char *const ips[] = {"192.0.2.7", "192.0.2.8", "192.0.3.7", "198.51.103.255", "198.51.104.0", "203.0.113.127", "203.0.113.128",
                                  "2001:db8::1", "2001:db8::2", "2001:db9::1", "2001:db8:0:8000::1", "2001:db8:0:7fff::1",
                                  "::ffff:192.0.2.7", "fe80::1", "febf::1", "fec0::1", ""};

/* -- random rules ------------------------------------------------------------------------------------------ */
static void random_field(char *out, size_t cap, int min, int max)
{
    size_t n = 0;
    out[0] = '\0';
    uint32_t items = 1 + rnd(2);
    for (uint32_t i = 0; i < items; i++) {
        int span = max - min + 1;
        int a = min + (int)rnd((uint32_t)span);
        int b = a + (int)rnd((uint32_t)(max - a + 1));
        const char *comma = i > 0 ? "," : "";
        switch (rnd(5)) {
        case 0:
            n += (size_t)snprintf(out + n, cap - n, "%s*", comma);
            break;
        case 1:
            n += (size_t)snprintf(out + n, cap - n, "%s%d", comma, a);
            break;
        case 2:
            n += (size_t)snprintf(out + n, cap - n, "%s%d-%d", comma, a, b);
            break;
        case 3:
            n += (size_t)snprintf(out + n, cap - n, "%s%d-%d/%d", comma, a, b, 1 + (int)rnd(7));
            break;
        default:
            n += (size_t)snprintf(out + n, cap - n, "%s*/%d", comma, 1 + (int)rnd(7));
            break;
        }
    }
}

static void random_schedule(char *out, size_t cap)
{
    static const int bounds[7][2] = {{0, 59}, {0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 6}, {2000, 2040}};
    size_t n = 0;
    for (int i = 0; i < 7; i++) {
        char field[64];
        if (chance(65)) {
            snprintf(field, sizeof(field), "*");
        } else {
            random_field(field, sizeof(field), bounds[i][0], bounds[i][1]);
        }
        n += (size_t)snprintf(out + n, cap - n, "%s%s", i > 0 ? " " : "", field);
    }
}

static json_t *random_texts(const char *const *pool, size_t pool_n, uint32_t max)
{
    json_t *list = json_array();
    for (uint32_t i = 0, n = 1 + rnd(max); i < n; i++) {
        json_array_append_new(list, json_string(pool[rnd((uint32_t)pool_n)]));
    }
    return list;
}

/* -- where on Earth -- */
static const struct place {
    double lat, lon;
    const char *country;
} places[] = {{52.52, 13.405, "DE"}, {48.8566, 2.3522, "FR"}, {-33.8688, 151.2093, "AU"}, {64.1466, -21.9426, "IS"},
              {-17.7134, 178.065, "FJ"}, {-16.9, -179.9, "FJ"}, {89.9, 10, ""}, {89.9, -170, ""}};

static json_t *random_region(void)
{
    static const char *const countries[] = {"DE", "FR", "AU", "FJ", "US"};
    static const double radii[] = {1, 1000, 50000, 900000, 2500000, 17000000, 40000000};
    if (chance(40)) {
        return json_pack("{s:o}", "accc", random_texts(countries, ARRAY_LEN(countries), 3));
    }
    const struct place *p = &places[rnd(ARRAY_LEN(places))];
    return json_pack("{s:[f,f,f]}", "accr", p->lat, p->lon, radii[rnd(ARRAY_LEN(radii))]);
}

static json_t *random_context(void)
{
    json_t *c = json_object();
    if (chance(60)) {
        json_t *windows = json_array();
        for (uint32_t i = 0, n = 1 + rnd(3); i < n; i++) {
            char s[512];
            random_schedule(s, sizeof(s));
            json_array_append_new(windows, json_string(s));
        }
        json_object_set_new(c, "actw", windows);
    }
    if (chance(40)) {
        json_t *ip = json_object();
        uint32_t which = 1 + rnd(3);
        if ((which & 1) != 0) {
            json_object_set_new(ip, "ipv4", random_texts(nets4, ARRAY_LEN(nets4), 2));
        }
        if ((which & 2) != 0) {
            json_object_set_new(ip, "ipv6", random_texts(nets6, ARRAY_LEN(nets6), 2));
        }
        json_object_set_new(c, "acip", ip);
    }
    if (chance(25)) {
        json_object_set_new(c, "aclr", random_region());
    }
    return c;
}

static json_t *random_detail(void)
{
    json_t *d = json_object();
    static const int types[] = {2, 3, 5, 13};
    json_t *chty = json_array();
    for (uint32_t i = 0, n = 1 + rnd(3); i < n; i++) {
        json_array_append_new(chty, json_integer(1 + (int)rnd(4)));
    }
    json_object_set_new(d, "chty", chty);
    int ty = types[rnd(ARRAY_LEN(types))];
    if (chance(60)) {
        json_object_set_new(d, "ty", json_integer(ty));
    }
    if (ty == 13 || chance(15)) {
        json_object_set_new(d, "spty", json_integer(1001 + (int)rnd(2)));
    }
    return d;
}

static json_t *random_rules(void)
{
    json_t *acr = json_array();
    for (uint32_t i = 0, n = rnd(4); i < n; i++) {
        json_t *r = json_object();
        json_object_set_new(r, "acor", random_texts(patterns, ARRAY_LEN(patterns), 3));
        json_object_set_new(r, "acop", json_integer(chance(40) ? 63 : 1 + (int)rnd(63)));
        if (chance(45)) {
            json_t *acco = json_array();
            for (uint32_t k = 0, m = 1 + rnd(2); k < m; k++) {
                json_array_append_new(acco, random_context());
            }
            json_object_set_new(r, "acco", acco);
        }
        if (chance(30)) {
            json_object_set_new(r, "acaf", json_boolean(chance(50)));
        }
        if (chance(30)) {
            json_t *acod = json_array();
            for (uint32_t k = 0, m = 1 + rnd(2); k < m; k++) {
                json_array_append_new(acod, random_detail());
            }
            json_object_set_new(r, "acod", acod);
        }
        json_array_append_new(acr, r);
    }
    return json_pack("{s:o}", "acr", acr);
}

/* -- the model ------------------------------------------------------------------------------------------------ */
struct facts {
    const struct who *who;
    int op; /* bit */
    time_t now;
    const char *ip;
    bool authn;
    int target_ty, child_ty;
    const char *definition;
    const struct place *place; /* NULL: nobody knows */
    unsigned also;             /* of `others`: which groups and roles are the originator's, a bit each */
};

static const char *const others[] = {"role1@issuer.example.com", "role2@issuer.example.com", "grp1", "cse-in/grp"};

static bool model_glob(const char *p, size_t pn, const char *s, size_t sn, bool fold)
{
    if (pn == 0) {
        return sn == 0;
    }
    if (p[0] == '*') {
        for (size_t k = 0; k <= sn; k++) {
            if (model_glob(p + 1, pn - 1, s + k, sn - k, fold)) {
                return true;
            }
        }
        return false;
    }
    bool same = sn > 0 && (p[0] == s[0] || (fold && (p[0] | 32) == (s[0] | 32)));
    return same && model_glob(p + 1, pn - 1, s + 1, sn - 1, fold);
}

/* Same number of leading slashes, same number of segments, each segment by itself. */
static bool model_path(const char *p, const char *s)
{
    size_t ps = strspn(p, "/"), ss = strspn(s, "/");
    if (ps != ss || s[0] == '\0') {
        return false;
    }
    bool fold = ps == 2;
    p += ps;
    s += ss;
    for (;;) {
        size_t pn = strcspn(p, "/"), sn = strcspn(s, "/");
        if (!model_glob(p, pn, s, sn, fold) || (p[pn] == '/') != (s[sn] == '/')) {
            return false;
        }
        if (p[pn] == '\0') {
            return true;
        }
        p += pn + 1;
        s += sn + 1;
        fold = false;
    }
}

static bool is_also(const char *element, size_t n, unsigned also)
{
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if ((also >> i & 1) != 0 && strlen(others[i]) == n && memcmp(element, others[i], n) == 0) {
            return true;
        }
    }
    return false;
}

static bool model_originator(const char *p, const struct who *w, unsigned also)
{
    if (strcmp(p, "all") == 0 || is_also(p, strlen(p), also)) {
        return true;
    }
    if (strchr(p, '@') != NULL) {
        return false;
    }
    if (strncmp(p, "//", 2) == 0 && strchr(p + 2, '/') == NULL) {
        size_t host = strcspn(w->absolute + 2, "/");
        return model_glob(p + 2, strlen(p + 2), w->absolute + 2, host, true);
    }
    return model_path(p, w->absolute) || model_path(p, w->sp_relative) || model_path(p, w->stem);
}

static bool model_field(const char *field, int value, int min, int max)
{
    char copy[128];
    snprintf(copy, sizeof(copy), "%s", field);
    char *save = NULL;
    for (char *item = strtok_r(copy, ",", &save); item != NULL; item = strtok_r(NULL, ",", &save)) {
        int a = min, b = max, step = 1;
        char *slash = strchr(item, '/');
        if (slash != NULL) {
            step = atoi(slash + 1);
            *slash = '\0';
        }
        if (strcmp(item, "*") != 0) {
            char *dash = strchr(item, '-');
            a = atoi(item);
            b = dash != NULL ? atoi(dash + 1) : a;
        }
        for (int v = a; v <= b; v += step) {
            if (v == value) {
                return true;
            }
        }
    }
    return false;
}

static bool model_window(const char *schedule, time_t now)
{
    struct tm tm;
    gmtime_r(&now, &tm);
    char f[7][128];
    if (sscanf(schedule, "%127s %127s %127s %127s %127s %127s %127s", f[0], f[1], f[2], f[3], f[4], f[5], f[6]) != 7) {
        return false;
    }
    return model_field(f[0], tm.tm_sec, 0, 59) && model_field(f[1], tm.tm_min, 0, 59) &&
           model_field(f[2], tm.tm_hour, 0, 23) && model_field(f[3], tm.tm_mday, 1, 31) &&
           model_field(f[4], tm.tm_mon + 1, 1, 12) && model_field(f[5], tm.tm_wday, 0, 6) &&
           model_field(f[6], tm.tm_year + 1900, 2000, 9999);
}

static bool model_net(const char *net, const char *ip)
{
    char copy[64];
    snprintf(copy, sizeof(copy), "%s", net);
    char *slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    if (strncmp(ip, "::ffff:", 7) == 0) {
        ip += 7;
    }
    unsigned char a[16], b[16];
    int family = strchr(copy, ':') != NULL ? AF_INET6 : AF_INET;
    if (inet_pton(family, copy, a) != 1 || inet_pton(family, ip, b) != 1) {
        return false;
    }
    int bits = slash != NULL ? atoi(slash + 1) : family == AF_INET ? 32 : 128;
    for (int i = 0; i < bits; i++) {
        if (((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1) != 0) {
            return false;
        }
    }
    return true;
}

/* The angle between two directions from the middle of the Earth. */
static bool model_circle(const json_t *accr, const struct place *p)
{
    const double rad = 3.14159265358979323846 / 180;
    double lat = json_number_value(json_array_get(accr, 0)) * rad, lon = json_number_value(json_array_get(accr, 1)) * rad;
    double a[3] = {cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)};
    double b[3] = {cos(p->lat * rad) * cos(p->lon * rad), cos(p->lat * rad) * sin(p->lon * rad), sin(p->lat * rad)};
    double x = a[1] * b[2] - a[2] * b[1], y = a[2] * b[0] - a[0] * b[2], z = a[0] * b[1] - a[1] * b[0];
    double angle = atan2(sqrt(x * x + y * y + z * z), a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
    return angle * 6371000 <= json_number_value(json_array_get(accr, 2)) + 0.001;
}

static bool model_region(const json_t *aclr, const struct place *p)
{
    if (p == NULL) {
        return false; /* CHOICE-72 */
    }
    if (json_object_get(aclr, "accr") != NULL) {
        return model_circle(json_object_get(aclr, "accr"), p);
    }
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(aclr, "accc"), i, v) {
        if (strcmp(json_string_value(v), p->country) == 0) {
            return true;
        }
    }
    return false;
}

static bool model_context(const json_t *c, const struct facts *q)
{
    const json_t *actw = json_object_get(c, "actw"), *acip = json_object_get(c, "acip");
    bool time_ok = actw == NULL, ip_ok = acip == NULL;
    size_t i;
    json_t *v;
    json_array_foreach(actw, i, v) {
        time_ok = time_ok || model_window(json_string_value(v), q->now);
    }
    json_array_foreach(json_object_get(acip, "ipv4"), i, v) {
        ip_ok = ip_ok || model_net(json_string_value(v), q->ip);
    }
    json_array_foreach(json_object_get(acip, "ipv6"), i, v) {
        ip_ok = ip_ok || model_net(json_string_value(v), q->ip);
    }
    const json_t *aclr = json_object_get(c, "aclr");
    return time_ok && ip_ok && (aclr == NULL || model_region(aclr, q->place));
}

static bool model_detail(const json_t *d, const struct facts *q)
{
    const json_t *ty = json_object_get(d, "ty"), *spty = json_object_get(d, "spty");
    bool child = false;
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(d, "chty"), i, v) {
        child = child || json_integer_value(v) == q->child_ty;
    }
    char special[32];
    snprintf(special, sizeof(special), "%lld", (long long)json_integer_value(spty));
    return child && (ty == NULL || json_integer_value(ty) == q->target_ty) &&
           (spty == NULL || strcmp(special, q->definition) == 0);
}

static bool model_decide(const json_t *pv, const struct facts *q)
{
    size_t k, m;
    json_t *rule, *v;
    bool result = false;
    json_array_foreach(json_object_get(pv, "acr"), k, rule) {
        bool authn = !json_is_true(json_object_get(rule, "acaf")) || q->authn;
        bool ops = (json_integer_value(json_object_get(rule, "acop")) & q->op) != 0;
        bool origs = false, objd = true, ctxts = true;
        json_array_foreach(json_object_get(rule, "acor"), m, v) {
            origs = origs || model_originator(json_string_value(v), q->who, q->also);
        }
        const json_t *acco = json_object_get(rule, "acco"), *acod = json_object_get(rule, "acod");
        if (acco != NULL) {
            ctxts = false;
            json_array_foreach(acco, m, v) {
                ctxts = ctxts || model_context(v, q);
            }
        }
        if (q->op == 1 && acod != NULL) {
            objd = false;
            json_array_foreach(acod, m, v) {
                objd = objd || model_detail(v, q);
            }
        }
        result = result || (authn && origs && ops && ctxts && objd);
    }
    return result;
}

/* -- both ------------------------------------------------------------------------------------------------------- */
static struct bytes compile(const json_t *pv, uint8_t *buf)
{
    struct writer w = writer_of(buf, ACCESS_COMPILED_MAX);
    char detail[ROLE_DETAIL_MAX] = "";
    err_t e = access_rules_compile(pv, "pv", &w, detail);
    if (e != ERR_OK) {
        print_error("%s: %s\n", err_code(e), detail);
    }
    assert_int_equal(e, ERR_OK);
    return writer_view(&w);
}

static bool decide(struct bytes rules, const struct facts *q)
{
    struct access_query a = {
        .from = {text_of(q->who->absolute), text_of(q->who->sp_relative), text_of(q->who->stem)},
        .op = (unsigned)q->op, .now = (usec_t)q->now * USEC_PER_SEC + (usec_t)rnd(1000000), .authenticated = q->authn,
        .target_ty = (uint32_t)q->target_ty, .child_ty = (uint32_t)q->child_ty, .definition = text_of(q->definition),
    };
    if (q->ip[0] != '\0') {
        assert_int_equal(ipaddr_parse(text_of(q->ip), &a.ip), ERR_OK);
    }
    if (q->place != NULL) {
        a.location = (struct access_location){.known = true, .latitude = q->place->lat, .longitude = q->place->lon};
        memcpy(a.location.country, q->place->country, strlen(q->place->country));
    }
    if (access_decide(rules, &a)) {
        return true;
    }
    struct text open[ACCESS_OPEN_MAX]; /* and then, as cse_policy.c does it */
    bool yes = false;
    for (size_t i = 0, n = access_open(rules, &a, open, ARRAY_LEN(open)); i < n; i++) {
        yes = yes || is_also(open[i].p, open[i].n, q->also);
    }
    return yes;
}

static void agrees_with_the_model(void **state)
{
    (void)state;
    static const int types[] = {2, 3, 5, 13};
    static const char *const definitions[] = {"", "1001", "1002"};
    static uint8_t buf[ACCESS_COMPILED_MAX];
    size_t permits = 0;
    for (int set = 0; set < RULE_SETS; set++) {
        json_t *pv = random_rules();
        struct bytes rules = compile(pv, buf);
        for (int k = 0; k < QUERIES; k++) {
            struct facts q = {
                .who = &whos[rnd(ARRAY_LEN(whos))], .op = 1 << rnd(6), .ip = ips[rnd(ARRAY_LEN(ips))],
                .now = (time_t)946684800 + (time_t)rnd(40u * 366 * 1440) * 60 + (time_t)rnd(60), .authn = chance(50),
                .target_ty = types[rnd(ARRAY_LEN(types))], .child_ty = 1 + (int)rnd(4),
                .definition = definitions[rnd(ARRAY_LEN(definitions))],
                .place = chance(80) ? &places[rnd(ARRAY_LEN(places))] : NULL,
                .also = chance(30) ? 1u << rnd(ARRAY_LEN(others)) : 0,
            };
            bool want = model_decide(pv, &q);
            if (decide(rules, &q) != want) {
                char *text = json_dumps(pv, JSON_COMPACT);
                print_error("model says %d: %s from %s op %d ip %s at %lld\n", want, text, q.who->absolute, q.op, q.ip,
                            (long long)q.now);
                free(text);
                fail();
            }
            permits += want ? 1 : 0;
        }
        json_decref(pv);
    }
    assert_in_range(permits, RULE_SETS * QUERIES / 20, RULE_SETS * QUERIES / 2); /* both answers were tried often */
}

/* -- by hand ------------------------------------------------------------------------------------------------------ */
static bool permits_text(const char *pv, const struct facts *q)
{
    static uint8_t buf[ACCESS_COMPILED_MAX];
    json_t *v = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(pv)), &v), ERR_OK);
    bool yes = decide(compile(v, buf), q);
    assert_int_equal(yes, model_decide(v, q));
    json_decref(v);
    return yes;
}

static bool originator(const char *pattern, size_t who)
{
    char pv[256];
    snprintf(pv, sizeof(pv), "{\"acr\":[{\"acor\":[\"%s\"],\"acop\":63}]}", pattern);
    struct facts q = {.who = &whos[who], .op = 2, .ip = "", .definition = ""};
    return permits_text(pv, &q);
}

/* Checklist 25: `*` must not cross `/`. */
static void wildcards_stay_in_their_segment(void **state)
{
    (void)state;
    assert_true(originator("//*/myCSE*/C9886", 6));
    assert_true(originator("//*/myCSE*/C9886", 10));
    assert_true(originator("/myCSE*/C98*", 6));
    assert_false(originator("/myCSE*/C98*", 10)); /* another SP */
    assert_true(originator("/SmyAE*", 2));
    assert_true(originator("//*", 0)); /* every domain */
    assert_false(originator("/*", 5));
    assert_false(originator("//sp.example.com/*", 5));
    assert_false(originator("//sp*/Sa", 3));
    assert_false(originator("*", 5));
    assert_false(originator("/*/sp.example.com/Sa", 0)); /* a star is no empty segment of // */
    assert_false(originator("C1", 5));                   /* the C1 of another registrar */
    assert_true(originator("C1", 3));
    assert_false(originator("//sp.example.co", 0));
    assert_false(originator("//sp.example.com/S", 0));
    assert_true(originator("//SP.EXAMPLE.COM/Sa", 0));
    assert_false(originator("//sp.example.com/sa", 0));
}

static void operations_one_bit_each(void **state)
{
    (void)state;
    for (int granted = 0; granted < 6; granted++) {
        char pv[128];
        snprintf(pv, sizeof(pv), "{\"acr\":[{\"acor\":[\"all\"],\"acop\":%d}]}", 1 << granted);
        for (int asked = 0; asked < 6; asked++) {
            struct facts q = {.who = &whos[0], .op = 1 << asked, .ip = "", .definition = ""};
            assert_int_equal(permits_text(pv, &q), granted == asked);
        }
    }
    assert_int_equal(access_op_bit(OP_RETRIEVE, true), ACCESS_DISCOVERY);
    assert_int_equal(access_op_bit(OP_RETRIEVE, false), ACCESS_RETRIEVE);
    assert_int_equal(access_op_bit(OP_CREATE, true), ACCESS_CREATE);
    assert_int_equal(access_op_bit(OP_NONE, false), 0);
    assert_int_equal(access_op_bit((enum op)77, false), 0);
}

static time_t utc(const char *text)
{
    usec_t t = 0;
    assert_int_equal(timestamp_parse(text_of(text), &t), ERR_OK);
    return (time_t)(t / USEC_PER_SEC);
}

static void schedule_boundaries(void **state)
{
    (void)state;
    static const struct {
        const char *schedule, *at;
        bool want;
    } rows[] = {
        {"* * * * * * *", "20240229T235959", true},
        {"* 0-5 2,6,10 * * * *", "20240101T020000", true},
        {"* 0-5 2,6,10 * * * *", "20240101T020559", true},
        {"* 0-5 2,6,10 * * * *", "20240101T020600", false},
        {"* 0-5 2,6,10 * * * *", "20240101T015959", false},
        {"0 * * * * * *", "20240101T120000", true},
        {"0 * * * * * *", "20240101T120001", false},
        {"59 59 23 31 12 * *", "20231231T235959", true},
        {"59 59 23 31 12 * *", "20240101T000000", false},
        {"* * * 29 2 * *", "20240229T000000", true},
        {"* * * 29 2 * *", "20240301T000000", false},
        {"* * * 31 * * *", "20240430T235959", false},
        {"* * * 31 * * *", "20240531T000000", true},
        {"* * * * * 0 *", "20240107T000000", true}, /* a Sunday */
        {"* * * * * 0 *", "20240106T235959", false},
        {"* * * * * 6 *", "20240106T235959", true},
        {"* * * 13 * 5 *", "20240913T120000", true}, /* ANDed, unlike cron [CHOICE-75]: a Friday 13th */
        {"* * * 13 * 5 *", "20240913T120000", true},
        {"* * * 13 * 5 *", "20240813T120000", false},
        {"* * * 13 * 5 *", "20240906T120000", false},
        {"* * * * * * 2024", "20231231T235959", false},
        {"* * * * * * 2024", "20240101T000000", true},
        {"* * * * * * 2020-2030/2", "20230101T000000", false},
        {"* * * * * * 2020-2030/2", "20240101T000000", true},
        {"*/15 * * * * * *", "20240101T000045", true},
        {"*/15 * * * * * *", "20240101T000046", false},
        {"* * * */10 * * *", "20240111T000000", true}, /* from the first value of the field: 1, 11, 21, 31 */
        {"* * * */10 * * *", "20240110T000000", false},
        {"05 00 * * * * *", "20240101T000005", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char pv[256];
        snprintf(pv, sizeof(pv), "{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acco\":[{\"actw\":[\"%s\"]}]}]}", rows[i].schedule);
        struct facts q = {.who = &whos[0], .op = 2, .ip = "", .definition = "", .now = utc(rows[i].at)};
        assert_int_equal(permits_text(pv, &q), rows[i].want);
    }
    static const char *const bad[] = {
        "", "*", "* * * * * *", "* * * * * * * *", "60 * * * * * *", "* 60 * * * * *", "* * 24 * * * *", "* * * 0 * * *",
        "* * * 32 * * *", "* * * * 0 * *", "* * * * 13 * *", "* * * * * 7 *", "* * * * * * 1999", "* * * * * * 10000",
        "5-1 * * * * * *", "1-* * * * * * *", "*/0 * * * * * *", "1/2 * * * * * *", "1, * * * * * *", ",1 * * * * * *",
        "1,,2 * * * * * *", "a * * * * * *", "-1 * * * * * *", "1- * * * * * *", "* * * * * * ", " * * * * * * *",
        "*  * * * * * *", "**  * * * * * *", "+1 * * * * * *", "00001 * * * * * *", "* * * * * * *,", "*-5 * * * * * *",
    };
    struct schedule s;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(schedule_parse(text_of(bad[i]), &s), ERR_ATTRIBUTE_TYPE);
    }
}

static void flag_context_and_objects(void **state)
{
    (void)state;
    struct facts q = {.who = &whos[0], .op = 1, .ip = "", .definition = "", .target_ty = 3, .child_ty = 4};
    const char *acaf = "{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acaf\":true}]}";
    assert_false(permits_text(acaf, &q));
    q.authn = true;
    assert_true(permits_text(acaf, &q));
    const char *aclr = "{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acco\":[{\"aclr\":{\"accr\":[52.5,13.4,5000]}}]}]}";
    assert_false(permits_text(aclr, &q)); /* CHOICE-72 */
    q.place = &places[0]; /* 2,250 m away */
    assert_true(permits_text(aclr, &q));
    assert_false(permits_text("{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acco\":[{\"aclr\":{\"accr\":[52.5,13.4,2000]}}]}]}", &q));
    assert_true(permits_text("{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acco\":[{\"aclr\":{\"accc\":[\"FR\",\"DE\"]}}]}]}", &q));
    q.place = NULL;
    const char *either = "{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acco\":[{\"aclr\":{\"accc\":[\"DE\"]}},{}]}]}";
    assert_true(permits_text(either, &q)); /* OR over contexts; an empty one matches anything */
    const char *acod = "{\"acr\":[{\"acor\":[\"all\"],\"acop\":63,\"acod\":[{\"ty\":3,\"chty\":[4]}]}]}";
    assert_true(permits_text(acod, &q));
    q.child_ty = 3;
    assert_false(permits_text(acod, &q));
    q.child_ty = 4;
    q.target_ty = 2;
    assert_false(permits_text(acod, &q));
    q.op = 2; /* details are for CREATE */
    assert_true(permits_text(acod, &q));
    assert_false(permits_text("{\"acr\":[]}", &q));
    assert_false(permits_text("{}", &q));
}

/* Undeterminable is no [TS-0003 7.1.4]: a rule cut at any octet never permits what the whole one does not. */
static void damaged_rules_deny(void **state)
{
    (void)state;
    static uint8_t buf[ACCESS_COMPILED_MAX];
    json_t *v = NULL;
    const char *pv = "{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":2,\"acco\":[{\"actw\":[\"* * * * * * *\"],\"acip\":{\"ipv4\":[\"0.0.0.0/0\"]}}],"
                     "\"acod\":[{\"ty\":3,\"chty\":[1,2]}]}]}";
    assert_int_equal(json_parse(text_bytes(text_of(pv)), &v), ERR_OK);
    struct bytes whole = compile(v, buf);
    struct facts q = {.who = &whos[0], .op = 2, .ip = "192.0.2.7", .definition = "", .now = utc("20240101T000000")};
    assert_true(decide(whole, &q));
    for (size_t n = 0; n < whole.n; n++) {
        assert_false(decide(bytes_of(whole.p, n), &q));
    }
    json_decref(v);
}

/* The forms of an originator [CHOICE-74] as the CSE makes them. */
static void forms_of_an_originator(void **state)
{
    (void)state;
    struct cse cse = {.sp = {"sp.example.com"}, .csi = {"/in"}, .self = {"//sp.example.com/in"}};
    static const struct {
        const char *id;
        struct who want;
    } rows[] = {
        {"Sa", {"//sp.example.com/Sa", "/Sa", "Sa"}},
        {"C1", {"//sp.example.com/in/C1", "/in/C1", "C1"}},
        {"/mn1/C1", {"//sp.example.com/mn1/C1", "/mn1/C1", ""}},
        {"/mn1", {"//sp.example.com/mn1", "/mn1", ""}},
        {"/in/C1", {"//sp.example.com/in/C1", "/in/C1", "C1"}},
        {"//SP.example.com/Sa", {"//sp.example.com/Sa", "/Sa", "Sa"}},
        {"//other.example.org/Sa", {"//other.example.org/Sa", "", ""}},
        {"//other.example.org/in/C1", {"//other.example.org/in/C1", "", ""}},
        {"/in2/C1", {"//sp.example.com/in2/C1", "/in2/C1", ""}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cse_from f = {0};
        assert_int_equal(cse_from_forms(&cse, text_of(rows[i].id), &f), ERR_OK);
        assert_string_equal(f.absolute.z, rows[i].want.absolute);
        assert_string_equal(f.sp_relative.z, rows[i].want.sp_relative);
        assert_string_equal(f.stem.z, rows[i].want.stem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_model),
        cmocka_unit_test(wildcards_stay_in_their_segment),
        cmocka_unit_test(operations_one_bit_each),
        cmocka_unit_test(schedule_boundaries),
        cmocka_unit_test(flag_context_and_objects),
        cmocka_unit_test(damaged_rules_deny),
        cmocka_unit_test(forms_of_an_originator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
