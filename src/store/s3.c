/*
 * s3.c - a bucket of an S3-compatible server as a store.
 */
#include "store/store_ops.h"

static int s3_open(void **store, const char *rest,
                   const struct store_conf *conf, struct err *e)
{
    (void)store;
    (void)rest;
    (void)conf;
    return err_set(e, ERR_UNAVAILABLE, "S3 is not in this build");
}

const struct store_ops store_s3 = {
    .name = "s3",
    .scheme = "s3:",
    .help = "a bucket on AWS, MinIO, versitygw or any S3-compatible server",
    .is_shared = true,
    .open = s3_open,
};
