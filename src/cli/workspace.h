/*
 * workspace.h - what most commands work on: the project, its spec, its topics.
 */
#ifndef CLI_WORKSPACE_H
#define CLI_WORKSPACE_H

#include "broker/broker.h"
#include "clean/spec.h"
#include "cli/cmd_int.h"
#include "flow/account.h"
#include "flow/pipeline.h"
#include "flow/project.h"

struct workspace {
    struct project project;
    struct spec *spec;
    struct broker *broker;
    bool only_topics; /* set before workspace_broker(): topics of a cluster
                         need no data directory */
    char group_objects[TOPIC_NAME_MAX + 1]; /* after workspace_broker() */
    char group_stream[TOPIC_NAME_MAX + 1];
};

/* Read the configuration and the spec; with all faults on stderr.  extra: more
 * "key=value", stronger than --set. */
int workspace_load(struct workspace *w, struct cli *c, const char *const *extra,
                   size_t nextra, struct err *e) MUST_USE;
/* The same, with the command's --broker; the row of its option. */
int workspace_load_for(struct workspace *w, struct cli *c, const struct args *a,
                       struct err *e) MUST_USE;
#define WORKSPACE_BROKER                                              \
    {.name = "broker",                                                \
     .kind = OPT_TEXT,                                                \
     .arg = "URL",                                                    \
     .help = "Who keeps the topics: embedded (the default), memory, " \
             "kafka://HOST:PORT,HOST:PORT, kinesis://REGION or "      \
             "kinesis+http://HOST:PORT"}
/* Open the topics too; for reading they must exist. */
int workspace_broker(struct workspace *w, enum broker_mode mode,
                     struct err *e) MUST_USE;
/* The objects pipeline of the project, over the topics of its tables and all
 * others. */
int workspace_objects(struct workspace *w, struct pipeline **ret,
                      struct err *e) MUST_USE;
/* The file_stream pipeline; *ret NULL when none is configured. */
int workspace_stream(struct workspace *w, struct pipeline **ret,
                     struct err *e) MUST_USE;
/* See to it that the JSON objects hold all that is in the topics now: land it,
 * or, where a running `serve` does that, wait for it.  ERR_TIMEOUT after
 * wait_us. */
int workspace_land(struct workspace *w, int64_t wait_us,
                   struct err *e) MUST_USE;
void workspace_close(struct workspace *w);

#endif
