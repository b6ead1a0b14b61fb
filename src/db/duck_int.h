/*
 * duck_int.h - the insides of duck*.c; the only file that sees duckdb.h.
 */
#ifndef DB_DUCK_INT_H
#define DB_DUCK_INT_H

#include <stdatomic.h>

#include <duckdb.h>

#include "core/thread.h"
#include "db/duck.h"

/* XX(name): every function of the library that we call, sorted. */
#define DUCK_API_MAP(XX)                            \
    XX(append_data_chunk)                           \
    XX(appender_close)                              \
    XX(appender_create)                             \
    XX(appender_destroy)                            \
    XX(appender_error)                              \
    XX(bind_add_result_column)                      \
    XX(bind_set_cardinality)                        \
    XX(close)                                       \
    XX(column_count)                                \
    XX(column_logical_type)                         \
    XX(column_name)                                 \
    XX(connect)                                     \
    XX(create_config)                               \
    XX(create_data_chunk)                           \
    XX(create_list_type)                            \
    XX(create_logical_type)                         \
    XX(create_struct_type)                          \
    XX(create_table_function)                       \
    XX(data_chunk_get_size)                         \
    XX(data_chunk_get_vector)                       \
    XX(data_chunk_reset)                            \
    XX(data_chunk_set_size)                         \
    XX(decimal_internal_type)                       \
    XX(decimal_scale)                               \
    XX(destroy_config)                              \
    XX(destroy_data_chunk)                          \
    XX(destroy_extracted)                           \
    XX(destroy_logical_type)                        \
    XX(destroy_prepare)                             \
    XX(destroy_result)                              \
    XX(destroy_table_function)                      \
    XX(disconnect)                                  \
    XX(enum_dictionary_value)                       \
    XX(enum_internal_type)                          \
    XX(execute_prepared_streaming)                  \
    XX(extract_statements)                          \
    XX(extract_statements_error)                    \
    XX(fetch_chunk)                                 \
    XX(free)                                        \
    XX(from_date)                                   \
    XX(function_set_error)                          \
    XX(get_type_id)                                 \
    XX(init_get_column_count)                       \
    XX(init_get_column_index)                       \
    XX(init_set_error)                              \
    XX(init_set_init_data)                          \
    XX(init_set_max_threads)                        \
    XX(interrupt)                                   \
    XX(library_version)                             \
    XX(list_type_child_type)                        \
    XX(list_vector_get_child)                       \
    XX(list_vector_reserve)                         \
    XX(list_vector_set_size)                        \
    XX(open_ext)                                    \
    XX(prepare_error)                               \
    XX(prepare_extracted_statement)                 \
    XX(prepared_statement_type)                     \
    XX(query)                                       \
    XX(register_table_function)                     \
    XX(result_error)                                \
    XX(set_config)                                  \
    XX(struct_type_child_count)                     \
    XX(struct_type_child_name)                      \
    XX(struct_type_child_type)                      \
    XX(struct_vector_get_child)                     \
    XX(table_function_set_bind)                     \
    XX(table_function_set_extra_info)               \
    XX(table_function_set_function)                 \
    XX(table_function_set_init)                     \
    XX(table_function_set_name)                     \
    XX(table_function_supports_projection_pushdown) \
    XX(vector_ensure_validity_writable)             \
    XX(vector_get_data)                             \
    XX(vector_get_validity)                         \
    XX(vector_size)

struct duck_api {
#define XX(name) __typeof__(duckdb_##name) *name;
    DUCK_API_MAP(XX)
#undef XX
};

struct duck_view; /* one fed name */

struct duck {
    struct duck_api api;
    void *library;
    duckdb_database db;
    duckdb_connection con;
    int threads;
    bool locked;
    int64_t timeout_us;
    struct duck_view *views;
    unsigned fed; /* how many table functions were registered */
    /* how often a view's rows were copied, by any thread; read when a query is
     * over, so that those threads were done is also said by us */
    atomic_size_t copied;

    /* the watch over a running query */
    struct thread watch;
    struct mutex m;
    struct cond c;
    bool running;
    atomic_bool timed_out; /* set by the watch, read by the query's thread */
    atomic_bool interrupted;
    int64_t until_us; /* monotonic; INT64_MAX: no limit */
};

/* Fill api from the library; *ret is its handle, never closed (closing a
 * library with threads of its own is not safe). */
int duck_load(struct duck_api *api, void **ret, struct err *e) MUST_USE;

/* Put the address of a function of the loaded library into *ret, which has
 * the size of a function pointer. */
void duck_symbol(const char *name, void *ret, size_t size);

/* Start and end the watch that stops a query at its time limit. */
int duck_watch_start(struct duck *d, struct err *e) MUST_USE;
void duck_watch_stop(struct duck *d);

/* Raise what DuckDB said, shortened; timed out and interrupted queries get
 * their own codes. */
int duck_fail(struct duck *d, const char *text, struct err *e);

void duck_views_free(struct duck *d);

#endif
