/*
 * kafka_api_int.h - the functions of librdkafka that the connector calls.  The
 * library is loaded when the first Kafka broker is opened, and stays.
 */
#ifndef BROKER_KAFKA_API_INT_H
#define BROKER_KAFKA_API_INT_H

#include "broker/kafka_int.h"

/* XX(name) for rd_kafka_name. */
#define KAFKA_API_MAP(XX)                       \
    XX(AdminOptions_destroy)                    \
    XX(AdminOptions_new)                        \
    XX(AdminOptions_set_opaque)                 \
    XX(AdminOptions_set_operation_timeout)      \
    XX(AdminOptions_set_request_timeout)        \
    XX(AdminOptions_set_validate_only)          \
    XX(AlterConsumerGroupOffsets)               \
    XX(AlterConsumerGroupOffsets_destroy)       \
    XX(AlterConsumerGroupOffsets_new)           \
    XX(AlterConsumerGroupOffsets_result_groups) \
    XX(ConfigEntry_name)                        \
    XX(ConfigEntry_source)                      \
    XX(ConfigEntry_value)                       \
    XX(ConfigResource_configs)                  \
    XX(ConfigResource_destroy_array)            \
    XX(ConfigResource_error)                    \
    XX(ConfigResource_name)                     \
    XX(ConfigResource_new)                      \
    XX(ConfigResource_set_config)               \
    XX(ConsumerGroupDescription_error)          \
    XX(ConsumerGroupDescription_member)         \
    XX(ConsumerGroupDescription_member_count)   \
    XX(ConsumerGroupListing_group_id)           \
    XX(CreateTopics)                            \
    XX(CreateTopics_result_topics)              \
    XX(DeleteGroup_destroy)                     \
    XX(DeleteGroup_new)                         \
    XX(DeleteGroups)                            \
    XX(DeleteGroups_result_groups)              \
    XX(DeleteTopic_destroy)                     \
    XX(DeleteTopic_new)                         \
    XX(DeleteTopics)                            \
    XX(DeleteTopics_result_topics)              \
    XX(DescribeConfigs)                         \
    XX(DescribeConfigs_result_resources)        \
    XX(DescribeConsumerGroups)                  \
    XX(DescribeConsumerGroups_result_groups)    \
    XX(ListConsumerGroupOffsets)                \
    XX(ListConsumerGroupOffsets_destroy)        \
    XX(ListConsumerGroupOffsets_new)            \
    XX(ListConsumerGroupOffsets_result_groups)  \
    XX(ListConsumerGroups)                      \
    XX(ListConsumerGroups_result_valid)         \
    XX(MemberAssignment_partitions)             \
    XX(MemberDescription_assignment)            \
    XX(MemberDescription_client_id)             \
    XX(MemberDescription_consumer_id)           \
    XX(NewTopic_destroy)                        \
    XX(NewTopic_new)                            \
    XX(NewTopic_set_config)                     \
    XX(assignment_lost)                         \
    XX(commit)                                  \
    XX(conf_destroy)                            \
    XX(conf_dump)                               \
    XX(conf_dump_free)                          \
    XX(conf_new)                                \
    XX(conf_set)                                \
    XX(conf_set_dr_msg_cb)                      \
    XX(conf_set_error_cb)                       \
    XX(conf_set_log_cb)                         \
    XX(conf_set_opaque)                         \
    XX(clusterid)                               \
    XX(conf_set_rebalance_cb)                   \
    XX(conf_set_socket_cb)                      \
    XX(consume_batch_queue)                     \
    XX(consume_queue)                           \
    XX(consume_start_queue)                     \
    XX(consume_stop)                            \
    XX(consumer_close)                          \
    XX(consumer_poll)                           \
    XX(destroy)                                 \
    XX(err2str)                                 \
    XX(error_code)                              \
    XX(error_destroy)                           \
    XX(error_string)                            \
    XX(event_AlterConsumerGroupOffsets_result)  \
    XX(event_CreateTopics_result)               \
    XX(event_DeleteGroups_result)               \
    XX(event_DeleteTopics_result)               \
    XX(event_DescribeConfigs_result)            \
    XX(event_DescribeConsumerGroups_result)     \
    XX(event_ListConsumerGroupOffsets_result)   \
    XX(event_ListConsumerGroups_result)         \
    XX(event_destroy)                           \
    XX(event_error)                             \
    XX(event_error_string)                      \
    XX(event_opaque)                            \
    XX(fatal_error)                             \
    XX(flush)                                   \
    XX(get_watermark_offsets)                   \
    XX(group_result_error)                      \
    XX(group_result_partitions)                 \
    XX(header_add)                              \
    XX(header_get_all)                          \
    XX(headers_destroy)                         \
    XX(headers_new)                             \
    XX(incremental_assign)                      \
    XX(incremental_unassign)                    \
    XX(last_error)                              \
    XX(message_destroy)                         \
    XX(message_errstr)                          \
    XX(message_headers)                         \
    XX(message_timestamp)                       \
    XX(mem_free)                                \
    XX(metadata)                                \
    XX(metadata_destroy)                        \
    XX(new)                                     \
    XX(offsets_for_times)                       \
    XX(poll)                                    \
    XX(poll_set_consumer)                       \
    XX(produce)                                 \
    XX(producev)                                \
    XX(purge)                                   \
    XX(queue_destroy)                           \
    XX(queue_forward)                           \
    XX(queue_get_partition)                     \
    XX(queue_new)                               \
    XX(queue_poll)                              \
    XX(seek_partitions)                         \
    XX(subscribe)                               \
    XX(topic_destroy)                           \
    XX(topic_new)                               \
    XX(topic_partition_list_add)                \
    XX(topic_partition_list_destroy)            \
    XX(topic_partition_list_new)                \
    XX(topic_result_error)                      \
    XX(topic_result_error_string)               \
    XX(version)                                 \
    XX(version_str)                             \
    XX(yield)

struct kafka_api {
    struct dynlib lib;
#define XX(name) __typeof__(&rd_kafka_##name) name;
    KAFKA_API_MAP(XX)
#undef XX
};

#endif
