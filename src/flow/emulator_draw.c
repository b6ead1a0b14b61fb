#include "core/clock.h"
#include "core/num.h"
#include "flow/emulator_int.h"

enum {
    PYTHON_LAST = 11000, /* randint(0, 11000) in the seeds' script */
    PAUSE_MAX = 86400
};

/* "A-Bs" as the script's randrange(A, B), "Ns" as a fixed pause. */
static bool parse_pause(struct emulator_draw *d, struct slice text)
{
    struct slice low;
    uint64_t from = 0;
    uint64_t to = 0;

    if (!slice_ends(text, SLICE("s"))) {
        return false;
    }
    text.len--;
    if (slice_cut(&text, '-', &low)) {
        if (!num_u64(low, &from) || !num_u64(text, &to) || from >= to ||
            to > PAUSE_MAX) {
            return false;
        }
    } else if (!num_u64(low, &from) || from > PAUSE_MAX) {
        return false;
    } else {
        to = from + 1;
    }
    d->pause_from = (int64_t)from;
    d->pause_to = (int64_t)to;
    return true;
}

static int parse_pace(struct emulator_draw *d, const char *pace, bool *ret_max,
                      struct err *e)
{
    struct slice text = slice_of(pace != NULL ? pace : "max");
    int64_t rate = 0;

    /* the script always draws its pause, whether anyone waits for it or not */
    d->pause_to = 2;
    *ret_max = slice_is(text, "max");
    if (*ret_max) {
        return 0;
    }
    if (slice_ends(text, SLICE("/s"))) {
        if (num_i64((struct slice){text.ptr, text.len - 2}, &rate) &&
            rate > 0 && rate <= 1000000000) {
            d->interval_ns = 1000000000 / rate;
            return 0;
        }
    } else if (parse_pause(d, text)) {
        d->interval_ns = -1;
        return 0;
    }
    return err_set(e, ERR_INVALID,
                   "cannot use pace \"%s\": give \"max\", \"N/s\" rows, or "
                   "\"A-Bs\" seconds between rows, B not included",
                   pace);
}

/* How many rows there are to draw from: those that every table has, or, when
 * all are posted once, those that any has. */
static int count_rows(struct emulator_draw *d, const struct emulator_conf *conf,
                      struct err *e)
{
    bool first = true;

    for (size_t t = 0; t < conf->ntables; t++) {
        int64_t rows = 0;

        if (conf->tables[t].skip) {
            continue;
        }
        if (source_rows(conf->source, t, &rows, e) != 0) {
            return -1;
        }
        if (rows < 0) {
            d->source_rows = -1;
            return 0;
        }
        if (first ||
            (d->once ? rows > d->source_rows : rows < d->source_rows)) {
            d->source_rows = rows;
        }
        first = false;
    }
    return 0;
}

int emulator_draw_init(struct emulator_draw *d,
                       const struct emulator_conf *conf, bool *ret_max,
                       struct err *e)
{
    *d = (struct emulator_draw){
        .order = conf->order,
        .once = conf->rows == 0 && !conf->loop,
        .left = conf->loop || conf->rows == 0 ? -1 : conf->rows};
    if (parse_pace(d, conf->pace, ret_max, e) != 0 ||
        count_rows(d, conf, e) != 0) {
        return -1;
    }
    if (d->once) {
        d->order = EMULATOR_SEQUENTIAL;
    } else if (d->source_rows == 0) {
        return err_set(e, ERR_INVALID,
                       "cannot draw a row: the source has none"
                       " that all of its tables have");
    }
    if (d->source_rows < 0 && d->order != EMULATOR_SEQUENTIAL) {
        return err_set(e, ERR_INVALID,
                       "cannot draw rows at random: the source does not know"
                       " how many it has; use --order sequential");
    }
    rand_seed(&d->random, conf->seed);
    rand_mt_seed(&d->python, conf->seed);
    d->started_us = clock_mono_us();
    return 0;
}

static int64_t draw_row(struct emulator_draw *d, int64_t *ret_pause)
{
    int64_t rows = d->source_rows;
    int64_t n;

    *ret_pause = 0;
    switch (d->order) {
    case EMULATOR_CPYTHON:
        *ret_pause = rand_mt_range(&d->python, d->pause_from, d->pause_to);
        n = rand_mt_range(&d->python, 0,
                          rows > PYTHON_LAST ? PYTHON_LAST + 1 : rows);
        return n;
    case EMULATOR_RANDOM:
        n = (int64_t)rand_below(&d->random, (uint64_t)rows);
        break;
    case EMULATOR_SEQUENTIAL:
    default:
        n = d->next++;
        if (rows > 0 && n >= rows) {
            n = d->once ? -1 : n % rows;
        } else if (rows == 0) {
            n = -1;
        }
        break;
    }
    if (d->interval_ns < 0) {
        *ret_pause = d->pause_from +
                     (int64_t)rand_below(
                         &d->random, (uint64_t)(d->pause_to - d->pause_from));
    }
    return n;
}

int64_t emulator_draw_next(struct emulator_draw *d, int64_t *ret_due_us)
{
    int64_t pause = 0;
    int64_t n;

    if (d->left == 0) {
        return -1;
    }
    n = draw_row(d, &pause);
    if (d->left > 0) {
        d->left--;
    }
    *ret_due_us = clock_mono_us();
    if (d->interval_ns > 0) {
        *ret_due_us = d->started_us + d->draws * d->interval_ns / 1000;
    } else if (d->interval_ns < 0) {
        *ret_due_us += pause * 1000000;
    }
    d->draws++;
    return n;
}
