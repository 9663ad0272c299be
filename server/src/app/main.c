/* bellwire: voice and video calls for any application. This file knows the commands' names and nothing else. */
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/config.h"
#include "version.h" /* made from version.h.in */

static int command_version(char **argv);
static int command_help(char **argv);

static const struct {
	const char *name;
	int (*run)(char **argv);
	enum command options; /* whose options --help shows; 0: none */
	const char *help;
} commands[] = {
	{"serve", command_serve, SERVE, "serve calls"},
	{"dev", command_dev, DEV, "serve calls with a demo page on this machine"},
	{"doctor", command_doctor, DOCTOR, "look at a running server as its clients do, and say how to mend it"},
	{"token", command_token, TOKEN, "print a token for a user"},
	{"migrate", command_migrate, MIGRATE, "move an SQLite database into PostgreSQL"},
	{"backup", command_backup, BACKUP, "copy the SQLite database of a running server"},
	{"version", command_version, 0, "print the version"},
	{"help", command_help, 0, "print this, or: help COMMAND"},
};

#define N_COMMANDS (sizeof commands / sizeof commands[0])

static size_t command_index(const char *name)
{
	size_t i = 0;
	while (i < N_COMMANDS && strcmp(name, commands[i].name) != 0)
		i++;
	return i;
}

static int command_version(char **argv)
{
	(void)argv;
	puts("bellwire " BELLWIRE_VERSION);
	return EXIT_OK;
}

static int command_help(char **argv)
{
	size_t i = argv[0] ? command_index(argv[0]) : N_COMMANDS;
	if (argv[0] && strcmp(argv[0], "--markdown") == 0) {
		config_markdown(stdout);
		return EXIT_OK;
	}
	if (i < N_COMMANDS) {
		printf("bellwire %s: %s\n", commands[i].name, commands[i].help);
		config_help(stdout, commands[i].options);
		return EXIT_OK;
	}
	puts("usage: bellwire COMMAND [--option VALUE …]\n");
	for (i = 0; i < N_COMMANDS; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].help);
	puts("\nOptions of a command: bellwire help COMMAND. Every option may also be a variable, --listen for\n"
	     "instance BELLWIRE_LISTEN, or a line in the file that --config names.");
	return EXIT_OK;
}

int usage_wrong(struct str what)
{
	fprintf(stderr, "bellwire: %.*s\n", STR_ARG(what));
	return EXIT_USAGE_WRONG;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		command_help((char *[]){NULL});
		return EXIT_USAGE_WRONG;
	}
	const char *name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0)
		name = "version";
	size_t i = command_index(name);
	if (i == N_COMMANDS) {
		char what[200];
		snprintf(what, sizeof what, "unknown command %.100s; bellwire help lists them", name);
		return usage_wrong(str_of(what));
	}
	if (argc == 3 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
		return command_help((char *[]){argv[1], NULL});
	return commands[i].run(argv + 2);
}
