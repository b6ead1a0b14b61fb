/* journal_sum.c - the journal in a few numbers, for monitoring. */
#include "core/fs.h"
#include "db/sqlite.h"
#include "sched/journal.h"

enum question {
    STATES, /* state, how many */
    LAST,   /* the last success: ended_us, its duration */
    OLDEST, /* the end of the oldest interval whose run has not ended */
    UPTO,   /* upto_us, paused */
    QUESTIONS,
};

static const char *const texts[QUESTIONS] = {
    [STATES] =
        "SELECT state, count(*) FROM run WHERE schedule = ?1 GROUP BY state",
    [LAST] =
        "SELECT ended_us, ended_us - started_us FROM run WHERE schedule = ?1 AND state = 'success' ORDER BY ended_us DESC LIMIT 1",
    [OLDEST] =
        "SELECT to_us, 0 FROM run WHERE schedule = ?1 AND ended_us = 0 AND to_us > from_us ORDER BY to_us LIMIT 1",
    [UPTO] = "SELECT upto_us, paused FROM schedule WHERE name = ?1",
};

static void note(struct journal_sum *s, enum question q,
                 struct sqlite_stmt *row)
{
    int64_t first = sqlite_column_int(row, 0);
    int64_t second = sqlite_column_int(row, 1);

    switch (q) {
    case STATES:
        for (int i = 0; i < SCHED_STATES; i++) {
            if (slice_is(sqlite_column_text(row, 0),
                         sched_state_text((enum sched_state)i))) {
                s->runs[i] = second;
            }
        }
        break;
    case LAST:
        s->success_us = first;
        s->took_us = second;
        break;
    case OLDEST:
        s->oldest_us = first;
        break;
    case UPTO:
        s->upto_us = first;
        s->paused = second != 0;
        break;
    case QUESTIONS:
        break;
    }
}

static int ask(struct sqlite *db, const char *schedule, enum question q,
               struct journal_sum *s, struct err *e)
{
    struct sqlite_stmt *st = NULL;
    int rc;

    if (sqlite_prepare(db, texts[q], false, &st, e) < 0) {
        return -1;
    }
    sqlite_bind_text(st, 1, slice_of(schedule));
    while ((rc = sqlite_step(st, e)) > 0) {
        note(s, q, st);
    }
    sqlite_finalize(st);
    return rc;
}

int journal_sum(const char *dir, const char *schedule, struct journal_sum *ret,
                struct err *e)
{
    struct sqlite *db = NULL;
    char path[FS_PATH_MAX];
    int64_t version = 0;
    int rc;

    *ret = (struct journal_sum){.upto_us = -1};
    if (fs_join(path, dir, "schedule.db", e) < 0) {
        return -1;
    }
    if (!fs_exists(path)) {
        return 0;
    }
    if (sqlite_open(&db, path, SQLITE_TO_READ, e) < 0) {
        return -1;
    }
    rc = sqlite_begin_read(db, e) < 0 ||
                 sqlite_int(db, "PRAGMA user_version", &version, e) < 0
             ? -1
             : 0;
    /* version 0: the file is there, its tables are about to be */
    for (int q = 0; rc == 0 && version > 0 && q < QUESTIONS; q++) {
        rc = ask(db, schedule, (enum question)q, ret, e);
    }
    sqlite_rollback(db);
    sqlite_close(db);
    return rc;
}
