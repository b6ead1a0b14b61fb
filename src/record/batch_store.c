#include "record/batch_store.h"

#include "core/mem.h"

enum {
    PIECE = 16 << 20, /* the system gives it in pages that are not touched */
    ALIGN = 16,
    FIRST_LIST = 64,
};

struct batch_store_piece {
    struct batch_store_piece *next;
    size_t cap, used;
    _Alignas(ALIGN) char bytes[];
};

void batch_store_init(struct batch_store *s)
{
    *s = (struct batch_store){0};
}

void batch_store_release(struct batch_store *s)
{
    while (s->head != NULL) {
        struct batch_store_piece *p = s->head;

        s->head = p->next;
        mem_free(p);
    }
    mem_free(s->list);
    batch_store_init(s);
}

static int new_piece(struct batch_store *s, size_t need, struct err *e)
{
    size_t cap = need > PIECE ? need : PIECE;
    struct batch_store_piece *p = mem_resize(NULL, sizeof(*p) + cap, 1);

    if (p == NULL) {
        return err_nomem(e, cap);
    }
    p->next = s->head;
    p->cap = cap;
    p->used = 0;
    s->head = p;
    return 0;
}

/* The two sizes of a column: bytes a row in its fixed part, a list's item. */
struct widths {
    size_t fixed, item;
};

static struct widths widths_of(enum col_type t)
{
    switch (t) {
    case COL_INT32:
        return (struct widths){sizeof(int32_t), 0};
    case COL_BOOL:
        return (struct widths){1, 0};
    case COL_INT64:
    case COL_TIMESTAMP:
    case COL_DOUBLE:
        return (struct widths){sizeof(int64_t), 0};
    case COL_DOUBLE_LIST:
        return (struct widths){0, sizeof(double)};
    case COL_TEXT_LIST:
        return (struct widths){0, sizeof(uint64_t)};
    case COL_POINT:
    case COL_TEXT:
        break;
    }
    return (struct widths){0, 0};
}

static size_t round_up(size_t n)
{
    return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static size_t column_bytes(const struct batch *b, size_t i)
{
    const struct column *c = &b->cols[i];
    struct widths w = widths_of(b->defs[i].type);
    size_t ends = c->end != NULL ? sizeof(*c->end) : 0;
    size_t points = b->defs[i].type == COL_POINT ? 2 * sizeof(*c->doubles) : 0;

    return round_up(b->rows) + round_up(b->rows * w.fixed) +
           round_up(b->rows * ends) + round_up(b->rows * points) +
           round_up(c->items * w.item) + round_up(c->bytes_len);
}

static void *put(struct batch_store_piece *p, const void *from, size_t n)
{
    char *to = p->bytes + p->used;

    if (from == NULL || n == 0) {
        return NULL;
    }
    memcpy(to, from, n);
    p->used += round_up(n);
    return to;
}

static void copy_column(struct batch_store_piece *p, struct column *d,
                        const struct column *s, enum col_type t, size_t rows)
{
    struct widths w = widths_of(t);

    *d = (struct column){.bytes_len = s->bytes_len,
                         .bytes_cap = s->bytes_len,
                         .items = s->items,
                         .items_cap = s->items,
                         .filled = rows};
    d->valid = put(p, s->valid, rows);
    d->fixed.any = put(p, s->fixed.any, rows * w.fixed);
    d->end = put(p, s->end, rows * sizeof(*s->end));
    d->bytes = put(p, s->bytes, s->bytes_len);
    d->doubles = put(p, s->doubles,
                     t == COL_POINT ? 2 * rows * sizeof(*s->doubles)
                                    : s->items * w.item);
    d->item_end = put(p, s->item_end, s->items * w.item);
}

static int room_in_list(struct batch_store *s, struct err *e)
{
    size_t cap = s->cap > 0 ? 2 * s->cap : FIRST_LIST;
    const struct batch **list;

    if (s->n < s->cap) {
        return 0;
    }
    list = mem_resize(s->list, cap, sizeof(*list));
    if (list == NULL) {
        return err_nomem(e, cap * sizeof(*list));
    }
    s->list = list;
    s->cap = cap;
    return 0;
}

int batch_store_add(struct batch_store *s, const struct batch *from,
                    struct err *e)
{
    size_t head = round_up(sizeof(struct batch)) +
                  round_up(from->columns * sizeof(struct column));
    size_t need = head;
    struct batch *b;

    for (size_t i = 0; i < from->columns; i++) {
        need += column_bytes(from, i);
    }
    if (room_in_list(s, e) < 0 ||
        ((s->head == NULL || s->head->cap - s->head->used < need) &&
         new_piece(s, need, e) < 0)) {
        return -1;
    }
    b = (struct batch *)(void *)(s->head->bytes + s->head->used);
    *b = *from;
    b->cols = (struct column *)(void *)((char *)b + round_up(sizeof(*b)));
    b->rows_cap = from->rows;
    s->head->used += head;
    for (size_t i = 0; i < from->columns; i++) {
        copy_column(s->head, &b->cols[i], &from->cols[i], from->defs[i].type,
                    from->rows);
    }
    s->list[s->n++] = b;
    return 0;
}

int batch_store_add_none(struct batch_store *s, const struct col_def *defs,
                         size_t columns, struct err *e)
{
    struct batch none;
    int rc = batch_init(&none, defs, columns, e);

    if (rc == 0) {
        rc = batch_store_add(s, &none, e);
        batch_release(&none);
    }
    return rc;
}
