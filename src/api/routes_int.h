/*
 * routes_int.h - the table of routes and what its rows call.  Include
 * api_int.h.
 */
#ifndef API_ROUTES_INT_H
#define API_ROUTES_INT_H

#include "api/router.h"

struct api;

extern const struct route api_routes[];
extern const size_t api_n_routes;

void kafka_produce(struct api *a, struct http_request *r);
void kafka_root(struct api *a, struct http_request *r);
void kafka_topics(struct api *a, struct http_request *r);
void kafka_topic(struct api *a, struct http_request *r);
void kafka_partitions(struct api *a, struct http_request *r);
void kafka_partition(struct api *a, struct http_request *r);
void kafka_offsets(struct api *a, struct http_request *r);
void kafka_brokers(struct api *a, struct http_request *r);
void kafka_consumer_create(struct api *a, struct http_request *r);
void kafka_consumer_delete(struct api *a, struct http_request *r);
void kafka_consumer_subscribe(struct api *a, struct http_request *r);
void kafka_consumer_subscription(struct api *a, struct http_request *r);
void kafka_consumer_unsubscribe(struct api *a, struct http_request *r);
void kafka_consumer_assign(struct api *a, struct http_request *r);
void kafka_consumer_assignments(struct api *a, struct http_request *r);
void kafka_consumer_seek(struct api *a, struct http_request *r);
void kafka_consumer_seek_beginning(struct api *a, struct http_request *r);
void kafka_consumer_seek_end(struct api *a, struct http_request *r);
void kafka_consumer_records(struct api *a, struct http_request *r);
void kafka_consumer_commit(struct api *a, struct http_request *r);
void kafka_consumer_offsets(struct api *a, struct http_request *r);
void kafka_v3_cluster(struct api *a, struct http_request *r);
void kafka_v3_clusters(struct api *a, struct http_request *r);
void kafka_v3_configs(struct api *a, struct http_request *r);
void kafka_v3_group(struct api *a, struct http_request *r);
void kafka_v3_groups(struct api *a, struct http_request *r);
void kafka_v3_lag_summary(struct api *a, struct http_request *r);
void kafka_v3_lags(struct api *a, struct http_request *r);
void kafka_v3_partitions(struct api *a, struct http_request *r);
void kafka_v3_produce(struct api *a, struct http_request *r);
void kafka_v3_produce_batch(struct api *a, struct http_request *r);
void kafka_v3_topic(struct api *a, struct http_request *r);
void kafka_v3_topic_create(struct api *a, struct http_request *r);
void kafka_v3_topic_delete(struct api *a, struct http_request *r);
void kafka_v3_topics(struct api *a, struct http_request *r);
void fastapi_send_data(struct api *a, struct http_request *r);
void fastapi_get_data(struct api *a, struct http_request *r);
void fastapi_model(struct api *a, struct http_request *r);
void kinesis_post(struct api *a, struct http_request *r);
void gateway_create(struct api *a, struct http_request *r);
void gateway_delete(struct api *a, struct http_request *r);
void gateway_describe(struct api *a, struct http_request *r);
void gateway_get(struct api *a, struct http_request *r);
void gateway_iterator(struct api *a, struct http_request *r);
void gateway_list(struct api *a, struct http_request *r);
void gateway_put_record(struct api *a, struct http_request *r);
void gateway_put_records(struct api *a, struct http_request *r);
void api_docs(struct api *a, struct http_request *r);
void api_openapi(struct api *a, struct http_request *r);
void api_healthz(struct api *a, struct http_request *r);
void api_metrics(struct api *a, struct http_request *r);
void api_noop(struct api *a, struct http_request *r);

#endif
