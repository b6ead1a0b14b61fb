#include "flow/project.h"

#include <string.h>

#include "core/fs.h"

extern char **environ;

enum {
    PROJECT_BYTES_MAX = 16 << 20
};

static const char *const stream_sinks[] = {"delta", "postgres", NULL};
static const char *const layouts[] = {"lines", "array", NULL};
static const char *const nulls[] = {"ignore", "fail", "write", NULL};
static const char *const partitioners[] = {"default", "field", "daily",
                                           "hourly",  "time",  NULL};
static const char *const clocks[] = {"record", "wall", "field", NULL};

/* as enum source_datetimes */
static const char *const datetimes[] = {"str", "isoformat", "milliseconds",
                                        "utc", NULL};

#define AT(member) offsetof(struct project, member)

static const struct conf_field fields[] = {
    {.name = "analyses",
     .type = CONF_TEXT,
     .offset = AT(analyses),
     .help = "Folder with .sql files of your own, beside the built-in ones."},
    {.name = "auto_create_topics",
     .type = CONF_BOOL,
     .offset = AT(auto_create_topics),
     .def = "false",
     .help = "Create a topic when a record is posted to it."},
    {.name = "aws_keys_file",
     .type = CONF_TEXT,
     .offset = AT(aws_keys_file),
     .help = "File of lines ACCESS_KEY SECRET_KEY: calls of Kinesis must then "
             "be signed with one of them."},
    {.name = "batch.every",
     .type = CONF_DURATION,
     .offset = AT(batch_every_us),
     .def = "0",
     .help = "How often `serve` runs a batch; 0 never."},
    {.name = "broker",
     .type = CONF_TEXT,
     .offset = AT(broker),
     .def = "embedded",
     .help = "Who keeps the topics."},
    {.name = "broker_options",
     .type = CONF_LIST,
     .offset = AT(broker_options),
     .help = "Options of the broker, NAME=VALUE: for Kafka every property of "
             "librdkafka (security.protocol=SASL_SSL), and create.NAME for "
             "settings of topics that are made (create.replication.factor=3)."},
    {.name = "consumers.idle",
     .type = CONF_DURATION,
     .offset = AT(consumers_idle_us),
     .def = "5m",
     .help = "A consumer instance of the REST API is removed after so long."},
    {.name = "consumers.max",
     .type = CONF_INT,
     .offset = AT(consumers_max),
     .def = "0",
     .max = 100000,
     .help =
         "Consumer instances of the REST API; 0: 128 on Kafka, else 1,024."},
    {.name = "cors",
     .type = CONF_TEXT,
     .offset = AT(cors),
     .help = "Origin that browsers may call from; empty: none."},
    {.name = "data",
     .type = CONF_TEXT,
     .offset = AT(data),
     .def = "pinline-data",
     .help = "Data directory."},
    {.name = "file_stream.file",
     .type = CONF_TEXT,
     .offset = AT(file_stream),
     .help = "File to which every value is appended as a line; empty: none."},
    {.name = "file_stream.topics",
     .type = CONF_LIST,
     .offset = AT(file_stream_topics),
     .def = "*",
     .help = "Topics whose values go there; * stands for any run of letters."},
    {.name = "insecure",
     .type = CONF_BOOL,
     .offset = AT(insecure),
     .def = "false",
     .help = "Listen beyond loopback without a token."},
    {.name = "listen",
     .type = CONF_LIST,
     .offset = AT(listen),
     .def = "127.0.0.1:8082",
     .help = "Addresses of the HTTP server."},
    {.name = "max_body",
     .type = CONF_BYTES,
     .offset = AT(max_body),
     .def = "8MB",
     .min = 1024,
     .max = 1000000000,
     .help = "Largest request body."},
    {.name = "objects.dir",
     .type = CONF_TEXT,
     .offset = AT(objects_dir),
     .help = "Folder of the JSON objects, or s3://BUCKET/PREFIX; empty: "
             "DATA/lake."},
    {.name = "objects.directory_delim",
     .type = CONF_TEXT,
     .offset = AT(objects_directory_delim),
     .def = "/",
     .help = "Between the parts of an object's name, as directory.delim."},
    {.name = "objects.enabled",
     .type = CONF_BOOL,
     .offset = AT(objects_enabled),
     .def = "true",
     .help = "Whether topics land as JSON objects."},
    {.name = "objects.file_delim",
     .type = CONF_TEXT,
     .offset = AT(objects_file_delim),
     .def = "+",
     .help = "Between topic, partition and offset, as file.delim."},
    {.name = "objects.flush_bytes",
     .type = CONF_BYTES,
     .offset = AT(objects_flush_bytes),
     .def = "64MB",
     .min = 1,
     .max = 1000000000,
     .help = "An object is cut at this size."},
    {.name = "objects.flush_records",
     .type = CONF_INT,
     .offset = AT(objects_flush_records),
     .def = "0",
     .help = "An object is cut at this many records; 0: no such limit, 1: one "
             "object a post, as flush.size=1."},
    {.name = "objects.flush_time",
     .type = CONF_DURATION,
     .offset = AT(objects_flush_us),
     .def = "10s",
     .help = "An object is cut when its first record is this old."},
    {.name = "objects.gzip",
     .type = CONF_BOOL,
     .offset = AT(objects_gzip),
     .def = "false",
     .help = "Compress objects; names then end in .json.gz."},
    {.name = "objects.layout",
     .type = CONF_CHOICE,
     .offset = AT(objects_layout),
     .def = "lines",
     .choices = layouts,
     .help = "One document a line, or one array an object."},
    {.name = "objects.name",
     .type = CONF_TEXT,
     .offset = AT(objects_name),
     .help = "Names of objects instead of Confluent's, with {topic}, "
             "{partition}, {offset}: events/{offset}.json."},
    {.name = "objects.nulls",
     .type = CONF_CHOICE,
     .offset = AT(objects_nulls),
     .def = "ignore",
     .choices = nulls,
     .help = "A record without a value is set aside, stops the sink, or is "
             "written as null."},
    {.name = "objects.offset_digits",
     .type = CONF_INT,
     .offset = AT(objects_digits),
     .def = "10",
     .min = 1,
     .max = 20,
     .help = "Digits of the offset in a name."},
    {.name = "objects.partition_fields",
     .type = CONF_LIST,
     .offset = AT(objects_fields),
     .help = "Fields that the partitioner field makes FIELD=VALUE of."},
    {.name = "objects.partitioner",
     .type = CONF_CHOICE,
     .offset = AT(objects_partitioner),
     .def = "default",
     .choices = partitioners,
     .help = "What stands between topic and name: partition=N, a field's "
             "value, the day, the hour, or the time by objects.path_format."},
    {.name = "objects.path_format",
     .type = CONF_TEXT,
     .offset = AT(objects_path_format),
     .help = "Of the partitioner time: 'year'=YYYY/'month'=MM/'day'=dd."},
    {.name = "objects.rotate_interval",
     .type = CONF_DURATION,
     .offset = AT(objects_rotate_us),
     .def = "0",
     .help = "An object is cut before a record this much later than its "
             "first, by the records' own time; 0: never."},
    {.name = "objects.rotate_schedule",
     .type = CONF_DURATION,
     .offset = AT(objects_schedule_us),
     .def = "0",
     .help = "Objects are cut at whole multiples of this on the clock of "
             "objects.timezone; 0: never."},
    {.name = "objects.time_field",
     .type = CONF_TEXT,
     .offset = AT(objects_time_field),
     .def = "timestamp",
     .help = "The field that time_from: field looks at: milliseconds, or ISO "
             "8601."},
    {.name = "objects.time_from",
     .type = CONF_CHOICE,
     .offset = AT(objects_clock),
     .def = "record",
     .choices = clocks,
     .help = "Whose time partitioners and rotate_interval go by: the record's, "
             "the clock's when the object was begun, or a field's."},
    {.name = "objects.timezone",
     .type = CONF_TEXT,
     .offset = AT(objects_timezone),
     .def = "UTC",
     .help = "Zone of days and hours: Europe/Berlin."},
    {.name = "objects.topics_dir",
     .type = CONF_TEXT,
     .offset = AT(objects_topics_dir),
     .def = "topics",
     .help = "Folder below the objects' folder; empty: none."},
    {.name = "objects.workers",
     .type = CONF_INT,
     .offset = AT(objects_workers),
     .def = "4",
     .min = 1,
     .max = 64,
     .help = "Threads that compress and put objects, each on a connection of "
             "its own."},
    {.name = "prefix",
     .type = CONF_TEXT,
     .offset = AT(prefix),
     .help = "Topics are called PREFIX.pin, PREFIX.geo, PREFIX.user."},
    {.name = "retention.bytes",
     .type = CONF_BYTES,
     .offset = AT(retention_bytes),
     .def = "0",
     .help = "Keep at most this much of a partition; 0: no limit."},
    {.name = "retention.time",
     .type = CONF_DURATION,
     .offset = AT(retention_us),
     .def = "0",
     .help = "Keep records this long; 0: for ever."},
    {.name = "rows",
     .type = CONF_INT,
     .offset = AT(rows),
     .def = "500",
     .help = "Rows of each table that `run` and `emulate` post."},
    {.name = "s3.ca_file",
     .type = CONF_TEXT,
     .offset = AT(s3_ca_file),
     .help = "Certificates (PEM) that an S3 server is checked against; empty: "
             "the system's."},
    {.name = "s3.credentials_file",
     .type = CONF_TEXT,
     .offset = AT(s3_credentials_file),
     .help = "Shared credentials file; empty: AWS_ACCESS_KEY_ID and "
             "AWS_SECRET_ACCESS_KEY, else ~/.aws/credentials."},
    {.name = "s3.endpoint",
     .type = CONF_TEXT,
     .offset = AT(s3_endpoint),
     .help = "http://HOST:PORT of an S3 server; empty: AWS_ENDPOINT_URL, else "
             "AWS."},
    {.name = "s3.part_size",
     .type = CONF_BYTES,
     .offset = AT(s3_part_bytes),
     .def = "25MiB",
     .min = 5242880,
     .max = 1000000000,
     .help = "Files above this are put in parts of this size."},
    {.name = "s3.path_style",
     .type = CONF_BOOL,
     .offset = AT(s3_path_style),
     .def = "true",
     .help = "The bucket stands in the path, not in the host's name; AWS "
             "itself is always asked by host's name."},
    {.name = "s3.profile",
     .type = CONF_TEXT,
     .offset = AT(s3_profile),
     .help = "Profile in the credentials file; empty: AWS_PROFILE, else "
             "default."},
    {.name = "s3.region",
     .type = CONF_TEXT,
     .offset = AT(s3_region),
     .help = "Empty: AWS_REGION, AWS_DEFAULT_REGION, ~/.aws/config, else "
             "us-east-1."},
    {.name = "s3.retries",
     .type = CONF_INT,
     .offset = AT(s3_retries),
     .def = "5",
     .min = 1,
     .max = 100,
     .help = "How often a request is tried again after a passing fault."},
    {.name = "s3.timeout",
     .type = CONF_DURATION,
     .offset = AT(s3_timeout_us),
     .def = "30s",
     .min = 1000000,
     .max = 3600000000,
     .help = "Limit of one request."},
    {.name = "schedule.catchup",
     .type = CONF_BOOL,
     .offset = AT(schedule_catchup),
     .def = "false",
     .help = "Run every missed interval; else only the latest, and the rest is "
             "journaled as skipped."},
    {.name = "schedule.cron",
     .type = CONF_TEXT,
     .offset = AT(schedule_cron),
     .help = "When batches run: five cron fields, @daily, @hourly, @every 5m, "
             "@manual; empty: `schedule` takes @daily, `serve` runs none."},
    {.name = "schedule.depends_on_past",
     .type = CONF_BOOL,
     .offset = AT(schedule_depends_on_past),
     .def = "false",
     .help = "A run waits for the success of the one before."},
    {.name = "schedule.max_runs",
     .type = CONF_INT,
     .offset = AT(schedule_max_runs),
     .def = "1",
     .min = 1,
     .max = 16,
     .help = "Runs under way at once."},
    {.name = "schedule.name",
     .type = CONF_TEXT,
     .offset = AT(schedule_name),
     .def = "pinline",
     .help = "Name of the schedule, and of the DAG for Airflow."},
    {.name = "schedule.notebooks",
     .type = CONF_LIST,
     .offset = AT(schedule_notebooks),
     .help = "What notebook paths of Databricks clients stand for, PATH=TASK; "
             "others by the last part of their path."},
    {.name = "schedule.parallel",
     .type = CONF_INT,
     .offset = AT(schedule_parallel),
     .def = "2",
     .min = 1,
     .max = 16,
     .help = "Tasks under way at once."},
    {.name = "schedule.retries",
     .type = CONF_INT,
     .offset = AT(schedule_retries),
     .def = "1",
     .max = 100,
     .help = "How often a failed task is tried again."},
    {.name = "schedule.retry_delay",
     .type = CONF_DURATION,
     .offset = AT(schedule_retry_delay_us),
     .def = "2m",
     .help = "How long it waits before that."},
    {.name = "schedule.start",
     .type = CONF_TEXT,
     .offset = AT(schedule_start),
     .help = "No interval begins before this time, 2026-11-01 or "
             "2026-11-01T06:00:00Z; empty: the one under way is the first."},
    {.name = "schedule.tasks",
     .type = CONF_LIST,
     .offset = AT(schedule_tasks),
     .help = "Tasks of a run, NAME < UPSTREAM ... [= SHELL COMMAND]; empty: "
             "load, a clean_TABLE for each table, query."},
    {.name = "schedule.timeout",
     .type = CONF_DURATION,
     .offset = AT(schedule_timeout_us),
     .def = "1h",
     .help = "A task is ended after this long; 0: never."},
    {.name = "schedule.timezone",
     .type = CONF_TEXT,
     .offset = AT(schedule_timezone),
     .def = "UTC",
     .help = "Time zone of the cron expression, Europe/Berlin."},
    {.name = "schedule.webhook",
     .type = CONF_TEXT,
     .offset = AT(schedule_webhook),
     .help = "URL that is sent a JSON document when a run fails."},
    {.name = "seed",
     .type = CONF_INT,
     .offset = AT(seed),
     .def = "100",
     .help = "Seed of the generator and of the draw of rows."},
    {.name = "source",
     .type = CONF_TEXT,
     .offset = AT(source),
     .def = "generator:",
     .help = "Where rows come from: generator:, sqlite://FILE, a folder, "
             "postgres://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE."},
    {.name = "source_datetimes",
     .type = CONF_CHOICE,
     .offset = AT(source_datetimes),
     .def = "str",
     .choices = datetimes,
     .help = "How date-times of a database are posted: as Python's str() or "
             "isoformat(), with milliseconds, or with a Z."},
    {.name = "spec",
     .type = CONF_TEXT,
     .offset = AT(spec),
     .help = "Cleaning spec; empty: the one in the program."},
    {.name = "spec_options",
     .type = CONF_LIST,
     .offset = AT(spec_options),
     .help = "Options of the spec, TABLE.OPTION=VALUE."},
    {.name = "stream.compact_every",
     .type = CONF_DURATION,
     .offset = AT(stream_compact_us),
     .def = "60s",
     .help = "How often `stream` looks whether a table has many small files "
             "and makes large ones of them; 0: never."},
    {.name = "stream.compact_files",
     .type = CONF_INT,
     .offset = AT(stream_compact_files),
     .def = "32",
     .min = 2,
     .max = 10000,
     .help = "How many small files are many."},
    {.name = "stream.enabled",
     .type = CONF_BOOL,
     .offset = AT(stream_enabled),
     .def = "false",
     .help = "Whether `serve` cleans records into the tables as they come."},
    {.name = "stream.sink",
     .type = CONF_CHOICE,
     .offset = AT(stream_sink),
     .def = "delta",
     .choices = stream_sinks,
     .help = "What `stream` writes: Delta tables, or tables in Postgres."},
    {.name = "stream.trigger",
     .type = CONF_DURATION,
     .offset = AT(stream_trigger_us),
     .def = "10s",
     .min = 100000,
     .max = 3600000000,
     .help = "`stream` commits this often, 500ms and up."},
    {.name = "stream.trigger_bytes",
     .type = CONF_BYTES,
     .offset = AT(stream_trigger_bytes),
     .def = "64MB",
     .min = 1000,
     .max = 1000000000,
     .help = "`stream` commits before its time after so many bytes of a "
             "table's records."},
    {.name = "stream.trigger_rows",
     .type = CONF_INT,
     .offset = AT(stream_trigger_rows),
     .def = "0",
     .help = "`stream` commits before its time after so many records of a "
             "table; 0: no such limit."},
    {.name = "strip_prefixes",
     .type = CONF_LIST,
     .offset = AT(strip_prefixes),
     .def = "/test,/dev,/production",
     .help = "Prefixes that a path may have before any route: the stages of "
             "an API gateway."},
    {.name = "tables.dir",
     .type = CONF_TEXT,
     .offset = AT(tables_dir),
     .help = "Folder of the cleaned tables; empty: DATA/lake/clean."},
    {.name = "tls.cert",
     .type = CONF_TEXT,
     .offset = AT(tls_cert),
     .help = "Certificate chain (PEM) of the HTTP server."},
    {.name = "tls.key",
     .type = CONF_TEXT,
     .offset = AT(tls_key),
     .help = "Its private key (PEM), readable by its owner only."},
    {.name = "token_file",
     .type = CONF_TEXT,
     .offset = AT(token_file),
     .help = "File with the bearer token that clients must send."},
    {.name = "topics",
     .type = CONF_LIST,
     .offset = AT(topics),
     .help = "Names of single topics, TABLE=TOPIC."},
    {.name = "topics_partitions",
     .type = CONF_INT,
     .offset = AT(partitions),
     .def = "1",
     .min = 1,
     .max = 1024,
     .help = "Partitions of the topics of the spec; readers of the exercise "
             "look at partition 0 only."},
};

static const struct conf_table settings = {fields, ARRAY_LEN(fields)};

const struct conf_table *project_settings(void)
{
    return &settings;
}

static int read_file(struct project *p, const struct conf *c, const char *file,
                     struct err *e)
{
    if (file == NULL && fs_exists("pinline.yaml")) {
        file = "pinline.yaml";
    }
    if (file == NULL) {
        return 0;
    }
    if (yaml_parse_file(&p->doc, file, e) < 0) {
        /* whatever is wrong with it, it is the configuration (exit code 2) */
        if (e != NULL && (e->code == ERR_MALFORMED || e->code == ERR_NOTFOUND ||
                          e->code == ERR_LIMIT)) {
            e->code = ERR_INVALID;
        }
        return -1;
    }
    p->file = file;
    conf_from_yaml(c, p->doc.root);
    return 0;
}

static bool is_setting(struct slice key)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (slice_is(key, fields[i].name)) {
            return true;
        }
    }
    return false;
}

/* "key=value" is a setting, or "table.option=value" an option of the spec. */
static int apply_sets(struct project *p, const struct conf *c,
                      const char *const *sets, size_t nsets, struct err *e)
{
    const char **options = arena_alloc(
        &p->arena, (p->spec_options.n + nsets + 1) * sizeof(*options), e);
    size_t n = 0;

    if (options == NULL) {
        return -1;
    }
    for (; n < p->spec_options.n; n++) {
        options[n] = p->spec_options.items[n];
    }
    for (size_t i = 0; i < nsets; i++) {
        struct slice rest = slice_of(sets[i]);
        struct slice key;

        (void)slice_cut(&rest, '=', &key);
        if (!is_setting(key) && memchr(key.ptr, '.', key.len) != NULL) {
            options[n++] = sets[i];
        } else {
            conf_set(c, "--set", slice_of(sets[i]));
        }
    }
    p->spec_options = (struct conf_list){options, n};
    return 0;
}

int project_load(struct project *p, const char *file, const char *data,
                 const char *const *sets, size_t nsets, struct faults *faults,
                 struct err *e)
{
    struct conf c = {&settings, p, &p->arena, faults};

    *p = (struct project){0};
    arena_init(&p->arena, PROJECT_BYTES_MAX);
    conf_defaults(&c);
    if (read_file(p, &c, file, e) < 0) {
        goto fail;
    }
    conf_from_env(&c, environ);
    if (apply_sets(p, &c, sets, nsets, e) < 0) {
        goto fail;
    }
    if (data != NULL) {
        p->data = data;
    }
    if (faults_err(faults, e) < 0) {
        goto fail;
    }
    return 0;

fail:
    project_release(p);
    return -1;
}

void project_release(struct project *p)
{
    yaml_release(&p->doc);
    arena_release(&p->arena);
}

const char *project_topic(struct project *p, const char *table, struct err *e)
{
    for (size_t i = 0; i < p->topics.n; i++) {
        struct slice name = slice_of(p->topics.items[i]);
        struct slice head;

        if (slice_cut(&name, '=', &head) && slice_is(head, table)) {
            return name.ptr; /* the tail of an item is NUL-terminated */
        }
    }
    if (p->prefix[0] == '\0') {
        return table;
    }
    return arena_printf(&p->arena, e, "%s.%s", p->prefix, table);
}

const char *project_path(struct project *p, const char *name, struct err *e)
{
    return arena_printf(&p->arena, e, "%s/%s", p->data, name);
}

const char *project_objects_dir(struct project *p, struct err *e)
{
    return p->objects_dir[0] != '\0' ? p->objects_dir
                                     : project_path(p, "lake", e);
}
