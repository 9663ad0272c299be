/* What the SQLite store costs: acknowledged creations a second, its writer beside bare SQLite, pages of a long history.
 *
 *   store_bench FOLDER [creations] [writer] [history]     one JSON line for each figure; FOLDER on the disk meant
 *   store_bench FOLDER fill                               leaves history.db there, for others to measure
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "store_bench.h"

static bool wanted(int argc, char **argv, const char *part)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], part) == 0)
			return true;
	return argc == 2;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: store_bench FOLDER [creations] [writer] [history] | fill\n");
		return 2;
	}
	log_set_level(LOG_WARN);
	if (wanted(argc, argv, "creations"))
		bench_creations(argv[1]);
	if (wanted(argc, argv, "writer"))
		bench_writer(argv[1]);
	if (wanted(argc, argv, "history"))
		bench_history(argv[1]);
	if (argc == 3 && strcmp(argv[2], "fill") == 0)
		bench_fill(argv[1]);
	return 0;
}
