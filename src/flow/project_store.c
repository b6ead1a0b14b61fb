/* project_store.c - what the settings say of stores and objects. */
#include "flow/project.h"

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
            .workers = (int)p->objects_workers};
    }
    return o;
}
