/*
 * An independent model written from the text of TS-0003 7.1.5 (part 12.6): it reads the JSON rules as they stand, with the C library's
 * calendar and addresses, and shares no code with the compiler, the compiled form or the matcher.
 */
#include "access_model.h"

#include "role/role.h"

#include <arpa/inet.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed = 0x6b65797374656164u;

uint32_t access_model_rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % n;
}

bool access_model_chance(uint32_t percent)
{
    return access_model_rnd(100) < percent;
}

/* -- who, when, where ------------------------------------------------------------------------------------- */
const struct access_model_who access_model_whos[ACCESS_MODEL_WHOS] = {
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
const char *const access_model_ips[ACCESS_MODEL_IPS] = {"192.0.2.7", "192.0.2.8", "192.0.3.7", "198.51.103.255", "198.51.104.0", "203.0.113.127", "203.0.113.128",
                                  "2001:db8::1", "2001:db8::2", "2001:db9::1", "2001:db8:0:8000::1", "2001:db8:0:7fff::1",
                                  "::ffff:192.0.2.7", "fe80::1", "febf::1", "fec0::1", ""};

/* -- random rules ------------------------------------------------------------------------------------------ */
static void random_field(char *out, size_t cap, int min, int max)
{
    size_t n = 0;
    out[0] = '\0';
    uint32_t items = 1 + access_model_rnd(2);
    for (uint32_t i = 0; i < items; i++) {
        int span = max - min + 1;
        int a = min + (int)access_model_rnd((uint32_t)span);
        int b = a + (int)access_model_rnd((uint32_t)(max - a + 1));
        const char *comma = i > 0 ? "," : "";
        switch (access_model_rnd(5)) {
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
            n += (size_t)snprintf(out + n, cap - n, "%s%d-%d/%d", comma, a, b, 1 + (int)access_model_rnd(7));
            break;
        default:
            n += (size_t)snprintf(out + n, cap - n, "%s*/%d", comma, 1 + (int)access_model_rnd(7));
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
        if (access_model_chance(65)) {
            snprintf(field, sizeof(field), "*");
        } else {
            random_field(field, sizeof(field), bounds[i][0], bounds[i][1]);
        }
        n += (size_t)snprintf(out + n, cap - n, "%s%s", i > 0 ? " " : "", field);
    }
}

json_t *access_model_texts(const char *const *pool, size_t pool_n, uint32_t max)
{
    json_t *list = json_array();
    for (uint32_t i = 0, n = 1 + access_model_rnd(max); i < n; i++) {
        json_array_append_new(list, json_string(pool[access_model_rnd((uint32_t)pool_n)]));
    }
    return list;
}

/* -- where on Earth -- */
const struct access_model_place access_model_places[ACCESS_MODEL_PLACES] = {{52.52, 13.405, "DE"}, {48.8566, 2.3522, "FR"}, {-33.8688, 151.2093, "AU"}, {64.1466, -21.9426, "IS"},
              {-17.7134, 178.065, "FJ"}, {-16.9, -179.9, "FJ"}, {89.9, 10, ""}, {89.9, -170, ""}};

static json_t *random_region(void)
{
    static const char *const countries[] = {"DE", "FR", "AU", "FJ", "US"};
    static const double radii[] = {1, 1000, 50000, 900000, 2500000, 17000000, 40000000};
    if (access_model_chance(40)) {
        return json_pack("{s:o}", "accc", access_model_texts(countries, ARRAY_LEN(countries), 3));
    }
    const struct access_model_place *p = &access_model_places[access_model_rnd(ARRAY_LEN(access_model_places))];
    return json_pack("{s:[f,f,f]}", "accr", p->lat, p->lon, radii[access_model_rnd(ARRAY_LEN(radii))]);
}

static json_t *random_context(void)
{
    json_t *c = json_object();
    if (access_model_chance(60)) {
        json_t *windows = json_array();
        for (uint32_t i = 0, n = 1 + access_model_rnd(3); i < n; i++) {
            char s[512];
            random_schedule(s, sizeof(s));
            json_array_append_new(windows, json_string(s));
        }
        json_object_set_new(c, "actw", windows);
    }
    if (access_model_chance(40)) {
        json_t *ip = json_object();
        uint32_t which = 1 + access_model_rnd(3);
        if ((which & 1) != 0) {
            json_object_set_new(ip, "ipv4", access_model_texts(nets4, ARRAY_LEN(nets4), 2));
        }
        if ((which & 2) != 0) {
            json_object_set_new(ip, "ipv6", access_model_texts(nets6, ARRAY_LEN(nets6), 2));
        }
        json_object_set_new(c, "acip", ip);
    }
    if (access_model_chance(25)) {
        json_object_set_new(c, "aclr", random_region());
    }
    return c;
}

static json_t *random_detail(void)
{
    json_t *d = json_object();
    static const int types[] = {2, 3, 5, 13};
    json_t *chty = json_array();
    for (uint32_t i = 0, n = 1 + access_model_rnd(3); i < n; i++) {
        json_array_append_new(chty, json_integer(1 + (int)access_model_rnd(4)));
    }
    json_object_set_new(d, "chty", chty);
    int ty = types[access_model_rnd(ARRAY_LEN(types))];
    if (access_model_chance(60)) {
        json_object_set_new(d, "ty", json_integer(ty));
    }
    if (ty == 13 || access_model_chance(15)) {
        json_object_set_new(d, "spty", json_integer(1001 + (int)access_model_rnd(2)));
    }
    return d;
}

json_t *access_model_rules(void)
{
    json_t *acr = json_array();
    for (uint32_t i = 0, n = access_model_rnd(4); i < n; i++) {
        json_t *r = json_object();
        json_object_set_new(r, "acor", access_model_texts(patterns, ARRAY_LEN(patterns), 3));
        json_object_set_new(r, "acop", json_integer(access_model_chance(40) ? 63 : 1 + (int)access_model_rnd(63)));
        if (access_model_chance(45)) {
            json_t *acco = json_array();
            for (uint32_t k = 0, m = 1 + access_model_rnd(2); k < m; k++) {
                json_array_append_new(acco, random_context());
            }
            json_object_set_new(r, "acco", acco);
        }
        if (access_model_chance(30)) {
            json_object_set_new(r, "acaf", json_boolean(access_model_chance(50)));
        }
        if (access_model_chance(30)) {
            json_t *acod = json_array();
            for (uint32_t k = 0, m = 1 + access_model_rnd(2); k < m; k++) {
                json_array_append_new(acod, random_detail());
            }
            json_object_set_new(r, "acod", acod);
        }
        json_array_append_new(acr, r);
    }
    return json_pack("{s:o}", "acr", acr);
}

/* -- the model ------------------------------------------------------------------------------------------------ */

const char *const access_model_others[ACCESS_MODEL_OTHERS] = {"role1@issuer.example.com", "role2@issuer.example.com", "grp1", "cse-in/grp"};

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

bool access_model_is_also(const char *element, size_t n, unsigned also)
{
    for (size_t i = 0; i < ARRAY_LEN(access_model_others); i++) {
        if ((also >> i & 1) != 0 && strlen(access_model_others[i]) == n && memcmp(element, access_model_others[i], n) == 0) {
            return true;
        }
    }
    return false;
}

static bool model_originator(const char *p, const struct access_model_who *w, unsigned also)
{
    if (strcmp(p, "all") == 0 || access_model_is_also(p, strlen(p), also)) {
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
static bool model_circle(const json_t *accr, const struct access_model_place *p)
{
    const double rad = 3.14159265358979323846 / 180;
    double lat = json_number_value(json_array_get(accr, 0)) * rad, lon = json_number_value(json_array_get(accr, 1)) * rad;
    double a[3] = {cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)};
    double b[3] = {cos(p->lat * rad) * cos(p->lon * rad), cos(p->lat * rad) * sin(p->lon * rad), sin(p->lat * rad)};
    double x = a[1] * b[2] - a[2] * b[1], y = a[2] * b[0] - a[0] * b[2], z = a[0] * b[1] - a[1] * b[0];
    double angle = atan2(sqrt(x * x + y * y + z * z), a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
    return angle * 6371000 <= json_number_value(json_array_get(accr, 2)) + 0.001;
}

static bool model_region(const json_t *aclr, const struct access_model_place *p)
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

static bool model_context(const json_t *c, const struct access_model_facts *q)
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

static bool model_detail(const json_t *d, const struct access_model_facts *q)
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

bool access_model_decide(const json_t *pv, const struct access_model_facts *q)
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

struct access_query access_model_query(const struct access_model_facts *q)
{
    struct access_query a = {
        .from = {text_of(q->who->absolute), text_of(q->who->sp_relative), text_of(q->who->stem)},
        .op = (unsigned)q->op, .now = (usec_t)q->now * USEC_PER_SEC + (usec_t)access_model_rnd(1000000), .authenticated = q->authn,
        .target_ty = (uint32_t)q->target_ty, .child_ty = (uint32_t)q->child_ty, .definition = text_of(q->definition),
    };
    if (q->ip[0] != '\0') {
        assert_int_equal(ipaddr_parse(text_of(q->ip), &a.ip), ERR_OK);
    }
    if (q->place != NULL) {
        a.location = (struct access_location){.known = true, .latitude = q->place->lat, .longitude = q->place->lon};
        memcpy(a.location.country, q->place->country, strlen(q->place->country));
    }
    return a;
}
