/*
 * group.h - what a project's consumer groups are called.
 *
 * The topics of a project's own folder know only its pipelines: "objects".
 * On a cluster others read too, and a group's positions outlive the data
 * directory whose output they belong to: there a group is GROUP.objects,
 * where GROUP is the setting "group", or a name made once for the data
 * directory and kept in it (file "group").
 */
#ifndef FLOW_GROUP_H
#define FLOW_GROUP_H

#include "flow/project.h"
#include "record/span.h"

/* Find or make the name; the data directory exists.  Not at the same time in
 * two threads. */
int group_settle(struct project *p, struct err *e) MUST_USE;
/* The group of a pipeline, after group_settle(). */
void group_name(const struct project *p, const char *pipeline,
                char ret[TOPIC_NAME_MAX + 1]);

#endif
