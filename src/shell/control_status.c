#include "shell/control_status.h"

#include "role/emit.h"
#include "shell/clock.h"

static void emit_listeners(const struct snapshot *s, struct emit *m)
{
    emit_array(m, "listeners");
    for (size_t i = 0; i < s->listeners_n; i++) {
        emit_object(m, NULL);
        emit_z(m, "name", s->listeners[i].name);
        emit_z(m, "role", s->roles[s->listeners[i].role].role->name);
        emit_z(m, "address", s->listeners[i].actual);
        emit_bool(m, "tls", s->listeners[i].tls);
        emit_close_object(m);
    }
    emit_close_array(m);
}

static void emit_instances(const struct snapshot *s, struct emit *m)
{
    emit_array(m, "instances");
    for (size_t i = 0; i < s->roles_n; i++) {
        char label[SNAPSHOT_LABEL_MAX];
        snapshot_label(&s->roles[i], label);
        emit_object(m, NULL);
        emit_z(m, "section", label);
        emit_z_if(m, "fqdn", s->roles[i].fqdn);
        emit_close_object(m);
    }
    emit_close_array(m);
}

static void emit_processes(const struct metrics_page *p, struct emit *m)
{
    emit_array(m, "processes");
    for (size_t i = 0; i < METRICS_SLOTS; i++) {
        if (p->slot[i].pid != 0) {
            emit_object(m, NULL);
            emit_number(m, "pid", (uint64_t)p->slot[i].pid);
            emit_bool(m, "writer", p->slot[i].is_writer);
            emit_close_object(m);
        }
    }
    emit_close_array(m);
}

void control_status_write(struct writer *w, const struct snapshot *s, const struct metrics_page *p)
{
    char labels[SNAPSHOT_ROLES_MAX][SNAPSHOT_LABEL_MAX];
    const char *roles[SNAPSHOT_ROLES_MAX];
    struct emit m = emit_to(w);
    for (size_t i = 0; i < s->roles_n; i++) {
        snapshot_label(&s->roles[i], labels[i]);
        roles[i] = labels[i];
    }
    emit_object(&m, NULL);
    emit_number(&m, "uptime_seconds", (uint64_t)((clock_monotonic() - p->started) / USEC_PER_SEC));
    emit_number(&m, "generation", p->generation);
    emit_number(&m, "restarts", p->restarts);
    emit_number(&m, "workers", s->workers);
    emit_instances(s, &m);
    emit_listeners(s, &m);
    emit_processes(p, &m);
    emit_object(&m, "counters");
    metrics_emit(p, roles, s->roles_n, &m);
    emit_close_object(&m);
    emit_close_object(&m);
}
