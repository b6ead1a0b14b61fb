/* project_store.c - what the settings say of stores, objects and engines. */
#include "clean/sql.h"
#include "flow/project.h"

enum {
    SETTINGS_BYTES = 1 << 16
};

const struct store_conf *project_store(struct project *p, const char *url,
                                       struct err *e)
{
    struct store_conf *c = arena_alloc(&p->arena, sizeof(*c), e);

    if (c != NULL) {
        *c = (struct store_conf){.url = url,
                                 .endpoint = p->s3_endpoint,
                                 .region = p->s3_region,
                                 .credentials_file = p->s3_credentials_file,
                                 .profile = p->s3_profile,
                                 .ca_file = p->s3_ca_file,
                                 .host_style = !p->s3_path_style,
                                 .part_bytes = p->s3_part_bytes,
                                 .timeout_us = p->s3_timeout_us,
                                 .retries = (int)p->s3_retries};
    }
    return c;
}

const struct sink_objects *project_objects(struct project *p, struct err *e)
{
    struct sink_objects *o = arena_alloc(&p->arena, sizeof(*o), e);

    if (o != NULL) {
        *o = (struct sink_objects){
            .topics_dir = p->objects_topics_dir,
            .directory_delim = p->objects_directory_delim,
            .file_delim = p->objects_file_delim,
            .pad = (int)p->objects_digits,
            .name = p->objects_name,
            .partitioner = (enum objects_partitioner)p->objects_partitioner,
            .fields = p->objects_fields.items,
            .nfields = p->objects_fields.n,
            .clock = (enum objects_clock)p->objects_clock,
            .time_field = p->objects_time_field,
            .path_format = p->objects_path_format,
            .timezone = p->objects_timezone,
            .rotate_us = p->objects_rotate_us,
            .schedule_us = p->objects_schedule_us,
            .nulls = (enum objects_nulls)p->objects_nulls,
            .workers = (int)p->objects_workers,
            .memory_bytes = p->objects_memory};
    }
    return o;
}

const struct engine_far *project_far(struct project *p, struct err *e)
{
    struct engine_far *f = arena_alloc(&p->arena, sizeof(*f), e);
    struct slice settings = {0};
    struct buf b;
    int rc = -1;

    buf_init(&b, SETTINGS_BYTES);
    if (f != NULL && sql_settings(SQL_SPARK, &b, e) == 0 &&
        arena_copy(&p->arena, buf_slice(&b), &settings, e) == 0) {
        *f = (struct engine_far){.dir = p->spark_dir[0] != '\0'
                                            ? p->spark_dir
                                            : project_path(p, "spark", e),
                                 .settings = settings.ptr,
                                 .spark_home = p->spark_home,
                                 .spark_master = p->spark_master,
                                 .spark_ui = p->spark_ui,
                                 .spark_options = p->spark_options.items,
                                 .spark_noptions = p->spark_options.n,
                                 .host = p->databricks_host,
                                 .token_file = p->databricks_token_file,
                                 .warehouse = p->databricks_warehouse,
                                 .schema = p->databricks_schema,
                                 .cluster = p->databricks_cluster};
        rc = f->dir != NULL ? 0 : -1;
    }
    buf_release(&b);
    return rc == 0 ? f : NULL;
}
