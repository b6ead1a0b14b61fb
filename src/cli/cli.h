/*
 * cli.h - the command line: main() calls this and nothing else.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/* Run the command that argv names; returns the process's exit code. */
int cli_main(int argc, char **argv);

#endif
