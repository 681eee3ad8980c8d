#include "shell/job.h"

#include "base/ct.h"

#include <string.h>

static bool has_answer(const struct job *j)
{
    return j->kind == JOB_ANSWER || j->kind == JOB_HEARD;
}

static bool has_peer(const struct job *j)
{
    return j->kind == JOB_REQUEST || j->kind == JOB_ESTABLISHED;
}

void job_init(struct job *j, enum job_kind kind, size_t role, usec_t now)
{
    memset(j, 0, sizeof(*j));
    j->kind = kind;
    j->role = (uint8_t)role;
    j->now = now;
    if (has_peer(j)) {
        j->octets = bytes_empty();
    } else if (has_answer(j)) {
        j->answer.body = bytes_empty();
    }
}

void job_wipe(struct job *j)
{
    if (has_peer(j)) {
        keys_export_wipe(&j->exported);
    }
}

size_t job_room(const struct job *j)
{
    size_t borrowed = has_peer(j) ? j->octets.n : has_answer(j) ? j->answer.body.n : 0;
    return sizeof(*j) + sizeof(union job_room) + borrowed + 256;
}

/* Octet by octet what is read, not all that there is room for: a batch has hundreds. */
static void result_begin(struct job_result *r, enum job_kind kind)
{
    r->kind = kind;
    r->err = ERR_OK;
    r->why = ERR_OK;
    r->more = false;
    r->detail[0] = '\0';
    r->rsc = 0;
    r->media = MEDIA_JSON;
    r->body = bytes_empty();
    r->vector.asked = false;
    if (kind == JOB_REQUEST) {
        r->location[0] = r->headers[0] = r->ati[0] = '\0';
    } else {
        memset(&r->assoc, 0, sizeof(r->assoc));
        memset(&r->key, 0, sizeof(r->key));
    }
}

void job_result_init(const struct job *j, struct job_result *r)
{
    result_begin(r, j->kind);
    r->id = j->id;
}

void job_result_wipe(struct job_result *r)
{
    if (r->kind != JOB_REQUEST) {
        secret_wipe(&r->key);
    }
}

/* -- frames ---------------------------------------------------------------------------------------- */
static size_t frame_open(struct writer *w)
{
    size_t at = w->n;
    writer_u32(w, 0);
    return at;
}

static void frame_close(struct writer *w, size_t at)
{
    if (w->overflow) {
        return;
    }
    struct writer head = writer_of(w->buf + at, JOB_FRAME_HEAD);
    writer_u32(&head, (uint32_t)(w->n - at - JOB_FRAME_HEAD));
}

err_t job_frame(struct bytes in, struct bytes *frame, size_t *used)
{
    *used = 0;
    struct reader r = reader_of(in);
    uint32_t n = reader_u32(&r);
    if (reader_failed(&r)) {
        return ERR_OK;
    }
    if (n > JOB_FRAME_MAX) {
        return ERR_LIMIT_SIZE;
    }
    *frame = reader_take(&r, n);
    if (!reader_failed(&r)) {
        *used = JOB_FRAME_HEAD + n;
    }
    return ERR_OK;
}

/* -- parts ----------------------------------------------------------------------------------------- */
static void write_association(const struct association *a, struct writer *w)
{
    size_t mark = writer_mark16(w);
    association_write(a, w);
    writer_close16(w, mark);
}

static err_t read_association(struct reader *r, struct association *out)
{
    struct reader inner = reader_of(reader_block16(r));
    TRY(association_parse(&inner, out));
    return reader_finish(&inner);
}

static void write_export(const struct keys_export *x, struct writer *w)
{
    writer_u8(w, x->set ? 1 : 0);
    if (x->set) {
        writer_bytes(w, BYTES_ARRAY(x->b));
    }
}

static void read_export(struct reader *r, struct keys_export *x)
{
    x->set = reader_u8(r) != 0;
    if (x->set) {
        reader_copy(r, x->b, sizeof(x->b));
    }
}

static void write_question(const struct question *q, struct writer *w)
{
    writer_text16(w, q->peer);
    writer_text16(w, q->path);
    writer_text16(w, q->origin);
    writer_text16(w, q->key_id.z);
    writer_u32(w, q->suid);
}

static void read_question(struct reader *r, struct question *q)
{
    reader_text16(r, q->peer, sizeof(q->peer));
    reader_text16(r, q->path, sizeof(q->path));
    reader_text16(r, q->origin, sizeof(q->origin));
    reader_text16(r, q->key_id.z, sizeof(q->key_id.z));
    q->suid = reader_u32(r);
}

static void write_refusal(const struct job_refusal *f, struct writer *w)
{
    writer_u16(w, (uint16_t)f->why);
    writer_u8(w, f->key ? 1 : 0);
    writer_text16(w, f->peer);
    writer_text16(w, f->shown);
}

static void read_refusal(struct reader *r, struct job_refusal *f)
{
    f->why = (err_t)reader_u16(r);
    f->key = reader_u8(r) != 0;
    reader_text16(r, f->peer, sizeof(f->peer));
    reader_text16(r, f->shown, sizeof(f->shown));
}

/* -- jobs ------------------------------------------------------------------------------------------ */
void job_write(const struct job *j, struct writer *w)
{
    size_t at = frame_open(w);
    writer_u8(w, (uint8_t)j->kind);
    writer_u8(w, j->role);
    writer_u64(w, j->id);
    writer_u64(w, (uint64_t)j->now);
    if (j->kind == JOB_ANSWER) {
        write_question(j->question, w);
        writer_u16(w, (uint16_t)j->answer.err);
        writer_u16(w, (uint16_t)j->answer.status);
        writer_block32(w, j->answer.body);
    } else if (j->kind == JOB_REFUSED) {
        write_refusal(&j->refusal, w);
    } else if (has_peer(j)) {
        write_association(j->assoc, w);
        write_export(&j->exported, w);
        writer_u8(w, j->ip.len);
        writer_bytes(w, BYTES_ARRAY(j->ip.b));
        writer_u8(w, (uint8_t)j->binding);
        writer_u8(w, j->verified);
        writer_block32(w, j->octets);
    }
    frame_close(w, at);
}

static err_t parse_peer_part(struct reader *r, struct association *assoc, struct job *out)
{
    TRY(read_association(r, assoc));
    out->assoc = assoc;
    read_export(r, &out->exported);
    out->ip.len = reader_u8(r);
    reader_copy(r, out->ip.b, sizeof(out->ip.b));
    out->binding = (enum job_binding)reader_u8(r);
    out->verified = reader_u8(r);
    out->octets = reader_block32(r);
    return out->binding > JOB_COAP ? ERR_MALFORMED : ERR_OK;
}

err_t job_parse(struct bytes frame, union job_room *room, struct job *out)
{
    struct reader r = reader_of(frame);
    enum job_kind kind = (enum job_kind)reader_u8(&r);
    job_init(out, kind, reader_u8(&r), 0);
    out->id = reader_u64(&r);
    out->now = (usec_t)reader_u64(&r);
    if (out->kind == JOB_ANSWER) {
        read_question(&r, &room->question);
        out->question = &room->question;
        out->answer.err = (err_t)reader_u16(&r);
        out->answer.status = reader_u16(&r);
        out->answer.body = reader_block32(&r);
    } else if (out->kind == JOB_REFUSED) {
        read_refusal(&r, &out->refusal);
    } else if (out->kind == JOB_REQUEST || out->kind == JOB_ESTABLISHED) {
        TRY(parse_peer_part(&r, &room->assoc, out));
    } else {
        return ERR_MALFORMED;
    }
    return reader_finish(&r);
}

/* -- results --------------------------------------------------------------------------------------- */
void job_result_write(const struct job_result *j, struct writer *w)
{
    size_t at = frame_open(w);
    writer_u8(w, (uint8_t)j->kind);
    writer_u64(w, j->id);
    writer_u16(w, (uint16_t)j->err);
    writer_text16(w, j->detail);
    if (j->kind == JOB_REQUEST) {
        writer_u16(w, j->rsc);
        writer_text16(w, j->location);
        writer_text16(w, j->headers);
        writer_text16(w, j->ati);
        writer_u8(w, (uint8_t)j->media);
        writer_block32(w, j->body);
    } else if (j->err == ERR_OK) {
        write_association(&j->assoc, w);
        writer_block16(w, secret_view(&j->key));
    }
    frame_close(w, at);
}

static err_t read_secret(struct reader *r, struct secret *out)
{
    return secret_set(out, reader_block16(r));
}

err_t job_result_parse(struct bytes frame, struct job_result *out)
{
    struct reader r = reader_of(frame);
    result_begin(out, (enum job_kind)reader_u8(&r));
    out->id = reader_u64(&r);
    out->err = (err_t)reader_u16(&r);
    reader_text16(&r, out->detail, sizeof(out->detail));
    if (out->kind == JOB_REQUEST) {
        out->rsc = reader_u16(&r);
        reader_text16(&r, out->location, sizeof(out->location));
        reader_text16(&r, out->headers, sizeof(out->headers));
        reader_text16(&r, out->ati, sizeof(out->ati));
        out->media = (enum media)reader_u8(&r);
        out->body = reader_block32(&r);
    } else if (out->err == ERR_OK) {
        TRY(read_association(&r, &out->assoc));
        TRY(read_secret(&r, &out->key));
    }
    return reader_finish(&r);
}
