#include "flow/group.h"

#include <stdio.h>
#include <string.h>

#include "broker/broker.h"
#include "core/fs.h"
#include "core/secret.h"

enum {
    NAME_MAX_BYTES = 100,
    ID_BYTES = 6,
};

static int read_name(struct project *p, const char *path, struct err *e)
{
    struct slice name;
    struct buf b;
    int rc;

    buf_init(&b, NAME_MAX_BYTES);
    rc = fs_read(path, &b, e);
    name = slice_trim(buf_slice(&b));
    if (rc == 0 && !broker_topic_name_ok(name)) {
        rc = err_set(e, ERR_CORRUPT,
                     "file \"%s\" does not hold the name of a group", path);
    }
    rc = rc == 0 ? arena_copy(&p->arena, name, &name, e) : rc;
    if (rc == 0) {
        p->group = name.ptr;
    }
    buf_release(&b);
    return rc;
}

static int make_name(const char *path, struct err *e)
{
    unsigned char id[ID_BYTES];
    char text[64];
    int n;

    if (secret_random(id, sizeof(id), e) < 0) {
        return -1;
    }
    n = snprintf(text, sizeof(text), "pinline-%02x%02x%02x%02x%02x%02x\n",
                 id[0], id[1], id[2], id[3], id[4], id[5]);
    if (fs_publish_new(path, (struct slice){text, (size_t)n}, e) < 0) {
        return e->code == ERR_EXISTS ? 0 : -1; /* another process was first */
    }
    return 0;
}

int group_settle(struct project *p, struct err *e)
{
    char path[FS_PATH_MAX];

    if (broker_is_here(p->broker)) {
        return 0;
    }
    if (p->group[0] != '\0') {
        return broker_topic_name_ok(slice_of(p->group)) &&
                       strlen(p->group) <= NAME_MAX_BYTES
                   ? 0
                   : err_set(e, ERR_INVALID,
                             "group \"%.100s\" has other characters than a-z, "
                             "A-Z, 0-9, '.', '_' and '-', or more than %d",
                             p->group, NAME_MAX_BYTES);
    }
    if (fs_join(path, p->data, "group", e) < 0 ||
        (!fs_exists(path) && make_name(path, e) < 0)) {
        return -1;
    }
    return read_name(p, path, e);
}

void group_name(const struct project *p, const char *pipeline,
                char ret[TOPIC_NAME_MAX + 1])
{
    if (broker_is_here(p->broker)) {
        (void)snprintf(ret, TOPIC_NAME_MAX + 1, "%s", pipeline);
    } else {
        (void)snprintf(ret, TOPIC_NAME_MAX + 1, "%s.%.100s", p->group,
                       pipeline);
    }
}
