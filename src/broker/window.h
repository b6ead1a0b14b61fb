/*
 * window.h - the idempotency keys of the last minutes and what they got.
 *
 * One thread uses it (the writer).  Keys leave when they are older than the
 * window or when it holds as many as it may, the oldest first.
 */
#ifndef BROKER_WINDOW_H
#define BROKER_WINDOW_H

#include "broker/codec.h"

struct window_entry {
    uint8_t hash[CODEC_KEY_HASH];
    uint8_t digest[CODEC_KEY_HASH];
    int64_t at_us;
    uint32_t runs;
    uint32_t link; /* the next in its chain, window.c's */
    union {
        struct codec_run one; /* runs == 1 */
        struct codec_run *many;
    };
};

struct window; /* opaque */

/* A key means the same only to the same principal in the same topic. */
void window_hash(int64_t epoch, struct slice principal, struct slice key,
                 uint8_t ret[CODEC_KEY_HASH]);

int window_open(struct window **ret, int64_t keep_us, int64_t max,
                struct err *e) MUST_USE;
void window_close(struct window *w);
void window_clear(struct window *w);
/* The key's entry, or NULL; good until the window is used again. */
const struct window_entry *window_find(struct window *w,
                                       const uint8_t hash[CODEC_KEY_HASH]);
/* Remember a key that is not in it; at_us never goes back by much.  runs may
 * be NULL: those in k->run_bytes. */
int window_add(struct window *w, const struct codec_key *k,
               const struct codec_run *runs, int64_t at_us,
               struct err *e) MUST_USE;
/* Forget the key that was added last (its commit failed). */
void window_pop(struct window *w);
void window_expire(struct window *w, int64_t now_us);
size_t window_count(const struct window *w);
/* Give each of n reports what the key got then. */
void window_answer(const struct window_entry *en, struct broker_report *reports,
                   size_t n);

#endif
