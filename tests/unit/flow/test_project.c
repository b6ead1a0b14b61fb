#include "flow/project.h"

#include <stdio.h>

#include "core/fs.h"
#include "test.h"

static int load(const char *text, const char *const *sets, size_t n,
                struct project *p, struct faults *faults, struct err *e)
{
    static char path[FS_PATH_MAX];
    struct err why;

    (void)snprintf(path, sizeof(path), "%s/pinline.yaml", test_folder());
    CHECK_OK(fs_publish(path, slice_of(text), &why), &why);
    faults_init(faults);
    return project_load(p, path, NULL, sets, n, faults, e);
}

static void every_fault_is_found_at_once(void)
{
    struct project p;
    struct faults f;
    struct err e;

    CHECK(load("rows: many\nobjects:\n  flush_record: 1\nlisten: 1:2\n", NULL,
               0, &p, &f, &e) < 0);
    CHECK(e.code == ERR_INVALID);
    CHECK_INT(f.count, 2);
    CHECK_INT(f.list[0].line, 1);
    CHECK_INT(f.list[1].line, 3);
    CHECK(strstr(f.list[1].text, "flush_records") != NULL);
    faults_release(&f);
}

static void flags_are_stronger_than_the_file(void)
{
    const char *sets[] = {"rows=7", "pin.deduplicate=none"};
    struct project p;
    struct faults f;
    struct err e;

    CHECK_OK(load("rows: 5\nprefix: abc\n", sets, 2, &p, &f, &e), &e);
    CHECK_INT(p.rows, 7);
    CHECK_INT(p.spec_options.n, 1);
    CHECK_TEXT(slice_of(p.spec_options.items[0]), "pin.deduplicate=none");
    CHECK_TEXT(slice_of(project_topic(&p, "pin", &e)), "abc.pin");
    project_release(&p);
    faults_release(&f);
}

static void single_topics_have_names_of_their_own(void)
{
    const char *sets[] = {"topics=pin=Pins,geo=x.y"};
    struct project p;
    struct faults f;
    struct err e;

    CHECK_OK(load("", sets, 1, &p, &f, &e), &e);
    CHECK_TEXT(slice_of(project_topic(&p, "pin", &e)), "Pins");
    CHECK_TEXT(slice_of(project_topic(&p, "geo", &e)), "x.y");
    CHECK_TEXT(slice_of(project_topic(&p, "user", &e)), "user");
    CHECK_TEXT(slice_of(project_objects_dir(&p, &e)), "pinline-data/lake");
    project_release(&p);
    faults_release(&f);
}

static const struct test tests[] = {
    {"every fault is found at once", every_fault_is_found_at_once},
    {"flags are stronger than the file", flags_are_stronger_than_the_file},
    {"single topics have names of their own",
     single_topics_have_names_of_their_own},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
