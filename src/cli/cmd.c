#include "cli/cmd_int.h"

#include "core/text.h"

/* Every command, in alphabetical order. */
extern const struct cmd cmd_batch;
extern const struct cmd cmd_check;
extern const struct cmd cmd_clean;
extern const struct cmd cmd_emulate;
extern const struct cmd cmd_generate;
extern const struct cmd cmd_help;
extern const struct cmd cmd_init;
extern const struct cmd cmd_query;
extern const struct cmd cmd_replay;
extern const struct cmd cmd_run;
extern const struct cmd cmd_schedule;
extern const struct cmd cmd_serve;
extern const struct cmd cmd_sink;
extern const struct cmd cmd_sql;
extern const struct cmd cmd_status;
extern const struct cmd cmd_stream;
extern const struct cmd cmd_topics;
extern const struct cmd cmd_version;
extern const struct cmd cmd_worker;

const struct cmd *const cmd_list[] = {
    &cmd_batch,    &cmd_check,  &cmd_clean,   &cmd_emulate, &cmd_generate,
    &cmd_help,     &cmd_init,   &cmd_query,   &cmd_replay,  &cmd_run,
    &cmd_schedule, &cmd_serve,  &cmd_sink,    &cmd_sql,     &cmd_status,
    &cmd_stream,   &cmd_topics, &cmd_version, &cmd_worker,
};
const size_t cmd_count = ARRAY_LEN(cmd_list);

static const char *const log_formats[] = {"text", "json", "journal", NULL};

static const struct opt globals[] = {
    {.name = "config",
     .letter = 'C',
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "Read this configuration instead of ./pinline.yaml"},
    {.name = "data",
     .kind = OPT_TEXT,
     .arg = "DIR",
     .help = "Keep all data in this folder instead of ./pinline-data"},
    {.name = "help", .letter = 'h', .kind = OPT_FLAG, .help = "Show help"},
    {.name = "log-format",
     .kind = OPT_CHOICE,
     .arg = "FORMAT",
     .choices = log_formats,
     .help = "How log lines look: text, json or journal"},
    {.name = "quiet",
     .letter = 'q',
     .kind = OPT_FLAG,
     .help = "Show no progress, log only warnings"},
    {.name = "set",
     .kind = OPT_TEXT,
     .arg = "KEY=VALUE",
     .repeat = true,
     .help = "Override a setting; may be repeated"},
    {.name = "verbose", .letter = 'v', .kind = OPT_FLAG, .help = "Log more"},
    {.name = "version", .kind = OPT_FLAG, .help = "Show the version"},
};
const struct opt_table cmd_globals = {globals, ARRAY_LEN(globals)};

const struct cmd *cmd_find(struct slice name, struct err *e)
{
    const char *names[ARRAY_LEN(cmd_list)];
    const char *near;

    for (size_t i = 0; i < cmd_count; i++) {
        if (slice_is(name, cmd_list[i]->name)) {
            return cmd_list[i];
        }
        names[i] = cmd_list[i]->name;
    }
    near = text_nearest(name, names, cmd_count);
    if (near != NULL) {
        (void)err_set(e, ERR_INVALID,
                      "command \"%.*s\" is not known; did you mean \"%s\"?",
                      SLICE_FMT(name), near);
    } else {
        (void)err_set(e, ERR_INVALID,
                      "command \"%.*s\" is not known; `pinline help` lists "
                      "them",
                      SLICE_FMT(name));
    }
    return NULL;
}
