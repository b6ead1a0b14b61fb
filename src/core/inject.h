/*
 * inject.h - named points where a test makes the program die or fail.
 *
 * INJECT(name) stands at a place whose crash matters.  In builds with
 * -Dinject=true the environment variable PINLINE_KILL_AT=name[:n] sends
 * SIGKILL to the process at the n-th visit (1 by default), PINLINE_STOP_AT
 * SIGSTOP, and PINLINE_FAIL_AT=name[:n] makes INJECT_FAILS(name) true there.
 * In release builds all are constants.
 */
#ifndef CORE_INJECT_H
#define CORE_INJECT_H

#include "core/base.h"

/* Sorted; XX(name). */
#define INJECT_MAP(XX)            \
    XX(batch_before_commit)       \
    XX(broker_before_answer)      \
    XX(broker_before_commit)      \
    XX(broker_seal)               \
    XX(delta_after_log)           \
    XX(delta_before_checkpoint)   \
    XX(delta_before_compact)      \
    XX(delta_before_data)         \
    XX(delta_before_log)          \
    XX(file_stream_before_commit) \
    XX(file_stream_before_sync)   \
    XX(fs_sync)                   \
    XX(kafka_after_commit)        \
    XX(kafka_after_put)           \
    XX(kafka_before_commit)       \
    XX(kafka_before_put)          \
    XX(kinesis_after_put)         \
    XX(kinesis_before_marks)      \
    XX(kinesis_before_position)   \
    XX(objects_before_commit)     \
    XX(objects_before_plan)       \
    XX(objects_before_publish)    \
    XX(pipeline_before_ledger)    \
    XX(postgres_after_commit)     \
    XX(postgres_before_commit)    \
    XX(postgres_before_copy_end)  \
    XX(postgres_before_move)      \
    XX(runs_before_answer)        \
    XX(sched_before_begin)        \
    XX(sched_before_end)          \
    XX(sched_before_note)         \
    XX(sched_before_spawn)        \
    XX(stream_after_commit)

enum inject_point {
#define XX(name) INJECT_##name,
    INJECT_MAP(XX)
#undef XX
};

#ifdef PINLINE_INJECT
void inject_visit(enum inject_point p); /* may not return */
bool inject_fails(enum inject_point p);
/* Tests in one process: the n-th visit from now fails, instead of what the
 * environment says; n == 0: none does. */
void inject_fail_at(enum inject_point p, unsigned n);
#define INJECT(name)       inject_visit(INJECT_##name)
#define INJECT_FAILS(name) inject_fails(INJECT_##name)
#else
#define INJECT(name)       ((void)0)
#define INJECT_FAILS(name) (false)
#endif

#endif
