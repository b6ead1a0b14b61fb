#include "broker/positions.h"

#include <string.h>

#include "core/mem.h"

enum {
    ROWS_MAX = 100000
};

void positions_release(struct positions *x)
{
    mem_free(x->rows);
    *x = (struct positions){0};
}

static int compare(const struct position_row *row, const char *group,
                   const char *topic, int32_t partition)
{
    int c = strcmp(row->group, group);

    c = c ? c : strcmp(row->p.topic, topic);
    return c ? c
             : (row->p.partition > partition) - (row->p.partition < partition);
}

static size_t place(const struct positions *x, const char *group,
                    const char *topic, int32_t partition)
{
    size_t i = 0;

    while (i < x->n && compare(&x->rows[i], group, topic, partition) < 0) {
        i++;
    }
    return i;
}

const struct broker_position *positions_find(const struct positions *x,
                                             const char *group,
                                             const char *topic,
                                             int32_t partition)
{
    size_t i = place(x, group, topic, partition);

    return i < x->n && compare(&x->rows[i], group, topic, partition) == 0
               ? &x->rows[i].p
               : NULL;
}

int positions_set(struct positions *x, const char *group,
                  const struct broker_position *p, struct err *e)
{
    size_t i = place(x, group, p->topic, p->partition);
    struct position_row row = {.p = *p};

    memcpy(row.group, group, strlen(group) + 1);
    if (i == x->n || compare(&x->rows[i], group, p->topic, p->partition) != 0) {
        struct position_row *rows;

        if (x->n >= ROWS_MAX) {
            return err_set(e, ERR_LIMIT, "there are %d positions already",
                           ROWS_MAX);
        }
        rows = mem_resize(x->rows, x->n + 1, sizeof(*rows));
        if (rows == NULL) {
            return err_nomem(e, sizeof(*rows));
        }
        memmove(&rows[i + 1], &rows[i], (x->n - i) * sizeof(*rows));
        x->rows = rows;
        x->n++;
    }
    x->rows[i] = row;
    return 0;
}

size_t positions_drop(struct positions *x, const char *group, const char *topic)
{
    size_t kept = 0;
    size_t n = x->n;

    for (size_t i = 0; i < n; i++) {
        const struct position_row *row = &x->rows[i];

        int differs =
            group ? strcmp(row->group, group) : strcmp(row->p.topic, topic);

        if (differs != 0) {
            x->rows[kept++] = *row;
        }
    }
    x->n = kept;
    return n - kept;
}

int positions_groups(const struct positions *x, struct broker_group **ret,
                     size_t *n, struct err *e)
{
    struct broker_group *list = mem_zero(x->n + 1, sizeof(*list));
    size_t count = 0;

    if (list == NULL) {
        return err_nomem(e, sizeof(*list));
    }
    for (size_t i = 0; i < x->n; i++) {
        const char *name = x->rows[i].group;

        if (count == 0 || strcmp(list[count - 1].name, name) != 0) {
            memcpy(list[count++].name, name, strlen(name) + 1);
        }
    }
    *ret = list;
    *n = count;
    return 0;
}

int positions_of(const struct positions *x, const char *group,
                 struct broker_position **ret, size_t *n, struct err *e)
{
    struct broker_position *list = mem_zero(x->n + 1, sizeof(*list));
    size_t count = 0;

    if (list == NULL) {
        return err_nomem(e, sizeof(*list));
    }
    for (size_t i = 0; i < x->n; i++) {
        if (strcmp(x->rows[i].group, group) == 0) {
            list[count++] = x->rows[i].p;
        }
    }
    *ret = list;
    *n = count;
    return 0;
}
