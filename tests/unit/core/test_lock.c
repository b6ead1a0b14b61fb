#include "core/lock.h"

#include <sys/wait.h>
#include <unistd.h>

#include "core/fs.h"
#include "test.h"

static void a_second_owner_is_told_of_the_first(void)
{
    char path[FS_PATH_MAX];
    char want[FS_PATH_MAX + 64];
    struct lock a;
    struct lock b;
    struct err e = {0};

    CHECK_OK(fs_join(path, test_folder(), "serve.lock", &e), &e);
    CHECK_OK(lock_take(&a, path, "serve", &e), &e);
    CHECK(lock_take(&b, path, "run", &e) < 0);
    CHECK_INT(e.code, ERR_BUSY);
    (void)snprintf(want, sizeof(want), "\"%s\" is locked by process %ld serve",
                   path, (long)getpid());
    CHECK_TEXT(slice_of(e.msg), want);
    CHECK(lock_wait(&b, path, "run", 1000, &e) < 0);
    lock_drop(&b);
    lock_drop(&a);
    CHECK_OK(lock_wait(&b, path, "run", 0, &e), &e);
    lock_drop(&b);
}

static void a_lock_ends_with_its_process(void)
{
    char path[FS_PATH_MAX];
    struct lock l;
    struct err e = {0};
    int status = -1;
    pid_t pid;

    CHECK_OK(fs_join(path, test_folder(), "dead.lock", &e), &e);
    pid = fork();
    if (pid == 0) {
        _exit(lock_take(&l, path, "dead", &e) == 0 ? 0 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_INT(status, 0);
    CHECK_OK(lock_take(&l, path, "next", &e), &e);
    lock_drop(&l);
}

static const struct test tests[] = {
    {"a second owner is told of the first",
     a_second_owner_is_told_of_the_first},
    {"a lock ends with its process", a_lock_ends_with_its_process},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
