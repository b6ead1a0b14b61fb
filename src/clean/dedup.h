/*
 * dedup.h - which rows were seen before, by 128-bit hash (which counts as
 * exact).
 *
 * Open addressing in 256 shards that grow one at a time by less than half, so
 * that a distinct row costs at most 32 bytes.  One thread at a time.
 */
#ifndef CLEAN_DEDUP_H
#define CLEAN_DEDUP_H

#include "core/err.h"
#include "core/hash.h"

struct dedup; /* opaque */

/* An empty set under this key; at most max_rows distinct rows (ERR_LIMIT). */
int dedup_new(struct dedup **ret, const struct hash_key *key, int64_t max_rows,
              struct err *e) MUST_USE;
void dedup_free(struct dedup *d); /* NULL is fine */

/* keep[i] = 1 for each hash that is new, 0 for one seen before (here too);
 * *ret_new is how many are new.  On failure some may have been added. */
int dedup_add(struct dedup *d, const struct hash128 *h, size_t n, uint8_t *keep,
              size_t *ret_new, struct err *e) MUST_USE;
/* Forget these again (a commit that failed). */
void dedup_remove(struct dedup *d, const struct hash128 *h, size_t n);
bool dedup_has(const struct dedup *d, struct hash128 h);

int64_t dedup_rows(const struct dedup *d);
size_t dedup_bytes(const struct dedup *d); /* memory held */
const struct hash_key *dedup_key(const struct dedup *d);
/* Hand out all hashes, some at a time, in no particular order. */
int dedup_each(const struct dedup *d,
               int (*fn)(void *arg, const struct hash128 *h, size_t n,
                         struct err *e),
               void *arg, struct err *e) MUST_USE;

/* To a file, published by rename; `version` is the table's version and `spec`
 * its spec hash.  Loading refuses others with ERR_CONFLICT, damage with
 * ERR_CORRUPT, no file with ERR_NOTFOUND: then rebuild from the table. */
int dedup_save(const struct dedup *d, const char *path, int64_t version,
               const char *spec, struct err *e) MUST_USE;
int dedup_load(struct dedup **ret, const char *path, int64_t version,
               const char *spec, int64_t max_rows, struct err *e) MUST_USE;

/*
 * Keeping the last row by key takes two passes: note every row's place
 * (growing numbers), then ask which place a key has in the end.
 */
struct dedup_last; /* opaque */
int dedup_last_new(struct dedup_last **ret, int64_t max_rows,
                   struct err *e) MUST_USE;
void dedup_last_free(struct dedup_last *d);
int dedup_last_note(struct dedup_last *d, struct hash128 h, int64_t place,
                    struct err *e) MUST_USE;
bool dedup_last_is(const struct dedup_last *d, struct hash128 h, int64_t place);

#endif
