#include "sched/journal.h"

#include <inttypes.h>
#include <string.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "db/sqlite_book.h"

extern const struct embed_file sched_sql[];

enum {
    JOURNAL_VERSION = 1,
    RUNS_MAX = 10000,
};

enum statement {
    SCHEDULE,
    PAUSE,
    ADVANCE,
    FIRST_ADVANCE,
    ADD_RUN,
    ADD_TASK,
    SAME,
    PUT_RUN,
    PUT_TASK,
    CANCEL,
    AGAIN_RUN,
    AGAIN_TASKS,
    RUNS_OPEN,
    RUNS_ALL,
    RUN,
    TASKS,
    BEFORE,
    STATEMENTS,
};

#define RUN_COLUMNS \
    "SELECT id, schedule, kind, key, from_us, to_us, conf, token, state, cancel, created_us, started_us, ended_us, reason FROM run"

static const char *const texts[STATEMENTS] = {
    [SCHEDULE] = "SELECT upto_us, paused FROM schedule WHERE name = ?1",
    [PAUSE] =
        "INSERT INTO schedule VALUES (?1, -1, ?2) ON CONFLICT (name) DO UPDATE SET paused = ?2",
    [ADVANCE] =
        "UPDATE schedule SET upto_us = ?3 WHERE name = ?1 AND upto_us = ?2",
    [FIRST_ADVANCE] = "INSERT OR IGNORE INTO schedule VALUES (?1, -1, 0)",
    [ADD_RUN] =
        "INSERT OR IGNORE INTO run (schedule, kind, key, from_us, to_us, conf, token, state, cancel, created_us, started_us, ended_us, reason) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,0,?9,?10,?11,?12)",
    [ADD_TASK] =
        "INSERT INTO task VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0, -1, '', '')",
    [SAME] =
        "SELECT id FROM run WHERE (schedule = ?1 AND key = ?2) OR token = ?3 ORDER BY token = ?3 DESC LIMIT 1",
    [PUT_RUN] =
        "UPDATE run SET state = ?2, started_us = ?3, ended_us = ?4, reason = ?5 WHERE id = ?1",
    [PUT_TASK] =
        "UPDATE task SET state = ?3, attempt = ?4, not_before_us = ?5, started_us = ?6, ended_us = ?7, exit_code = ?8, reason = ?9, log = ?10 WHERE run = ?1 AND name = ?2",
    [CANCEL] = "UPDATE run SET cancel = 1 WHERE id = ?1",
    [AGAIN_RUN] =
        "UPDATE run SET state = 'queued', cancel = 0, started_us = 0, ended_us = 0, reason = '' WHERE id = ?1 AND ended_us > 0",
    [AGAIN_TASKS] =
        "UPDATE task SET state = 'queued', attempt = 0, not_before_us = 0, started_us = 0, ended_us = 0, exit_code = -1, reason = '' WHERE run = ?1 AND (?2 OR state <> 'success')",
    [RUNS_OPEN] = RUN_COLUMNS
    " WHERE (?1 IS NULL OR schedule = ?1) AND ended_us = 0 ORDER BY to_us, id LIMIT ?2",
    [RUNS_ALL] = RUN_COLUMNS
    " WHERE (?1 IS NULL OR schedule = ?1) ORDER BY id DESC LIMIT ?2",
    [RUN] = RUN_COLUMNS " WHERE id = ?1",
    [TASKS] =
        "SELECT run, name, state, attempt, not_before_us, started_us, ended_us, exit_code, reason, log FROM task WHERE run = ?1 ORDER BY place",
    [BEFORE] = RUN_COLUMNS
    " WHERE schedule = ?1 AND to_us <= ?2 AND kind <> 'manual' AND state <> 'skipped' ORDER BY to_us DESC LIMIT 1",
};

struct journal {
    struct sqlite *db;
    struct sqlite_stmt *st[STATEMENTS];
};

static const struct {
    const char *text;
    bool final;
} states[] = {
#define XX(name, text, final) {(text), (final)},
    SCHED_STATE_MAP(XX)
#undef XX
};

const char *sched_state_text(enum sched_state s)
{
    return states[s].text;
}

bool sched_state_final(enum sched_state s)
{
    return states[s].final;
}

static enum sched_state state_of(struct slice text)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (slice_is(text, states[i].text)) {
            return (enum sched_state)i;
        }
    }
    return SCHED_FAILED; /* of a newer pinline */
}

void journal_close(struct journal *j)
{
    if (j == NULL) {
        return;
    }
    sqlite_book_close(j->db, j->st, STATEMENTS);
    mem_free(j);
}

int journal_open(struct journal **ret, const char *dir, struct err *e)
{
    static const struct sqlite_book_kind kind = {
        .what = "schedule journal",
        .files = sched_sql,
        .schema = "schedule.sql",
        .version = JOURNAL_VERSION,
        .texts = texts,
        .n = STATEMENTS,
    };
    struct journal *j = mem_zero(1, sizeof(*j));
    char path[FS_PATH_MAX];

    if (j == NULL) {
        return err_nomem(e, sizeof(*j));
    }
    if (fs_make_folders(dir, e) < 0 ||
        fs_join(path, dir, "schedule.db", e) < 0 ||
        sqlite_book_open(&j->db, j->st, &kind, path, e) < 0) {
        mem_free(j);
        return -1;
    }
    *ret = j;
    return 0;
}

int journal_begin(struct journal *j, struct err *e)
{
    return sqlite_begin(j->db, e);
}

int journal_commit(struct journal *j, struct err *e)
{
    return sqlite_commit(j->db, e);
}

void journal_rollback(struct journal *j)
{
    sqlite_rollback(j->db);
}

int journal_schedule(struct journal *j, const char *schedule, int64_t *ret_upto,
                     bool *ret_paused, struct err *e)
{
    struct sqlite_stmt *st = j->st[SCHEDULE];
    int rc;

    sqlite_bind_cstr(st, 1, schedule);
    rc = sqlite_step(st, e);
    if (rc >= 0) {
        *ret_upto = rc ? sqlite_column_int(st, 0) : -1;
        *ret_paused = rc && sqlite_column_int(st, 1) != 0;
    }
    sqlite_reset(st);
    return rc < 0 ? -1 : 0;
}

int journal_pause(struct journal *j, const char *schedule, bool pause,
                  struct err *e)
{
    struct sqlite_stmt *st = j->st[PAUSE];

    sqlite_bind_cstr(st, 1, schedule);
    sqlite_bind_int(st, 2, pause);
    return sqlite_run(st, e);
}

int journal_advance(struct journal *j, const char *schedule, int64_t from,
                    int64_t to, struct err *e)
{
    struct sqlite_stmt *st = j->st[ADVANCE];

    sqlite_bind_cstr(j->st[FIRST_ADVANCE], 1, schedule);
    if (sqlite_run(j->st[FIRST_ADVANCE], e) < 0) {
        return -1;
    }
    sqlite_bind_cstr(st, 1, schedule);
    sqlite_bind_int(st, 2, from);
    sqlite_bind_int(st, 3, to);
    if (sqlite_run(st, e) < 0) {
        return -1;
    }
    if (sqlite_changes(j->db) != 1) {
        return err_set(e, ERR_FENCED,
                       "schedule \"%s\" was moved on by somebody else",
                       schedule);
    }
    return 0;
}

static int find_same(struct journal *j, const struct sched_run *r,
                     int64_t *ret_id, struct err *e)
{
    struct sqlite_stmt *st = j->st[SAME];
    int rc;

    sqlite_bind_cstr(st, 1, r->schedule);
    sqlite_bind_cstr(st, 2, r->key);
    sqlite_bind_cstr(st, 3, r->token);
    rc = sqlite_step(st, e);
    if (rc > 0) {
        *ret_id = sqlite_column_int(st, 0);
        rc = err_set(e, ERR_EXISTS,
                     "schedule \"%s\" has run %" PRId64 " for \"%s\" already",
                     r->schedule, *ret_id, r->key);
    }
    sqlite_reset(st);
    return rc;
}

static int add_run(struct journal *j, const struct sched_run *r, int64_t *ret,
                   struct err *e)
{
    struct sqlite_stmt *st = j->st[ADD_RUN];
    bool over = sched_state_final(r->state);
    int64_t now = r->created_us;

    sqlite_bind_cstr(st, 1, r->schedule);
    sqlite_bind_cstr(st, 2, r->kind);
    sqlite_bind_cstr(st, 3, r->key);
    sqlite_bind_int(st, 4, r->from_us);
    sqlite_bind_int(st, 5, r->to_us);
    sqlite_bind_cstr(st, 6, r->conf != NULL ? r->conf : "{}");
    sqlite_bind_cstr(st, 7, r->token);
    sqlite_bind_cstr(st, 8, sched_state_text(r->state));
    sqlite_bind_int(st, 9, now);
    sqlite_bind_int(st, 10, over ? now : 0);
    sqlite_bind_int(st, 11, over ? now : 0);
    sqlite_bind_cstr(st, 12, r->reason != NULL ? r->reason : "");
    if (sqlite_run(st, e) < 0) {
        return -1;
    }
    if (sqlite_changes(j->db) == 0) {
        return find_same(j, r, ret, e);
    }
    *ret = sqlite_last_rowid(j->db);
    return 0;
}

int journal_add(struct journal *j, const struct sched_run *r,
                const char *const *tasks, size_t ntasks, int64_t *ret_id,
                struct err *e)
{
    struct sqlite_stmt *st = j->st[ADD_TASK];
    bool alone = !sqlite_in_transaction(j->db);

    if (alone && sqlite_begin(j->db, e) < 0) {
        return -1;
    }
    if (add_run(j, r, ret_id, e) < 0) {
        goto fail;
    }
    for (size_t i = 0; i < ntasks; i++) {
        sqlite_bind_int(st, 1, *ret_id);
        sqlite_bind_int(st, 2, (int64_t)i);
        sqlite_bind_cstr(st, 3, tasks[i]);
        sqlite_bind_cstr(st, 4, sched_state_text(r->state));
        if (sqlite_run(st, e) < 0) {
            goto fail;
        }
    }
    if (alone && sqlite_commit(j->db, e) < 0) {
        goto fail;
    }
    return 0;

fail:
    if (alone) {
        sqlite_rollback(j->db);
    }
    return -1;
}

int journal_put_run(struct journal *j, const struct sched_run *r, struct err *e)
{
    struct sqlite_stmt *st = j->st[PUT_RUN];

    sqlite_bind_int(st, 1, r->id);
    sqlite_bind_cstr(st, 2, sched_state_text(r->state));
    sqlite_bind_int(st, 3, r->started_us);
    sqlite_bind_int(st, 4, r->ended_us);
    sqlite_bind_cstr(st, 5, r->reason != NULL ? r->reason : "");
    return sqlite_run(st, e);
}

int journal_put_task(struct journal *j, const struct sched_task *t,
                     struct err *e)
{
    struct sqlite_stmt *st = j->st[PUT_TASK];

    sqlite_bind_int(st, 1, t->run);
    sqlite_bind_cstr(st, 2, t->name);
    sqlite_bind_cstr(st, 3, sched_state_text(t->state));
    sqlite_bind_int(st, 4, t->attempt);
    sqlite_bind_int(st, 5, t->not_before_us);
    sqlite_bind_int(st, 6, t->started_us);
    sqlite_bind_int(st, 7, t->ended_us);
    sqlite_bind_int(st, 8, t->exit_code);
    sqlite_bind_cstr(st, 9, t->reason != NULL ? t->reason : "");
    sqlite_bind_cstr(st, 10, t->log != NULL ? t->log : "");
    return sqlite_run(st, e);
}

int journal_cancel(struct journal *j, int64_t run, struct err *e)
{
    sqlite_bind_int(j->st[CANCEL], 1, run);
    if (sqlite_run(j->st[CANCEL], e) < 0) {
        return -1;
    }
    return sqlite_changes(j->db) == 1
               ? 0
               : err_set(e, ERR_NOTFOUND, "there is no run %" PRId64, run);
}

static int cannot_again(struct journal *j, int64_t run, struct err *e)
{
    struct sqlite_stmt *st = j->st[RUN];
    int rc;

    sqlite_bind_int(st, 1, run);
    rc = sqlite_step(st, e);
    sqlite_reset(st);
    if (rc < 0) {
        return -1;
    }
    return rc == 0 ? err_set(e, ERR_NOTFOUND, "there is no run %" PRId64, run)
                   : err_set(e, ERR_BUSY,
                             "run %" PRId64 " has not ended yet; it cannot "
                             "begin again",
                             run);
}

int journal_again(struct journal *j, int64_t run, bool all, struct err *e)
{
    if (sqlite_begin(j->db, e) < 0) {
        return -1;
    }
    sqlite_bind_int(j->st[AGAIN_RUN], 1, run);
    if (sqlite_run(j->st[AGAIN_RUN], e) < 0) {
        goto fail;
    }
    if (sqlite_changes(j->db) != 1) {
        cannot_again(j, run, e);
        goto fail;
    }
    sqlite_bind_int(j->st[AGAIN_TASKS], 1, run);
    sqlite_bind_int(j->st[AGAIN_TASKS], 2, all);
    if (sqlite_run(j->st[AGAIN_TASKS], e) < 0 || sqlite_commit(j->db, e) < 0) {
        goto fail;
    }
    return 0;

fail:
    sqlite_rollback(j->db);
    return -1;
}

/* ---- reading ---- */

static int keep_text(struct sqlite_stmt *st, int column, struct arena *a,
                     const char **ret, struct err *e)
{
    struct slice copy;

    if (sqlite_column_type(st, column) == SQLITE_IS_NULL) {
        *ret = NULL;
        return 0;
    }
    if (arena_copy(a, sqlite_column_text(st, column), &copy, e) < 0) {
        return -1;
    }
    *ret = copy.ptr;
    return 0;
}

static int read_run(struct sqlite_stmt *st, struct arena *a,
                    struct sched_run *r, struct err *e)
{
    *r = (struct sched_run){.id = sqlite_column_int(st, 0),
                            .from_us = sqlite_column_int(st, 4),
                            .to_us = sqlite_column_int(st, 5),
                            .state = state_of(sqlite_column_text(st, 8)),
                            .cancel = sqlite_column_int(st, 9) != 0,
                            .created_us = sqlite_column_int(st, 10),
                            .started_us = sqlite_column_int(st, 11),
                            .ended_us = sqlite_column_int(st, 12)};
    return keep_text(st, 1, a, &r->schedule, e) < 0 ||
                   keep_text(st, 2, a, &r->kind, e) < 0 ||
                   keep_text(st, 3, a, &r->key, e) < 0 ||
                   keep_text(st, 6, a, &r->conf, e) < 0 ||
                   keep_text(st, 7, a, &r->token, e) < 0 ||
                   keep_text(st, 13, a, &r->reason, e) < 0
               ? -1
               : 0;
}

int journal_runs(struct journal *j, const struct journal_filter *f,
                 struct arena *a, struct sched_run **ret, size_t *n,
                 struct err *e)
{
    struct sqlite_stmt *st = j->st[f->open_only ? RUNS_OPEN : RUNS_ALL];
    int64_t limit = f->limit > RUNS_MAX ? RUNS_MAX : f->limit;
    struct sched_run *runs =
        arena_alloc(a, (size_t)(limit + 1) * sizeof(*runs), e);
    size_t count = 0;
    int rc = 0;

    if (runs == NULL) {
        return -1;
    }
    sqlite_bind_cstr(st, 1, f->schedule);
    sqlite_bind_int(st, 2, limit);
    while (rc == 0 && (rc = sqlite_step(st, e)) > 0) {
        rc = read_run(st, a, &runs[count++], e);
    }
    sqlite_reset(st);
    if (rc < 0) {
        return -1;
    }
    *ret = runs;
    *n = count;
    return 0;
}

/* The one row of a statement whose parameters are bound. */
static int one_run(struct sqlite_stmt *st, struct arena *a,
                   struct sched_run *ret, struct err *e)
{
    int rc = sqlite_step(st, e);

    if (rc > 0) {
        rc = read_run(st, a, ret, e);
    } else if (rc == 0) {
        rc = err_set(e, ERR_NOTFOUND, "there is no such run");
    }
    sqlite_reset(st);
    return rc;
}

int journal_run(struct journal *j, int64_t id, struct arena *a,
                struct sched_run *ret, struct err *e)
{
    sqlite_bind_int(j->st[RUN], 1, id);
    return one_run(j->st[RUN], a, ret, e);
}

int journal_before(struct journal *j, const char *schedule, int64_t from_us,
                   struct arena *a, struct sched_run *ret, struct err *e)
{
    sqlite_bind_cstr(j->st[BEFORE], 1, schedule);
    sqlite_bind_int(j->st[BEFORE], 2, from_us);
    return one_run(j->st[BEFORE], a, ret, e);
}

int journal_tasks(struct journal *j, int64_t run, struct arena *a,
                  struct sched_task **ret, size_t *n, struct err *e)
{
    struct sqlite_stmt *st = j->st[TASKS];
    struct sched_task *tasks =
        arena_alloc(a, SCHED_TASKS_MAX * sizeof(*tasks), e);
    size_t count = 0;
    int rc = 0;

    if (tasks == NULL) {
        return -1;
    }
    sqlite_bind_int(st, 1, run);
    while (rc == 0 && count < SCHED_TASKS_MAX &&
           (rc = sqlite_step(st, e)) > 0) {
        struct sched_task *t = &tasks[count++];

        *t = (struct sched_task){.run = run,
                                 .state = state_of(sqlite_column_text(st, 2)),
                                 .attempt = sqlite_column_int(st, 3),
                                 .not_before_us = sqlite_column_int(st, 4),
                                 .started_us = sqlite_column_int(st, 5),
                                 .ended_us = sqlite_column_int(st, 6),
                                 .exit_code = sqlite_column_int(st, 7)};
        rc = keep_text(st, 1, a, &t->name, e) < 0 ||
                     keep_text(st, 8, a, &t->reason, e) < 0 ||
                     keep_text(st, 9, a, &t->log, e) < 0
                 ? -1
                 : 0;
    }
    sqlite_reset(st);
    if (rc < 0) {
        return -1;
    }
    *ret = tasks;
    *n = count;
    return 0;
}
