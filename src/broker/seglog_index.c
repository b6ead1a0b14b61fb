#include "broker/seglog_file_int.h"
#include "core/mem.h"

static void add_entry(struct seglog_index *x, int64_t first, int64_t at)
{
    if (x->n == x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 4;
        void *p = mem_resize(x->entries, cap, sizeof(*x->entries));

        if (p == NULL) {
            return;
        }
        x->entries = p;
        x->cap = cap;
    }
    x->entries[x->n++] = (struct seglog_entry){first, at};
}

void seglog_index_add(struct seglog_index *x, const struct codec_frame *f,
                      int64_t at)
{
    int64_t last = x->n > 0 ? x->entries[x->n - 1].at : x->at;

    if (x->first != x->next && at - last >= SEGLOG_INDEX_BYTES) {
        add_entry(x, f->first, at);
    }
    if (x->first == x->next) {
        x->first = f->first;
        x->at = at;
        x->max_us = f->max_us;
    }
    x->next = f->first + f->count;
    x->max_us = f->max_us > x->max_us ? f->max_us : x->max_us;
    x->last_us = f->at_us;
    x->bytes += (int64_t)codec_frame_size(f);
}

void seglog_index_clear(struct seglog_index *x)
{
    mem_free(x->entries);
    *x = (struct seglog_index){0};
}

int64_t seglog_index_at(const struct seglog_entry *entries, size_t n,
                        int64_t at, int64_t offset)
{
    size_t lo = 0;
    size_t hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (entries[mid].first <= offset) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo == 0 ? at : entries[lo - 1].at;
}
