/*
 * project_type.h - what a project's configuration says; include
 * flow/project.h.
 *
 * A member is named as its setting (project.c has the table of them).
 */
#ifndef FLOW_PROJECT_TYPE_H
#define FLOW_PROJECT_TYPE_H

#include "core/conf.h"
#include "sink/objects.h"
#include "store/store.h"

struct project {
    struct arena arena;
    struct yaml_doc doc;
    const char *file; /* the configuration read, or NULL */
    const char *data;
    const char *broker;              /* "embedded", "kafka://..." */
    struct conf_list broker_options; /* "NAME=VALUE" */
    const char *group;               /* of consumers on a cluster: group.h */
    const char *spec;                /* "": the one in the program */
    const char *analyses;          /* a folder with own .sql files; "": none */
    const char *prefix;            /* topics PREFIX.pin ... */
    struct conf_list topics;       /* "pin=NAME" */
    struct conf_list spec_options; /* "pin.tag_list.as=array" */
    int64_t partitions;
    bool auto_create_topics;
    int64_t retention_us;
    int64_t retention_bytes;

    struct conf_list listen;
    struct conf_list strip_prefixes; /* "/test" */
    const char *token_file;
    const char *aws_keys_file;
    const char *tls_cert;
    const char *tls_key;
    const char *cors;
    bool insecure;
    int64_t max_body;
    int64_t request_timeout_us;
    int64_t consumers_max; /* 0: what suits the broker */
    int64_t consumers_idle_us;

    bool objects_enabled;
    const char *objects_dir; /* "": DATA/lake */
    const char *objects_topics_dir;
    struct conf_list objects_topics; /* patterns; none: catalog_topics() */
    int64_t objects_flush_records;
    int64_t objects_flush_bytes;
    int64_t objects_flush_us;
    bool objects_gzip;
    int objects_layout; /* enum project_layout */
    const char *objects_directory_delim;
    const char *objects_file_delim;
    int64_t objects_memory;
    const char *objects_name; /* a template; "": none */
    int64_t objects_digits;
    int objects_nulls;       /* enum objects_nulls */
    int objects_partitioner; /* enum objects_partitioner */
    struct conf_list objects_fields;
    const char *objects_path_format;
    int objects_clock; /* enum objects_clock */
    const char *objects_time_field;
    const char *objects_timezone;
    int64_t objects_rotate_us;
    int64_t objects_schedule_us;
    int64_t objects_workers;

    const char *s3_credentials_file, *s3_profile;
    const char *s3_endpoint, *s3_region;
    const char *s3_ca_file;
    bool s3_path_style;
    int64_t s3_part_bytes;
    int64_t s3_timeout_us;
    int64_t s3_retries;

    const char *file_stream; /* the file; "": none */
    struct conf_list file_stream_topics;

    struct conf_list kafka_topics; /* "pin=NAME" */
    struct conf_list kafka_key;    /* "pin=COLUMN" */
    const char *postgres_url;
    struct conf_list postgres_tables;     /* "pin=NAME" */
    struct conf_list postgres_key;        /* "pin=COLUMN+COLUMN" */
    int postgres_conflict;                /* enum sink_conflict */
    const char *tables_dir;               /* "": DATA/lake/clean */
    struct conf_list tables_partition_by; /* "pin=COLUMN+COLUMN" */
    bool stream_enabled;
    int stream_sink;           /* enum project_stream_sink */
    int64_t stream_compact_us; /* 0: never */
    int64_t stream_compact_files;
    int64_t stream_trigger_us;
    int64_t stream_trigger_rows; /* 0: no limit */
    int64_t stream_trigger_bytes;

    const char *source;
    int source_datetimes; /* enum source_datetimes */
    int64_t rows;
    int64_t seed;
    int64_t batch_every_us; /* serve: 0 none */
    int batch_engine;       /* enum project_engine */

    const char *databricks_cluster, *databricks_host, *databricks_notebook;
    const char *databricks_schema, *databricks_token_file;
    const char *databricks_warehouse;
    const char *spark_dir, *spark_home, *spark_master, *spark_ui;
    struct conf_list spark_options;
    const char *spark_raw, *spark_tables; /* "": DATA/spark/clean */
    int spark_storage;                    /* 0 Parquet, 1 Delta */

    const char *schedule_cron; /* "": serve runs none */
    const char *schedule_name;
    const char *schedule_timezone;
    const char *schedule_start;          /* a time; "": now */
    struct conf_list schedule_notebooks; /* PATH=TASK */
    struct conf_list schedule_tasks;
    bool schedule_catchup;
    bool schedule_depends_on_past;
    int64_t schedule_max_runs;
    int64_t schedule_parallel;
    int64_t schedule_retries;
    int64_t schedule_retry_delay_us;
    int64_t schedule_timeout_us;
    const char *schedule_webhook;
};

enum project_engine {
    PROJECT_ENGINE_C,
    PROJECT_ENGINE_DATABRICKS,
    PROJECT_ENGINE_SPARK,
};

enum project_stream_sink {
    PROJECT_STREAM_DELTA,
    PROJECT_STREAM_KAFKA,
    PROJECT_STREAM_POSTGRES,
};

enum project_layout {
    PROJECT_LINES,
    PROJECT_ARRAY,
};

#endif
