#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/proc.h"
#include "core/secret.h"
#include "sched/sched_int.h"

struct slot *slot_find(struct sched *s, int64_t run, const char *task)
{
    for (size_t i = 0; i < s->nslots; i++) {
        struct slot *slot = &s->slots[i];

        if (slot->used && slot->run == run &&
            strcmp(slot->task.name, task) == 0) {
            return slot;
        }
    }
    return NULL;
}

struct slot *slot_free(struct sched *s)
{
    for (size_t i = 0; i < s->nslots; i++) {
        if (!s->slots[i].used) {
            return &s->slots[i];
        }
    }
    return NULL;
}

static bool asked_to_end(void *arg)
{
    struct slot *slot = arg;

    return atomic_load(&slot->cancel) || atomic_load(&slot->owner->closing);
}

static void run_slot(void *arg)
{
    struct slot *slot = arg;
    struct sched *s = slot->owner;
    struct proc p = {.argv = slot->argv,
                     .timeout_us = s->conf.timeout_us,
                     .log_fd = slot->log_fd,
                     .give_up = asked_to_end,
                     .arg = slot};

    slot->err.code = ERR_NONE;
    if (proc_run(&p, &slot->err) == 0) {
        slot->status = p.status;
        slot->timed_out = p.timed_out;
    }
    (void)close(slot->log_fd);
    mutex_lock(&s->m);
    atomic_store(&slot->over, true);
    cond_signal(&s->woken);
    mutex_unlock(&s->m);
}

/* DIR/logs/RUN/TASK.ATTEMPT.log; *ret is below DIR, in the slot's arena. */
static int open_log(struct slot *slot, const struct sched_task *t,
                    const char **ret, struct err *e)
{
    struct arena *a = &slot->arena;
    const char *dir = slot->owner->conf.dir;
    const char *folder = arena_printf(a, e, "%s/logs/%" PRId64, dir, slot->run);
    const char *path;

    if (folder == NULL || fs_make_folders(folder, e) < 0) {
        return -1;
    }
    *ret = arena_printf(a, e, "logs/%" PRId64 "/%s.%" PRId64 ".log", slot->run,
                        t->name, t->attempt);
    path = *ret != NULL ? arena_printf(a, e, "%s/%s", dir, *ret) : NULL;
    if (path == NULL) {
        return -1;
    }
    /* appended: an attempt that a crash cut short goes on in its log */
    slot->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (slot->log_fd < 0) {
        return err_set(e, ERR_IO, "could not open log \"%s\": %s", path,
                       strerror(errno));
    }
    return 0;
}

/* A shell command gets the run in its environment. */
static int shell_command(struct slot *slot, const struct sched_run *run,
                         const char *command, struct err *e)
{
    const char **argv = slot->argv;
    struct arena *a = &slot->arena;
    const char *start = sched_key(a, run->from_us, run->to_us, e);
    size_t n = 0;

    if (start == NULL) {
        return -1;
    }
    argv[n++] = "env";
    argv[n++] = arena_printf(a, e, "PINLINE_INTERVAL=%s", start);
    argv[n++] = arena_printf(a, e, "PINLINE_RUN=%" PRId64, run->id);
    argv[n++] = arena_printf(a, e, "PINLINE_CONF=%s", run->conf);
    argv[n++] = "/bin/sh";
    argv[n++] = "-c";
    argv[n++] = arena_printf(a, e, "%s", command);
    argv[n] = NULL;
    for (size_t i = 0; i < n; i++) {
        if (argv[i] == NULL) {
            return -1;
        }
    }
    return 0;
}

int slot_start(struct slot *slot, const struct sched_run *run,
               const struct graph_task *def, struct sched_task *t,
               struct err *e)
{
    const struct sched_conf *conf = &slot->owner->conf;
    struct sched_job job = {run, def, t->attempt, &slot->arena};
    int rc;

    arena_reset(&slot->arena);
    atomic_store(&slot->over, false);
    atomic_store(&slot->cancel, false);
    slot->run = run->id;
    slot->log_fd = -1;
    rc = def->command != NULL ? shell_command(slot, run, def->command, e)
                              : conf->command(conf->arg, &job, slot->argv, e);
    if (rc < 0 || open_log(slot, t, &t->log, e) < 0) {
        return -1;
    }
    slot->task = *t;
    slot->task.name = arena_printf(&slot->arena, e, "%s", t->name);
    if (slot->task.name == NULL ||
        thread_start(&slot->thread, "task", run_slot, slot, e) < 0) {
        (void)close(slot->log_fd);
        return -1;
    }
    slot->used = true;
    return 0;
}

void slot_end(struct slot *slot)
{
    if (slot->used) {
        thread_join(&slot->thread);
        slot->used = false;
    }
}
