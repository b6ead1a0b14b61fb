/*
 * objects.h - how the objects sink names what it writes, and when an object
 * ends: the words of Confluent's S3 sink.
 *
 * The key of an object is
 *     topics_dir / topic / PARTITION / topic + partition + offset .json[.gz]
 * with directory_delim and file_delim between, where PARTITION is
 * "partition=0", or what the field or the time of a record says.
 */
#ifndef SINK_OBJECTS_H
#define SINK_OBJECTS_H

#include "core/err.h"
#include "record/span.h"
#include "store/store.h"

enum objects_partitioner {
    OBJECTS_DEFAULT, /* partition=0 */
    OBJECTS_FIELD,   /* field=value[/field=value] */
    OBJECTS_DAILY,   /* year=2026/month=11/day=21 */
    OBJECTS_HOURLY,  /* and hour=15 */
    OBJECTS_TIME,    /* by path_format */
};

enum objects_clock {
    OBJECTS_RECORD, /* the time the record was posted */
    OBJECTS_WALL,   /* the time its object was begun */
    OBJECTS_IN,     /* what its field time_field says */
};

enum objects_nulls {
    OBJECTS_NULLS_IGNORE, /* set aside, counted as skipped */
    OBJECTS_NULLS_FAIL,
    OBJECTS_NULLS_WRITE, /* as the document null */
};

/* NULL and 0: the default named. */
struct sink_objects {
    const char *topics_dir;      /* "topics"; "": none */
    const char *directory_delim; /* "/" */
    const char *file_delim;      /* "+" */
    int pad;                     /* digits of an offset: 10; -1: none */
    /* Instead of all of that: "{topic}/{partition}/{offset}.json"; {offset}
     * must be in it, and {topic} and {partition} unless there is but one. */
    const char *name;

    enum objects_partitioner partitioner;
    const char *const *fields; /* OBJECTS_FIELD */
    size_t nfields;
    enum objects_clock clock;
    const char *time_field;  /* "timestamp": milliseconds, or ISO 8601 */
    const char *path_format; /* 'year'=YYYY/'month'=MM/'day'=dd */
    const char *timezone;    /* "UTC" */

    /* Besides sink_conf's flush_records, flush_bytes and flush_us. */
    int64_t rotate_us;   /* by the records' time */
    int64_t schedule_us; /* at whole multiples on the zone's clock */
    enum objects_nulls nulls;
    int workers; /* that compress and put: 4 */
    /* What open ranges and those on their way hold together: twice
     * flush_bytes, at least 128 MB.  At this limit the largest open ranges
     * are cut early, and the store is waited for. */
    int64_t memory_bytes;
};

enum {
    OBJECTS_PARTITION_MAX = 400 /* bytes of "field=value/..." */
};

/* The key of the object of a partition ("partition=0", ...) whose first
 * offset is s->from. */
int sink_objects_key(const struct sink_objects *o, const struct span *s,
                     const char *encoded, bool gzip,
                     char key[STORE_KEY_MAX + 1], struct err *e) MUST_USE;

/* Whether batches can read the objects back, or read the topics instead: where
 * one range of offsets makes one object. */
bool sink_objects_in_order(const struct sink_objects *o);

#endif
