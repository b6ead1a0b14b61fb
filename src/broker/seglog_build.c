#include "broker/seglog_write_int.h"
#include "core/digest.h"

enum {
    LARGE = 64 << 10 /* bodies from here on are written from where they are */
};

static int add_piece(struct seglog_writer *w, struct seglog_piece piece,
                     struct err *e)
{
    void *list = seglog_stage_room(w->pieces, w->npieces, &w->pieces_cap,
                                   sizeof(*w->pieces), e);

    if (list == NULL) {
        return -1;
    }
    w->pieces = list;
    w->pieces[w->npieces++] = piece;
    return 0;
}

/* The bytes of out that stand in no piece yet become one. */
static int flush_out(struct seglog_writer *w, struct err *e)
{
    size_t len = w->out.len - w->out_done;

    if (len == 0) {
        return 0;
    }
    if (add_piece(w, (struct seglog_piece){NULL, w->out_done, len}, e) < 0) {
        return -1;
    }
    w->out_done = w->out.len;
    return 0;
}

static int add_body(struct seglog_writer *w, struct slice body, struct err *e)
{
    if (body.len < LARGE) {
        return buf_append(&w->out, body, e);
    }
    return flush_out(w, e) < 0
               ? -1
               : add_piece(w, (struct seglog_piece){body.ptr, 0, body.len}, e);
}

/* The keys of requests whose first record is in these chunks. */
static int add_keys(struct seglog_writer *w, const struct seglog_chunk *c,
                    const struct seglog_chunk *end, struct err *e)
{
    for (; c != end; c = c->next) {
        const struct seglog_request *r = c->request;
        struct codec_key k;

        if (!r->has_key || c != r->chunks) {
            continue;
        }
        if (seglog_stage_runs(w, r->asked, e) < 0) {
            return -1;
        }
        k = seglog_stage_key(w, r->asked);
        if (codec_put_key(&w->out, &k, w->runs, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* One frame of the chunks from c up to end (not with it). */
static int add_frame(struct seglog_writer *w, struct seglog_part *part,
                     const struct seglog_chunk *c,
                     const struct seglog_chunk *end, struct err *e)
{
    struct seglog_frame fr = {.part = part,
                              .header_at = w->out.len,
                              .f = {.epoch = c->request->topic->info.epoch,
                                    .first = c->first,
                                    .at_us = w->at_us,
                                    .min_us = c->min_us,
                                    .max_us = c->max_us,
                                    .partition = c->partition}};
    static const char blank[CODEC_HEADER];

    void *list = seglog_stage_room(w->frames, w->nframes, &w->frames_cap,
                                   sizeof(*w->frames), e);

    if (list == NULL) {
        return -1;
    }
    w->frames = list;
    if (buf_append(&w->out, (struct slice){blank, sizeof(blank)}, e) < 0 ||
        add_keys(w, c, end, e) < 0) {
        return -1;
    }
    fr.f.keys_len = (uint32_t)(w->out.len - fr.header_at - CODEC_HEADER);
    for (bool alone = c->next == end; c != end; c = c->next) {
        fr.f.count += c->count;
        fr.f.min_us = c->min_us < fr.f.min_us ? c->min_us : fr.f.min_us;
        fr.f.max_us = c->max_us > fr.f.max_us ? c->max_us : fr.f.max_us;
        fr.f.body_len += (uint32_t)c->body.len;
        fr.body_crc = alone && c->crc_known
                          ? c->crc
                          : digest_crc32c(fr.body_crc, c->body);
        if (add_body(w, c->body, e) < 0) {
            return -1;
        }
    }
    w->frames[w->nframes++] = fr;
    return 0;
}

static int add_part(struct seglog_writer *w, struct seglog_part *part,
                    struct err *e)
{
    struct seglog_chunk *c = part->head;

    while (c) {
        struct seglog_chunk *end = c;
        size_t len = 0;

        do {
            len += end->body.len;
            end = end->next;
        } while (end && len + end->body.len <= SEGLOG_FRAME_BYTES);
        if (add_frame(w, part, c, end, e) < 0) {
            return -1;
        }
        c = end;
    }
    return 0;
}

int seglog_build(struct seglog_writer *w, struct err *e)
{
    buf_clear(&w->out);
    w->out_done = 0;
    w->npieces = 0;
    w->nframes = 0;
    w->bytes = 0;
    for (size_t i = 0; i < w->ntouched; i++) {
        if (add_part(w, w->touched[i], e) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < w->nframes; i++) {
        struct seglog_frame *fr = &w->frames[i];
        char *h = w->out.ptr + fr->header_at;
        struct slice keys = {h + CODEC_HEADER, fr->f.keys_len};

        fr->f.more = (uint32_t)(w->nframes - 1 - i);
        codec_put_header(&fr->f, h);
        codec_put_crc(h, codec_crc(h, keys, fr->body_crc));
        w->bytes += (int64_t)codec_frame_size(&fr->f);
    }
    return flush_out(w, e);
}
