/* commands: what `bellwire WORD …` can be told to do. Each returns the process's exit status. */
#ifndef BELLWIRE_APP_COMMANDS_H
#define BELLWIRE_APP_COMMANDS_H

#include "base/str.h"

/* Exit statuses: 2 is the operator's to mend (an option, a file, a port), and nothing was touched. */
enum { EXIT_OK = 0, EXIT_BROKEN = 1, EXIT_USAGE_WRONG = 2 };

/* argv: the words after the command's name, closed by null. */
int command_serve(char **argv);
int command_dev(char **argv);
int command_token(char **argv);
int command_migrate(char **argv);
int command_backup(char **argv);
int command_doctor(char **argv);

/* Prints one line that says what is wrong and how to mend it; returns EXIT_USAGE_WRONG. */
int usage_wrong(struct str what);

#endif
