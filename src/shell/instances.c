#include "shell/instances.h"

#include "store/store_sqlite.h"

#include <stdio.h>
#include <string.h>

/* In TABLE_META: "instance/ROLE" -> FQDN of the default one; "instance/ROLE/FQDN" -> itself, of a named one. */
struct row {
    char id[ROLE_DETAIL_MAX + KEYID_MAX];
    char fqdn[KEYID_MAX]; /* as noted; empty: there is no such row */
};

static void row_of(const struct snapshot_role *r, const char *fqdn, struct row *out)
{
    (void)snprintf(out->id, sizeof(out->id), "instance/%s%s%s", r->role->name, fqdn == NULL ? "" : "/",
                   fqdn == NULL ? "" : fqdn);
}

static err_t row_get(struct store *s, struct row *row)
{
    uint8_t memory[KEYID_MAX + 64];
    struct arena arena = arena_of(memory, sizeof(memory));
    struct store_value v;
    row->fqdn[0] = '\0';
    err_t e = store_get(s, TABLE_META, text_bytes(text_of(row->id)), &arena, &v);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    return TEXT_COPY(text_span((const char *)v.data.p, v.data.n), row->fqdn) == ERR_OK ? ERR_OK : ERR_MALFORMED_RECORD;
}

static err_t moved(char detail[static ROLE_DETAIL_MAX], const char *role, const char *fqdn, const char *what)
{
    (void)snprintf(detail, ROLE_DETAIL_MAX, "%.100s was the fqdn of [%s%s]", fqdn, role, what);
    return ERR_STORE_INSTANCE;
}

/* Of a default instance. */
static err_t default_check(const struct snapshot *snap, const struct snapshot_role *r, struct store *s,
                           char detail[static ROLE_DETAIL_MAX])
{
    struct row was;
    row_of(r, NULL, &was);
    TRY(row_get(s, &was));
    const struct snapshot_role *now = was.fqdn[0] == '\0' ? r : snapshot_instance(snap, r->role, text_of(was.fqdn));
    if (now != NULL && now != r && strcmp(now->fqdn, was.fqdn) == 0) {
        return moved(detail, r->role->name, was.fqdn, "");
    }
    row_of(r, r->fqdn, &was);
    TRY(row_get(s, &was));
    return was.fqdn[0] == '\0' ? ERR_OK : moved(detail, r->role->name, was.fqdn, " NAME");
}

err_t instances_check(const struct snapshot *snap, struct store *s, char detail[static ROLE_DETAIL_MAX])
{
    detail[0] = '\0';
    for (size_t i = 0; i < snap->roles_n; i++) {
        const struct snapshot_role *r = &snap->roles[i];
        TRY(r->name == NULL && r->fqdn[0] != '\0' ? default_check(snap, r, s, detail) : ERR_OK);
    }
    return ERR_OK;
}

err_t instances_note(const struct snapshot *snap, struct store *s)
{
    for (size_t i = 0; i < snap->roles_n; i++) {
        const struct snapshot_role *r = &snap->roles[i];
        struct row row;
        row_of(r, r->name == NULL ? NULL : r->fqdn, &row);
        TRY(row_get(s, &row));
        if (r->fqdn[0] != '\0' && strcmp(row.fqdn, r->fqdn) != 0) {
            TRY(store_put(s, TABLE_META, text_bytes(text_of(row.id)), text_bytes(text_of(r->fqdn)), STORE_PUT_ANY, 0));
        }
    }
    return ERR_OK;
}

err_t instances_check_file(const struct snapshot *snap, char detail[static ROLE_DETAIL_MAX])
{
    struct store *s = NULL;
    detail[0] = '\0';
    if (store_sqlite_open(snap->store, STORE_SQLITE_READER, NULL, &s) != ERR_OK) {
        return ERR_OK;
    }
    err_t e = store_begin(s, false);
    if (e == ERR_OK) {
        e = instances_check(snap, s, detail);
        store_rollback(s);
    }
    store_close(s);
    return e;
}
