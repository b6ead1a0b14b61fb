/*
 * objects_int.h - inside of the objects sink: names (objects_name.c), the
 * threads that compress and put (objects_put.c), and the sink (objects.c).
 */
#ifndef SINK_OBJECTS_INT_H
#define SINK_OBJECTS_INT_H

#include "core/queue.h"
#include "core/zone.h"
#include "sink/objects.h"
#include "sink/sink_ops.h"
#include "json/json.h"

/* An object is built in memory; one value may exceed flush_bytes. */
#define OBJECT_BYTES_MAX ((size_t)1 << 30)

/* --- names: where a record goes -------------------------------------------- */

struct objects_namer {
    struct sink_objects o; /* with the defaults filled in */
    struct zone *zone;
};

int objects_namer_init(struct objects_namer *n, const struct sink_objects *o,
                       struct err *e) MUST_USE;
void objects_namer_release(struct objects_namer *n);
/* What topic and partition a name template allows. */
int objects_namer_check(const struct objects_namer *n, const char *first_topic,
                        const struct span *s, struct err *e) MUST_USE;

struct objects_place {
    int64_t time_us; /* by the clock that was chosen */
    char encoded[OBJECTS_PARTITION_MAX];
};
/* v NULL: a tombstone.  ERR_DATA: this record has no such place, and why. */
int objects_place(const struct objects_namer *n, int32_t partition,
                  const struct message *m, yyjson_val *v, int64_t wall_us,
                  struct objects_place *ret, struct err *e) MUST_USE;

/* --- jobs: what was cut, on its way to the store ------------------------------ */

/* One object of a job. */
struct objects_text {
    char encoded[OBJECTS_PARTITION_MAX];
    char key[STORE_KEY_MAX + 1];
    int64_t first; /* offset, in the key */
    struct buf bytes;
};

/* A range of offsets of a partition that is done as one. */
struct objects_job {
    struct objects_job *next; /* of the same partition */
    int64_t from, to;
    int64_t wall_us;
    struct sink_counts counts;
    struct objects_text *texts;
    size_t n, cap;
    size_t bytes;  /* of all texts */
    bool planned;  /* its range is stored */
    bool given;    /* to the workers */
    bool finished; /* under the crew's lock, as rc and err */
    int rc;
    struct err err;
};

/* A job's text for a place: its last one, or new.  NULL with *e set. */
struct objects_text *objects_job_text(struct objects_job *j,
                                      const char *encoded, int64_t offset,
                                      struct err *e) MUST_USE;
struct objects_job *objects_job_new(struct err *e);
size_t objects_job_held(const struct objects_job *j); /* bytes of memory */
void objects_job_free(struct objects_job *j);         /* NULL is fine */

/* The threads.  given and finished jobs are the owner's again after
 * objects_crew_close(). */
struct objects_crew;

struct objects_crew_conf {
    struct store_conf store; /* its texts live as long as the crew */
    int workers;
    bool gzip;
};
int objects_crew_open(struct objects_crew **ret,
                      const struct objects_crew_conf *conf,
                      struct err *e) MUST_USE;
/* What was not begun is not done.  NULL is fine. */
void objects_crew_close(struct objects_crew *c);
void objects_crew_give(struct objects_crew *c, struct objects_job *j);
/* The bytes it holds; waits until they are at most `most`. */
size_t objects_crew_bytes(struct objects_crew *c, size_t most);
/* Whether it is finished; wait: until it is. */
bool objects_crew_finished(struct objects_crew *c, const struct objects_job *j,
                           bool wait);

/* --- the sink and its partitions ------------------------------------------------- */

struct objects_part {
    char topic[TOPIC_NAME_MAX + 1];
    int64_t epoch;
    int32_t partition;
    int64_t next;          /* one past the last offset taken */
    struct sink_plan plan; /* ranges of a former run, still to be cut */
    int64_t first_us;      /* when the open range's first message came, on
                                 the monotonic clock */
    int64_t first_time_us; /* and what its own time is */
    char place[OBJECTS_PARTITION_MAX]; /* of the message before */
    struct objects_job *open;          /* being filled; never NULL */
    struct objects_job *head;          /* cut, not yet done; oldest first */
    struct objects_job **tail;
    size_t cut; /* how many those are */
};

struct objects {
    struct sink_conf conf;
    struct objects_namer namer;
    struct objects_crew *crew;
    struct objects_part **parts;
    size_t n, cap;
    size_t open_bytes; /* of all open ranges */
    yyjson_alc alc;
    void *pool;
};

/* A range that begins at p->next. */
int objects_begin(struct objects_part *p, struct err *e) MUST_USE;
/* End the open range at p->next and begin the next one. */
int objects_cut(struct objects *o, struct objects_part *p,
                struct err *e) MUST_USE;
/* Forget what is planned up to p->next; whether that ended right there. */
bool objects_pass_plan(struct objects_part *p);
/* Plan what is not planned, and give all of it to the crew. */
int objects_send(struct objects *o, struct objects_part *p,
                 struct err *e) MUST_USE;
/* Bring what is held below the limit again. */
int objects_make_room(struct objects *o, struct err *e) MUST_USE;
/* Those that are in the store are done; wait: until `left` remain. */
int objects_reap(struct objects *o, struct objects_part *p, bool wait,
                 size_t left, struct err *e) MUST_USE;

#endif
