#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "db/duck_view_int.h"

enum {
    PARTS_MAX = 4,
    FREE_ROWS = 1 << 16, /* what is not counted for few rows */
    KEYS_A_ROW = 8,      /* keys further apart are SQL's */
    REFS_A_ROW = 4,
    MATCHES_A_ROW = 2
};

/*
 * Where the rows of a key are: head[key - min] - 1 is the first, next[row] - 1
 * the one behind it, 0 none.  Rows are numbered set << shift | row in the set,
 * so a number says where a row lies.
 */
struct duck_index {
    size_t col;
    int64_t min;
    uint64_t range;
    uint32_t *head;
    uint32_t *next;
    bool repeats; /* a key has several rows */
};

struct place {
    size_t part, col;
};

struct duck_joined {
    size_t nparts;
    struct duck_view *parts[PARTS_MAX];
    unsigned shift[PARTS_MAX];
    uint32_t *refs[PARTS_MAX]; /* row i is refs[0][i], refs[1][i], ... */
    size_t n, cap, max;
    struct place *columns;
    size_t ncolumns;
};

void duck_index_free(struct duck_index *x)
{
    if (x != NULL) {
        mem_free(x->head);
        mem_free(x->next);
        mem_free(x);
    }
}

void duck_joined_free(struct duck_joined *j)
{
    if (j == NULL) {
        return;
    }
    for (size_t i = 0; i < j->nparts; i++) {
        mem_free(j->refs[i]);
    }
    mem_free(j->columns);
    mem_free(j);
}

size_t duck_view_columns(const struct duck_view *view)
{
    return view->joined != NULL ? view->joined->ncolumns
                                : view->sets[0].ncolumns;
}

const struct duck_column *duck_view_column(const struct duck_view *view,
                                           size_t i)
{
    const struct place *p;

    if (view->joined == NULL) {
        return &view->sets[0].columns[i];
    }
    p = &view->joined->columns[i];
    return &view->joined->parts[p->part]->sets[0].columns[p->col];
}

bool duck_joined_put(const struct duck_joined *j, struct duck_into *to,
                     size_t col, size_t at, size_t n)
{
    const struct place *p = &j->columns[col];
    struct duck_picks picks = {.sets = j->parts[p->part]->sets,
                               .shift = j->shift[p->part],
                               .refs = j->refs[p->part] + at};

    return duck_vector_pick(to, &picks, p->col, n);
}

/* --- keys --------------------------------------------------------------------- */

/* How far a set's number is shifted; false: rows cannot be numbered so. */
static bool number_rows(const struct duck_view *view, unsigned *ret)
{
    unsigned shift = 0;
    uint64_t all;

    for (size_t i = 0; i < view->n; i++) {
        while (shift < 31 && (size_t)1 << shift < view->sets[i].rows) {
            shift++;
        }
    }
    all = (uint64_t)view->n << shift;
    *ret = shift;
    return shift < 31 && all < UINT32_MAX &&
           all <= REFS_A_ROW * (uint64_t)view->total + FREE_ROWS;
}

/* The column of that name, which holds whole numbers; false: none does. */
static bool find_key(const struct duck_view *view, const char *key,
                     size_t *ret_col)
{
    const struct duck_rows *set = &view->sets[0];

    for (size_t i = 0; i < set->ncolumns; i++) {
        if (text_ascii_ieq(slice_of(set->columns[i].name), slice_of(key))) {
            *ret_col = i;
            return set->columns[i].type == DUCK_INT32 ||
                   set->columns[i].type == DUCK_INT64;
        }
    }
    return false;
}

static int64_t key_at(const struct duck_column *c, size_t row)
{
    return c->type == DUCK_INT32 ? ((const int32_t *)c->fixed)[row]
                                 : ((const int64_t *)c->fixed)[row];
}

/* The least key and how many there are up to the greatest. */
static void measure(const struct duck_view *view, struct duck_index *x)
{
    int64_t min = INT64_MAX;
    int64_t max = INT64_MIN;

    for (size_t s = 0; s < view->n; s++) {
        const struct duck_column *c = &view->sets[s].columns[x->col];

        for (size_t i = 0; i < view->sets[s].rows; i++) {
            int64_t key = c->valid[i] != 0 ? key_at(c, i) : 0;

            if (c->valid[i] != 0) {
                min = key < min ? key : min;
                max = key > max ? key : max;
            }
        }
    }
    x->min = min;
    x->range = min <= max ? (uint64_t)max - (uint64_t)min : 0;
}

static void note_rows(const struct duck_view *view, struct duck_index *x,
                      unsigned shift)
{
    /* from the last row on, so that a key's rows come in order */
    for (size_t s = view->n; s-- > 0;) {
        const struct duck_column *c = &view->sets[s].columns[x->col];

        for (size_t i = view->sets[s].rows; i-- > 0;) {
            uint32_t ref = (uint32_t)(s << shift | i);
            uint32_t *head;

            if (c->valid[i] == 0) {
                continue;
            }
            head = &x->head[(uint64_t)key_at(c, i) - (uint64_t)x->min];
            x->next[ref] = *head;
            x->repeats = x->repeats || *head != 0;
            *head = ref + 1;
        }
    }
}

/* Make the view's index; *ret false: its keys are too far apart. */
static int index_view(struct duck_view *view, size_t col, unsigned shift,
                      bool *ret, struct err *e)
{
    struct duck_index *x;

    *ret = true;
    if (view->index != NULL && view->index->col == col) {
        return 0;
    }
    x = mem_zero(1, sizeof(*x));
    if (x == NULL) {
        return err_nomem(e, sizeof(*x));
    }
    x->col = col;
    measure(view, x);
    *ret = x->range < KEYS_A_ROW * (uint64_t)view->total + FREE_ROWS;
    if (!*ret) {
        duck_index_free(x);
        return 0;
    }
    x->head = mem_zero((size_t)x->range + 1, sizeof(*x->head));
    x->next = mem_zero(view->n << shift, sizeof(*x->next));
    if (x->head == NULL || x->next == NULL) {
        duck_index_free(x);
        return err_nomem(e, (view->n << shift) * sizeof(*x->next));
    }
    note_rows(view, x, shift);
    duck_index_free(view->index);
    view->index = x;
    return 0;
}

/* --- matches ------------------------------------------------------------------ */

static int room(struct duck_joined *j, size_t more, struct err *e)
{
    size_t cap = 2 * j->cap;

    if (j->n + more <= j->cap) {
        return 0;
    }
    cap = cap < j->n + more ? j->n + more : cap;
    for (size_t p = 0; p < j->nparts; p++) {
        uint32_t *refs = mem_resize(j->refs[p], cap, sizeof(*refs));

        if (refs == NULL) {
            return err_nomem(e, cap * sizeof(*refs));
        }
        j->refs[p] = refs;
    }
    j->cap = cap;
    return 0;
}

/* Every choice of one row a part; at[p] - 1 is the first of each. */
static int add_all(struct duck_joined *j, uint32_t left, const uint32_t *at,
                   struct err *e)
{
    uint32_t now[PARTS_MAX];
    size_t p;

    memcpy(now, at, sizeof(now));
    do {
        if (room(j, 1, e) < 0) {
            return -1;
        }
        j->refs[0][j->n] = left;
        for (p = 1; p < j->nparts; p++) {
            j->refs[p][j->n] = now[p] - 1;
        }
        j->n++;
        for (p = j->nparts - 1; p > 0; p--) {
            now[p] = j->parts[p]->index->next[now[p] - 1];
            if (now[p] != 0) {
                break;
            }
            now[p] = at[p];
        }
    } while (p > 0 && j->n <= j->max);
    return 0;
}

/* The first row of each part but the first for a key; false: one has none. */
static bool look_up(const struct duck_joined *j, int64_t key,
                    uint32_t at[PARTS_MAX])
{
    for (size_t p = 1; p < j->nparts; p++) {
        const struct duck_index *x = j->parts[p]->index;
        uint64_t slot = (uint64_t)key - (uint64_t)x->min;

        at[p] = slot <= x->range ? x->head[slot] : 0;
        if (at[p] == 0) {
            return false;
        }
    }
    return true;
}

static int match_set(struct duck_joined *j, size_t s, size_t col, bool repeats,
                     struct err *e)
{
    const struct duck_rows *set = &j->parts[0]->sets[s];
    const struct duck_column *c = &set->columns[col];
    uint32_t at[PARTS_MAX] = {0};

    if (room(j, set->rows, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < set->rows && j->n <= j->max; i++) {
        uint32_t left = (uint32_t)(s << j->shift[0] | i);

        if (c->valid[i] == 0 || !look_up(j, key_at(c, i), at)) {
            continue;
        }
        if (repeats) {
            if (add_all(j, left, at, e) < 0) {
                return -1;
            }
            continue;
        }
        j->refs[0][j->n] = left;
        for (size_t p = 1; p < j->nparts; p++) {
            j->refs[p][j->n] = at[p] - 1;
        }
        j->n++;
    }
    return 0;
}

/* Fill in refs; *ret false: SQL must do it. */
static int match(struct duck_joined *j, const char *key, bool *ret,
                 struct err *e)
{
    size_t col[PARTS_MAX];
    bool repeats = false;

    for (size_t p = 0; p < j->nparts; p++) {
        *ret = number_rows(j->parts[p], &j->shift[p]) &&
               find_key(j->parts[p], key, &col[p]);
        if (!*ret) {
            return 0;
        }
        j->max += MATCHES_A_ROW * j->parts[p]->total;
    }
    j->max += FREE_ROWS;
    for (size_t p = 1; p < j->nparts; p++) {
        if (index_view(j->parts[p], col[p], j->shift[p], ret, e) < 0) {
            return -1;
        }
        if (!*ret) {
            return 0;
        }
        repeats = repeats || j->parts[p]->index->repeats;
    }
    if (room(j, j->parts[0]->total + 1, e) < 0) {
        return -1;
    }
    for (size_t s = 0; s < j->parts[0]->n && j->n <= j->max; s++) {
        if (match_set(j, s, col[0], repeats, e) < 0) {
            return -1;
        }
    }
    *ret = j->n <= j->max;
    return 0;
}

/* --- columns ------------------------------------------------------------------ */

static bool is_known(const struct duck_joined *j, size_t parts,
                     const char *name, const char *key)
{
    for (size_t p = 0; p < parts; p++) {
        const struct duck_rows *set = &j->parts[p]->sets[0];

        for (size_t i = 0; i < set->ncolumns; i++) {
            if (text_ascii_ieq(slice_of(set->columns[i].name),
                               slice_of(name)) &&
                !text_ascii_ieq(slice_of(name), slice_of(key))) {
                return true;
            }
        }
    }
    return false;
}

/* The columns that are shown; *ret false: two have one name. */
static int choose(struct duck_joined *j, const char *key, bool *ret,
                  struct err *e)
{
    size_t all = 0;

    for (size_t p = 0; p < j->nparts; p++) {
        all += j->parts[p]->sets[0].ncolumns;
    }
    j->columns = mem_zero(all, sizeof(*j->columns));
    if (j->columns == NULL) {
        return err_nomem(e, all * sizeof(*j->columns));
    }
    for (size_t p = 0; p < j->nparts; p++) {
        const struct duck_rows *set = &j->parts[p]->sets[0];

        for (size_t i = 0; i < set->ncolumns; i++) {
            const struct duck_column *c = &set->columns[i];

            if (is_known(j, p, c->name, key)) {
                *ret = false;
                return 0;
            }
            if (duck_vector_picks(c) &&
                (p == 0 || !text_ascii_ieq(slice_of(c->name), slice_of(key)))) {
                j->columns[j->ncolumns++] = (struct place){p, i};
            }
        }
    }
    return 0;
}

/* The views of these names; false: one is not there, or is joined itself. */
static bool find_parts(const struct duck *d, struct duck_joined *j,
                       const char *const *fed, size_t n)
{
    if (n < 2 || n > PARTS_MAX) {
        return false;
    }
    for (; j->nparts < n; j->nparts++) {
        struct duck_view *v = d->views;

        while (v != NULL && strcmp(v->name, fed[j->nparts]) != 0) {
            v = v->next;
        }
        if (v == NULL || v->joined != NULL) {
            return false;
        }
        j->parts[j->nparts] = v;
    }
    return true;
}

int duck_feed_joined(struct duck *d, const char *name, const char *const *fed,
                     size_t n, const char *key, bool *ret, struct err *e)
{
    struct duck_joined *j = mem_zero(1, sizeof(*j));
    struct duck_view *view;
    int rc = 0;

    if (j == NULL) {
        return err_nomem(e, sizeof(*j));
    }
    *ret = find_parts(d, j, fed, n);
    if (*ret) {
        rc = choose(j, key, ret, e);
    }
    if (rc == 0 && *ret) {
        rc = match(j, key, ret, e);
    }
    if (rc < 0 || !*ret) {
        duck_joined_free(j);
        return rc;
    }
    view = mem_zero(1, sizeof(*view));
    if (view == NULL) {
        duck_joined_free(j);
        return err_nomem(e, sizeof(*view));
    }
    view->joined = j;
    view->total = j->n;
    return duck_view_add(d, view, name, e);
}
