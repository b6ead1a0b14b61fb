/*
 * dynlib.h - shared libraries that are loaded when first needed.
 *
 * The client libraries of far sides (Kafka, Postgres, MySQL, HTTP) pull in
 * dozens of others; a program that does not use them should not pay for them
 * at start.  The one file that owns a library's header lists the functions it
 * uses once, and calls them through a struct of pointers:
 *
 *     #define PQ_API_MAP(XX) XX(PQconnectdb) XX(PQfinish)
 *     struct pq_api {
 *         struct dynlib lib;
 *     #define XX(name) __typeof__(&name) name;   (headers give the types)
 *     ...
 *     static const struct dynlib_symbol symbols[] = {
 *     #define XX(name) {#name, offsetof(struct pq_api, name)},
 *
 * Any thread may load; the result may be read by every thread.
 */
#ifndef CORE_DYNLIB_H
#define CORE_DYNLIB_H

#include "core/err.h"

struct dynlib_symbol {
    const char *name;
    size_t at; /* where in the struct of pointers the address goes */
};

struct dynlib {
    void *handle; /* NULL: not loaded */
};

/*
 * Load the first of the NULL-terminated file names ("libpq.so.5") that is
 * there and fill `api` with the n symbols.  ERR_UNAVAILABLE says what could
 * not be loaded and `hint`, the way to get it ("apt-get install libpq5").
 */
int dynlib_load(struct dynlib *lib, const char *const *files,
                const struct dynlib_symbol *symbols, size_t n, void *api,
                const char *hint, struct err *e) MUST_USE;
/* For symmetry: a library stays in memory once it was loaded.  One that is
 * not loaded is fine. */
void dynlib_close(struct dynlib *lib);

#endif
