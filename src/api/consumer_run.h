/*
 * consumer_run.h - what a request asks of a consumer instance, done in the
 * instance's thread: the run() of a consumer_job, each of which answers.
 */
#ifndef API_CONSUMER_RUN_H
#define API_CONSUMER_RUN_H

#include "api/consumers.h"

/* The error's words as these routes tell them (what a code means). */
void consumer_run_err(struct http_request *r, const struct err *e);

enum consumer_done consumer_run_assign(struct consumer_job *j,
                                       struct consumer *c);
enum consumer_done consumer_run_assignments(struct consumer_job *j,
                                            struct consumer *c);
enum consumer_done consumer_run_commit(struct consumer_job *j,
                                       struct consumer *c);
enum consumer_done consumer_run_delete(struct consumer_job *j,
                                       struct consumer *c);
enum consumer_done consumer_run_offsets(struct consumer_job *j,
                                        struct consumer *c);
enum consumer_done consumer_run_records(struct consumer_job *j,
                                        struct consumer *c);
enum consumer_done consumer_run_seek(struct consumer_job *j,
                                     struct consumer *c);
enum consumer_done consumer_run_subscribe(struct consumer_job *j,
                                          struct consumer *c);
enum consumer_done consumer_run_subscription(struct consumer_job *j,
                                             struct consumer *c);
enum consumer_done consumer_run_unsubscribe(struct consumer_job *j,
                                            struct consumer *c);

#endif
